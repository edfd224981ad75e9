import { hash, MAX_PARTIES, type NodeKey, nameCodec, type Party, type SignatureScheme, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';

/**
 * A member's proposal to deal the shares of a key anew to the same committee, signed by its node key. It has neither members nor
 * a threshold: a refresh changes nothing but the shares.
 */
export interface RefreshProposal {
  readonly network: Uint8Array;
  /** The key's name. */
  readonly key: string;
  /** The epoch that is dealt from: the one in use. */
  readonly baseEpoch: number;
  /** The number of this attempt: above every one before. */
  readonly epoch: number;
  /** Who deals: ascending, as many as must sign. */
  readonly dealers: readonly Party[];
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The proposing member's node key, 32 bytes. */
  readonly proposer: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

const REFRESH_PROPOSAL_VERSION = 1;

/** What is proposed, in the byte after the version. */
export const renewals = { refresh: 1, reshare: 2 } as const;

const statement = {
  version: wire.version(REFRESH_PROPOSAL_VERSION),
  what: wire.version(renewals.refresh),
  network: wire.fixed(32),
  key: nameCodec,
  baseEpoch: wire.u48,
  epoch: wire.u48,
  dealers: wire.list(wire.u16, MAX_PARTIES),
  expires: wire.u48,
  proposer: wire.fixed(32),
  nonce: wire.fixed(32),
};

const statementCodec = wire.struct(statement);

export const refreshProposalCodec: wire.Codec<RefreshProposal> = wire.struct({
  ...statement,
  signature: wire.fixed(64),
}) as wire.Codec<RefreshProposal>;

/** Signs a proposal with the proposer's node key. */
export function proposeRefresh(
  unsigned: Omit<RefreshProposal, 'signature' | 'proposer'>,
  key: NodeKey,
): RefreshProposal {
  const proposal = { ...unsigned, proposer: key.publicKey };
  return { ...proposal, signature: key.sign(refreshDigest(proposal)) };
}

/** Whether the proposer signed it. */
export function verifyRefresh(proposal: RefreshProposal, signatures: SignatureScheme): boolean {
  return signatures.verify(proposal.proposer, refreshDigest(proposal), proposal.signature);
}

/** The hash of everything proposed, 32 bytes: what participants register for, and the id of the request. */
export function refreshDigest(proposal: Omit<RefreshProposal, 'signature'>): Uint8Array {
  return hash(
    tags.refreshProposal,
    wire.encode(statementCodec, { ...proposal, version: REFRESH_PROPOSAL_VERSION, what: renewals.refresh }),
  );
}
