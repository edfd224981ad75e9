import type { Clock, SimulatedClock } from '../../packages/node/src/clock.ts';
import type { Home } from '../../packages/node/src/home.ts';
import type { Network } from '../../packages/node/src/network/network.ts';
import type { QuorateNode } from '../../packages/node/src/node.ts';
import type { Seat } from './world.ts';

/** One life of a member's process: from a start to a stop, a crash or its end by its own hand. */
export class Life {
  readonly seat: Seat;
  readonly #clock: SimulatedClock;
  readonly #thrown: (seat: Seat, error: unknown) => void;
  isOver = false;
  /** On the monotonic clock. */
  #pausedUntil = 0;
  /** What happened while it stood still, in order. */
  readonly #missed: (() => void)[] = [];
  home: Home | undefined;
  node: QuorateNode | undefined;
  network: Network | undefined;
  /** What the hub knows the network as. */
  joined: Network | undefined;

  constructor(seat: Seat, clock: SimulatedClock, thrown: (seat: Seat, error: unknown) => void) {
    this.seat = seat;
    this.#clock = clock;
    this.#thrown = thrown;
  }

  /** Whatever happens to a process comes through here: nothing after its death, and late while it stands still. */
  wake(run: () => void): void {
    if (this.isOver) return;
    if (this.isPaused || this.#missed.length > 0) {
      this.#missed.push(run);
      if (this.#missed.length === 1) this.#resume();
      return;
    }
    this.#run(run);
  }

  /** Goes on where it was, once it stands still no more: what comes over one connection stays in order. */
  #resume(): void {
    this.#clock.after(this.#pausedUntil - this.#clock.monotonic(), () => {
      if (this.isPaused) return this.#resume();
      for (const run of this.#missed.splice(0)) if (!this.isOver) this.#run(run);
    });
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      // Nothing catches it in a process, which ends.
      this.#thrown(this.seat, error);
    }
  }

  pause(milliseconds: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.monotonic() + milliseconds);
  }

  get isPaused(): boolean {
    return this.#pausedUntil > this.#clock.monotonic();
  }

  get clock(): Clock {
    const clock = this.#clock;
    return {
      now: () => Math.floor(clock.now() + this.seat.skew),
      monotonic: () => clock.monotonic(),
      after: (milliseconds, run) => {
        let waits = true;
        const cancel = clock.after(milliseconds, () =>
          this.wake(() => {
            if (waits) run();
          }),
        );
        return () => {
          waits = false;
          cancel();
        };
      },
    };
  }
}
