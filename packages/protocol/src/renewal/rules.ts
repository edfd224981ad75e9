import { equal } from '../bytes.ts';
import { isMisdealt } from '../dealing/shares.ts';
import { evidenceOf } from '../dealing/verdicts.ts';
import { verifySchnorrBatch } from '../proofs/schnorr.ts';
import type { Party } from '../protocol.ts';
import { type Court, digestOf, echoes, judge, said } from '../session/court.ts';
import { type Envelope, emptyTranscript, extendTranscript, kinds } from '../session/envelope.ts';
import { type Commitments, type Deal, type Portion, renewalFormats, renewalRounds, roundIndex } from './messages.ts';
import { coefficientContext, outcomeDigest, renewalDealing, renewedPackage } from './outcome.ts';
import type { RenewalParameters } from './parameters.ts';

/** Judges what happens in a renewal: for the session, for the protocol's own complaints, for third parties. */
export function renewalCourt(parameters: RenewalParameters): Court {
  const { group, network, sid, seats, statement, threshold, signatures } = parameters;
  const court: Court = {
    network,
    sid,
    kind: statement.baseEpoch === 0 ? kinds.import : kinds.renew,
    parties: seats.map(({ party }) => party),
    keys: new Map(seats.map(({ party, node }) => [party, node])),
    signatures,
    rounds: renewalRounds(group, threshold),
    rules: {
      'out-of-turn': (exhibits, _opening, accused) => speaksOutOfTurn(parameters, exhibits, accused),
      'bad-proof': (exhibits, _opening, accused) => provesNothing(parameters, exhibits, accused),
      'bad-share': (exhibits, opening, accused) => dealtBadly(parameters, exhibits, opening, accused),
      'false-complaint': (exhibits, _opening, accused) => complainsFalsely(parameters, court, exhibits, accused),
      'wrong-outcome': (exhibits, _opening, accused) => confirmsWrongly(parameters, court, exhibits, accused),
    },
  };
  return court;
}

/** Whether a seat deals though it is no dealer, or does not though it is one. */
export function isOutOfTurn({ dealers }: RenewalParameters, from: Party, { type }: Deal): boolean {
  return dealers.has(from) !== (type === 'deal');
}

/** The same of what it says to one: dealers give a share to every member of the new epoch, and nobody else gives any. */
export function isPortionOutOfTurn(
  { dealers, members }: RenewalParameters,
  from: Party,
  to: Party,
  { type }: Portion,
): boolean {
  const due = dealers.has(from) && to <= members.length;
  return due !== (type === 'share');
}

/** Whether the dealer knows all of its coefficients, in this session and at this seat. */
export function provesCoefficients(
  parameters: RenewalParameters,
  dealer: Party,
  { coefficients, proof }: Commitments,
): boolean {
  return verifySchnorrBatch(parameters.group, coefficientContext(parameters, dealer), coefficients, proof);
}

/** Exhibit: what a seat said in round 1, to all or to one. */
function speaksOutOfTurn(parameters: RenewalParameters, [first]: readonly Envelope[], accused: Party): boolean {
  const deal = dealIn(parameters, first, accused);
  if (deal !== undefined) return isOutOfTurn(parameters, accused, deal);
  const portion = portionIn(parameters, first, accused);
  return portion !== undefined && isPortionOutOfTurn(parameters, accused, (first as Envelope).to, portion);
}

/** Exhibit: deal. */
function provesNothing(parameters: RenewalParameters, [first]: readonly Envelope[], accused: Party): boolean {
  const deal = dealIn(parameters, first, accused);
  return deal?.type === 'deal' && !provesCoefficients(parameters, accused, deal.value);
}

/** Exhibits: deal, share. */
function dealtBadly(
  parameters: RenewalParameters,
  [first, second]: readonly Envelope[],
  opened: Uint8Array,
  accused: Party,
): boolean {
  const deal = dealIn(parameters, first, accused);
  const portion = portionIn(parameters, second, accused);
  if (!parameters.dealers.has(accused) || deal?.type !== 'deal' || portion?.type !== 'share') return false;
  const recipient = (second as Envelope).to;
  return isMisdealt(renewalDealing(parameters), accused, deal.value, recipient, portion.value, opened);
}

/** Exhibit: verdict. It holds everything that its complaint is judged by. */
function complainsFalsely(
  parameters: RenewalParameters,
  court: Court,
  [first]: readonly Envelope[],
  accused: Party,
): boolean {
  const verdict = verdictIn(parameters, first, accused);
  return verdict?.type === 'complaint' && !judge(court, evidenceOf(parameters.group, verdict.value));
}

/** Exhibits: what every seat dealt, in order; the verdict of the accused, which echoes what it saw of them. */
function confirmsWrongly(
  parameters: RenewalParameters,
  court: Court,
  exhibits: readonly Envelope[],
  accused: Party,
): boolean {
  const seen = exhibits.slice(0, -1);
  const last = exhibits.at(-1);
  const verdict = verdictIn(parameters, last, accused);
  if (last === undefined || verdict?.type !== 'confirmation' || !echoes(court, last, seen)) return false;
  const dealt = new Map<Party, Commitments>();
  for (const [i, party] of court.parties.entries()) {
    const deal = dealIn(parameters, seen[i], party);
    if (deal === undefined || isOutOfTurn(parameters, party, deal)) return false;
    if (deal.type === 'deal') dealt.set(party, deal.value);
  }
  const transcript = extendTranscript(emptyTranscript(parameters.sid), roundIndex.deal, seen.map(digestOf));
  const outcome = renewedPackage(parameters, dealt, transcript);
  return outcome !== undefined && !equal(outcomeDigest(parameters, outcome), verdict.value);
}

function dealIn({ group, threshold }: RenewalParameters, exhibit: Envelope | undefined, from: Party) {
  const { broadcast } = renewalFormats(group, threshold).deal;
  return said(broadcast, exhibit, { from, round: roundIndex.deal, class: 'broadcast' });
}

function portionIn({ group, threshold }: RenewalParameters, exhibit: Envelope | undefined, from: Party) {
  const { direct } = renewalFormats(group, threshold).deal;
  return said(direct, exhibit, { from, round: roundIndex.deal, class: 'direct' });
}

function verdictIn({ group, threshold }: RenewalParameters, exhibit: Envelope | undefined, from: Party) {
  const { broadcast } = renewalFormats(group, threshold).verdict;
  return said(broadcast, exhibit, { from, round: roundIndex.verdict, class: 'broadcast' });
}
