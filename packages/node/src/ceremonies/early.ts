import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';

interface Kept<T> {
  readonly topic: string;
  readonly item: T;
  readonly bytes: number;
  readonly until: number;
}

/**
 * What arrived before its time: peers are at most a step ahead, and messages of different peers overtake each other.
 * Bounded per peer, in number, bytes and time, and in all; what does not fit is dropped, as if the network had. When all are
 * full, a small share for each peer is left, which no other can take.
 */
export class Early<T> {
  readonly #clock: Clock;
  readonly #kept = new Map<PeerId, Kept<T>[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param topic what will ask for it: a session or request id */
  keep(peer: PeerId, topic: string, item: T, bytes: number): void {
    const now = this.#clock.monotonic();
    const kept = (this.#kept.get(peer) ?? []).filter(({ until }) => until > now);
    const total = kept.reduce((sum, one) => sum + one.bytes, bytes);
    const room = this.#inAll(now, peer) + total <= limits.earlyBytesInAll || total <= limits.earlyShare;
    if (kept.length < limits.earlyFrames && total <= limits.earlyBytes && room) {
      kept.push({ topic, item, bytes, until: now + limits.earlyLife });
    }
    this.#kept.set(peer, kept);
  }

  /** Bytes that are kept for other peers than `peer`. */
  #inAll(now: number, peer: PeerId): number {
    let sum = 0;
    for (const [other, all] of this.#kept) {
      if (other !== peer) for (const { bytes, until } of all) if (until > now) sum += bytes;
    }
    return sum;
  }

  /** Everything kept for `topic`, in order of arrival per peer; it is kept no longer. */
  take(topic: string): readonly { readonly peer: PeerId; readonly item: T }[] {
    const now = this.#clock.monotonic();
    const taken: { peer: PeerId; item: T }[] = [];
    for (const [peer, all] of this.#kept) {
      for (const { item, topic: of, until } of all) if (of === topic && until > now) taken.push({ peer, item });
      const rest = all.filter(({ topic: of, until }) => of !== topic && until > now);
      if (rest.length === 0) this.#kept.delete(peer);
      else this.#kept.set(peer, rest);
    }
    return taken;
  }
}
