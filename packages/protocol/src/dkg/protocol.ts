import { ascii, equal } from '../bytes.ts';
import { isShareOf, openForAll, openShare, sealShare } from '../dealing/shares.ts';
import { blamesIn, type Complaint, maybeOpening, type Verdict } from '../dealing/verdicts.ts';
import { partyBytes, verifyingShare } from '../keys.ts';
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
} from '../protocol.ts';
import { hedged, randomScalar, secretScalar } from '../random.ts';
import { Secret } from '../secret.ts';
import { commit } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { evaluate, randomPolynomial } from '../sharing/polynomial.ts';
import { tags } from '../tags.ts';
import { type Commit, dkgFormats, type Reveal, type Share } from './messages.ts';
import { coefficientContext, commitmentTo, dkgDealing, outcomeDigest, publicOutcome } from './outcome.ts';
import { checkInput, type DkgInput, type DkgOutcome } from './parameters.ts';
import { dkgCourt, provesCoefficients } from './rules.ts';

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

    // Each part of it was checked, so anything else is a bug.
    if (share === undefined || !isShareOf(group, share, verifyingShare(publicPackage, me)))
      throw new Error('the shares do not add up');
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
  const { me, randomness } = input;
  const dealing = dkgDealing(input);
  const others = [...shares].filter(([party]) => party !== me);
  return new Map(others.map(([to, share]) => [to, { sealed: sealShare(dealing, me, to, share, randomness) }]));
}

/** The sum of our shares, or a complaint about the first dealer whose share is not what it revealed. */
function openShares(
  input: DkgInput,
  own: Secret,
  reveals: Messages<Reveal, never>,
  shares: Messages<never, Share>,
): Secret | Complaint {
  const { group, me, members, randomness } = input;
  const dealing = dkgDealing(input);
  const field = primeField(group.order);
  let sum = own.use((bytes) => group.decodeScalar(bytes));
  for (const { party: dealer } of members) {
    if (dealer === me) continue;
    const revealed = reveals.broadcasts.get(dealer) as Received<Reveal>;
    const dealt = shares.directs.get(dealer) as Received<Share>;
    const share = openShare(dealing, input, dealer, revealed.value, dealt.value.sealed);
    if (share === undefined) {
      const opening = maybeOpening(openForAll(dealing, input, dealer, dealt.value.sealed, randomness));
      return { dealer, reveal: revealed.envelope, share: dealt.envelope, opening };
    }
    sum = field.add(sum, share);
  }
  return secretScalar(sum, group.scalarBytes);
}

/** Everybody confirmed what we computed. @throws {Abort} naming dealers, liars about dealers, and liars about the outcome */
function judgeVerdicts(
  input: DkgInput,
  outcome: Uint8Array,
  reveals: Messages<Reveal, never>,
  shares: Messages<never, Share>,
  verdicts: Messages<Verdict, never>,
): void {
  const seen = [...reveals.broadcasts.values()].map(({ envelope }) => envelope);
  const blames = blamesIn(dkgCourt(input), input.group, input.me, outcome, verdicts, (party) => [
    ...seen,
    (shares.directs.get(party) as Received<Share>).envelope,
  ]);
  if (blames.length > 0) throw new Abort('verdict', blames);
}
