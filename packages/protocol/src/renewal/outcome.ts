import type { Dealing } from '../dealing/shares.ts';
import type { Point } from '../groups/group.ts';
import { type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { ProofContext } from '../proofs/context.ts';
import type { Party } from '../protocol.ts';
import { addCommitments, type Commitment, evaluateCommitment } from '../sharing/feldman.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { encode } from '../wire/codec.ts';
import type { Commitments } from './messages.ts';
import type { Dealer, RenewalParameters } from './parameters.ts';

/** Where the proof of a dealer's coefficients belongs. */
export function coefficientContext({ sid }: RenewalParameters, party: Party): ProofContext {
  return { session: sid, party, label: tags.renewalProof };
}

/** How shares are dealt here. */
export function renewalDealing(parameters: RenewalParameters): Dealing<Commitments> {
  const { group, aead, sid, receiveKeys } = parameters;
  return {
    group,
    aead,
    sid,
    receiveKeys,
    label: tags.renewalShare,
    expected: (dealer, said, recipient) =>
      evaluateCommitment(group, commitmentOf(parameters, dealer, said), BigInt(recipient)),
  };
}

/**
 * What the dealers make of the key, for everybody to compute. Undefined if a verifying share is the identity, which nobody
 * can cause who does not know what all others deal, and which has probability 2^-250.
 *
 * @param said by every dealer
 * @param transcript after round 1
 */
export function renewedPackage(
  parameters: RenewalParameters,
  said: ReadonlyMap<Party, Commitments>,
  transcript: Uint8Array,
): PublicPackage | undefined {
  const { group, members, threshold, dealers, statement } = parameters;
  const sum = addCommitments(
    group,
    [...dealers.keys()].map((dealer) => commitmentOf(parameters, dealer, said.get(dealer) as Commitments)),
  );
  if (!group.equals(sum[0] as Point, statement.groupKey)) throw new Error('the constants do not add up to the key');
  const verifyingShares = members.map(({ party }) => evaluateCommitment(group, sum, BigInt(party)));
  if (verifyingShares.some((one) => group.isIdentity(one))) return undefined;
  return { ...statement, threshold, members, verifyingShares, transcript };
}

/** What a confirmation says: all of the public outcome, 32 bytes. */
export function outcomeDigest({ group, sid }: RenewalParameters, publicPackage: PublicPackage): Uint8Array {
  return hash(tags.renewalOutcome, sid, encode(publicPackageCodec(group), publicPackage));
}

/** The constant is not what the dealer says, but what it must be. */
function commitmentOf({ dealers }: RenewalParameters, dealer: Party, { coefficients }: Commitments): Commitment {
  return [(dealers.get(dealer) as Dealer).constant, ...coefficients];
}
