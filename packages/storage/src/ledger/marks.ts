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

interface PeerMark extends Record<string, unknown>, Standing {
  readonly version: number;
}

interface KeyMark extends Record<string, unknown> {
  readonly version: number;
  readonly epoch: number;
}

const formatVersion = 1;

const peerMarkCodec: wire.Codec<PeerMark> = wire.struct<PeerMark>({
  version: wire.version(formatVersion),
  bootEpoch: wire.fixed(24),
  counter: wire.u48,
  statement: wire.bytes(limits.statementBytes),
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
      const verdict = judge(this.#peers.get(id), standing);
      if (verdict !== 'ahead') return verdict;
      const bytes = wire.encode(peerMarkCodec, { version: formatVersion, ...standing });
      await this.#records.put(`marks/peers/${id}`, 'mark', bytes);
      this.#peers.set(id, standing);
      return verdict;
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

  /** All peers of which anything is known, by node key. */
  peers(): readonly (readonly [node: Uint8Array, standing: Standing])[] {
    return [...this.#peers].map(([id, standing]) => [fromHex(id), standing] as const);
  }
}

function judge(known: Standing | undefined, said: Standing): Verdict {
  if (known === undefined) return 'ahead';
  const [before, now] = [known.bootEpoch, said.bootEpoch];
  const starts = compare(now.subarray(0, 8), before.subarray(0, 8));
  if (starts !== 0) return starts > 0 ? 'ahead' : 'behind';
  if (compare(now, before) !== 0) return 'cloned';
  if (said.counter === known.counter) return 'same';
  return said.counter > known.counter ? 'ahead' : 'behind';
}
