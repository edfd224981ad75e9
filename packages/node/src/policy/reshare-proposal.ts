import {
  type Certificate,
  certificateCodec,
  MAX_PARTIES,
  type Member,
  nameCodec,
  type Party,
  wire,
} from '@quorate/protocol';
import { tags } from '../tags.ts';
import { renewals } from './refresh-proposal.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

/** A member's proposal to give a key to another committee, or another threshold, signed by its node key. */
export interface ReshareProposal {
  /** The key's name. */
  readonly key: string;
  /** Of the epoch that is dealt from, the one in use: who joins knows nothing of the key. It names the network. */
  readonly base: Certificate;
  /** The number of this attempt: above every one before. */
  readonly epoch: number;
  /** Who deals, by the numbers of the base epoch: ascending, as many as must sign. */
  readonly dealers: readonly Party[];
  /** The new committee: parties 1..n and their nodes, ascending. */
  readonly members: readonly Member[];
  readonly threshold: number;
  /** Whether the proposer knowingly asks for a threshold below a majority: 1, else 0. */
  readonly lowThreshold: number;
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The proposing member's node key, 32 bytes. */
  readonly proposer: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

export const reshareProposals: SignedFormat<ReshareProposal, 'proposer'> = signedFormat(
  tags.reshareProposal,
  1,
  {
    what: wire.version(renewals.reshare),
    key: nameCodec,
    base: certificateCodec,
    epoch: wire.u48,
    dealers: wire.list(wire.u16, MAX_PARTIES),
    members: wire.list(wire.struct({ party: wire.u16, node: wire.fixed(32) }), MAX_PARTIES),
    threshold: wire.u16,
    lowThreshold: wire.u8,
    expires: wire.u48,
    proposer: wire.fixed(32),
    nonce: wire.fixed(32),
  },
  'proposer',
);
