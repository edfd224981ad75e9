import { parentPort } from 'node:worker_threads';
import type { Case } from './plan.ts';
import { allowBlinding, sealOff } from './sealed.ts';
import { type Outcome, simulate } from './simulate.ts';

/** What a thread is asked, and what it answers. */
export interface Report {
  readonly case: Case;
  readonly outcome: Outcome;
  /** The hash of a second run, of some. */
  readonly again: string | undefined;
}

/** One seed in so many is run twice: both must be the same. */
const twice = 100;

// A thread of its own, since it is cut off from time and entropy.
sealOff();
parentPort?.on('message', (run: Case) => {
  void (async () => {
    allowBlinding(run.isReal);
    const outcome = await simulate(run);
    const again = run.seed % twice === 0 ? (await simulate(run)).hash : undefined;
    parentPort?.postMessage({ case: run, outcome, again } satisfies Report);
  })();
});
