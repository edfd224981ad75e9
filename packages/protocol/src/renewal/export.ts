import { fromBytesBE } from '../bytes.ts';
import { holdsReceiveKey, isShareOf, openForAll, openShare, sealShare } from '../dealing/shares.ts';
import { blameFor, maybeOpening } from '../dealing/verdicts.ts';
import { verifyingShare } from '../keys.ts';
import {
  Abort,
  type Blame,
  blame,
  broadcast,
  exchange,
  type Messages,
  type Party,
  type Protocol,
  type Received,
} from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { secretScalar } from '../random.ts';
import { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import {
  type ExportParameters,
  exportCourt,
  exportDealing,
  exportFormats,
  isComplaintOutOfTurn,
  isPortionOutOfTurn,
} from './export-rules.ts';
import { nothing, type Portion } from './messages.ts';
import { RenewalInputError } from './parameters.ts';
import { type Check, satisfied } from './repair-messages.ts';

export interface ExportInput extends ExportParameters {
  readonly me: Party;
  /** Our share, big-endian in `group.scalarBytes` bytes. Stays the caller's. */
  readonly secret: Secret;
  /** The logarithm of our receive key, as `secret`. Stays the caller's, who wipes it. */
  readonly receiveSecret: Secret;
  readonly randomness: Randomness;
}

/**
 * Puts the private key together at one of its holders: the end of what a shared key is for. A quorum send it their shares, each
 * checked against the certified package, and so the key against the public one.
 *
 * @returns the private key, big-endian, at who asks; the others get nothing
 * @throws {RenewalInputError} before the first round
 * @throws {Abort} naming whoever provably cheated
 */
export function* exportKey(input: ExportInput): Protocol<Secret | undefined> {
  checkExport(input);
  const { asker, group, me, publicPackage } = input;
  const formats = exportFormats(group);

  // Round 1: shares to who asks.
  const shares = yield* exchange(formats.shares, { type: 'nothing', value: nothing.value }, sealPortions(input));
  judgePortions(input, shares);

  // Round 2: who asks has the key, or complains about the first share that is none.
  const total = me === asker ? addShares(input, shares) : undefined;
  using key = total instanceof Secret ? total : undefined;
  const check: Check = total === undefined || total instanceof Secret ? satisfied : total;
  const verdicts = yield* broadcast(formats.verdict, check);
  judgeComplaints(input, verdicts);

  // Each share was checked, so anything else is a bug.
  if (key !== undefined && !isShareOf(group, key, publicPackage.groupKey)) throw new Error('the shares do not add up');
  return key?.clone();
}

function sealPortions(input: ExportInput): ReadonlyMap<Party, Portion> {
  const { asker, group, me, randomness, secret, signers } = input;
  using share = new Secret(group.encodeScalar(secret.use(fromBytesBE)));
  const portions = signers
    .filter((party) => party !== me)
    .map((to): [Party, Portion] => {
      if (to !== asker) return [to, nothing];
      return [to, { type: 'share', value: sealShare(exportDealing(input), me, to, share, randomness) }];
    });
  return new Map(portions);
}

/** @throws {Abort} naming who speaks out of turn */
function judgePortions(input: ExportInput, shares: Messages<unknown, Portion>): void {
  const blames: Blame[] = [];
  for (const [party, { value, envelope }] of shares.directs) {
    if (isPortionOutOfTurn(input, input.me, value)) blames.push(blame(party, 'out-of-turn', [envelope]));
  }
  if (blames.length > 0) throw new Abort('shares', blames);
}

/** The key, or a complaint about the first share that does not belong to the package. */
function addShares(input: ExportInput, shares: Messages<unknown, Portion>): Secret | Check {
  const { group, me, randomness, secret, signers } = input;
  const field = primeField(group.order);
  const weights = lagrange(field, signers.map(BigInt));
  const dealing = exportDealing(input);
  let key = 0n;
  for (const [i, party] of signers.entries()) {
    let share = secret.use(fromBytesBE);
    if (party !== me) {
      const { value, envelope } = shares.directs.get(party) as Received<Portion & { readonly type: 'share' }>;
      const opened = openShare(dealing, input, party, undefined, value.value);
      if (opened === undefined) {
        const reveal = (shares.broadcasts.get(party) as Received<unknown>).envelope;
        const opening = maybeOpening(openForAll(dealing, input, party, value.value, randomness));
        return { type: 'complaint', value: { dealer: party, reveal, share: envelope, opening } };
      }
      share = opened;
    }
    key = field.add(key, field.multiply(weights[i] as bigint, share));
  }
  return secretScalar(key, group.scalarBytes);
}

/** @throws {Abort} naming who sent a bad share, who lied about one, and who complains out of turn */
function judgeComplaints(input: ExportInput, verdicts: Messages<Check, never>): void {
  const court = exportCourt(input);
  const blames: Blame[] = [];
  for (const [party, { value, envelope }] of verdicts.broadcasts) {
    if (value.type !== 'complaint') continue;
    if (isComplaintOutOfTurn(input, party, value)) blames.push(blame(party, 'out-of-turn', [envelope]));
    else blames.push(blameFor(court, input.group, party, value.value, envelope));
  }
  if (blames.length > 0) throw new Abort('verdict', blames);
}

/** @throws {RenewalInputError} before anything secret is sent */
function checkExport(input: ExportInput): void {
  const { asker, group, me, publicPackage, receiveKeys, secret, signers } = input;
  const parties = publicPackage.members.map(({ party }) => party);
  if (
    signers.some((party, i) => party <= (signers[i - 1] ?? 0)) ||
    !signers.every((party) => parties.includes(party))
  ) {
    throw new RenewalInputError('quorum', 'signers are not distinct members, ascending');
  }
  if (signers.length < publicPackage.threshold || !signers.includes(asker) || !signers.includes(me)) {
    throw new RenewalInputError('quorum', 'signers are fewer than the threshold, or without who asks');
  }
  if (signers.some((party) => !receiveKeys.has(party)) || !holdsReceiveKey(input, input)) {
    throw new RenewalInputError('receive-keys', 'a participant has no receive key, or ours is another');
  }
  if (!isShareOf(group, secret, verifyingShare(publicPackage, me))) {
    throw new RenewalInputError('share', 'the share does not belong to this epoch of the key');
  }
}
