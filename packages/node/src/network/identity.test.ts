import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { fromHex, Secret, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { identityOf, peerIdOf, publicKeyOf, verifyFrom } from './identity.ts';

// RFC 8032 §7.1, test 2
const seed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
const publicKey = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
const signature =
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';

describe('an identity', () => {
  const identity = identityOf(new Secret(fromHex(seed)));

  test('signs as RFC 8032 says', () => {
    expect(toHex(identity.publicKey)).toBe(publicKey);
    expect(toHex(identity.sign(Uint8Array.of(0x72)))).toBe(signature);
  });

  test('has the PeerId that libp2p gives to the same key, and the PeerId gives the key back', () => {
    const theirs = peerIdFromPrivateKey(privateKeyFromRaw(fromHex(seed + publicKey)));
    expect(identity.peer).toBe(theirs.toString());
    expect(toHex(publicKeyOf(identity.peer))).toBe(publicKey);
    expect(peerIdOf(fromHex(publicKey))).toBe(identity.peer);
  });

  test('is verified against the PeerId alone', () => {
    expect(verifyFrom(identity.peer, Uint8Array.of(0x72), fromHex(signature))).toBe(true);
    expect(verifyFrom(identity.peer, Uint8Array.of(0x73), fromHex(signature))).toBe(false);
    expect(verifyFrom(identity.peer, Uint8Array.of(0x72), new Uint8Array(3))).toBe(false);
  });

  test('a seed of another length is refused', () => {
    expect(() => identityOf(new Secret(new Uint8Array(31)))).toThrow(
      expect.objectContaining({ code: 'identity-invalid' }),
    );
  });

  test.each([
    '',
    'alice',
    '16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ',
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
  ])('%j is refused as a PeerId', (text) =>
    expect(() => publicKeyOf(text)).toThrow(expect.objectContaining({ code: 'identity-invalid' })),
  );

  test('another spelling of a PeerId is refused', () => {
    const cid = 'k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8';
    expect(() => publicKeyOf(cid)).toThrow(/spelled|not parse/);
  });
});
