import { equal, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { decodeRecord, IntegrityError } from '../sealing/errors.ts';
import type { SealedStore } from '../sealing/sealed-store.ts';
import { type AuditEntry, type AuditFields, chainStart, line, nextEntry, parseLine } from './entry.ts';

/** The newest entry that is on disk. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: Uint8Array;
}

/** What a whole verification found. */
export type AuditVerdict =
  | { readonly ok: true; readonly head: AuditHead }
  | { readonly ok: false; readonly firstBad: number };

/**
 * - `audit-broken`: an entry is missing, altered or out of the chain.
 * - `audit-dead`: an append failed, so nothing that needs an audit record may happen until the node was restarted.
 */
export class AuditError extends Error {
  override readonly name = 'AuditError';
  readonly code: 'audit-broken' | 'audit-dead';

  constructor(code: 'audit-broken' | 'audit-dead', message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

interface EntryRecord extends Record<string, unknown> {
  readonly version: number;
  readonly line: string;
  readonly hash: Uint8Array;
}

interface HeadRecord extends Record<string, unknown> {
  readonly version: number;
  readonly seq: number;
  readonly hash: Uint8Array;
}

const formatVersion = 1;
const headPlace = 'audit-head';

const entryCodec: wire.Codec<EntryRecord> = wire.struct<EntryRecord>({
  version: wire.version(formatVersion),
  line: wire.text(limits.auditFieldBytes + 512),
  hash: wire.fixed(32),
});

const headCodec: wire.Codec<HeadRecord> = wire.struct<HeadRecord>({
  version: wire.version(formatVersion),
  seq: wire.u48,
  hash: wire.fixed(32),
});

/**
 * What this node decided and did, each entry bound to the one before. The head is a record of its own, written with the
 * entry, so that a log that lost its end does not pass for a short one. An older copy of the whole store does: only a head
 * kept elsewhere shows that.
 */
export class AuditLog {
  readonly #records: SealedStore;
  #head: AuditHead;
  /** The head as it is on disk; runs behind `#head` while entries are being written. */
  #durable: AuditHead;
  #dead: AuditError | undefined;

  private constructor(records: SealedStore, head: AuditHead) {
    this.#records = records;
    this.#head = head;
    this.#durable = head;
  }

  /** Opens the log, and verifies its newest entries. @throws {AuditError} `audit-broken` @throws {IntegrityError} */
  static async open(records: SealedStore): Promise<AuditLog> {
    const bytes = await records.get(headPlace, 'audit-head');
    const head = bytes === undefined ? { seq: 0, hash: chainStart } : decodeRecord(headPlace, headCodec, bytes);
    const log = new AuditLog(records, { seq: head.seq, hash: head.hash });
    const verdict = await log.#verifyAfter(Math.max(0, head.seq - limits.auditTail));
    const beyond = await records.get(entryPlace(head.seq + 1), 'audit');
    if (!verdict.ok || beyond !== undefined) {
      const seq = verdict.ok ? head.seq + 1 : verdict.firstBad;
      throw new AuditError('audit-broken', `audit entry ${seq} is missing, altered or out of place`);
    }
    return log;
  }

  /**
   * Appends an entry; resolves when it is on disk. Concurrent appends share an fsync (see CommittedStore) and keep the order of the
   * calls.
   * @throws {AuditError} `audit-dead` once an append has failed: no audit record, no signature
   * @throws {RangeError} on fields that an entry cannot hold
   */
  async append(time: number, kind: string, fields: AuditFields): Promise<AuditEntry> {
    if (this.#dead !== undefined) throw this.#dead;
    const entry = nextEntry(this.#head, time, kind, fields);
    this.#head = entry;
    const { seq, hash } = entry;
    try {
      await this.#records.batch([
        this.#records.seal(
          entryPlace(seq),
          'audit',
          wire.encode(entryCodec, { version: formatVersion, line: line(entry), hash }),
        ),
        this.#records.seal(headPlace, 'audit-head', wire.encode(headCodec, { version: formatVersion, seq, hash })),
      ]);
    } catch (cause) {
      this.#dead ??= new AuditError('audit-dead', 'the audit log cannot be written: restart the node', cause);
      throw this.#dead;
    }
    this.#durable = { seq, hash };
    return entry;
  }

  /** The newest entry on disk; seq 0 while there is none. */
  head(): AuditHead {
    return this.#durable;
  }

  /** The entries after `after`, oldest first, each as it is on disk. @throws {IntegrityError} at one that is damaged */
  async *entries(after = 0): AsyncGenerator<AuditEntry> {
    const { seq: last } = this.#durable;
    for (let seq = after + 1; seq <= last; seq++) yield await this.#read(seq);
  }

  /** Verifies every entry up to the head, and names the first that is missing, altered or out of the chain. */
  async verify(): Promise<AuditVerdict> {
    return await this.#verifyAfter(0);
  }

  /** Verifies the entries after `after`, whose own place in the chain is taken as given. */
  async #verifyAfter(after: number): Promise<AuditVerdict> {
    const head = this.#durable;
    let previous = after === 0 ? chainStart : undefined;
    for (let seq = after + 1; seq <= head.seq; seq++) {
      const entry = await this.#read(seq).catch((error: unknown) => {
        if (error instanceof IntegrityError) return undefined;
        throw error;
      });
      if (entry === undefined || entry.seq !== seq || (previous !== undefined && !equal(entry.previous, previous)))
        return { ok: false, firstBad: seq };
      previous = entry.hash;
    }
    if (previous !== undefined && !equal(previous, head.hash)) return { ok: false, firstBad: head.seq };
    return { ok: true, head };
  }

  async #read(seq: number): Promise<AuditEntry> {
    const place = entryPlace(seq);
    const bytes = await this.#records.get(place, 'audit');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    const record = decodeRecord(place, entryCodec, bytes);
    const entry = parseLine(record.line, record.hash);
    if (entry === undefined) throw new IntegrityError(place, 'malformed');
    return entry;
  }
}

function entryPlace(seq: number): string {
  return `audit/${seq.toString().padStart(15, '0')}`;
}
