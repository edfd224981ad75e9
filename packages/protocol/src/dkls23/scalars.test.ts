import { assert, bigInt, constantFrom, oneof, property, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { concat, fromBytesBE, toBytesBE } from '../bytes.ts';
import { areCanonical, combine, load, pack, reduce, store, sumOfChosen, viewOf } from './scalars.ts';
import { order } from './suite.ts';

const top = 2n ** 256n - 1n;
const edges = [0n, 1n, 0xffffn, 2n ** 128n, 2n ** 255n, order - 1n, order, order + 1n, top - 1n, top];
const word = oneof(constantFrom(...edges), bigInt({ min: 0n, max: top }));
const mod = (value: bigint): bigint => ((value % order) + order) % order;

it('loads what it stored, big-endian', () => {
  assert(
    property(word, (value) => {
      const bytes = new Uint8Array(40);
      store(viewOf(bytes.subarray(3)), 5, value);
      expect(fromBytesBE(bytes.subarray(8))).toBe(value);
      expect(load(viewOf(bytes), 8)).toBe(value);
    }),
  );
});

const times = constantFrom(-1, 0, 1);

it('adds, subtracts and leaves out, modulo the order', () => {
  const check = (x: bigint, y: bigint, z: bigint, ym: number, zm: number): void => {
    const [left, middle, right] = [x, y, z].map((value) => viewOf(concat(new Uint8Array(32), toBytesBE(value, 32))));
    const out = new DataView(new ArrayBuffer(64));
    combine(out, 32, left as DataView, middle as DataView, ym, right as DataView, 32, zm);
    expect(load(out, 32)).toBe(mod(x + BigInt(ym) * y + BigInt(zm) * z));
    expect(load(out, 0)).toBe(0n);
  };
  for (const x of edges) {
    for (const y of edges) {
      for (const z of edges) for (const ym of [-1, 0, 1]) for (const zm of [-1, 0, 1]) check(x, y, z, ym, zm);
    }
  }
  assert(property(word, word, word, times, times, check));
});

it('adds in place', () => {
  const out = viewOf(toBytesBE(order - 1n, 32));
  combine(out, 0, out, viewOf(toBytesBE(5n, 32)), 1, viewOf(toBytesBE(1n, 32)), 0, -1);
  expect(load(out, 0)).toBe(3n);
});

it('reduces and packs integers of either sign', () => {
  assert(
    property(bigInt({ min: -(2n ** 520n), max: 2n ** 520n }), (value) => {
      expect(reduce(value)).toBe(mod(value));
      expect(load(viewOf(pack([1n, value])), 32)).toBe(mod(value));
    }),
  );
});

it('knows canonical scalars', () => {
  assert(
    property(word, word, (a, b) => {
      expect(areCanonical(concat(toBytesBE(a, 32), toBytesBE(b, 32)))).toBe(a < order && b < order);
    }),
  );
  for (const a of edges) expect(areCanonical(toBytesBE(a, 32))).toBe(a < order);
});

it('sums the scalars whose bit is set', () => {
  const scalars = [3n, order - 1n, 2n ** 255n, order - 2n, 7n, 11n, order - 1n, order - 1n];
  assert(
    property(uint8Array({ minLength: 1, maxLength: 1 }), ([bits = 0]) => {
      const chosen = scalars.filter((_, j) => (bits >> j) & 1);
      expect(sumOfChosen(pack(scalars), Uint8Array.of(bits))).toBe(mod(chosen.reduce((sum, value) => sum + value, 0n)));
    }),
  );
  // The longest there is: every limb at its largest.
  expect(sumOfChosen(new Uint8Array(32 * 512).fill(255), new Uint8Array(64).fill(255))).toBe(mod(512n * top));
});
