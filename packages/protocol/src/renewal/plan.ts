import { equal } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { isName, type Member, type PublicPackage, verifyingShare } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { MAX_PARTIES } from '../session/envelope.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import {
  type Dealer,
  RenewalInputError,
  type RenewalParameters,
  type RenewalSession,
  type RenewalStatement,
  type Seat,
} from './parameters.ts';

export interface Refresh {
  /** The epoch that is dealt from. */
  readonly base: PublicPackage;
  /** Who deals, by their numbers in it: at least its threshold, ascending. */
  readonly dealers: readonly Party[];
  /** The number of this attempt: above every epoch before. */
  readonly epoch: number;
}

export interface Reshare extends Refresh {
  /** The new committee, party 1 to n′. Numbers of the old epoch mean nothing here: nodes are known by their keys. */
  readonly members: readonly Member[];
  /** How many must sign in the new epoch. */
  readonly threshold: number;
  /** Hash of the policy of the new epoch, 32 bytes. */
  readonly policyHash: Uint8Array;
}

export interface Import {
  readonly statement: RenewalStatement;
  readonly members: readonly Member[];
  readonly threshold: number;
  /** The node that knows the key, a member or not. */
  readonly dealer: Uint8Array;
}

/**
 * New shares of a key for the same committee. It has no threshold of its own: who may ask for a refresh cannot lower it.
 * @throws {RenewalInputError}
 */
export function refresh(session: RenewalSession, { base, dealers, epoch }: Refresh): RenewalParameters {
  const { members, threshold, policyHash } = base;
  return reshare(session, { base, dealers, epoch, members, threshold, policyHash });
}

/** A key goes to a new committee, or to another threshold. @throws {RenewalInputError} */
export function reshare(session: RenewalSession, plan: Reshare): RenewalParameters {
  const { base, epoch, members, threshold, policyHash } = plan;
  const { scheme, keyId, name, purpose, groupKey, chainCode, tweak } = base;
  const { seats, dealers } = planned(session.group, plan);
  const bySeat = seats.flatMap(({ party, deals }): [Party, Dealer][] =>
    deals === undefined ? [] : [[party, dealers.get(deals) as Dealer]],
  );
  const statement = {
    scheme,
    keyId,
    name,
    purpose,
    groupKey,
    chainCode,
    tweak,
    policyHash,
    epoch,
    baseEpoch: base.epoch,
  };
  return { ...session, seats: places(seats), members, threshold, dealers: new Map(bySeat), statement };
}

/**
 * Everything that `reshare` asks of its plan, before there is a session: a node that joins has the package that is dealt from of
 * others. @throws {RenewalInputError}
 */
export function checkReshare(group: Group, plan: Omit<Reshare, 'policyHash'>): readonly Seat[] {
  return planned(group, plan).seats;
}

/**
 * A key that one node knows is shared out. Whoever dealt it knows it, and all shares: a refresh must follow at once, and
 * the key stays only as good as its past. What everybody holds the dealer to is the public key.
 * @throws {RenewalInputError}
 */
export function importKey(
  session: RenewalSession,
  { statement, members, threshold, dealer }: Import,
): RenewalParameters {
  checkCommittee(members, threshold);
  if (!isName(statement.name) || !isName(statement.purpose) || statement.baseEpoch !== 0 || statement.epoch < 1) {
    throw new RenewalInputError('base', 'an imported key has names, an epoch, and no epoch before it');
  }
  const known = members.find(({ node }) => equal(node, dealer));
  const seats = known === undefined ? [...members, { party: members.length + 1, node: dealer }] : members;
  checkSeats(seats);
  const constant = statement.groupKey;
  const dealers = new Map([[known?.party ?? seats.length, { verifyingShare: constant, weight: 1n, constant }]]);
  return { ...session, seats, members, threshold, dealers, statement };
}

/**
 * Who sits where: needed before the session, to gather registrations. @throws {RenewalInputError} unless the dealers are a
 * quorum of the old epoch
 */
export function seatsOf({ base, dealers, members }: Pick<Reshare, 'base' | 'dealers' | 'members'>): readonly Seat[] {
  if (dealers.some((party, i) => party <= (dealers[i - 1] ?? 0))) {
    throw new RenewalInputError('quorum', 'dealers are not distinct and ascending');
  }
  if (dealers.length < base.threshold) {
    throw new RenewalInputError('quorum', `${dealers.length} dealers, and the threshold is ${base.threshold}`);
  }
  const old = dealers.map((party) => {
    const member = base.members.find((one) => one.party === party);
    if (member === undefined) throw new RenewalInputError('quorum', `dealer ${party} is no party of the old epoch`);
    return member;
  });
  const staying = members.map(({ party, node }) => ({
    party,
    node,
    deals: old.find((one) => equal(one.node, node))?.party,
  }));
  const leaving = old
    .filter(({ node }) => !members.some((member) => equal(member.node, node)))
    .map(({ party, node }, i) => ({ party: members.length + 1 + i, node, deals: party }));
  const seats = [...staying, ...leaving];
  checkSeats(seats);
  return seats;
}

function planned(
  group: Group,
  plan: Omit<Reshare, 'policyHash'>,
): { readonly seats: readonly Seat[]; readonly dealers: ReadonlyMap<Party, Dealer> } {
  const { base, epoch, members, threshold } = plan;
  if (!Number.isSafeInteger(epoch) || epoch <= base.epoch) {
    throw new RenewalInputError('epoch', `epoch ${epoch} does not come after ${base.epoch}`);
  }
  checkCommittee(members, threshold);
  return { seats: seatsOf(plan), dealers: weigh(group, base, plan.dealers) };
}

/** What each dealer has to share out, by its old number. @throws {RenewalInputError} unless it adds up to the key */
function weigh(group: Group, base: PublicPackage, dealers: readonly Party[]): ReadonlyMap<Party, Dealer> {
  const weights = lagrange(primeField(group.order), dealers.map(BigInt));
  const shares = dealers.map((party) => verifyingShare(base, party));
  if (!group.equals(group.sumOfProducts(shares, weights), base.groupKey)) {
    throw new RenewalInputError('base', 'the verifying shares of the dealers do not add up to the key');
  }
  return new Map(
    dealers.map((party, i) => {
      const [share, weight] = [shares[i] as Point, weights[i] as bigint];
      return [party, { verifyingShare: share, weight, constant: group.sumOfProducts([share], [weight]) }];
    }),
  );
}

function checkCommittee(members: readonly Member[], threshold: number): void {
  const n = members.length;
  if (!Number.isSafeInteger(threshold) || threshold < 2 || threshold > n || n > MAX_PARTIES) {
    throw new RenewalInputError('threshold', `no ${threshold}-of-${n}: 2 ≤ t ≤ n ≤ ${MAX_PARTIES}`);
  }
  if (!members.every(({ party, node }, i) => party === i + 1 && node.length === 32)) {
    throw new RenewalInputError('members', `members are not the parties 1 to ${n}, with 32-byte node keys`);
  }
}

/** A node that sat twice could not be told apart from another that speaks for it. */
function checkSeats(seats: readonly Member[]): void {
  if (seats.length > MAX_PARTIES) throw new RenewalInputError('seats', `over ${MAX_PARTIES} participants`);
  if (seats.some(({ node }, i) => seats.slice(0, i).some((other) => equal(other.node, node)))) {
    throw new RenewalInputError('members', 'a node takes part twice');
  }
}

function places(seats: readonly Seat[]): readonly Member[] {
  return seats.map(({ party, node }) => ({ party, node }));
}
