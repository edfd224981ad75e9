import { equal } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { type Opening, openingCodec, openRevealed } from '../proofs/encryption.ts';
import { type Party, tryDecode } from '../protocol.ts';
import type { Court } from '../session/court.ts';
import { bodyDigest, type Envelope } from '../session/envelope.ts';
import { type Codec, choice, fixed, point, scalar, struct, u8, u16, vector } from '../wire/codec.ts';
import { baseOtSetId, isFaulty, openTransfer } from './base-ot.ts';
import {
  encodedPoints,
  type Offers,
  type PairSetupFormats,
  type Points,
  pairSetupFormats,
  roundIndex,
  type Sets,
  type Trees,
} from './messages.ts';
import {
  baseOtContext,
  type Direction,
  isAnnounced,
  othersThan,
  type PairSetupParameters,
  treesContext,
  treesSid,
} from './pair-context.ts';
import { baseOts, treeFits, treesBytes } from './pprf.ts';
import type { Suite } from './suite.ts';

/**
 * What Alice shows of trees that do not fit: the set they were to be built of, and what she knew of one group. It is void
 * with everything else of the set-up, so that nothing of value is shown.
 */
export interface TreeOpening {
  /** The session in which the set was made, 32 bytes. */
  readonly session: Uint8Array;
  readonly key: Point;
  /** S₀ ‖ S₁ of every transfer. */
  readonly points: Uint8Array;
  /** Which group does not fit. */
  readonly group: number;
  /** Her choices and scalars in its transfers. */
  readonly transfers: readonly { readonly choice: number; readonly scalar: bigint }[];
}

/** What proves `bad-trees`. */
export interface TreesOpening {
  /** Opens what Bob sealed; nothing where Bob did not prove its ephemeral key, which convicts it already. */
  readonly seal: Optional<'opening', Opening>;
  /** Nothing where the seal holds nothing that opens. */
  readonly tree: Optional<'group', TreeOpening>;
}

export type Optional<K extends string, T> =
  | { readonly type: 'none'; readonly value: Uint8Array }
  | { readonly type: K; readonly value: T };

export const nothing: { readonly type: 'none'; readonly value: Uint8Array } = {
  type: 'none',
  value: new Uint8Array(0),
};

export function treesOpeningCodec(group: Group, suite: Suite): Codec<TreesOpening> {
  const tree: Codec<TreeOpening> = struct({
    session: fixed(32),
    key: point(group),
    points: encodedPoints(group, 2 * baseOts(suite)),
    group: u16,
    transfers: vector(struct({ choice: u8, scalar: scalar(group) }), suite.k),
  });
  return struct({
    seal: choice({ none: fixed(0), opening: openingCodec(group) }) as Codec<TreesOpening['seal']>,
    tree: choice({ none: fixed(0), group: tree }) as Codec<TreesOpening['tree']>,
  });
}

/** @param firstRound how many rounds of the ceremony come before the set-up */
export function pairSetupRules(parameters: PairSetupParameters, firstRound: number): Court['rules'] {
  const read = reader(parameters, firstRound);
  return {
    'wrong-points': (exhibits, opening, accused) => answersWrongly(parameters, read, exhibits, opening, accused),
    'bad-trees': (exhibits, opening, accused) => buildsBadly(parameters, read, exhibits, opening, accused),
  };
}

/**
 * Exhibits: Bob's offers, those of the accused Alice, her sets, her points. Opening: the transfer that gives the identity, or
 * nothing. Her envelope echoes the offers that she saw, so that Bob cannot show others.
 */
function answersWrongly(
  parameters: PairSetupParameters,
  read: Read,
  [first, second, third, fourth]: readonly Envelope[],
  opening: Uint8Array,
  alice: Party,
): boolean {
  const bob = first?.from ?? alice;
  const direction = { alice, bob };
  const offer = read.offers(first, bob)?.offers[othersThan(parameters, bob).indexOf(alice)];
  const at = othersThan(parameters, alice).indexOf(bob);
  const ownOffer = read.offers(second, alice)?.offers[at];
  const set = read.sets(third, alice)?.sets[at];
  const points = fourth?.to === bob ? read.points(fourth, alice) : undefined;
  if (offer === undefined || ownOffer === undefined || set === undefined || points === undefined) return false;
  if (!echoes(parameters, third as Envelope, first as Envelope)) return false;
  if (!isAnnounced(parameters, direction, offer, ownOffer, set, points)) return true;
  const transfer = tryDecode(u16, opening)?.value;
  return (
    points.type === 'fresh' &&
    transfer !== undefined &&
    transfer < baseOts(parameters.suite) &&
    isFaulty(parameters.group, baseOtContext(parameters, direction, parameters.sid), points.value, transfer)
  );
}

