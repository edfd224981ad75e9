import { equal } from '../bytes.ts';
import { isMisdealt } from '../dealing/shares.ts';
import { evidenceOf, openedBytes } from '../dealing/verdicts.ts';
import { type Evidence, type Party } from '../protocol.ts';
import { admit, type Court, digestOf, echoes, judge, said } from '../session/court.ts';
import { type Envelope, kinds } from '../session/envelope.ts';
import type { Portion } from './messages.ts';
import {
  type Check,
  type Parts,
  repairFormats,
  repairIndex,
  repairRounds,
  type SumCheck,
  type SumComplaint,
} from './repair-messages.ts';
import { partsDealing, type RepairParameters, repairParties, type Split, sumsDealing } from './repair-parameters.ts';

/** Judges what happens in a repair: for the session, for the protocol's own complaints, for third parties. */
export function repairCourt(parameters: RepairParameters): Court {
  const { group, network, sid, publicPackage, helpers, signatures } = parameters;
  const court: Court = {
    network,
    sid,
    kind: kinds.repair,
    parties: repairParties(parameters),
    keys: new Map(publicPackage.members.map(({ party, node }) => [party, node])),
    signatures,
    rounds: repairRounds(group, helpers.length),
    rules: {
      'out-of-turn': (exhibits, _opening, accused) => speaksOutOfTurn(parameters, exhibits, accused),
      'bad-share': (exhibits, opening, accused) => dealtBadly(parameters, exhibits, opening, accused),
      'false-complaint': (exhibits, _opening, accused) => complainsFalsely(parameters, court, exhibits, accused),
      'sum-out-of-turn': (exhibits, _opening, accused) => sumsOutOfTurn(parameters, exhibits, accused),
      'bad-sum': (exhibits, opening, accused) => summedBadly(parameters, court, exhibits, opening, accused),
      'false-sum-complaint': (exhibits, _opening, accused) =>
        complainsFalselyOfSum(parameters, court, exhibits, accused),
    },
  };
  return court;
}

/** Whether a party splits though it is no helper, or does not though it is one. */
export function isPartsOutOfTurn({ helpers }: RepairParameters, from: Party, { type }: Parts): boolean {
  return helpers.includes(from) !== (type === 'parts');
}

/** The same of what it says to one: helpers give a part to every other helper, and nobody else gives any. */
export function isPartOutOfTurn({ helpers }: RepairParameters, from: Party, to: Party, { type }: Portion): boolean {
  const due = helpers.includes(from) && helpers.includes(to);
  return due !== (type === 'share');
}

/** A helper that has nothing to complain about owes a sum to the lost party, and nobody owes another. */
export function isSumOutOfTurn(
  { helpers, lost }: RepairParameters,
  from: Party,
  to: Party,
  check: Check,
  { type }: Portion,
): boolean {
  const due = helpers.includes(from) && to === lost && check.type === 'satisfied';
  return due !== (type === 'share');
}

/** Sums go to the lost party: nobody else can complain about one, and about nobody but a helper. */
export function isSumCheckOutOfTurn({ lost, helpers }: RepairParameters, from: Party, check: SumCheck): boolean {
  return check.type === 'complaint' && (from !== lost || !helpers.includes(check.value.helper));
}

/** @param exhibits what everybody said in round 1, in order, and the helper's word of round 2 */
export function badSumEvidence(
  { group }: RepairParameters,
  { helper, sum, opening }: SumComplaint,
  exhibits: readonly Uint8Array[],
): Evidence {
  return {
    code: 'bad-sum',
    accused: helper,
    envelopes: [...exhibits, sum],
    opening: openedBytes(group, opening),
  };
}

/** Exhibit: a message of round 1, to all or to one, or a verdict. */
function speaksOutOfTurn(parameters: RepairParameters, [first]: readonly Envelope[], accused: Party): boolean {
  const read = readers(parameters, accused);
  const parts = read.parts(first);
  if (parts !== undefined) return isPartsOutOfTurn(parameters, accused, parts);
  const part = read.part(first);
  if (part !== undefined) return isPartOutOfTurn(parameters, accused, (first as Envelope).to, part);
  const verdict = read.verdict(first);
  return verdict !== undefined && isSumCheckOutOfTurn(parameters, accused, verdict);
}

/** Exhibits: parts, the part of one. */
function dealtBadly(
  parameters: RepairParameters,
  [first, second]: readonly Envelope[],
  opened: Uint8Array,
  accused: Party,
): boolean {
  const read = readers(parameters, accused);
  const parts = read.parts(first);
  const part = read.part(second);
  const to = second?.to ?? 0;
  if (parts?.type !== 'parts' || part?.type !== 'share' || isPartOutOfTurn(parameters, accused, to, part)) return false;
  return isMisdealt(partsDealing(parameters), accused, parts.value, to, part.value, opened);
}

