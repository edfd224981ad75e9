import { describe, expect, it } from 'vitest';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { ethereumAddress } from './ethereum.ts';

const publicKey = (secret: bigint): Uint8Array => secp256k1.encodePoint(secp256k1.multiplyBase(secret));

describe('Ethereum addresses', () => {
  it.each([
    // The keys of the secrets 1 and 2, and the first account that development networks make.
    [1n, '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf'],
    [2n, '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF'],
    [0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80n, '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'],
  ])('are those that everybody knows: %s', (secret, address) => {
    expect(ethereumAddress(publicKey(secret))).toBe(address);
  });

  it('exist for public keys only', () => {
    expect(() => ethereumAddress(publicKey(1n).subarray(1))).toThrow(EncodingError);
  });
});
