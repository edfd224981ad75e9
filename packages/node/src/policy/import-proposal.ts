import { hash, type NodeKey, type SignatureScheme, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type KeygenTerms, keygenTerms } from './keygen-proposal.ts';

/** A member's proposal to share out a key that it knows, signed by its node key. Every node decides as about a new key. */
export interface ImportProposal extends KeygenTerms {
  /** The key's point, encoded and untweaked: what everybody holds the dealer to. */
  readonly groupKey: Uint8Array;
  /** Of BIP-32, 32 bytes. */
  readonly chainCode: Uint8Array;
  readonly signature: Uint8Array;
}

const IMPORT_PROPOSAL_VERSION = 1;

const statement = {
  version: wire.version(IMPORT_PROPOSAL_VERSION),
  ...keygenTerms,
  groupKey: wire.bytes(33),
  chainCode: wire.fixed(32),
};

const statementCodec = wire.struct(statement);

export const importProposalCodec: wire.Codec<ImportProposal> = wire.struct({
  ...statement,
  signature: wire.fixed(64),
}) as wire.Codec<ImportProposal>;

/** The policy hash of keys that were imported: it is in their certified packages, and no renewal changes it. */
export const importedPolicy: Uint8Array = hash(tags.importedPolicy);

/** Signs a proposal with the proposer's node key. */
export function proposeImport(unsigned: Omit<ImportProposal, 'signature' | 'proposer'>, key: NodeKey): ImportProposal {
  const proposal = { ...unsigned, proposer: key.publicKey };
  return { ...proposal, signature: key.sign(importDigest(proposal)) };
}

/** Whether the proposer signed it. */
export function verifyImport(proposal: ImportProposal, signatures: SignatureScheme): boolean {
  return signatures.verify(proposal.proposer, importDigest(proposal), proposal.signature);
}

/** The hash of everything proposed, 32 bytes: what participants register for, and the id of the request. */
export function importDigest(proposal: Omit<ImportProposal, 'signature'>): Uint8Array {
  return hash(tags.importProposal, wire.encode(statementCodec, { ...proposal, version: IMPORT_PROPOSAL_VERSION }));
}
