import { wipe } from '@quorate/protocol';
import { type Host, inlineHost } from './host.ts';
import { type JobName, type Jobs, secretsOf, startJob } from './jobs/jobs.ts';
import type { JobTools } from './jobs/tools.ts';

/** A host on the calling thread for a job: for work of a few milliseconds. Closing it wipes the job's secret, begun or not. */
export function inlineJob<N extends JobName>(
  job: N,
  input: Jobs[N]['input'],
  tools: JobTools,
): Host<Jobs[N]['output']> {
  const host = inlineHost(startJob(job, input, tools));
  return {
    next: host.next,
    close: () => {
      host.close();
      wipe(...secretsOf(job, input));
    },
  };
}
