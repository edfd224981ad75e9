import { fromBytesBE, groupOf, sha256, toHex } from '@quorate/protocol';
import { headerOf } from '../../packages/node/src/ceremonies/packages.ts';
import { epochPlace, type Facts } from './facts.ts';
import type { Seat } from './world.ts';

/** Every share that an honest member ever had on its disk, of epochs that came to nothing, too. */
export class Shares {
  readonly #facts: Facts;
  readonly #read = new WeakSet<Uint8Array>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  observe(seat: Seat): void {
    const { kept, tools } = this.#facts.world;
    for (const { epochs, keyId } of seat.life?.home?.keys.list() ?? [])
      for (const { epoch, publicPackage } of epochs) {
        const place = epochPlace(toHex(keyId), epoch);
        const record = seat.store.durable.get(`shares/${place}`);
        if (record === undefined || this.#read.has(record)) continue;
        this.#read.add(record);
        const share = kept.in(record);
        const { members, scheme, threshold } = headerOf(publicPackage);
        const me = members.find(({ node }) => toHex(node) === toHex(seat.key.publicKey));
        if (share === undefined || me === undefined) continue;
        this.#facts.shares.set(toHex(share), share);
        const { polynomials } = this.#facts;
        // Several attempts may have had one number.
        const attempt = `${place} ${toHex(sha256(publicPackage)).slice(0, 16)}`;
        const polynomial = polynomials.get(attempt) ?? {
          name: attempt,
          members: this.#facts.seatsOf(members),
          threshold,
          order: groupOf(scheme, tools.groups).order,
          points: new Map<bigint, bigint>(),
        };
        polynomials.set(attempt, polynomial);
        polynomial.points.set(BigInt(me.party), fromBytesBE(share));
      }
  }
}
