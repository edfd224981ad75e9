import { ECDH } from 'node:crypto';
import { assert, bigInt, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toBytesBE, toHex } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { uncompressed } from './sec1.ts';

const publicKey = (secret: bigint): Uint8Array => secp256k1.encodePoint(secp256k1.multiplyBase(secret));

describe('public keys of secp256k1', () => {
  it('are decompressed to the point that OpenSSL finds', () => {
    assert(
      property(bigInt(1n, secp256k1.order - 1n), (secret) => {
        const key = publicKey(secret);
        const expected = ECDH.convertKey(key, 'secp256k1', undefined, 'hex', 'uncompressed');
        expect(toHex(uncompressed(key))).toBe(expected);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['no x of a point', concat(Uint8Array.of(2), toBytesBE(5n, 32))],
    ['not below the prime', concat(Uint8Array.of(2), toBytesBE(2n ** 256n - 2n ** 32n - 977n + 1n, 32))],
    ['uncompressed', uncompressed(publicKey(1n))],
    ['of another prefix', concat(Uint8Array.of(4), publicKey(1n).subarray(1))],
    ['nothing after the prefix', fromHex('02')],
    ['an x, but in 1 byte', fromHex('0201')],
    ['an x, but in 33 bytes', concat(Uint8Array.of(2, 0), publicKey(1n).subarray(1))],
  ])('are points in their compressed form: %s', (_, bytes) => {
    expect(() => uncompressed(bytes)).toThrow(EncodingError);
  });
});
