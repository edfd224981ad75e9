import { type Group, groupOf, type PublicPackage, publicPackageCodec, type Scheme, wire } from '@quorate/protocol';
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

/** The public package of an epoch of a key. */
export function packageOf(
  { scheme }: Pick<KeyInfo, 'scheme'>,
  { publicPackage }: Pick<EpochInfo, 'publicPackage'>,
  { groups }: Pick<Tools, 'groups'>,
): PublicPackage {
  return publicPackageOf(groupOf(scheme as Scheme, groups), publicPackage);
}
