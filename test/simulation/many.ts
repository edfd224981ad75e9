import { type Case, commandOf } from './plan.ts';
import { runAll } from './pool.ts';
import { complaintOf, Tally } from './tally.ts';

/** The seeds from 0 of a case. */
export function* seedsOf(count: number, more: Partial<Case> & Pick<Case, 'protocol'>): Generator<Case> {
  for (let seed = 0; seed < count; seed++) yield { isReal: false, without: [], mute: [], ...more, seed };
}

/** Runs cases on two threads, until five have failed. */
export async function tryAll(
  cases: Iterable<Case>,
): Promise<{ readonly tally: Tally; readonly complaints: readonly string[] }> {
  const tally = new Tally();
  const complaints: string[] = [];
  await runAll(cases, 2, (result) => {
    tally.add(result);
    const complaint = complaintOf(result);
    if (complaint !== undefined) complaints.push(`${complaint}\n${commandOf(result.case)}`);
    return complaints.length >= 5 ? 'stop' : undefined;
  });
  return { tally, complaints };
}
