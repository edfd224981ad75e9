import { ascii, concat, u16 as u16Bytes } from '../bytes.ts';
import type { Point } from '../groups/group.ts';
import { openSealed, reveal, sealTo } from '../proofs/encryption.ts';
import {
  Abort,
  type Blame,
  blame,
  broadcast,
  deliver,
  exchange,
  InputError,
  type Messages,
  type Party,
  type Protocol,
  type Received,
} from '../protocol.ts';
import { hedged, type Randomness } from '../random.ts';
import { Secret, wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { encode, u16 } from '../wire/codec.ts';
import {
  type BaseOtKey,
  chooseBaseOt,
  completeBaseOt,
  offerBaseOt,
  type ReceiverSet,
  type SenderSet,
  wipeReceiverSet,
  wipeSenderSet,
} from './base-ot.ts';
import { bitOf } from './bits.ts';
import type { EcdhX } from './ecdh.ts';
import type { PairMaterial } from './material.ts';
import {
  type Offers,
  type PeerOffer,
  type Points,
  pairSetupFormats,
  type Sets,
  type Trees,
  ZERO_SEED_BYTES,
} from './messages.ts';
import {
  baseOtContext,
  commonSet,
  type Direction,
  fingerprint,
  isAnnounced,
  othersThan,
  type PairSetupParameters,
  pairSid,
  setupTranscript,
  treesContext,
  treesSid,
  zeroSeed,
} from './pair-context.ts';
import { baseOts, buildTrees, evaluateTrees, treesBytes } from './pprf.ts';
import { nothing, type TreeOpening, type TreesOpening, treesOpeningCodec } from './rules.ts';

export interface PairSetupInput extends PairSetupParameters {
  readonly me: Party;
  /** T of the key's public package, 32 bytes. */
  readonly transcript: Uint8Array;
  /** The logarithm of our receive key, as the group encodes scalars. Stays the caller's, who wipes it. */
  readonly receiveSecret: Secret;
  readonly randomness: Randomness;
  readonly ecdh: EcdhX;
  /** Unused sets, by peer. They are this set-up's from now on, and wiped, whether it uses them or not. */
  readonly stock?: ReadonlyMap<Party, StockedSets>;
}

/** Halves of sets made ahead with one peer, one a direction. */
export interface StockedSets {
  readonly asBob?: SenderSet | undefined;
  readonly asAlice?: ReceiverSet | undefined;
}

/**
 * What every two signers of a threshold ECDSA key need before they can multiply (§3.3–3.6): base transfers, trees and a zero
 * seed, in both directions. See README.md. All honest parties end with material that fits, or none does.
 *
 * @returns by peer; the caller's from now on
 * @throws {PairSetupInputError} before the first round
 * @throws {Abort} naming whoever provably cheated
 */
export function* pairSetup(input: PairSetupInput): Protocol<ReadonlyMap<Party, PairMaterial>> {
  using secrets = new DisposableStack();
  for (const { asBob, asAlice } of input.stock?.values() ?? []) {
    if (asBob !== undefined) secrets.adopt(asBob, wipeSenderSet);
    if (asAlice !== undefined) secrets.adopt(asAlice, wipeReceiverSet);
  }
  checkInput(input);
  const { group, suite, sid, me } = input;
  const peers = othersThan(input, me);
  const formats = pairSetupFormats(group, suite, peers.length + 1);
  const randomness = hedged(input.randomness, input.receiveSecret, ascii(tags.pairHedge), sid, u16Bytes(me));
  const work: Work = { ...input, randomness, secrets };

  // Round 1: a fresh key for each Alice, and which sets made ahead there are.
  const keys = byPeer(peers, () => offerBaseOt(group, randomness));
  for (const { secret } of keys.values()) secrets.use(secret);
  const offers = yield* broadcast(formats.offers, {
    offers: peers.map((peer) => offerTo(work, peer, (keys.get(peer) as BaseOtKey).point)),
  });

  // Round 2: as Alice, choose. The ids go to all, so that nobody can say afterwards that it was another set.
  const chosen = byPeer(peers, (bob) => choose(work, offers, bob));
  const points = yield* exchange(
    formats.points,
    { sets: peers.map((bob) => (chosen.get(bob) as Chosen).set.id) },
    byPeer(peers, (bob) => (chosen.get(bob) as Chosen).points),
  );
  const completed = complete(work, keys, offers, points);

  // Round 3: as Bob, plant the trees, and send a part of the zero seed with them.
  const planted = byPeer(peers, (alice) => plant(work, completed.get(alice) as SenderSet, alice));
  const trees = yield* deliver(
    formats.trees,
    byPeer(peers, (alice) => (planted.get(alice) as Planted).message),
  );
  const climbed = climb(work, chosen, points, trees);

  // Round 4: nothing to say but that every check has passed. Whoever failed one has given up by now.
  yield* broadcast(formats.agreed, {});

  const setup = setupTranscript(input.transcript, points.transcript);
  return byPeer(peers, (peer) => materialOf(me, peer, setup, planted.get(peer) as Half, climbed.get(peer) as Harvest));
}

/** The input, with randomness of this session only, and with everything that is wiped when the set-up ends. */
interface Work extends PairSetupInput {
  readonly secrets: DisposableStack;
}

/** One direction done. */
interface Half {
  readonly set: Uint8Array;
  readonly trees: Uint8Array;
  readonly leaves: Secret;
  /** Who is Bob sends his part of the zero seed. */
  readonly zeroPart: Secret;
}

interface Planted extends Half {
  readonly message: Trees;
}

interface Harvest extends Half {
  readonly delta: Secret;
}

interface Chosen {
  readonly set: ReceiverSet;
  readonly points: Points;
}

function offerTo({ stock }: Work, peer: Party, key: Point): PeerOffer {
  const none = new Uint8Array(32);
  const { asBob, asAlice } = stock?.get(peer) ?? {};
  return { key, asBob: asBob?.id ?? none, asAlice: asAlice?.id ?? none };
}

/** What `from` offered to `to`, and the envelope. */
function offered(work: Work, offers: Messages<Offers, never>, from: Party, to: Party): PeerOffer {
  return (offers.broadcasts.get(from) as Received<Offers>).value.offers[
    othersThan(work, from).indexOf(to)
  ] as PeerOffer;
}

/** Our half as Alice: the set that both have, or a new one. */
function choose(work: Work, offers: Messages<Offers, never>, bob: Party): Chosen {
  const { group, suite, ecdh, sid, me, randomness, secrets } = work;
  const theirs = offered(work, offers, bob, me);
  const stocked = work.stock?.get(bob)?.asAlice;
  if (stocked !== undefined && commonSet(theirs, offered(work, offers, me, bob)) !== undefined) {
    return { set: stocked, points: { type: 'stocked', value: new Uint8Array(0) } };
  }
  const setting = { group, ecdh, count: baseOts(suite) };
  const context = baseOtContext(work, { alice: me, bob }, sid);
  const set = secrets.adopt(chooseBaseOt(setting, context, theirs.key, randomness), wipeReceiverSet);
  return { set, points: { type: 'fresh', value: set.exchange.points } };
}

/** Our halves as Bob. @throws {Abort} naming whoever sent points that it did not announce, or that cannot be used */
function complete(
  work: Work,
  keys: ReadonlyMap<Party, BaseOtKey>,
  offers: Messages<Offers, never>,
  points: Messages<Sets, Points>,
): ReadonlyMap<Party, SenderSet> {
  const { group, suite, ecdh, sid, me, secrets } = work;
  const blames: Blame[] = [];
  const out = new Map<Party, SenderSet>();
  for (const [alice, { value, envelope }] of points.directs) {
    const direction = { alice, bob: me };
    const [own, theirs] = [offered(work, offers, me, alice), offered(work, offers, alice, me)];
    const sets = points.broadcasts.get(alice) as Received<Sets>;
    const announced = sets.value.sets[othersThan(work, alice).indexOf(me)] as Uint8Array;
    const accuse = (opening?: Uint8Array): void => {
      const said = [me, alice].map((party) => (offers.broadcasts.get(party) as Received<Offers>).envelope);
      blames.push(blame(alice, 'wrong-points', [...said, sets.envelope, envelope], opening));
    };
    if (!isAnnounced(work, direction, own, theirs, announced, value)) {
      accuse();
    } else if (value.type === 'stocked') {
      out.set(alice, work.stock?.get(alice)?.asBob as SenderSet);
    } else {
      const setting = { group, ecdh, count: baseOts(suite) };
      const context = baseOtContext(work, direction, sid);
      const completed = completeBaseOt(setting, context, keys.get(alice) as BaseOtKey, value.value);
      if ('faulty' in completed) accuse(encode(u16, completed.faulty));
      else out.set(alice, secrets.adopt(completed, wipeSenderSet));
    }
  }
  if (blames.length > 0) throw new Abort('points', blames);
  return out;
}

/** As Bob, trees for one Alice and what grows on them. */
function plant(work: Work, { id: set, keys }: SenderSet, alice: Party): Planted {
  const { group, aead, suite, me, receiveKeys, randomness, secrets } = work;
  const direction = { alice, bob: me };
  const { message: trees, seeds } = keys.use((bytes) => buildTrees(suite, treesSid(work, direction, set), bytes));
  const leaves = secrets.use(new Secret(seeds.leaves));
  const zeroPart = secrets.use(new Secret(randomness.bytes(ZERO_SEED_BYTES)));
  const plaintext = zeroPart.use((part) => concat(trees, part));
  const receiveKey = receiveKeys.get(alice) as Point;
  const sealed = sealTo(group, aead, treesContext(work, direction), receiveKey, plaintext, randomness);
  wipe(plaintext);
  return { set, trees, leaves, zeroPart, message: { sealed } };
}

/** As Alice, all leaves but one of every group. @throws {Abort} naming whose trees do not fit */
function climb(
  work: Work,
  chosen: ReadonlyMap<Party, Chosen>,
  points: Messages<Sets, Points>,
  trees: Messages<never, Trees>,
): ReadonlyMap<Party, Harvest> {
  const { group, aead, suite, me, secrets } = work;
  const blames: Blame[] = [];
  const out = new Map<Party, Harvest>();
  for (const [bob, { value, envelope }] of trees.directs) {
    const direction = { alice: me, bob };
    const { set } = chosen.get(bob) as Chosen;
    const accuse = (tree: TreesOpening['tree']): void => {
      const announced = (points.broadcasts.get(me) as Received<Sets>).envelope;
      const opening = encode(treesOpeningCodec(group, suite), { seal: unseal(work, direction, value), tree });
      blames.push(blame(bob, 'bad-trees', [announced, envelope], opening));
    };
    const plaintext = openSealed(group, aead, treesContext(work, direction), receiveScalar(work), value.sealed);
    if (plaintext === undefined) {
      accuse(nothing);
      continue;
    }
    const message = plaintext.slice(0, treesBytes(suite));
    const zeroPart = secrets.use(new Secret(plaintext.slice(message.length)));
    wipe(plaintext);
    const sid = treesSid(work, direction, set.id);
    const seeds = set.keys.use((keys) =>
      set.choices.use((choices) => evaluateTrees(suite, sid, keys, choices, message)),
    );
    if ('faulty' in seeds) {
      accuse({ type: 'group', value: openTree(work, set, seeds.faulty[0] as number) });
      continue;
    }
    const leaves = secrets.use(new Secret(seeds.leaves));
    const delta = secrets.use(new Secret(seeds.delta));
    out.set(bob, { set: set.id, trees: message, leaves, delta, zeroPart });
  }
  if (blames.length > 0) throw new Abort('trees', blames);
  return out;
}

/** What lets everybody open what Bob sealed. */
function unseal(work: Work, direction: Direction, { sealed }: Trees): TreesOpening['seal'] {
  const { group, me, receiveKeys, randomness } = work;
  const receiveKey = receiveKeys.get(me) as Point;
  const opening = reveal(group, treesContext(work, direction), receiveScalar(work), receiveKey, sealed, randomness);
  return opening === undefined ? nothing : { type: 'opening', value: opening };
}

/** What we knew of one group. The set-up ends here, and with it whatever the group's part of Δ was good for. */
function openTree({ group, suite }: Work, { choices, scalars, exchange: made }: ReceiverSet, g: number): TreeOpening {
  const transfers = Array.from({ length: suite.k }, (_, b) => {
    const i = g * suite.k + b;
    const [from, to] = [i * group.scalarBytes, (i + 1) * group.scalarBytes];
    return {
      choice: choices.use((bits) => bitOf(bits, i)),
      scalar: scalars.use((bytes) => group.decodeScalar(bytes.subarray(from, to))),
    };
  });
  return { ...made, group: g, transfers };
}

function materialOf(me: Party, peer: Party, setup: Uint8Array, bob: Half, alice: Harvest): PairMaterial {
  const direction = (one: Direction, { set, trees }: Half) => ({
    pairSid: pairSid(setup, one),
    fingerprint: fingerprint(setup, one, set, trees),
  });
  const parts = (own: Uint8Array, theirs: Uint8Array): ReadonlyMap<Party, Uint8Array> =>
    new Map([
      [me, own],
      [peer, theirs],
    ]);
  return {
    me,
    peer,
    asBob: { ...direction({ alice: peer, bob: me }, bob), leaves: bob.leaves.clone() },
    asAlice: {
      ...direction({ alice: me, bob: peer }, alice),
      leaves: alice.leaves.clone(),
      delta: alice.delta.clone(),
    },
    zeroSeed: new Secret(
      bob.zeroPart.use((own) => alice.zeroPart.use((theirs) => zeroSeed(setup, parts(own, theirs)))),
    ),
  };
}

function byPeer<T>(peers: readonly Party[], make: (peer: Party) => T): ReadonlyMap<Party, T> {
  return new Map(peers.map((peer) => [peer, make(peer)]));
}

function receiveScalar({ receiveSecret, group }: PairSetupInput): bigint {
  return receiveSecret.use(group.decodeScalar);
}

/** @throws {PairSetupInputError} before anything secret is made or sent */
function checkInput(input: PairSetupInput): void {
  const { group, members, me, receiveKeys } = input;
  const ascending = members.every(({ party, node }, i) => party > (members[i - 1]?.party ?? 0) && node.length === 32);
  if (!ascending || members.length < 2 || !members.some(({ party }) => party === me)) {
    throw new PairSetupInputError('members', 'members are not two or more parties, ascending, we among them');
  }
  const own = receiveKeys.get(me);
  if (own === undefined || members.some(({ party }) => !receiveKeys.has(party))) {
    throw new PairSetupInputError('receive-keys', 'a member has no receive key');
  }
  // With the wrong secret no seal would open, and we would accuse every honest Bob.
  if (!group.equals(group.multiplyBase(receiveScalar(input)), own)) {
    throw new PairSetupInputError('receive-keys', 'the receive secret is not that of our receive key');
  }
}

/** A set-up that cannot begin: our own side asked for something impossible. */
export class PairSetupInputError extends InputError {
  override readonly name = 'PairSetupInputError';
  readonly code: 'members' | 'receive-keys';

  constructor(code: 'members' | 'receive-keys', message: string) {
    super(message);
    this.code = code;
  }
}
