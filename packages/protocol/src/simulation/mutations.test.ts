import { describe, expect, it } from 'vitest';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { bytes, choice, encode, fixed, list, point, scalar, struct, u8, u16, vector } from '../wire/codec.ts';
import { locate } from './fields.ts';
import { mutationsOf } from './mutations.ts';
import { seededStream } from './seeds.ts';

const everything = struct({
  number: u16,
  blob: bytes(9),
  pairs: list(struct({ key: u8, value: scalar(toy) }), 5),
  either: choice({ none: fixed(0), some: point(toy) }),
  three: vector(u8, 3),
});

const sample = encode(everything, {
  number: 7,
  blob: Uint8Array.of(1, 2, 3),
  pairs: [1, 2, 3].map((key) => ({ key, value: BigInt(key) })),
  either: { type: 'some', value: toy.generator },
  three: [4, 5, 6],
});

describe('the fields of a message', () => {
  it('are all found, in order, with nothing between them', () => {
    const fields = locate(everything.schema, sample);
    expect(fields.map(({ path, kind, length }) => `${path} ${kind} ${length}`)).toEqual([
      'number integer 2',
      'blob# length 4',
      'blob bytes 3',
      'pairs# count 2',
      ...[0, 1, 2].flatMap((i) => [`pairs[${i}].key integer 1`, `pairs[${i}].value scalar 32`]),
      'either# selector 1',
      'either point 32',
      ...[0, 1, 2].map((i) => `three[${i}] integer 1`),
    ]);
    let end = 0;
    for (const { offset, length } of fields) {
      expect(offset).toBe(end);
      end = offset + length;
    }
    expect(end).toBe(sample.length);
  });
});

describe('the mutations of a message', () => {
  const mutations = mutationsOf(everything, sample, seededStream(1, 'test'));
  const names = (malformed: boolean): string[] =>
    mutations.filter((one) => one.malformed === malformed).map(({ name }) => name);

  it('change it, and tell what still decodes from what does not', () => {
    for (const { payload } of mutations) expect(payload).not.toEqual(sample);
    expect(names(true)).toEqual(
      expect.arrayContaining([
        'cut by a byte',
        'emptied',
        'extended by a byte',
        'blob# plus one',
        'blob# maximal',
        'pairs# less one',
        'pairs# plus one',
        'pairs[0].value order',
        'pairs[2].value maximal',
        'either# 0',
        'either# maximal',
        'either identity',
        'either not canonical',
      ]),
    );
    expect(names(false)).toEqual(
      expect.arrayContaining([
        'number 0',
        'blob flipped',
        'pairs[0].value 0',
        'pairs[2].value random',
        'pairs# without the last item',
        'pairs# with the last item twice',
        'pairs# with the first two swapped',
        'pairs# emptied',
        'either random',
        'three[2] plus one',
      ]),
    );
  });

  it('leave out the middle of a list', () => {
    expect(mutations.some(({ name }) => name.startsWith('pairs[1]') || name.startsWith('three[1]'))).toBe(false);
  });

  it.each([ed25519, secp256k1, toy])('hold every bad point and scalar that $name refuses', (group) => {
    const codec = struct({ point: point(group), scalar: scalar(group) });
    const payload = encode(codec, { point: group.multiplyBase(5n), scalar: 5n });
    const found = mutationsOf(codec, payload, seededStream(1, 'test'));
    const good = found.filter(({ malformed }) => !malformed).map(({ name }) => name);
    expect(good).toEqual([
      'point generator',
      'point random',
      'scalar 0',
      'scalar 1',
      'scalar order less one',
      'scalar random',
    ]);
    // Each as long as the true one: refused for what they are.
    for (const { name, payload: changed } of found.filter(({ name }) => /^(point|scalar)/.test(name))) {
      expect(changed.length, name).toBe(payload.length);
    }
  });
});
