import {
  type Certificate,
  type CertificateContext,
  CertificateError,
  certificateCodec,
  groupOf,
  type PublicPackage,
  type Scheme,
  verifyCertificate,
  verifySuccession,
  wire,
} from '@quorate/protocol';
import type { KeyInfo } from '@quorate/storage';
import type { Config } from '../config/config.ts';
import type { KnownEpoch } from '../standing/parts.ts';
import type { Tools } from '../tools.ts';
import { headerOf, packageOf } from './packages.ts';

interface Parts {
  readonly config: Pick<Config, 'networkId'>;
  readonly tools: Pick<Tools, 'groups' | 'signatures'>;
}

/**
 * The package that a certificate certifies, to a node that knows so much of its key. READY of all is enough for nobody who knows the
 * epoch that it renews: enough members of that one have to want it.
 * @throws {CertificateError}
 */
export function verifyCertified(
  certificate: Certificate,
  known: (keyId: Uint8Array) => readonly KnownEpoch[],
  parts: Parts,
): PublicPackage {
  const context = contextOf(parts);
  const publicPackage = verifyCertificate(certificate, context);
  const base = baseOf(publicPackage, known(publicPackage.keyId), parts.tools);
  return base === undefined ? publicPackage : verifySuccession(certificate, base, context);
}

/**
 * The package that an epoch renews; undefined for a new key, and where it was lost. An attempt under its number that was not certified
 * is something else.
 */
export function baseOf(
  { baseEpoch }: Pick<PublicPackage, 'baseEpoch'>,
  known: readonly KnownEpoch[],
  tools: Pick<Tools, 'groups'>,
): PublicPackage | undefined {
  const base = known.find(({ certificate, epoch }) => epoch === baseEpoch && certificate !== undefined);
  return base === undefined ? undefined : packageOf(headerOf(base.publicPackage), base, tools);
}

/** The epochs of a key that can be read here, damaged or not. */
export function knownOf(key: KeyInfo | undefined): readonly KnownEpoch[] {
  return key === undefined ? [] : [...key.epochs, ...key.remains];
}

/** The epoch of a key in use here, if what certifies it was not wanted by the epoch that it renews: nobody who knows that one believes it. */
export function unwantedIn({ current, epochs }: KeyInfo, parts: Parts): number | undefined {
  if (current?.certificate === undefined) return undefined;
  const base = baseOf(headerOf(current.publicPackage), epochs, parts.tools);
  if (base === undefined) return undefined;
  try {
    verifySuccession(wire.decode(certificateCodec, current.certificate), base, contextOf(parts));
    return undefined;
  } catch (error) {
    if (error instanceof CertificateError) return current.epoch;
    throw error;
  }
}

/** What certificates are verified with. */
export function contextOf({ config, tools }: Parts): CertificateContext {
  const groupFor = (scheme: Scheme) => groupOf(scheme, tools.groups);
  return { network: config.networkId, groupFor, signatures: tools.signatures };
}
