import {
  type DkgInput,
  dkg,
  dkls23,
  groupOf,
  type Member,
  type Party,
  type Protocol,
  type PublicPackage,
  publicPackageCodec,
  Secret,
  wire,
} from '@quorate/protocol';
import { decodeReceiveKeys, encodePairs, ownStock, type PairMaterials, stockOf, type WithStock } from './pairs.ts';
import type { JobTools, Receiver } from './tools.ts';

export interface KeygenJob extends Receiver, WithStock {
  readonly members: readonly Member[];
  readonly threshold: number;
  readonly statement: DkgInput['statement'];
}

export interface KeygenOutput {
  /** The share as the protocol's `Secret` holds it; whoever takes it wipes it. */
  readonly share: Uint8Array;
  /** Empty but for ECDSA. */
  readonly material: PairMaterials;
  readonly publicPackage: Uint8Array;
}

/** A key, and for ECDSA what every two members need to multiply. */
export function* keygen(input: KeygenJob, tools: JobTools): Protocol<KeygenOutput> {
  const { aead, groups, randomness, signatures } = tools;
  const { network, sid, me, members, threshold, statement } = input;
  const group = groupOf(statement.scheme, groups);
  using receiveSecret = new Secret(input.receiveSecret);
  using _taken = ownStock(input);
  const receiveKeys = decodeReceiveKeys(group, input);
  const common = { group, aead, sid, me, members, receiveKeys, receiveSecret, randomness };
  const outcome = yield* dkg({ ...common, signatures, network, threshold, statement });
  using share = outcome.share;
  return yield* withPairs(outcome.publicPackage, share, common, input, tools);
}

type PairSetupSession = Omit<dkls23.PairSetupInput, 'suite' | 'transcript' | 'ecdh' | 'stock'>;

/** What a ceremony leaves that made shares: of an ECDSA key, every two members set up with each other what they multiply with. */
export function* withPairs(
  publicPackage: PublicPackage,
  share: Secret,
  session: PairSetupSession,
  input: WithStock,
  { ecdh }: JobTools,
): Protocol<KeygenOutput> {
  const { group } = session;
  const { scheme, transcript } = publicPackage;
  const stock = stockOf(group, input);
  const pairs =
    scheme === 'ecdsa'
      ? yield* dkls23.pairSetup({ ...session, suite: dkls23.suiteA, transcript, ecdh, stock })
      : new Map<Party, dkls23.PairMaterial>();
  return {
    share: share.use((bytes) => bytes.slice()),
    material: encodePairs(pairs),
    publicPackage: wire.encode(publicPackageCodec(group), publicPackage),
  };
}
