import { concat, equal, u16 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import type { Member } from '../keys.ts';
import type { Aead } from '../primitives/aead.ts';
import type { SealContext } from '../proofs/encryption.ts';
import type { Party } from '../protocol.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { type BaseOtContext, baseOtSetId } from './base-ot.ts';
import type { PeerOffer, Points } from './messages.ts';
import type { Suite } from './suite.ts';

/** What a ceremony's Start fixes: the same at every member, and at any third party. */
export interface PairSetupParameters {
  readonly suite: Suite;
  /** secp256k1; simulations may take the toy group. */
  readonly group: Group;
  readonly aead: Aead;
  /** H(Start), 32 bytes: it covers the key and the epoch, and a nonce of everybody. */
  readonly sid: Uint8Array;
  /** Who sets up with each other, ascending. */
  readonly members: readonly Member[];
  /** The ephemeral key from each member's registration. */
  readonly receiveKeys: ReadonlyMap<Party, Point>;
}

/** A pair in one direction: Alice chooses in the base transfers, and will multiply her share of the key. */
export interface Direction {
  readonly alice: Party;
  readonly bob: Party;
}

/** The parties but one, ascending: what a vector of a message of `party` is about. */
export function othersThan({ members }: Pick<PairSetupParameters, 'members'>, party: Party): readonly Party[] {
  return members.map((member) => member.party).filter((one) => one !== party);
}

/** Where fresh base transfers of this ceremony belong. */
export function baseOtContext(
  { members }: Pick<PairSetupParameters, 'members'>,
  { alice, bob }: Direction,
  session: Uint8Array,
): BaseOtContext {
  const nodeOf = (party: Party): Uint8Array => members.find((member) => member.party === party)?.node as Uint8Array;
  return { session, alice: nodeOf(alice), bob: nodeOf(bob) };
}

/** sid_pprf, which binds a set, whenever it was made, to this key and epoch: 32 bytes. */
export function treesSid({ sid }: PairSetupParameters, { alice, bob }: Direction, set: Uint8Array): Uint8Array {
  return hash(tags.pprfSession, sid, u16(alice), u16(bob), set);
}

/** Where the message of round 3 belongs. */
export function treesContext({ sid }: PairSetupParameters, { alice, bob }: Direction): SealContext {
  return { session: sid, from: bob, to: alice, label: tags.pairSeal };
}

/** T₂: the key that this set-up is for, and everything said to all. @param transcript after round 2 */
export function setupTranscript(key: Uint8Array, transcript: Uint8Array): Uint8Array {
  return hash(tags.pairTranscript, key, transcript);
}

/** What the gadget vector of a direction follows from: 32 bytes, public. */
export function pairSid(setup: Uint8Array, { alice, bob }: Direction): Uint8Array {
  return hash(tags.pairSession, setup, u16(alice), u16(bob));
}

/** What both ends compare before they multiply, so that a set-up out of step is no cheating: 32 bytes, public. */
export function fingerprint(
  setup: Uint8Array,
  { alice, bob }: Direction,
  set: Uint8Array,
  trees: Uint8Array,
): Uint8Array {
  return hash(tags.pairFingerprint, setup, u16(alice), u16(bob), set, trees);
}

/** z_ij of two parties' parts, 32 bytes (§3.6). */
export function zeroSeed(setup: Uint8Array, parts: ReadonlyMap<Party, Uint8Array>): Uint8Array {
  const [low, high] = [...parts].sort(([a], [b]) => a - b) as [[Party, Uint8Array], [Party, Uint8Array]];
  return hash(tags.pairZeroSeed, setup, concat(u16(low[0]), u16(high[0])), low[1], high[1]);
}

/** The set made ahead that Bob and Alice both offer, if they do. */
export function commonSet(bob: PeerOffer, alice: PeerOffer): Uint8Array | undefined {
  const none = bob.asBob.every((byte) => byte === 0);
  return !none && equal(bob.asBob, alice.asAlice) ? bob.asBob : undefined;
}

/** Whether Alice's points are those of the set that she announced, and the set one that Bob has. */
export function isAnnounced(
  parameters: PairSetupParameters,
  direction: Direction,
  bob: PeerOffer,
  alice: PeerOffer,
  set: Uint8Array,
  points: Points,
): boolean {
  const { group, sid } = parameters;
  if (points.type === 'stocked') {
    const common = commonSet(bob, alice);
    return common !== undefined && equal(set, common);
  }
  const exchange = { session: sid, key: bob.key, points: points.value };
  return equal(set, baseOtSetId(group, baseOtContext(parameters, direction, sid), exchange));
}
