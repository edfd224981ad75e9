import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, equal, fromBytesLE } from '../bytes.ts';
import { Secret } from '../secret.ts';
import { sha512 } from './hash.ts';

/** Signatures of nodes: what makes a message evidence. */
export interface SignatureScheme {
  readonly name: string;
  /** Strict, and never throws: bytes that are no key or no signature are simply not valid. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** SHA-256 by the same library, for the long messages that are hashed before they are verified. Default: in JavaScript. */
  readonly sha256?: (message: Uint8Array) => Uint8Array;
}

/** The signing key of a node. */
export interface NodeKey {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
  /** As {@link SignatureScheme.sha256}. */
  readonly sha256?: (message: Uint8Array) => Uint8Array;
}

const { Point } = ed25519;
const fieldPrime = Point.Fp.ORDER;
const signBit = 1n << 255n;
const orderEight = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const smallOrder: ReadonlySet<bigint> = new Set([0n, 1n, fieldPrime - 1n, orderEight, fieldPrime - orderEight]);

/**
 * Whether key and signature of Ed25519 have their lengths and neither the key nor the signature's R is non-canonical
 * (y ≥ p) or one of the eight points of small order: such a key has one signature for many messages. Both twins ask this
 * first, because libraries differ on it.
 */
export function isStrict(publicKey: Uint8Array, signature: Uint8Array): boolean {
  return (
    publicKey.length === 32 && signature.length === 64 && [publicKey, signature.subarray(0, 32)].every(isLargeOrder)
  );
}

function isLargeOrder(encoded: Uint8Array): boolean {
  const y = fromBytesLE(encoded) & (signBit - 1n);
  return y < fieldPrime && !smallOrder.has(y);
}

/**
 * Ed25519 (RFC 8032 §5.1.7) in JavaScript: strict encodings ({@link isStrict}), S below the order, and the
 * equation without the cofactor, R = S·B − k·A compared as bytes. That is what OpenSSL computes; noble's own `verify` multiplies by the
 * cofactor and so accepts, for keys with a torsion part, signatures that the native twin refuses. Whether a message is
 * evidence must not depend on who looks.
 */
export const pureEd25519: SignatureScheme = {
  name: 'noble',
  verify: (publicKey, message, signature) => {
    if (!isStrict(publicKey, signature)) return false;
    const commitment = signature.subarray(0, 32);
    const response = fromBytesLE(signature.subarray(32));
    if (response >= Point.Fn.ORDER) return false;
    const key = decodeKey(publicKey);
    if (key === undefined) return false;
    const challenge = fromBytesLE(sha512(concat(commitment, publicKey, message))) % Point.Fn.ORDER;
    const expected = Point.BASE.multiplyUnsafe(response).add(key.negate().multiplyUnsafe(challenge));
    return equal(expected.toBytes(), commitment);
  },
};

function decodeKey(publicKey: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(publicKey);
  } catch {
    return undefined;
  }
}

/** An Ed25519 node key from its 32-byte seed, which is copied. */
export function pureNodeKey(seed: Uint8Array): NodeKey {
  const secret = new Secret(seed.slice());
  return {
    publicKey: secret.use((bytes) => ed25519.getPublicKey(bytes)),
    sign: (message) => secret.use((bytes) => ed25519.sign(message, bytes)),
  };
}
