import { equal } from '../bytes.ts';
import type { Point } from '../groups/group.ts';
import type { PublicPackage } from '../keys.ts';
import { type Party, tryDecode } from '../protocol.ts';
import type { Rule } from '../session/court.ts';
import { bodyDigest, type Envelope } from '../session/envelope.ts';
import type { Ciphersuite } from './ciphersuite.ts';
import { IdentityCommitment, prepare, type Signing, signingKey, verifyShare } from './frost.ts';
import { commitmentsRound, sharesRound } from './messages.ts';
import type { Commitment } from './nonces.ts';

/**
 * What proves a bad signature share: the commitments of all signers, in order, and the share, all as signed by their
 * senders. A share is judged against the commitments that its own sender signed over, which its echo names by digest:
 * showing one signer other commitments than the next convicts neither of them.
 */
export function signRules(
  suite: Ciphersuite,
  publicPackage: PublicPackage,
  message: Uint8Array,
): Readonly<Record<'bad-share', Rule>> {
  return {
    'bad-share': (exhibits, _opening, accused) => {
      const verifyingShare = shareOf(publicPackage, accused);
      const last = exhibits.at(-1);
      const list = exhibits.slice(0, -1);
      if (verifyingShare === undefined || last === undefined || !isBroadcast(last, 1) || last.from !== accused)
        return false;
      const commitments = commitmentsOf(suite, list, last);
      const share = tryDecode(sharesRound(suite).broadcast, last.payload);
      if (commitments === undefined || share === undefined) return false;
      const signing = tryPrepare(suite, publicPackage, commitments, message);
      return signing !== undefined && !verifyShare(signing, accused, verifyingShare, share.value);
    },
  };
}

/**
 * The commitments that `share` was made for, if `list` is them: from distinct parties, ascending, and each what the
 * share's echo says. An honest echo has an entry for every party of the session, so that none can be left out.
 */
function commitmentsOf(
  suite: Ciphersuite,
  list: readonly Envelope[],
  share: Envelope,
): readonly Commitment[] | undefined {
  if (list.length !== share.echo.length) return undefined;
  const commitments: Commitment[] = [];
  for (const [i, exhibit] of list.entries()) {
    const { from, echo, payload } = exhibit;
    const digest = share.echo[i]?.digest;
    const inPlace = isBroadcast(exhibit, 0) && from > (list[i - 1]?.from ?? 0);
    if (!inPlace || digest === undefined || !equal(bodyDigest(echo, payload), digest)) return undefined;
    const decoded = tryDecode(commitmentsRound(suite).broadcast, payload);
    if (decoded === undefined) return undefined;
    commitments.push({ party: from, ...decoded.value });
  }
  return commitments;
}

function isBroadcast(envelope: Envelope, round: number): boolean {
  return envelope.class === 'broadcast' && envelope.round === round;
}

function shareOf({ members, verifyingShares }: PublicPackage, party: Party): Point | undefined {
  return verifyingShares[members.findIndex((member) => member.party === party)];
}

function tryPrepare(
  suite: Ciphersuite,
  publicPackage: PublicPackage,
  commitments: readonly Commitment[],
  message: Uint8Array,
): Signing | undefined {
  try {
    return prepare(suite, signingKey(suite, publicPackage), commitments, message);
  } catch (error) {
    if (error instanceof IdentityCommitment) return undefined;
    throw error;
  }
}
