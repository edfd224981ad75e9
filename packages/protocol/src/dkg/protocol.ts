import { ascii, equal, fromBytesBE } from '../bytes.ts';
import { type PublicPackage, partyBytes, verifyingShare } from '../keys.ts';
import { openSealed, reveal as revealSealed, type Sealed, sealTo } from '../proofs/encryption.ts';
import { proveSchnorrBatch } from '../proofs/schnorr.ts';
import {
  Abort,
  type Blame,
  blame,
  broadcast,
  deliver,
  type Messages,
  type Party,
  type Protocol,
  type Received,
  tryDecode,
} from '../protocol.ts';
import { hedged, randomScalar, secretScalar } from '../random.ts';
import { Secret, wipe } from '../secret.ts';
import { judge } from '../session/court.ts';
import { commit, verifyShare } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { evaluate, randomPolynomial } from '../sharing/polynomial.ts';
import { tags } from '../tags.ts';
import { scalar } from '../wire/codec.ts';
import { type Commit, type Complaint, dkgFormats, type Reveal, type Share, type Verdict } from './messages.ts';
import { coefficientContext, commitmentTo, outcomeDigest, publicOutcome, shareContext } from './outcome.ts';
import { checkInput, type DkgInput, type DkgOutcome, receiveScalar } from './parameters.ts';
import { dkgCourt, evidenceOf, provesCoefficients } from './rules.ts';

/**
 * Makes a key that nobody holds: n parallel Feldman sharings (Pedersen 1991), each committed to before any is seen. See
 * README.md for the variant and its reasons. All honest parties end with the same public package, or none does.
 *
 * @throws {DkgInputError} before the first round
 * @throws {Abort} naming whoever provably cheated
 */
export function* dkg(input: DkgInput): Protocol<DkgOutcome> {
  checkInput(input);
  const { group, me, threshold } = input;
  const formats = dkgFormats(group, threshold);
  const dealing = deal(input);
  let share: Secret | undefined;
  let finished = false;
  try {
    // Round 1: commit to the sharing, so that nobody chooses theirs by those of others.
    const commits = yield* broadcast(formats.commit, { commitment: commitmentTo(input, me, dealing.reveal) });

    // Round 2: show it, and prove that it is one's own.
    const reveals = yield* broadcast(formats.reveal, dealing.reveal);
    verifyReveals(input, commits, reveals);
    const shown = [...reveals.broadcasts.values()].map(({ value }) => value);
    const publicPackage = publicOutcome(input, shown, reveals.transcript);
    if (publicPackage === undefined) throw new Abort('reveal', []);
    const outcome = outcomeDigest(input, publicPackage);

    // Round 3: to each party its share, sealed.
    const shares = yield* deliver(formats.shares, sealShares(input, dealing.shares));
    const received = openShares(input, dealing.shares.get(me) as Secret, reveals, shares);
    if (received instanceof Secret) share = received;

    // Round 4: confirm the whole public outcome, or complain. Complaints show who lies, so nobody goes on after one.
    const verdict: Verdict =
      received instanceof Secret ? { type: 'confirmation', value: outcome } : { type: 'complaint', value: received };
    const verdicts = yield* broadcast(formats.verdict, verdict);
    judgeVerdicts(input, outcome, reveals, shares, verdicts);

    // Round 5: nothing to say. Its echo shows that all saw the same verdicts, and so all end alike.
    yield* broadcast(formats.return, {});

    if (share === undefined || !fits(input, share, publicPackage)) throw new Error('the shares do not add up');
    finished = true;
    return { share, publicPackage };
  } finally {
    for (const secret of dealing.shares.values()) secret.wipe();
    if (!finished) share?.wipe();
  }
}

interface Dealing {
  readonly reveal: Reveal;
  /** f(j) for every party j, oneself included, in the group's scalar encoding. */
  readonly shares: ReadonlyMap<Party, Secret>;
}

/** A fresh polynomial of degree t − 1, of this session only. Its coefficients do not outlive this call. */
function deal(input: DkgInput): Dealing {
  const { group, sid, me, members, threshold, receiveSecret } = input;
  const field = primeField(group.order);
  const randomness = hedged(input.randomness, receiveSecret, ascii(tags.dkgPolynomial), sid, partyBytes(me));
  const polynomial = randomPolynomial(field, randomScalar(randomness, group.order), threshold, randomness);
  const coefficients = commit(group, polynomial);
  const proof = proveSchnorrBatch(group, coefficientContext(input, me), polynomial, coefficients, randomness);
  const shares = members.map(({ party }): [Party, Secret] => {
    const value = evaluate(field, polynomial, BigInt(party));
    return [party, new Secret(group.encodeScalar(value))];
  });
  const reveal = { coefficients, proof, chainCode: randomness.bytes(32), blinder: randomness.bytes(32) };
  return { reveal, shares: new Map(shares) };
}

