import { type Dealing, holdsReceiveKey, isShareOf } from '../dealing/shares.ts';
import type { Point } from '../groups/group.ts';
import { type PublicPackage, verifyingShare } from '../keys.ts';
import type { Party } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import type { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import { tags } from '../tags.ts';
import { RenewalInputError, type RenewalSession } from './parameters.ts';

/** What a repair's Start fixes. Its seats are the parties' own numbers. */
export interface RepairParameters extends RenewalSession {
  /** The epoch in use, as certified. It stays as it is. */
  readonly publicPackage: PublicPackage;
  /** At least the threshold, ascending, all of the epoch. */
  readonly helpers: readonly Party[];
  /** Whose share is lost. */
  readonly lost: Party;
}

export interface RepairInput extends RepairParameters {
  readonly me: Party;
  /** Our share, of helpers, big-endian in `group.scalarBytes` bytes. Stays the caller's. */
  readonly secret: Secret | undefined;
  /** The logarithm of our receive key, as `secret`. Stays the caller's, who wipes it. */
  readonly receiveSecret: Secret;
  readonly randomness: Randomness;
}

/** A helper's commitments to the parts of the other helpers, in their order. Its own part follows. */
export type Split = readonly Point[];

/** Everybody who takes part, ascending. */
export function repairParties({ helpers, lost }: Pick<RepairParameters, 'helpers' | 'lost'>): readonly Party[] {
  return [...helpers, lost].sort((a, b) => a - b);
}

/** λ of a helper, for the value at the lost party. */
export function weightOf({ group, helpers, lost }: RepairParameters, helper: Party): bigint {
  const weights = lagrange(primeField(group.order), helpers.map(BigInt), BigInt(lost));
  return weights[helpers.indexOf(helper)] as bigint;
}

/** How parts are dealt: that of `recipient` is the logarithm of a point that its helper said, or that is left over. */
export function partsDealing(parameters: RepairParameters): Dealing<Split> {
  const { group, aead, sid, receiveKeys } = parameters;
  const expected = (helper: Party, split: Split, recipient: Party): Point =>
    partOf(parameters, helper, split, recipient);
  return { group, aead, sid, receiveKeys, label: tags.repairPart, expected };
}

/** How sums are sent: that of a helper is the logarithm of the sum of all its parts. */
export function sumsDealing(parameters: RepairParameters): Dealing<ReadonlyMap<Party, Split>> {
  const { group, aead, sid, receiveKeys, helpers } = parameters;
  const expected = (sender: Party, splits: ReadonlyMap<Party, Split>): Point =>
    helpers
      .map((helper) => partOf(parameters, helper, splits.get(helper) as Split, sender))
      .reduce((sum, part) => group.add(sum, part), group.identity);
  return { group, aead, sid, receiveKeys, label: tags.repairSum, expected };
}

/** The point of one part. All parts of a helper add up to λ·X, so that it can split nothing else. */
function partOf(parameters: RepairParameters, helper: Party, split: Split, recipient: Party): Point {
  const { group, helpers, publicPackage } = parameters;
  const others = helpers.filter((party) => party !== helper);
  if (recipient !== helper) return split[others.indexOf(recipient)] as Point;
  const term = group.sumOfProducts([verifyingShare(publicPackage, helper)], [weightOf(parameters, helper)]);
  return split.reduce((left, part) => group.add(left, group.negate(part)), term);
}

/** @throws {RenewalInputError} before anything secret is made or sent */
export function checkRepair(input: RepairInput): void {
  const { group, publicPackage, helpers, lost, receiveKeys, me, secret } = input;
  const parties = new Set(publicPackage.members.map(({ party }) => party));
  if (helpers.some((party, i) => party <= (helpers[i - 1] ?? 0))) {
    throw new RenewalInputError('quorum', 'helpers are not distinct and ascending');
  }
  if (helpers.length < publicPackage.threshold) {
    throw new RenewalInputError('quorum', `${helpers.length} helpers, and the threshold is ${publicPackage.threshold}`);
  }
  if (!helpers.every((party) => parties.has(party))) {
    throw new RenewalInputError('quorum', 'a helper has no share of this key');
  }
  if (!parties.has(lost) || helpers.includes(lost)) {
    throw new RenewalInputError('quorum', 'the lost party is a member, and none of the helpers');
  }
  const points = helpers.map((party) => verifyingShare(publicPackage, party));
  const interpolated = group.sumOfProducts(
    points,
    helpers.map((party) => weightOf(input, party)),
  );
  if (!group.equals(interpolated, verifyingShare(publicPackage, lost))) {
    throw new RenewalInputError('base', 'the verifying shares are not on one polynomial');
  }
  if (repairParties(input).some((party) => !receiveKeys.has(party))) {
    throw new RenewalInputError('receive-keys', 'a participant has no receive key');
  }
  if (!holdsReceiveKey(input, input)) {
    throw new RenewalInputError('receive-keys', 'the receive secret is not that of our receive key');
  }
  if ((secret !== undefined) !== helpers.includes(me)) {
    throw new RenewalInputError('share', 'helpers, and nobody else, bring a share');
  }
  if (secret !== undefined && !isShareOf(group, secret, verifyingShare(publicPackage, me))) {
    throw new RenewalInputError('share', 'the share does not belong to this epoch of the key');
  }
}
