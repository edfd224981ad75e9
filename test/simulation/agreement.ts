import {
  equal,
  fromBytesBE,
  groupOf,
  type Member,
  type PublicPackage,
  type Scheme,
  toHex,
  verifyingShare,
} from '@quorate/protocol';
import { publicPackageOf } from '../../packages/node/src/ceremonies/packages.ts';
import { primeField } from '../../packages/protocol/src/sharing/field.ts';
import { epochPlace, type Facts, sharesOn } from './facts.ts';
import type { Seat } from './world.ts';

/** Who is not in the newest committee knows it, and has no share of its. */
function left(facts: Facts, name: string, seat: Seat): void {
  const key = seat.life?.home?.keys.byName(name);
  if (key === undefined || key.quarantined !== undefined) return;
  if (key.current !== undefined)
    return facts.fail(
      'L3 laggards',
      `${seat.name} left the committee of ${name}, and still uses epoch ${key.current.epoch}`,
    );
  facts.reach('left a committee');
  const { epoch } = facts.newestOf(name);
  if (sharesOn(seat).has(epochPlace(toHex(key.keyId), epoch)))
    facts.fail('I12 leavers', `${seat.name} left the committee of ${name}, and has a share of its epoch ${epoch}`);
  const isCalm = facts.world.seats.every((one) => !one.isCorrupt && !one.isDestroyed) && facts.damaged.size === 0;
  // Who joined in an attempt that came to nothing is told nothing, and keeps what is of no use.
  const wasUsed = (place: string): boolean => {
    const info = key.epochs.find((one) => epochPlace(toHex(key.keyId), one.epoch) === place);
    const used = facts.agreed.get(place);
    return used !== undefined && info !== undefined && equal(used, info.publicPackage);
  };
  const rest = [...sharesOn(seat)].filter((place) => place.startsWith(toHex(key.keyId)) && wasUsed(place));
  if (isCalm && rest.length > 0)
    facts.fail('I12 leavers', `${seat.name} left the committee of ${name}, and keeps ${rest.join(', ')}`);
}

/** All honest members use the same epoch, and their shares are shares of the key. */
export async function agreement(facts: Facts, name: string): Promise<void> {
  const held: { readonly seat: Seat; readonly publicPackage: PublicPackage; readonly share: bigint }[] = [];
  const { members: committee } = facts.newestOf(name);
  for (const seat of facts.world.honest) {
    if (!committee.includes(seat)) {
      left(facts, name, seat);
      continue;
    }
    const { home } = seat.life ?? {};
    const key = home?.keys.byName(name);
    if (home === undefined || seat.isDestroyed || key?.quarantined !== undefined) continue;
    if (key?.current === undefined) {
      if (!facts.isBeyond(seat)) facts.fail('L3 laggards', `${seat.name} has no key ${name}`);
      continue;
    }
    const group = groupOf(key.scheme as Scheme, facts.world.tools.groups);
    const publicPackage = publicPackageOf(group, key.current.publicPackage);
    using secret = await home.keys.share(key.keyId, key.current.epoch);
    const share = secret.use(fromBytesBE);
    held.push({ seat, publicPackage, share });
    const { party } = publicPackage.members.find(({ node }) => equal(node, seat.key.publicKey)) as Member;
    // So no share changes without its epoch, least of all when another's is repaired.
    if (!group.equals(group.multiplyBase(share), verifyingShare(publicPackage, party)))
      facts.fail('I4 agreement', `the share of ${seat.name} is not the one of ${name} in its epoch`);
  }
  const [first] = held;
  if (first === undefined) return facts.fail('I5 no loss', `nobody has the key ${name}`);
  const { groupKey, members, scheme, threshold } = first.publicPackage;
  for (const { seat, publicPackage } of held)
    if (publicPackage.epoch !== first.publicPackage.epoch)
      facts.fail(
        'L3 laggards',
        `${seat.name} is at epoch ${publicPackage.epoch} of ${name}, ${first.seat.name} at ${first.publicPackage.epoch}`,
      );
  if (held.length < threshold) return facts.fail('I5 no loss', `only ${held.length} members have the key ${name}`);
  const group = groupOf(scheme, facts.world.tools.groups);
  const field = primeField(group.order);
  const parties = held.map(
    ({ seat }) => members.find(({ node }) => toHex(node) === toHex(seat.key.publicKey))?.party as number,
  );
  for (let from = 0; from + threshold <= held.length; from++) {
    const chosen = parties.slice(from, from + threshold).map(BigInt);
    const secret = chosen.reduce((sum, x, i) => {
      const others = chosen.filter((other) => other !== x);
      const lambda = others.reduce(
        (product, other) => field.reduce(product * field.reduce(other * field.invert(field.reduce(other - x)))),
        1n,
      );
      return field.reduce(sum + lambda * (held[from + i] as (typeof held)[0]).share);
    }, 0n);
    if (!group.equals(group.multiplyBase(secret), groupKey))
      facts.fail('I4 agreement', `the shares of ${name} are no shares of its key`);
  }
}
