import type { Randomness } from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { PeerId } from './network.ts';

/**
 * How long to wait before the next dial: doubling from half a second to half a minute, and of that between half and all,
 * so that a committee that lost one node does not come back to it in step.
 * @param failures dials since the last admission @param jitter in [0, 1)
 */
export function redialDelay(failures: number, jitter: number): number {
  const full = Math.min(limits.redialLongest, limits.redialFirst * 2 ** Math.min(failures, 30));
  return (full / 2) * (1 + jitter);
}

/**
 * Keeps dialling the peers that are ours to dial, for ever: libp2p's own loop gives up after half a minute. A success is
 * an admission, not a connection; a peer that hangs up on us is dialled ever more slowly.
 */
export class Redialer {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #dial: (peer: PeerId) => Promise<void>;
  readonly #peers = new Map<PeerId, { failures: number; cancel: (() => void) | undefined; dialling: boolean }>();

  /** @param dial resolves when connected, rejects when not; it is never called twice at once for one peer */
  constructor(clock: Clock, randomness: Randomness, dial: (peer: PeerId) => Promise<void>) {
    this.#clock = clock;
    this.#randomness = randomness;
    this.#dial = dial;
  }

  /** Starts to look after `peer`: dials it now. */
  keep(peer: PeerId): void {
    if (this.#peers.has(peer)) return;
    this.#peers.set(peer, { failures: 0, cancel: undefined, dialling: false });
    void this.#attempt(peer);
  }

  forget(peer: PeerId): void {
    this.#peers.get(peer)?.cancel?.();
    this.#peers.delete(peer);
  }

  /** The peer was admitted: the next loss is answered quickly. */
  admitted(peer: PeerId): void {
    const state = this.#peers.get(peer);
    if (state === undefined) return;
    state.failures = 0;
    state.cancel?.();
    state.cancel = undefined;
  }

  /** The connection is gone, admitted or not. */
  lost(peer: PeerId): void {
    const state = this.#peers.get(peer);
    if (state === undefined || state.dialling || state.cancel !== undefined) return;
    const [a = 0, b = 0] = this.#randomness.bytes(2);
    state.cancel = this.#clock.after(redialDelay(state.failures++, (a * 256 + b) / 65_536), () => {
      state.cancel = undefined;
      void this.#attempt(peer);
    });
  }

  close(): void {
    for (const peer of this.#peers.keys()) this.forget(peer);
  }

  async #attempt(peer: PeerId): Promise<void> {
    const state = this.#peers.get(peer);
    if (state === undefined) return;
    state.dialling = true;
    const failed = await this.#dial(peer).then(
      () => false,
      () => true,
    );
    state.dialling = false;
    if (failed && this.#peers.get(peer) === state) this.lost(peer);
  }
}
