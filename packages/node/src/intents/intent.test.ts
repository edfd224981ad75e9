import { EncodingError, fromHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { intentCodec, isRaw, MAX_MESSAGE, payloadOf } from './intent.ts';

const message = (length: number) => ({ type: 'message', value: new Uint8Array(length).fill(7) }) as const;

describe('an intent', () => {
  test.for([
    ['taproot', 31, false],
    ['taproot', 32, true],
    ['taproot', 33, false],
    ['taproot', 0, false],
    ['ecdsa', 32, false],
    ['ed25519', 32, false],
  ] as const)('of %s with %d bytes is blind: %s', ([scheme, length, raw]) => {
    expect(isRaw(scheme, message(length))).toBe(raw);
  });

  test.for([
    ['sha256', 31, false],
    ['sha256', 32, true],
    ['sha256', 33, false],
    ['keccak256', 32, false],
  ] as const)('to hash by %s %d bytes, perhaps the first of two hashes, is blind: %s', ([hash, length, raw]) => {
    expect(isRaw('ecdsa', { type: 'hashed', value: { hash, message: message(length).value } })).toBe(raw);
  });

  test.for([0, 1, 32, MAX_MESSAGE])('of %d bytes is what is signed', (length) => {
    const decoded = wire.decode(intentCodec, wire.encode(intentCodec, message(length)));
    expect(payloadOf('ed25519', decoded)).toEqual({ payload: message(length).value });
  });

  test('names the hash that ECDSA signs, and every node computes it', () => {
    const hashed = (hash: 'sha256' | 'keccak256') =>
      ({ type: 'hashed', value: { hash, message: new TextEncoder().encode('abc') } }) as const;
    for (const [hash, expected] of [
      ['sha256', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
      ['keccak256', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
    ] as const) {
      const decoded = wire.decode(intentCodec, wire.encode(intentCodec, hashed(hash)));
      expect(decoded).toEqual(hashed(hash));
      expect(payloadOf('ecdsa', decoded)).toEqual({ payload: fromHex(expected) });
      expect(payloadOf('taproot', decoded)).toHaveProperty('refusal');
      expect(isRaw('ecdsa', decoded)).toBe(false);
    }
    const unknown = wire.encode(intentCodec, hashed('sha256')).with(1, 2);
    expect(() => wire.decode(intentCodec, unknown)).toThrow(EncodingError);
    expect(payloadOf('ecdsa', message(5))).toHaveProperty('refusal');
  });

  test('that is a digest is blind for every scheme that takes it', () => {
    const digest = { type: 'digest', value: new Uint8Array(32).fill(3) } as const;
    expect(wire.decode(intentCodec, wire.encode(intentCodec, digest))).toEqual(digest);
    expect(payloadOf('ecdsa', digest)).toEqual({ payload: digest.value });
    expect(payloadOf('ed25519', digest)).toHaveProperty('refusal');
    expect([isRaw('ecdsa', digest), isRaw('ed25519', digest)]).toEqual([true, true]);
    expect(() => wire.encode(intentCodec, { ...digest, value: new Uint8Array(31) })).toThrow(EncodingError);
  });

  test('over the limit does not travel', () => {
    expect(() => wire.encode(intentCodec, message(MAX_MESSAGE + 1))).toThrow();
  });
});
