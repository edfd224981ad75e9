import { assert, bigInt, property } from 'fast-check';
import { expect, it } from 'vitest';
import { multiply128 } from '../../../../test/support/dkls23-oracle.ts';
import { fromBytesLE, fromHex, toBytesLE, toHex } from '../bytes.ts';
import { addProducts, multiples } from './field128.ts';

const element = bigInt({ min: 0n, max: 2n ** 128n - 1n });

function times(a: bigint, b: bigint): bigint {
  const sum = new Uint8Array(16);
  addProducts(sum, multiples(toBytesLE(a, 16)), toBytesLE(b, 16));
  return fromBytesLE(sum);
}

it('multiplies as the specification’s known answers do (§10.4)', () => {
  const a = fromHex('00112233445566778899aabbccddeeff');
  for (const [b, product] of [
    ['000102030405060708090a0b0c0d0e0f', 'ce3c24355a1ebc16a2b344bb3a90dc98'],
    ['02000000000000000000000000000000', '8722446688aaccee1033557799bbddff'],
  ] as const) {
    const sum = new Uint8Array(16);
    addProducts(sum, multiples(a), fromHex(b));
    expect(toHex(sum)).toBe(product);
  }
});

it('is a field', () => {
  assert(
    property(element, element, element, (a, b, c) => {
      expect(times(a, b)).toBe(multiply128(a, b));
      expect(times(a, b)).toBe(times(b, a));
      expect(times(a, b ^ c)).toBe(times(a, b) ^ times(a, c));
      expect(times(a, times(b, c))).toBe(times(times(a, b), c));
      expect(times(1n, a)).toBe(a);
    }),
  );
});

it('raises every element to the 2^128-th power, which is itself', () => {
  assert(
    property(element, (a) => {
      let power = a;
      for (let i = 0; i < 128; i++) power = times(power, power);
      expect(power).toBe(a);
    }),
    { numRuns: 20 },
  );
});

it('adds the products of several elements, of which the last may be short, to what is there', () => {
  assert(
    property(element, element, element, bigInt({ min: 0n, max: 2n ** 32n - 1n }), (sum, a, b, short) => {
      const out = toBytesLE(sum, 16);
      const bits = Uint8Array.of(...toBytesLE(b, 16), ...toBytesLE(short, 4));
      addProducts(out, Uint32Array.of(...multiples(toBytesLE(a, 16)), ...multiples(toBytesLE(b, 16))), bits);
      expect(fromBytesLE(out)).toBe(sum ^ times(a, b) ^ times(b, short));
    }),
  );
});
