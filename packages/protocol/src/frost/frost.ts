import { concat } from '../bytes.ts';
import { type OutputKey, taprootKey } from '../derivation/taproot.ts';
import type { Group, Point } from '../groups/group.ts';
import type { PublicPackage } from '../keys.ts';
import type { Party } from '../protocol.ts';
import type { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import type { Ciphersuite } from './ciphersuite.ts';
import { type Commitment, type Nonces, secretToScalar } from './nonces.ts';

/** The key that signatures verify under, and how shares of the shared key become shares of it. */
export interface SigningKey extends OutputKey {
  /** The key as verifiers see it. */
  readonly encoded: Uint8Array;
}

/** All that the signers of one message have in common once they know each other's commitments. */
export interface Signing {
  readonly suite: Ciphersuite;
  readonly key: SigningKey;
  readonly message: Uint8Array;
  /** Ascending by party, and so are the two lists below. */
  readonly commitments: readonly Commitment[];
  readonly bindingFactors: readonly bigint[];
  /** λ of each signer. */
  readonly weights: readonly bigint[];
  /** R as verifiers see it. */
  readonly commitment: Uint8Array;
  /** −1 where verifiers take −R for R (BIP-340), so that every nonce counts with the other sign; else 1. */
  readonly sign: bigint;
  readonly challenge: bigint;
}

/**
 * The key under which a key's signatures verify: for Taproot its output key, else the shared key itself.
 * @throws {RangeError} if the tweak has no value for this key, or is for another scheme
 */
export function signingKey(
  suite: Ciphersuite,
  { groupKey, tweak }: Pick<PublicPackage, 'groupKey' | 'tweak'>,
): SigningKey {
  if (!suite.evenY && tweak.type !== 'none') throw new RangeError('only Taproot keys are tweaked');
  const key = suite.evenY ? taprootKey(suite.group, groupKey, tweak) : { point: groupKey, factor: 1n, offset: 0n };
  return { ...key, encoded: suite.encodePublic(key.point) };
}

/** The public key to give to verifiers: 32 bytes for Ed25519 (RFC 8032) and for Taproot (x-only, tweaked). */
export function outputKey(suite: Ciphersuite, publicPackage: Pick<PublicPackage, 'groupKey' | 'tweak'>): Uint8Array {
  return signingKey(suite, publicPackage).encoded;
}

/** encode_group_commitment_list, RFC 9591 §4.3. */
function encodeCommitments({ group }: Ciphersuite, commitments: readonly Commitment[]): Uint8Array {
  return concat(
    ...commitments.flatMap(({ party, hiding, binding }) => [
      group.encodeScalar(BigInt(party)),
      group.encodePoint(hiding),
      group.encodePoint(binding),
    ]),
  );
}

/** compute_binding_factors, §4.4: ρ of each signer, for which any change of list, message or key gives other values. */
export function bindingFactors(
  suite: Ciphersuite,
  key: Point,
  commitments: readonly Commitment[],
  message: Uint8Array,
): readonly bigint[] {
  const { group } = suite;
  const prefix = concat(group.encodePoint(key), suite.h4(message), suite.h5(encodeCommitments(suite, commitments)));
  return commitments.map(({ party }) => suite.h1(concat(prefix, group.encodeScalar(BigInt(party)))));
}

/** compute_group_commitment, §4.5: R = Σ Dᵢ + ρᵢ·Eᵢ. */
function groupCommitment(group: Group, commitments: readonly Commitment[], factors: readonly bigint[]): Point {
  const hiding = commitments.reduce((sum, commitment) => group.add(sum, commitment.hiding), group.identity);
  const binding = commitments.map((commitment) => commitment.binding);
  return group.add(hiding, group.sumOfProducts(binding, factors));
}

/** compute_challenge, §4.6. @param commitment R, and `key`, as verifiers see them */
export function challenge(suite: Ciphersuite, commitment: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  return suite.h2(concat(commitment, key, message));
}

/**
 * The part of §5.2 that all signers compute alike.
 * @param commitments of every signer, ascending by party
 * @throws {IdentityCommitment} if the commitments cancel out
 */
export function prepare(
  suite: Ciphersuite,
  key: SigningKey,
  commitments: readonly Commitment[],
  message: Uint8Array,
): Signing {
  const { group, evenY } = suite;
  const factors = bindingFactors(suite, key.point, commitments, message);
  const point = groupCommitment(group, commitments, factors);
  if (group.isIdentity(point)) throw new IdentityCommitment();
  const commitment = suite.encodePublic(point);
  return {
    suite,
    key,
    message,
    commitments,
    bindingFactors: factors,
    weights: lagrange(
      primeField(group.order),
      commitments.map(({ party }) => BigInt(party)),
    ),
    commitment,
    sign: evenY && !group.hasEvenY(point) ? -1n : 1n,
    challenge: challenge(suite, commitment, key.encoded, message),
  };
}

/**
 * sign, §5.2: zᵢ = ±(dᵢ + ρᵢ·eᵢ) + λᵢ·c·sᵢ. It spends the nonces.
 * @param purpose what the nonces were made for
 * @throws {NonceError} nonces that are spent, of another purpose, or not those of the commitment list
 */
export function signShare(signing: Signing, nonces: Nonces, purpose: Uint8Array, secret: Secret): bigint {
  const { suite, key, commitments, sign } = signing;
  const { order } = suite.group;
  const { hiding, binding } = nonces.consume(purpose, commitments, suite.group);
  const i = commitments.findIndex(({ party }) => party === nonces.commitment.party);
  const nonce = hiding + binding * (signing.bindingFactors[i] as bigint);
  const share = key.factor * secretToScalar(secret) + key.offset;
  const z = (sign * nonce + (signing.weights[i] as bigint) * signing.challenge * share) % order;
  return z < 0n ? z + order : z;
}

/** The sum of the shares with R, §5.3: a signature, if every share is good. */
export function aggregate({ suite, commitment }: Signing, shares: Iterable<bigint>): Uint8Array {
  const { group } = suite;
  let z = 0n;
  for (const share of shares) z += share;
  return concat(commitment, group.encodeScalar(z % group.order));
}

/** verify_signature_share, §5.4. @param verifyingShare of `party`, as the key's record has it */
export function verifyShare(signing: Signing, party: Party, verifyingShare: Point, share: bigint): boolean {
  const { suite, key, sign } = signing;
  const { group } = suite;
  const i = signing.commitments.findIndex((commitment) => commitment.party === party);
  const commitment = signing.commitments[i];
  if (commitment === undefined) return false;
  const factor = signing.bindingFactors[i] as bigint;
  const weighted = (signing.weights[i] as bigint) * signing.challenge;
  // zᵢ·G ∓ (Dᵢ + ρᵢ·Eᵢ) − λᵢ·c·(factor·Yᵢ + offset·G) = 0
  const terms: [Point, bigint][] = [
    [group.generator, share - weighted * key.offset],
    [commitment.hiding, -sign],
    [commitment.binding, -sign * factor],
    [verifyingShare, -weighted * key.factor],
  ];
  const { reduce } = primeField(group.order);
  const sum = group.sumOfProducts(
    terms.map(([point]) => point),
    terms.map(([, scalar]) => reduce(scalar)),
  );
  return group.isIdentity(sum);
}

/** The commitments of all signers cancel out, so nothing can be signed with them; it takes breaking a hash to cause it. */
export class IdentityCommitment extends Error {
  override readonly name = 'IdentityCommitment';
  readonly code = 'identity-commitment';

  constructor() {
    super('the group commitment is the identity');
  }
}
