import { parentPort } from 'node:worker_threads';
import type { Protocol } from '@quorate/protocol';
import { systemRandomness } from '../../entropy.ts';
import { nativeTools } from '../../tools.ts';
import { advance } from '../host.ts';
import { startJob } from '../jobs.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** The worker thread: runs protocols, each under its number, with randomness of its own from the operating system. */
const port = parentPort;
if (port === null) throw new Error('this file runs in a worker thread only');

const tools = { ...nativeTools(), randomness: systemRandomness };
const protocols = new Map<number, Protocol<unknown>>();

port.on('message', (message: ToWorker) => {
  if (message.type === 'close') {
    protocols.get(message.run)?.return(undefined);
    protocols.delete(message.run);
    return;
  }
  try {
    if (message.type === 'start') protocols.set(message.run, startJob(message.job, message.input, tools));
    const protocol = protocols.get(message.run);
    if (protocol !== undefined)
      answer(message.run, advance(protocol, message.type === 'next' ? message.inbox : undefined));
  } catch (error) {
    protocols.delete(message.run);
    post({ type: 'bug', run: message.run, message: error instanceof Error ? error.message : 'unknown' });
  }
});

function answer(run: number, progress: ReturnType<typeof advance>): void {
  if (progress.type !== 'round') protocols.delete(run);
  if (progress.type === 'abort') {
    const { round, blames, informant } = progress.abort;
    post({ type: 'abort', run, round, blames, informant });
  } else {
    post({ ...progress, run } as FromWorker);
  }
}

function post(message: FromWorker): void {
  port?.postMessage(message);
}
