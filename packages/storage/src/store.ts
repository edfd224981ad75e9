import type { Annex } from './annex.ts';

/** One change of a batch. `value` belongs to the store until the batch has settled. */
export type StoreOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: string };

/**
 * The door to the disk: an ordered map from printable ASCII keys to bytes. Every method rejects with {@link StoreError}.
 */
export interface Store {
  get(key: string): Promise<Uint8Array | undefined>;
  /** All of `operations` or none. Resolves after an fsync, unless `sync` is false. Batches take effect in call order. */
  batch(operations: readonly StoreOperation[], options?: { readonly sync?: boolean }): Promise<void>;
  /** The entries whose key starts with `prefix`, in key order, as they were when the iteration began. */
  entries(prefix: string): AsyncIterable<[key: string, value: Uint8Array]>;
  /**
   * Makes sure that no file holds an older value of what `operations` put or delete. They are in force already, and nothing
   * else changes those keys meanwhile. It waits for iterations under way, and later ones wait for it: not to be called in one.
   */
  purge(operations: readonly StoreOperation[]): Promise<void>;
  /** What is kept beside the database; undefined where nothing is. */
  readonly annex?: Annex | undefined;
  /** Waits for batches under way. Harmless when repeated. */
  close(): Promise<void>;
}

/**
 * - `store-locked`: another process has the folder open.
 * - `store-unavailable`: the folder cannot be opened.
 * - `store-damaged`: files of the database are gone or damaged. Nothing was changed.
 * - `store-failed`: a write failed. What reached the disk is unknown, so the handle is dead: close it and open again.
 * - `store-closed`: used after `close()`.
 */
export type StoreErrorCode = 'store-locked' | 'store-unavailable' | 'store-damaged' | 'store-failed' | 'store-closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What {@link CommittedStore} builds on: LevelDB, or memory. */
export interface Engine {
  /** Resolves when this turn of the event loop is over, where there is one: the batches of a turn share a write. */
  turn?(): Promise<void>;
  get(key: string): Promise<Uint8Array | undefined>;
  write(operations: readonly StoreOperation[], sync: boolean): Promise<void>;
  /** Keys in [first, end). */
  entries(first: string, end: string): AsyncIterable<[string, Uint8Array]>;
  /** See {@link Store.purge}. */
  purge?(operations: readonly StoreOperation[]): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly operations: readonly StoreOperation[];
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (reason: StoreError) => void;
}

/**
 * A store over an engine, with group commit and one strike. The batches of one turn of the event loop, and those that
 * arrive while a write is under way, share one write and one fsync: twenty concurrent signatures wait for two fsyncs, not
 * for twenty, and a signature and its audit entry for one. A failed write kills the handle (R6), since after a failed fsync
 * nobody knows what is on the disk.
 */
export class CommittedStore implements Store {
  readonly annex: Annex | undefined;
  readonly #engine: Engine;
  #waiting: Waiting[] = [];
  #writer: Promise<void> | undefined;
  #dead: StoreError | undefined;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, annex?: Annex) {
    this.#engine = engine;
    this.annex = annex;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#checkAlive();
    checkKey(key);
    return await this.#engine.get(key).catch(failedRead);
  }

  async batch(operations: readonly StoreOperation[], { sync = true }: { readonly sync?: boolean } = {}): Promise<void> {
    this.#checkAlive();
    for (const { key } of operations) checkKey(key);
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ operations, sync, resolve, reject });
      this.#writer ??= this.#write();
    });
  }

  async *entries(prefix: string): AsyncGenerator<[string, Uint8Array]> {
    this.#checkAlive();
    checkKey(prefix);
    try {
      // Keys are printable ASCII, so every key that starts with the prefix sorts below prefix ‖ DEL.
      for await (const entry of this.#engine.entries(prefix, `${prefix}\x7f`)) {
        // LevelDB checks no checksums of its tables: a key may come back as another one.
        if (!isKey(entry[0])) throw new RangeError('a key that was never written');
        yield entry;
      }
    } catch (cause) {
      failedRead(cause);
    }
  }

  async purge(operations: readonly StoreOperation[]): Promise<void> {
    this.#checkAlive();
    if (operations.length === 0) return;
    await this.#writer;
    await this.#engine.purge?.(operations).catch((cause: unknown) => {
      throw new StoreError('store-failed', 'old values could not be removed from the files', cause);
    });
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#writer;
      await this.#engine.close();
    })();
    return this.#closing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#engine.turn !== undefined) await this.#engine.turn();
      const group = this.#waiting;
      this.#waiting = [];
      try {
        // The last change of a key is the one that counts; the manifest's records change with every batch.
        const last = new Map(group.flatMap(({ operations }) => operations.map((one) => [one.key, one])));
        const operations = [...last.values()];
        await this.#engine.write(
          operations,
          group.some(({ sync }) => sync),
        );
        for (const { resolve } of group) resolve();
      } catch (cause) {
        const dead = new StoreError('store-failed', 'a write failed: the store must be closed and opened again', cause);
        this.#dead = dead;
        for (const { reject } of [...group, ...this.#waiting.splice(0)]) reject(dead);
      }
    }
    this.#writer = undefined;
  }

  #checkAlive(): void {
    if (this.#dead !== undefined) throw this.#dead;
    if (this.#closing !== undefined) throw new StoreError('store-closed', 'the store is closed');
  }
}

function failedRead(cause: unknown): never {
  throw new StoreError('store-failed', 'a read failed', cause);
}

function checkKey(key: string): void {
  if (!isKey(key)) throw new RangeError('a store key is printable ASCII');
}

function isKey(key: string): boolean {
  return /^[\x20-\x7e]*$/.test(key);
}
