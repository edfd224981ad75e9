import { fromBytesBE } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import type { Aead } from '../primitives/aead.ts';
import {
  type Opening,
  openingCodec,
  openRevealed,
  openSealed,
  reveal,
  type SealContext,
  type Sealed,
  sealTo,
} from '../proofs/encryption.ts';
import { type Party, tryDecode } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { type Secret, wipe } from '../secret.ts';
import { scalar } from '../wire/codec.ts';

/**
 * What all dealers have in common: a share goes sealed to its recipient, and it must be the logarithm of a point that
 * follows from what the dealer said to everybody. So a share that is wrong can be shown to others.
 *
 * @typeParam R what the dealer says to everybody
 */
export interface Dealing<R> {
  readonly group: Group;
  readonly aead: Aead;
  readonly sid: Uint8Array;
  /** The ephemeral key from each party's registration. */
  readonly receiveKeys: ReadonlyMap<Party, Point>;
  /** Of the shares of this protocol, from `tags.ts`. */
  readonly label: string;
  /** What the share of `recipient` must be the logarithm of. */
  readonly expected: (dealer: Party, said: R, recipient: Party) => Point;
}

/** Who opens shares, and with what. */
export interface Recipient {
  readonly me: Party;
  /** The logarithm of our receive key, big-endian in `group.scalarBytes` bytes. */
  readonly receiveSecret: Secret;
}

/** Where a sealed share belongs. */
export function shareContext(
  { sid, label }: Pick<Dealing<never>, 'sid' | 'label'>,
  from: Party,
  to: Party,
): SealContext {
  return { session: sid, from, to, label };
}

/** @param share in the group's scalar encoding */
export function sealShare<R>(
  dealing: Dealing<R>,
  from: Party,
  to: Party,
  share: Secret,
  randomness: Randomness,
): Sealed {
  const { group, aead, receiveKeys } = dealing;
  const key = receiveKeys.get(to) as Point;
  return share.use((plaintext) => sealTo(group, aead, shareContext(dealing, from, to), key, plaintext, randomness));
}

/** The share that `dealer` sealed to us, or undefined if it sealed anything else. */
export function openShare<R>(
  dealing: Dealing<R>,
  { me, receiveSecret }: Recipient,
  dealer: Party,
  said: R,
  sealed: Sealed,
): bigint | undefined {
  const { group, aead } = dealing;
  const secret = receiveSecret.use(fromBytesBE);
  const plaintext = openSealed(group, aead, shareContext(dealing, dealer, me), secret, sealed);
  if (plaintext === undefined) return undefined;
  const share = tryDecode(scalar(group), plaintext)?.value;
  wipe(plaintext);
  return share !== undefined && isLogarithm(group, share, dealing.expected(dealer, said, me)) ? share : undefined;
}

/**
 * What lets everybody open a bad share: it is of no use to anybody, and the ceremony ends. Undefined where the dealer did
 * not prove its ephemeral key: that convicts it already.
 */
export function openForAll<R>(
  dealing: Dealing<R>,
  { me, receiveSecret }: Recipient,
  dealer: Party,
  sealed: Sealed,
  randomness: Randomness,
): Opening | undefined {
  const context = shareContext(dealing, dealer, me);
  const key = dealing.receiveKeys.get(me) as Point;
  return reveal(dealing.group, context, receiveSecret.use(fromBytesBE), key, sealed, randomness);
}

/**
 * Whether `sealed` is not the share that `dealer` owed to `recipient`, for a third party to judge.
 * @param opened the recipient's opening; empty for none
 */
export function isMisdealt<R>(
  dealing: Dealing<R>,
  dealer: Party,
  said: R,
  recipient: Party,
  sealed: Sealed,
  opened: Uint8Array,
): boolean {
  const { group, aead, receiveKeys } = dealing;
  const opening = opened.length === 0 ? undefined : tryDecode(openingCodec(group), opened)?.value;
  const key = receiveKeys.get(recipient) as Point;
  const context = shareContext(dealing, dealer, recipient);
  const { valid, plaintext } = openRevealed(group, aead, context, key, sealed, opening);
  if (!valid) return false;
  const share = plaintext === undefined ? undefined : tryDecode(scalar(group), plaintext)?.value;
  return share === undefined || !isLogarithm(group, share, dealing.expected(dealer, said, recipient));
}

/** Whether the receive secret is that of our receive key: with another no share would open, and we would accuse the honest. */
export function holdsReceiveKey(
  { group, receiveKeys }: Pick<Dealing<never>, 'group' | 'receiveKeys'>,
  { me, receiveSecret }: Recipient,
): boolean {
  const key = receiveKeys.get(me);
  const secret = receiveSecret.use(fromBytesBE);
  return key !== undefined && secret < group.order && group.equals(group.multiplyBase(secret), key);
}

/** Whether our share is the one that everybody can verify. */
export function isShareOf(group: Group, share: Secret, verifyingShare: Point): boolean {
  const value = share.use(fromBytesBE);
  return value < group.order && isLogarithm(group, value, verifyingShare);
}

function isLogarithm(group: Group, value: bigint, point: Point): boolean {
  return group.equals(group.multiplyBase(value), point);
}
