import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase58 } from '../../../../test/support/bitcoin-addresses.ts';
import { fromHex } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { solanaAddress } from './solana.ts';

describe('Solana addresses', () => {
  it.each([
    // The System Program and the Token Program, whose addresses every transfer names.
    ['00'.repeat(32), '11111111111111111111111111111111'],
    ['06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9', 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA'],
  ])('are those that everybody knows: %s', (bytes, address) => {
    expect(solanaAddress(fromHex(bytes))).toBe(address);
  });

  it('are the key in base58', () => {
    assert(
      property(uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(decodeBase58(solanaAddress(key))).toEqual(key);
      }),
    );
  });

  it.each([31, 33])('exist for public keys only: %i bytes', (length) => {
    expect(() => solanaAddress(new Uint8Array(length))).toThrow(EncodingError);
  });
});
