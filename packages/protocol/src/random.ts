import { concat, fromBytesBE, toBytesBE, u64 } from './bytes.ts';
import { sha512 } from './primitives/hash.ts';
import { Secret, wipe } from './secret.ts';
import { tags } from './tags.ts';
import { hash512 } from './transcript.ts';

/** The door to entropy. The node wraps the operating system's; simulations and vectors wrap a seed. */
export interface Randomness {
  /** `length` fresh, uniform, unpredictable bytes, owned by the caller. */
  bytes(length: number): Uint8Array;
}

/**
 * Randomness for one use, hedged: fresh bytes hashed with the secret at stake and with everything that makes this use
 * unique, so that a repeated generator state (a cloned machine, a broken kernel) still gives other values to other uses,
 * and a predictable one still gives unpredictable values to whoever lacks the secret (RFC 9591 §4.1 in spirit).
 *
 * @param context what distinguishes this use: session, party, purpose, message
 */
export function hedged(randomness: Randomness, secret: Secret, ...context: readonly Uint8Array[]): Randomness {
  const fresh = randomness.bytes(64);
  const seed = secret.use((bytes) => hash512(tags.hedge, fresh, bytes, ...context));
  wipe(fresh);
  const stream = seeded(seed);
  wipe(seed);
  return stream;
}

/** A deterministic stream from `seed` (SHA-512 in counter mode): hedged draws, simulations, known-answer tests. */
export function seeded(seed: Uint8Array): Randomness {
  const key = hash512(tags.stream, seed);
  let counter = 0n;
  let rest: Uint8Array = new Uint8Array(0);
  return {
    bytes(length) {
      const out = new Uint8Array(length);
      let filled = 0;
      while (filled < length) {
        if (rest.length === 0) rest = sha512(concat(key, u64(counter++)));
        const take = Math.min(rest.length, length - filled);
        out.set(rest.subarray(0, take), filled);
        rest.subarray(0, take).fill(0);
        rest = rest.subarray(take);
        filled += take;
      }
      return out;
    },
  };
}

/**
 * A uniform integer in [1, order), by reducing 16 bytes more than the order has (bias below 2^-128).
 * @param order a prime
 */
export function randomScalar(randomness: Randomness, order: bigint): bigint {
  const length = Math.ceil(order.toString(16).length / 2) + 16;
  const bytes = randomness.bytes(length);
  const value = fromBytesBE(bytes);
  wipe(bytes);
  return (value % (order - 1n)) + 1n;
}

/** A scalar as a {@link Secret} of `length` bytes, most significant first. */
export function secretScalar(value: bigint, length: number): Secret {
  return new Secret(toBytesBE(value, length));
}
