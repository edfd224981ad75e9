import type { EpochInfo } from '@quorate/storage';
import type { Clock } from '../clock.ts';
import { placeOf } from './packages.ts';

/**
 * How long ago epochs came into being here, milliseconds: by the wall clock, which a restart knows too, or since this process first
 * asked, whichever is longer. The wall clock alone would call one that was made while it was ahead young for as long as it was ahead.
 */
export class Ages {
  readonly #clock: Clock;
  /** Monotonic. */
  readonly #asked = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(keyId: Uint8Array, { createdAt, epoch }: EpochInfo): number {
    const place = placeOf(keyId, epoch);
    const now = this.#clock.monotonic();
    const asked = this.#asked.get(place) ?? now;
    this.#asked.set(place, asked);
    return Math.max(this.#clock.now() - createdAt, now - asked);
  }
}
