import { assert, bigInt, constantFrom, integer, property, uint8Array, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii } from '../bytes.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { seeded } from '../random.ts';
import { primeField } from './field.ts';
import { evaluate, lagrange, randomPolynomial } from './polynomial.ts';
import { combine, split } from './shamir.ts';

const orders = [toy.order, secp256k1.order, 2n ** 521n - 1n];

describe.each(orders)('the field of order %s', (order) => {
  const field = primeField(order);
  const element = bigInt({ min: 0n, max: order - 1n });

  it('inverts everything but zero', () => {
    assert(
      property(element, (a) => {
        if (a !== 0n) expect(field.multiply(a, field.invert(a))).toBe(1n);
      }),
    );
    expect(() => field.invert(0n)).toThrow(RangeError);
    expect(() => field.invert(order)).toThrow(RangeError);
  });

  it('reduces any integer', () => {
    expect(field.subtract(1n, 2n)).toBe(order - 1n);
    expect(field.add(order - 1n, 2n)).toBe(1n);
    expect(field.reduce(-3n * order - 1n)).toBe(order - 1n);
  });

  it('shares a secret that as many shares as the threshold recover', () => {
    const ids = uniqueArray(bigInt({ min: 1n, max: order - 1n }), { minLength: 5, maxLength: 5 });
    assert(
      property(element, ids, integer({ min: 1, max: 5 }), integer(), (secret, five, threshold, seed) => {
        const shares = split(field, secret, threshold, five, seeded(ascii(`seed ${seed}`)));
        expect(combine(field, shares.slice(0, threshold))).toBe(secret);
        expect(combine(field, shares.slice(5 - threshold))).toBe(secret);
        expect(combine(field, shares)).toBe(secret);
        // One fewer gives another value: the top coefficient is not zero.
        if (threshold > 1) expect(combine(field, shares.slice(0, threshold - 1))).not.toBe(secret);
      }),
      { numRuns: 30 },
    );
  });

  it('interpolates at any place', () => {
    const f = randomPolynomial(field, 5n, 4, seeded(ascii('f')));
    const ids = [1n, 7n, order - 2n, 1000n];
    const at = 99n;
    const weights = lagrange(field, ids, at);
    const value = ids.reduce((sum, id, i) => field.add(sum, evaluate(field, f, id) * (weights[i] as bigint)), 0n);
    expect(value).toBe(evaluate(field, f, at));
  });

  it.each([
    ['zero', [0n, 1n]],
    ['zero modulo the order', [order, 1n]],
    ['twice the same', [1n, 1n]],
    ['the same modulo the order', [1n, order + 1n]],
  ])('refuses identifiers: %s', (_what, ids) => {
    const error = expect.objectContaining({ name: 'SharingError', code: 'identifiers' });
    expect(() => lagrange(field, ids)).toThrow(error);
    expect(() => split(field, 1n, 2, ids, seeded(ascii('s')))).toThrow(error);
    expect(() =>
      combine(
        field,
        ids.map((id) => ({ id, value: 1n })),
      ),
    ).toThrow(error);
  });

  it('refuses thresholds that cannot be met', () => {
    const error = expect.objectContaining({ name: 'SharingError', code: 'threshold' });
    const randomness = seeded(ascii('s'));
    for (const threshold of [0, -1, 1.5, 3]) {
      expect(() => split(field, 1n, threshold, [1n, 2n], randomness)).toThrow(error);
    }
    expect(() => combine(field, [])).toThrow(error);
  });
});

it('gives no share of a secret away: two secrets have the same shares for fewer than the threshold', () => {
  // Over a field this small the claim can be counted: for each value of one share, every secret is equally likely.
  const field = primeField(7n);
  const seen = new Map<string, number>();
  for (let slope = 0n; slope < 7n; slope++) {
    for (let secret = 0n; secret < 7n; secret++) {
      const share = evaluate(field, [secret, slope], 3n);
      seen.set(`${share} ${secret}`, (seen.get(`${share} ${secret}`) ?? 0) + 1);
    }
  }
  expect(new Set(seen.values())).toEqual(new Set([1]));
  assert(
    property(constantFrom(...orders), uint8Array({ minLength: 8, maxLength: 8 }), (order, seed) => {
      const polynomial = randomPolynomial(primeField(order), 1n, 4, seeded(seed));
      expect(polynomial).toHaveLength(4);
      expect(new Set(polynomial.slice(1)).size).toBe(3);
      expect(polynomial[0]).toBe(1n);
    }),
  );
});
