import type { KeyShare } from '../keys.ts';
import { verifyingShare } from '../keys.ts';
import {
  Abort,
  type Blame,
  blame,
  broadcast,
  InputError,
  type Party,
  type Protocol,
  type Received,
} from '../protocol.ts';
import type { Randomness } from '../random.ts';
import type { Ciphersuite } from './ciphersuite.ts';
import {
  aggregate,
  IdentityCommitment,
  prepare,
  type Signing,
  type SigningKey,
  signingKey,
  signShare,
  verifyShare,
} from './frost.ts';
import { type CommitmentMessage, commitmentsRound, sharesRound } from './messages.ts';
import { commit, noncePurpose, secretToScalar } from './nonces.ts';
import { verifyUnder } from './verify.ts';

/** What one signer needs. The driver made it, and wipes the share when the protocol has ended. */
export interface SignInput {
  readonly suite: Ciphersuite;
  readonly share: KeyShare;
  /** Who signs, ourselves among them: at least the threshold, ascending. They are the parties of the session. */
  readonly signers: readonly Party[];
  /** Whole; for a Taproot transaction the 32 bytes that BIP-341 wants signed. */
  readonly message: Uint8Array;
  /** 32 bytes: H(Start). */
  readonly sid: Uint8Array;
  readonly randomness: Randomness;
  /** Which life of the process, 24 bytes. */
  readonly bootEpoch?: Uint8Array;
}

/**
 * FROST (RFC 9591) between the signers themselves, without a coordinator: each says its commitments, then its share, to
 * all, and adds the shares up.
 *
 * @returns a signature that {@link verifySignature} accepts under the key's `outputKey`: 64 bytes
 * @throws {SignInputError} before anything is said
 * @throws {Abort} naming everybody whose share is bad, or nobody if the commitments cancel out
 */
export function* sign(input: SignInput): Protocol<Uint8Array> {
  const { suite, share, message } = input;
  const key = checkedKey(input);
  const purpose = noncePurpose(input);
  const nonces = commit(suite, share, purpose, input.randomness);
  try {
    const commitments = (yield* broadcast(commitmentsRound(suite), nonces.commitment)).broadcasts;
    const signing = agree(input, key, commitments);
    const mine = signShare(signing, nonces, purpose, share.secret);
    const shares = (yield* broadcast(sharesRound(suite), mine)).broadcasts;
    const signature = aggregate(
      signing,
      [...shares.values()].map(({ value }) => value),
    );
    if (verifyUnder(suite, key, message, signature)) return signature;
    throw new Abort('shares', blameBadShares(input, signing, commitments, shares));
  } finally {
    nonces.wipe();
  }
}

/** The commitments of all signers make one group commitment. */
function agree(
  { suite, signers, message }: SignInput,
  key: SigningKey,
  received: ReadonlyMap<Party, Received<CommitmentMessage>>,
): Signing {
  const commitments = signers.map((party) => ({ party, ...of(received, party).value }));
  try {
    return prepare(suite, key, commitments, message);
  } catch (error) {
    if (error instanceof IdentityCommitment) throw new Abort('commitments', []);
    throw error;
  }
}

/** Everybody whose share fails §5.4, with what proves it: the commitments that this signer signed over, and its share. */
function blameBadShares(
  { share, signers }: SignInput,
  signing: Signing,
  commitments: ReadonlyMap<Party, Received<CommitmentMessage>>,
  shares: ReadonlyMap<Party, Received<bigint>>,
): readonly Blame[] {
  const list = signers.map((party) => of(commitments, party).envelope);
  const blames = signers
    .filter((party) => party !== share.party)
    .filter(
      (party) => !verifyShare(signing, party, verifyingShare(share.publicPackage, party), of(shares, party).value),
    )
    .map((party) => blame(party, 'bad-share', [...list, of(shares, party).envelope]));
  if (blames.length === 0) throw new Error('every share is good and yet there is no signature');
  return blames;
}

function of<T>(received: ReadonlyMap<Party, T>, party: Party): T {
  const message = received.get(party);
  if (message === undefined)
    throw new Error(`nothing from signer ${party}: signers are not the parties of the session`);
  return message;
}

/** The key to sign under, if this input may be signed at all. */
function checkedKey({ suite, share, signers, message }: SignInput): SigningKey {
  const { publicPackage } = share;
  const { group, maxMessage } = suite;
  if (publicPackage.scheme !== suite.scheme) throw new SignInputError('scheme', `a key for ${publicPackage.scheme}`);
  const members = new Set(publicPackage.members.map(({ party }) => party));
  if (signers.some((party, i) => party <= (signers[i - 1] ?? 0))) {
    throw new SignInputError('signers', 'signers are not distinct and ascending');
  }
  if (!signers.every((party) => members.has(party)))
    throw new SignInputError('signers', 'a signer has no share of this key');
  if (!signers.includes(share.party)) throw new SignInputError('signers', 'we are not among the signers');
  if (signers.length < publicPackage.threshold) throw new SignInputError('signers', 'fewer signers than the threshold');
  if (message.length > maxMessage) {
    throw new SignInputError('message', `at most ${maxMessage} bytes are signed`);
  }
  // A share of another epoch is one of another polynomial: what it signs is worthless and would be blamed on us.
  const point = group.multiplyBase(secretToScalar(share.secret));
  if (!group.equals(point, verifyingShare(publicPackage, share.party))) {
    throw new SignInputError('share', 'the share does not belong to this epoch of the key');
  }
  return tweakedKey(suite, publicPackage);
}

function tweakedKey(suite: Ciphersuite, publicPackage: KeyShare['publicPackage']): SigningKey {
  try {
    return signingKey(suite, publicPackage);
  } catch (error) {
    if (error instanceof RangeError) throw new SignInputError('tweak', error.message);
    throw error;
  }
}

/** What we were asked to sign cannot be signed so. Nobody has heard of it yet, and nothing is spent. */
export class SignInputError extends InputError {
  override readonly name = 'SignInputError';
  readonly code = 'sign-input';
  readonly reason: 'scheme' | 'signers' | 'message' | 'share' | 'tweak';

  constructor(reason: SignInputError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
