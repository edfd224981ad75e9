import { MAX_PARTIES, nameCodec, type Party, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

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

/** A package of 100 members, READY of each, and as many approvals: under 32 KiB. */
const MAX_CERTIFICATE = 64 * 1024;

export const repairProposals: SignedFormat<RepairProposal, 'proposer'> = signedFormat(
  tags.repairProposal,
  1,
  {
    network: wire.fixed(32),
    key: nameCodec,
    certificate: wire.bytes(MAX_CERTIFICATE),
    helpers: wire.list(wire.u16, MAX_PARTIES),
    expires: wire.u48,
    proposer: wire.fixed(32),
    nonce: wire.fixed(32),
  },
  'proposer',
);
