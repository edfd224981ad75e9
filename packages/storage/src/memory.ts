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
    const engine = new MemoryEngine(records, files, pause);
    const beside = new MemoryAnnex(engine);
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

  /** Every operation of the disk so far, in order. */
  get operations(): readonly OperationKind[] {
    return this.#engine.operations;
  }

  /** Ends the process at an operation to come: that one, and all after it, never end. */
  cut(cut: Cut): void {
    this.#engine.cut = { ...cut, nth: this.#engine.operations.length + cut.nth };
  }

  /** Cuts the power now, between two operations. */
  powerOff(): void {
    this.#engine.end('before');
  }

  /** What is on the disk for good, by key. */
  get durable(): ReadonlyMap<string, Uint8Array> {
    return this.#engine.durable;
  }

  /** Another disk with what is on this one. */
  copy(): MemoryStore {
    return new MemoryStore(this.#engine.current, this.beside.files);
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
    // Where a cut ended the process, nothing is refused any more: what waits for it waits.
    const { left, pause } = this.#engine;
    if (left === undefined) void this.close();
    this.#engine.hasEnded = true;
    return new MemoryStore(left?.records ?? records, left?.files ?? this.beside.files, pause);
  }
}

/** What a store does on its disk: a batch, synced or not; a second copy written or erased; a slot of the counter written. */
export type OperationKind = 'batch' | 'unsynced' | 'copy' | 'erase' | 'counter';

/** Where the life of a process ends. */
export interface Cut {
  /** 1 is the next operation. Batches that are committed as a group are one. */
  readonly nth: number;
  /**
   * - `before`: the power is cut when it would begin. What was not synced is lost, the slots of the counter among it.
   * - `within`: the power is cut in the middle of it. A batch is torn, and so is not there, but what was written before it, not
   *   synced, is; a slot is half written, a copy half overwritten.
   * - `after`: the process is killed when it is done.
   */
  readonly moment: 'before' | 'within' | 'after';
  /** The process is dead: it must say nothing any more. */
  died(): void;
}

class MemoryEngine implements Engine {
  writes = 0;
  failure: { readonly write: number; readonly applied: boolean } | undefined;
  cut: Cut | undefined;
  readonly operations: OperationKind[] = [];
  /** What a cut left. */
  left: { readonly records: Records; readonly files: Records } | undefined;
  /** Whatever is under way, or is asked for, never ends. */
  hasEnded = false;
  readonly current: Map<string, Uint8Array>;
  readonly durable: Map<string, Uint8Array>;
  readonly files: Map<string, Uint8Array>;
  readonly pause: (() => Promise<void>) | undefined;
  /** Batches that are not synced, the one under way last. */
  readonly #unsynced: (readonly StoreOperation[])[] = [];
  /** The counter's file, as far as it is sure to be on the disk. */
  counter: Uint8Array | undefined;

  constructor(
    records: ReadonlyMap<string, Uint8Array>,
    files: ReadonlyMap<string, Uint8Array>,
    pause: (() => Promise<void>) | undefined,
  ) {
    this.current = new Map(records);
    this.durable = new Map(records);
    this.files = new Map(files);
    this.counter = files.get('counter');
    this.pause = pause;
  }

  /** What is found after a power cut. */
  after(kept: number): ReadonlyMap<string, Uint8Array> {
    const found = new Map(this.durable);
    for (const operations of this.#unsynced.slice(0, kept)) apply(operations, found);
    return found;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.current.get(key)?.slice();
  }

  async write(operations: readonly StoreOperation[], sync: boolean): Promise<void> {
    this.#unsynced.push(operations);
    await this.pause?.();
    await this.operate(sync ? 'batch' : 'unsynced', () =>
      this.fallible(() => {
        apply(operations, this.current);
        if (sync) for (const batch of this.#unsynced.splice(0)) apply(batch, this.durable);
      }),
    );
  }

  /** Does something to the disk, or half of it, unless the process has ended. */
  operate(kind: OperationKind, whole: () => void, half: () => void = () => undefined): Promise<void> | undefined {
    // Whoever waits for a process that has ended waits for ever.
    if (this.hasEnded) return new Promise<void>(() => undefined);
    this.operations.push(kind);
    const { cut } = this;
    if (cut?.nth !== this.operations.length) {
      whole();
      return undefined;
    }
    if (cut.moment === 'after') whole();
    if (cut.moment === 'within') half();
    this.end(cut.moment);
    cut.died();
    return new Promise<void>(() => undefined);
  }

  end(moment: Cut['moment']): void {
    const files = new Map(this.files);
    if (moment === 'before' && this.counter !== undefined) files.set('counter', this.counter);
    this.hasEnded = true;
    this.left ??= { records: moment === 'before' ? new Map(this.durable) : this.current, files };
  }

  /** A write, which fails if it is to fail: before it, or after. */
  fallible(write: () => void): void {
    this.writes += 1;
    const fails = this.failure?.write === this.writes;
    if (fails && this.failure?.applied !== true) throw new Error('injected: no space left');
    write();
    if (fails) throw new Error('injected: sync failed');
  }

  async *entries(first: string, end: string): AsyncGenerator<[string, Uint8Array]> {
    const found = [...this.current].filter(([key]) => key >= first && key < end);
    for (const [key, value] of found.sort(([a], [b]) => (a < b ? -1 : 1))) yield [key, value.slice()];
  }

  async close(): Promise<void> {}
}

type Records = ReadonlyMap<string, Uint8Array>;

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

  constructor(engine: MemoryEngine) {
    this.files = engine.files;
    this.#engine = engine;
  }

  async readCounter(): Promise<Uint8Array | undefined> {
    return this.files.get('counter')?.slice();
  }

  writeCounter(offset: number, bytes: Uint8Array): void {
    const write = (part: Uint8Array): void => {
      const old = this.files.get('counter') ?? new Uint8Array(0);
      const file = new Uint8Array(Math.max(old.length, offset + part.length));
      file.set(old);
      file.set(part, offset);
      this.files.set('counter', file);
    };
    void this.#engine.operate(
      'counter',
      () => write(bytes),
      () => write(bytes.subarray(0, bytes.length / 2)),
    );
    // Its first content is synced.
    this.#engine.counter ??= this.files.get('counter');
  }

  async copies(): Promise<readonly string[]> {
    return [...this.files.keys()].filter((name) => name !== 'counter').sort();
  }

  async readCopy(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(name)?.slice();
  }

  async writeCopy(name: string, bytes: Uint8Array): Promise<void> {
    // What is half written has another name, and is removed at the next start.
    await this.#operate('copy', () => this.files.set(name, bytes.slice()));
  }

  async eraseCopy(name: string): Promise<void> {
    const old = this.files.get(name);
    const half = (): void => {
      if (old !== undefined)
        this.files.set(
          name,
          old.map((byte, i) => (i < old.length / 2 ? 0 : byte)),
        );
    };
    await this.#operate('erase', () => this.files.delete(name), half);
  }

  async close(): Promise<void> {}

  async #operate(kind: OperationKind, whole: () => void, half?: () => void): Promise<void> {
    try {
      await this.#engine.pause?.();
      await this.#engine.operate(kind, () => this.#engine.fallible(whole), half);
    } catch (cause) {
      throw new StoreError('store-failed', 'a second copy could not be written', cause);
    }
  }
}
