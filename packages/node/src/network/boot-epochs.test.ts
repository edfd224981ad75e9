import { describe, expect, test } from 'vitest';
import { BootEpochs } from './boot-epochs.ts';
import { bootEpochOf } from './hello.ts';

const epoch = (counter: bigint, fill: number): Uint8Array => bootEpochOf(counter, new Uint8Array(16).fill(fill));

describe('boot epochs', () => {
  test('a first one, the same again, and a later start are admitted', () => {
    const epochs = new BootEpochs();
    expect(epochs.judge('p', epoch(5n, 1), undefined)).toBe('admit');
    expect(epochs.judge('p', epoch(5n, 1), epoch(5n, 1))).toBe('admit');
    expect(epochs.judge('p', epoch(6n, 2), epoch(5n, 1))).toBe('admit');
    // A restored disk counts from earlier: no dispute while its twin is not there.
    expect(epochs.judge('p', epoch(2n, 3), undefined)).toBe('admit');
  });

  test.each([
    ['the same count', 5n],
    ['a lower count', 4n],
  ])('beside a live twin, another one with %s keeps both out until a new start', (_name, counter) => {
    const epochs = new BootEpochs();
    expect(epochs.judge('p', epoch(counter, 2), epoch(5n, 1))).toBe('dispute');
    expect(epochs.judge('p', epoch(counter, 2), undefined)).toBe('dispute');
    expect(epochs.judge('p', epoch(5n, 1), undefined)).toBe('dispute');
    expect(epochs.judge('q', epoch(5n, 1), undefined)).toBe('admit');
    expect(epochs.judge('p', epoch(6n, 3), undefined)).toBe('admit');
  });
});

test('a boot epoch takes 16 random bytes, no fewer and no more', () => {
  for (const length of [0, 15, 17]) {
    expect(() => bootEpochOf(1n, new Uint8Array(length)), String(length)).toThrow('16 random bytes');
  }
});
