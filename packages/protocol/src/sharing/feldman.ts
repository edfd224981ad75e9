import type { Group, Point } from '../groups/group.ts';
import { primeField } from './field.ts';
import type { Polynomial } from './polynomial.ts';

/** f₀·G, f₁·G, …: public, and enough to check any share of f (Feldman 1987). */
export type Commitment = readonly Point[];

/** The commitment to a polynomial over the group's scalars. */
export function commit(group: Group, polynomial: Polynomial): Commitment {
  return polynomial.map((coefficient) => group.multiplyBase(coefficient));
}

/** f(id)·G: what the share of `id` must be the logarithm of, its verifying share. */
export function evaluateCommitment(group: Group, commitment: Commitment, id: bigint): Point {
  return group.sumOfProducts(commitment, powers(group, id, commitment.length));
}

/** Whether `share` is f(id). The caller has checked that the commitment has as many points as the threshold. */
export function verifyShare(group: Group, commitment: Commitment, id: bigint, share: bigint): boolean {
  return group.equals(group.multiplyBase(share), evaluateCommitment(group, commitment, id));
}

/** The commitment to the sum of polynomials. @throws {RangeError} lengths differ */
export function addCommitments(group: Group, commitments: readonly Commitment[]): Commitment {
  const length = commitments[0]?.length ?? 0;
  if (commitments.some((one) => one.length !== length)) throw new RangeError('commitments differ in length');
  return Array.from({ length }, (_, k) =>
    commitments.reduce((sum, one) => group.add(sum, one[k] as Point), group.identity),
  );
}

/** 1, x, x², … of the group's scalars. For small ids the powers stay short, and so does the multiplication. */
export function powers(group: Group, x: bigint, count: number): readonly bigint[] {
  const field = primeField(group.order);
  const out: bigint[] = [];
  for (let power = 1n; out.length < count; power = field.multiply(power, x)) out.push(power);
  return out;
}
