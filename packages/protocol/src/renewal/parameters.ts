import { holdsReceiveKey, isShareOf } from '../dealing/shares.ts';
import type { Group, Point } from '../groups/group.ts';
import type { Member, PublicPackage } from '../keys.ts';
import type { Aead } from '../primitives/aead.ts';
import type { SignatureScheme } from '../primitives/signatures.ts';
import { InputError, type Party } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import type { Secret } from '../secret.ts';

/** What every ceremony here has from its Start. */
export interface RenewalSession {
  readonly group: Group;
  readonly aead: Aead;
  readonly signatures: SignatureScheme;
  /** 32 bytes. */
  readonly network: Uint8Array;
  /** H(Start), 32 bytes. It must cover everything here: who has other parameters is in another session. */
  readonly sid: Uint8Array;
  /** By seat: the ephemeral key from each participant's registration. */
  readonly receiveKeys: ReadonlyMap<Party, Point>;
}

/** A place in the ceremony. Members of the new epoch sit at their new numbers 1..n′, dealers that leave behind them. */
export interface Seat extends Member {
  /** The dealer's number in the old epoch, if this seat deals. */
  readonly deals: Party | undefined;
}

/** What a dealer must share out: nothing of it is the dealer's choice. */
export interface Dealer {
  /** What its secret is the logarithm of, by the old public package. */
  readonly verifyingShare: Point;
  /** λ: it deals λ times its secret. */
  readonly weight: bigint;
  /** λ times `verifyingShare`: the constant of its commitment, which is not sent. */
  readonly constant: Point;
}

/**
 * What a ceremony deals, to whom and for which epoch: the same at every seat, and at any third party. Made by `refresh`,
 * `reshare` and `importKey`, which check it.
 */
export interface RenewalParameters extends RenewalSession {
  /** In order, 1 to as many as there are. */
  readonly seats: readonly Member[];
  /** The parties of the new epoch, 1..n′: the first seats. */
  readonly members: readonly Member[];
  /** How many must sign in the new epoch. */
  readonly threshold: number;
  /** By seat. Their constants add up to the key. */
  readonly dealers: ReadonlyMap<Party, Dealer>;
  readonly statement: RenewalStatement;
}

/** What of the new public package is settled before the ceremony. */
export type RenewalStatement = Omit<PublicPackage, 'threshold' | 'members' | 'verifyingShares' | 'transcript'>;

export interface RenewalInput extends RenewalParameters {
  /** Our seat. */
  readonly me: Party;
  /**
   * What we deal from: our share of the old epoch, big-endian in `group.scalarBytes` bytes. Undefined if we deal nothing.
   * Stays the caller's.
   */
  readonly secret: Secret | undefined;
  /** The logarithm of our receive key, as `secret`. Stays the caller's, who wipes it. */
  readonly receiveSecret: Secret;
  readonly randomness: Randomness;
}

export interface RenewalOutcome {
  /** Our share of the new epoch, or undefined if we leave. The caller's from now on. */
  readonly share: Secret | undefined;
  readonly publicPackage: PublicPackage;
}

/** @throws {RenewalInputError} before anything secret is made or sent */
export function checkInput(input: RenewalInput): void {
  const { group, seats, dealers, receiveKeys, me, secret } = input;
  if (seats.some(({ party }) => !receiveKeys.has(party))) {
    throw new RenewalInputError('receive-keys', 'a participant has no receive key');
  }
  if (!holdsReceiveKey(input, input)) {
    throw new RenewalInputError('receive-keys', 'the receive secret is not that of our receive key');
  }
  const dealer = dealers.get(me);
  if ((dealer === undefined) !== (secret === undefined)) {
    throw new RenewalInputError('share', 'dealers, and nobody else, bring a share of the old epoch');
  }
  // With a share of another epoch we would deal nonsense, and be blamed for it.
  if (dealer !== undefined && secret !== undefined && !isShareOf(group, secret, dealer.verifyingShare)) {
    throw new RenewalInputError('share', 'the share does not belong to the epoch that is dealt from');
  }
}

export type RenewalInputErrorCode =
  | 'base'
  | 'epoch'
  | 'quorum'
  | 'threshold'
  | 'members'
  | 'seats'
  | 'receive-keys'
  | 'share';

/** A renewal that cannot begin: it was asked for something impossible, or our own side of it is broken. Blames nobody. */
export class RenewalInputError extends InputError {
  override readonly name = 'RenewalInputError';
  readonly code: RenewalInputErrorCode;

  constructor(code: RenewalInputErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
