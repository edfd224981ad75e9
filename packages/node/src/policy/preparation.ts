import { type CeremonyKind, kinds, MAX_PARTIES, type NodeKey, nameCodec, type Party, wire } from '@quorate/protocol';
import { tags } from '../tags.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

/** What parties of an ECDSA key prepare among themselves, so that later signatures are possible, or quick. */
export type PreparationKind = Extract<CeremonyKind, 'pairs' | 'presign'>;

/** A party's proposal to prepare something with others, signed by its node key. No client is asked: nothing is signed by it. */
export interface Preparation {
  readonly network: Uint8Array;
  /** A member of `kinds`: of one kind, it is not taken for another. */
  readonly kind: number;
  /** The key's name. */
  readonly key: string;
  readonly epoch: number;
  /** Who takes part, all of them: ascending, the proposer among them. */
  readonly parties: readonly Party[];
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The proposing node's key, 32 bytes. */
  readonly proposer: Uint8Array;
  /** 32 fresh bytes. */
  readonly nonce: Uint8Array;
  readonly signature: Uint8Array;
}

export const preparations: SignedFormat<Preparation, 'proposer'> = signedFormat(
  tags.preparation,
  1,
  {
    network: wire.fixed(32),
    kind: wire.u8,
    key: nameCodec,
    epoch: wire.u48,
    parties: wire.list(wire.u16, MAX_PARTIES),
    expires: wire.u48,
    proposer: wire.fixed(32),
    nonce: wire.fixed(32),
  },
  'proposer',
);

/** Signs a proposal with the proposer's node key. */
export function proposePreparation(
  kind: PreparationKind,
  unsigned: Omit<Preparation, 'kind' | 'signature' | 'proposer'>,
  key: NodeKey,
): Preparation {
  return preparations.sign({ ...unsigned, kind: kinds[kind] }, key);
}
