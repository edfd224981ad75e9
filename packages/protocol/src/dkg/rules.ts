import { equal } from '../bytes.ts';
import { isMisdealt } from '../dealing/shares.ts';
import { evidenceOf } from '../dealing/verdicts.ts';
import { verifySchnorrBatch } from '../proofs/schnorr.ts';
import type { Party } from '../protocol.ts';
import { type Court, digestOf, echoes, judge, said } from '../session/court.ts';
import { type Envelope, emptyTranscript, extendTranscript, kinds } from '../session/envelope.ts';
import type { Codec } from '../wire/codec.ts';
import { dkgFormats, dkgRounds, type Reveal, roundIndex } from './messages.ts';
import { coefficientContext, commitmentTo, dkgDealing, outcomeDigest, publicOutcome } from './outcome.ts';
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
  const { reveal, share } = readers(parameters, accused);
  const revealed = reveal(first);
  const dealt = share(second);
  if (revealed === undefined || second === undefined || dealt === undefined) return false;
  return isMisdealt(dkgDealing(parameters), accused, revealed, second.to, dealt.sealed, opened);
}

/** Exhibit: verdict. It holds everything that its complaint is judged by. */
function complainsFalsely(
  parameters: DkgParameters,
  court: Court,
  [first]: readonly Envelope[],
  accused: Party,
): boolean {
  const verdict = readers(parameters, accused).verdict(first);
  return verdict?.type === 'complaint' && !judge(court, evidenceOf(parameters.group, verdict.value));
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
  const seen = exhibits.slice(0, n);
  if (!echoes(court, share, seen)) return false;
  const commits = (exhibits[court.parties.indexOf(accused)] as Envelope).echo.map(({ digest }) => digest);
  const afterCommits = extendTranscript(emptyTranscript(parameters.sid), roundIndex.commit, commits);
  const transcript = extendTranscript(afterCommits, roundIndex.reveal, seen.map(digestOf));
  const outcome = publicOutcome(parameters, reveals, transcript);
  return outcome !== undefined && !equal(outcomeDigest(parameters, outcome), verdict.value);
}

/** What `from` said in an exhibit, if the exhibit is of that round and decodes. */
function readers(parameters: DkgParameters, from: Party) {
  const { commit, reveal, shares, verdict } = dkgFormats(parameters.group, parameters.threshold);
  const read =
    <T>(label: keyof typeof roundIndex, kind: 'broadcast' | 'direct', codec: Codec<T>) =>
    (exhibit: Envelope | undefined): T | undefined =>
      said(codec, exhibit, { from, round: roundIndex[label], class: kind });
  return {
    commit: read('commit', 'broadcast', commit.broadcast),
    reveal: read('reveal', 'broadcast', reveal.broadcast),
    share: read('shares', 'direct', shares.direct),
    verdict: read('verdict', 'broadcast', verdict.broadcast),
  };
}
