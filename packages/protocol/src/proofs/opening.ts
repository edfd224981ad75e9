import type { Group, Point } from '../groups/group.ts';
import { type Randomness, randomScalar } from '../random.ts';
import { primeField } from '../sharing/field.ts';
import { type Opening, pedersenCommit } from '../sharing/pedersen.ts';
import { tags } from '../tags.ts';
import { type Codec, point, scalar, struct } from '../wire/codec.ts';
import { challenge, nonces, type ProofContext } from './context.ts';

/** C = x·G + r·H, for a base H whose logarithm nobody knows. */
export interface OpeningStatement {
  readonly base: Point;
  readonly commitment: Point;
}

/** A = k·G + l·H, z = k + e·x and w = l + e·r. */
export interface OpeningProof {
  readonly commitment: Point;
  readonly value: bigint;
  readonly blinding: bigint;
}

export function openingProofCodec(group: Group): Codec<OpeningProof> {
  return struct({ commitment: point(group), value: scalar(group), blinding: scalar(group) });
}

/** Proves knowledge of an opening of a Pedersen commitment (Okamoto 1992). */
export function proveOpening(
  group: Group,
  context: ProofContext,
  opening: Opening,
  statement: OpeningStatement,
  randomness: Randomness,
): OpeningProof {
  const points = [statement.base, statement.commitment];
  const secrets = [opening.value, opening.blinding];
  const source = nonces(group, tags.opening, context, secrets, points, randomness);
  const nonce = { value: randomScalar(source, group.order), blinding: randomScalar(source, group.order) };
  const commitment = pedersenCommit(group, statement.base, nonce);
  const e = challenge(group, tags.opening, context, [...points, commitment]);
  const { reduce } = primeField(group.order);
  return {
    commitment,
    value: reduce(nonce.value + e * opening.value),
    blinding: reduce(nonce.blinding + e * opening.blinding),
  };
}

export function verifyOpening(
  group: Group,
  context: ProofContext,
  statement: OpeningStatement,
  { commitment, value, blinding }: OpeningProof,
): boolean {
  const points = [statement.base, statement.commitment, commitment];
  if (points.some((one) => group.isIdentity(one))) return false;
  const e = challenge(group, tags.opening, context, points);
  const left = group.sumOfProducts([group.generator, statement.base], [value, blinding]);
  return group.equals(left, group.add(commitment, group.sumOfProducts([statement.commitment], [e])));
}
