import { CommittedStore, type Engine, type StoreOperation } from './store.ts';

/** A store in memory with the semantics of the real one, which can be made to fail: for simulations. */
export class MemoryStore extends CommittedStore {
  readonly #engine: MemoryEngine;

  constructor(records: ReadonlyMap<string, Uint8Array> = new Map()) {
    const engine = new MemoryEngine(records);
    super(engine);
    this.#engine = engine;
  }

  /** How many writes reached the engine. Batches that were committed as a group count as one. */
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

  /** The store as it is found after a power cut: whatever was not synced is lost. This handle is of no more use. */
  crash(): MemoryStore {
    void this.close();
    return new MemoryStore(this.#engine.durable);
  }

  /** The store as it is found after the process alone was killed. This handle is of no more use. */
  kill(): MemoryStore {
    void this.close();
    return new MemoryStore(this.#engine.current);
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
    this.writes += 1;
    const fails = this.failure?.write === this.writes;
    if (fails && this.failure?.applied !== true) throw new Error('injected: no space left');
    for (const operation of operations) {
      if (operation.type === 'put') this.current.set(operation.key, operation.value.slice());
      else this.current.delete(operation.key);
    }
    if (sync) this.durable = new Map(this.current);
    if (fails) throw new Error('injected: sync failed');
  }

  async *entries(first: string, end: string): AsyncGenerator<[string, Uint8Array]> {
    const found = [...this.current].filter(([key]) => key >= first && key < end);
    for (const [key, value] of found.sort(([a], [b]) => (a < b ? -1 : 1))) yield [key, value.slice()];
  }

  async close(): Promise<void> {}
}
