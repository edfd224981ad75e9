import {
  hash,
  MAX_PARTIES,
  type Member,
  type NodeKey,
  nameCodec,
  type Scheme,
  type SignatureScheme,
  schemeCodec,
  type Tweak,
  tweakCodec,
  wire,
} from '@quorate/protocol';
import { tags } from '../tags.ts';

/** What a key is to be, and who proposes it. */
export interface KeygenTerms {
  readonly network: Uint8Array;
  readonly name: string;
  readonly scheme: Scheme;
  readonly purpose: string;
  readonly threshold: number;
  /** Whether the proposer knowingly asks for a threshold below a majority: 1, else 0. */
  readonly lowThreshold: number;
  /** The committee: parties 1..n and their nodes, ascending. */
  readonly members: readonly Member[];
  readonly epoch: number;
  readonly tweak: Tweak;
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The proposing member's node key, 32 bytes. */
  readonly proposer: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
}

/** A member's proposal to make a key, signed by its node key; each node decides by its own `accept` rules. */
export interface KeygenProposal extends KeygenTerms {
  readonly signature: Uint8Array;
}

const KEYGEN_PROPOSAL_VERSION = 1;

/** The fields of {@link KeygenTerms}, in the order in which they are encoded. */
export const keygenTerms: { readonly [K in keyof KeygenTerms]: wire.Codec<KeygenTerms[K]> } = {
  network: wire.fixed(32),
  name: nameCodec,
  scheme: schemeCodec,
  purpose: nameCodec,
  threshold: wire.u16,
  lowThreshold: wire.u8,
  members: wire.list(wire.struct({ party: wire.u16, node: wire.fixed(32) }), MAX_PARTIES),
  epoch: wire.u48,
  tweak: tweakCodec,
  expires: wire.u48,
  proposer: wire.fixed(32),
  nonce: wire.fixed(32),
};

const statement = { version: wire.version(KEYGEN_PROPOSAL_VERSION), ...keygenTerms };

const statementCodec = wire.struct(statement);

export const keygenProposalCodec: wire.Codec<KeygenProposal> = wire.struct({
  ...statement,
  signature: wire.fixed(64),
}) as wire.Codec<KeygenProposal>;

/** Signs a proposal with the proposer's node key. */
export function propose(unsigned: Omit<KeygenProposal, 'signature' | 'proposer'>, key: NodeKey): KeygenProposal {
  const proposal = { ...unsigned, proposer: key.publicKey };
  return { ...proposal, signature: key.sign(proposalDigest(proposal)) };
}

/** Whether the proposer signed it. */
export function verifyProposal(proposal: KeygenProposal, signatures: SignatureScheme): boolean {
  return signatures.verify(proposal.proposer, proposalDigest(proposal), proposal.signature);
}

/** The hash of everything proposed, 32 bytes: what participants register for, and the id of the request. */
export function proposalDigest(proposal: Omit<KeygenProposal, 'signature'>): Uint8Array {
  return hash(tags.keygenProposal, wire.encode(statementCodec, { ...proposal, version: KEYGEN_PROPOSAL_VERSION }));
}
