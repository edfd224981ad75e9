import { toHex, wire } from '@quorate/protocol';
import type { SealedStore } from '../sealing/sealed-store.ts';
import { Turns } from '../turns.ts';
import { LedgerError } from './errors.ts';

/** A guarded round of a session, and what it answers. */
export interface Tombstone extends Record<string, unknown> {
  /** 32 bytes. */
  readonly sid: Uint8Array;
  readonly round: string;
  /** The hash of the inbox, 32 bytes: what the nonces are used for. */
  readonly digest: Uint8Array;
}

interface TombstoneRecord extends Record<string, unknown> {
  readonly version: number;
  readonly digest: Uint8Array;
}

const formatVersion = 1;
const codec: wire.Codec<TombstoneRecord> = wire.struct<TombstoneRecord>({
  version: wire.version(formatVersion),
  digest: wire.fixed(32),
});

/** Which sessions have used their nonces (R4): a nonce that answers twice gives the share away. */
export class SessionLedger {
  readonly #records: SealedStore;
  readonly #turns = new Turns();

  constructor(records: SealedStore) {
    this.#records = records;
  }

  /**
   * Marks the round's nonces as used, synced, before a share is computed from them. Whatever it rejects with, the nonces
   * are dead.
   * @throws {LedgerError} `session-spent` if they were used before, for the same digest or another
   */
  async spend({ sid, round, digest }: Tombstone): Promise<void> {
    const place = `sessions/${toHex(sid)}/${round}`;
    await this.#turns.take(place, async () => {
      if ((await this.#records.get(place, 'session')) !== undefined)
        throw new LedgerError('session-spent', `session ${toHex(sid)} has answered round ${round} already`);
      await this.#records.put(place, 'session', wire.encode(codec, { version: formatVersion, digest }));
    });
  }
}
