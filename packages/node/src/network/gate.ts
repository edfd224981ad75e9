import { type AddressSet, addressSet } from './address.ts';
import type { PeerId } from './network.ts';
import type { Member, Roster } from './roster.ts';

/**
 * Who may connect: members by exact PeerId, each from the addresses that its entry allows. A pure predicate; the host asks
 * it before the handshake (by IP), after it (by PeerId and IP), and again for live connections when the roster changes.
 */
export interface Gate {
  /** Whether some member may come from this IP address: asked before any cryptography. */
  admitsAddress(ip: string | undefined): boolean;
  /** Whether this member may come from this IP address. */
  admits(peer: PeerId, ip: string | undefined): boolean;
  /** Whether we may dial this address: exactly those that the roster lists for the member. */
  mayDial(address: string): boolean;
}

/** @param self our own PeerId: a connection from ourselves is a reflection or a clone, never a peer */
export function gateOf(roster: Roster, self: PeerId): Gate {
  const members = new Map(
    roster.members.filter(({ peer }) => peer !== self).map((member) => [member.peer, rule(member)]),
  );
  return {
    admitsAddress: (ip) => [...members.values()].some(({ from }) => allows(from, ip)),
    admits: (peer, ip) => {
      const member = members.get(peer);
      return member !== undefined && allows(member.from, ip);
    },
    mayDial: (address) => [...members.values()].some(({ addresses }) => addresses.has(address)),
  };
}

interface Rule {
  /** Undefined: any address. */
  readonly from: AddressSet | undefined;
  readonly addresses: ReadonlySet<string>;
}

function rule(member: Member): Rule {
  return {
    from: member.allow === undefined ? undefined : addressSet(member.allow),
    addresses: new Set(dialAddresses(member)),
  };
}

/** The member's addresses, each with its PeerId: whoever answers must prove it. */
export function dialAddresses({ addresses, peer }: Member): string[] {
  return addresses.map((address) => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`));
}

function allows(from: AddressSet | undefined, ip: string | undefined): boolean {
  return from === undefined || (ip !== undefined && from.has(ip));
}
