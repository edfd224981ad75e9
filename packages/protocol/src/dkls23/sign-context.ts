import { ascii, concat, toBytesBE, u16, u64 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { type KeyShare, type PublicPackage, verifyingShare } from '../keys.ts';
import { InputError, type Party } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import type { PairMaterial } from './material.ts';
import type { Multiplication } from './products.ts';
import type { NonceOpening } from './sign-messages.ts';
import { SCALAR_BYTES } from './suite.ts';

/** What is signed, and for which child of the key. */
export interface Purpose {
  /** 32 bytes, hashed already: the application knows by what. */
  readonly digest: Uint8Array;
  /** ε of BIP-32, in [0, q): the signature is for the key plus εG. Zero for the key itself. */
  readonly tweak: bigint;
}

/** What the Start of a session fixes: the same at every signer, and at any third party. */
export interface SessionParameters {
  readonly group: Group;
  readonly multiplication: Pick<Multiplication, 'id'>;
  readonly publicPackage: PublicPackage;
  /** Ascending. */
  readonly signers: readonly Party[];
  /** H(Start), 32 bytes: it covers nonces of everybody, and was never used before. */
  readonly sid: Uint8Array;
  /** Undefined for a presignature. */
  readonly purpose: Purpose | undefined;
}

/** What one signer needs. The driver made it, and wipes the secrets when the protocol has ended. */
export interface SignerInput {
  /** secp256k1; simulations may take the toy group. */
  readonly group: Group;
  /** Of the root key: children have no shares of their own. */
  readonly share: KeyShare;
  /** Who signs, ourselves among them: at least the threshold, ascending. They are the parties of the session. */
  readonly signers: readonly Party[];
  /** With whom we never multiply again. The driver holds a lock per peer, and looks again before it resumes (README). */
  readonly banned: ReadonlySet<Party>;
  /** 32 bytes: H(Start). */
  readonly sid: Uint8Array;
  readonly randomness: Randomness;
}

/** What a signer needs to multiply. */
export interface PreparationInput extends SignerInput {
  readonly multiplication: Multiplication;
  /** By peer, for every other signer at least. */
  readonly pairs: ReadonlyMap<Party, PairMaterial>;
}

/** sid0: what everything in a session is bound to, and what signers compare before anything else. 32 bytes. */
export function sessionId({
  group,
  multiplication,
  publicPackage,
  signers,
  sid,
  purpose,
}: SessionParameters): Uint8Array {
  const { keyId, epoch, groupKey, transcript } = publicPackage;
  const { digest, tweak } = purpose ?? { digest: new Uint8Array(0), tweak: 0n };
  return hash(
    tags.ecdsaSession,
    ascii(multiplication.id),
    keyId,
    u64(epoch),
    group.encodePoint(groupKey),
    transcript,
    concat(...signers.map(u16)),
    Uint8Array.of(purpose === undefined ? 1 : 0),
    sid,
    digest,
    toBytesBE(tweak, SCALAR_BYTES),
  );
}

/** Com_i, which keeps the last to speak from choosing R. 32 bytes. */
export function commitTo(
  group: Group,
  session: Uint8Array,
  party: Party,
  { point, blinding }: NonceOpening,
): Uint8Array {
  return hash(tags.ecdsaNonce, session, u16(party), group.encodePoint(point), blinding);
}

/** The key that the signature is for. @throws {EcdsaInputError} if there is none */
export function keyFor(group: Group, { groupKey }: PublicPackage, tweak: bigint): Point {
  if (tweak < 0n || tweak >= group.order) throw new EcdsaInputError('tweak', 'a tweak is below the order');
  const key = tweak === 0n ? groupKey : group.add(groupKey, group.multiplyBase(tweak));
  if (group.isIdentity(key)) throw new EcdsaInputError('tweak', 'the tweak takes the key to the identity');
  return key;
}

/** @throws {EcdsaInputError} before anything secret is made or said */
export function checkSigner({ group, share, signers, banned, sid }: SignerInput): void {
  const { party: me, publicPackage } = share;
  if (publicPackage.scheme !== 'ecdsa') throw new EcdsaInputError('scheme', `a key for ${publicPackage.scheme}`);
  if (sid.length !== 32) throw new EcdsaInputError('session', 'a session id has 32 bytes');
  const members = new Set(publicPackage.members.map(({ party }) => party));
  if (signers.some((party, i) => party <= (signers[i - 1] ?? 0))) {
    throw new EcdsaInputError('signers', 'signers are not distinct and ascending');
  }
  if (!signers.every((party) => members.has(party))) {
    throw new EcdsaInputError('signers', 'a signer has no share of this key');
  }
  if (!signers.includes(me)) throw new EcdsaInputError('signers', 'we are not among the signers');
  if (signers.length < publicPackage.threshold) {
    throw new EcdsaInputError('signers', 'fewer signers than the threshold');
  }
  const cheat = signers.find((party) => banned.has(party));
  if (cheat !== undefined) throw new EcdsaInputError('banned', `party ${cheat} is banned`);
  // With a share of another epoch no signature would come of it, and nobody could say why.
  const point = group.multiplyBase(share.secret.use(group.decodeScalar));
  if (!group.equals(point, verifyingShare(publicPackage, me))) {
    throw new EcdsaInputError('share', 'the share does not belong to this epoch of the key');
  }
}

/** @throws {EcdsaInputError} unless everything was set up with every other signer, and not wiped since */
export function checkPairs({ share: { party: me }, signers, pairs }: PreparationInput): void {
  for (const peer of signers.filter((party) => party !== me)) {
    const material = pairs.get(peer);
    if (material?.me !== me || material.peer !== peer || material.zeroSeed.wiped) {
      throw new EcdsaInputError('material', `nothing was set up with party ${peer}`);
    }
  }
}

/** What we were asked to sign cannot be signed so. Nobody has heard of it yet, and nothing is spent. */
export class EcdsaInputError extends InputError {
  override readonly name = 'EcdsaInputError';
  readonly code = 'ecdsa-input';
  readonly reason:
    | 'scheme'
    | 'session'
    | 'signers'
    | 'banned'
    | 'material'
    | 'share'
    | 'digest'
    | 'tweak'
    | 'presignature';

  constructor(reason: EcdsaInputError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
