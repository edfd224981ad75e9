import { concat, equal, fromBytesBE, toBytesBE } from '../bytes.ts';
import { liftX, xOnly } from '../derivation/taproot.ts';
import { EncodingError, type Group, type Point } from '../groups/group.ts';
import { primeField } from '../sharing/field.ts';
import { SCALAR_BYTES } from './suite.ts';

/** ECDSA (SEC 1 §4.1) over the group seam: what a threshold signature is checked with, and the forms it is given out in. */
export interface EcdsaPair {
  /** In [1, q). */
  readonly r: bigint;
  readonly s: bigint;
}

/** A signature of ours: s is low, and r and s together with the recovery id tell the key. */
export interface EcdsaSignature extends EcdsaPair {
  /** Bit 0: the nonce's y is odd. Bit 1: its x is not below q. */
  readonly recovery: number;
}

/** Two integers of 33 bytes, each behind two bytes, and two more. */
const MAX_DER = 72;

/** The leftmost 256 bits of a digest, modulo the order. */
export function digestScalar({ order }: Group, digest: Uint8Array): bigint {
  return fromBytesBE(digest.subarray(0, SCALAR_BYTES)) % order;
}

/** r of a nonce: its x modulo the order. @param nonce not the identity */
export function nonceX(group: Group, nonce: Point): bigint {
  return xOf(group, nonce) % group.order;
}

/**
 * The signature whose nonce is `nonce`, with the lower of the two s: the other one belongs to the negated nonce.
 * @param nonce not the identity
 */
export function signatureOf(group: Group, nonce: Point, s: bigint): EcdsaSignature {
  const { order } = group;
  const x = xOf(group, nonce);
  const recovery = (group.hasEvenY(nonce) ? 0 : 1) | (x >= order ? 2 : 0);
  const r = x % order;
  return isLow(group, s) ? { r, s, recovery } : { r, s: order - s, recovery: recovery ^ 1 };
}

/** Whether s is the lower one of its two values, the only one that Bitcoin and Ethereum take. */
export function isLow({ order }: Group, s: bigint): boolean {
  return s <= order / 2n;
}

/** SEC 1 §4.1.4. Either s verifies: see {@link isLow}. */
export function verifyEcdsa(group: Group, key: Point, digest: Uint8Array, signature: EcdsaPair): boolean {
  const nonce = nonceOf(group, key, digest, signature);
  return nonce !== undefined && nonceX(group, nonce) === signature.r;
}

/**
 * Whether it verifies under `key`, has the low s, and gives back that key: the point that verification ends with is the one
 * that recovery starts from, so that one computation tells both.
 */
export function verifyRecoverable(group: Group, key: Point, digest: Uint8Array, signature: EcdsaSignature): boolean {
  const nonce = nonceOf(group, key, digest, signature);
  if (nonce === undefined) return false;
  const { r, s, recovery } = signatureOf(group, nonce, signature.s);
  return r === signature.r && s === signature.s && recovery === signature.recovery;
}

/** The key under which the signature verifies (SEC 1 §4.1.6), if there is one. */
export function recoverKey(group: Group, digest: Uint8Array, { r, s, recovery }: EcdsaSignature): Point | undefined {
  const { order } = group;
  const field = primeField(order);
  if (!inRange(group, r) || !inRange(group, s) || (recovery & ~3) !== 0) return undefined;
  const nonce = tryLift(group, r + (recovery & 2 ? order : 0n));
  if (nonce === undefined) return undefined;
  const inverse = field.invert(r);
  const factors = [field.multiply(s, inverse), field.multiply(-digestScalar(group, digest), inverse)];
  const key = group.sumOfProducts([recovery & 1 ? group.negate(nonce) : nonce, group.generator], factors);
  return group.isIdentity(key) ? undefined : key;
}

/** r ‖ s, 64 bytes. */
export function encodeCompact({ r, s }: EcdsaPair): Uint8Array {
  return concat(toBytesBE(r, SCALAR_BYTES), toBytesBE(s, SCALAR_BYTES));
}

/** @throws {EncodingError} on another length, and unless r and s are in [1, q) */
export function decodeCompact(group: Group, bytes: Uint8Array): EcdsaPair {
  if (bytes.length !== 2 * SCALAR_BYTES) throw new EncodingError('a compact signature has 64 bytes');
  return checked(group, fromBytesBE(bytes.subarray(0, SCALAR_BYTES)), fromBytesBE(bytes.subarray(SCALAR_BYTES)));
}

/** The DER encoding of SEC 1 §C.8: a sequence of two integers, 8 to 72 bytes. */
export function encodeDer({ r, s }: EcdsaPair): Uint8Array {
  const body = concat(derInteger(r), derInteger(s));
  return concat(Uint8Array.of(0x30, body.length), body);
}

/** Strict: what {@link encodeDer} writes, and nothing else. @throws {EncodingError} */
export function decodeDer(group: Group, bytes: Uint8Array): EcdsaPair {
  if (bytes.length > MAX_DER) throw new EncodingError(`over ${MAX_DER} bytes`);
  const end = 4 + (bytes[3] ?? 0);
  const pair = checked(group, fromBytesBE(bytes.subarray(4, end)), fromBytesBE(bytes.subarray(end + 2)));
  if (!equal(encodeDer(pair), bytes)) throw new EncodingError('not the DER encoding of a signature');
  return pair;
}

/** As short as it can be with its first bit, the sign, not set. */
function derInteger(value: bigint): Uint8Array {
  const bytes = toBytesBE(value, SCALAR_BYTES + 1);
  const start = bytes.findIndex((byte, i) => byte !== 0 || (bytes[i + 1] as number) >= 0x80);
  return concat(Uint8Array.of(0x02, bytes.length - start), bytes.subarray(start));
}

/** u₁G + u₂Q; undefined if the signature cannot be one. */
function nonceOf(group: Group, key: Point, digest: Uint8Array, { r, s }: EcdsaPair): Point | undefined {
  if (!inRange(group, r) || !inRange(group, s)) return undefined;
  const field = primeField(group.order);
  const inverse = field.invert(s);
  const factors = [field.multiply(digestScalar(group, digest), inverse), field.multiply(r, inverse)];
  const nonce = group.sumOfProducts([group.generator, key], factors);
  return group.isIdentity(nonce) ? undefined : nonce;
}

/** The affine x, which a point and its negative share. */
function xOf(group: Group, point: Point): bigint {
  return fromBytesBE(xOnly(group, point));
}

function tryLift(group: Group, x: bigint): Point | undefined {
  if (x >> BigInt(8 * SCALAR_BYTES) !== 0n) return undefined;
  try {
    return liftX(group, toBytesBE(x, SCALAR_BYTES));
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}

function inRange({ order }: Group, value: bigint): boolean {
  return value > 0n && value < order;
}

function checked(group: Group, r: bigint, s: bigint): EcdsaPair {
  if (!inRange(group, r) || !inRange(group, s)) throw new EncodingError('r and s are in [1, q)');
  return { r, s };
}
