/** Small, dependency-free operations on byte strings. */

const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The concatenation of `parts`, in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Equality whose running time depends on the lengths only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Lexicographic order: negative, zero or positive. Not constant time. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Lower-case hexadecimal. Never call it on a secret: a string cannot be wiped. */
export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i++) out += pairs[bytes[i] as number] as string;
  return out;
}

/** Strict inverse of {@link toHex}: lower or upper case, even length. Throws RangeError. */
export function fromHex(hex: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex)) throw new RangeError('not a hexadecimal string of even length');
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** ASCII text as bytes: tags and labels. Throws RangeError on anything else. */
export function ascii(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7e || code < 0x20) throw new RangeError('not printable ASCII');
    out[i] = code;
  }
  return out;
}

/** A bigint as `length` bytes, most significant first. Throws RangeError if it does not fit. */
export function toBytesBE(value: bigint, length: number): Uint8Array {
  if (value < 0n) throw new RangeError('negative');
  const out = new Uint8Array(length);
  let at = length;
  // Word by word: no text, which could not be wiped, and few big integers.
  for (let rest = value; rest > 0n; rest >>= 32n) {
    for (let word = Number(BigInt.asUintN(32, rest)), left = 4; left > 0; word >>>= 8, left--) {
      if (at > 0) out[--at] = word;
      else if (word !== 0) throw new RangeError(`does not fit ${length} bytes`);
    }
  }
  return out;
}

/** A bigint as `length` bytes, least significant first. Throws RangeError if it does not fit. */
export function toBytesLE(value: bigint, length: number): Uint8Array {
  return toBytesBE(value, length).reverse();
}

/** The integer whose bytes are `bytes`, most significant first. */
export function fromBytesBE(bytes: Uint8Array): bigint {
  let value = 0n;
  let word = 0;
  for (let i = 0; i < bytes.length; i++) {
    word = word * 256 + (bytes[i] as number);
    // Whole words from the end: what is left over comes first.
    if ((bytes.length - 1 - i) % 4 !== 0) continue;
    value = value === 0n ? BigInt(word) : (value << 32n) | BigInt(word);
    word = 0;
  }
  return value;
}

/** The integer whose bytes are `bytes`, least significant first. */
export function fromBytesLE(bytes: Uint8Array): bigint {
  return fromBytesBE(bytes.slice().reverse());
}

/** `value` as two bytes, most significant first. Throws RangeError if it does not fit. */
export function u16(value: number): Uint8Array {
  return integer(value, 2);
}

/** `value` as four bytes, most significant first. Throws RangeError if it does not fit. */
export function u32(value: number): Uint8Array {
  return integer(value, 4);
}

/** `value` as eight bytes, most significant first. Throws RangeError if it does not fit. */
export function u64(value: number | bigint): Uint8Array {
  return typeof value === 'bigint' ? toBytesBE(value, 8) : integer(value, 8);
}

/** A safe integer as `length` bytes, most significant first: every hash and every message is full of them. Throws RangeError. */
export function integer(value: number, length: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('not an unsigned integer');
  const out = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0 && rest > 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  if (rest > 0) throw new RangeError(`does not fit ${length} bytes`);
  return out;
}
