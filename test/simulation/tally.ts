import type { Result } from './pool.ts';

/** What many seeds came to. */
export class Tally {
  readonly #began = Date.now();
  /** In how many runs something rare happened. */
  readonly reached = new Map<string, number>();
  runs = 0;
  events = 0;
  faults = 0;

  add(result: Result): void {
    this.runs++;
    if ('broken' in result) return;
    const { outcome } = result;
    this.events += outcome.events;
    this.faults += outcome.faults;
    for (const what of outcome.reached.keys()) this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  summary(): object {
    const { events, faults, runs } = this;
    return {
      runs,
      events,
      faults,
      seconds: (Date.now() - this.#began) / 1_000,
      reached: Object.fromEntries(this.reached),
    };
  }

  line(): string {
    const seconds = (Date.now() - this.#began) / 1_000;
    const each = this.runs === 0 ? 0 : (1_000 * seconds) / this.runs;
    return `${this.runs} runs, ${this.events} events, ${this.faults} faults, ${seconds.toFixed(1)} s, ${each.toFixed(1)} ms a run`;
  }
}

/** What is wrong with a result; undefined if nothing is. */
export function complaintOf(result: Result): string | undefined {
  if ('broken' in result) return result.broken;
  const { again, outcome } = result;
  if (again !== undefined && again !== outcome.hash) return 'determinism: two runs of one seed differ';
  return outcome.violation?.message;
}
