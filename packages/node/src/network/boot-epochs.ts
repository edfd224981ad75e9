import { equal } from '@quorate/protocol';
import { bootCounter } from './hello.ts';
import type { PeerId } from './network.ts';

/**
 * Finds clones. A node that restarts presents a higher boot counter than before; one that presents another boot epoch,
 * and not a higher counter, while its twin is connected, is a copy of the same disk or machine. Which of the two is the
 * real one cannot be known here, so both stay out until a boot epoch comes that neither has shown. Nobody is blamed.
 */
export class BootEpochs {
  readonly #disputed = new Map<PeerId, readonly Uint8Array[]>();

  /** @param live the boot epoch of the connected twin, undefined when there is none */
  judge(peer: PeerId, shown: Uint8Array, live: Uint8Array | undefined): 'admit' | 'dispute' {
    const disputed = this.#disputed.get(peer) ?? [];
    if (disputed.some((epoch) => equal(epoch, shown))) return 'dispute';
    if (live === undefined || equal(live, shown) || bootCounter(shown) > bootCounter(live)) return 'admit';
    // The latest few are enough: each new one costs the copy a restart.
    this.#disputed.set(peer, [...disputed, live, shown].slice(-16));
    return 'dispute';
  }
}
