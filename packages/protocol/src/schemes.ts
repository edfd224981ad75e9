import type { Group } from './groups/group.ts';

/** What a key signs with. The names are the same in every command, file, message and document. */
export type Scheme = 'ed25519' | 'taproot' | 'ecdsa';

export const schemes: readonly Scheme[] = ['ed25519', 'taproot', 'ecdsa'];

/** The groups in use, each on the backend chosen at start. */
export interface Groups {
  readonly ed25519: Group;
  readonly secp256k1: Group;
}

/** The group in which a scheme's shares live. */
export function groupOf(scheme: Scheme, groups: Groups): Group {
  return scheme === 'ed25519' ? groups.ed25519 : groups.secp256k1;
}
