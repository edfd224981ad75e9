import type { Party } from '@quorate/protocol';
import type { PeerId } from '../network/network.ts';
import type { Task } from './task.ts';

type Committee = Pick<Task, 'members'>;

/** Who plays which party of a committee, and how to reach it. */
export class Seats {
  readonly #self: PeerId;
  readonly #peerOf: (node: Uint8Array) => PeerId;

  constructor(self: PeerId, peerOf: (node: Uint8Array) => PeerId) {
    this.#self = self;
    this.#peerOf = peerOf;
  }

  /** All members but oneself. */
  others({ members }: Committee): ReadonlyMap<Party, PeerId> {
    const all = members.map(({ party, node }) => [party, this.#peerOf(node)] as const);
    return new Map(all.filter(([, peer]) => peer !== this.#self));
  }

  partyOf({ members }: Committee, peer: PeerId): Party | undefined {
    return members.find(({ node }) => this.#peerOf(node) === peer)?.party;
  }

  /** The peers that play these parties, in the order of the members. */
  peersOf({ members }: Committee, parties: readonly Party[]): readonly PeerId[] {
    return members.filter(({ party }) => parties.includes(party)).map(({ node }) => this.#peerOf(node));
  }
}
