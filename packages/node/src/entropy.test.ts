import { existsSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { mixed, systemRandomness } from './entropy.ts';

/** OpenSSL's generator as the copy of a machine has it: it repeats itself. */
vi.mock('node:crypto', async (original) => ({
  ...(await original<object>()),
  randomFillSync: (bytes: Uint8Array) => bytes.fill(7),
}));

const stuck = (value: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(value) });
const counting = () => {
  let next = 0;
  return { bytes: (length: number) => Uint8Array.from({ length }, () => next++) };
};

describe('randomness of two sources', () => {
  test('varies in each byte while one of them does', () => {
    for (const both of [mixed(stuck(9), counting()), mixed(counting(), stuck(9))]) {
      const [first, second] = [both.bytes(64), both.bytes(64)] as [Uint8Array, Uint8Array];
      expect(first).toHaveLength(64);
      expect(first.every((byte, i) => byte !== second[i])).toBe(true);
    }
  });
});

describe('the system’s randomness', () => {
  test.skipIf(!existsSync('/dev/urandom'))('is fresh where the generator in the process repeats itself', () => {
    const draws = [1, 32, 33, 100_000].map((length) => systemRandomness.bytes(length));
    expect(draws.map(({ length }) => length)).toEqual([1, 32, 33, 100_000]);
    const [, one, other, long] = draws as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(one).not.toEqual(other.subarray(0, 32));
    // To its end: each value of a byte is there about 390 times.
    const counts = [...new Uint8Array(256)];
    for (const byte of long) counts[byte] = (counts[byte] as number) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(200);
    expect(Math.max(...counts)).toBeLessThan(600);
  });
});
