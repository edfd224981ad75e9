import { equal } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import type { PublicPackage } from '../keys.ts';
import type { SignatureScheme } from '../primitives/signatures.ts';
import { type Approval, verifyApproval } from './approval.ts';
import { type Certificate, type CertificateContext, CertificateError, verifyCertificate } from './certificate.ts';
import { packageDigest } from './ready.ts';

/**
 * The package that `certificate` certifies, as the one that follows `base`. The new members' word is not enough: they could
 * be anybody, and whoever believed them would shred what is left of the key. So as many members of the base epoch as could sign
 * with it must want it, each by READY or by approval.
 * @throws {CertificateError}
 */
export function verifySuccession(
  certificate: Certificate,
  base: PublicPackage,
  context: CertificateContext,
): PublicPackage {
  const next = verifyCertificate(certificate, context);
  const fault = differenceOf(base, next, context.groupFor(base.scheme));
  if (fault !== undefined) throw new CertificateError(fault);
  const digest = packageDigest(certificate.network, certificate.publicPackage);
  const approvals = certificate.approvals.filter((one) => equal(one.digest, digest));
  if (!isWanted(base, next, approvals, context.signatures)) {
    throw new CertificateError(`fewer than ${base.threshold} members of epoch ${base.epoch} want it`);
  }
  return next;
}

/** What a renewal may not change, if it was changed; undefined if `next` may follow `base`. */
export function differenceOf(base: PublicPackage, next: PublicPackage, group: Group): string | undefined {
  if (!equal(next.keyId, base.keyId) || next.name !== base.name) return 'of another key';
  if (next.scheme !== base.scheme || next.purpose !== base.purpose) return 'of another scheme or purpose';
  if (next.baseEpoch !== base.epoch || next.epoch <= base.epoch) return `does not follow epoch ${base.epoch}`;
  const sameTweak = next.tweak.type === base.tweak.type && equal(next.tweak.value, base.tweak.value);
  if (!group.equals(next.groupKey, base.groupKey) || !sameTweak) return 'with another group key or tweak';
  if (!equal(next.chainCode, base.chainCode)) return 'with another chain code';
  if (!equal(next.policyHash, base.policyHash)) return 'under another policy';
  return undefined;
}

/**
 * Whether enough members of the base epoch stand for `next`, given that every member of `next` has said READY.
 * @param approvals of this very package
 */
export function isWanted(
  base: PublicPackage,
  next: PublicPackage,
  approvals: readonly Approval[],
  signatures: SignatureScheme,
): boolean {
  const staying = base.members.filter(({ node }) => next.members.some((member) => equal(member.node, node)));
  const leaving = approvals.filter(
    (one) => equal(one.keyId, next.keyId) && one.epoch === next.epoch && verifyApproval(one, base, signatures),
  );
  const wanting = new Set([...staying, ...leaving].map(({ party }) => party));
  return wanting.size >= base.threshold;
}
