import { EncodingError, fromHex, type Group, type Point, secp256k1 } from '@quorate/protocol';
import { assert, bigInt, constantFrom, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libsecp256k1 } from './index.ts';

describe('libsecp256k1', () => {
  const native = libsecp256k1();
  if (native === undefined) {
    console.warn('NOT TESTED against libsecp256k1: tiny-secp256k1 is not installed.');
    return;
  }
  const { order } = secp256k1;
  const scalar = bigInt({ min: 0n, max: order - 1n });
  const both = [secp256k1, native];
  const encoded = (group: Group, point: Point): string =>
    group.isIdentity(point) ? 'identity' : `${group.encodePoint(point).join()} ${group.hasEvenY(point)}`;
  const agree = (compute: (group: Group) => Point): void => {
    const [pure, fast] = both.map((group) => encoded(group, compute(group)));
    expect(fast).toBe(pure);
  };
  const decodes = (group: Group, encoding: Uint8Array): boolean => {
    try {
      group.decodePoint(encoding);
      return true;
    } catch (error) {
      if (error instanceof EncodingError) return false;
      throw error;
    }
  };

  it('computes what noble computes', () => {
    assert(
      property(scalar, scalar, scalar, (a, b, c) => {
        agree((group) => group.multiplyBase(a));
        agree((group) => group.multiply(group.multiplyBase(b), a));
        agree((group) => group.add(group.multiplyBase(a), group.multiplyBase(b)));
        agree((group) => group.add(group.multiplyBase(a), group.multiplyBase(a)));
        agree((group) => group.negate(group.multiplyBase(c)));
        const points = (group: Group) => [
          group.generator,
          group.multiplyBase(b),
          group.identity,
          group.multiplyBase(c),
        ];
        agree((group) => group.sumOfProducts(points(group), [a, c, b, 1n]));
        agree((group) => group.decodePoint(secp256k1.encodePoint(secp256k1.multiplyBase(a === 0n ? 1n : a))));
      }),
      { numRuns: 100 },
    );
  });

  it('knows the identity', () => {
    for (const group of both) {
      const P = group.multiplyBase(5n);
      for (const zero of [
        group.identity,
        group.multiplyBase(0n),
        group.multiply(P, 0n),
        group.multiply(group.identity, 3n),
        group.add(P, group.negate(P)),
        group.negate(group.identity),
        group.sumOfProducts([], []),
        group.sumOfProducts([P, P], [1n, order - 1n]),
      ]) {
        expect(group.isIdentity(zero)).toBe(true);
        expect(group.equals(zero, group.identity)).toBe(true);
        expect(group.equals(zero, P)).toBe(false);
        expect(() => group.encodePoint(zero)).toThrow(EncodingError);
        expect(group.equals(group.add(zero, P), P)).toBe(true);
        expect(group.equals(group.add(P, zero), P)).toBe(true);
      }
      expect(group.isIdentity(group.multiplyBase(order - 1n))).toBe(false);
    }
  });

  it('refuses what noble refuses', () => {
    const valid = secp256k1.encodePoint(secp256k1.generator);
    const uncompressed = fromHex(
      '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
    );
    const field = fromHex('fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f');
    const bad = [
      valid.slice(1),
      Uint8Array.of(...valid, 0),
      uncompressed,
      // x = p, x = p + 1 (which is 1 again), x = 0 and x = 5 are not x-coordinates in canonical form or at all.
      Uint8Array.of(2, ...field),
      Uint8Array.of(2, ...field.with(31, 0x30)),
      Uint8Array.of(2, ...new Uint8Array(32)),
      Uint8Array.of(2, ...new Uint8Array(32).with(31, 5)),
      valid.with(0, 0),
      valid.with(0, 4),
      valid.with(0, 6),
      new Uint8Array(33),
      new Uint8Array(0),
    ];
    for (const group of both) {
      expect(decodes(group, valid)).toBe(true);
      for (const encoding of bad) expect(decodes(group, encoding)).toBe(false);
      for (const scalarOutside of [-1n, order]) {
        expect(() => group.multiplyBase(scalarOutside)).toThrow(RangeError);
        expect(() => group.multiply(group.generator, scalarOutside)).toThrow(RangeError);
        expect(() => group.multiply(group.identity, scalarOutside)).toThrow(RangeError);
        expect(() => group.sumOfProducts([group.multiplyBase(2n)], [scalarOutside])).toThrow(RangeError);
      }
      expect(() => group.sumOfProducts([group.generator], [])).toThrow(RangeError);
    }
    expect(() => native.add(native.generator, secp256k1.generator)).toThrow(TypeError);
    assert(
      property(constantFrom(0, 2, 3, 4), uint8Array({ minLength: 32, maxLength: 32 }), (prefix, x) => {
        const encoding = Uint8Array.of(prefix, ...x);
        expect(decodes(native, encoding)).toBe(decodes(secp256k1, encoding));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps its points out of the hands of callers', () => {
    const point = native.multiplyBase(9n);
    const encoding = native.encodePoint(point);
    const decoded = native.decodePoint(encoding);
    encoding.fill(0);
    expect(native.equals(point, decoded)).toBe(true);
    expect(encoded(native, decoded)).toBe(encoded(secp256k1, secp256k1.multiplyBase(9n)));
  });

  it('hashes to the group as noble does', () => {
    agree((group) => group.hashToGroup('quorate/v1/test', Uint8Array.of(1, 2, 3)));
    expect(native.backend).toBe('libsecp256k1');
  });
});
