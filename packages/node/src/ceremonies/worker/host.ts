import { Worker } from 'node:worker_threads';
import { Abort, wipe } from '@quorate/protocol';
import type { Host, Progress } from '../host.ts';
import { type JobName, type Jobs, secretsOf } from '../jobs.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Runs protocols in one worker thread, so that presence, other ceremonies and the API breathe during heavy steps. */
export interface WorkerHosts {
  host<N extends JobName>(job: N, input: Jobs[N]['input']): Host<Jobs[N]['output']>;
  close(): Promise<void>;
}

type Waiter = { readonly resolve: (progress: Progress<unknown>) => void; readonly reject: (error: Error) => void };

/** The thread starts with the first job and stays; if it dies, its runs fail and the next job starts another. */
export function workerHosts(): WorkerHosts {
  const waiting = new Map<number, Waiter>();
  let worker: Worker | undefined;
  let runs = 0;

  const settle = (message: FromWorker): void => {
    const waiter = waiting.get(message.run);
    waiting.delete(message.run);
    if (message.type === 'bug') waiter?.reject(new Error(`a protocol failed in the worker: ${message.message}`));
    else waiter?.resolve(progressOf(message));
  };

  const start = (): Worker => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const started = new Worker(new URL(`./entry.${extension}`, import.meta.url));
    started.on('message', settle);
    const died = (error: unknown): void => {
      if (worker === started) worker = undefined;
      for (const { reject } of waiting.values()) reject(new Error('the worker thread died', { cause: error }));
      waiting.clear();
    };
    started.on('error', died);
    started.on('exit', died);
    started.unref();
    return started;
  };

  const begin = (message: ToWorker, secrets: readonly Uint8Array[]): Worker => {
    worker ??= start();
    // Moved, not copied: nothing of it stays in this thread.
    worker.postMessage(
      message,
      secrets.map(({ buffer }) => buffer as ArrayBuffer),
    );
    return worker;
  };

  return {
    host<N extends JobName>(job: N, input: Jobs[N]['input']): Host<Jobs[N]['output']> {
      const run = runs++;
      let own: Worker | undefined;
      return {
        next: async (inbox) => {
          if (inbox !== undefined && own !== worker) throw new Error('the worker thread of this run has died');
          const progress = new Promise<Progress<unknown>>((resolve, reject) => waiting.set(run, { resolve, reject }));
          if (inbox !== undefined) own?.postMessage({ type: 'next', run, inbox } satisfies ToWorker);
          else own = begin({ type: 'start', run, job, input } as ToWorker, secretsOf(job, input));
          return (await progress) as Progress<Jobs[N]['output']>;
        },
        // A step under way is finished and answered: whoever holds locks around it waits.
        close: () => {
          if (own === undefined) wipe(...secretsOf(job, input));
          own?.postMessage({ type: 'close', run } satisfies ToWorker);
        },
      };
    },
    async close() {
      await worker?.terminate();
    },
  };
}

function progressOf(message: Exclude<FromWorker, { readonly type: 'bug' }>): Progress<unknown> {
  switch (message.type) {
    case 'round':
      return { type: 'round', round: message.round };
    case 'result':
      return { type: 'result', result: message.result };
    case 'abort':
      return { type: 'abort', abort: new Abort(message.round, message.blames, message.informant, message.bans) };
  }
}
