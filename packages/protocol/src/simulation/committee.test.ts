import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { coinToss } from './coin-toss.ts';
import { simulate, soundness } from './committee.ts';

describe('a simulated committee', () => {
  it('agrees, in any order of delivery', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const simulation = simulate(coinToss(seed, [1, 3, 4, 9]));
      soundness(simulation);
      const results = [...simulation.outcomes.values()].map((outcome) =>
        outcome.type === 'done' ? outcome.result : outcome,
      );
      expect(new Set(results).size).toBe(1);
      expect([0, 1]).toContain(results[0]);
      expect([...simulation.guards.values()].map((guards) => guards.map(({ round }) => round))).toEqual([
        [2],
        [2],
        [2],
        [2],
      ]);
    }
  });

  it('repeats itself to the byte', () => {
    const trace = (seed: number): string => toHex(simulate(coinToss(seed, [1, 2, 3])).trace);
    expect(trace(7)).toBe(trace(7));
    expect(trace(7)).not.toBe(trace(8));
  });

  it('runs the same protocol whoever is corrupted, as long as it does not lie', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const honest = simulate(coinToss(seed, [1, 2, 3])).outcomes.get(1);
      const corrupted = simulate({ ...coinToss(seed, [1, 2, 3]), corrupted: new Set([1, 3]) });
      expect(corrupted.outcomes.get(1)).toEqual(honest);
      expect(corrupted.outcomes.get(2)).toEqual(honest);
      expect(corrupted.guards.get(1)?.length).toBe(1);
    }
  });

  it('runs on real signatures too', () => {
    const simulation = simulate({ ...coinToss(3, [1, 2]), signatures: 'pure' });
    expect(simulation.outcomes.get(1)?.type).toBe('done');
  });

  it('says whom a silent party keeps waiting', () => {
    const simulation = simulate({
      ...coinToss(5, [1, 2, 3]),
      corrupted: new Set([2]),
      adversary: (move) => (move.round === 2 ? { type: 'withhold' } : { type: 'keep' }),
    });
    const waiting = { type: 'waiting', missing: [2], round: 'reveal' };
    expect(simulation.outcomes.get(1)).toEqual(waiting);
    expect(simulation.outcomes.get(3)).toEqual(waiting);
  });
});
