import { describe, expect, it } from 'vitest';
import { coinToss } from './coin-toss.ts';
import type { Fault, Verdict } from './faults.ts';
import { assault } from './verdict.ts';

/** The coin and the pad are promised and checked; whatever else a party says, nothing depends on it. */
function expected({ label, class: kind, name }: Fault): Verdict {
  if (label === 'confirm' || (label === 'reveal' && kind === 'direct')) return 'harmless';
  return /^(memo|hints|mood)/.test(name) ? 'harmless' : 'culprit';
}

describe('every fault of every party', () => {
  it.each([
    [2, false],
    [3, true],
    [4, false],
  ])('has the outcome that it must have, in a committee of %i (rushing: %s)', (n, rushing) => {
    const parties = Array.from({ length: n }, (_, i) => i + 1);
    const counts = assault({ ...coinToss(n, parties), rushing }, { expected, agree: (a, b) => a === b });
    expect(counts.culprit).toBeGreaterThan(100);
    expect(counts.nobody).toBeGreaterThan(50);
    expect(counts.harmless).toBeGreaterThan(50);
  });

  it('says which fault came out otherwise', () => {
    const scenario = coinToss(1, [1, 2, 3]);
    expect(() => assault(scenario, { expected: () => 'nobody', agree: (a, b) => a === b, culprits: [2] })).toThrow(
      /party 2, broadcast of round commit, coin random: culprit, expected nobody/,
    );
  });
});
