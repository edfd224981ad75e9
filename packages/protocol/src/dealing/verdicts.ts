import { equal } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import { type Opening, openingCodec } from '../proofs/encryption.ts';
import { type Blame, blame, type Evidence, type Messages, type Party } from '../protocol.ts';
import { type Court, judge } from '../session/court.ts';
import { bytes, type Codec, choice, encode, fixed, struct, u16 } from '../wire/codec.ts';

/** What a party says once it has opened its shares. */
export type Verdict =
  /** Hash of the public outcome, 32 bytes. */
  | { readonly type: 'confirmation'; readonly value: Uint8Array }
  | { readonly type: 'complaint'; readonly value: Complaint };

/** Everything that convinces a third party that a dealer dealt a bad share. */
export interface Complaint {
  readonly dealer: Party;
  /** The dealer's signed envelope to everybody. */
  readonly reveal: Uint8Array;
  /** The dealer's signed envelope with the share, to whom it was sent. */
  readonly share: Uint8Array;
  readonly opening: MaybeOpening;
}

/** Nothing where the dealer did not prove its ephemeral key: that convicts it already. */
export type MaybeOpening =
  | { readonly type: 'none'; readonly value: Uint8Array }
  | { readonly type: 'opening'; readonly value: Opening };

/** An envelope of a hundred parties: 10 KiB of echo, 4 KiB of coefficients. */
export const MAX_ENVELOPE: number = 16 * 1024;

export function complaintCodec(group: Group): Codec<Complaint> {
  return struct({
    dealer: u16,
    reveal: bytes(MAX_ENVELOPE),
    share: bytes(MAX_ENVELOPE),
    opening: maybeOpeningCodec(group),
  });
}

export function verdictCodec(group: Group): Codec<Verdict> {
  return choice({ confirmation: fixed(32), complaint: complaintCodec(group) }) as Codec<Verdict>;
}

export function maybeOpeningCodec(group: Group): Codec<MaybeOpening> {
  return choice({ none: fixed(0), opening: openingCodec(group) }) as Codec<MaybeOpening>;
}

export function maybeOpening(opening: Opening | undefined): MaybeOpening {
  return opening === undefined ? { type: 'none', value: new Uint8Array(0) } : { type: 'opening', value: opening };
}

/** As evidence carries it: empty for none. */
export function openedBytes(group: Group, opening: MaybeOpening): Uint8Array {
  return opening.type === 'none' ? new Uint8Array(0) : encode(openingCodec(group), opening.value);
}

/** A complaint as evidence against its dealer. */
export function evidenceOf(group: Group, { dealer, reveal, share, opening }: Complaint): Evidence {
  return {
    code: 'bad-share',
    accused: dealer,
    envelopes: [reveal, share],
    opening: openedBytes(group, opening),
  };
}

/** Who is to blame for a complaint that `complainer` made in `envelope`: the dealer, or itself. */
export function blameFor(
  court: Court,
  group: Group,
  complainer: Party,
  complaint: Complaint,
  envelope: Uint8Array,
): Blame {
  const evidence = evidenceOf(group, complaint);
  return judge(court, evidence)
    ? { party: complaint.dealer, code: evidence.code, evidence }
    : blame(complainer, 'false-complaint', [envelope]);
}

/**
 * Everybody whom the verdicts show to have cheated: dealers, liars about dealers, and liars about the outcome.
 * @param outcome what our own verdict confirms, or would
 * @param proof of a wrong outcome: the exhibits that come before the verdict
 */
export function blamesIn(
  court: Court,
  group: Group,
  me: Party,
  outcome: Uint8Array,
  verdicts: Messages<Verdict, never>,
  proof: (accused: Party) => readonly Uint8Array[],
): readonly Blame[] {
  const blames: Blame[] = [];
  for (const [party, { value: verdict, envelope }] of verdicts.broadcasts) {
    if (verdict.type === 'complaint') {
      blames.push(blameFor(court, group, party, verdict.value, envelope));
    } else if (party !== me && !equal(verdict.value, outcome)) {
      blames.push(blame(party, 'wrong-outcome', [...proof(party), envelope]));
    }
  }
  return blames;
}
