import { hash, MAX_PARTIES, type NodeKey, nameCodec, type Party, type SignatureScheme, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';

/**
 * A member's request to be given back its lost share of an epoch, signed by its node key. It says which epoch by the certificate:
 * so whoever lost everything proves with it that the share was its own.
 */
export interface RepairProposal {
  readonly network: Uint8Array;
  /** The key's name. */
  readonly key: string;
  /** What certifies the epoch in use, encoded. */
  readonly certificate: Uint8Array;
  /** Who gives the share back: ascending, as many as must sign. */
  readonly helpers: readonly Party[];
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The node key, 32 bytes, of the member whose share is lost. */
  readonly proposer: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

const REPAIR_PROPOSAL_VERSION = 1;
/** A package of 100 members, READY of each, and as many approvals: under 32 KiB. */
const MAX_CERTIFICATE = 64 * 1024;

const statement = {
  version: wire.version(REPAIR_PROPOSAL_VERSION),
  network: wire.fixed(32),
  key: nameCodec,
  certificate: wire.bytes(MAX_CERTIFICATE),
  helpers: wire.list(wire.u16, MAX_PARTIES),
  expires: wire.u48,
  proposer: wire.fixed(32),
  nonce: wire.fixed(32),
};

const statementCodec = wire.struct(statement);

export const repairProposalCodec: wire.Codec<RepairProposal> = wire.struct({
  ...statement,
  signature: wire.fixed(64),
}) as wire.Codec<RepairProposal>;

/** Signs a proposal with the proposer's node key. */
export function proposeRepair(unsigned: Omit<RepairProposal, 'signature' | 'proposer'>, key: NodeKey): RepairProposal {
  const proposal = { ...unsigned, proposer: key.publicKey };
  return { ...proposal, signature: key.sign(repairDigest(proposal)) };
}

/** Whether the proposer signed it. */
export function verifyRepair(proposal: RepairProposal, signatures: SignatureScheme): boolean {
  return signatures.verify(proposal.proposer, repairDigest(proposal), proposal.signature);
}

/** The hash of everything proposed, 32 bytes: what participants register for, and the id of the request. */
export function repairDigest(proposal: Omit<RepairProposal, 'signature'>): Uint8Array {
  return hash(tags.repairProposal, wire.encode(statementCodec, { ...proposal, version: REPAIR_PROPOSAL_VERSION }));
}
