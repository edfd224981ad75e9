import {
  dkls23,
  type Group,
  groupOf,
  type Member,
  type Party,
  type Point,
  type Protocol,
  Secret,
  wipe,
} from '@quorate/protocol';
import { halvesOf, setsOf, type TakenSets } from '../../stock/sets.ts';
import type { JobTools, Receiver } from './tools.ts';

/** What was set up with each other member, for storage; whoever takes it wipes it. */
export type PairMaterials = ReadonlyMap<Party, Uint8Array>;

/** ECDSA: base transfers made ahead. The job wipes them, used or not. */
export interface WithStock {
  readonly stock: readonly (TakenSets & { readonly party: Party })[];
}

export interface PairSetupJob extends Omit<Receiver, 'network'>, WithStock {
  readonly members: readonly Member[];
  /** T of the key's public package. */
  readonly transcript: Uint8Array;
}

/** What two parties of a key that is in use need to multiply, anew. */
export function* pairSetupJob(
  input: PairSetupJob,
  { aead, ecdh, groups, randomness }: JobTools,
): Protocol<PairMaterials> {
  const { me, members, sid, transcript } = input;
  const group = groupOf('ecdsa', groups);
  const suite = dkls23.suiteA;
  using receiveSecret = new Secret(input.receiveSecret);
  using _taken = ownStock(input);
  const receiveKeys = decodeReceiveKeys(group, input);
  const stock = stockOf(group, input);
  return encodePairs(
    yield* dkls23.pairSetup({
      group,
      suite,
      aead,
      ecdh,
      sid,
      me,
      members,
      receiveKeys,
      receiveSecret,
      transcript,
      randomness,
      stock,
    }),
  );
}

/** Wipes what was taken of the stock when the job is over, however it ends. */
export function ownStock({ stock }: WithStock): DisposableStack {
  const taken = new DisposableStack();
  for (const half of stock.flatMap(halvesOf)) taken.adopt(half, wipe);
  return taken;
}

export function stockOf(group: Group, { stock }: WithStock): ReadonlyMap<Party, ReturnType<typeof setsOf>> {
  return new Map(stock.map((sets) => [sets.party, setsOf(group, sets)]));
}

/** As storage keeps it. Wipes what it was given. */
export function encodePairs(pairs: ReadonlyMap<Party, dkls23.PairMaterial>): PairMaterials {
  const encoded = new Map<Party, Uint8Array>();
  for (const [peer, pair] of pairs) {
    using secret = dkls23.encodePairMaterial(dkls23.suiteA, pair);
    dkls23.wipePairMaterial(pair);
    encoded.set(
      peer,
      secret.use((bytes) => bytes.slice()),
    );
  }
  return encoded;
}

export function decodeReceiveKeys(
  group: Group,
  { members, receiveKeys }: Pick<Receiver, 'receiveKeys'> & { readonly members: readonly Pick<Member, 'party'>[] },
): ReadonlyMap<Party, Point> {
  return new Map(members.map(({ party }, i) => [party, group.decodePoint(receiveKeys[i] as Uint8Array)]));
}
