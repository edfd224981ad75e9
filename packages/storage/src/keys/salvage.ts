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
 * come back; one of which nothing opens is forgotten. What was set up with other parties goes: it is set up anew.
 */
export async function salvage(
  keyring: Keyring,
  copies: Copies,
  repaired: RepairedEpoch,
): Promise<readonly StoreOperation[]> {
  const { keyId, epoch } = repaired;
  const { records } = keyring;
  const puts: Put[] = [await keyRecord(keyring, repaired), ...newEpoch(keyring, repaired)];
  const known: number[] = [];
  for await (const old of readable(keyring, keyId)) {
    if (old.epoch === epoch) continue;
    known.push(old.epoch);
    puts.push(...(await oldEpoch(keyring, copies, keyId, old)));
  }
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
