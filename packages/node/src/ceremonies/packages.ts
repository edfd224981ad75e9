import {
  type Group,
  groupOf,
  MAX_PARTIES,
  nameCodec,
  PACKAGE_VERSION,
  type PublicPackage,
  publicPackageCodec,
  type Scheme,
  schemeCodec,
  toHex,
  wire,
} from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import type { Tools } from '../tools.ts';

const decoded = new WeakMap<Uint8Array, { readonly group: Group; readonly publicPackage: PublicPackage }>();

/**
 * The public package that a record in memory encodes, decoded once for as long as the record lives: each of its points is
 * checked, which takes longer than the rest of a request. `encoded` must not change.
 * @throws {EncodingError}
 */
export function publicPackageOf(group: Group, encoded: Uint8Array): PublicPackage {
  const known = decoded.get(encoded);
  if (known?.group === group) return known.publicPackage;
  const publicPackage = wire.decode(publicPackageCodec(group), encoded);
  decoded.set(encoded, { group, publicPackage });
  return publicPackage;
}

/** An epoch of a key, by its number. */
export function epochOf(key: KeyInfo | undefined, epoch: number): EpochInfo | undefined {
  return key?.epochs.find((one) => one.epoch === epoch);
}

/** What an epoch of a key goes by in maps. */
export function placeOf(keyId: Uint8Array, epoch: number): string {
  return `${toHex(keyId)}/${epoch}`;
}

/** The public package of an epoch of a key. */
export function packageOf(
  { scheme }: Pick<KeyInfo, 'scheme'>,
  { publicPackage }: Pick<EpochInfo, 'publicPackage'>,
  { groups }: Pick<Tools, 'groups'>,
): PublicPackage {
  return publicPackageOf(groupOf(scheme as Scheme, groups), publicPackage);
}

const headerCodec = wire.struct({
  version: wire.version(PACKAGE_VERSION),
  scheme: schemeCodec,
  keyId: wire.fixed(32),
  name: nameCodec,
  purpose: nameCodec,
  epoch: wire.u48,
  baseEpoch: wire.u48,
  threshold: wire.u16,
  members: wire.list(wire.struct({ party: wire.u16, node: wire.fixed(32) }), MAX_PARTIES),
});

type Header = Pick<
  PublicPackage,
  'scheme' | 'keyId' | 'name' | 'purpose' | 'epoch' | 'baseEpoch' | 'threshold' | 'members'
>;

const headers = new WeakMap<Uint8Array, Header>();

/**
 * What an encoded package says before its points, of which each takes time: read once for as long as the bytes live, which must not
 * change. Whether it is true is another question.
 * @throws {EncodingError}
 */
export function headerOf(encoded: Uint8Array): Header {
  const header = headers.get(encoded) ?? headerCodec.read(new wire.Reader(encoded));
  headers.set(encoded, header);
  return header;
}
