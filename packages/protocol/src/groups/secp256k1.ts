import { secp256k1 as curve, secp256k1_hasher } from '@noble/curves/secp256k1.js';
import type { Group } from './group.ts';
import { nobleGroup } from './noble.ts';

/** secp256k1 (SEC 2), with compressed points of 33 bytes. */
export const secp256k1: Group = nobleGroup({
  name: 'secp256k1',
  Point: curve.Point,
  pointBytes: 33,
  endian: 'big',
  hasEvenY: (point) => (point.y & 1n) === 0n,
  hashToCurve: secp256k1_hasher.hashToCurve,
});
