import { hash } from 'node:crypto';

/*
 * Stands in for `primitives/hash.ts` where thousands of committees are simulated: the same functions but two, by OpenSSL. What is
 * hashed is a few blocks at a time, for which noble takes several times as long.
 */
export { keccak256, ripemd160 } from '../../packages/protocol/src/primitives/hash.ts';

type Hash = (message: Uint8Array) => Uint8Array;

export const sha256: Hash = (message) => bytesOf(hash('sha256', message, 'latin1'));
export const sha512: Hash = (message) => bytesOf(hash('sha512', message, 'latin1'));

/** Out of a string, since a buffer of OpenSSL's is on another heap, and takes longer to get than to fill. */
function bytesOf(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

/** Stands in for RFC 2104: another function of the same inputs, in one hash. */
export function hmac(of: Hash, key: Uint8Array, message: Uint8Array): Uint8Array {
  return of(Buffer.concat([Uint8Array.of(key.length), key, message]));
}

/** Stands in for RFC 5869, of which every record that is sealed takes one: likewise. */
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
