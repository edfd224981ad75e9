/** The integers modulo a prime. Elements are bigints in [0, order); bigint arithmetic is not constant time. */
export interface Field {
  readonly order: bigint;
  add(a: bigint, b: bigint): bigint;
  subtract(a: bigint, b: bigint): bigint;
  multiply(a: bigint, b: bigint): bigint;
  /** @throws {RangeError} for zero */
  invert(a: bigint): bigint;
  /** The element congruent to any integer. */
  reduce(value: bigint): bigint;
}

/** @param order a prime of any size; not checked */
export function primeField(order: bigint): Field {
  const reduce = (value: bigint): bigint => {
    const rest = value % order;
    return rest < 0n ? rest + order : rest;
  };
  return {
    order,
    reduce,
    add: (a, b) => reduce(a + b),
    subtract: (a, b) => reduce(a - b),
    multiply: (a, b) => reduce(a * b),
    invert: (a) => {
      // Extended Euclid, keeping r = s·a (mod order) in each row.
      let [r0, r1] = [order, reduce(a)];
      let [s0, s1] = [0n, 1n];
      if (r1 === 0n) throw new RangeError('zero has no inverse');
      while (r1 !== 0n) {
        const quotient = r0 / r1;
        [r0, r1] = [r1, r0 - quotient * r1];
        [s0, s1] = [s1, s0 - quotient * s1];
      }
      return reduce(s0);
    },
  };
}
