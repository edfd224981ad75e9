import { MAX_PARTIES, nameCodec, type Party, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

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

export const exportProposals: SignedFormat<ExportProposal, 'proposer'> = signedFormat(
  tags.exportProposal,
  1,
  {
    network: wire.fixed(32),
    key: nameCodec,
    epoch: wire.u48,
    digest: wire.fixed(32),
    signers: wire.list(wire.u16, MAX_PARTIES),
    expires: wire.u48,
    proposer: wire.fixed(32),
    nonce: wire.fixed(32),
  },
  'proposer',
);
