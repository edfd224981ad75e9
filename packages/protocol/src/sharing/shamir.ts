import type { Randomness } from '../random.ts';
import { SharingError } from './errors.ts';
import type { Field } from './field.ts';
import { checkIds, evaluate, lagrange, randomPolynomial } from './polynomial.ts';

/** One point of the polynomial: any `threshold` of them determine the secret, fewer say nothing about it. */
export interface Share {
  readonly id: bigint;
  readonly value: bigint;
}

/**
 * Shares of `secret` (Shamir 1979), one for each of `ids`.
 * @throws {SharingError} ids not distinct and nonzero, a threshold below 1 or above their number
 */
export function split(
  field: Field,
  secret: bigint,
  threshold: number,
  ids: readonly bigint[],
  randomness: Randomness,
): readonly Share[] {
  checkIds(field, ids);
  if (threshold > ids.length) throw new SharingError('threshold', 'a threshold above the number of shares');
  const polynomial = randomPolynomial(field, secret, threshold, randomness);
  return ids.map((id) => ({ id, value: evaluate(field, polynomial, id) }));
}

/**
 * The secret, from exactly as many shares as are given: the caller knows the threshold. Shares that do not belong
 * together give another value, not an error; where that matters, deal with commitments (`feldman.ts`).
 * @throws {SharingError} no shares, or ids not distinct and nonzero
 */
export function combine(field: Field, shares: readonly Share[]): bigint {
  if (shares.length === 0) throw new SharingError('threshold', 'no shares');
  const weights = lagrange(
    field,
    shares.map(({ id }) => id),
  );
  return shares.reduce((sum, { value }, i) => field.add(sum, value * (weights[i] as bigint)), 0n);
}
