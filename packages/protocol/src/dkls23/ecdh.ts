import type { Group, Point } from '../groups/group.ts';

/** The length of an x-coordinate, and of what stands for one in the toy group. */
const X_BYTES = 32;

/**
 * Diffie-Hellman that tells the x-coordinate only, for secret scalars. The other side of a base transfer picks the points,
 * so this is where timing would tell a secret: the native twin is meant to be constant time, the pure one as far as bigints
 * are.
 */
export interface EcdhX {
  /** Which library computes. */
  readonly name: string;
  /** The x-coordinates of scalar·P, 32 bytes big-endian, for each P. No point is the identity, nor is the scalar zero. */
  sharedX(scalar: bigint, points: readonly Point[]): readonly Uint8Array[];
}

/** By the group's own multiplication. */
export function pureEcdh(group: Group): EcdhX {
  return {
    name: group.backend,
    sharedX: (scalar, points) =>
      // SEC 1: the sign of y, if the encoding has it, comes before x.
      points.map((point) => group.encodePoint(group.multiply(point, scalar)).slice(-X_BYTES)),
  };
}
