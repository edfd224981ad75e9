import { fromHex, MAX_PARTIES, toHex, wire } from '@quorate/protocol';
import { decodeRecord } from '../sealing/errors.ts';
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

/** A check that depends on what is set up with these parties, and whose outcome they learn. */
export interface Check extends Record<string, unknown> {
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly parties: readonly number[];
}

/** A check that a crash may have left half done. */
export interface OpenCheck extends Check {
  /** 32 bytes. */
  readonly sid: Uint8Array;
  readonly round: string;
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

const checkCodec = wire.struct({
  version: wire.version(formatVersion),
  keyId: wire.fixed(32),
  epoch: wire.u48,
  parties: wire.list(wire.u16, MAX_PARTIES),
});

/**
 * Which sessions have used their nonces (R4): a nonce that answers twice gives the share away. And which checks were begun and
 * not finished: whoever caused one may know its outcome, and must never be answered another.
 */
export class SessionLedger {
  readonly #records: SealedStore;
  readonly #turns = new Turns();

  constructor(records: SealedStore) {
    this.#records = records;
  }

  /**
   * Marks the round's nonces as used, and its check as begun, synced, before a share is computed or anything checked. Whatever
   * it rejects with, the nonces are dead.
   * @throws {LedgerError} `session-spent` if they were used before, for the same digest or another
   */
  async spend({ sid, round, digest }: Tombstone, check?: Check): Promise<void> {
    const place = `sessions/${toHex(sid)}/${round}`;
    await this.#turns.take(place, async () => {
      if ((await this.#records.get(place, 'session')) !== undefined)
        throw new LedgerError('session-spent', `session ${toHex(sid)} has answered round ${round} already`);
      const bytes = wire.encode(codec, { version: formatVersion, digest });
      const tombstone = this.#records.seal(place, 'session', bytes);
      if (check === undefined) {
        await this.#records.batch([tombstone]);
      } else {
        const begun = wire.encode(checkCodec, { version: formatVersion, ...check });
        await this.#records.batch([tombstone, this.#records.seal(checkPlace(sid, round), 'check', begun)]);
        await this.#records.verify(checkPlace(sid, round), 'check', begun);
      }
      await this.#records.verify(place, 'session', bytes);
    });
  }

  /**
   * The check of a round is finished, and what follows from it is on disk. Nobody need wait for it: if a crash comes first,
   * something is set up anew without need.
   */
  async answered(sid: Uint8Array, round: string): Promise<void> {
    await this.#records.batch([{ type: 'delete', key: checkPlace(sid, round) }]);
  }

  /** The checks that an earlier life of this node left unfinished. @throws {IntegrityError} */
  async *unanswered(): AsyncGenerator<OpenCheck> {
    for await (const [place, bytes] of this.#records.entries('checks/', 'check')) {
      const [, sid = '', round = ''] = place.split('/');
      const { keyId, epoch, parties } = decodeRecord(place, checkCodec, bytes);
      yield { sid: fromHex(sid), round, keyId, epoch, parties };
    }
  }
}

function checkPlace(sid: Uint8Array, round: string): string {
  return `checks/${toHex(sid)}/${round}`;
}
