import { ascii, concat, fromBytesBE } from '../bytes.ts';
import { EncodingError, type Group, type Point } from '../groups/group.ts';
import type { Tweak } from '../keys.ts';
import { sha256 } from '../primitives/hash.ts';

/**
 * From the key that is shared to the key that verifiers see: the discrete logarithm of `point` is factor·s + offset, where
 * s is that of the shared key. As Lagrange weights sum to one, the same map takes each share to the share that signs.
 */
export interface OutputKey {
  readonly point: Point;
  /** 1, or −1 modulo the order. */
  readonly factor: bigint;
  readonly offset: bigint;
}

/** The tagged hash of BIP-340. @returns 32 bytes */
export function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const tagHash = sha256(ascii(tag));
  return sha256(concat(tagHash, tagHash, ...parts));
}

/** The x of a point, which stands for the point of even y (BIP-340). @returns 32 bytes */
export function xOnly(group: Group, point: Point): Uint8Array {
  return group.encodePoint(evenY(group, point)).slice(-32);
}

/** The point of even y with this x (BIP-340 lift_x). @throws {EncodingError} */
export function liftX(group: Group, x: Uint8Array): Point {
  const prefix = new Uint8Array(group.pointBytes - 32).fill(2);
  const point = group.decodePoint(concat(prefix, x));
  if (!group.hasEvenY(point)) throw new EncodingError('not the x of a point of even y');
  return point;
}

/**
 * t of BIP-341: by how much the output key is moved. The internal key counts by its x alone.
 * @param root the Merkle root, 32 bytes, or empty for a key without scripts
 * @throws {RangeError} if the hash is not below the order, which happens once in 2^127 keys: BIP-341 has no such key
 */
export function tapTweak(group: Group, internalKey: Point, root: Uint8Array): bigint {
  const t = fromBytesBE(taggedHash('TapTweak', xOnly(group, internalKey), root));
  if (t >= group.order) throw new RangeError('the tweak is not below the order');
  return t;
}

/**
 * The Taproot output key of an internal key (BIP-341), of even y whatever the parity of what it comes from. Records hold
 * internal keys, so nothing is ever tweaked twice.
 * @throws {RangeError} if the tweak takes the key to the identity or has no value: BIP-341 has no such key
 */
export function taprootKey(group: Group, internalKey: Point, tweak: Tweak): OutputKey {
  const { order } = group;
  const internalSign = sign(group, internalKey);
  const t = tweak.type === 'none' ? 0n : tapTweak(group, internalKey, tweak.value);
  const moved = group.add(evenY(group, internalKey), group.multiplyBase(t));
  if (group.isIdentity(moved)) throw new RangeError('the tweak takes the key to the identity');
  const outputSign = sign(group, moved);
  return {
    point: evenY(group, moved),
    factor: (internalSign * outputSign) % order,
    offset: (t * outputSign) % order,
  };
}

function evenY(group: Group, point: Point): Point {
  return group.hasEvenY(point) ? point : group.negate(point);
}

function sign(group: Group, point: Point): bigint {
  return group.hasEvenY(point) ? 1n : group.order - 1n;
}
