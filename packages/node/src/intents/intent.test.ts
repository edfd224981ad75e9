import { wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { intentCodec, isRaw, MAX_MESSAGE, payloadOf } from './intent.ts';

const message = (length: number) => ({ type: 'message', value: new Uint8Array(length).fill(7) }) as const;

describe('an intent', () => {
  test.for([
    ['taproot', 31, false],
    ['taproot', 32, true],
    ['taproot', 33, false],
    ['taproot', 0, false],
    ['ecdsa', 32, true],
    ['ed25519', 32, false],
  ] as const)('of %s with %d bytes is blind: %s', ([scheme, length, raw]) => {
    expect(isRaw(scheme, message(length))).toBe(raw);
  });

  test.for([0, 1, 32, MAX_MESSAGE])('of %d bytes is what is signed', (length) => {
    const decoded = wire.decode(intentCodec, wire.encode(intentCodec, message(length)));
    expect(payloadOf(decoded)).toEqual(message(length).value);
  });

  test('over the limit does not travel', () => {
    expect(() => wire.encode(intentCodec, message(MAX_MESSAGE + 1))).toThrow();
  });
});
