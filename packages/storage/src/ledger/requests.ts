import { equal, toHex, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { decodeRecord, IntegrityError } from '../sealing/errors.ts';
import type { SealedStore } from '../sealing/sealed-store.ts';
import { Turns } from '../turns.ts';
import { LedgerError } from './errors.ts';

/** What a client asked, and the answer once there is one. */
export interface RequestEntry {
  /** 32 bytes. */
  readonly bodyHash: Uint8Array;
  /** Milliseconds since 1970. */
  readonly expiry: number;
  readonly body: Uint8Array;
  /** The first verified signature; undefined until there is one. */
  readonly result: Uint8Array | undefined;
}

interface RequestRecord extends Record<string, unknown> {
  readonly version: number;
  readonly bodyHash: Uint8Array;
  readonly expiry: number;
  readonly body: Uint8Array;
}

interface ResultRecord extends Record<string, unknown> {
  readonly version: number;
  readonly signature: Uint8Array;
}

const formatVersion = 1;

const requestCodec: wire.Codec<RequestRecord> = wire.struct<RequestRecord>({
  version: wire.version(formatVersion),
  bodyHash: wire.fixed(32),
  expiry: wire.u48,
  body: wire.bytes(limits.requestBytes),
});

const resultCodec: wire.Codec<ResultRecord> = wire.struct<ResultRecord>({
  version: wire.version(formatVersion),
  signature: wire.bytes(limits.signatureBytes),
});

/** One request id, one body, one answer, for ever. Ids have 32 bytes. Methods may reject with the store's errors. */
export class RequestLedger {
  readonly #records: SealedStore;
  readonly #turns = new Turns();

  constructor(records: SealedStore) {
    this.#records = records;
  }

  /** The request, or undefined if it was never registered. */
  async get(id: Uint8Array): Promise<RequestEntry | undefined> {
    const place = requestPlace(id);
    const bytes = await this.#records.get(place, 'request');
    if (bytes === undefined) return undefined;
    const { bodyHash, expiry, body } = decodeRecord(place, requestCodec, bytes);
    return { bodyHash, expiry, body, result: await this.result(id) };
  }

  /** The answer, or undefined while there is none. */
  async result(id: Uint8Array): Promise<Uint8Array | undefined> {
    const place = resultPlace(id);
    const bytes = await this.#records.get(place, 'result');
    return bytes === undefined ? undefined : decodeRecord(place, resultCodec, bytes).signature;
  }

  /**
   * Keeps a request, synced, before anything is done about it. Returns what is kept under its id, which may be old and
   * answered. `bodyHash` is the caller's hash of `body`.
   * @throws {LedgerError} `request-conflict` if the id is taken by another body, `request-damaged` if nobody can tell
   */
  async register(id: Uint8Array, bodyHash: Uint8Array, expiry: number, body: Uint8Array): Promise<RequestEntry> {
    return await this.#turns.take(toHex(id), async () => {
      const known = await this.#known(id);
      if (known !== undefined) {
        if (!equal(known.bodyHash, bodyHash))
          throw new LedgerError('request-conflict', 'this request id was used for another request: choose a new one');
        return known;
      }
      const record = wire.encode(requestCodec, { version: formatVersion, bodyHash, expiry, body });
      await this.#records.put(requestPlace(id), 'request', record);
      return { bodyHash, expiry, body, result: undefined };
    });
  }

  /**
   * Keeps a verified signature, synced, before it is told to anyone. Returns the request's answer: this signature, or the
   * one that came first.
   * @throws {LedgerError} `request-unknown`, `request-damaged`
   */
  async recordResult(id: Uint8Array, signature: Uint8Array): Promise<Uint8Array> {
    return await this.#turns.take(toHex(id), async () => {
      const known = await this.#known(id);
      if (known === undefined) throw new LedgerError('request-unknown', 'no such request was registered');
      if (known.result !== undefined) return known.result;
      await this.#records.put(
        resultPlace(id),
        'result',
        wire.encode(resultCodec, { version: formatVersion, signature }),
      );
      return signature;
    });
  }

  /** Damage to a request that was made before concerns it alone; what goes wrong in writing, the node. */
  async #known(id: Uint8Array): Promise<RequestEntry | undefined> {
    try {
      return await this.get(id);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      throw new LedgerError('request-damaged', `what is kept of this request is damaged: ${error.message}`);
    }
  }
}

function requestPlace(id: Uint8Array): string {
  return `requests/${toHex(id)}`;
}

function resultPlace(id: Uint8Array): string {
  return `results/${toHex(id)}`;
}
