import { ascii, equal, fromBytesBE, u16 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import {
  Abort,
  type Blame,
  blame,
  deliver,
  exchange,
  type Messages,
  type Party,
  type Protocol,
  type Received,
} from '../protocol.ts';
import { hedged, type Randomness, randomScalar } from '../random.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import { tags } from '../tags.ts';
import { hash, hash512 } from '../transcript.ts';
import type { Run } from './extension.ts';
import type { PairMaterial } from './material.ts';
import type { Offered } from './products.ts';
import { commitTo, type PreparationInput } from './sign-context.ts';
import { type Answer, type Commitment, type NonceOpening, type Offer, preparationFormats } from './sign-messages.ts';

/**
 * What is ready before it must be known what is signed (§7.1 up to step 7): with R = rG, shares of rφ and of sk·φ for a
 * random φ that nobody knows. Good for one signature.
 */
export interface Prepared {
  /** T₁, with which everybody's R and pk are settled: 32 bytes. */
  readonly id: Uint8Array;
  /** R. */
  readonly nonce: Point;
  readonly phi: bigint;
  readonly u: bigint;
  readonly v: bigint;
}

/** A factor of ours shared with one peer: c of the products with its factor. */
interface Answered {
  readonly message: Answer;
  readonly shares: readonly bigint[];
}

/**
 * Rounds 1 and 2: everybody multiplies its parts of the nonce and of the key with a factor of everybody else's.
 *
 * @param session sid0
 * @throws {Abort} with a ban for whoever failed a check that depends on our secrets, with blame for whoever opened its
 *   commitment wrongly, and with neither if sessions or set-ups do not match, or the parts of the key do not make the key
 */
export function* prepare(input: PreparationInput, session: Uint8Array): Protocol<Prepared> {
  using pending = new DisposableStack();
  const { group, multiplication, signers, pairs } = input;
  const me = input.share.party;
  const peers = signers.filter((party) => party !== me);
  const formats = preparationFormats(group, multiplication);
  const field = primeField(group.order);
  const randomness = hedged(input.randomness, input.share.secret, ascii(tags.ecdsaHedge), session, u16(me));
  const pair = (peer: Party): PairMaterial => pairs.get(peer) as PairMaterial;

  // Round 1: commit to R, and as Bob offer a factor to each Alice.
  const nonce = randomness.bytes(32);
  const r = randomScalar(randomness, group.order);
  const phi = randomScalar(randomness, group.order);
  const opening: NonceOpening = { point: group.multiplyBase(r), blinding: randomness.bytes(32) };
  const offered = byPeer(peers, (alice) => {
    const run: Run = { sid: session, alice, bob: me, bobNonce: nonce };
    return pending.use(multiplication.offer(pair(alice), run, randomness));
  });
  const offers = yield* exchange(
    formats.offers,
    { nonce, commitment: commitTo(group, session, me, opening) },
    byPeer(peers, (alice) => {
      const { fingerprint } = pair(alice).asBob;
      return { session, nonce, fingerprint, offer: (offered.get(alice) as Offered).message };
    }),
  );
  compareSessions(input, session, offers);

  // Round 2: as Alice, multiply r and our part of the key with the factor of each Bob.
  const id = hash(tags.ecdsaTranscript, session, offers.transcript);
  const sk = keyPart(input, id);
  const key = group.multiplyBase(sk);
  const answered = byPeer(peers, (bob): Answered => {
    const run: Run = { sid: session, alice: me, bob, bobNonce: nonceOf(offers, bob) };
    const { offer } = (offers.directs.get(bob) as Received<Offer>).value;
    const product = multiplication.answer(pair(bob), run, nonce, offer, [r, sk], randomness);
    if (product === 'cheat') throw banned('offers', bob);
    const { message: answer, shares } = product;
    const [nonceProduct, keyProduct] = shares.map(group.multiplyBase) as [Point, Point];
    const mask = field.subtract(phi, (offered.get(bob) as Offered).factor);
    return { message: { ...opening, key, nonceProduct, keyProduct, mask, answer }, shares };
  });
  const answers = yield* deliver(
    formats.answers,
    byPeer(peers, (bob) => (answered.get(bob) as Answered).message),
  );
  checkOpenings(group, session, offers, answers);
  const finished = byPeer(peers, (alice) => {
    const { value } = answers.directs.get(alice) as Received<Answer>;
    const { factor, finish } = offered.get(alice) as Offered;
    const shares = finish(nonceOf(offers, alice), value.answer);
    if (shares === 'cheat' || !isConsistent(group, factor, shares, value, randomness)) throw banned('answers', alice);
    return shares;
  });

  const others = peers.map((peer) => (answers.directs.get(peer) as Received<Answer>).value);
  const sum = (points: readonly Point[]): Point => points.reduce((total, point) => group.add(total, point));
  const total = sum([opening.point, ...others.map(({ point }) => point)]);
  const isKey = group.equals(sum([key, ...others.map((other) => other.key)]), input.share.publicPackage.groupKey);
  if (!isKey || group.isIdentity(total)) throw new Abort('answers', []);

  const phiSum = others.reduce((all, { mask }) => field.add(all, mask), phi);
  const share = (factor: bigint, i: 0 | 1): bigint =>
    peers.reduce(
      (all, peer) => {
        const [c, d] = [(answered.get(peer) as Answered).shares[i], finished.get(peer)?.[i]] as [bigint, bigint];
        return field.reduce(all + c + d);
      },
      field.multiply(factor, phiSum),
    );
  return { id, nonce: total, phi, u: share(r, 0), v: share(sk, 1) };
}

/**
 * That we are all in the same session, and each pair has the same set-up. A stale backup or a missed refresh must never
 * look like a cheat: hence before any check that depends on a secret. @throws {Abort} blaming nobody, but who signed two nonces
 */
function compareSessions(
  { pairs }: PreparationInput,
  session: Uint8Array,
  { broadcasts, directs }: Messages<Commitment, Offer>,
): void {
  const blames: Blame[] = [];
  let same = true;
  for (const [bob, { value, envelope }] of directs) {
    const committed = broadcasts.get(bob) as Received<Commitment>;
    if (!equal(value.nonce, committed.value.nonce))
      blames.push(blame(bob, 'two-nonces', [committed.envelope, envelope]));
    const { fingerprint } = (pairs.get(bob) as PairMaterial).asAlice;
    same &&= equal(value.session, session) && equal(value.fingerprint, fingerprint);
  }
  if (blames.length > 0 || !same) throw new Abort('offers', blames);
}

/** sk_i = λ_i s_i + ζ_i. The ζ of all signers sum to zero, and hide a share from whoever cheats towards one peer only. */
function keyPart({ group, share, signers, pairs }: PreparationInput, id: Uint8Array): bigint {
  const { party: me, secret } = share;
  const field = primeField(group.order);
  const weight = lagrange(field, signers.map(BigInt))[signers.indexOf(me)] as bigint;
  const zeroShare = [...signers].reduce((sum, peer) => {
    if (peer === me) return sum;
    const term = (pairs.get(peer) as PairMaterial).zeroSeed.use((seed) =>
      fromBytesBE(hash512(tags.ecdsaZeroShare, seed, id)),
    );
    return field.reduce(peer > me ? sum + term : sum - term);
  }, 0n);
  return field.add(field.multiply(weight, secret.use(group.decodeScalar)), zeroShare);
}

/** @throws {Abort} naming everybody whose R is not what it committed to, with both envelopes */
function checkOpenings(
  group: Group,
  session: Uint8Array,
  offers: Messages<Commitment, Offer>,
  answers: Messages<never, Answer>,
): void {
  const blames: Blame[] = [];
  for (const [party, { value, envelope }] of answers.directs) {
    const committed = offers.broadcasts.get(party) as Received<Commitment>;
    if (equal(commitTo(group, session, party, value), committed.value.commitment)) continue;
    blames.push(blame(party, 'wrong-opening', [committed.envelope, envelope]));
  }
  if (blames.length > 0) throw new Abort('answers', blames);
}

/**
 * Step 5: that Alice multiplied the logarithms of R and pk, χR = dᵘG + Γᵘ and χpk = dᵛG + Γᵛ, both at once and under
 * blinding factors drawn after she spoke, so that χ and d meet no variable-time arithmetic bare. Wrong once in 2^128.
 */
export function isConsistent(
  group: Group,
  factor: bigint,
  [du, dv]: readonly bigint[],
  { point, key, nonceProduct, keyProduct }: Pick<Answer, 'point' | 'key' | 'nonceProduct' | 'keyProduct'>,
  randomness: Randomness,
): boolean {
  const { reduce } = primeField(group.order);
  const [e, f] = [fromBytesBE(randomness.bytes(16)), fromBytesBE(randomness.bytes(16))];
  const left = group.sumOfProducts(
    [point, key, group.negate(nonceProduct), group.negate(keyProduct)],
    [reduce(e * factor), reduce(f * factor), reduce(e), reduce(f)],
  );
  return group.equals(left, group.multiplyBase(reduce(e * (du as bigint) + f * (dv as bigint))));
}

/** Whoever fails a check that depends on our secrets learns no more than that one did, and never sees another. */
function banned(round: string, party: Party): Abort {
  return new Abort(round, [], undefined, [party]);
}

function nonceOf({ broadcasts }: Messages<Commitment, Offer>, party: Party): Uint8Array {
  return (broadcasts.get(party) as Received<Commitment>).value.nonce;
}

function byPeer<T>(peers: readonly Party[], make: (peer: Party) => T): ReadonlyMap<Party, T> {
  return new Map(peers.map((peer) => [peer, make(peer)]));
}
