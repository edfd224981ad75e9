import { ascii, concat, u64 } from './bytes.ts';
import { sha256, sha512 } from './primitives/hash.ts';

/**
 * The only way to hash more than one thing. Tag and parts are prefixed with their length, so that no two different lists
 * share an input (TSSHOCK's α-shuffle); the formats that a standard fixes (RFC 9591, BIP-32, BIP-340) are the exception.
 *
 *   hash(tag; p1..pm) = SHA-256( u64(|tag|) ‖ tag ‖ u64(|p1|) ‖ p1 ‖ … ‖ u64(|pm|) ‖ pm )
 *
 * Every tag in use is listed in `tags.ts`.
 * @returns 32 bytes
 */
export function hash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return hashBy(sha256, tag, ...parts);
}

/** As {@link hash} or {@link hash512}, computed by a twin of their function: for many kilobytes, or many times. */
export function hashBy(
  compute: (message: Uint8Array) => Uint8Array,
  tag: string,
  ...parts: readonly Uint8Array[]
): Uint8Array {
  return compute(preimage(tag, parts));
}

/** As {@link hash} with SHA-512. @returns 64 bytes */
export function hash512(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha512(preimage(tag, parts));
}

/** The fixed-width items of a list as one part: their count, then the items. */
export function list(items: readonly Uint8Array[]): Uint8Array {
  return concat(u64(items.length), ...items.flatMap((item) => [u64(item.length), item]));
}

function preimage(tag: string, parts: readonly Uint8Array[]): Uint8Array {
  const name = nameOf(tag);
  let length = 8 + name.length;
  for (const part of parts) length += 8 + part.length;
  const out = new Uint8Array(length);
  let at = put(out, 0, name);
  for (const part of parts) at = put(out, at, part);
  return out;
}

/** Tags as bytes: there are few, and much is hashed under each. */
const names = new Map<string, Uint8Array>();

function nameOf(tag: string): Uint8Array {
  const known = names.get(tag);
  if (known !== undefined) return known;
  const name = ascii(tag);
  names.set(tag, name);
  return name;
}

/** Writes a part behind its length. @returns where it ends */
function put(out: Uint8Array, at: number, part: Uint8Array): number {
  for (let i = at + 7, rest = part.length; rest > 0; i--, rest = Math.floor(rest / 256)) out[i] = rest;
  out.set(part, at + 8);
  return at + 8 + part.length;
}
