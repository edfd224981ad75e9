import { equal, type Secret } from '@quorate/protocol';
import type { Store, StoreOperation } from '../store.ts';
import { IntegrityError } from './errors.ts';
import type { Commitment, Manifest } from './manifest.ts';
import { type Owner, openRecord, type Sealer, sealRecord } from './record.ts';

/** A {@link Store} that holds only sealed records, all under one key. Places are store keys. */
export class SealedStore {
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #owner: Owner;
  readonly #key: Secret;
  readonly #manifest: Manifest | undefined;

  /** Does not take ownership of `key`: whoever made it wipes it. */
  constructor(store: Store, sealer: Sealer, owner: Owner, key: Secret, manifest?: Manifest) {
    this.#store = store;
    this.#sealer = sealer;
    this.#owner = owner;
    this.#key = key;
    this.#manifest = manifest;
  }

  /** The same store under another key: an epoch's records under the epoch's data key. */
  withKey(key: Secret): SealedStore {
    return new SealedStore(this.#store, this.#sealer, this.#owner, key, this.#manifest);
  }

  /** The bytes at `place`, or undefined if nothing was ever put there. @throws {IntegrityError} @throws {StoreError} */
  async get(place: string, kind: string): Promise<Uint8Array | undefined> {
    const sealed = await (this.#manifest?.read(place) ?? this.#store.get(place));
    return sealed === undefined ? undefined : this.#open(place, kind, sealed);
  }

  /** The operation that puts `bytes` at `place`, for a {@link batch}. */
  seal(place: string, kind: string, bytes: Uint8Array): StoreOperation {
    const value = sealRecord(this.#sealer, this.#key, { ...this.#owner, place, kind }, bytes);
    return { type: 'put', key: place, value };
  }

  /** Applies all operations or none, synced. See {@link Manifest.commit}. @throws {StoreError} */
  batch(operations: readonly StoreOperation[], options?: Commitment): Promise<void> {
    return this.#manifest?.commit(operations, options) ?? this.#store.batch(operations);
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

  /** What is at `place`, sealed and unchecked. @throws {StoreError} */
  async sealed(place: string): Promise<Uint8Array | undefined> {
    return await this.#store.get(place);
  }

  /** What `sealed` holds, if it was sealed for `place` under this key. */
  unseal(place: string, kind: string, sealed: Uint8Array): Uint8Array | undefined {
    const opened = openRecord(this.#sealer.aead, this.#key, { ...this.#owner, place, kind }, sealed);
    return 'failure' in opened ? undefined : opened.plaintext;
  }

  /** Puts back what was at `place` before it was damaged, the very same bytes, synced: the manifest does not change. */
  async restore(place: string, sealed: Uint8Array): Promise<void> {
    await this.#store.batch([{ type: 'put', key: place, value: sealed }]);
  }

  /** See {@link Store.purge}. */
  async purge(operations: readonly StoreOperation[]): Promise<void> {
    await this.#store.purge(operations);
  }

  /** The records whose places start with `prefix` as they lie there, whatever is in them: also those that a look-up would miss. */
  sealedUnder(prefix: string): AsyncIterable<readonly [place: string, sealed: Uint8Array]> {
    return this.#store.entries(prefix);
  }

  /** The places of records that start with `prefix`, in order, whatever is in them. @throws {StoreError} */
  async *places(prefix: string): AsyncGenerator<string> {
    for await (const [place] of this.#store.entries(prefix)) yield place;
  }

  #open(place: string, kind: string, sealed: Uint8Array): Uint8Array {
    const opened = openRecord(this.#sealer.aead, this.#key, { ...this.#owner, place, kind }, sealed);
    if ('failure' in opened) throw new IntegrityError(place, opened.failure);
    return opened.plaintext;
  }
}
