import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The door to this process: signals, memory, and what would let others look into it. */

/** Milliseconds of event-loop delay since it was last asked. */
export interface LoopDelay {
  read(): { readonly p50: number; readonly p99: number };
}

export function watchLoop(): LoopDelay {
  const resolution = 10;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  const milliseconds = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, Math.round(nanoseconds / 1e5) / 10 - resolution) : 0;
  return {
    read() {
      const delay = { p50: milliseconds(histogram.percentile(50)), p99: milliseconds(histogram.percentile(99)) };
      histogram.reset();
      return delay;
    },
  };
}

export function memoryUse(): { readonly residentBytes: number; readonly heapBytes: number } {
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapBytes: heapUsed };
}

/**
 * Why this process may not hold shares: an inspector, a heap snapshot or a diagnostic report would show them to any other
 * process of the same user, and libp2p's Noise prints its keys when asked to. Empty when all is well.
 */
export function exposures(
  env: Readonly<Record<string, string | undefined>>,
  execArgv: readonly string[],
  inspectorUrl: string | undefined,
): readonly string[] {
  const found: string[] = [];
  if (env['DUMP_SESSION_KEYS'] !== undefined)
    found.push('DUMP_SESSION_KEYS is set: Noise would print its session keys');
  if (inspectorUrl !== undefined) found.push('the inspector is open: it reads every share');
  const options = [...execArgv, ...(env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  const forbidden = /^--(inspect|heapsnapshot|heap-prof|report|abort-on-uncaught|cpu-prof|diagnostic)/;
  for (const option of options)
    if (forbidden.test(option)) found.push(`Node runs with ${option}: it writes memory to others`);
  return found;
}

/** Calls `stop` once, at the first signal that asks the process to end; SIGUSR1 no longer opens the inspector. */
export function onSignals(stop: (signal: string) => void): void {
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!asked) stop(signal);
      asked = true;
    });
  }
  process.on('SIGUSR1', () => undefined);
}
