import type { Group, Point } from '../groups/group.ts';
import { type Sealed, sealedCodec } from '../proofs/encryption.ts';
import type { RoundSpec } from '../protocol.ts';
import { type Codec, choice, fixed, mapped, point, struct, vector, version } from '../wire/codec.ts';
import { baseOts, treesBytes } from './pprf.ts';
import type { Suite } from './suite.ts';

/** What a party brings for one other, in round 1. */
export interface PeerOffer {
  /** Its fresh key, as Bob. */
  readonly key: Point;
  /** The id of an unused set made ahead, by the part in it: 32 bytes, zeroes for none. */
  readonly asBob: Uint8Array;
  readonly asAlice: Uint8Array;
}

/** Round 1. */
export interface Offers {
  /** For every other party, ascending. */
  readonly offers: readonly PeerOffer[];
}

/** Round 2, to all. */
export interface Sets {
  /** The set that this party uses as Alice with every other one, ascending: 32 bytes each. */
  readonly sets: readonly Uint8Array[];
}

/** Round 2, to each Bob. */
export type Points =
  /** The set that both offered. */
  | { readonly type: 'stocked'; readonly value: Uint8Array }
  /** S₀ ‖ S₁ of every transfer. */
  | { readonly type: 'fresh'; readonly value: Uint8Array };

/** Round 3, to each Alice. */
export interface Trees {
  /** The message of {@link treesBytes} bytes, and 32 bytes for the zero seed. */
  readonly sealed: Sealed;
}

const PAIR_SETUP_VERSION = 1;
/** The place of each round in the set-up. */
export const roundIndex = { offers: 0, points: 1, trees: 2, agreed: 3 } as const;
/** A party's part of a zero seed, and the length of the seed. */
export const ZERO_SEED_BYTES = 32;

/** The formats of a set-up between `parties` parties. */
export interface PairSetupFormats {
  readonly offers: RoundSpec<Offers, never> & { readonly broadcast: Codec<Offers> };
  readonly points: RoundSpec<Sets, Points> & { readonly broadcast: Codec<Sets>; readonly direct: Codec<Points> };
  readonly trees: RoundSpec<never, Trees> & { readonly direct: Codec<Trees> };
  /** Says that every check has passed. */
  readonly agreed: RoundSpec<object, never> & { readonly broadcast: Codec<object> };
}

export function pairSetupFormats(group: Group, suite: Suite, parties: number): PairSetupFormats {
  const offer: Codec<PeerOffer> = struct({ key: point(group), asBob: fixed(32), asAlice: fixed(32) });
  const points = choice({ stocked: fixed(0), fresh: encodedPoints(group, 2 * baseOts(suite)) }) as Codec<Points>;
  const inPoints = struct({ version: version(PAIR_SETUP_VERSION), points });
  return {
    offers: { label: 'offers', broadcast: versioned<Offers>({ offers: vector(offer, parties - 1) }) },
    points: {
      label: 'points',
      broadcast: versioned<Sets>({ sets: vector(fixed(32), parties - 1) }),
      direct: mapped(
        inPoints,
        (value: Points) => ({ version: PAIR_SETUP_VERSION, points: value }),
        (message) => message.points,
      ),
    },
    trees: {
      label: 'trees',
      direct: versioned<Trees>({ sealed: sealedCodec(group, treesBytes(suite) + ZERO_SEED_BYTES) }),
    },
    agreed: { label: 'agreed', broadcast: versioned<object>({}) },
  };
}

/** The rounds of a set-up, for a court and for tests that attack every field. */
export function pairSetupRounds(group: Group, suite: Suite, parties: number): readonly RoundSpec[] {
  const formats = pairSetupFormats(group, suite, parties);
  return [formats.offers, formats.points, formats.trees, formats.agreed] as readonly RoundSpec[];
}

/** `count` points, none the identity, kept as they are encoded: their sender must not branch on which is which. */
export function encodedPoints(group: Group, count: number): Codec<Uint8Array> {
  const bytes = fixed(count * group.pointBytes);
  return {
    schema: vector(point(group), count).schema,
    write: bytes.write,
    read: (reader) => {
      const all = bytes.read(reader);
      for (let at = 0; at < all.length; at += group.pointBytes) {
        group.decodePoint(all.subarray(at, at + group.pointBytes));
      }
      return all;
    },
  };
}

/** A struct behind the version byte. */
function versioned<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const inner = struct({ version: version(PAIR_SETUP_VERSION), ...fields }) as Codec<T & { readonly version: number }>;
  return mapped(
    inner,
    (value: T) => ({ ...value, version: PAIR_SETUP_VERSION }),
    ({ version: _, ...value }) => value as unknown as T,
  );
}
