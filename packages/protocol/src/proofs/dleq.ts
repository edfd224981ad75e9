import type { Group, Point } from '../groups/group.ts';
import { type Randomness, randomScalar } from '../random.ts';
import { primeField } from '../sharing/field.ts';
import { tags } from '../tags.ts';
import { type Codec, point, scalar, struct } from '../wire/codec.ts';
import { challenge, nonces, type ProofContext } from './context.ts';

/** X = x·G and Y = x·H for one x. */
export interface DleqStatement {
  /** X */
  readonly key: Point;
  /** H */
  readonly base: Point;
  /** Y */
  readonly product: Point;
}

/** A = k·G, B = k·H and z = k + e·x. */
export interface DleqProof {
  readonly keyCommitment: Point;
  readonly productCommitment: Point;
  readonly response: bigint;
}

export function dleqProofCodec(group: Group): Codec<DleqProof> {
  return struct({ keyCommitment: point(group), productCommitment: point(group), response: scalar(group) });
}

/** Proves log_G X = log_H Y, and knowledge of it (Chaum and Pedersen 1992). */
export function proveDleq(
  group: Group,
  context: ProofContext,
  secret: bigint,
  statement: DleqStatement,
  randomness: Randomness,
): DleqProof {
  const points = [statement.key, statement.base, statement.product];
  const nonce = randomScalar(nonces(group, tags.dleq, context, [secret], points, randomness), group.order);
  const keyCommitment = group.multiplyBase(nonce);
  const productCommitment = group.multiply(statement.base, nonce);
  const e = challenge(group, tags.dleq, context, [...points, keyCommitment, productCommitment]);
  return { keyCommitment, productCommitment, response: primeField(group.order).reduce(nonce + e * secret) };
}

export function verifyDleq(group: Group, context: ProofContext, statement: DleqStatement, proof: DleqProof): boolean {
  const { key, base, product } = statement;
  const { keyCommitment, productCommitment, response } = proof;
  const points = [key, base, product, keyCommitment, productCommitment];
  if (points.some((one) => group.isIdentity(one))) return false;
  const e = challenge(group, tags.dleq, context, points);
  const minusE = primeField(group.order).reduce(-e);
  return (
    group.equals(group.sumOfProducts([group.generator, key], [response, minusE]), keyCommitment) &&
    group.equals(group.sumOfProducts([base, product], [response, minusE]), productCommitment)
  );
}
