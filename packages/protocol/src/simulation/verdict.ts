import type { Party } from '../protocol.ts';
import { type Scenario, type Simulation, simulate, soundness } from './committee.ts';
import { type Fault, faultsOf, type Verdict } from './faults.ts';

/** What came of it. @throws {Error} when blame is unsound, or somebody waits although another knows who cheated */
export function verdictOf<T>(simulation: Simulation<T>, corrupted: ReadonlySet<Party>): Verdict {
  soundness(simulation, corrupted);
  const honest = [...simulation.outcomes].filter(([party]) => !corrupted.has(party)).map(([, outcome]) => outcome);
  const blamed = honest.some((outcome) => outcome.type === 'aborted' && outcome.abort.blames.length > 0);
  if (blamed && honest.some(({ type }) => type === 'waiting')) throw new Error('a party waits after others blamed');
  if (blamed) return 'culprit';
  return honest.every(({ type }) => type === 'done') ? 'harmless' : 'nobody';
}

/** How to read the results of an assault. */
export interface Expectations<T> {
  /** What may come of a fault that only the protocol can judge: values that are well formed but wrong. */
  readonly expected: (fault: Fault) => Verdict | readonly Verdict[];
  /** Whether two honest parties agree; asked whenever both are done. */
  readonly agree: (a: T, b: T) => boolean;
  /** By default the first, the middle and the last. */
  readonly culprits?: readonly Party[];
}

/**
 * Lets each of three parties commit every fault at every message, each in a run of its own, and compares what comes of it
 * with what must. @returns how often each verdict came. @throws {Error} listing every fault that came out otherwise
 */
export function assault<T>(scenario: Scenario<T>, expectations: Expectations<T>): Readonly<Record<Verdict, number>> {
  const { parties } = scenario;
  const middle = parties[parties.length >> 1] as Party;
  const culprits = expectations.culprits ?? [...new Set([parties[0] as Party, middle, parties.at(-1) as Party])];
  const counts = { culprit: 0, nobody: 0, harmless: 0 };
  const complaints: string[] = [];
  for (const fault of culprits.flatMap((culprit) => faultsOf(scenario, culprit))) {
    const verdicts = fault.verdicts ?? [expectations.expected(fault)].flat();
    const name = `party ${fault.culprit}, ${fault.class} of round ${fault.label}, ${fault.name}`;
    try {
      const { verdict, simulation } = commit(scenario, fault);
      counts[verdict]++;
      if (!verdicts.includes(verdict)) complaints.push(`${name}: ${verdict}, expected ${verdicts.join(' or ')}`);
      const results = [...simulation.outcomes].flatMap(([party, outcome]) =>
        party !== fault.culprit && outcome.type === 'done' ? [outcome.result] : [],
      );
      if (results.some((result) => !expectations.agree(result, results[0] as T))) complaints.push(`${name}: a split`);
    } catch (error) {
      complaints.push(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  if (complaints.length > 0) throw new Error(`${complaints.length} faults:\n${complaints.join('\n')}`);
  return counts;
}

/** Runs the scenario with one fault. */
export function commit<T>(scenario: Scenario<T>, fault: Fault): { verdict: Verdict; simulation: Simulation<T> } {
  const corrupted = new Set([fault.culprit]);
  const simulation = simulate({
    ...scenario,
    corrupted,
    adversary: fault.adversary,
    rushing: fault.rushing ?? scenario.rushing,
  });
  return { verdict: verdictOf(simulation, corrupted), simulation };
}
