import type { Secret } from '@quorate/protocol';

/** What a ceremony made, to be kept before READY is signed. */
export interface PreparedEpoch {
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  /** The attempt's number, above every earlier one of this key. */
  readonly epoch: number;
  readonly name: string;
  readonly scheme: string;
  readonly publicPackage: Uint8Array;
  /** Stays the caller's. */
  readonly share: Secret;
  /** What was set up with each other party, where the scheme needs that (ECDSA); stays the caller's. */
  readonly material?: Material | undefined;
  /** The digest, 32 bytes, of the READY statement. Keeping it here before READY is signed makes it the only one. */
  readonly ready: Uint8Array;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** An epoch of which this node has no share. `ready` is the digest of its package. */
export type OutsideEpoch = Omit<PreparedEpoch, 'share' | 'material'>;

/** An epoch in use whose share was lost here, with the share that others gave back. */
export interface RepairedEpoch extends Omit<PreparedEpoch, 'material'> {
  /** What certifies the public package: the caller has verified it. */
  readonly certificate: Uint8Array;
}

/** What was set up with other parties of an epoch, by party. */
export type Material = ReadonlyMap<number, Secret>;

/** Throws if the share does not belong to the public package: share·G against the verifying share. */
export type ShareCheck = (share: Secret, publicPackage: Uint8Array) => void;