/** Every reveal is what was committed to, and its dealer knows what is behind it. @throws {Abort} */
function verifyReveals(input: DkgInput, commits: Messages<Commit, never>, reveals: Messages<Reveal, never>): void {
  const blames: Blame[] = [];
  for (const [party, { value, envelope }] of reveals.broadcasts) {
    if (party === input.me) continue;
    const committed = commits.broadcasts.get(party) as Received<Commit>;
    if (!equal(committed.value.commitment, commitmentTo(input, party, value))) {
      blames.push(blame(party, 'wrong-opening', [committed.envelope, envelope]));
    } else if (!provesCoefficients(input, party, value)) {
      blames.push(blame(party, 'bad-proof', [envelope]));
    }
  }
  if (blames.length > 0) throw new Abort('reveal', blames);
}

function sealShares(input: DkgInput, shares: ReadonlyMap<Party, Secret>): ReadonlyMap<Party, Share> {
  const { group, aead, me, members, receiveKeys, randomness } = input;
  const out = new Map<Party, Share>();
  for (const { party } of members) {
    const receiveKey = receiveKeys.get(party);
    if (party === me || receiveKey === undefined) continue;
    const sealed = (shares.get(party) as Secret).use((plaintext) =>
      sealTo(group, aead, shareContext(input, me, party), receiveKey, plaintext, randomness),
    );
    out.set(party, { sealed });
  }
  return out;
}

/** The sum of our shares, or a complaint about the first dealer whose share is not what it revealed. */
function openShares(
  input: DkgInput,
  own: Secret,
  reveals: Messages<Reveal, never>,
  shares: Messages<never, Share>,
): Secret | Complaint {
  const { group, me, members } = input;
  const field = primeField(group.order);
  let sum = own.use((bytes) => group.decodeScalar(bytes));
  for (const { party: dealer } of members) {
    if (dealer === me) continue;
    const revealed = reveals.broadcasts.get(dealer) as Received<Reveal>;
    const dealt = shares.directs.get(dealer) as Received<Share>;
    const share = openShare(input, dealer, dealt.value.sealed);
    if (share === undefined || !verifyShare(group, revealed.value.coefficients, BigInt(me), share)) {
      return {
        dealer,
        reveal: revealed.envelope,
        share: dealt.envelope,
        opening: openFor(input, dealer, dealt.value.sealed),
      };
    }
    sum = field.add(sum, share);
  }
  return secretScalar(sum, group.scalarBytes);
}

/** The share that `dealer` sealed to us, or undefined if it sealed anything else. */
function openShare(input: DkgInput, dealer: Party, sealed: Sealed): bigint | undefined {
  const { group, aead, me } = input;
  const plaintext = openSealed(group, aead, shareContext(input, dealer, me), receiveScalar(input), sealed);
  if (plaintext === undefined) return undefined;
  const share = tryDecode(scalar(group), plaintext)?.value;
  wipe(plaintext);
  return share;
}

/** What lets everybody open a bad share: it is of no use to anybody, and the ceremony ends. */
function openFor(input: DkgInput, dealer: Party, sealed: Sealed): Complaint['opening'] {
  const { group, me, receiveKeys, randomness } = input;
  const receiveKey = receiveKeys.get(me);
  const opening =
    receiveKey &&
    revealSealed(group, shareContext(input, dealer, me), receiveScalar(input), receiveKey, sealed, randomness);
  return opening === undefined ? { type: 'none', value: new Uint8Array(0) } : { type: 'opening', value: opening };
}

/** Everybody confirmed what we computed. @throws {Abort} naming dealers, liars about dealers, and liars about the outcome */
function judgeVerdicts(
  input: DkgInput,
  outcome: Uint8Array,
  reveals: Messages<Reveal, never>,
  shares: Messages<never, Share>,
  verdicts: Messages<Verdict, never>,
): void {
  const court = dkgCourt(input);
  const blames: Blame[] = [];
  for (const [party, { value: verdict, envelope }] of verdicts.broadcasts) {
    if (verdict.type === 'complaint') {
      const { dealer } = verdict.value;
      const evidence = evidenceOf(input, dealer, verdict.value);
      if (judge(court, evidence)) blames.push({ party: dealer, code: evidence.code, evidence });
      else blames.push(blame(party, 'false-complaint', [envelope]));
    } else if (party !== input.me && !equal(verdict.value, outcome)) {
      const seen = [...reveals.broadcasts.values()].map((one) => one.envelope);
      const dealt = shares.directs.get(party) as Received<Share>;
      blames.push(blame(party, 'wrong-outcome', [...seen, dealt.envelope, envelope]));
    }
  }
  if (blames.length > 0) throw new Abort('verdict', blames);
}

/** Whether our share is the one that everybody can verify. Each part of it was checked, so anything else is a bug. */
function fits({ group, me }: DkgInput, share: Secret, publicPackage: PublicPackage): boolean {
  return group.equals(group.multiplyBase(share.use(fromBytesBE)), verifyingShare(publicPackage, me));
}
