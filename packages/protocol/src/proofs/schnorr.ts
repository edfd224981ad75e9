import type { Group, Point } from '../groups/group.ts';
import { type Randomness, randomScalar } from '../random.ts';
import { powers } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { tags } from '../tags.ts';
import { type Codec, point, scalar, struct } from '../wire/codec.ts';
import { challenge, nonces, type ProofContext } from './context.ts';

/** R = k·G and z = k + e·x. */
export interface SchnorrProof {
  readonly commitment: Point;
  readonly response: bigint;
}

export function schnorrProofCodec(group: Group): Codec<SchnorrProof> {
  return struct({ commitment: point(group), response: scalar(group) });
}

/** Proves knowledge of the logarithm x of X = x·G (Schnorr 1991, made non-interactive by Fiat and Shamir). */
export function proveSchnorr(
  group: Group,
  context: ProofContext,
  secret: bigint,
  statement: Point,
  randomness: Randomness,
): SchnorrProof {
  return prove(group, tags.schnorr, context, [secret], [statement], randomness);
}

export function verifySchnorr(group: Group, context: ProofContext, statement: Point, proof: SchnorrProof): boolean {
  return verify(group, tags.schnorr, context, [statement], proof);
}

/**
 * Proves knowledge of the logarithms of all points of a vector, for the price of one: z = k + Σ eᵐ⁺¹·fₘ, with soundness
 * error length/q. The order and the number of the points are part of the statement.
 */
export function proveSchnorrBatch(
  group: Group,
  context: ProofContext,
  secrets: readonly bigint[],
  statement: readonly Point[],
  randomness: Randomness,
): SchnorrProof {
  return prove(group, tags.schnorrBatch, context, secrets, statement, randomness);
}

/** False for an empty vector: it proves nothing. The caller has checked that it has the length it must have. */
export function verifySchnorrBatch(
  group: Group,
  context: ProofContext,
  statement: readonly Point[],
  proof: SchnorrProof,
): boolean {
  return verify(group, tags.schnorrBatch, context, statement, proof);
}

function prove(
  group: Group,
  tag: string,
  context: ProofContext,
  secrets: readonly bigint[],
  statement: readonly Point[],
  randomness: Randomness,
): SchnorrProof {
  const nonce = randomScalar(nonces(group, tag, context, secrets, statement, randomness), group.order);
  const commitment = group.multiplyBase(nonce);
  const weights = batchWeights(group, challenge(group, tag, context, [...statement, commitment]), secrets.length);
  const response = secrets.reduce((sum, secret, m) => sum + secret * (weights[m] as bigint), nonce);
  return { commitment, response: primeField(group.order).reduce(response) };
}

function verify(
  group: Group,
  tag: string,
  context: ProofContext,
  statement: readonly Point[],
  { commitment, response }: SchnorrProof,
): boolean {
  if (statement.length === 0 || [...statement, commitment].some((one) => group.isIdentity(one))) return false;
  const weights = batchWeights(group, challenge(group, tag, context, [...statement, commitment]), statement.length);
  const expected = group.add(commitment, group.sumOfProducts(statement, weights));
  return group.equals(group.multiplyBase(response), expected);
}

/** e, e², …: for a single statement, e. */
function batchWeights(group: Group, e: bigint, count: number): readonly bigint[] {
  return powers(group, e, count + 1).slice(1);
}
