/** The door to time. Everything else is given a clock: no other file reads a date or sets a timer. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump; only expiry checks and records use it. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start. Deadlines are measured on it. */
  monotonic(): number;
  /** Calls `run` once, `milliseconds` from now (any length; negative counts as zero). @returns a cancel function */
  after(milliseconds: number, run: () => void): () => void;
}

/** Node fires timers longer than 2^31 - 1 ms at once; longer ones are walked in steps of this. */
const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, run) {
    let timer: NodeJS.Timeout;
    const arm = (rest: number): void => {
      const step = Math.min(Math.max(rest, 0), longestTimer);
      timer = setTimeout(() => (rest > step ? arm(rest - step) : run()), step);
    };
    arm(milliseconds);
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until told: simulations and tests. */
export interface SimulatedClock extends Clock {
  /** Moves time forward, running what falls due in order of time, then of request. */
  advance(milliseconds: number): void;
  /** As `advance`, but after each timer it lets every promise that can settle do so. */
  settle(milliseconds: number): Promise<void>;
  /** Moves time as if the process had stood still: what fell due meanwhile runs late, at the end, and once. */
  jump(milliseconds: number): void;
  /** Moves the wall clock only, as an operator or NTP would. */
  shiftWall(milliseconds: number): void;
  /** How many timers wait. */
  readonly pending: number;
}

/** @param start the wall clock at the beginning, milliseconds since 1970 */
export function simulatedClock(start = 1_700_000_000_000): SimulatedClock {
  let elapsed = 0;
  let wall = start;
  let order = 0;
  const timers = new Map<number, { readonly due: number; readonly run: () => void }>();

  /** The next timer that falls due until `end`, taken out of the queue; undefined when there is none. */
  const take = (end: number): (() => void) | undefined => {
    let first: number | undefined;
    for (const [id, { due }] of timers) {
      if (due <= end && (first === undefined || due < (timers.get(first)?.due ?? 0))) first = id;
    }
    const timer = first === undefined ? undefined : timers.get(first);
    if (first === undefined || timer === undefined) return undefined;
    timers.delete(first);
    elapsed = Math.max(elapsed, timer.due);
    return timer.run;
  };

  return {
    now: () => wall + elapsed,
    monotonic: () => elapsed,
    after(milliseconds, run) {
      const id = order++;
      timers.set(id, { due: elapsed + Math.max(milliseconds, 0), run });
      return () => void timers.delete(id);
    },
    advance(milliseconds) {
      const end = elapsed + milliseconds;
      for (let run = take(end); run !== undefined; run = take(end)) run();
      elapsed = end;
    },
    async settle(milliseconds) {
      const end = elapsed + milliseconds;
      await promisesSettled();
      for (let run = take(end); run !== undefined; run = take(end)) {
        run();
        await promisesSettled();
      }
      elapsed = end;
    },
    jump(milliseconds) {
      elapsed += milliseconds;
      const end = elapsed;
      const due = [...timers].filter(([, timer]) => timer.due <= end).sort(([, a], [, b]) => a.due - b.due);
      for (const [id, { run }] of due) if (timers.delete(id)) run();
    },
    shiftWall(milliseconds) {
      wall += milliseconds;
    },
    get pending() {
      return timers.size;
    },
  };
}

/** The event loop runs every microtask, and what those queue, before it comes to an immediate. */
async function promisesSettled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
