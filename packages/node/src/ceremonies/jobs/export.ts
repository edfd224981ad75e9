import { groupOf, type Party, type Protocol, renewal, type Scheme, Secret } from '@quorate/protocol';
import { publicPackageOf } from '../packages.ts';
import { decodeReceiveKeys } from './pairs.ts';
import type { JobTools, Receiver } from './tools.ts';

/** The part of one participant in an export. */
export interface ExportJob extends Receiver {
  readonly scheme: Scheme;
  /** Encoded: of the epoch in use. */
  readonly publicPackage: Uint8Array;
  readonly signers: readonly Party[];
  readonly asker: Party;
  /** The job wipes it. */
  readonly share: Uint8Array;
}

/** The private key, big-endian, at who asks; whoever takes it wipes it. */
export interface Exported {
  readonly key: Uint8Array | undefined;
}

/** Gives a share away, or puts the key together. */
export function* exportJob(input: ExportJob, { aead, groups, randomness, signatures }: JobTools): Protocol<Exported> {
  using receiveSecret = new Secret(input.receiveSecret);
  using secret = new Secret(input.share);
  const { asker, me, network, sid, signers } = input;
  const group = groupOf(input.scheme, groups);
  const publicPackage = publicPackageOf(group, input.publicPackage);
  const members = signers.map((party) => ({ party }));
  const receiveKeys = decodeReceiveKeys(group, { members, receiveKeys: input.receiveKeys });
  const session = { group, aead, signatures, network, sid, receiveKeys };
  const own = { me, secret, receiveSecret, randomness };
  const exported = yield* renewal.exportKey({ ...session, ...own, publicPackage, signers, asker });
  if (exported === undefined) return { key: undefined };
  using key = exported;
  return { key: key.use((bytes) => bytes.slice()) };
}
