import { equal, fromBytesBE, groupOf, sha256, toHex } from '@quorate/protocol';
import { headerOf } from '../../packages/node/src/ceremonies/packages.ts';
import type { Facts } from './facts.ts';
import type { Seat } from './world.ts';

/** Every share that an honest member ever had on its disk, of epochs that came to nothing, too. */
export class Shares {
  readonly #facts: Facts;
  readonly #read = new WeakSet<Uint8Array>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** @param place of the epoch whose package this is */
  observe(seat: Seat, place: string, publicPackage: Uint8Array): void {
    const { polynomials, shares, world } = this.#facts;
    const record = seat.store.durable.get(`shares/${place}`);
    if (record === undefined || this.#read.has(record)) return;
    this.#read.add(record);
    const share = world.kept.in(record);
    const { members, scheme, threshold } = headerOf(publicPackage);
    const me = members.find(({ node }) => equal(node, seat.key.publicKey));
    if (share === undefined || me === undefined) return;
    shares.set(toHex(share), share);
    // Several attempts may have had one number.
    const attempt = `${place} ${toHex(sha256(publicPackage)).slice(0, 16)}`;
    const polynomial = polynomials.get(attempt) ?? {
      name: attempt,
      members: this.#facts.seatsOf(members),
      threshold,
      order: groupOf(scheme, world.tools.groups).order,
      points: new Map<bigint, bigint>(),
    };
    polynomials.set(attempt, polynomial);
    polynomial.points.set(BigInt(me.party), fromBytesBE(share));
  }
}
