import { type Randomness, randomScalar } from '../random.ts';
import { SharingError } from './errors.ts';
import type { Field } from './field.ts';

/** Coefficients, the constant first: as many as must come together to recover it. */
export type Polynomial = readonly bigint[];

/**
 * A random polynomial with constant term `constant`. The other coefficients are nonzero, so that each has a commitment
 * that can be encoded; what that reveals is below 2^-250 for the groups in use.
 * @param threshold how many points determine it: its degree is one less
 * @throws {SharingError} `threshold` below 1
 */
export function randomPolynomial(
  field: Field,
  constant: bigint,
  threshold: number,
  randomness: Randomness,
): Polynomial {
  if (!Number.isSafeInteger(threshold) || threshold < 1)
    throw new SharingError('threshold', 'a threshold is at least 1');
  const rest = Array.from({ length: threshold - 1 }, () => randomScalar(randomness, field.order));
  return [field.reduce(constant), ...rest];
}

/** f(x), by Horner's rule. */
export function evaluate(field: Field, polynomial: Polynomial, x: bigint): bigint {
  return polynomial.reduceRight((sum, coefficient) => field.reduce(sum * x + coefficient), 0n);
}

/**
 * The weights λᵢ with f(at) = Σ λᵢ·f(idᵢ) for every f of lower degree than there are `ids`, in the order of `ids`.
 * @throws {SharingError} ids that are not distinct or zero modulo the order
 */
export function lagrange(field: Field, ids: readonly bigint[], at = 0n): readonly bigint[] {
  checkIds(field, ids);
  return ids.map((id, i) => {
    let numerator = 1n;
    let denominator = 1n;
    ids.forEach((other, j) => {
      if (i === j) return;
      numerator = field.multiply(numerator, at - other);
      denominator = field.multiply(denominator, id - other);
    });
    return field.multiply(numerator, field.invert(denominator));
  });
}

/** @throws {SharingError} unless all are distinct and nonzero modulo the order: a share at zero is the secret */
export function checkIds(field: Field, ids: readonly bigint[]): void {
  const reduced = new Set(ids.map((id) => field.reduce(id)));
  if (reduced.has(0n)) throw new SharingError('identifiers', 'an identifier is zero');
  if (reduced.size !== ids.length) throw new SharingError('identifiers', 'two identifiers are the same');
}
