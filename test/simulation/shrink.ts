import { type Case, faultClasses } from './plan.ts';
import { type Outcome, simulate } from './simulate.ts';

/** How many runs it may take. */
const patience = 200;

/** The least that still fails in the same way: classes of faults left out one by one, then faults by halves. */
export async function shrink(run: Case, outcome: Outcome, say: (line: string) => void): Promise<Case> {
  const { invariant } = outcome.violation ?? { invariant: '' };
  let least = run;
  let faults = outcome.faults;
  let runs = 0;
  const stillFails = async (candidate: Case): Promise<boolean> => {
    runs++;
    const found = await simulate(candidate);
    if (found.violation?.invariant !== invariant) return false;
    least = candidate;
    faults = found.faults;
    return true;
  };
  for (const one of faultClasses) {
    if (!least.without.includes(one)) await stillFails({ ...least, without: [...least.without, one] });
  }
  say(`without ${least.without.join(', ')}: ${faults} faults`);
  for (let size = Math.ceil(faults / 2); size >= 1 && runs < patience; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let first = 0; first < faults && runs < patience; first += size) {
      const range = [first, first + size - 1] as const;
      const covered = least.mute.some(([from, to]) => from <= range[0] && to >= range[1]);
      if (!covered) await stillFails({ ...least, mute: [...least.mute, range] });
    }
  }
  return least;
}
