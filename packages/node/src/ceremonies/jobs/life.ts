import { dkls23, frost, groupOf, type Party, type Protocol, renewal, type Scheme, Secret } from '@quorate/protocol';
import { publicPackageOf } from '../packages.ts';
import { decodeReceiveKeys, encodePairs, ownStock, type PairMaterials, stockOf, type WithStock } from './pairs.ts';
import type { JobTools, Receiver } from './tools.ts';

export interface ProveLifeJob {
  readonly network: Uint8Array;
  /** Of the second session. */
  readonly sid: Uint8Array;
  readonly me: Party;
  /** Encoded: of the new epoch, and its group's scheme. */
  readonly publicPackage: Uint8Array;
  readonly scheme: Scheme;
  /** Of the new epoch; the job wipes it. */
  readonly share: Uint8Array;
}

/** The members of the new epoch by themselves: they prove that they live, and of an ECDSA key set up what they multiply with. */
export interface SettleJob extends ProveLifeJob, Receiver, WithStock {}

/** Every new share is where it should be, and they fit: all members sign once with them what verifies nowhere. */
export function* proveLifeJob(input: ProveLifeJob, { groups, randomness }: JobTools): Protocol<Uint8Array> {
  using secret = new Secret(input.share);
  const { network, sid, me, scheme } = input;
  const suite = frost.suiteOf(scheme, groups);
  const share = { party: me, secret, publicPackage: publicPackageOf(suite.group, input.publicPackage) };
  return yield* renewal.proveLife({ suite, share, network, sid, randomness });
}

export function* settleJob(input: SettleJob, tools: JobTools): Protocol<PairMaterials> {
  using secrets = new DisposableStack();
  secrets.use(ownStock(input));
  const receiveSecret = secrets.use(new Secret(input.receiveSecret));
  yield* proveLifeJob(input, tools);
  const { me, scheme, sid } = input;
  if (scheme !== 'ecdsa') return new Map();
  const { aead, ecdh, groups, randomness } = tools;
  const group = groupOf(scheme, groups);
  const { members, transcript } = publicPackageOf(group, input.publicPackage);
  const receiveKeys = decodeReceiveKeys(group, { members, receiveKeys: input.receiveKeys });
  const stock = stockOf(group, input);
  const session = { group, suite: dkls23.suiteA, aead, ecdh, sid, me, members, receiveKeys, receiveSecret };
  return encodePairs(yield* dkls23.pairSetup({ ...session, transcript, randomness, stock }));
}