/** Exhibit: check. It holds everything that its complaint is judged by. */
function complainsFalsely(
  parameters: RepairParameters,
  court: Court,
  [first]: readonly Envelope[],
  accused: Party,
): boolean {
  const check = readers(parameters, accused).check(first);
  return check?.type === 'complaint' && !judge(court, evidenceOf(parameters.group, check.value));
}

/** Exhibits: check, the sum to one. */
function sumsOutOfTurn(parameters: RepairParameters, [first, second]: readonly Envelope[], accused: Party): boolean {
  const read = readers(parameters, accused);
  const check = read.check(first);
  const sum = read.sum(second);
  if (check === undefined || sum === undefined) return false;
  return isSumOutOfTurn(parameters, accused, (second as Envelope).to, check, sum);
}

/** Exhibits: the parts of everybody, in order; the check of the accused, which echoes what it saw of them; its sum. */
function summedBadly(
  parameters: RepairParameters,
  court: Court,
  exhibits: readonly Envelope[],
  opened: Uint8Array,
  accused: Party,
): boolean {
  const [check, last] = exhibits.slice(-2);
  const read = readers(parameters, accused);
  const sum = read.sum(last);
  if (check === undefined || read.check(check) === undefined || sum?.type !== 'share') return false;
  const splits = splitsIn(parameters, court, exhibits.slice(0, -2), check);
  const { helpers, lost } = parameters;
  if (splits === undefined || !helpers.includes(accused) || last?.to !== lost) return false;
  return isMisdealt(sumsDealing(parameters), accused, splits, lost, sum.value, opened);
}

/**
 * Exhibits: the parts of everybody; the check of the helper that the accused complains about, as the accused saw it; the
 * complaint.
 */
function complainsFalselyOfSum(
  parameters: RepairParameters,
  court: Court,
  exhibits: readonly Envelope[],
  accused: Party,
): boolean {
  const [check, last] = exhibits.slice(-2);
  const verdict = readers(parameters, accused).verdict(last);
  if (verdict?.type !== 'complaint' || check === undefined || last === undefined) return false;
  const { helper, sum, opening } = verdict.value;
  if (readers(parameters, helper).check(check) === undefined) return false;
  const seen = last.echo[court.parties.indexOf(helper)]?.digest;
  if (seen === undefined || !equal(seen, digestOf(check))) return false;
  const deals = exhibits.slice(0, -2);
  if (splitsIn(parameters, court, deals, check) === undefined) return false;
  const exhibit = admit(court, sum);
  const opened = openedBytes(parameters.group, opening);
  return exhibit === undefined || !summedBadly(parameters, court, [...deals, check, exhibit], opened, helper);
}

/** What the helpers said in round 1, if `deals` are what the author of `check` saw. */
function splitsIn(
  parameters: RepairParameters,
  court: Court,
  deals: readonly Envelope[],
  check: Envelope,
): ReadonlyMap<Party, Split> | undefined {
  if (!echoes(court, check, deals)) return undefined;
  const splits = new Map<Party, Split>();
  for (const [i, party] of court.parties.entries()) {
    const parts = readers(parameters, party).parts(deals[i]);
    if (parts === undefined || isPartsOutOfTurn(parameters, party, parts)) return undefined;
    if (parts.type === 'parts') splits.set(party, parts.value);
  }
  return splits;
}

/** What `from` said in an exhibit, if the exhibit is of that round and decodes. */
function readers({ group, helpers }: RepairParameters, from: Party) {
  const { parts, sums, verdict } = repairFormats(group, helpers.length);
  const at = (label: keyof typeof repairIndex, kind: 'broadcast' | 'direct') =>
    ({ from, round: repairIndex[label], class: kind }) as const;
  return {
    parts: (exhibit: Envelope | undefined) => said(parts.broadcast, exhibit, at('parts', 'broadcast')),
    part: (exhibit: Envelope | undefined) => said(parts.direct, exhibit, at('parts', 'direct')),
    check: (exhibit: Envelope | undefined) => said(sums.broadcast, exhibit, at('sums', 'broadcast')),
    sum: (exhibit: Envelope | undefined) => said(sums.direct, exhibit, at('sums', 'direct')),
    verdict: (exhibit: Envelope | undefined) => said(verdict.broadcast, exhibit, at('verdict', 'broadcast')),
  };
}
