import { concat } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { type Randomness, randomScalar, secretScalar } from '../random.ts';
import { Secret, wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { bitOf } from './bits.ts';
import { type EcdhX, pureEcdh } from './ecdh.ts';
import { BLOCK_BYTES } from './suite.ts';

/**
 * Batched endemic oblivious transfer (§3.3; Masny and Rindal 2019/706, McQuoid, Rosulek and Roy 2021/682). Bob ends with two
 * keys of every transfer, Alice with the one of her choice, and Bob does not learn which. One message each:
 *
 *   Bob    A = a·G
 *   Alice  S₁₋c = w·G,  S_c = b·G − P(i, c, S₁₋c)            key_c = x(b·A)
 *   Bob    Y_x = S_x + P(i, x, S₁₋x)                          key_x = x(a·Y_x)
 *
 * P hashes to the curve (RFC 9380). Were its logarithm known, as that of hash·G is, Alice would know both keys.
 *
 * A set of transfers knows neither key nor epoch, so it can be made ahead; what is derived of it is bound to both.
 */
export interface BaseOtSetting {
  readonly group: Group;
  readonly ecdh: EcdhX;
  /** Transfers of a set: λ_c, and never more than 256. */
  readonly count: number;
}

/** For whom, and where, a set is made. Two sets of one pair have different sessions or different messages. */
export interface BaseOtContext {
  /** 32 bytes. */
  readonly session: Uint8Array;
  /** Node keys, 32 bytes each. Alice chooses. */
  readonly alice: Uint8Array;
  readonly bob: Uint8Array;
}

/** Bob's key A of one set. */
export interface BaseOtKey {
  readonly secret: Secret;
  readonly point: Point;
}

/** Bob's half of a set, to be used once. */
export interface SenderSet {
  /** Of the whole exchange, 32 bytes, public: who names the same id holds the other half. */
  readonly id: Uint8Array;
  /** k_{i,0} ‖ k_{i,1} for every transfer i, 16 bytes each. */
  readonly keys: Secret;
}

/** Alice's half of a set, to be used once. */
export interface ReceiverSet {
  readonly id: Uint8Array;
  /** One bit a transfer. */
  readonly choices: Secret;
  /** k_{i,c} for every transfer i, 16 bytes each. */
  readonly keys: Secret;
  /** b for every transfer, as the group encodes scalars: to convict a Bob who builds trees of other keys. */
  readonly scalars: Secret;
  /** What was said, for the same purpose. */
  readonly exchange: BaseOtExchange;
}

/** The messages of a set. Public: nothing about choices or keys follows from them. */
export interface BaseOtExchange {
  /** The session of its context. */
  readonly session: Uint8Array;
  /** A. */
  readonly key: Point;
  /** S₀ ‖ S₁ of every transfer, as the group encodes points. */
  readonly points: Uint8Array;
}

/** Bob's message: a fresh key for one set. */
export function offerBaseOt(group: Group, randomness: Randomness): BaseOtKey {
  const scalar = randomScalar(randomness, group.order);
  return { secret: secretScalar(scalar, group.scalarBytes), point: group.multiplyBase(scalar) };
}

/** Alice's message, `exchange.points`, and her half. The work is the same whatever she chooses. */
export function chooseBaseOt(
  { group, ecdh, count }: BaseOtSetting,
  context: BaseOtContext,
  key: Point,
  randomness: Randomness,
): ReceiverSet {
  const { order, pointBytes, scalarBytes } = group;
  const sid = sessionOf(context);
  const encodedKey = group.encodePoint(key);
  const choices = randomness.bytes(Math.ceil(count / 8));
  const keys = new Uint8Array(count * BLOCK_BYTES);
  const scalars = new Uint8Array(count * scalarBytes);
  const points = new Uint8Array(2 * count * pointBytes);
  for (let i = 0; i < count; i++) {
    const choice = bitOf(choices, i);
    const scalar = randomScalar(randomness, order);
    const other = group.encodePoint(group.multiplyBase(randomScalar(randomness, order)));
    const hidden = group.negate(hashToPoint(group, sid, i, choice, other));
    const own = group.encodePoint(group.add(group.multiplyBase(scalar), hidden));
    // Bob computes both hashes, and so does she: how long they take says nothing about the choice.
    hashToPoint(group, sid, i, 1 - choice, own);
    const pair = pairOf(group, points, i);
    place(pair, own, other, choice);
    const [x] = ecdh.sharedX(scalar, [key]) as [Uint8Array];
    const derived = keyOf(sid, i, choice, encodedKey, pair, x);
    keys.set(derived, i * BLOCK_BYTES);
    scalars.set(group.encodeScalar(scalar), i * scalarBytes);
    wipe(x, derived);
  }
  const exchange = { session: context.session, key, points };
  return {
    id: baseOtSetId(group, context, exchange),
    choices: new Secret(choices),
    keys: new Secret(keys),
    scalars: new Secret(scalars),
    exchange,
  };
}

/** Bob's half, from Alice's points; or the first transfer that gives him the identity: she made it so. */
export function completeBaseOt(
  { group, ecdh, count }: BaseOtSetting,
  context: BaseOtContext,
  { secret, point: key }: BaseOtKey,
  points: Uint8Array,
): SenderSet | { readonly faulty: number } {
  const sid = sessionOf(context);
  const sums = Array.from({ length: count }, (_, i) => sumsOf(group, sid, points, i)).flat();
  const faulty = sums.findIndex((sum) => group.isIdentity(sum));
  if (faulty >= 0) return { faulty: faulty >> 1 };
  const encodedKey = group.encodePoint(key);
  const keys = new Uint8Array(2 * count * BLOCK_BYTES);
  ecdh.sharedX(secret.use(group.decodeScalar), sums).forEach((x, at) => {
    const i = at >> 1;
    const derived = keyOf(sid, i, at & 1, encodedKey, pairOf(group, points, i), x);
    keys.set(derived, at * BLOCK_BYTES);
    wipe(x, derived);
  });
  return { id: baseOtSetId(group, context, { session: context.session, key, points }), keys: new Secret(keys) };
}

export function wipeSenderSet({ keys }: SenderSet): void {
  keys.wipe();
}

export function wipeReceiverSet({ choices, keys, scalars }: ReceiverSet): void {
  for (const secret of [choices, keys, scalars]) secret.wipe();
}

/** The id of the set that an exchange makes, 32 bytes. */
export function baseOtSetId(group: Group, context: BaseOtContext, { key, points }: BaseOtExchange): Uint8Array {
  return hash(tags.baseOtSet, sessionOf(context), group.encodePoint(key), points);
}

/** Whether Alice's points of transfer i give Bob the identity, so that a key would be known to all. */
export function isFaulty(group: Group, context: BaseOtContext, points: Uint8Array, i: number): boolean {
  return sumsOf(group, sessionOf(context), points, i).some((sum) => group.isIdentity(sum));
}

/** The key that Alice chose in transfer i, from the scalar b that she shows to all; undefined if her points hide another. */
export function openTransfer(
  group: Group,
  context: BaseOtContext,
  { key, points }: BaseOtExchange,
  i: number,
  choice: number,
  scalar: bigint,
): Uint8Array | undefined {
  const sid = sessionOf(context);
  const sum = sumsOf(group, sid, points, i)[choice] as Point;
  if (scalar === 0n || !group.equals(sum, group.multiplyBase(scalar))) return undefined;
  const [x] = pureEcdh(group).sharedX(scalar, [key]) as [Uint8Array];
  return keyOf(sid, i, choice, group.encodePoint(key), pairOf(group, points, i), x);
}

/** sid_bot: of this pair, in this direction. */
function sessionOf({ session, alice, bob }: BaseOtContext): Uint8Array {
  return hash(tags.baseOtSession, session, alice, bob);
}

/** Y₀ and Y₁ of transfer i. Its points were decoded before. */
function sumsOf(group: Group, sid: Uint8Array, points: Uint8Array, i: number): readonly [Point, Point] {
  const pair = pairOf(group, points, i);
  const [first, second] = [pair.subarray(0, group.pointBytes), pair.subarray(group.pointBytes)];
  return [
    group.add(group.decodePoint(first), hashToPoint(group, sid, i, 0, second)),
    group.add(group.decodePoint(second), hashToPoint(group, sid, i, 1, first)),
  ];
}

/** S₀ ‖ S₁ of transfer i. */
function pairOf(group: Group, points: Uint8Array, i: number): Uint8Array {
  return points.subarray(2 * i * group.pointBytes, 2 * (i + 1) * group.pointBytes);
}

/** Writes S_c = own and S_{1-c} = other, touching the same bytes for either c. */
function place(pair: Uint8Array, own: Uint8Array, other: Uint8Array, choice: number): void {
  const mask = -choice;
  for (let j = 0; j < own.length; j++) {
    const [mine, theirs] = [own[j] as number, other[j] as number];
    const swap = (mine ^ theirs) & mask;
    pair[j] = mine ^ swap;
    pair[own.length + j] = theirs ^ swap;
  }
}

/** k_{i,x}, 16 bytes. */
function keyOf(
  sid: Uint8Array,
  i: number,
  choice: number,
  key: Uint8Array,
  pair: Uint8Array,
  x: Uint8Array,
): Uint8Array {
  return hash(tags.baseOtKey, sid, Uint8Array.of(i, choice), key, pair, x).subarray(0, BLOCK_BYTES);
}

/** P(i, x, S): a point whose logarithm nobody knows. Every part has a fixed length. */
function hashToPoint(group: Group, sid: Uint8Array, i: number, choice: number, point: Uint8Array): Point {
  return group.hashToGroup(tags.baseOtPoint, concat(sid, Uint8Array.of(i, choice), point));
}
