import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heardActivated, mayShred, retire } from './retirement.ts';

const grace = 1_000;

describe('the shares of an earlier epoch', () => {
  it('go when all others are known to use the later one, at once', () => {
    let retirement = retire([2, 3, 4, 5], 3);
    for (const party of [2, 3, 4]) retirement = heardActivated(retirement, party);
    expect(mayShred(retirement, grace - 1, grace)).toBe(false);
    expect(mayShred(heardActivated(retirement, 5), 0, grace)).toBe(true);
  });

  it('go after the grace period with f + 1 others, and never with fewer', () => {
    const two = [2, 3].reduce(heardActivated, retire([2, 3, 4, 5], 3));
    expect(mayShred(two, 1_000_000, grace)).toBe(false);
    const three = heardActivated(two, 4);
    expect(mayShred(three, grace - 1, grace)).toBe(false);
    expect(mayShred(three, grace, grace)).toBe(true);
  });

  it('do not go on the word of strangers, nor of one that repeats itself', () => {
    const said = [2, 2, 2, 9, 0, 1].reduce(heardActivated, retire([2, 3, 4, 5], 3));
    expect(mayShred(said, 1_000_000, grace)).toBe(false);
  });

  it('stay while fewer than the threshold are heard of, whoever speaks and however long', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 9 }),
        fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 20 }),
        fc.integer({ min: 0, max: 10_000 }),
        (n, words, age) => {
          const threshold = Math.floor((n - 1) / 2) + 1;
          const others = Array.from({ length: n - 1 }, (_, i) => i + 2);
          const heard = new Set(words.filter((party) => others.includes(party)));
          const allowed = mayShred(words.reduce(heardActivated, retire(others, threshold)), age, grace);
          const least = Math.min(threshold, others.length);
          expect(allowed).toBe(heard.size === others.length || (heard.size >= least && age >= grace));
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });
});
