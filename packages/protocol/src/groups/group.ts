/**
 * The seam over curve libraries. A protocol sees a group of prime order, written additively, whose points are opaque:
 * only the backend that made a point can look inside it, and every point that came from outside was checked when decoded.
 */

declare const opaque: unique symbol;

/** An element of the prime-order group, possibly the identity; made by {@link Group} methods only. */
export interface Point {
  readonly [opaque]: 'point';
}

export type GroupName = 'ed25519' | 'secp256k1' | 'toy';

export interface Group {
  readonly name: GroupName;
  /** Which library computes: `noble`, `libsodium`, `toy`. Shown by `quorate status`. */
  readonly backend: string;
  /** The prime order q. Scalars are integers in [0, q). */
  readonly order: bigint;
  /** Encoded sizes, in bytes. */
  readonly pointBytes: number;
  readonly scalarBytes: number;
  readonly generator: Point;
  readonly identity: Point;

  add(a: Point, b: Point): Point;
  negate(a: Point): Point;
  /** k·P. Fit for a secret k, as far as the backend's own promises go; k = 0 gives the identity. */
  multiply(point: Point, scalar: bigint): Point;
  /** k·G. Fit for a secret k. */
  multiplyBase(scalar: bigint): Point;
  /** Σ kᵢ·Pᵢ in variable time: public values only. Lists of equal length; the empty sum is the identity. */
  sumOfProducts(points: readonly Point[], scalars: readonly bigint[]): Point;
  equals(a: Point, b: Point): boolean;
  isIdentity(a: Point): boolean;
  /** Whether the affine y is even: what BIP-340 calls the sign. Only where the group has it (secp256k1). */
  hasEvenY(a: Point): boolean;
  /**
   * A point whose logarithm nobody knows (RFC 9380, hash_to_curve of the curve's random-oracle suite): second generators,
   * oblivious transfer. In the toy group every logarithm is known.
   * @param tag the domain-separation tag, from `tags.ts`
   */
  hashToGroup(tag: string, message: Uint8Array): Point;

  /** The canonical encoding; the identity has none. @throws {EncodingError} */
  encodePoint(point: Point): Uint8Array;
  /**
   * Strict: exact length, canonical, on the curve, in the prime-order subgroup, not the identity.
   * @throws {EncodingError}
   */
  decodePoint(bytes: Uint8Array): Point;
  /** Little-endian for ed25519 (RFC 8032), big-endian for secp256k1 (SEC 1). `scalar` must be in [0, q). */
  encodeScalar(scalar: bigint): Uint8Array;
  /** Strict: exact length and below the order; zero is allowed. @throws {EncodingError} */
  decodeScalar(bytes: Uint8Array): bigint;
  /** A scalar from a uniform string of at least 48 bytes, by wide reduction in the group's byte order. */
  reduceScalar(bytes: Uint8Array): bigint;
}

/** Bytes that do not encode what they should. Whoever sent them signed them: the layer above names the culprit. */
export class EncodingError extends Error {
  override readonly name = 'EncodingError';
  readonly code = 'encoding';
}
