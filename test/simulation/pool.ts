import { Worker } from 'node:worker_threads';
import type { Case } from './plan.ts';
import type { Report } from './worker.ts';

/** What a thread loads before anything else. */
const hooks = new URL('./fast-hashes.ts', import.meta.url).href;
/** How long a seed may take, on a busy machine with real cryptography too. One that never ends is a failure. */
const longestSeed = 600_000;

/** What came of a seed: a report, or why there is none, and no thread any more that it ran in. */
export type Result = Report | { readonly case: Case; readonly broken: string };

/** Runs cases on threads, each on the next that is free. Stops handing them out when `seen` says so. */
export async function runAll(
  cases: Iterable<Case>,
  workers: number,
  seen: (result: Result) => 'stop' | undefined,
): Promise<void> {
  const rest = cases[Symbol.iterator]();
  let isOver = false;
  const next = (): Case | undefined => {
    const { done, value } = rest.next();
    return done === true || isOver ? undefined : value;
  };
  const one = async (): Promise<void> => {
    let worker: Worker | undefined;
    try {
      for (let run = next(); run !== undefined; run = next()) {
        worker ??= new Worker(new URL('./worker.ts', import.meta.url), {
          execArgv: ['--conditions=@quorate/source', '--import', hooks],
        });
        const result = await ask(worker, run);
        if ('broken' in result) {
          await worker.terminate();
          worker = undefined;
        }
        if (seen(result) === 'stop') isOver = true;
      }
    } finally {
      await worker?.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, one));
}

async function ask(worker: Worker, run: Case): Promise<Result> {
  return await new Promise<Result>((resolve) => {
    const timer = setTimeout(() => resolve({ case: run, broken: 'it never ends' }), longestSeed);
    // A promise that nobody looked at, say, and that was rejected when the run of this seed, or of the one before, was over.
    const died = (error: unknown): void => {
      clearTimeout(timer);
      resolve({ case: run, broken: `robust: its thread died of ${String(error)}` });
    };
    worker.once('error', died);
    worker.once('message', (report: Report) => {
      clearTimeout(timer);
      worker.off('error', died);
      resolve(report);
    });
    worker.postMessage(run);
  });
}
