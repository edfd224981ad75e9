import { ascii, equal, fromHex, hash, toHex } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { tags } from '../tags.ts';

/** What an entry says, beside when and what: short facts under fixed names. Never a secret, never a request's body. */
export type AuditFields = Readonly<Record<string, string | number | boolean>>;

export interface AuditEntry {
  /** 1, 2, … without gaps. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly kind: string;
  readonly fields: AuditFields;
  /** The hash of the entry before, or of nothing: 32 bytes. */
  readonly previous: Uint8Array;
  /** The transcript hash of the entry's {@link line}: 32 bytes. */
  readonly hash: Uint8Array;
}

/** What the first entry follows. */
export const chainStart: Uint8Array = hash(tags.auditStart);

/** The entry that follows `head`. @throws {RangeError} on fields that an entry cannot hold */
export function nextEntry(
  head: { readonly seq: number; readonly hash: Uint8Array },
  time: number,
  kind: string,
  fields: AuditFields,
): AuditEntry {
  if (!/^[a-z][a-z0-9.-]{0,63}$/.test(kind)) throw new RangeError('an audit kind is a short lower-case word');
  if (!Number.isSafeInteger(time) || time < 0) throw new RangeError('an audit time is in milliseconds since 1970');
  if (canonicalJson(fields).length > limits.auditFieldBytes) throw new RangeError('too much for one audit entry');
  const entry = { seq: head.seq + 1, time, kind, fields: { ...fields }, previous: head.hash };
  return { ...entry, hash: hashLine(line(entry)) };
}

/** So that whoever is handed the lines can verify the chain. @returns 32 bytes */
function hashLine(text: string): Uint8Array {
  return hash(tags.audit, ascii(text));
}

/** An entry, without its own hash, as one line of canonical JSON: printable ASCII, whatever the fields hold. */
export function line({ seq, time, kind, fields, previous }: Omit<AuditEntry, 'hash'>): string {
  const { fields: inner, ...outer } = { fields: canonicalJson(fields), kind, previous: toHex(previous), seq, time };
  return `{"fields":${inner},${canonicalJson(outer).slice(1)}`;
}

/** The entry that `text` is the line of, or undefined if it is not exactly one. */
export function parseLine(text: string, ownHash: Uint8Array): AuditEntry | undefined {
  try {
    const parsed = JSON.parse(text) as Omit<AuditEntry, 'previous' | 'hash'> & { readonly previous: string };
    const entry = { ...parsed, previous: fromHex(parsed.previous), hash: ownHash };
    return line(entry) === text && equal(hashLine(text), ownHash) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Sorted names, scalars only, everything but printable ASCII escaped: no field can break a line or a terminal. */
function canonicalJson(fields: AuditFields): string {
  const members = Object.entries(fields).map(([name, value]) => {
    if (!/^[a-zA-Z][a-zA-Z0-9]{0,63}$/.test(name)) throw new RangeError('an audit field has a plain name');
    const scalar = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
    if (!scalar) throw new RangeError(`the audit field ${name} is not a string, a number or a boolean`);
    return [name, JSON.stringify(value).replace(/[^\x20-\x7e]/g, escape)] as const;
  });
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
