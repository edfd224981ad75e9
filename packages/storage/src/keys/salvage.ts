import { toHex, wire } from '@quorate/protocol';
import { decodeRecord, IntegrityError } from '../sealing/errors.ts';
import { dataKeyPlace, type Keyring } from '../sealing/hierarchy.ts';
import { prefixesOf } from '../sealing/places.ts';
import type { StoreOperation } from '../store.ts';
import type { Copies } from './copies.ts';
import { certificateOf, isKept } from './entry.ts';
import { epochPlace, keyPlace, sharePlace } from './places.ts';
import type { RepairedEpoch } from './prepared.ts';
import { type EpochRecord, epochCodec, keyCodec, keyRecordVersion } from './record.ts';

type Put = Extract<StoreOperation, { readonly type: 'put' }>;

/**
 * Everything that a key consists of once an epoch of it is repaired, and the removal of the rest, for one batch. Of other epochs
 * stays what opens: whoever said READY keeps its share. One whose share is gone stays as shredded, so that its number does not
 * come back, and so does what was lost of a later one: under a number that is forgotten this node would promise another outcome.
 * What was set up with other parties goes: it is set up anew.
 */
export async function salvage(
  keyring: Keyring,
  copies: Copies,
  repaired: RepairedEpoch,
): Promise<readonly StoreOperation[]> {
  const { keyId, epoch } = repaired;
  const { records } = keyring;
  const puts: Put[] = [await keyRecord(keyring, repaired), ...newEpoch(keyring, repaired)];
  const whole: Readable[] = [];
  for await (const one of readable(keyring, keyId)) whole.push(one);
  const others = whole.filter((one) => one.epoch !== epoch);
  const known = others.map((one) => one.epoch);
  for (const old of others) puts.push(...(await oldEpoch(keyring, copies, keyId, old)));
  for (const number of await lostNumbers(keyring, repaired, whole)) puts.push(lostEpoch(keyring, repaired, number));
  // Nobody would ever shred what is forgotten. The copy of the epoch that is repaired does not open, or is what is written now: two
  // that differ would both be doubted.
  await copies.eraseOthers(keyId, known);
  const kept = new Set(puts.map(({ key }) => key));
  const deletes: StoreOperation[] = [];
  for (const prefix of ['key', 'pairs'].flatMap((group) => prefixesOf(`${group}/${toHex(keyId)}`)))
    for await (const key of records.places(prefix)) if (!kept.has(key)) deletes.push({ type: 'delete', key });
  return [...deletes, ...puts];
}

/** The operator's word, if it can still be read. @throws {VersionError} */
async function keyRecord({ records }: Keyring, { keyId, name, scheme }: RepairedEpoch): Promise<Put> {
  const place = keyPlace(keyId);
  const sealed = await records.sealed(place);
  const opened = sealed === undefined ? undefined : records.unseal(place, 'key', sealed);
  const { exported, frozen } =
    opened === undefined ? { exported: 0, frozen: 0 } : decodeRecord(place, keyCodec, opened);
  const record = { version: keyRecordVersion, name, scheme, frozen, exported };
  return put(records.seal(place, 'key', wire.encode(keyCodec, record)));
}

function newEpoch(keyring: Keyring, repaired: RepairedEpoch): readonly Put[] {
  const { keyId, epoch, publicPackage, share, ready, createdAt, certificate } = repaired;
  const { records } = keyring;
  const record: EpochRecord = {
    version: keyRecordVersion,
    createdAt,
    publicPackage,
    statement: ready,
    state: { type: 'certified', value: certificate },
  };
  const dataKey = keyring.newDataKey(keyId, epoch);
  using key = dataKey.key;
  return [
    put(dataKey.operation),
    put(share.use((bytes) => records.withKey(key).seal(sharePlace(keyId, epoch), 'share', bytes))),
    put(records.seal(epochPlace(keyId, epoch), 'epoch', wire.encode(epochCodec, record))),
  ];
}

/** An epoch of a damaged key whose own record is whole. */
interface Readable {
  readonly epoch: number;
  readonly record: EpochRecord;
  readonly sealed: Uint8Array;
}

