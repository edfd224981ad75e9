import type { Group, Point } from '../groups/group.ts';
import { Abort, broadcast, type Protocol, type Received } from '../protocol.ts';
import { primeField } from '../sharing/field.ts';
import { digestScalar, type EcdsaSignature, nonceX, signatureOf, verifyRecoverable } from './ecdsa.ts';
import { prepare } from './preparation.ts';
import {
  checkPairs,
  checkSigner,
  EcdsaInputError,
  keyFor,
  type PreparationInput,
  type Purpose,
  type SignerInput,
  sessionId,
} from './sign-context.ts';
import { type SignatureShare, sharesFormat } from './sign-messages.ts';

export interface SignEcdsaInput extends PreparationInput {
  /** 32 bytes, hashed already: the application knows by what. */
  readonly digest: Uint8Array;
  /** ε of BIP-32 (`derive`): the signature is for the child key+εG. Zero for the key itself. */
  readonly tweak?: bigint;
}

/**
 * Threshold ECDSA in three rounds (§7.1): offers, answers, shares. See README.md for what the driver owes to it.
 *
 * @returns a signature with the low s that verifies under the key, or its child, and gives that key back
 * @throws {EcdsaInputError} before anything is said
 * @throws {Abort} see {@link prepare}; and blaming nobody if the shares do not make a signature, because nobody can say whose is
 *   wrong
 */
export function* signEcdsa(input: SignEcdsaInput): Protocol<EcdsaSignature> {
  const { group, share, digest, tweak = 0n } = input;
  const purpose = { digest, tweak };
  const key = checkedKey(input, purpose);
  checkPairs(input);
  const session = sessionId({ ...input, publicPackage: share.publicPackage, purpose });
  const { nonce, phi, u, v } = yield* prepare(input, session);
  return yield* exchangeShares(group, key, purpose, nonce, shareOf(group, purpose, nonce, { phi, u, v }));
}

/** The key that the signature is for. @throws {EcdsaInputError} if this input may not be signed */
export function checkedKey(input: SignerInput, { digest, tweak }: Purpose): Point {
  if (digest.length !== 32) throw new EcdsaInputError('digest', 'a digest has 32 bytes');
  checkSigner(input);
  return keyFor(input.group, input.share.publicPackage, tweak);
}

/** u, and w = mφ + r(v + εφ). To compute it is to use the nonce: for another digest it would give the key away. */
export function shareOf(
  group: Group,
  { digest, tweak }: Purpose,
  nonce: Point,
  { phi, u, v }: { readonly phi: bigint; readonly u: bigint; readonly v: bigint },
): SignatureShare {
  const { reduce } = primeField(group.order);
  return { u, w: reduce(digestScalar(group, digest) * phi + nonceX(group, nonce) * (v + tweak * phi)) };
}

/** The last round, and s = Σw / Σu. @throws {Abort} blaming nobody */
export function* exchangeShares(
  group: Group,
  key: Point,
  { digest }: Purpose,
  nonce: Point,
  mine: SignatureShare,
): Protocol<EcdsaSignature> {
  const field = primeField(group.order);
  const { broadcasts } = yield* broadcast(sharesFormat(group), mine);
  const sum = (part: (share: SignatureShare) => bigint): bigint =>
    [...broadcasts.values()].reduce((all, { value }: Received<SignatureShare>) => field.add(all, part(value)), 0n);
  const [u, w] = [sum((share) => share.u), sum((share) => share.w)];
  // Whoever speaks last can make it zero, which has no inverse.
  if (u === 0n) throw new Abort('shares', []);
  const signature = signatureOf(group, nonce, field.multiply(w, field.invert(u)));
  if (!verifyRecoverable(group, key, digest, signature)) throw new Abort('shares', []);
  return signature;
}
