import { ascii, fromBytesBE } from '../bytes.ts';
import { isShareOf, openForAll, openShare, sealShare } from '../dealing/shares.ts';
import { blameFor, maybeOpening } from '../dealing/verdicts.ts';
import { partyBytes, verifyingShare } from '../keys.ts';
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
import { hedged, randomScalar, secretScalar } from '../random.ts';
import { Secret } from '../secret.ts';
import { judge } from '../session/court.ts';
import { commit } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { tags } from '../tags.ts';
import { nothing, type Portion } from './messages.ts';
import { type Check, type Parts, repairFormats, type SumCheck, satisfied } from './repair-messages.ts';
import {
  checkRepair,
  partsDealing,
  type RepairInput,
  type RepairParameters,
  repairParties,
  type Split,
  sumsDealing,
  weightOf,
} from './repair-parameters.ts';
import {
  badSumEvidence,
  isPartOutOfTurn,
  isPartsOutOfTurn,
  isSumCheckOutOfTurn,
  isSumOutOfTurn,
  repairCourt,
} from './repair-rules.ts';

/**
 * Gives a member its lost share back, and changes nobody else's: enrolment after Laing and Stinson (2018). A quorum of
 * helpers interpolates the share where it was lost; each splits its term among all helpers, so that what reaches the lost
 * party are sums that say nothing but their total. See README.md.
 *
 * @returns the share, at the lost party; helpers get nothing
 * @throws {RenewalInputError} before the first round
 * @throws {Abort} naming whoever provably cheated
 */
export function* repair(input: RepairInput): Protocol<Secret | undefined> {
  checkRepair(input);
  const { group, me, lost, publicPackage } = input;
  const formats = repairFormats(group, input.helpers.length);
  using secrets = new DisposableStack();
  const own = input.secret === undefined ? undefined : split(input, input.secret);
  for (const part of own?.parts.values() ?? []) secrets.use(part);

  // Round 1: helpers split their terms, and give each helper its part.
  const parts: Parts = own === undefined ? nothing : { type: 'parts', value: own.commitments };
  const dealt = yield* exchange(formats.parts, parts, sealParts(input, own));
  const said = verifyParts(input, dealt);

  // Round 2: complain about a part, or add them up and send the sum to the lost party.
  const added = own === undefined ? undefined : addParts(input, own, said, dealt);
  if (added instanceof Secret) secrets.use(added);
  const check: Check = added === undefined || added instanceof Secret ? satisfied : added;
  const sums = yield* exchange(formats.sums, check, sealSum(input, added instanceof Secret ? added : undefined));
  judgeChecks(input, sums);

  // Round 3: the lost party complains about a sum, or says that it has its share.
  const total = me === lost ? addSums(input, said, sums) : undefined;
  const share = total instanceof Secret ? secrets.use(total) : undefined;
  const verdict: SumCheck = total === undefined || total instanceof Secret ? satisfied : total;
  const verdicts = yield* broadcast(formats.verdict, verdict);
  judgeSums(input, dealt, sums, verdicts);

  // Each sum was checked, so anything else is a bug.
  if (share !== undefined && !isShareOf(group, share, verifyingShare(publicPackage, lost))) {
    throw new Error('the sums do not add up');
  }
  return share?.clone();
}

interface Own {
  /** For every other helper, in their order; ours follows from them. */
  readonly commitments: Split;
  /** By helper, ourselves included, in the group's scalar encoding. */
  readonly parts: ReadonlyMap<Party, Secret>;
}

/** λ·s as a sum of random parts, one a helper. */
function split(input: RepairInput, secret: Secret): Own {
  const { group, sid, me, helpers, lost } = input;
  const field = primeField(group.order);
  const context = [ascii(tags.repairSplit), sid, partyBytes(me), partyBytes(lost)];
  const randomness = hedged(input.randomness, secret, ...context);
  const others = helpers.filter((party) => party !== me);
  const values = others.map(() => randomScalar(randomness, group.order));
  const term = field.multiply(weightOf(input, me), secret.use(fromBytesBE));
  const rest = values.reduce((left, value) => field.subtract(left, value), term);
  const seal = (value: bigint): Secret => new Secret(group.encodeScalar(value));
  const parts = others.map((party, i): [Party, Secret] => [party, seal(values[i] as bigint)]);
  return { commitments: commit(group, values), parts: new Map([...parts, [me, seal(rest)]]) };
}

function sealParts(input: RepairInput, own: Own | undefined): ReadonlyMap<Party, Portion> {
  return toOthers(input, (to) => {
    const part = own?.parts.get(to);
    return part && { type: 'share', value: sealShare(partsDealing(input), input.me, to, part, input.randomness) };
  });
}

/** What each helper committed to. @throws {Abort} naming who speaks out of turn */
function verifyParts(input: RepairInput, dealt: Messages<Parts, Portion>): ReadonlyMap<Party, Split> {
  const blames: Blame[] = [];
  const said = new Map<Party, Split>();
  for (const [party, { value, envelope }] of dealt.broadcasts) {
    if (isPartsOutOfTurn(input, party, value)) blames.push(blame(party, 'out-of-turn', [envelope]));
    else if (value.type === 'parts') said.set(party, value.value);
  }
  for (const [party, { value, envelope }] of dealt.directs) {
    if (isPartOutOfTurn(input, party, input.me, value)) blames.push(blame(party, 'out-of-turn', [envelope]));
  }
  if (blames.length > 0) throw new Abort('parts', blames);
  return said;
}

