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

/** A budget for each peer, or for each of other things that go by names, full when it is first heard of. */
export class PeerBudgets {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #budgets = new Map<string, Budget>();

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one unit of a peer's; says false if nothing is left. */
  spend(peer: string): boolean {
    const budget = this.#budgets.get(peer) ?? new Budget(this.#clock, this.#perSecond, this.#burst);
    this.#budgets.set(peer, budget);
    return budget.spend(1);
  }
}
