import { groupOf, type Party, type Protocol, renewal, type Scheme, Secret } from '@quorate/protocol';
import { publicPackageOf } from '../packages.ts';
import { decodeReceiveKeys } from './pairs.ts';
import type { JobTools, Receiver } from './tools.ts';

/** The part of one participant in a repair. */
export interface RepairJob extends Receiver {
  readonly scheme: Scheme;
  /** Encoded: of the epoch in use. */
  readonly publicPackage: Uint8Array;
  readonly helpers: readonly Party[];
  readonly lost: Party;
  /** Ours, of helpers; the job wipes it. */
  readonly share: Uint8Array | undefined;
}

/** The share, where it was lost; whoever takes it wipes it. */
export interface Repaired {
  readonly share: Uint8Array | undefined;
}

/** Gives a member its share back, or gets it. */
export function* repairJob(input: RepairJob, { aead, groups, randomness, signatures }: JobTools): Protocol<Repaired> {
  using secrets = new DisposableStack();
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  const secret = input.share === undefined ? undefined : secrets.use(new Secret(input.share));
  const { network, sid, me, helpers, lost } = input;
  const group = groupOf(input.scheme, groups);
  const publicPackage = publicPackageOf(group, input.publicPackage);
  const members = renewal.repairParties({ helpers, lost }).map((party) => ({ party }));
  const receiveKeys = decodeReceiveKeys(group, { members, receiveKeys: input.receiveKeys });
  const session = { group, aead, signatures, network, sid, receiveKeys };
  const own = { me, secret, receiveSecret, randomness };
  const share = yield* renewal.repair({ ...session, ...own, publicPackage, helpers, lost });
  if (share === undefined) return { share };
  using repaired = share;
  return { share: repaired.use((bytes) => bytes.slice()) };
}
