import { hash, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type KeygenTerms, keygenTerms } from './keygen-proposal.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

/** A member's proposal to share out a key that it knows, signed by its node key. Every node decides as about a new key. */
export interface ImportProposal extends KeygenTerms {
  /** The key's point, encoded and untweaked: what everybody holds the dealer to. */
  readonly groupKey: Uint8Array;
  /** Of BIP-32, 32 bytes. */
  readonly chainCode: Uint8Array;
  readonly signature: Uint8Array;
}

export const importProposals: SignedFormat<ImportProposal, 'proposer'> = signedFormat(
  tags.importProposal,
  1,
  {
    ...keygenTerms,
    groupKey: wire.bytes(33),
    chainCode: wire.fixed(32),
  },
  'proposer',
);

/** The policy hash of keys that were imported: it is in their certified packages, and no renewal changes it. */
export const importedPolicy: Uint8Array = hash(tags.importedPolicy);
