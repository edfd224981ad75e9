import type { Clock } from '../clock.ts';

/** A token bucket on the monotonic clock: so many units per second on average, `burst` at once. */
export class Budget {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #at: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#at = clock.monotonic();
  }

  /** Takes `units` if there are as many; otherwise takes nothing and says false. */
  spend(units: number): boolean {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    if (units > this.#left) return false;
    this.#left -= units;
    return true;
  }
}
