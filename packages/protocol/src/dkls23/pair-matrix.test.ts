import { assault, type Fault, type Verdict } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { fewTransfers, type PairSetupOptions, pairSetting, stockOf } from '../../../../test/support/pair-setup.ts';
import { toy } from '../groups/toy.ts';
import type { Party } from '../protocol.ts';
import { suiteA } from './suite.ts';

const options: PairSetupOptions = { seed: 1, group: toy, suite: fewTransfers(suiteA, 4), parties: [1, 2, 3] };

/** The cheat runs the honest code: where it told others another key than its own, it takes their answers for lies. */
const givesUp: readonly Verdict[] = ['nobody'];

function expected({ name, label }: Fault): Verdict | readonly Verdict[] {
  if (label === 'offers' && /\.key |the value of another/.test(name)) return givesUp;
  // Of a set that no two have, nothing becomes.
  if (label === 'offers' && /\.as(Bob|Alice) flipped/.test(name)) return 'harmless';
  // The last round says the same of everybody.
  return label === 'agreed' && name === 'with the value of another' ? 'harmless' : 'culprit';
}

it('every fault of a party in a pair set-up has the outcome that it must have', () => {
  const scenario = { ...pairSetting(options), rushing: true };
  const counts = assault(scenario, { expected, agree: () => true, culprits: [3] });
  expect(counts.culprit).toBeGreaterThan(80);
});

describe('with a set made ahead', () => {
  const stocked: PairSetupOptions = {
    ...options,
    parties: [1, 2],
    differs: (party: Party) => {
      const { forAlice, forBob } = stockOf(options, 1, 2);
      return { stock: party === 1 ? new Map([[2, forAlice]]) : new Map([[1, forBob]]) };
    },
  };

  it('every fault has the outcome that it must have', () => {
    const scenario = { ...pairSetting(stocked), rushing: true };
    const counts = assault(scenario, {
      // Who offers something else than it has may agree on a set it lacks, give up, or get away with it.
      expected: (fault) => (fault.label === 'offers' ? ['culprit', 'nobody', 'harmless'] : expected(fault)),
      agree: () => true,
    });
    expect(counts.culprit).toBeGreaterThan(100);
  });
});