/** The sum of the parts that are ours, or a complaint about the first that is not what its helper committed to. */
function addParts(
  input: RepairInput,
  own: Own,
  said: ReadonlyMap<Party, Split>,
  dealt: Messages<Parts, Portion>,
): Secret | Check {
  const { group, me, randomness } = input;
  const dealing = partsDealing(input);
  const field = primeField(group.order);
  let sum = (own.parts.get(me) as Secret).use((bytes) => group.decodeScalar(bytes));
  for (const [helper, commitments] of said) {
    if (helper === me) continue;
    const { value, envelope } = shareFrom(dealt.directs, helper);
    const part = openShare(dealing, input, helper, commitments, value);
    if (part === undefined) {
      const reveal = (dealt.broadcasts.get(helper) as Received<Parts>).envelope;
      const opening = maybeOpening(openForAll(dealing, input, helper, value, randomness));
      return { type: 'complaint', value: { dealer: helper, reveal, share: envelope, opening } };
    }
    sum = field.add(sum, part);
  }
  return new Secret(group.encodeScalar(sum));
}

function sealSum(input: RepairInput, sum: Secret | undefined): ReadonlyMap<Party, Portion> {
  const { me, lost, randomness } = input;
  return toOthers(input, (to) => {
    if (sum === undefined || to !== lost) return undefined;
    return { type: 'share', value: sealShare(sumsDealing(input), me, lost, sum, randomness) };
  });
}

/** @throws {Abort} naming who dealt a bad part, who lied about one, and who speaks out of turn */
function judgeChecks(input: RepairInput, sums: Messages<Check, Portion>): void {
  const court = repairCourt(input);
  const blames: Blame[] = [];
  for (const [party, { value, envelope }] of sums.broadcasts) {
    if (value.type === 'complaint') blames.push(blameFor(court, input.group, party, value.value, envelope));
    const portion = sums.directs.get(party);
    if (portion !== undefined && isSumOutOfTurn(input, party, input.me, value, portion.value)) {
      blames.push(blame(party, 'sum-out-of-turn', [envelope, portion.envelope]));
    }
  }
  if (blames.length > 0) throw new Abort('sums', blames);
}

/** The share, or a complaint about the first sum that is not what its helper was given. */
function addSums(
  input: RepairInput,
  said: ReadonlyMap<Party, Split>,
  sums: Messages<Check, Portion>,
): Secret | SumCheck {
  const { group, randomness } = input;
  const dealing = sumsDealing(input);
  const field = primeField(group.order);
  let total = 0n;
  for (const helper of said.keys()) {
    const { value, envelope } = shareFrom(sums.directs, helper);
    const sum = openShare(dealing, input, helper, said, value);
    if (sum === undefined) {
      const opening = maybeOpening(openForAll(dealing, input, helper, value, randomness));
      return { type: 'complaint', value: { helper, sum: envelope, opening } };
    }
    total = field.add(total, sum);
  }
  return secretScalar(total, group.scalarBytes);
}

/** @throws {Abort} naming who sent a bad sum, who lied about one, and who complains out of turn */
function judgeSums(
  input: RepairInput,
  dealt: Messages<Parts, Portion>,
  sums: Messages<Check, Portion>,
  verdicts: Messages<SumCheck, never>,
): void {
  const court = repairCourt(input);
  const seen = [...dealt.broadcasts.values()].map(({ envelope }) => envelope);
  const blames: Blame[] = [];
  for (const [party, { value, envelope }] of verdicts.broadcasts) {
    if (value.type !== 'complaint') continue;
    const check = sums.broadcasts.get(value.value.helper)?.envelope;
    if (isSumCheckOutOfTurn(input, party, value) || check === undefined) {
      blames.push(blame(party, 'out-of-turn', [envelope]));
      continue;
    }
    const exhibits = [...seen, check];
    const evidence = badSumEvidence(input, value.value, exhibits);
    if (judge(court, evidence)) blames.push({ party: evidence.accused, code: evidence.code, evidence });
    else blames.push(blame(party, 'false-sum-complaint', [...exhibits, envelope]));
  }
  if (blames.length > 0) throw new Abort('verdict', blames);
}

/** A portion that is in turn, and so holds a share. */
function shareFrom(directs: ReadonlyMap<Party, Received<Portion>>, from: Party) {
  const { value, envelope } = directs.get(from) as Received<Portion & { readonly type: 'share' }>;
  return { value: value.value, envelope };
}

function toOthers(
  parameters: RepairParameters & { readonly me: Party },
  portion: (to: Party) => Portion | undefined,
): ReadonlyMap<Party, Portion> {
  const others = repairParties(parameters).filter((party) => party !== parameters.me);
  return new Map(others.map((to) => [to, portion(to) ?? nothing]));
}
