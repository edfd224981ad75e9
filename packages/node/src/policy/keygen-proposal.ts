import {
  MAX_PARTIES,
  type Member,
  nameCodec,
  type Scheme,
  schemeCodec,
  type Tweak,
  tweakCodec,
  wire,
} from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

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

export const keygenProposals: SignedFormat<KeygenProposal, 'proposer'> = signedFormat(
  tags.keygenProposal,
  1,
  { ...keygenTerms },
  'proposer',
);
