import type { Blame, Inbox, Party, Round } from '@quorate/protocol';
import type { JobName, Jobs } from '../jobs/jobs.ts';

/** What crosses between the main thread and the worker: structured-cloneable data, bytes and numbers. */
export type ToWorker =
  | {
      [N in JobName]: {
        readonly type: 'start';
        readonly run: number;
        readonly job: N;
        readonly input: Jobs[N]['input'];
      };
    }[JobName]
  | { readonly type: 'next'; readonly run: number; readonly inbox: Inbox }
  | { readonly type: 'close'; readonly run: number };

export type FromWorker =
  | { readonly type: 'round'; readonly run: number; readonly round: Round }
  | { readonly type: 'result'; readonly run: number; readonly result: unknown }
  | {
      readonly type: 'abort';
      readonly run: number;
      readonly round: string;
      readonly blames: readonly Blame[];
      readonly informant: Party | undefined;
      readonly bans: readonly Party[];
    }
  /** An `InputError`. */
  | { readonly type: 'unfit'; readonly run: number; readonly message: string }
  | { readonly type: 'bug'; readonly run: number; readonly message: string };
