import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { Abort, type Blame, blame, type Protocol } from '../protocol.ts';
import { coinToss, tossCoin } from './coin-toss.ts';
import { type Simulation, simulate, soundness } from './committee.ts';
import { type GuardRecord, guard, type Outcome } from './honest.ts';
import { verdictOf } from './verdict.ts';

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

describe('a protocol in a simulation', () => {
  it('is let go of on every end, and its bugs are not hidden', () => {
    const ended = new Set<number>();
    function* watched(party: number, run: Protocol<number>): Protocol<number> {
      try {
        return yield* run;
      } finally {
        ended.add(party);
      }
    }
    const scenario = coinToss(1, [1, 2, 3]);
    const run: typeof scenario.run = (party, randomness) => watched(party, tossCoin(party, [1, 2, 3], randomness));
    const silent = { ...scenario, run, corrupted: new Set([2]), adversary: () => ({ type: 'withhold' }) as const };
    simulate(silent);
    expect(ended.size).toBe(3);
    const broken: typeof scenario.run = (party, randomness, court) => {
      if (party === 3) throw new TypeError('a bug');
      return run(party, randomness, court);
    };
    expect(() => simulate({ ...scenario, run: broken })).toThrow(TypeError);
  });

  it('is resumed once from a guarded round', () => {
    const records: GuardRecord[] = [];
    const inbox = { broadcasts: new Map(), directs: new Map(), transcript: new Uint8Array(32) };
    guard(records, new Uint8Array(32), 2, inbox);
    guard(records, new Uint8Array(32), 3, inbox);
    expect(() => guard(records, new Uint8Array(32), 2, inbox)).toThrow(/resumed twice/);
  });
});

describe('soundness', () => {
  const simulation = simulate(coinToss(1, [1, 2, 3]));
  const ending = (...ends: readonly Outcome<number>[]): Simulation<number> => ({
    ...simulation,
    outcomes: new Map(ends.map((end, i) => [i + 1, end])),
  });
  const blaming = (...blames: readonly Blame[]): Outcome<number> => ({
    type: 'aborted',
    abort: new Abort('commit', blames),
  });
  const waiting: Outcome<number> = { type: 'waiting', missing: [2], round: 'commit' };
  const groundless = blame(2, 'malformed', [simulation.history[0]?.frame as Uint8Array]);

  it('fails when an honest party is blamed, or evidence does not hold', () => {
    expect(() => soundness(ending(blaming(groundless)), new Set([3]))).toThrow(/blames honest party 2/);
    expect(() => soundness(ending(blaming(groundless)), new Set([2]))).toThrow(/proves nothing/);
    expect(() => soundness(ending(blaming({ ...groundless, code: 'other' })), new Set([2]))).toThrow(/another blame/);
    expect(() => soundness(ending(blaming(groundless)), new Set([1]))).not.toThrow();
  });

  it('fails when one waits while another knows who cheated', () => {
    const lying = simulate({
      ...coinToss(1, [1, 2, 3]),
      corrupted: new Set([2]),
      adversary: ({ round }) => (round === 2 ? { type: 'replace', payload: new Uint8Array(1) } : { type: 'keep' }),
    });
    expect(verdictOf(lying, new Set([2]))).toBe('culprit');
    const outcomes = new Map([...lying.outcomes, [3, waiting] as const]);
    expect(() => verdictOf({ ...lying, outcomes }, new Set([2]))).toThrow(/waits after others blamed/);
    expect(verdictOf(ending(waiting, waiting), new Set())).toBe('nobody');
    expect(verdictOf(ending(blaming()), new Set())).toBe('nobody');
    expect(verdictOf(simulation, new Set())).toBe('harmless');
  });
});