/**
 * Exhibits: Alice's sets, the trees of the accused Bob. His envelope echoes the sets that he saw, so that Alice can open none
 * but the set he built of.
 */
function buildsBadly(
  parameters: PairSetupParameters,
  read: Read,
  [first, second]: readonly Envelope[],
  opened: Uint8Array,
  bob: Party,
): boolean {
  const { group, aead, suite, receiveKeys } = parameters;
  const alice = first?.from ?? bob;
  const direction = { alice, bob };
  const set = read.sets(first, alice)?.sets[othersThan(parameters, alice).indexOf(bob)];
  const trees = second?.to === alice ? read.trees(second, bob) : undefined;
  const opening = tryDecode(treesOpeningCodec(group, suite), opened)?.value;
  const receiveKey = receiveKeys.get(alice);
  if (set === undefined || trees === undefined || opening === undefined || receiveKey === undefined) return false;
  if (!echoes(parameters, second as Envelope, first as Envelope)) return false;
  const { seal, tree } = opening;
  const shown = seal.type === 'none' ? undefined : seal.value;
  const context = treesContext(parameters, direction);
  const { valid, plaintext } = openRevealed(group, aead, context, receiveKey, trees.sealed, shown);
  if (!valid || plaintext === undefined) return valid;
  return tree.type === 'group' && isMisbuilt(parameters, direction, set, plaintext, tree.value);
}

/** Whether Bob's message does not fit the keys of its set, in the group that Alice opens. */
function isMisbuilt(
  parameters: PairSetupParameters,
  direction: Direction,
  set: Uint8Array,
  message: Uint8Array,
  { session, key, points, group: g, transfers }: TreeOpening,
): boolean {
  const { group, suite } = parameters;
  const context = baseOtContext(parameters, direction, session);
  const exchange = { session, key, points };
  if (g >= suite.groups || !equal(set, baseOtSetId(group, context, exchange))) return false;
  const keys: number[] = [];
  for (const [b, opened] of transfers.entries()) {
    const i = g * suite.k + b;
    if (opened.choice > 1) return false;
    const found = openTransfer(group, context, exchange, i, opened.choice, opened.scalar);
    if (found === undefined) return false;
    keys.push(...found);
  }
  const bits = transfers.map((one) => one.choice);
  const sid = treesSid(parameters, direction, set);
  return !treeFits(suite, sid, g, Uint8Array.from(keys), bits, message.subarray(0, treesBytes(suite)));
}

/** Whether `later` says that it saw `earlier`, a broadcast of the round before. */
function echoes({ members }: PairSetupParameters, later: Envelope, earlier: Envelope): boolean {
  const entry = later.echo[members.findIndex(({ party }) => party === earlier.from)];
  return entry !== undefined && equal(entry.digest, bodyDigest(earlier.echo, earlier.payload));
}

/** What a party said in an exhibit, if the exhibit is of that round and decodes. */
interface Read {
  offers(exhibit: Envelope | undefined, from: Party): Offers | undefined;
  sets(exhibit: Envelope | undefined, from: Party): Sets | undefined;
  points(exhibit: Envelope | undefined, from: Party): Points | undefined;
  trees(exhibit: Envelope | undefined, from: Party): Trees | undefined;
}

function reader({ group, suite, members }: PairSetupParameters, firstRound: number): Read {
  const formats: PairSetupFormats = pairSetupFormats(group, suite, members.length);
  const of =
    <T>(label: keyof typeof roundIndex, kind: 'broadcast' | 'direct', codec: Codec<T>) =>
    (exhibit: Envelope | undefined, from: Party): T | undefined => {
      const round = firstRound + roundIndex[label];
      const here = exhibit?.from === from && exhibit.round === round && exhibit.class === kind;
      return here ? tryDecode(codec, exhibit.payload)?.value : undefined;
    };
  return {
    offers: of('offers', 'broadcast', formats.offers.broadcast),
    sets: of('points', 'broadcast', formats.points.broadcast),
    points: of('points', 'direct', formats.points.direct),
    trees: of('trees', 'direct', formats.trees.direct),
  };
}
