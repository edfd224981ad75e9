import { createHmac, hash } from 'node:crypto';

/*
 * Stands in for `primitives/hash.ts` where thousands of committees are simulated: the same functions, by OpenSSL. What is
 * hashed is a few blocks at a time, for which noble takes several times as long.
 */
export { keccak256, ripemd160 } from '../../packages/protocol/src/primitives/hash.ts';

type Hash = (message: Uint8Array) => Uint8Array;

export const sha256: Hash = (message) => new Uint8Array(hash('sha256', message, 'buffer'));
export const sha512: Hash = (message) => new Uint8Array(hash('sha512', message, 'buffer'));

export function hmac(of: Hash, key: Uint8Array, message: Uint8Array): Uint8Array {
  const name = of === sha256 ? 'sha256' : 'sha512';
  return new Uint8Array(createHmac(name, key).update(message).digest());
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
