import { ascii, fromBytesBE } from '../bytes.ts';
import { isShareOf, openForAll, openShare, sealShare } from '../dealing/shares.ts';
import { blamesIn, type Complaint, maybeOpening, type Verdict } from '../dealing/verdicts.ts';
import { partyBytes, verifyingShare } from '../keys.ts';
import { proveSchnorrBatch } from '../proofs/schnorr.ts';
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
import { hedged, secretScalar } from '../random.ts';
import { Secret } from '../secret.ts';
import { commit } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { evaluate, randomPolynomial } from '../sharing/polynomial.ts';
import { tags } from '../tags.ts';
import { type Commitments, type Deal, nothing, type Portion, renewalFormats } from './messages.ts';
import { coefficientContext, outcomeDigest, renewalDealing, renewedPackage } from './outcome.ts';
import { checkInput, type Dealer, type RenewalInput, type RenewalOutcome } from './parameters.ts';
import { isOutOfTurn, isPortionOutOfTurn, provesCoefficients, renewalCourt } from './rules.ts';

/**
 * Shares a key anew: to the same committee (refresh), to another one (reshare), or for the first time (import). Each dealer
 * shares its weighted share out, and the sums are shares of the same key. See README.md. All honest parties end with the
 * same public package, or none does.
 *
 * @throws {RenewalInputError} before the first round
 * @throws {Abort} naming whoever provably cheated
 */
export function* renew(input: RenewalInput): Protocol<RenewalOutcome> {
  checkInput(input);
  const { group, me, members, threshold } = input;
  const formats = renewalFormats(group, threshold);
  const joining = me <= members.length;
  const dealing = input.secret === undefined ? undefined : deal(input, input.secret);
  let share: Secret | undefined;
  let finished = false;
  try {
    // Round 1: dealers commit to their sharings, and give each member its share.
    const said: Deal = dealing === undefined ? nothing : { type: 'deal', value: dealing.commitments };
    const dealt = yield* exchange(formats.deal, said, sealShares(input, dealing));
    const commitments = verifyDeals(input, dealt);
    const publicPackage = renewedPackage(input, commitments, dealt.transcript);
    if (publicPackage === undefined) throw new Abort('deal', []);
    const outcome = outcomeDigest(input, publicPackage);
    const received = joining ? openShares(input, dealing, commitments, dealt) : undefined;
    if (received instanceof Secret) share = received;

    // Round 2: confirm the whole public outcome, or complain. Complaints show who lies, so nobody goes on after one.
    const verdict: Verdict =
      received === undefined || received instanceof Secret
        ? { type: 'confirmation', value: outcome }
        : { type: 'complaint', value: received };
    const verdicts = yield* broadcast(formats.verdict, verdict);
    const seen = [...dealt.broadcasts.values()].map(({ envelope }) => envelope);
    const blames = blamesIn(renewalCourt(input), group, me, outcome, verdicts, () => seen);
    if (blames.length > 0) throw new Abort('verdict', blames);

    // Round 3: nothing to say. Its echo shows that all saw the same verdicts, and so all end alike.
    yield* broadcast(formats.return, {});

    // Each part of it was checked, so anything else is a bug.
    const fits = share !== undefined && isShareOf(group, share, verifyingShare(publicPackage, me));
    if (joining && !fits) throw new Error('the shares do not add up');
    finished = true;
    return { share, publicPackage };
  } finally {
    for (const secret of dealing?.shares.values() ?? []) secret.wipe();
    if (!finished) share?.wipe();
  }
}

interface Dealt {
  readonly commitments: Commitments;
  /** f(j) for every member j of the new epoch, in the group's scalar encoding. */
  readonly shares: ReadonlyMap<Party, Secret>;
}

/** A fresh polynomial of degree t′ − 1, of this session only, with our weighted share for its constant. */
function deal(input: RenewalInput, secret: Secret): Dealt {
  const { group, sid, me, members, threshold, dealers } = input;
  const field = primeField(group.order);
  const { weight } = dealers.get(me) as Dealer;
  const randomness = hedged(input.randomness, secret, ascii(tags.renewalPolynomial), sid, partyBytes(me));
  const constant = field.multiply(weight, secret.use(fromBytesBE));
  const polynomial = randomPolynomial(field, constant, threshold, randomness);
  const rest = polynomial.slice(1);
  const coefficients = commit(group, rest);
  const proof = proveSchnorrBatch(group, coefficientContext(input, me), rest, coefficients, randomness);
  const shares = members.map(({ party }): [Party, Secret] => {
    const value = evaluate(field, polynomial, BigInt(party));
    return [party, new Secret(group.encodeScalar(value))];
  });
  return { commitments: { coefficients, proof }, shares: new Map(shares) };
}

function sealShares(input: RenewalInput, dealt: Dealt | undefined): ReadonlyMap<Party, Portion> {
  const { me, seats, randomness } = input;
  const dealing = renewalDealing(input);
  const others = seats.map(({ party }) => party).filter((party) => party !== me);
  return new Map(
    others.map((to): [Party, Portion] => {
      const share = dealt?.shares.get(to);
      return share === undefined
        ? [to, nothing]
        : [to, { type: 'share', value: sealShare(dealing, me, to, share, randomness) }];
    }),
  );
}

/** What each dealer committed to. @throws {Abort} naming who is no dealer, or does not know what it deals */
function verifyDeals(input: RenewalInput, dealt: Messages<Deal, Portion>): ReadonlyMap<Party, Commitments> {
  const { me } = input;
  const blames: Blame[] = [];
  const commitments = new Map<Party, Commitments>();
  for (const [party, { value, envelope }] of dealt.broadcasts) {
    if (isOutOfTurn(input, party, value)) blames.push(blame(party, 'out-of-turn', [envelope]));
    else if (value.type === 'deal') {
      if (party !== me && !provesCoefficients(input, party, value.value)) {
        blames.push(blame(party, 'bad-proof', [envelope]));
      }
      commitments.set(party, value.value);
    }
  }
  for (const [party, { value, envelope }] of dealt.directs) {
    if (isPortionOutOfTurn(input, party, me, value)) blames.push(blame(party, 'out-of-turn', [envelope]));
  }
  if (blames.length > 0) throw new Abort('deal', blames);
  return commitments;
}

/** The sum of our shares, or a complaint about the first dealer whose share is not what it committed to. */
function openShares(
  input: RenewalInput,
  own: Dealt | undefined,
  commitments: ReadonlyMap<Party, Commitments>,
  dealt: Messages<Deal, Portion>,
): Secret | Complaint {
  const { group, me, randomness } = input;
  const dealing = renewalDealing(input);
  const field = primeField(group.order);
  let sum = own?.shares.get(me)?.use((bytes) => group.decodeScalar(bytes)) ?? 0n;
  for (const [dealer, said] of commitments) {
    if (dealer === me) continue;
    const portion = dealt.directs.get(dealer) as Received<Portion & { readonly type: 'share' }>;
    const sealed = portion.value.value;
    const share = openShare(dealing, input, dealer, said, sealed);
    if (share === undefined) {
      const reveal = (dealt.broadcasts.get(dealer) as Received<Deal>).envelope;
      const opening = maybeOpening(openForAll(dealing, input, dealer, sealed, randomness));
      return { dealer, reveal, share: portion.envelope, opening };
    }
    sum = field.add(sum, share);
  }
  return secretScalar(sum, group.scalarBytes);
}
