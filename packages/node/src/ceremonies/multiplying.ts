import { equal, type Party, type PublicPackage, type Secret } from '@quorate/protocol';
import type { Workshop } from './task.ts';

/** Parties of an ECDSA key with which this node does not multiply now: banned, or nothing is set up with them. */
export function apartFrom(
  { epoch, keyId, members }: Pick<PublicPackage, 'epoch' | 'keyId' | 'members'>,
  { bans, key, keys }: Pick<Workshop, 'bans' | 'key' | 'keys'>,
): readonly Party[] {
  const { epochs = [] } = keys.get(keyId) ?? {};
  const { material = [] } = epochs.find((one) => one.epoch === epoch) ?? {};
  const others = members.filter(({ node }) => !equal(node, key.publicKey));
  return others.filter(({ party, node }) => bans.has(node) || !material.includes(party)).map(({ party }) => party);
}

/** Copies of what was set up with these parties, for a job to wipe; nothing of those with whom nothing is set up any more. */
export async function materialWith(
  peers: readonly Party[],
  { epoch, keyId }: Pick<PublicPackage, 'epoch' | 'keyId'>,
  { keys }: Pick<Workshop, 'keys'>,
): Promise<ReadonlyMap<Party, Uint8Array>> {
  const material = new Map<Party, Uint8Array>();
  for (const party of peers) {
    using pair = await keys.material(keyId, epoch, party);
    if (pair !== undefined) material.set(party, copyOf(pair));
  }
  return material;
}

/** For a job, which wipes it. */
export function copyOf(secret: Secret): Uint8Array {
  return secret.use((bytes) => bytes.slice());
}
