import { ascii } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { type Randomness, randomScalar } from '../random.ts';
import { tags } from '../tags.ts';
import { powers } from './feldman.ts';
import { primeField } from './field.ts';
import { evaluate, type Polynomial, randomPolynomial } from './polynomial.ts';

/** A value and what blinds it in a commitment. */
export interface Opening {
  readonly value: bigint;
  readonly blinding: bigint;
}

/** The second generator H of a group: hashed to the curve, so that nobody knows its logarithm. */
export function pedersenBase(group: Group): Point {
  return group.hashToGroup(tags.pedersenBase, ascii(group.name));
}

/** value·G + blinding·H: hides the value from everybody, binds whoever does not know log H (Pedersen 1991). */
export function pedersenCommit(group: Group, base: Point, { value, blinding }: Opening): Point {
  return group.add(group.multiplyBase(value), group.multiply(base, blinding));
}

/** A dealing: commitments to the coefficients, and the polynomials of which each recipient gets a point. */
export interface PedersenDealing {
  readonly commitment: readonly Point[];
  readonly polynomial: Polynomial;
  readonly blinding: Polynomial;
}

/**
 * Deals `secret` so that the commitment reveals nothing, not even secret·G (Pedersen 1991).
 * @throws {SharingError} a threshold below 1
 */
export function deal(
  group: Group,
  base: Point,
  secret: bigint,
  threshold: number,
  randomness: Randomness,
): PedersenDealing {
  const field = primeField(group.order);
  const polynomial = randomPolynomial(field, secret, threshold, randomness);
  const blinding = randomPolynomial(field, randomScalar(randomness, group.order), threshold, randomness);
  const commitment = polynomial.map((value, k) =>
    pedersenCommit(group, base, { value, blinding: blinding[k] as bigint }),
  );
  return { commitment, polynomial, blinding };
}

/** The share of `id`. */
export function pedersenShare(group: Group, dealing: PedersenDealing, id: bigint): Opening {
  const field = primeField(group.order);
  return { value: evaluate(field, dealing.polynomial, id), blinding: evaluate(field, dealing.blinding, id) };
}

/** Whether `share` opens what the commitment says about `id`. The caller has checked the commitment's length. */
export function verifyPedersenShare(
  group: Group,
  base: Point,
  commitment: readonly Point[],
  id: bigint,
  share: Opening,
): boolean {
  const expected = group.sumOfProducts(commitment, powers(group, id, commitment.length));
  return group.equals(pedersenCommit(group, base, share), expected);
}
