import { equal, type Secret } from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';

/** Our half of a set of base transfers that nobody has used. */
export interface Half {
  /** Of the whole exchange, 32 bytes, public: the peer's half has the same. */
  readonly id: Uint8Array;
  /** Encoded as `sets.ts` does. */
  readonly secret: Secret;
}

/** Which half of a set it is: Alice chose, Bob sent. */
export type Role = 'alice' | 'bob';

interface Kept extends Half {
  readonly until: number;
}

/**
 * Unused halves by peer and role, oldest first, so many at most. Whatever leaves the shelf is the taker's, or wiped; nothing
 * comes back. Memory only: a restart forgets it.
 */
export class Shelf {
  readonly #clock: Clock;
  readonly #depth: number;
  readonly #kept = new Map<PeerId, { readonly [R in Role]: readonly Kept[] }>();

  constructor(clock: Clock, depth: number) {
    this.#clock = clock;
    this.#depth = depth;
  }

  /** Puts a half behind the others; wipes it if there is no room. */
  add(peer: PeerId, role: Role, half: Half): void {
    if (!this.isShort(peer, role)) return half.secret.wipe();
    const until = this.#clock.monotonic() + limits.stockLife;
    this.#set(peer, role, [...this.#of(peer, role), { ...half, until }]);
  }

  /** Whether there is room for another. */
  isShort(peer: PeerId, role: Role): boolean {
    return this.#of(peer, role).length < this.#depth;
  }

  /** Oldest first: both ends of a pair use them in this order. */
  ids(peer: PeerId, role: Role): readonly Uint8Array[] {
    return this.#of(peer, role).map(({ id }) => id);
  }

  /** Drops what the peer has no other half of. */
  keepOnly(peer: PeerId, role: Role, ids: readonly Uint8Array[]): void {
    this.#retain(peer, role, ({ id }) => ids.some((one) => equal(one, id)));
  }

  /** The oldest half, which is the caller's from now on: it is on no shelf any more, whatever becomes of it. */
  take(peer: PeerId, role: Role): Half | undefined {
    this.#expire(peer);
    const [oldest, ...rest] = this.#of(peer, role);
    if (oldest !== undefined) this.#set(peer, role, rest);
    return oldest;
  }

  /** Drops all halves of a peer. */
  drop(peer: PeerId): void {
    for (const role of ['alice', 'bob'] as const) this.#retain(peer, role, () => false);
    this.#kept.delete(peer);
  }

  /** Drops what is too old, and what belongs to nobody in `peers`. */
  tidy(peers: ReadonlyMap<PeerId, unknown>): void {
    for (const peer of this.#kept.keys()) {
      if (peers.has(peer)) this.#expire(peer);
      else this.drop(peer);
    }
  }

  clear(): void {
    for (const peer of this.#kept.keys()) this.drop(peer);
  }

  #expire(peer: PeerId): void {
    const now = this.#clock.monotonic();
    for (const role of ['alice', 'bob'] as const) this.#retain(peer, role, ({ until }) => until > now);
  }

  #retain(peer: PeerId, role: Role, keeps: (half: Kept) => boolean): void {
    const all = this.#of(peer, role);
    const rest = all.filter(keeps);
    for (const half of all) if (!rest.includes(half)) half.secret.wipe();
    if (rest.length < all.length) this.#set(peer, role, rest);
  }

  #of(peer: PeerId, role: Role): readonly Kept[] {
    return this.#kept.get(peer)?.[role] ?? [];
  }

  #set(peer: PeerId, role: Role, halves: readonly Kept[]): void {
    this.#kept.set(peer, { ...(this.#kept.get(peer) ?? { alice: [], bob: [] }), [role]: halves });
  }
}
