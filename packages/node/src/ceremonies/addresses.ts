import { ethereumAddress, groupOf, type PublicPackage, toHex, uncompressed } from '@quorate/protocol';
import type { AddressesView } from '../service.ts';
import type { Tools } from '../tools.ts';
import { childOf } from './signing.ts';

/** The child of an ECDSA key at `path`, in the forms that others take. @throws {ServiceError} `invalid` for what is no path */
export function addressesOf(
  path: string,
  publicPackage: Pick<PublicPackage, 'groupKey' | 'chainCode'>,
  tools: Pick<Tools, 'groups'>,
): AddressesView {
  const publicKey = groupOf('ecdsa', tools.groups).encodePoint(childOf(path, publicPackage, tools).key);
  return {
    path,
    publicKey: toHex(publicKey),
    uncompressed: toHex(uncompressed(publicKey)),
    addresses: [{ kind: 'ethereum', address: ethereumAddress(publicKey) }],
  };
}
