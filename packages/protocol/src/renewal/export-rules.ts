import { type Dealing, isMisdealt } from '../dealing/shares.ts';
import { complaintCodec, evidenceOf } from '../dealing/verdicts.ts';
import type { Group } from '../groups/group.ts';
import { type PublicPackage, verifyingShare } from '../keys.ts';
import type { Party, RoundSpec } from '../protocol.ts';
import { type Court, judge, said } from '../session/court.ts';
import { type Envelope, kinds } from '../session/envelope.ts';
import { tags } from '../tags.ts';
import { type Codec, choice, fixed } from '../wire/codec.ts';
import { message, type Nothing, type Portion, portionCodec } from './messages.ts';
import type { RenewalSession } from './parameters.ts';
import type { Check } from './repair-messages.ts';

/** What an export's Start fixes. Its seats are the parties' own numbers. */
export interface ExportParameters extends RenewalSession {
  /** The epoch in use, as certified. */
  readonly publicPackage: PublicPackage;
  /** At least the threshold, ascending, all of the epoch; whoever asks among them. */
  readonly signers: readonly Party[];
  /** Where the key is put together. */
  readonly asker: Party;
}

export interface ExportFormats {
  /** To all: nothing. To each: our share, to who asks; else nothing. */
  readonly shares: RoundSpec<Nothing, Portion> & {
    readonly broadcast: Codec<Nothing>;
    readonly direct: Codec<Portion>;
  };
  readonly verdict: RoundSpec<Check, never> & { readonly broadcast: Codec<Check> };
}

const roundIndex = { shares: 0, verdict: 1 } as const;

export function exportFormats(group: Group): ExportFormats {
  return {
    shares: {
      label: 'shares',
      broadcast: message(choice({ nothing: fixed(0) }) as Codec<Nothing>),
      direct: portionCodec(group),
    },
    verdict: {
      label: 'verdict',
      broadcast: message(choice({ satisfied: fixed(0), complaint: complaintCodec(group) }) as Codec<Check>),
    },
  };
}

/** Judges what happens in an export: for the session, for the protocol's own complaints, for third parties. */
export function exportCourt(parameters: ExportParameters): Court {
  const { group, network, sid, signers, publicPackage, signatures } = parameters;
  const { shares, verdict } = exportFormats(group);
  const court: Court = {
    network,
    sid,
    kind: kinds.export,
    parties: signers,
    keys: new Map(publicPackage.members.map(({ party, node }) => [party, node])),
    signatures,
    rounds: [shares, verdict] as readonly RoundSpec[],
    rules: {
      'out-of-turn': (exhibits, _opening, accused) => speaksOutOfTurn(parameters, exhibits, accused),
      'bad-share': (exhibits, opening, accused) => sharedBadly(parameters, exhibits, opening, accused),
      'false-complaint': (exhibits, _opening, accused) => complainsFalsely(parameters, court, exhibits, accused),
    },
  };
  return court;
}

/** Everybody owes a share to who asks, and nobody another. */
export function isPortionOutOfTurn({ asker }: ExportParameters, to: Party, { type }: Portion): boolean {
  return (to === asker) !== (type === 'share');
}

/** Only who asks has anything to complain about, and about nobody but another. */
export function isComplaintOutOfTurn({ asker, signers }: ExportParameters, from: Party, check: Check): boolean {
  if (check.type !== 'complaint') return false;
  return from !== asker || check.value.dealer === asker || !signers.includes(check.value.dealer);
}

/** Shares go sealed, and are the logarithms of the certified verifying shares. */
export function exportDealing(parameters: ExportParameters): Dealing<undefined> {
  const { group, aead, sid, receiveKeys, publicPackage } = parameters;
  const expected = (party: Party) => verifyingShare(publicPackage, party);
  return { group, aead, sid, receiveKeys, label: tags.exportShare, expected };
}

/** Exhibit: what the accused said to one, or its verdict. */
function speaksOutOfTurn(parameters: ExportParameters, [first]: readonly Envelope[], accused: Party): boolean {
  const portion = portionIn(parameters, first, accused);
  if (portion !== undefined) return isPortionOutOfTurn(parameters, (first as Envelope).to, portion);
  const check = checkIn(parameters, first, accused);
  return check !== undefined && isComplaintOutOfTurn(parameters, accused, check);
}

/** Exhibits: what the accused said to all, which is nothing; its share. */
function sharedBadly(
  parameters: ExportParameters,
  [, second]: readonly Envelope[],
  opened: Uint8Array,
  accused: Party,
): boolean {
  const portion = portionIn(parameters, second, accused);
  const to = second?.to ?? 0;
  if (portion?.type !== 'share' || isPortionOutOfTurn(parameters, to, portion)) return false;
  return isMisdealt(exportDealing(parameters), accused, undefined, to, portion.value, opened);
}

/** Exhibit: a complaint, which holds everything that it is judged by. */
function complainsFalsely(
  parameters: ExportParameters,
  court: Court,
  [first]: readonly Envelope[],
  accused: Party,
): boolean {
  const check = checkIn(parameters, first, accused);
  return check?.type === 'complaint' && !judge(court, evidenceOf(parameters.group, check.value));
}

function portionIn({ group }: ExportParameters, exhibit: Envelope | undefined, from: Party): Portion | undefined {
  return said(exportFormats(group).shares.direct, exhibit, { from, round: roundIndex.shares, class: 'direct' });
}

function checkIn({ group }: ExportParameters, exhibit: Envelope | undefined, from: Party): Check | undefined {
  return said(exportFormats(group).verdict.broadcast, exhibit, { from, round: roundIndex.verdict, class: 'broadcast' });
}
