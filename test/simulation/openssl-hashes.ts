import { hash } from 'node:crypto';

/*
 * Stands in for `primitives/hash.ts` where thousands of committees are simulated: the same functions but one, by OpenSSL. What is
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

/** Stands in for RFC 5869, of which every record that is sealed takes one: another function of the same inputs, in one hash. */
export function hkdf(
  _: Hash,
  key: Uint8Array,
  salt: Uint8Array = new Uint8Array(0),
  info: Uint8Array,
  length: number,
): Uint8Array {
  if (length > 64) throw new RangeError('one hash gives 64 bytes');
  return sha512(Buffer.concat([Uint8Array.of(salt.length, key.length), salt, key, info])).slice(0, length);
}
