import type { Dealing } from '../dealing/shares.ts';
import type { Point } from '../groups/group.ts';
import { type PublicPackage, partyBytes, publicPackageCodec } from '../keys.ts';
import type { ProofContext } from '../proofs/context.ts';
import type { Party } from '../protocol.ts';
import { addCommitments, evaluateCommitment } from '../sharing/feldman.ts';
import { tags } from '../tags.ts';
import { hash, list } from '../transcript.ts';
import { encode } from '../wire/codec.ts';
import { dkgFormats, type Reveal } from './messages.ts';
import type { DkgParameters } from './parameters.ts';

/** Round 1's hash of round 2's message. With session and party inside, another party's commitment is of no use. */
export function commitmentTo(parameters: DkgParameters, party: Party, reveal: Reveal): Uint8Array {
  const { group, sid, threshold } = parameters;
  const encoded = encode(dkgFormats(group, threshold).reveal.broadcast, reveal);
  return hash(tags.dkgCommitment, sid, partyBytes(party), encoded);
}

/** Where the proof of a dealer's coefficients belongs. */
export function coefficientContext({ sid }: DkgParameters, party: Party): ProofContext {
  return { session: sid, party, label: tags.dkgProof };
}

/** How shares are dealt here. */
export function dkgDealing({ group, aead, sid, receiveKeys }: DkgParameters): Dealing<Reveal> {
  return {
    group,
    aead,
    sid,
    receiveKeys,
    label: tags.dkgShare,
    expected: (_dealer, { coefficients }, recipient) => evaluateCommitment(group, coefficients, BigInt(recipient)),
  };
}

/**
 * What the reveals make, for everybody to compute: key, verifying shares, chain code. Undefined if one of the points is
 * the identity, which nobody can cause who had to commit first, and which has probability 2^-250.
 *
 * @param reveals of all members, in their order
 * @param transcript after round 2
 */
export function publicOutcome(
  parameters: DkgParameters,
  reveals: readonly Reveal[],
  transcript: Uint8Array,
): PublicPackage | undefined {
  const { group, sid, members, threshold, statement } = parameters;
  const sum = addCommitments(
    group,
    reveals.map(({ coefficients }) => coefficients),
  );
  const groupKey = sum[0] as Point;
  const verifyingShares = members.map(({ party }) => evaluateCommitment(group, sum, BigInt(party)));
  if ([groupKey, ...verifyingShares].some((one) => group.isIdentity(one))) return undefined;
  const chainCode = hash(tags.dkgChainCode, sid, list(reveals.map((reveal) => reveal.chainCode)));
  return { ...statement, threshold, members, groupKey, verifyingShares, chainCode, transcript };
}

/** What a confirmation says: all of the public outcome, 32 bytes. */
export function outcomeDigest({ group, sid }: DkgParameters, publicPackage: PublicPackage): Uint8Array {
  return hash(tags.dkgOutcome, sid, encode(publicPackageCodec(group), publicPackage));
}
