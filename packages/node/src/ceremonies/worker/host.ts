import type { Clock } from '../../clock.ts';
import type { Host } from '../host.ts';
import type { JobName, Jobs } from '../jobs/jobs.ts';
import { Thread } from './thread.ts';

/** Runs protocols in worker threads, so that presence, other ceremonies and the API breathe during heavy steps. */
export interface WorkerHosts {
  host<N extends JobName>(job: N, input: Jobs[N]['input']): Host<Jobs[N]['output']>;
  close(): Promise<void>;
}

/** Jobs that somebody waits for by the millisecond: they never queue behind one that computes for a second. */
const quick: ReadonlySet<JobName> = new Set(['sign', 'sign-ecdsa', 'presign', 'sign-presigned']);

/**
 * One thread for heavy jobs, `signing` threads for quick ones; each job stays on the thread where it began.
 * @param clock by which the heavy one is ended while there is nothing for it
 */
export function workerHosts(signing = 1, clock?: Clock): WorkerHosts {
  const heavy = new Thread(clock);
  const others = Array.from({ length: signing }, () => new Thread());
  return {
    host: (job, input) => (quick.has(job) ? idlest(others) : heavy).host(job, input),
    async close() {
      await Promise.all([heavy, ...others].map(async (thread) => thread.close()));
    },
  };
}

/** The one with the fewest runs, and of several the first: a thread more starts only when it is needed. */
function idlest(threads: readonly Thread[]): Thread {
  return threads.reduce((best, one) => (one.load < best.load ? one : best));
}
