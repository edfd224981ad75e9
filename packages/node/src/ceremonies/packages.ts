import { type Group, type PublicPackage, publicPackageCodec, wire } from '@quorate/protocol';

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
