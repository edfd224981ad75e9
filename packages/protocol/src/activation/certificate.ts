import { compare, equal } from '../bytes.ts';
import { EncodingError, type Group } from '../groups/group.ts';
import { PACKAGE_VERSION, type PublicPackage, publicPackageCodec, schemeCodec } from '../keys.ts';
import type { SignatureScheme } from '../primitives/signatures.ts';
import type { Party } from '../protocol.ts';
import type { Scheme } from '../schemes.ts';
import { MAX_PARTIES } from '../session/envelope.ts';
import { bytes, type Codec, decode, fixed, list, mapped, Reader, struct, version } from '../wire/codec.ts';
import { type Approval, approvalCodec } from './approval.ts';
import { packageDigest, type Ready, verifyReady } from './ready.ts';

/**
 * READY of every member of an epoch: proof that all of them hold their shares. It is transferable: whoever holds it
 * convinces everybody else, so a liar can withhold its signature, but cannot split the group.
 */
export interface Certificate {
  /** 32 bytes. */
  readonly network: Uint8Array;
  /** The encoded public package. */
  readonly publicPackage: Uint8Array;
  /** One of 64 bytes for each member, in the order of the package's members. */
  readonly signatures: readonly Uint8Array[];
  /** Of members of the base epoch that are not among them: see `verifySuccession`. Empty for a new key. */
  readonly approvals: readonly Approval[];
}

export const CERTIFICATE_VERSION = 1;
/** Above the encoding of a package of {@link MAX_PARTIES} members, which is under 8 KiB. */
const MAX_PACKAGE = 16 * 1024;

const wireCodec = struct({
  version: version(CERTIFICATE_VERSION),
  network: fixed(32),
  publicPackage: bytes(MAX_PACKAGE),
  signatures: list(fixed(64), MAX_PARTIES),
  approvals: list(approvalCodec, MAX_PARTIES),
});

export const certificateCodec: Codec<Certificate> = mapped(
  wireCodec,
  (certificate: Certificate) => ({ ...certificate, version: CERTIFICATE_VERSION }),
  ({ version: _, ...certificate }) => certificate,
);

/** What a certificate is checked against. */
export interface CertificateContext {
  readonly network: Uint8Array;
  readonly groupFor: (scheme: Scheme) => Group;
  readonly signatures: SignatureScheme;
}

/**
 * The public package that `certificate` certifies. It proves that the members it lists agree; whether those are the
 * members one trusts is the caller's question, and one's own signature among them is an answer.
 * @throws {CertificateError}
 */
export function verifyCertificate(certificate: Certificate, context: CertificateContext): PublicPackage {
  if (!equal(certificate.network, context.network)) throw new CertificateError('of another network');
  const publicPackage = decodePackage(certificate.publicPackage, context.groupFor);
  const { members } = publicPackage;
  if (members.length !== certificate.signatures.length) {
    throw new CertificateError(`${certificate.signatures.length} signatures of ${members.length} members`);
  }
  const readies = readiesOf(certificate, publicPackage);
  for (const member of members) {
    const ready = readies.get(member.party) as Ready;
    if (!verifyReady(ready, member, context.signatures)) {
      throw new CertificateError(`not signed by party ${member.party}`);
    }
  }
  return publicPackage;
}

/** The READY of each member, as it stands in a certificate whose package is `publicPackage`. */
export function readiesOf(certificate: Certificate, publicPackage: PublicPackage): ReadonlyMap<Party, Ready> {
  const { keyId, epoch, members } = publicPackage;
  const digest = packageDigest(certificate.network, certificate.publicPackage);
  return new Map(
    members.map(({ party }, i) => {
      const signature = certificate.signatures[i] as Uint8Array;
      return [party, { keyId, epoch, party, digest, signature }];
    }),
  );
}

/**
 * Which of two certified packages of one key counts: positive if `a`. The later epoch; within one epoch, which takes
 * members that sign twice, the higher transcript, so that all decide alike.
 */
export function comparePackages(
  a: Pick<PublicPackage, 'epoch' | 'transcript'>,
  b: Pick<PublicPackage, 'epoch' | 'transcript'>,
): number {
  return a.epoch - b.epoch || compare(a.transcript, b.transcript);
}

/** The scheme stands in front and tells the group that the rest is read with. */
function decodePackage(encoded: Uint8Array, groupFor: (scheme: Scheme) => Group): PublicPackage {
  try {
    const { scheme } = struct({ version: version(PACKAGE_VERSION), scheme: schemeCodec }).read(new Reader(encoded));
    return decode(publicPackageCodec(groupFor(scheme)), encoded);
  } catch (error) {
    if (error instanceof EncodingError) throw new CertificateError(`its package does not decode: ${error.message}`);
    throw error;
  }
}

/** A certificate that proves nothing. Whoever sent it gets no other answer than silence. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code = 'certificate';

  constructor(reason: string) {
    super(`invalid certificate: ${reason}`);
  }
}
