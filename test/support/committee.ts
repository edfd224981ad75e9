import {
  type ActivationContext,
  keyIdOf,
  type NodeKey,
  type Party,
  type PublicPackage,
  pureEd25519,
  pureNodeKey,
  type SignatureScheme,
  toHex,
} from '@quorate/protocol';
import { toy } from '../../packages/protocol/src/groups/toy.ts';

/** Three members of a key in the toy group, with real node keys. */
export const network: Uint8Array = new Uint8Array(32).fill(7);
export const parties: readonly Party[] = [1, 2, 3];
const keys = new Map(parties.map((party) => [party, pureNodeKey(new Uint8Array(32).fill(party))]));

export function nodeKey(party: Party): NodeKey {
  return keys.get(party) as NodeKey;
}

/** The outcome of a ceremony; two transcripts make two outcomes. */
export function outcome(transcript: number, change: Partial<PublicPackage> = {}): PublicPackage {
  return {
    scheme: 'ed25519',
    keyId: keyIdOf(network, 'treasury'),
    name: 'treasury',
    purpose: 'payments',
    epoch: 1,
    baseEpoch: 0,
    threshold: 2,
    members: parties.map((party) => ({ party, node: nodeKey(party).publicKey })),
    groupKey: toy.multiplyBase(100n),
    verifyingShares: parties.map((party) => toy.multiplyBase(100n + 9n * BigInt(party))),
    chainCode: new Uint8Array(32).fill(1),
    tweak: { type: 'none', value: new Uint8Array(0) },
    policyHash: new Uint8Array(32).fill(2),
    transcript: new Uint8Array(32).fill(transcript),
    ...change,
  };
}

const answers = new Map<string, boolean>();

/** Real verification, each question asked once. */
const remembering: SignatureScheme = {
  name: 'noble',
  verify: (publicKey, message, signature) => {
    const question = [publicKey, message, signature].map(toHex).join();
    const answer = answers.get(question) ?? pureEd25519.verify(publicKey, message, signature);
    answers.set(question, answer);
    return answer;
  },
};

/** The activation of the first epoch at `me`. */
export function activationAt(me: Party): ActivationContext {
  const { keyId, epoch, members } = outcome(1);
  return { network, keyId, epoch, members, me, key: nodeKey(me), groupFor: () => toy, signatures: remembering };
}
