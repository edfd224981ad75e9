import { ed25519 as curve, ed25519_hasher } from '@noble/curves/ed25519.js';
import type { Group } from './group.ts';
import { nobleGroup } from './noble.ts';

/** The prime-order subgroup of edwards25519 (RFC 8032). Noble's `fromBytes` is strict: y < p and no negative zero. */
export const ed25519: Group = nobleGroup({
  name: 'ed25519',
  Point: curve.Point,
  pointBytes: 32,
  endian: 'little',
  hasEvenY: () => {
    throw new TypeError('ed25519 has no even-y convention');
  },
  hashToCurve: ed25519_hasher.hashToCurve,
});
