import { fromHex, toHex, wire } from '@quorate/protocol';
import { decodeRecord } from '../sealing/errors.ts';
import type { SealedStore } from '../sealing/sealed-store.ts';

/**
 * A node with which no threshold ECDSA session is held any more: it failed a check whose outcome tells it something of
 * our secrets, so it must never see a second outcome.
 */
export interface Ban extends Record<string, unknown> {
  /** The node key, 32 bytes. */
  readonly node: Uint8Array;
  /** The session in which it failed, 32 bytes. */
  readonly session: Uint8Array;
  /** Wall clock, milliseconds since 1970. */
  readonly time: number;
}

const formatVersion = 1;

const codec = wire.struct({
  version: wire.version(formatVersion),
  session: wire.fixed(32),
  time: wire.u48,
});

/** The bans of this node. They hold for every key, and outlive restarts, refreshes and backups; only an operator lifts one. */
export class BanLedger {
  readonly #records: SealedStore;
  readonly #bans = new Map<string, Ban>();

  private constructor(records: SealedStore) {
    this.#records = records;
  }

  /** @throws {IntegrityError} */
  static async open(records: SealedStore): Promise<BanLedger> {
    const ledger = new BanLedger(records);
    for await (const [place, bytes] of records.entries('bans/', 'ban')) {
      const { session, time } = decodeRecord(place, codec, bytes);
      const node = fromHex(place.slice('bans/'.length));
      ledger.#bans.set(toHex(node), { node, session, time });
    }
    return ledger;
  }

  has(node: Uint8Array): boolean {
    return this.#bans.has(toHex(node));
  }

  list(): readonly Ban[] {
    return [...this.#bans.values()];
  }

  /** Bans a node, synced: only then may anything be answered. The first ban stays. It counts at once, even if the disk fails. */
  async ban(ban: Ban): Promise<void> {
    const id = toHex(ban.node);
    if (this.#bans.has(id)) return;
    this.#bans.set(id, ban);
    const { session, time } = ban;
    await this.#records.put(`bans/${id}`, 'ban', wire.encode(codec, { version: formatVersion, session, time }));
  }

  /**
   * Forgets a ban, synced. The caller has made sure that nothing is left of what the node may have learnt something of: every
   * set-up with it is gone from the disk. The ban stays in force until the disk has acknowledged.
   */
  async lift(node: Uint8Array): Promise<void> {
    const id = toHex(node);
    await this.#records.batch([{ type: 'delete', key: `bans/${id}` }]);
    this.#bans.delete(id);
  }
}
