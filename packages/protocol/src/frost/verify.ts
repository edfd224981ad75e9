import { equal } from '../bytes.ts';
import { EncodingError, type Point } from '../groups/group.ts';
import type { Ciphersuite } from './ciphersuite.ts';
import { challenge, type SigningKey } from './frost.ts';

/**
 * Whether a plain verifier accepts: RFC 8032 without the cofactor for Ed25519, BIP-340 for Taproot. Strict: canonical
 * encodings, a key in the prime-order subgroup. It never throws.
 * @param publicKey as verifiers see it
 */
export function verifySignature(
  suite: Ciphersuite,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const point = ifEncoded(() => suite.decodePublic(publicKey));
  return point !== undefined && verifyUnder(suite, { point, encoded: publicKey }, message, signature);
}

/** As {@link verifySignature}, under a key that is decoded already. */
export function verifyUnder(
  suite: Ciphersuite,
  key: Pick<SigningKey, 'point' | 'encoded'>,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { group } = suite;
  const split = signature.length - group.scalarBytes;
  const z = ifEncoded(() => group.decodeScalar(signature.slice(Math.max(split, 0))));
  if (z === undefined) return false;
  const commitment = signature.slice(0, split);
  const c = challenge(suite, commitment, key.encoded, message);
  // R = z·G − c·P
  const expected: Point = group.sumOfProducts([group.generator, key.point], [z, (group.order - c) % group.order]);
  if (group.isIdentity(expected) || (suite.evenY && !group.hasEvenY(expected))) return false;
  return equal(suite.encodePublic(expected), commitment);
}

function ifEncoded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}
