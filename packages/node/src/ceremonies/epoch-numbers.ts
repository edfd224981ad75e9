import type { KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import { ServiceError } from '../service.ts';

/** What a proposal is refused for that renews a key under a number that is gone here. Whoever proposed it is told what is above it. */
export class NumberTaken extends ServiceError {
  /** Of the epochs of this key that are known here, prepared or more, the last. */
  readonly highest: number;

  constructor(key: string, highest: number) {
    super('denied', `epoch ${highest} of the key ${key} is known here already: numbers only rise`);
    this.highest = highest;
  }
}

/** The number of the last epoch of a key that is known here: an attempt, or one that was certified. */
export function highestOf(key: KeyInfo | undefined): number {
  return key?.epochs.at(-1)?.epoch ?? 0;
}

/**
 * Numbers rise at every member, and none is above the seconds since 1970 by its clock. That bound is the same for all, whatever
 * they have prepared, and it moves on: a liar who has one of them take the last number within reach cannot keep it from
 * the next. A bound that each reckons from what it knows would leave the others behind for ever.
 * @param highest that is known here
 * @throws {ServiceError} `denied`, as {@link NumberTaken}; `invalid`
 */
export function checkNumber(epoch: number, key: string, highest: number, now: number): void {
  if (epoch <= highest) throw new NumberTaken(key, highest);
  if (epoch > reachAt(now))
    throw new ServiceError(
      'invalid',
      `epoch ${epoch} is out of reach by the clock of this node: try again, check the clocks`,
    );
}

/**
 * The number to propose. Another member may have prepared attempts of which this node knows nothing, and those who refuse say
 * which; what they say is believed as far as their clocks can be thought to reach.
 * @param tries how often this node proposed one from the epoch in use
 * @param told the highest number that a member says to know
 */
export function nextNumber(key: KeyInfo, tries: number, told: number, now: number): number {
  const least = highestOf(key) + 1;
  // Who has the slowest clock nobody knows: each try that follows another allows for one that is further behind.
  const doubt = (Math.max(tries - 1, 0) % limits.clockGuesses) * limits.clockTolerance;
  return Math.max(least, Math.min(Math.max(least + tries, told + 1), reachAt(now - doubt)));
}

function reachAt(now: number): number {
  return Math.floor(now / 1_000);
}
