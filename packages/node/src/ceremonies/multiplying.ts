import { type Court, dkls23, equal, type Party, type PublicPackage, type Scheme, type Secret } from '@quorate/protocol';
import { epochOf } from './packages.ts';
import type { Workshop } from './task.ts';

/** Parties of an ECDSA key with which this node does not multiply now: banned, or nothing is set up with them. */
export function apartFrom(
  { epoch, keyId, members }: Pick<PublicPackage, 'epoch' | 'keyId' | 'members'>,
  { bans, key, keys }: Pick<Workshop, 'bans' | 'key' | 'keys'>,
): readonly Party[] {
  const { material = [] } = epochOf(keys.get(keyId), epoch) ?? {};
  const others = members.filter(({ node }) => !equal(node, key.publicKey));
  return others.filter(({ party, node }) => bans.has(node) || !material.includes(party)).map(({ party }) => party);
}

/** A protocol after whose rounds the parties of an ECDSA key set up, in the same session, what they multiply with. */
export function withPairSetup(
  { rounds, rules }: Pick<Court, 'rounds' | 'rules'>,
  scheme: Scheme,
  parameters: Omit<dkls23.PairSetupParameters, 'suite'>,
): Pick<Court, 'rounds' | 'rules'> {
  if (scheme !== 'ecdsa') return { rounds, rules };
  const { group, members } = parameters;
  const suite = dkls23.suiteA;
  return {
    rounds: [...rounds, ...dkls23.pairSetupRounds(group, suite, members.length)],
    rules: { ...rules, ...dkls23.pairSetupRules({ ...parameters, suite }, rounds.length) },
  };
}

/** Copies of what was set up with these parties, for a job to wipe; nothing of those with whom nothing is set up any more. */
export async function materialWith(
  peers: readonly Party[],
  { epoch, keyId }: Pick<PublicPackage, 'epoch' | 'keyId'>,
  { keys }: Pick<Workshop, 'keys'>,
): Promise<ReadonlyMap<Party, Uint8Array>> {
  const material = new Map<Party, Uint8Array>();
  for (const party of peers) {
    using pair = await keys.materials.get(keyId, epoch, party);
    if (pair !== undefined) material.set(party, copyOf(pair));
  }
  return material;
}

/** For a job, which wipes it. */
export function copyOf(secret: Secret): Uint8Array {
  return secret.use((bytes) => bytes.slice());
}
