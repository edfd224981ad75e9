import type { Randomness } from '../random.ts';
import { SharingError } from './errors.ts';
import { invert, multiply } from './gf256.ts';

/** A share of a byte string: as long as the secret, at the nonzero point `x` of GF(256). */
export interface ByteShare {
  readonly x: number;
  readonly bytes: Uint8Array;
}

/**
 * Shares of a secret of any length, at x = 1..count: Shamir's scheme over GF(256), byte by byte. Leading zeros are kept.
 * The caller wipes the shares. Combination cannot tell a forged share: seal or sign them.
 * @param threshold 1..count
 * @param count at most 255
 * @throws {SharingError}
 */
export function splitBytes(
  secret: Uint8Array,
  threshold: number,
  count: number,
  randomness: Randomness,
): readonly ByteShare[] {
  if (!Number.isSafeInteger(count) || count < 1 || count > 255)
    throw new SharingError('identifiers', '1 to 255 shares');
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > count) {
    throw new SharingError('threshold', 'a threshold is between 1 and the number of shares');
  }
  const coefficients = Array.from({ length: threshold - 1 }, () => randomness.bytes(secret.length));
  const shares = Array.from({ length: count }, (_, i) => {
    const x = i + 1;
    const bytes = new Uint8Array(secret.length);
    for (const coefficient of [...coefficients, secret]) {
      for (let k = 0; k < bytes.length; k++) bytes[k] = multiply(bytes[k] as number, x) ^ (coefficient[k] as number);
    }
    return { x, bytes };
  });
  for (const coefficient of coefficients) coefficient.fill(0);
  return shares;
}

/**
 * The secret, from exactly as many shares as are given: the caller knows the threshold.
 * @throws {SharingError} no shares, x out of 1..255 or repeated, or shares of different lengths
 */
export function combineBytes(shares: readonly ByteShare[]): Uint8Array {
  const length = shares[0]?.bytes.length;
  if (length === undefined) throw new SharingError('threshold', 'no shares');
  if (shares.some(({ bytes }) => bytes.length !== length)) throw new SharingError('length', 'shares differ in length');
  const xs = shares.map(({ x }) => x);
  if (xs.some((x) => !Number.isSafeInteger(x) || x < 1 || x > 255)) {
    throw new SharingError('identifiers', 'an identifier is not between 1 and 255');
  }
  if (new Set(xs).size !== xs.length) throw new SharingError('identifiers', 'two identifiers are the same');

  const secret = new Uint8Array(length);
  for (const { x, bytes } of shares) {
    let weight = 1;
    for (const other of xs) if (other !== x) weight = multiply(weight, multiply(other, invert(other ^ x)));
    for (let k = 0; k < length; k++) secret[k] = (secret[k] as number) ^ multiply(bytes[k] as number, weight);
  }
  return secret;
}
