import { hash, MAX_PARTIES, type NodeKey, nameCodec, type Party, type SignatureScheme, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';

/** A member's request that the private key be put together at its node, signed by its node key. */
export interface ExportProposal {
  readonly network: Uint8Array;
  /** The key's name. */
  readonly key: string;
  readonly epoch: number;
  /** What READY of the epoch signs for, 32 bytes. */
  readonly digest: Uint8Array;
  /** Whose shares come together: ascending, as many as must sign, who asks among them. */
  readonly signers: readonly Party[];
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The asking member's node key, 32 bytes. */
  readonly proposer: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

const EXPORT_PROPOSAL_VERSION = 1;

const statement = {
  version: wire.version(EXPORT_PROPOSAL_VERSION),
  network: wire.fixed(32),
  key: nameCodec,
  epoch: wire.u48,
  digest: wire.fixed(32),
  signers: wire.list(wire.u16, MAX_PARTIES),
  expires: wire.u48,
  proposer: wire.fixed(32),
  nonce: wire.fixed(32),
};

const statementCodec = wire.struct(statement);

export const exportProposalCodec: wire.Codec<ExportProposal> = wire.struct({
  ...statement,
  signature: wire.fixed(64),
}) as wire.Codec<ExportProposal>;

/** Signs a proposal with the proposer's node key. */
export function proposeExport(unsigned: Omit<ExportProposal, 'signature' | 'proposer'>, key: NodeKey): ExportProposal {
  const proposal = { ...unsigned, proposer: key.publicKey };
  return { ...proposal, signature: key.sign(exportDigest(proposal)) };
}

/** Whether the proposer signed it. */
export function verifyExport(proposal: ExportProposal, signatures: SignatureScheme): boolean {
  return signatures.verify(proposal.proposer, exportDigest(proposal), proposal.signature);
}

/** The hash of everything proposed, 32 bytes: what participants register for, and the id of the request. */
export function exportDigest(proposal: Omit<ExportProposal, 'signature'>): Uint8Array {
  return hash(tags.exportProposal, wire.encode(statementCodec, { ...proposal, version: EXPORT_PROPOSAL_VERSION }));
}
