import type { Annex } from './annex.ts';
import { CommittedStore, type Engine, StoreError, type StoreOperation } from './store.ts';

/** A store in memory, with its annex, and the semantics of the real one, which can be made to fail: for simulations. */
export class MemoryStore extends CommittedStore {
  readonly #engine: MemoryEngine;
  readonly beside: MemoryAnnex;

  constructor(
    records: ReadonlyMap<string, Uint8Array> = new Map(),
    files: ReadonlyMap<string, Uint8Array> = new Map(),
  ) {
    const engine = new MemoryEngine(records);
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

  /** Another disk with what is on this one. */
  copy(): MemoryStore {
    return new MemoryStore(this.#engine.current, this.beside.files);
  }

  /** The store as it is found after a power cut: whatever was not synced is lost. This handle is of no more use. */
  crash(): MemoryStore {
    void this.close();
    return new MemoryStore(this.#engine.durable, this.beside.files);
  }

  /** The store as it is found after the process alone was killed. This handle is of no more use. */
  kill(): MemoryStore {
    void this.close();
    return new MemoryStore(this.#engine.current, this.beside.files);
  }
}

class MemoryEngine implements Engine {
  writes = 0;
  failure: { readonly write: number; readonly applied: boolean } | undefined;
  readonly current: Map<string, Uint8Array>;
  durable: ReadonlyMap<string, Uint8Array>;

  constructor(records: ReadonlyMap<string, Uint8Array>) {
    this.current = new Map(records);
    this.durable = new Map(records);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.current.get(key)?.slice();
  }

  async write(operations: readonly StoreOperation[], sync: boolean): Promise<void> {
    const finish = this.begin();
    for (const operation of operations) {
      if (operation.type === 'put') this.current.set(operation.key, operation.value.slice());
      else this.current.delete(operation.key);
    }
    if (sync) this.durable = new Map(this.current);
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
    await this.#write(() => this.files.set(name, bytes.slice()));
  }

  async eraseCopy(name: string): Promise<void> {
    await this.#write(() => this.files.delete(name));
  }

  async close(): Promise<void> {}

  async #write(change: () => void): Promise<void> {
    try {
      const finish = this.#engine.begin();
      change();
      finish();
    } catch (cause) {
      throw new StoreError('store-failed', 'a second copy could not be written', cause);
    }
  }
}
