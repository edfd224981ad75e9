import { MAX_PARTIES, nameCodec, type Party, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

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

/** What is proposed, in the byte after the version. */
export const renewals = { refresh: 1, reshare: 2 } as const;

export const refreshProposals: SignedFormat<RefreshProposal, 'proposer'> = signedFormat(
  tags.refreshProposal,
  1,
  {
    what: wire.version(renewals.refresh),
    network: wire.fixed(32),
    key: nameCodec,
    baseEpoch: wire.u48,
    epoch: wire.u48,
    dealers: wire.list(wire.u16, MAX_PARTIES),
    expires: wire.u48,
    proposer: wire.fixed(32),
    nonce: wire.fixed(32),
  },
  'proposer',
);
