import { ascii, equal, u16 as u16Bytes } from './bytes.ts';
import { EncodingError, type Group, type Point } from './groups/group.ts';
import type { Party } from './protocol.ts';
import { type Scheme, schemes } from './schemes.ts';
import type { Secret } from './secret.ts';
import { MAX_PARTIES } from './session/envelope.ts';
import { tags } from './tags.ts';
import { hash } from './transcript.ts';
import { type Codec, choice, fixed, list, mapped, point, struct, text, u16, u48, version } from './wire/codec.ts';

/** One party of a key: its index and the node that plays it. */
export interface Member {
  /** 1..n. */
  readonly party: Party;
  /** The node's Ed25519 public key, 32 bytes (the PeerId holds it). */
  readonly node: Uint8Array;
}

/**
 * Whether and how the key that verifiers see differs from the key that is shared. Records always hold the untweaked key
 * and shares; the tweak is applied when signing, once (BIP-341).
 */
export type Tweak =
  | { readonly type: 'none'; readonly value: Uint8Array }
  /** The Taproot output key commits to an unspendable script path: an empty Merkle root (BIP-341, BIP-86). */
  | { readonly type: 'key-path-only'; readonly value: Uint8Array }
  /** The Taproot output key commits to this Merkle root, 32 bytes. */
  | { readonly type: 'script-tree'; readonly value: Uint8Array };

/** Everything public about one epoch of a key. Its encoding is what READY signs and certificates certify. */
export interface PublicPackage {
  readonly scheme: Scheme;
  /** H(network id, name), 32 bytes. */
  readonly keyId: Uint8Array;
  readonly name: string;
  /** What the key may be used for; enforced by every node. */
  readonly purpose: string;
  /** Strictly rising attempt number; gaps are normal. */
  readonly epoch: number;
  /** The epoch this one was dealt from; zero for a keygen. */
  readonly baseEpoch: number;
  /** How many must sign. */
  readonly threshold: number;
  /** Ascending by party. */
  readonly members: readonly Member[];
  /** The shared key, untweaked. */
  readonly groupKey: Point;
  /** share·G of every member, in the order of `members`. */
  readonly verifyingShares: readonly Point[];
  /** BIP-32 chain code, 32 bytes. */
  readonly chainCode: Uint8Array;
  readonly tweak: Tweak;
  /** Hash of the policy that the key was made under, 32 bytes. */
  readonly policyHash: Uint8Array;
  /** The ceremony's transcript T, 32 bytes. */
  readonly transcript: Uint8Array;
}

/** One party's part of a key epoch. */
export interface KeyShare {
  readonly party: Party;
  /** The share as a big-endian integer of `group.scalarBytes` bytes. */
  readonly secret: Secret;
  readonly publicPackage: PublicPackage;
}

export const PACKAGE_VERSION = 1;
/** Key names and purposes: printable ASCII, no path separators, so that they are safe in files, logs and URLs. */
export const MAX_NAME = 64;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@:-]*$/;

/** Whether `name` may name a key, a purpose, a node or a client. */
export function isName(name: string): boolean {
  return name.length <= MAX_NAME && NAME.test(name);
}

/** A name in a message. */
export const nameCodec: Codec<string> = mapped(
  text(MAX_NAME),
  (name: string) => name,
  (name) => {
    if (!isName(name)) throw new EncodingError('not a name');
    return name;
  },
);

/** A scheme in a message. */
export const schemeCodec: Codec<Scheme> = mapped(
  text(16),
  (scheme: Scheme) => scheme,
  (name) => {
    const scheme = schemes.find((one) => one === name);
    if (scheme === undefined) throw new EncodingError('unknown scheme');
    return scheme;
  },
);

export const tweakCodec: Codec<Tweak> = choice({
  none: fixed(0),
  'key-path-only': fixed(0),
  'script-tree': fixed(32),
}) as Codec<Tweak>;

const memberCodec: Codec<Member> = struct({ party: u16, node: fixed(32) });

/** The canonical encoding of a public package whose points are of `group`. */
export function publicPackageCodec(group: Group): Codec<PublicPackage> {
  const inner = struct({
    version: version(PACKAGE_VERSION),
    scheme: schemeCodec,
    keyId: fixed(32),
    name: nameCodec,
    purpose: nameCodec,
    epoch: u48,
    baseEpoch: u48,
    threshold: u16,
    members: list(memberCodec, MAX_PARTIES),
    groupKey: point(group),
    verifyingShares: list(point(group), MAX_PARTIES),
    chainCode: fixed(32),
    tweak: tweakCodec,
    policyHash: fixed(32),
    transcript: fixed(32),
  });
  return mapped(
    inner,
    (value: PublicPackage) => ({ ...value, version: PACKAGE_VERSION }),
    ({ version: _, ...value }) => checked(value),
  );
}

/**
 * Members are 1 ≤ party, ascending, each another node, as many as verifying shares, and at least the threshold; the epoch comes
 * after its base; only Taproot keys are tweaked.
 */
function checked(value: PublicPackage): PublicPackage {
  const { baseEpoch, epoch, members, scheme, threshold, tweak, verifyingShares } = value;
  const ascending = members.every(({ party }, i) => party > (members[i - 1]?.party ?? 0));
  const isTwice = members.some(({ node }, i) => members.slice(0, i).some((other) => equal(other.node, node)));
  const isFull = members.length === verifyingShares.length && threshold >= 2 && threshold <= members.length;
  const isTweakable = scheme === 'taproot' || tweak.type === 'none';
  if (!ascending || isTwice || !isFull || epoch <= baseEpoch || !isTweakable) {
    throw new EncodingError('inconsistent public package');
  }
  return value;
}

/** The id under which a key is known on a network: H(network id, name), 32 bytes. Names are never reused. */
export function keyIdOf(network: Uint8Array, name: string): Uint8Array {
  return hash(tags.keyId, network, ascii(name));
}

/** The verifying share of `party`. @throws {RangeError} if it is not a member */
export function verifyingShare(publicPackage: PublicPackage, party: Party): Point {
  const share = publicPackage.verifyingShares[publicPackage.members.findIndex((member) => member.party === party)];
  if (share === undefined) throw new RangeError(`party ${party} is not a member of the key`);
  return share;
}

/** A party index as two bytes, for hashes. */
export function partyBytes(party: Party): Uint8Array {
  return u16Bytes(party);
}
