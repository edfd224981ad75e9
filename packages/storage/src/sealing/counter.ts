import { equal, type Secret, wire } from '@quorate/protocol';
import type { Annex } from '../annex.ts';
import { RollbackError } from './errors.ts';
import { type Owner, openRecord, type Sealer, sealRecord } from './record.ts';

/** Where a store stood: the counter and the chain of its manifest. */
export interface Standing {
  readonly counter: number;
  /** 32 bytes. */
  readonly chain: Uint8Array;
}

const formatVersion = 1;
const codec = wire.struct({ version: wire.version(formatVersion), counter: wire.u48, chain: wire.fixed(32) });
const slotBytes = 1 + 32 + 32 + 4 + (1 + 6 + 32) + 16;

/**
 * The file beside the store that says how far the store has come. Two slots, each sealed, written in turn and in place: a
 * write that is torn leaves the other. It is written after the store, so it may be behind; it is never ahead, unless the store
 * is an older copy of itself.
 */
export class Counter {
  readonly #annex: Annex;
  readonly #seal: (standing: Standing) => Uint8Array;
  #written = 0;
  #turn: number;

  constructor(annex: Annex, seal: (standing: Standing) => Uint8Array, turn: number) {
    this.#annex = annex;
    this.#seal = seal;
    this.#turn = turn;
  }

  /** The store has come to `counter`, synced. @throws {StoreError} */
  raise(counter: number, chain: Uint8Array): void {
    if (counter <= this.#written) return;
    this.#annex.writeCounter(this.#turn * slotBytes, this.#seal({ counter, chain }));
    this.#written = counter;
    this.#turn = 1 - this.#turn;
  }
}

/**
 * Opens the counter of a store that stands at `store`, or of one that is just being made.
 * @param lost what to make of a file that is gone or unreadable; one that shows a rollback is never accepted
 * @throws {RollbackError} if the file shows that this store was further once, or if there is no file and should be
 */
export async function openCounter(
  annex: Annex | undefined,
  sealer: Sealer,
  owner: Owner,
  storeKey: Secret,
  store?: Standing,
  lost: 'refuse' | 'accept' = 'refuse',
): Promise<Counter | undefined> {
  if (annex === undefined) return undefined;
  const at = { ...owner, place: 'counter', kind: 'counter' };
  const file = await annex.readCounter();
  const slots = [0, 1].map((slot): Standing | undefined => {
    const sealed = file?.subarray(slot * slotBytes, (slot + 1) * slotBytes) ?? new Uint8Array(0);
    const opened = openRecord(sealer.aead, storeKey, at, sealed);
    return 'failure' in opened ? undefined : wire.decode(codec, opened.plaintext);
  });
  const best = Math.max(-1, ...slots.map((slot) => slot?.counter ?? -1));
  const newest = slots.findIndex((slot) => slot?.counter === best);
  const counter = new Counter(
    annex,
    (standing) => sealRecord(sealer, storeKey, at, wire.encode(codec, { version: formatVersion, ...standing })),
    newest < 0 ? 0 : 1 - newest,
  );
  if (store === undefined) return counter;
  // The store's first batch is written before the file is.
  if (best < 0 && store.counter > 1) {
    if (lost === 'refuse') throw new RollbackError('counter-missing', store.counter);
    // The next batch makes the file: until something says that it was accepted, it is not.
    return counter;
  }
  if (best > store.counter) throw new RollbackError('rolled-back', store.counter, best);
  // As many batches, and not the same ones: two copies of a store went on separately.
  if (slots.some((slot) => slot?.counter === store.counter && !equal(slot.chain, store.chain)))
    throw new RollbackError('rolled-back', store.counter, best);
  if (best < store.counter) counter.raise(store.counter, store.chain);
  return counter;
}
