import { type Evidence, evidenceCodec, toHex, wire } from '@quorate/protocol';
import { decodeRecord } from '../sealing/errors.ts';
import type { SealedStore } from '../sealing/sealed-store.ts';

/** A verdict with what convinces a third party, kept for whoever must decide about the member. */
export interface Blame extends Record<string, unknown> {
  /** 32 bytes. */
  readonly session: Uint8Array;
  readonly party: number;
  /** The node key that played the party, 32 bytes. */
  readonly node: Uint8Array;
  readonly evidence: Evidence;
  /** Wall clock, milliseconds since 1970. */
  readonly time: number;
}

const formatVersion = 1;

const codec = wire.struct({
  version: wire.version(formatVersion),
  session: wire.fixed(32),
  party: wire.u16,
  node: wire.fixed(32),
  evidence: evidenceCodec,
  time: wire.u48,
});

/** Who was proven to have cheated, and the proof. Methods may reject with the store's errors. */
export class BlameLedger {
  readonly #records: SealedStore;

  constructor(records: SealedStore) {
    this.#records = records;
  }

  /** Keeps a blame, synced, and says whether it is new: the first evidence for a session, party and code stays. */
  async record(blame: Blame): Promise<boolean> {
    const place = `blames/${toHex(blame.session)}/${blame.party}/${blame.evidence.code}`;
    if ((await this.#records.get(place, 'blame')) !== undefined) return false;
    await this.#records.put(place, 'blame', wire.encode(codec, { version: formatVersion, ...blame }));
    return true;
  }

  /** All of them, in no particular order. */
  async *all(): AsyncGenerator<Blame> {
    for await (const [place, bytes] of this.#records.entries('blames/', 'blame')) {
      const { version: _, ...blame } = decodeRecord(place, codec, bytes);
      yield blame;
    }
  }
}
