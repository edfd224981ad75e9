import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mixedOrder, nonCanonical, smallOrder } from '../../../../test/support/ed25519-edge-cases.ts';
import { ascii, fromBytesLE, fromHex, toBytesLE, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { pureAead } from './aead.ts';
import { sha512 } from './hash.ts';
import { isStrict, pureEd25519, pureNodeKey } from './signatures.ts';
import { pureSymmetric } from './symmetric.ts';

describe('authenticated encryption', () => {
  const key = new Uint8Array(32).fill(1);
  const nonce = new Uint8Array(12).fill(2);
  const aad = ascii('aad');

  it('opens what it sealed, and nothing else', () => {
    assert(
      property(uint8Array({ maxLength: 80 }), (plaintext) => {
        const sealed = pureAead.seal(key, nonce, aad, plaintext);
        expect(sealed).toHaveLength(plaintext.length + 16);
        expect(pureAead.open(key, nonce, aad, sealed)).toEqual(plaintext);
        for (const wrong of [sealed.slice(1), sealed.slice(0, 15), Uint8Array.of(...sealed, 0), flip(sealed, 0)]) {
          expect(pureAead.open(key, nonce, aad, wrong)).toBeUndefined();
        }
        expect(pureAead.open(flip(key, 5), nonce, aad, sealed)).toBeUndefined();
        expect(pureAead.open(key, flip(nonce, 5), aad, sealed)).toBeUndefined();
        expect(pureAead.open(key, nonce, flip(aad, 1), sealed)).toBeUndefined();
      }),
    );
  });

  it('takes keys of 32 and nonces of 12 bytes', () => {
    expect(() => pureAead.seal(key.slice(1), nonce, aad, key)).toThrow(RangeError);
    expect(() => pureAead.open(key, new Uint8Array(24), aad, key)).toThrow(RangeError);
  });
});

describe('AES-128 of single blocks', () => {
  it('has the vectors of FIPS 197 (C.1) and SP 800-38A (F.1.1), block by block', () => {
    const key = fromHex('000102030405060708090a0b0c0d0e0f');
    const block = fromHex('00112233445566778899aabbccddeeff');
    const twice = pureSymmetric.aes128Blocks(key, Uint8Array.of(...block, ...block));
    expect(toHex(twice)).toBe('69c4e0d86a7b0430d8cdb78070b4c55a'.repeat(2));
    expect(
      toHex(
        pureSymmetric.aes128Blocks(
          fromHex('2b7e151628aed2a6abf7158809cf4f3c'),
          fromHex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51'),
        ),
      ),
    ).toBe('3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf');
  });
});

describe('signatures', () => {
  // RFC 8032 §7.1, test 2.
  const seed = fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
  const key = pureNodeKey(seed);
  const message = fromHex('72');
  const signature = key.sign(message);

  it('are those of RFC 8032', () => {
    expect(toHex(key.publicKey)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    expect(toHex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(pureEd25519.verify(key.publicKey, message, signature)).toBe(true);
  });

  it('do not depend on the caller keeping the seed', () => {
    const mine = seed.slice();
    const other = pureNodeKey(mine);
    mine.fill(0);
    expect(other.sign(message)).toEqual(signature);
  });

  it('verify for one key, message and signature only', () => {
    for (let i = 0; i < 64; i++) expect(pureEd25519.verify(key.publicKey, message, flip(signature, i))).toBe(false);
    for (let i = 0; i < 32; i++) expect(pureEd25519.verify(flip(key.publicKey, i), message, signature)).toBe(false);
    expect(pureEd25519.verify(key.publicKey, flip(message, 0), signature)).toBe(false);
    expect(pureEd25519.verify(key.publicKey, message, signature.slice(1))).toBe(false);
    expect(pureEd25519.verify(key.publicKey.slice(1), message, signature)).toBe(false);
  });
});

describe('strictness of signatures', () => {
  const seven = ed25519.encodePoint(ed25519.multiplyBase(7n));
  const bad = [...smallOrder, ...nonCanonical].map(fromHex);

  it.each(mixedOrder)('takes the key of mixed order %s for what it is', (key) => {
    expect(isStrict(fromHex(key), Uint8Array.of(...seven, ...new Uint8Array(32)))).toBe(true);
  });

  it('refuses keys of small order and non-canonical ones, whatever was signed', () => {
    const response = ed25519.encodeScalar(7n);
    for (const key of bad) {
      // Valid whenever the key's order divides the challenge, as it does for at least one message in eight.
      for (let i = 0; i < 32; i++) {
        expect(pureEd25519.verify(key, Uint8Array.of(i), Uint8Array.of(...seven, ...response))).toBe(false);
      }
    }
  });

  it('refuses an R of small order, which the key’s holder alone can make', () => {
    for (const commitment of bad) {
      for (let i = 0; i < 4; i++) {
        const challenge = ed25519.reduceScalar(sha512(Uint8Array.of(...commitment, ...seven, i)));
        const response = ed25519.encodeScalar((challenge * 7n) % ed25519.order);
        expect(pureEd25519.verify(seven, Uint8Array.of(i), Uint8Array.of(...commitment, ...response))).toBe(false);
      }
    }
  });

  it('refuses S + order for S', () => {
    const key = pureNodeKey(new Uint8Array(32));
    const signature = key.sign(seven);
    const response = toBytesLE(fromBytesLE(signature.subarray(32)) + ed25519.order, 32);
    expect(pureEd25519.verify(key.publicKey, seven, signature)).toBe(true);
    expect(pureEd25519.verify(key.publicKey, seven, Uint8Array.of(...signature.subarray(0, 32), ...response))).toBe(
      false,
    );
  });
});

function flip(bytes: Uint8Array, index: number): Uint8Array {
  const out = bytes.slice();
  out[index] = (out[index] as number) ^ 1;
  return out;
}
