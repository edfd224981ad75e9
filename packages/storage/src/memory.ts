import type { Annex } from './annex.ts';
import { CommittedStore, type Engine, StoreError, type StoreOperation } from './store.ts';

/** A store in memory, with its annex, and the semantics of the real one, which can be made to fail: for simulations. */
export class MemoryStore extends CommittedStore {
  readonly #engine: MemoryEngine;
  readonly beside: MemoryAnnex;

  /** @param pause resolves when the disk has taken a write in: its fsync takes as long. Default: at once. */
  constructor(
    records: ReadonlyMap<string, Uint8Array> = new Map(),
    files: ReadonlyMap<string, Uint8Array> = new Map(),
    pause?: () => Promise<void>,
  ) {
    const engine = new MemoryEngine(records, pause);
    const beside = new MemoryAnnex(files, engine);
    super(engine, beside);
    this.#engine = engine;
    this.beside = beside;
  }

  /** How many writes reached engine and annex. Batches that were committed as a group count as one; the counter's do not. */
  get writes(): number {
    return this.#engine.writes;
  }

  /**
   * Makes the `nth` write from now fail (1 is the next one). `applied` says whether it reached the disk all the same: a
   * caller that sees the failure must not count on either.
   */
  failWrite(nth: number, { applied = false }: { readonly applied?: boolean } = {}): void {
    this.#engine.failure = { write: this.#engine.writes + nth, applied };
  }

  /** What is on the disk for good, by key. */
  get durable(): ReadonlyMap<string, Uint8Array> {
    return this.#engine.durable;
  }

  /**
   * The store as it is found after a power cut: whatever was not synced is lost, except that of the batches since then the
   * first `kept` got to the disk all the same. This handle is of no more use.
   */
  crash(kept = 0): MemoryStore {
    return this.#found(this.#engine.after(kept));
  }

  /** The store as it is found after the process alone was killed. This handle is of no more use. */
  kill(): MemoryStore {
    return this.#found(this.#engine.current);
  }

  #found(records: ReadonlyMap<string, Uint8Array>): MemoryStore {
    const { files } = this.beside;
    this.#engine.halt();
    void this.close();
    return new MemoryStore(records, files, this.#engine.pause);
  }
}

class MemoryEngine implements Engine {
  writes = 0;
  failure: { readonly write: number; readonly applied: boolean } | undefined;
  readonly current: Map<string, Uint8Array>;
  readonly durable: Map<string, Uint8Array>;
  readonly pause: (() => Promise<void>) | undefined;
  /** Batches that are not synced, the one under way last. */
  readonly #unsynced: (readonly StoreOperation[])[] = [];
  #halted = false;

  constructor(records: ReadonlyMap<string, Uint8Array>, pause: (() => Promise<void>) | undefined) {
    this.current = new Map(records);
    this.durable = new Map(records);
    this.pause = pause;
  }

  /** What is found after a power cut. */
  after(kept: number): ReadonlyMap<string, Uint8Array> {
    const found = new Map(this.durable);
    for (const operations of this.#unsynced.slice(0, kept)) apply(operations, found);
    return found;
  }

  /** Whatever is under way never ends. */
  halt(): void {
    this.#halted = true;
  }

  /** Resolves when a write would reach the disk; never, once the machine is off. */
  async arrive(): Promise<void> {
    if (this.pause === undefined) return;
    await this.pause();
    if (this.#halted) await new Promise<void>(() => undefined);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.current.get(key)?.slice();
  }

  async write(operations: readonly StoreOperation[], sync: boolean): Promise<void> {
    const finish = this.begin();
    this.#unsynced.push(operations);
    await this.arrive();
    apply(operations, this.current);
    if (sync) for (const batch of this.#unsynced.splice(0)) apply(batch, this.durable);
    finish();
  }

  /** Counts a write, and fails it if it is to fail: at once, or when what it returns is called. */
  begin(): () => void {
    this.writes += 1;
    const fails = this.failure?.write === this.writes;
    if (fails && this.failure?.applied !== true) throw new Error('injected: no space left');
    return () => {
      if (fails) throw new Error('injected: sync failed');
    };
  }

  async *entries(first: string, end: string): AsyncGenerator<[string, Uint8Array]> {
    const found = [...this.current].filter(([key]) => key >= first && key < end);
    for (const [key, value] of found.sort(([a], [b]) => (a < b ? -1 : 1))) yield [key, value.slice()];
  }

  async close(): Promise<void> {}
}

function apply(operations: readonly StoreOperation[], records: Map<string, Uint8Array>): void {
  for (const operation of operations) {
    if (operation.type === 'put') records.set(operation.key, operation.value.slice());
    else records.delete(operation.key);
  }
}

/** An annex in memory: its files by name, which a test may alter, and the counter among them. */
export class MemoryAnnex implements Annex {
  readonly files: Map<string, Uint8Array>;
  readonly #engine: MemoryEngine;

  constructor(files: ReadonlyMap<string, Uint8Array>, engine: MemoryEngine) {
    this.files = new Map(files);
    this.#engine = engine;
  }

  async readCounter(): Promise<Uint8Array | undefined> {
    return this.files.get('counter')?.slice();
  }

  writeCounter(offset: number, bytes: Uint8Array): void {
    const old = this.files.get('counter') ?? new Uint8Array(0);
    const file = new Uint8Array(Math.max(old.length, offset + bytes.length));
    file.set(old);
    file.set(bytes, offset);
    this.files.set('counter', file);
  }

  async copies(): Promise<readonly string[]> {
    return [...this.files.keys()].filter((name) => name !== 'counter').sort();
  }

  async readCopy(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name)?.slice();
  }

  async writeCopy(name: string, bytes: Uint8Array): Promise<void> {
    await this.#write(() => void this.files.set(name, bytes.slice()));
  }

  async eraseCopy(name: string): Promise<void> {
    await this.#write(() => void this.files.delete(name));
  }

  async close(): Promise<void> {}

  async #write(change: () => void): Promise<void> {
    try {
      const finish = this.#engine.begin();
      await this.#engine.arrive();
      change();
      finish();
    } catch (cause) {
      throw new StoreError('store-failed', 'a second copy could not be written', cause);
    }
  }
}
