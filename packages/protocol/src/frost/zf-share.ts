import { ascii } from '../bytes.ts';
import { Secret, wipe } from '../secret.ts';

/** Stands in a text where a share belongs: what is text stays in memory, so the share never is. */
export const blankShare: string = '0'.repeat(64);

const field = ascii('"signing_share"');
const white = [0x20, 0x09, 0x0a, 0x0d];

/** The JSON with the share, 32 bytes, in the place of its blank. */
export function joinShare(text: string, share: Secret): Secret {
  const bytes = ascii(text);
  const start = placeOfShare(bytes) as number;
  share.use((value) => {
    for (const [i, byte] of value.entries()) {
      bytes[start + 2 * i] = digitOf(byte >> 4);
      bytes[start + 2 * i + 1] = digitOf(byte & 15);
    }
  });
  return new Secret(bytes);
}

/**
 * The fields of a JSON object, and of them the share, which is blank there. Undefined for anything else, and for what is not written
 * as JSON.stringify does but for white space: a field twice, an escape, a number in another form.
 */
export function splitShare(
  bytes: Uint8Array,
): { readonly fields: Readonly<Record<string, unknown>>; readonly share: Secret } | undefined {
  const copy = bytes.slice();
  const start = placeOfShare(copy);
  if (start === undefined) return undefined;
  const share = new Secret(
    new Uint8Array(32).map((_, i) => 16 * nibble(copy, start + 2 * i) + nibble(copy, start + 2 * i + 1)),
  );
  copy.fill(0x30, start, start + 64);
  const text = Array.from(copy, (byte) => String.fromCharCode(byte)).join('');
  wipe(copy);
  const fields = parse(text);
  // No value has white space in it, so it may go anywhere.
  const isWritten = isRecord(fields) && fields['signing_share'] === blankShare;
  if (isWritten && JSON.stringify(fields) === text.replace(/[ \t\r\n]/g, '')) return { fields, share };
  share.wipe();
  return undefined;
}

/** Whether a value is an object of JSON. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether the fields are those of these names, all of them. */
export function hasOnly(fields: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return Object.keys(fields).length === names.length && names.every((name) => Object.hasOwn(fields, name));
}

/** Where the 64 digits of the first share begin. */
function placeOfShare(bytes: Uint8Array): number | undefined {
  const found = bytes.findIndex((_, i) => field.every((byte, j) => bytes[i + j] === byte));
  if (found < 0) return undefined;
  const colon = skipWhite(bytes, found + field.length);
  const quote = skipWhite(bytes, colon + 1);
  const end = quote + 65;
  if (bytes[colon] !== 0x3a || bytes[quote] !== 0x22 || bytes[end] !== 0x22) return undefined;
  for (let i = quote + 1; i < end; i++) if (nibble(bytes, i) < 0) return undefined;
  return quote + 1;
}

function skipWhite(bytes: Uint8Array, from: number): number {
  let at = from;
  while (white.includes(bytes[at] ?? 0)) at++;
  return at;
}

/** The value of a lower-case digit; negative if it is none. */
function nibble(bytes: Uint8Array, at: number): number {
  const digit = bytes[at] ?? 0;
  if (digit >= 0x30 && digit <= 0x39) return digit - 0x30;
  return digit >= 0x61 && digit <= 0x66 ? digit - 0x57 : -1;
}

function digitOf(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
