import { concat, equal, fromBytesBE, fromHex, toBytesBE, toBytesLE } from '../bytes.ts';
import { EncodingError, type Group, type GroupName } from '../groups/group.ts';
import { tryDecode } from '../protocol.ts';
import { type Randomness, randomScalar } from '../random.ts';
import type { Codec } from '../wire/codec.ts';
import { type Field, locate } from './fields.ts';

/** A message with one thing changed. */
export interface Mutation {
  readonly name: string;
  readonly payload: Uint8Array;
  /** Whether it no longer decodes: then its sender is to blame, whatever the protocol. */
  readonly malformed: boolean;
}

/** Encodings that a group's strict decoder refuses: identities, small order, mixed order, not canonical, not on the curve. */
const badPoints: Readonly<Record<GroupName, Readonly<Record<string, string>>>> = {
  ed25519: {
    identity: `01${'00'.repeat(31)}`,
    'negative identity': `01${'00'.repeat(30)}80`,
    'order two': `ec${'ff'.repeat(30)}7f`,
    'order four': '00'.repeat(32),
    'order eight': 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'generator plus torsion': '98519eadf35b995233b51b5cd23e9cc5a28b639b5a4af0ec903cb960d81b7819',
    'not canonical': `ee${'ff'.repeat(30)}7f`,
    'off the curve': `02${'00'.repeat(31)}`,
  },
  secp256k1: {
    identity: '00'.repeat(33),
    'uncompressed prefix': '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    'hybrid prefix': '0679be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    'not canonical': `02${'ff'.repeat(32)}`,
    'off the curve': `02${'00'.repeat(31)}05`,
  },
  toy: { identity: '00'.repeat(32), 'not canonical': `00${'00'.repeat(23)}2000000000000000` },
};

/**
 * Every way in which a message of this format is attacked: cut short, extended, and each field set to the values at which
 * checks go wrong. Of a list, the first and the last item are attacked. Mutations that change nothing are left out.
 */
export function mutationsOf<T>(codec: Codec<T>, payload: Uint8Array, random: Randomness): readonly Mutation[] {
  const variants: [name: string, payload: Uint8Array][] = [
    ['cut by a byte', payload.slice(0, -1)],
    ['emptied', payload.slice(0, 0)],
    ['extended by a byte', concat(payload, Uint8Array.of(0))],
    ['extended by itself', concat(payload, payload)],
  ];
  const fields = locate(codec.schema, payload);
  const last = lastItems(fields);
  for (const field of fields) {
    if (
      ![...field.path.matchAll(/(.*?)\[(\d+)\]/g)].every(({ 1: list, 2: i }) => i === '0' || last.has(`${list}[${i}]`))
    ) {
      continue;
    }
    const before = payload.subarray(0, field.offset);
    const value = payload.subarray(field.offset, field.offset + field.length);
    const after = payload.subarray(field.offset + field.length);
    for (const [name, changed] of valuesFor(field, value, random)) {
      variants.push([`${field.path} ${name}`, concat(before, changed, after)]);
    }
    variants.push(...listChanges(field, payload));
  }
  return variants
    .filter(([, changed]) => !equal(changed, payload))
    .map(([name, changed]) => ({ name, payload: changed, malformed: tryDecode(codec, changed) === undefined }));
}

function valuesFor(field: Field, value: Uint8Array, random: Randomness): [name: string, value: Uint8Array][] {
  const { kind, length, group } = field;
  switch (kind) {
    case 'scalar':
      return scalars(group as Group, random);
    case 'point':
      return points(group as Group, random);
    case 'bytes':
      return length === 0
        ? []
        : [
            ['flipped', flipped(value)],
            ['zeroed', new Uint8Array(length)],
          ];
    case 'integer':
    case 'length':
    case 'count':
    case 'selector': {
      const number = fromBytesBE(value);
      const limit = 1n << BigInt(8 * length);
      const near: [string, bigint][] = [
        ['0', 0n],
        ['less one', number === 0n ? 0n : number - 1n],
        ['plus one', (number + 1n) % limit],
        ['maximal', limit - 1n],
      ];
      return near.map(([name, changed]) => [name, toBytesBE(changed, length)]);
    }
  }
}

function scalars(group: Group, random: Randomness): [name: string, value: Uint8Array][] {
  const { order, scalarBytes } = group;
  const raw = group.encodeScalar(1n)[0] === 1 ? toBytesLE : toBytesBE;
  return [
    ['0', raw(0n, scalarBytes)],
    ['1', raw(1n, scalarBytes)],
    ['order less one', raw(order - 1n, scalarBytes)],
    ['order', raw(order, scalarBytes)],
    ['order plus one', raw(order + 1n, scalarBytes)],
    ['maximal', new Uint8Array(scalarBytes).fill(0xff)],
    ['random', raw(randomScalar(random, order), scalarBytes)],
  ];
}

function points(group: Group, random: Randomness): [name: string, value: Uint8Array][] {
  const other = group.encodePoint(group.multiplyBase(randomScalar(random, group.order)));
  const bad = Object.entries(badPoints[group.name]).map(([name, hex]): [string, Uint8Array] => [name, fromHex(hex)]);
  return [...bad, ['generator', group.encodePoint(group.generator)], ['random', other]];
}

/** A list shortened, lengthened and reordered, with the count that belongs to it. */
function listChanges({ kind, path, offset, length, items = [] }: Field, payload: Uint8Array): [string, Uint8Array][] {
  if (kind !== 'count' || items.length < 2) return [];
  const count = items.length - 1;
  const [start, end] = [items[0] as number, items[count] as number];
  const item = (i: number): Uint8Array => payload.subarray(items[i], items[i + 1]);
  const all = Array.from({ length: count }, (_, i) => item(i));
  const rebuilt = (list: readonly Uint8Array[]): Uint8Array =>
    concat(payload.subarray(0, offset), toBytesBE(BigInt(list.length), length), ...list, payload.subarray(end));
  if (start !== offset + length) throw new EncodingError('the items of a list follow its count');
  return [
    [`${path} without the last item`, rebuilt(all.slice(0, -1))],
    [`${path} with the last item twice`, rebuilt([...all, item(count - 1)])],
    [`${path} with the first two swapped`, rebuilt([...all.slice(0, 2).reverse(), ...all.slice(2)])],
    [`${path} emptied`, rebuilt([])],
  ];
}

/** The paths of the last item of each list. */
function lastItems(fields: readonly Field[]): ReadonlySet<string> {
  const last = new Map<string, number>();
  for (const { path } of fields) {
    for (const { 1: list, 2: index } of path.matchAll(/(.*?)\[(\d+)\]/g)) {
      last.set(list as string, Math.max(last.get(list as string) ?? 0, Number(index)));
    }
  }
  return new Set([...last].map(([list, index]) => `${list}[${index}]`));
}

function flipped(value: Uint8Array): Uint8Array {
  const out = value.slice();
  out[0] = (out[0] as number) ^ 1;
  return out;
}
