import { equal } from '../bytes.ts';
import type { Point } from '../groups/group.ts';
import { openingCodec, openRevealed } from '../proofs/encryption.ts';
import { verifySchnorrBatch } from '../proofs/schnorr.ts';
import { type Evidence, type Party, type RoundSpec, tryDecode } from '../protocol.ts';
import { type Court, judge } from '../session/court.ts';
import { bodyDigest, type Envelope, emptyTranscript, extendTranscript, kinds } from '../session/envelope.ts';
import { verifyShare } from '../sharing/feldman.ts';
import { encode, scalar } from '../wire/codec.ts';
import {
  type Commit,
  type Complaint,
  dkgFormats,
  dkgRounds,
  type Reveal,
  roundIndex,
  type Share,
  type Verdict,
} from './messages.ts';
import { coefficientContext, commitmentTo, outcomeDigest, publicOutcome, shareContext } from './outcome.ts';
import type { DkgParameters } from './parameters.ts';

/** Judges what happens in a key generation: for the session, for the protocol's own complaints, for third parties. */
export function dkgCourt(parameters: DkgParameters): Court {
  const { group, network, sid, members, threshold, signatures } = parameters;
  const court: Court = {
    network,
    sid,
    kind: kinds.keygen,
    parties: members.map(({ party }) => party),
    keys: new Map(members.map(({ party, node }) => [party, node])),
    signatures,
    rounds: dkgRounds(group, threshold),
    rules: {
      'wrong-opening': (exhibits, _opening, accused) => opensWrongly(parameters, exhibits, accused),
      'bad-proof': (exhibits, _opening, accused) => provesNothing(parameters, exhibits, accused),
      'bad-share': (exhibits, opening, accused) => dealtBadly(parameters, exhibits, opening, accused),
      'false-complaint': (exhibits, _opening, accused) => complainsFalsely(parameters, court, exhibits, accused),
      'wrong-outcome': (exhibits, _opening, accused) => confirmsWrongly(parameters, court, exhibits, accused),
    },
  };
  return court;
}

/** The rules of {@link dkgCourt}, for a session that has a court of its own. */
export function dkgRules(parameters: DkgParameters): Court['rules'] {
  return dkgCourt(parameters).rules;
}

/** Whether the dealer knows all of its coefficients, in this session and as this party. */
export function provesCoefficients(parameters: DkgParameters, party: Party, { coefficients, proof }: Reveal): boolean {
  return verifySchnorrBatch(parameters.group, coefficientContext(parameters, party), coefficients, proof);
}

/** A complaint as evidence against its dealer. */
export function evidenceOf(parameters: DkgParameters, dealer: Party, { reveal, share, opening }: Complaint): Evidence {
  const opened = opening.type === 'none' ? new Uint8Array(0) : encode(openingCodec(parameters.group), opening.value);
  return { code: 'bad-share', accused: dealer, envelopes: [reveal, share], opening: opened };
}

/** Exhibits: commit, reveal. */
function opensWrongly(parameters: DkgParameters, [first, second]: readonly Envelope[], accused: Party): boolean {
  const { commit, reveal } = readers(parameters, accused);
  const committed = commit(first);
  const revealed = reveal(second);
  if (committed === undefined || revealed === undefined) return false;
  return !equal(committed.commitment, commitmentTo(parameters, accused, revealed));
}

/** Exhibit: reveal. */
function provesNothing(parameters: DkgParameters, [first]: readonly Envelope[], accused: Party): boolean {
  const revealed = readers(parameters, accused).reveal(first);
  return revealed !== undefined && !provesCoefficients(parameters, accused, revealed);
}

/** Exhibits: reveal, share. */
function dealtBadly(
  parameters: DkgParameters,
  [first, second]: readonly Envelope[],
  opened: Uint8Array,
  accused: Party,
): boolean {
  const { group, aead, receiveKeys } = parameters;
  const { reveal, share } = readers(parameters, accused);
  const revealed = reveal(first);
  const dealt = share(second);
  if (revealed === undefined || second === undefined || dealt === undefined) return false;
  const recipient = second.to;
  const opening = opened.length === 0 ? undefined : tryDecode(openingCodec(group), opened)?.value;
  const receiveKey = receiveKeys.get(recipient) as Point;
  const context = shareContext(parameters, accused, recipient);
  const { valid, plaintext } = openRevealed(group, aead, context, receiveKey, dealt.sealed, opening);
  if (!valid) return false;
  const value = plaintext === undefined ? undefined : tryDecode(scalar(group), plaintext)?.value;
  return value === undefined || !verifyShare(group, revealed.coefficients, BigInt(recipient), value);
}

/** Exhibit: verdict. It holds everything that its complaint is judged by. */
function complainsFalsely(
  parameters: DkgParameters,
  court: Court,
  [first]: readonly Envelope[],
  accused: Party,
): boolean {
  const verdict = readers(parameters, accused).verdict(first);
  return verdict?.type === 'complaint' && !judge(court, evidenceOf(parameters, verdict.value.dealer, verdict.value));
}

/**
 * Exhibits: every party's reveal, one share that the accused dealt, its verdict. The share's envelope echoes the reveals
 * that the accused saw, and its reveal the commitments: so the outcome that it had to confirm can be computed.
 */
function confirmsWrongly(
  parameters: DkgParameters,
  court: Court,
  exhibits: readonly Envelope[],
  accused: Party,
): boolean {
  const n = court.parties.length;
  const reveals = court.parties.map((party, i) => readers(parameters, party).reveal(exhibits[i]));
  const share = exhibits[n];
  const verdict = readers(parameters, accused).verdict(exhibits[n + 1]);
  if (!reveals.every((one) => one !== undefined) || verdict?.type !== 'confirmation') return false;
  if (share === undefined || readers(parameters, accused).share(share) === undefined) return false;
  const revealed = exhibits.slice(0, n).map(digestOf);
  const seen = share.echo.map(({ digest }) => digest);
  if (seen.length !== n || !seen.every((digest, i) => equal(digest, revealed[i] as Uint8Array))) return false;
  const commits = (exhibits[court.parties.indexOf(accused)] as Envelope).echo.map(({ digest }) => digest);
  const afterCommits = extendTranscript(emptyTranscript(parameters.sid), roundIndex.commit, commits);
  const transcript = extendTranscript(afterCommits, roundIndex.reveal, revealed);
  const outcome = publicOutcome(parameters, reveals, transcript);
  return outcome !== undefined && !equal(outcomeDigest(parameters, outcome), verdict.value);
}

/** What `from` said in an exhibit, if the exhibit is of that round and decodes. */
function readers(parameters: DkgParameters, from: Party) {
  const formats = dkgFormats(parameters.group, parameters.threshold);
  const read =
    <T>(label: keyof typeof roundIndex, spec: RoundSpec<T, never> | RoundSpec<never, T>) =>
    (exhibit: Envelope | undefined): T | undefined => {
      const codec = spec.broadcast ?? spec.direct;
      const kind = spec.broadcast === undefined ? 'direct' : 'broadcast';
      const here = exhibit?.from === from && exhibit.round === roundIndex[label] && exhibit.class === kind;
      return here && codec !== undefined ? tryDecode(codec, exhibit.payload)?.value : undefined;
    };
  return {
    commit: read<Commit>('commit', formats.commit),
    reveal: read<Reveal>('reveal', formats.reveal),
    share: read<Share>('shares', formats.shares),
    verdict: read<Verdict>('verdict', formats.verdict),
  };
}

function digestOf(envelope: Envelope): Uint8Array {
  return bodyDigest(envelope.echo, envelope.payload);
}
