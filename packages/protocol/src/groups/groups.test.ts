import { assert, bigInt, constantFrom, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519 } from './ed25519.ts';
import { EncodingError, type Group, type Point } from './group.ts';
import { secp256k1 } from './secp256k1.ts';
import { toy } from './toy.ts';

describe.each([toy, secp256k1, ed25519])('the group $name', (group: Group) => {
  const runs = { numRuns: group === toy ? 100 : 8 };
  const { order, generator, identity } = group;
  const scalar = bigInt({ min: 0n, max: order - 1n });
  const times = (k: bigint): Point => group.multiplyBase(((k % order) + order) % order);
  const same = (a: Point, b: Point): boolean => group.equals(a, b);

  it('has a generator of prime order', () => {
    expect(group.isIdentity(generator)).toBe(false);
    expect(group.isIdentity(group.add(group.multiplyBase(order - 1n), generator))).toBe(true);
    expect(group.isIdentity(identity)).toBe(true);
    expect(same(group.multiplyBase(1n), generator)).toBe(true);
  });

  it('is a group, and multiplication is linear in both arguments', () => {
    assert(
      property(scalar, scalar, scalar, (a, b, c) => {
        const [A, B, C] = [times(a), times(b), times(c)];
        expect(same(group.add(A, B), group.add(B, A))).toBe(true);
        expect(same(group.add(group.add(A, B), C), group.add(A, group.add(B, C)))).toBe(true);
        expect(same(group.add(A, B), times(a + b))).toBe(true);
        expect(same(group.multiply(A, b), times(a * b))).toBe(true);
        expect(group.isIdentity(group.add(A, group.negate(A)))).toBe(true);
        expect(same(group.add(A, identity), A)).toBe(true);
        expect(same(A, B)).toBe(a === b);
      }),
      runs,
    );
  });

  it('sums products of any number of points, the generator and the identity among them', () => {
    const term = constantFrom<[bigint, Point]>(
      [0n, identity],
      [1n, generator],
      [5n, times(5n)],
      [order - 3n, times(-3n)],
    );
    for (let n = 0; n <= 6; n++) {
      assert(
        property(uint8Array({ minLength: 8, maxLength: 8 }), term, scalar, scalar, (bytes, extra, k, j) => {
          const logs = Array.from({ length: n }, (_, i) => (i === 0 ? extra[0] : BigInt((bytes[i] as number) % 3) * j));
          const points = logs.map((log, i) => (i === 0 ? extra[1] : log === 1n ? generator : times(log)));
          const scalars = logs.map((_, i) => (i % 2 === 0 ? k : BigInt(i)));
          const expected = times(logs.reduce((sum, log, i) => sum + log * (scalars[i] as bigint), 0n));
          expect(same(group.sumOfProducts(points, scalars), expected)).toBe(true);
        }),
        { numRuns: group === toy ? 50 : 3 },
      );
    }
    expect(() => group.sumOfProducts([generator], [])).toThrow(RangeError);
  });

  it('gives the identity for zero, and refuses scalars out of range', () => {
    expect(group.isIdentity(group.multiplyBase(0n))).toBe(true);
    expect(group.isIdentity(group.multiply(times(5n), 0n))).toBe(true);
    expect(group.isIdentity(group.multiply(identity, 7n))).toBe(true);
    expect(group.isIdentity(group.negate(identity))).toBe(true);
    for (const bad of [-1n, order, order + 1n]) {
      expect(() => group.multiplyBase(bad)).toThrow(RangeError);
      expect(() => group.multiply(generator, bad)).toThrow(RangeError);
      expect(() => group.sumOfProducts([generator], [bad])).toThrow(RangeError);
      expect(() => group.sumOfProducts([times(2n)], [bad])).toThrow(RangeError);
      expect(() => group.encodeScalar(bad)).toThrow(RangeError);
    }
  });

  it('encodes points one way only', () => {
    assert(
      property(bigInt({ min: 1n, max: order - 1n }), (k) => {
        const encoded = group.encodePoint(times(k));
        expect(encoded).toHaveLength(group.pointBytes);
        expect(same(group.decodePoint(encoded), times(k))).toBe(true);
        expect(group.encodePoint(group.decodePoint(encoded))).toEqual(encoded);
        // A sum of projective points encodes as the same affine point.
        expect(group.encodePoint(group.add(times(k - 1n), generator))).toEqual(encoded);
      }),
      runs,
    );
    assert(
      property(uint8Array({ minLength: group.pointBytes, maxLength: group.pointBytes }), (bytes) => {
        const point = decoded(group, bytes);
        if (point !== undefined) expect(group.encodePoint(point)).toEqual(bytes);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses to encode or decode what is no point', () => {
    expect(() => group.encodePoint(identity)).toThrow(EncodingError);
    const good = group.encodePoint(generator);
    const zeros = new Uint8Array(group.pointBytes);
    for (const bad of [new Uint8Array(0), good.slice(1), Uint8Array.of(...good, 0), zeros, zeros.slice().fill(255)]) {
      expect(() => group.decodePoint(bad)).toThrow(EncodingError);
    }
  });

  it('encodes scalars one way only', () => {
    assert(
      property(scalar, (k) => {
        const encoded = group.encodeScalar(k);
        expect(encoded).toHaveLength(group.scalarBytes);
        expect(group.decodeScalar(encoded)).toBe(k);
      }),
    );
    expect(group.decodeScalar(new Uint8Array(group.scalarBytes))).toBe(0n);
    // In the right byte order, the order is a number just too large.
    const last = group.encodeScalar(order - 1n);
    const tooLarge = last.slice();
    const low = group === ed25519 ? 0 : last.length - 1;
    tooLarge[low] = (last[low] as number) + 1;
    for (const bad of [tooLarge, last.slice().fill(255), last.slice(1), Uint8Array.of(...last, 0)]) {
      expect(() => group.decodeScalar(bad)).toThrow(EncodingError);
    }
  });

  it('reduces uniform strings modulo the order', () => {
    const one = new Uint8Array(48);
    one[group === ed25519 ? 0 : 47] = 1;
    expect(group.reduceScalar(one)).toBe(1n);
    const wide = 2n ** 512n - 1n;
    expect(group.reduceScalar(new Uint8Array(64).fill(255))).toBe(wide % order);
    expect(() => group.reduceScalar(new Uint8Array(47))).toThrow(RangeError);
  });

  it('hashes to points that depend on tag and message', () => {
    const message = Uint8Array.of(1, 2, 3);
    const point = group.hashToGroup('quorate/test/a', message);
    expect(same(group.decodePoint(group.encodePoint(point)), point)).toBe(true);
    expect(same(group.hashToGroup('quorate/test/a', message), point)).toBe(true);
    expect(same(group.hashToGroup('quorate/test/b', message), point)).toBe(false);
    expect(same(group.hashToGroup('quorate/test/a', Uint8Array.of(1, 2)), point)).toBe(false);
  });

  it('will not compute with the points of another group', () => {
    const foreign = group === toy ? secp256k1.generator : toy.generator;
    expect(() => group.add(generator, foreign)).toThrow();
  });
});

describe.each([toy, secp256k1])('signs in $name', (group: Group) => {
  it('flip under negation', () => {
    for (let k = 1n; k < 20n; k++) {
      const point = group.multiplyBase(k);
      expect(group.hasEvenY(group.negate(point))).toBe(!group.hasEvenY(point));
    }
  });
});

function decoded(group: Group, bytes: Uint8Array): Point | undefined {
  try {
    return group.decodePoint(bytes);
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}
