/** The door to time. Everything else is given a clock: no other file reads a date or sets a timer. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump; only expiry checks, the reach of epoch numbers and records use it. */
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
  const timers = new TimerQueue();

  return {
    now: () => wall + elapsed,
    monotonic: () => elapsed,
    after: (milliseconds, run) => timers.add({ due: elapsed + Math.max(milliseconds, 0), order: order++, run }),
    advance(milliseconds) {
      const end = elapsed + milliseconds;
      for (let timer = timers.take(end); timer !== undefined; timer = timers.take(end)) {
        elapsed = Math.max(elapsed, timer.due);
        timer.run();
      }
      elapsed = end;
    },
    async settle(milliseconds) {
      const end = elapsed + milliseconds;
      await promisesSettled();
      for (let timer = timers.take(end); timer !== undefined; timer = timers.take(end)) {
        elapsed = Math.max(elapsed, timer.due);
        timer.run();
        await promisesSettled();
      }
      elapsed = end;
    },
    jump(milliseconds) {
      elapsed += milliseconds;
      const due: Timer[] = [];
      for (let timer = timers.take(elapsed); timer !== undefined; timer = timers.take(elapsed)) due.push(timer);
      // What one of them cancels does not run; what one of them adds is not due yet.
      for (const timer of due) if (timer.run !== cancelled) timer.run();
    },
    shiftWall(milliseconds) {
      wall += milliseconds;
    },
    get pending() {
      return timers.size;
    },
  };
}

interface Timer {
  readonly due: number;
  /** Of request: the tie-breaker. */
  readonly order: number;
  run: () => void;
}

const cancelled = (): void => undefined;

/** Timers by when they fall due: a binary heap, from which a cancelled one goes when it comes to the top. */
class TimerQueue {
  readonly #heap: Timer[] = [];
  #cancelled = 0;

  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  /** @returns a cancel function */
  add(timer: Timer): () => void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    for (let above = (at - 1) >> 1; at > 0 && isBefore(timer, heap[above] as Timer); above = (at - 1) >> 1) {
      heap[at] = heap[above] as Timer;
      at = above;
    }
    heap[at] = timer;
    let waits = true;
    const taken = timer.run;
    timer.run = () => {
      waits = false;
      taken();
    };
    return () => {
      if (!waits) return;
      waits = false;
      timer.run = cancelled;
      this.#cancelled++;
    };
  }

  /** The first that falls due until `end`, taken out. */
  take(end: number): Timer | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || (first.due > end && first.run !== cancelled)) return undefined;
      this.#removeFirst();
      if (first.run !== cancelled) return first;
      this.#cancelled--;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Timer, heap[below] as Timer)) below++;
      if (!isBefore(heap[below] as Timer, last)) break;
      heap[at] = heap[below] as Timer;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order);
}

/** The event loop runs every microtask, and what those queue, before it comes to an immediate. */
async function promisesSettled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
