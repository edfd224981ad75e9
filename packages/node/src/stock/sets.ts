import { dkls23, type Group, groupOf, hedged, type Randomness, Secret, tryDecode, wipe, wire } from '@quorate/protocol';
import type { Tools } from '../tools.ts';

/**
 * The work on base transfers made ahead, for a worker thread: bytes in, bytes out. What the peer sent is decoded here, since
 * deciding whether 256 encodings are points takes longer than the main thread may.
 */

/** For whom and where, 32 bytes each: a session, and two node keys. */
type Context = dkls23.BaseOtContext;

export interface ChooseSet extends Context {
  /** Bob's key A, encoded. */
  readonly key: Uint8Array;
  /** What only the holder of our node key can predict, should the thread's randomness fail; the job wipes it. */
  readonly hedge: Uint8Array;
}

export interface CompleteSet extends Context {
  /** Our key A, encoded, and its logarithm, which the job wipes. */
  readonly key: Uint8Array;
  readonly keySecret: Uint8Array;
  /** Alice's points, encoded. */
  readonly points: Uint8Array;
}

/** Our half of a set; whoever takes `half` wipes it. */
export interface MadeSet {
  readonly id: Uint8Array;
  readonly half: Uint8Array;
  /** As Alice: what Bob gets, encoded. */
  readonly points: Uint8Array;
}

/** What a peer sent made no set: its own doing, and nothing follows for anybody else. */
export interface Unusable {
  readonly unusable: string;
}

/** Halves of one peer as a keygen takes them. The keygen wipes them. */
export interface TakenSets {
  readonly asBob: Uint8Array | undefined;
  readonly asAlice: Uint8Array | undefined;
}

export type SetTools = Pick<Tools, 'groups' | 'ecdh'> & { readonly randomness: Randomness };

const count = dkls23.baseOts(dkls23.suiteA);

/** Alice's half, from Bob's key. */
export function chooseSet(input: ChooseSet, { groups, ecdh, randomness }: SetTools): MadeSet | Unusable {
  using hedge = new Secret(input.hedge);
  const group = groupOf('ecdsa', groups);
  const key = tryDecode(wire.point(group), input.key)?.value;
  if (key === undefined) return { unusable: 'the key is no point' };
  const own = hedged(randomness, hedge, input.session, input.bob);
  const set = dkls23.chooseBaseOt({ group, ecdh, count }, input, key, own);
  const half = set.choices.use((choices) =>
    set.keys.use((keys) =>
      set.scalars.use((scalars) =>
        wire.encode(receiverCodec(group), { id: set.id, choices, keys, scalars, ...set.exchange }),
      ),
    ),
  );
  dkls23.wipeReceiverSet(set);
  return { id: set.id, half, points: set.exchange.points };
}

/** Bob's half, from Alice's points. */
export function completeSet(input: CompleteSet, { groups, ecdh }: SetTools): MadeSet | Unusable {
  using secret = new Secret(input.keySecret);
  const group = groupOf('ecdsa', groups);
  const points = tryDecode(dkls23.encodedPoints(group, 2 * count), input.points)?.value;
  if (points === undefined) return { unusable: 'the points are none' };
  const point = group.decodePoint(input.key);
  const set = dkls23.completeBaseOt({ group, ecdh, count }, input, { secret, point }, points);
  if ('faulty' in set) return { unusable: 'the points give the identity' };
  const half = set.keys.use((keys) => wire.encode(senderCodec, { id: set.id, keys }));
  dkls23.wipeSenderSet(set);
  return { id: set.id, half, points };
}

/** The sets in what was taken, for `pairSetup`, which wipes them; what was taken is wiped here. */
export function setsOf(group: Group, { asBob, asAlice }: TakenSets): dkls23.StockedSets {
  const sets = {
    asBob: asBob === undefined ? undefined : senderOf(asBob),
    asAlice: asAlice === undefined ? undefined : receiverOf(group, asAlice),
  };
  wipe(...halvesOf({ asBob, asAlice }));
  return sets;
}

/** Everything secret in what was taken. */
export function halvesOf({ asBob, asAlice }: TakenSets): readonly Uint8Array[] {
  return [asBob, asAlice].filter((half) => half !== undefined);
}

function senderOf(half: Uint8Array): dkls23.SenderSet {
  const { id, keys } = wire.decode(senderCodec, half);
  return { id, keys: new Secret(keys) };
}

function receiverOf(group: Group, half: Uint8Array): dkls23.ReceiverSet {
  const { id, choices, keys, scalars, session, key, points } = wire.decode(receiverCodec(group), half);
  const exchange = { session, key, points };
  return { id, choices: new Secret(choices), keys: new Secret(keys), scalars: new Secret(scalars), exchange };
}

// Never written or sent: they live and die with the process, and have no version.
const senderCodec = wire.struct({ id: wire.fixed(32), keys: wire.bytes(8_192) });

function receiverCodec(group: Group) {
  const secrets = { choices: wire.bytes(32), keys: wire.bytes(4_096), scalars: wire.bytes(8_192) };
  const exchange = {
    session: wire.fixed(32),
    key: wire.point(group),
    points: wire.fixed(2 * count * group.pointBytes),
  };
  return wire.struct({ id: wire.fixed(32), ...secrets, ...exchange });
}
