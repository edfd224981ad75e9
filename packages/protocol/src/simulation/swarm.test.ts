import { describe, expect, it } from 'vitest';
import { coinToss } from './coin-toss.ts';
import { simulate } from './committee.ts';
import { seededStream } from './seeds.ts';
import { swarm } from './swarm.ts';
import { verdictOf } from './verdict.ts';

describe('a committee among which some do anything', () => {
  it('blames nobody who is honest, splits never, and blames whoever can be blamed', () => {
    const counts = { culprit: 0, nobody: 0, harmless: 0 };
    for (let seed = 0; seed < 600; seed++) {
      const random = seededStream(seed, 'swarm');
      const n = 2 + (seed % 4);
      const parties = Array.from({ length: n }, (_, i) => i + 1);
      const corrupted = new Set(parties.filter(() => (random.bytes(1)[0] as number) < 90));
      const scenario = coinToss(seed, parties);
      const simulation = simulate({ ...scenario, corrupted, adversary: swarm(scenario.rounds, random) });
      counts[verdictOf(simulation, corrupted)]++;
      const results = [...simulation.outcomes].filter(([party]) => !corrupted.has(party)).map(([, outcome]) => outcome);
      const sides = new Set(results.flatMap((outcome) => (outcome.type === 'done' ? [outcome.result] : [])));
      expect(sides.size, `seed ${seed}`).toBeLessThanOrEqual(1);
    }
    // Every end is reached often, or the swarm has lost its sting.
    expect(Math.min(counts.culprit, counts.nobody, counts.harmless)).toBeGreaterThan(40);
  });
});
