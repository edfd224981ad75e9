import { describe, expect, test } from 'vitest';
import { mayReplace } from './boot-epochs.ts';
import { bootEpochOf } from './hello.ts';

const epoch = (counter: bigint, fill: number): Uint8Array => bootEpochOf(counter, new Uint8Array(16).fill(fill));

describe('boot epochs', () => {
  test.each([
    ['a first one', epoch(5n, 1), undefined],
    ['the same again', epoch(5n, 1), epoch(5n, 1)],
    ['a later start', epoch(6n, 2), epoch(5n, 1)],
    ['a restored disk, which has to be told', epoch(2n, 2), epoch(5n, 1)],
    ['a twin, which has to be told', epoch(5n, 2), epoch(5n, 1)],
    ['one that has begun anew', epoch((1n << 32n) + 1n, 2), epoch(5n, 1)],
    ['a restart of one that has', epoch((1n << 32n) + 2n, 3), epoch((1n << 32n) + 1n, 2)],
  ])('%s is heard', (_name, shown, live) => {
    expect(mayReplace(shown, live)).toBe(true);
  });

  test('one that was decided against stays out while the other is here, however often it started', () => {
    const decided = epoch(1n << 32n, 2);
    expect(mayReplace(epoch(5n, 1), decided)).toBe(false);
    expect(mayReplace(epoch((1n << 32n) - 1n, 1), decided)).toBe(false);
    expect(mayReplace(epoch(5n, 1), undefined)).toBe(true);
  });
});

test('a boot epoch takes 16 random bytes, no fewer and no more', () => {
  for (const length of [0, 15, 17]) {
    expect(() => bootEpochOf(1n, new Uint8Array(length)), String(length)).toThrow('16 random bytes');
  }
});
