import { hash } from 'node:crypto';

/*
 * Stands in for `primitives/hash.ts` where thousands of committees are simulated: the same functions, by OpenSSL. What is
 * hashed is a few blocks at a time, for which noble takes several times as long.
 */
export { keccak256, ripemd160 } from '../../packages/protocol/src/primitives/hash.ts';

type Hash = (message: Uint8Array) => Uint8Array;

export const sha256: Hash = (message) => new Uint8Array(hash('sha256', message, 'buffer'));
export const sha512: Hash = (message) => new Uint8Array(hash('sha512', message, 'buffer'));

/** RFC 2104, by two calls: OpenSSL's own takes several times as long to begin. */
export function hmac(of: Hash, key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = of === sha256 ? 64 : 128;
  const short = key.length > block ? of(key) : key;
  const padded = (pad: number, rest: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(block + rest.length).fill(pad, 0, block);
    for (let i = 0; i < short.length; i++) bytes[i] = (short[i] as number) ^ pad;
    bytes.set(rest, block);
    return bytes;
  };
  return of(padded(0x5c, of(padded(0x36, message))));
}

/** RFC 5869. */
export function hkdf(
  of: Hash,
  key: Uint8Array,
  salt: Uint8Array | undefined,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const extracted = hmac(of, salt ?? new Uint8Array(0), key);
  const blocks: Uint8Array[] = [];
  for (let filled = 0; filled < length; filled += extracted.length) {
    const input = Buffer.concat([blocks.at(-1) ?? new Uint8Array(0), info, Uint8Array.of(blocks.length + 1)]);
    blocks.push(hmac(of, extracted, input));
  }
  return new Uint8Array(Buffer.concat(blocks)).slice(0, length);
}
