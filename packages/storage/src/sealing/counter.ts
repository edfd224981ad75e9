import { equal, type Secret, wire } from '@quorate/protocol';
import type { Annex } from '../annex.ts';
import { checkVersion, RollbackError } from './errors.ts';
import { isLaterRecord, type Owner, openRecord, type Sealer, sealRecord } from './record.ts';

/** Where a store stood: what the root of its manifest says. */
export interface Standing {
  /** One more with each batch. */
  readonly counter: number;
  /** The hash of the chain's link before, the counter and the sum, 32 bytes: two stores that came apart never have the same again. */
  readonly chain: Uint8Array;
  readonly pages: number;
  /** Of the pages, 32 bytes. */
  readonly sum: Uint8Array;
}

const formatVersion = 1;
const where = { place: 'counter', kind: 'counter' };
const codec = wire.struct({
  version: wire.version(formatVersion),
  counter: wire.u48,
  chain: wire.fixed(32),
  pages: wire.u32,
  sum: wire.fixed(32),
});
const slotBytes = 1 + 32 + 32 + 4 + (1 + 6 + 32 + 4 + 32) + 16;

/**
 * The file beside the store that says how far the store has come. Two slots, each sealed, written in turn and in place: a
 * write that is torn leaves the other. It is written after the store, so it may be behind; it is never ahead, unless the store
 * is an older copy of itself. It holds all that the root of the manifest does, and so is the second copy of that too.
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

  /** The store has come so far, synced. @throws {StoreError} */
  raise(standing: Standing): void {
    if (standing.counter <= this.#written) return;
    this.#annex.writeCounter(this.#turn * slotBytes, this.#seal(standing));
    this.#written = standing.counter;
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
  const at = { ...owner, ...where };
  const slots = await slotsOf(annex, sealer, owner, storeKey);
  const best = Math.max(-1, ...slots.map((slot) => slot?.counter ?? -1));
  const newest = slots.findIndex((slot) => slot?.counter === best);
  const counter = new Counter(
    annex,
    ({ counter, chain, pages, sum }) =>
      sealRecord(sealer, storeKey, at, wire.encode(codec, { version: formatVersion, counter, chain, pages, sum })),
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
  if (best < store.counter) counter.raise(store);
  return counter;
}

/** Where the store stood when the file was last written, as far as it says. What a newer version may have written says nothing. */
export async function lastStanding(
  annex: Annex | undefined,
  sealer: Sealer,
  owner: Owner,
  storeKey: Secret,
): Promise<Standing | undefined> {
  if (annex === undefined) return undefined;
  const file = await annex.readCounter();
  // The other slot is an older one's then, and proves that nothing was written since.
  if ([0, 1].some((slot) => isLaterRecord(slotOf(file, slot)))) return undefined;
  const slots = (await slotsOf(annex, sealer, owner, storeKey)).flatMap((slot) => slot ?? []);
  return slots.sort((a, b) => b.counter - a.counter)[0];
}

async function slotsOf(
  annex: Annex,
  sealer: Sealer,
  owner: Owner,
  storeKey: Secret,
): Promise<readonly (Standing | undefined)[]> {
  const file = await annex.readCounter();
  return [0, 1].map((slot) => {
    const opened = openRecord(sealer.aead, storeKey, { ...owner, ...where }, slotOf(file, slot));
    if ('failure' in opened) return undefined;
    checkVersion(where.place, opened.plaintext, formatVersion);
    return wire.decode(codec, opened.plaintext);
  });
}

function slotOf(file: Uint8Array | undefined, slot: number): Uint8Array {
  return file?.subarray(slot * slotBytes, (slot + 1) * slotBytes) ?? new Uint8Array(0);
}