/** The epochs of a key whose own records open, whatever else is wrong with it. @throws {VersionError} */
export async function* readable({ records }: Keyring, keyId: Uint8Array): AsyncGenerator<Readable> {
  const prefix = `epochs/${toHex(keyId)}/`;
  for await (const [place, sealed] of records.sealedUnder(prefix)) {
    const opened = records.unseal(place, 'epoch', sealed);
    if (opened === undefined) continue;
    yield { epoch: Number(place.slice(prefix.length)), record: decodeRecord(place, epochCodec, opened), sealed };
  }
}

async function oldEpoch(
  { records }: Keyring,
  copies: Copies,
  keyId: Uint8Array,
  { epoch, record, sealed }: Readable,
): Promise<readonly Put[]> {
  const place = epochPlace(keyId, epoch);
  if (!isKept(record)) return [{ type: 'put', key: place, value: sealed }];
  if (!(await opens(copies, keyId, epoch))) {
    const certificate = certificateOf(record.state) ?? new Uint8Array(0);
    const shredded: EpochRecord = { ...record, state: { type: 'shredded', value: { erased: 0, certificate } } };
    return [put(records.seal(place, 'epoch', wire.encode(epochCodec, shredded)))];
  }
  const places = [place, dataKeyPlace(keyId, epoch), sharePlace(keyId, epoch)];
  return await Promise.all(
    places.map(async (key) => ({ type: 'put' as const, key, value: (await records.sealed(key)) as Uint8Array })),
  );
}

/**
 * The numbers above the repaired epoch's of which something is here, and no record that opens. Where more was lost than leaves a
 * trace: the highest that this node can have taken part in, the seconds since 1970 by its clock.
 */
async function lostNumbers(
  { manifest, records }: Keyring,
  { createdAt, epoch, keyId }: RepairedEpoch,
  whole: readonly Readable[],
): Promise<ReadonlySet<number>> {
  const group = `key/${toHex(keyId)}`;
  const here = new Set<string>();
  for (const prefix of prefixesOf(group)) for await (const place of records.places(prefix)) here.add(place);
  here.delete(keyPlace(keyId));
  const numbers = new Set([...here].map((place) => Number(place.slice(place.lastIndexOf('/') + 1))));
  const known = new Map(whole.map((one) => [one.epoch, one.record]));
  const accounted = new Set([keyPlace(keyId), ...here]);
  for (const number of [epoch, ...numbers]) {
    const record = known.get(number);
    const secrets = [dataKeyPlace(keyId, number), sharePlace(keyId, number)];
    const hadShare = number === epoch || (record && isKept(record)) || secrets.some((place) => here.has(place));
    if (hadShare) for (const place of [epochPlace(keyId, number), ...secrets]) accounted.add(place);
  }
  const last = Math.floor(createdAt / 1_000);
  const isHidden = (manifest.countOf(group) ?? Infinity) > accounted.size;
  const lost = [...numbers].filter((number) => number > epoch && number <= last && !known.has(number));
  return new Set([...lost, ...(isHidden ? [last] : [])]);
}

/** What stays of an epoch that was lost. Its package is not known, only the key's: that of the repaired one stands for it. */
function lostEpoch({ records }: Keyring, { createdAt, keyId, publicPackage }: RepairedEpoch, number: number): Put {
  const state = { type: 'shredded', value: { erased: 0, certificate: new Uint8Array(0) } } as const;
  const statement = new Uint8Array(32);
  const record: EpochRecord = { version: keyRecordVersion, createdAt, publicPackage, statement, state };
  return put(records.seal(epochPlace(keyId, number), 'epoch', wire.encode(epochCodec, record)));
}

/** Whether the share opens, from its record or its copy; the record is restored if need be. */
async function opens(copies: Copies, keyId: Uint8Array, epoch: number): Promise<boolean> {
  try {
    await copies.heal(keyId, epoch);
    return true;
  } catch (error) {
    if (error instanceof IntegrityError) return false;
    throw error;
  }
}

function put(operation: StoreOperation): Put {
  if (operation.type !== 'put') throw new Error('a sealed record is put');
  return operation;
}
