import { concat, hash, u16 } from '@quorate/protocol';
import { tags } from '../tags.ts';
import type { PeerId } from './network.ts';

/** A member of the network. */
export interface Member {
  readonly name: string;
  readonly peer: PeerId;
  /** Multiaddrs at which it listens. Only these are ever dialled. */
  readonly addresses: readonly string[];
  readonly region?: string | undefined;
  /** IP addresses and CIDR ranges from which it may connect; absent: any, since Noise proves its PeerId. */
  readonly allow?: readonly string[] | undefined;
}

/** The members, in the file's order. */
export interface Roster {
  readonly members: readonly Member[];
}

/** 32 bytes, equal for rosters with the same members, in whatever order and spelling of the file. */
export function rosterHash(roster: Roster): Uint8Array {
  const members = roster.members
    .map(({ name, peer, addresses, region = '', allow }) =>
      concat(
        ...[
          [peer],
          [name],
          [region],
          [...addresses].sort(),
          allow === undefined ? ['any'] : ['only', ...[...allow].sort()],
        ].map(texts),
      ),
    )
    .sort(Buffer.compare);
  return hash(tags.roster, ...members);
}

/** A list of short texts, each behind its length, the list behind its count. */
function texts(items: readonly string[]): Uint8Array {
  const encoded = items.map((item) => new TextEncoder().encode(item));
  return concat(u16(items.length), ...encoded.flatMap((item) => [u16(item.length), item]));
}
