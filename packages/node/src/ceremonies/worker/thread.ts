import { type ResourceLimits, Worker } from 'node:worker_threads';
import { Abort, InputError, wipe } from '@quorate/protocol';
import type { Clock } from '../../clock.ts';
import { limits } from '../../limits.ts';
import { type Host, type Progress, ThreadDied } from '../host.ts';
import { type JobName, type Jobs, secretsOf } from '../jobs/jobs.ts';
import type { FromWorker, ToWorker } from './messages.ts';

type Waiter = { readonly resolve: (progress: Progress<unknown>) => void; readonly reject: (error: Error) => void };

/**
 * A worker thread that runs protocols, each of them from its first step to its last. It starts with its first run and stays, or
 * with a clock until it had nothing to do for a while; if it dies, its runs fail with `ThreadDied`. The next run starts another.
 */
export class Thread {
  readonly #waiting = new Map<number, Waiter>();
  #worker: Worker | undefined;
  readonly #clock: Clock | undefined;
  readonly #resources: ResourceLimits;
  #started = 0;
  #open = 0;
  #closed = false;
  #cancelRest = (): void => undefined;

  /**
   * @param clock by which it is ended when it rests: the memory that it takes is worth more than the moment it takes to start
   * @param resources what it may use; default: what Node allows
   */
  constructor(clock?: Clock, resources: ResourceLimits = {}) {
    this.#clock = clock;
    this.#resources = resources;
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Runs that have begun here and are not closed. */
  get load(): number {
    return this.#open;
  }

  host<N extends JobName>(job: N, input: Jobs[N]['input']): Host<Jobs[N]['output']> {
    const run = this.#started++;
    let own: Worker | undefined;
    let closed = false;
    this.#open++;
    this.#cancelRest();
    return {
      next: async (inbox) => {
        if (inbox === undefined) own = this.#running();
        if (own === undefined || own !== this.#worker) throw new ThreadDied();
        const progress = new Promise<Progress<unknown>>((resolve, reject) =>
          this.#waiting.set(run, { resolve, reject }),
        );
        if (inbox !== undefined) own.postMessage({ type: 'next', run, inbox } satisfies ToWorker);
        else begin(own, { type: 'start', run, job, input } as ToWorker, secretsOf(job, input));
        return (await progress) as Progress<Jobs[N]['output']>;
      },
      // A step under way is finished and answered: whoever holds locks around it waits.
      close: () => {
        if (closed) return;
        closed = true;
        this.#open--;
        if (own === undefined) wipe(...secretsOf(job, input));
        own?.postMessage({ type: 'close', run } satisfies ToWorker);
        if (this.#open === 0) this.#rest();
      },
    };
  }

  #rest(): void {
    // What runs when the node stops is closed after it: a timer set then would keep the process for as long as it runs.
    if (this.#closed) return;
    const end = (): void => {
      const resting = this.#worker;
      this.#worker = undefined;
      void resting?.terminate();
    };
    this.#cancelRest = this.#clock?.after(limits.threadRest, end) ?? this.#cancelRest;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRest();
    await this.#worker?.terminate();
  }

  /** @throws {ThreadDied} if none can be started */
  #running(): Worker {
    try {
      this.#worker ??= this.#start();
      return this.#worker;
    } catch (cause) {
      throw new ThreadDied({ cause });
    }
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const entry = new URL(`./entry.${extension}`, import.meta.url);
    const started = new Worker(entry, { resourceLimits: this.#resources });
    started.on('message', (message: FromWorker) => this.#settle(message));
    const died = (cause: unknown): void => {
      if (this.#worker !== started) return;
      this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(new ThreadDied({ cause }));
      this.#waiting.clear();
    };
    started.on('error', died);
    started.on('exit', died);
    started.unref();
    return started;
  }

  #settle(message: FromWorker): void {
    const waiter = this.#waiting.get(message.run);
    this.#waiting.delete(message.run);
    if (message.type === 'bug') waiter?.reject(new Error(`a protocol failed in the worker: ${message.message}`));
    else if (message.type === 'unfit') waiter?.reject(new InputError(message.message));
    else waiter?.resolve(progressOf(message));
  }
}

/** Secrets are moved, not copied: nothing of them stays in this thread. */
function begin(worker: Worker, message: ToWorker, secrets: readonly Uint8Array[]): void {
  worker.postMessage(
    message,
    secrets.map(({ buffer }) => buffer as ArrayBuffer),
  );
}

function progressOf(message: Exclude<FromWorker, { readonly type: 'bug' | 'unfit' }>): Progress<unknown> {
  switch (message.type) {
    case 'round':
      return { type: 'round', round: message.round };
    case 'result':
      return { type: 'result', result: message.result };
    case 'abort':
      return { type: 'abort', abort: new Abort(message.round, message.blames, message.informant, message.bans) };
  }
}
