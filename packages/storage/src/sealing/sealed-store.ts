import { EncodingError, equal, type Secret, wire } from '@quorate/protocol';
import type { Store, StoreOperation } from '../store.ts';
import { type OpenFailure, type Owner, openRecord, type Sealer, sealRecord } from './record.ts';

/** A record is there and does not open: the disk altered it, or somebody did. Names the place, never the contents. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';
  readonly code = 'record-damaged';
  readonly place: string;
  readonly reason: OpenFailure | 'missing' | 'contradiction';

  constructor(place: string, reason: OpenFailure | 'missing' | 'contradiction') {
    super(`the record ${place} is damaged (${reason}): restore this node's data before starting it`);
    this.place = place;
    this.reason = reason;
  }
}

/** A {@link Store} that holds only sealed records, all under one key. Places are store keys. */
export class SealedStore {
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #owner: Owner;
  readonly #key: Secret;

  /** Does not take ownership of `key`: whoever made it wipes it. */
  constructor(store: Store, sealer: Sealer, owner: Owner, key: Secret) {
    this.#store = store;
    this.#sealer = sealer;
    this.#owner = owner;
    this.#key = key;
  }

  /** The same store under another key: an epoch's records under the epoch's data key. */
  withKey(key: Secret): SealedStore {
    return new SealedStore(this.#store, this.#sealer, this.#owner, key);
  }

  /** The bytes at `place`, or undefined if nothing was ever put there. @throws {IntegrityError} @throws {StoreError} */
  async get(place: string, kind: string): Promise<Uint8Array | undefined> {
    const sealed = await this.#store.get(place);
    return sealed === undefined ? undefined : this.#open(place, kind, sealed);
  }

  /** The operation that puts `bytes` at `place`, for a {@link batch}. */
  seal(place: string, kind: string, bytes: Uint8Array): StoreOperation {
    const value = sealRecord(this.#sealer, this.#key, { ...this.#owner, place, kind }, bytes);
    return { type: 'put', key: place, value };
  }

  /** Applies all operations or none, synced unless it is said otherwise. @throws {StoreError} */
  batch(operations: readonly StoreOperation[], options?: { readonly sync?: boolean }): Promise<void> {
    return this.#store.batch(operations, options);
  }

  /** Puts one record, synced, then reads it back, opens it and compares. @throws {IntegrityError} @throws {StoreError} */
  async put(place: string, kind: string, bytes: Uint8Array): Promise<void> {
    await this.batch([this.seal(place, kind, bytes)]);
    await this.verify(place, kind, bytes);
  }

  /** Reads `place` back and compares it with `bytes`. @throws {IntegrityError} @throws {StoreError} */
  async verify(place: string, kind: string, bytes: Uint8Array): Promise<void> {
    const found = await this.get(place, kind);
    if (found === undefined) throw new IntegrityError(place, 'missing');
    const same = equal(found, bytes);
    found.fill(0);
    if (!same) throw new IntegrityError(place, 'contradiction');
  }

  /** The records of one kind whose place starts with `prefix`, in order. @throws {IntegrityError} @throws {StoreError} */
  async *entries(prefix: string, kind: string): AsyncGenerator<[place: string, bytes: Uint8Array]> {
    for await (const [place, sealed] of this.#store.entries(prefix)) yield [place, this.#open(place, kind, sealed)];
  }

  #open(place: string, kind: string, sealed: Uint8Array): Uint8Array {
    const opened = openRecord(this.#sealer.aead, this.#key, { ...this.#owner, place, kind }, sealed);
    if ('failure' in opened) throw new IntegrityError(place, opened.failure);
    return opened.plaintext;
  }
}

/** What a record's bytes encode. @throws {IntegrityError} if they are of a format that this version does not know */
export function decodeRecord<T>(place: string, codec: wire.Codec<T>, bytes: Uint8Array): T {
  try {
    return wire.decode(codec, bytes);
  } catch (error) {
    if (error instanceof EncodingError) throw new IntegrityError(place, 'malformed');
    throw error;
  }
}
