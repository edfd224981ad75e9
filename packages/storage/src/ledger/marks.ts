import { compare, fromHex, toHex, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { decodeRecord } from '../sealing/errors.ts';
import type { SealedStore } from '../sealing/sealed-store.ts';
import { Turns } from '../turns.ts';

/** Where a peer says it stands. */
export interface Standing {
  /** Counter ‖ 16 random bytes, 24 bytes: the counter orders a node's starts, the random part tells two nodes apart. */
  readonly bootEpoch: Uint8Array;
  /** What it counts within one start. */
  readonly counter: number;
  /** What it signed, with the signature, for whoever must be shown it later. */
  readonly statement: Uint8Array;
}

/**
 * - `ahead`: further than it was when last seen; kept.
 * - `same`: where it was.
 * - `behind`: it was further before. It was rolled back, or what was heard is old.
 * - `cloned`: it started as often as it had, and it was another start: there are two of it, or one that was rolled back.
 */
export type Verdict = 'ahead' | 'same' | 'behind' | 'cloned';

/** Why a peer's identity is not trusted: what it signed cannot all be said by one node that never went back. */
export interface Doubt {
  /** The starts of it that were seen, in the order in which they first were, the latest few. */
  readonly instances: readonly Uint8Array[];
  /** Whether one of them was heard again after another: they run side by side. */
  readonly twin: boolean;
  /** What was held of it, and what contradicts that; with their signatures. */
  readonly statements: readonly Uint8Array[];
}

/**
 * - `well`: nothing is known against it.
 * - `recovering`: the node's own signature shows that it was further once: it takes part in nothing until others confirm where
 *   it stands.
 * - `suspended`: besides, another node with its identity runs: its operator has to decide.
 * - `resolved`: recovering, and its operator says that there is no other one.
 */
export type OwnState = 'well' | 'recovering' | 'suspended' | 'resolved';

/** What a node keeps of its own statements, before anybody hears them. */
export interface OwnMark {
  readonly state: OwnState;
  /** The latest starts in which it said something, the newest last, and how far it counted in each. */
  readonly lives: readonly { readonly bootEpoch: Uint8Array; readonly counter: number }[];
  /** The highest statement that it signed and does not know of; empty while all is well. */
  readonly evidence: Uint8Array;
}

interface PeerMark extends Record<string, unknown>, Standing {
  readonly version: number;
}

interface KeyMark extends Record<string, unknown> {
  readonly version: number;
  readonly epoch: number;
}

const formatVersion = 1;
const ownPlace = 'marks/own';
const floorPlace = 'marks/floor';

const peerMarkCodec: wire.Codec<PeerMark> = wire.struct<PeerMark>({
  version: wire.version(formatVersion),
  bootEpoch: wire.fixed(24),
  counter: wire.u48,
  statement: wire.bytes(limits.statementBytes),
});

const doubtCodec = wire.struct({
  version: wire.version(formatVersion),
  instances: wire.list(wire.fixed(24), limits.instances),
  twin: wire.u8,
  statements: wire.list(wire.bytes(limits.statementBytes), 2),
});

const ownStates: readonly OwnState[] = ['well', 'recovering', 'suspended', 'resolved'];

const ownCodec = wire.struct({
  version: wire.version(formatVersion),
  state: wire.u8,
  lives: wire.list(wire.struct({ bootEpoch: wire.fixed(24), counter: wire.u48 }), limits.lives),
  evidence: wire.bytes(limits.statementBytes),
});

const keyMarkCodec: wire.Codec<KeyMark> = wire.struct<KeyMark>({
  version: wire.version(formatVersion),
  epoch: wire.u48,
});

/**
 * How far the others were when last seen: what they signed of themselves, and the highest certified epoch of each key that
 * anybody showed. Marks only rise, so that a node that was rolled back, or doubled, is noticed by those that were not. Methods
 * may reject with the store's errors.
 */
export class MarkLedger {
  readonly #records: SealedStore;
  readonly #peers = new Map<string, Standing>();
  readonly #epochs = new Map<string, number>();
  readonly #doubts = new Map<string, Doubt>();
  #own: OwnMark = { state: 'well', lives: [], evidence: new Uint8Array(0) };
  #floor = 0;
  readonly #turns = new Turns();

  private constructor(records: SealedStore) {
    this.#records = records;
  }

  /** @throws {IntegrityError} */
  static async open(records: SealedStore): Promise<MarkLedger> {
    const ledger = new MarkLedger(records);
    for await (const [place, bytes] of records.entries('marks/peers/', 'mark')) {
      const { version: _, ...standing } = decodeRecord(place, peerMarkCodec, bytes);
      ledger.#peers.set(place.slice('marks/peers/'.length), standing);
    }
    for await (const [place, bytes] of records.entries('marks/keys/', 'mark'))
      ledger.#epochs.set(place.slice('marks/keys/'.length), decodeRecord(place, keyMarkCodec, bytes).epoch);
    for await (const [place, bytes] of records.entries('marks/doubts/', 'mark')) {
      const { version: _, twin, ...doubt } = decodeRecord(place, doubtCodec, bytes);
      ledger.#doubts.set(place.slice('marks/doubts/'.length), { ...doubt, twin: twin === 1 });
    }
    const own = await records.get(ownPlace, 'mark');
    if (own !== undefined) {
      const { state, lives, evidence } = decodeRecord(ownPlace, ownCodec, own);
      // Of a state that this version does not know, it is not known that all is well.
      ledger.#own = { state: ownStates[state] ?? 'suspended', lives, evidence };
    }
    const floor = await records.get(floorPlace, 'mark');
    if (floor !== undefined) ledger.#floor = decodeRecord(floorPlace, keyMarkCodec, floor).epoch;
    return ledger;
  }

  /** What a peer (its node key, 32 bytes) was last known to have signed. */
  standingOf(node: Uint8Array): Standing | undefined {
    return this.#peers.get(toHex(node));
  }

  /** Judges what a peer says, whose signature the caller has verified, and keeps it, synced, if the peer is further. */
  async observe(node: Uint8Array, standing: Standing): Promise<Verdict> {
    const id = toHex(node);
    return await this.#turns.take(`peers/${id}`, async () => {
      const verdict = judgeStanding(this.#peers.get(id), standing);
      if (verdict !== 'ahead') return verdict;
      const bytes = wire.encode(peerMarkCodec, { version: formatVersion, ...standing });
      await this.#records.put(`marks/peers/${id}`, 'mark', bytes);
      this.#peers.set(id, standing);
      return verdict;
    });
  }

  /** Why a peer is not trusted, if it is not. */
  doubtOf(node: Uint8Array): Doubt | undefined {
    return this.#doubts.get(toHex(node));
  }

  /** Keeps a doubt, or what it has come to; undefined ends it. Counts at once, and is synced when it returns. */
  async doubt(node: Uint8Array, doubt: Doubt | undefined): Promise<void> {
    const id = toHex(node);
    const place = `marks/doubts/${id}`;
    if (doubt === undefined) this.#doubts.delete(id);
    else this.#doubts.set(id, doubt);
    await this.#turns.take(`doubts/${id}`, async () => {
      if (doubt === undefined) return await this.#records.batch([{ type: 'delete', key: place }]);
      const twin = doubt.twin ? 1 : 0;
      await this.#records.put(place, 'mark', wire.encode(doubtCodec, { version: formatVersion, ...doubt, twin }));
    });
  }

  /** What this node knows of its own statements. */
  own(): OwnMark {
    return this.#own;
  }

  /** Counts at once, and is synced when it returns. */
  async keepOwn(own: OwnMark): Promise<void> {
    this.#own = own;
    const state = ownStates.indexOf(own.state);
    await this.#turns.take('own', async () => {
      await this.#records.put(ownPlace, 'mark', wire.encode(ownCodec, { version: formatVersion, ...own, state }));
    });
  }

  /** The highest epoch of a key of which a certificate was seen; 0 if none was. */
  epochOf(keyId: Uint8Array): number {
    return this.#epochs.get(toHex(keyId)) ?? 0;
  }

  /** A certificate of this epoch, which the caller has verified, was seen: synced. A lower one changes nothing. */
  async raise(keyId: Uint8Array, epoch: number): Promise<void> {
    const id = toHex(keyId);
    await this.#turns.take(`keys/${id}`, async () => {
      if (epoch <= this.epochOf(keyId)) return;
      await this.#records.put(`marks/keys/${id}`, 'mark', wire.encode(keyMarkCodec, { version: formatVersion, epoch }));
      this.#epochs.set(id, epoch);
    });
  }

  /** The highest number of an epoch under which this node may have promised what its disk does not know of; 0 if it never went back. */
  floor(): number {
    return this.#floor;
  }

  /** Nothing is promised any more under a number up to this: synced. A lower one changes nothing. */
  async raiseFloor(epoch: number): Promise<void> {
    await this.#turns.take('floor', async () => {
      if (epoch <= this.#floor) return;
      await this.#records.put(floorPlace, 'mark', wire.encode(keyMarkCodec, { version: formatVersion, epoch }));
      this.#floor = epoch;
    });
  }

  /** The highest epoch of which a certificate was seen, by key id, of the keys of which one was. */
  keys(): readonly (readonly [keyId: Uint8Array, epoch: number])[] {
    return [...this.#epochs].map(([id, epoch]) => [fromHex(id), epoch] as const);
  }

  /** All peers of which anything is known, by node key. */
  peers(): readonly (readonly [node: Uint8Array, standing: Standing])[] {
    return [...this.#peers].map(([id, standing]) => [fromHex(id), standing] as const);
  }
}

/** What `said` is, beside what is known. */
export function judgeStanding(known: Standing | undefined, said: Standing): Verdict {
  if (known === undefined) return 'ahead';
  const [before, now] = [known.bootEpoch, said.bootEpoch];
  const starts = compare(now.subarray(0, 8), before.subarray(0, 8));
  if (starts !== 0) return starts > 0 ? 'ahead' : 'behind';
  if (compare(now, before) !== 0) return 'cloned';
  if (said.counter === known.counter) return 'same';
  return said.counter > known.counter ? 'ahead' : 'behind';
}
