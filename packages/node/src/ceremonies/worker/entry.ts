import { parentPort } from 'node:worker_threads';
import { InputError, type Protocol } from '@quorate/protocol';
import { systemRandomness } from '../../entropy.ts';
import { nativeTools } from '../../tools.ts';
import { advance, type Progress } from '../host.ts';
import { type JobName, type Jobs, secretsIn, startJob } from '../jobs/jobs.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** The worker thread: runs protocols, each under its number, with randomness of its own from the operating system. */
const port = parentPort;
if (port === null) throw new Error('this file runs in a worker thread only');

const tools = { ...nativeTools(), randomness: systemRandomness };
const runs = new Map<number, { readonly job: JobName; readonly protocol: Protocol<Jobs[JobName]['output']> }>();

port.on('message', (message: ToWorker) => {
  if (message.type === 'close') {
    runs.get(message.run)?.protocol.return(undefined as never);
    runs.delete(message.run);
    return;
  }
  try {
    if (message.type === 'start') {
      runs.set(message.run, { job: message.job, protocol: startJob(message.job, message.input, tools) });
    }
    const run = runs.get(message.run);
    if (run === undefined) return;
    answer(message.run, run.job, advance(run.protocol, message.type === 'next' ? message.inbox : undefined));
  } catch (error) {
    runs.delete(message.run);
    const type = error instanceof InputError ? 'unfit' : 'bug';
    post({ type, run: message.run, message: error instanceof Error ? error.message : 'unknown' });
  }
});

/** What is secret in a result is moved, not copied: nothing of it stays in this thread. */
function answer(run: number, job: JobName, progress: Progress<Jobs[JobName]['output']>): void {
  if (progress.type !== 'round') runs.delete(run);
  if (progress.type === 'result') {
    const moved = secretsIn(job, progress.result).map(({ buffer }) => buffer as ArrayBuffer);
    post({ ...progress, run }, moved);
  } else if (progress.type === 'abort') {
    const { round, blames, informant, bans } = progress.abort;
    post({ type: 'abort', run, round, blames, informant, bans });
  } else {
    post({ ...progress, run });
  }
}

function post(message: FromWorker, moved: ArrayBuffer[] = []): void {
  port?.postMessage(message, moved);
}
