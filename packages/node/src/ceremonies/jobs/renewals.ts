import {
  groupOf,
  type Member,
  type Party,
  type Protocol,
  publicPackageCodec,
  renewal,
  type Scheme,
  Secret,
  wire,
} from '@quorate/protocol';
import { publicPackageOf } from '../packages.ts';
import { type KeygenJob, type KeygenOutput, withPairs } from './keygen.ts';
import { decodeReceiveKeys, ownStock, type WithStock } from './pairs.ts';
import type { JobTools, Receiver } from './tools.ts';

export interface RefreshJob extends Receiver, WithStock {
  readonly scheme: Scheme;
  /** The encoded public package of the epoch that is dealt from. */
  readonly base: Uint8Array;
  readonly dealers: readonly Party[];
  readonly epoch: number;
  /** Our share of that epoch if we deal; the job wipes it. */
  readonly share: Uint8Array | undefined;
}

export interface ImportJob extends Omit<KeygenJob, 'statement'> {
  /** The dealer's node key. */
  readonly dealer: Uint8Array;
  readonly statement: Omit<renewal.Import['statement'], 'groupKey'>;
  /** The key's point, encoded. */
  readonly groupKey: Uint8Array;
  /** Its logarithm, at the dealer; the job wipes it. */
  readonly secret: Uint8Array | undefined;
}

export interface ReshareJob extends Omit<RefreshJob, 'stock'> {
  /** The new committee. `me` is our seat, and `receiveKeys` are in the order of the seats. */
  readonly members: readonly Member[];
  readonly threshold: number;
}

export interface ReshareOutput {
  /** As of a keygen; undefined if we leave. */
  readonly share: Uint8Array | undefined;
  readonly publicPackage: Uint8Array;
  /** What the session that follows needs again; whoever takes it wipes it. */
  readonly receiveSecret: Uint8Array;
}

/** New shares for the same committee, and for ECDSA everything that it needs to multiply, from the bottom. */
export function* refreshJob(input: RefreshJob, tools: JobTools): Protocol<KeygenOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, scheme, dealers, epoch } = input;
  using secrets = new DisposableStack();
  secrets.use(ownStock(input));
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  const secret = input.share === undefined ? undefined : secrets.use(new Secret(input.share));
  const group = groupOf(scheme, groups);
  const base = publicPackageOf(group, input.base);
  const { members } = base;
  const receiveKeys = decodeReceiveKeys(group, { members, receiveKeys: input.receiveKeys });
  const common = { group, aead, sid, me, members, receiveKeys, receiveSecret, randomness };
  const parameters = renewal.refresh({ ...common, signatures, network }, { base, dealers, epoch });
  const outcome = yield* renewal.renew({ ...parameters, me, secret, receiveSecret, randomness });
  const share = secrets.use(outcome.share as Secret);
  return yield* withPairs(outcome.publicPackage, share, common, input, tools);
}

/** A key that one member knows, shared out. */
export function* importJob(input: ImportJob, tools: JobTools): Protocol<KeygenOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { dealer, me, members, network, sid, threshold } = input;
  using secrets = new DisposableStack();
  secrets.use(ownStock(input));
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  const secret = input.secret === undefined ? undefined : secrets.use(new Secret(input.secret));
  const group = groupOf(input.statement.scheme, groups);
  const receiveKeys = decodeReceiveKeys(group, input);
  const common = { group, aead, sid, me, members, receiveKeys, receiveSecret, randomness };
  const statement = { ...input.statement, groupKey: group.decodePoint(input.groupKey) };
  const parameters = renewal.importKey({ ...common, signatures, network }, { statement, members, threshold, dealer });
  const outcome = yield* renewal.renew({ ...parameters, me, secret, receiveSecret, randomness });
  const share = secrets.use(outcome.share as Secret);
  return yield* withPairs(outcome.publicPackage, share, common, input, tools);
}

/** Shares for another committee; who leaves it has none. */
export function* reshareJob(input: ReshareJob, tools: JobTools): Protocol<ReshareOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, scheme, dealers, epoch, members, threshold } = input;
  using secrets = new DisposableStack();
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  const secret = input.share === undefined ? undefined : secrets.use(new Secret(input.share));
  const group = groupOf(scheme, groups);
  const base = publicPackageOf(group, input.base);
  const { policyHash } = base;
  const seats = renewal.seatsOf({ base, dealers, members });
  const receiveKeys = decodeReceiveKeys(group, { members: seats, receiveKeys: input.receiveKeys });
  const session = { group, aead, sid, signatures, network, receiveKeys };
  const parameters = renewal.reshare(session, { base, dealers, epoch, members, threshold, policyHash });
  const outcome = yield* renewal.renew({ ...parameters, me, secret, receiveSecret, randomness });
  const share = outcome.share === undefined ? undefined : secrets.use(outcome.share);
  return {
    share: share?.use((bytes) => bytes.slice()),
    publicPackage: wire.encode(publicPackageCodec(group), outcome.publicPackage),
    receiveSecret: receiveSecret.use((bytes) => bytes.slice()),
  };
}
