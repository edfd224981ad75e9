import {
  type BitcoinNetwork,
  ethereumAddress,
  frost,
  groupOf,
  type PublicPackage,
  p2pkh,
  p2tr,
  p2wpkh,
  solanaAddress,
  toHex,
  uncompressed,
} from '@quorate/protocol';
import type { AddressesView } from '../service.ts';
import type { Tools } from '../tools.ts';
import { childOf, expectNoPath } from './signing.ts';

/**
 * A key, or a child of an ECDSA key, in the forms that others take.
 * @throws {ServiceError} `invalid` for what is no path, and for a child of a key that has none
 */
export function addressesOf(
  path: string,
  bitcoin: BitcoinNetwork,
  publicPackage: Pick<PublicPackage, 'scheme' | 'groupKey' | 'chainCode' | 'tweak'>,
  tools: Pick<Tools, 'groups'>,
): AddressesView {
  const { scheme } = publicPackage;
  if (scheme === 'ecdsa') {
    const publicKey = groupOf(scheme, tools.groups).encodePoint(childOf(path, publicPackage, tools).key);
    return {
      path,
      publicKey: toHex(publicKey),
      uncompressed: toHex(uncompressed(publicKey)),
      addresses: [
        { kind: 'ethereum', address: ethereumAddress(publicKey) },
        { kind: 'p2wpkh', address: p2wpkh(publicKey, bitcoin) },
        { kind: 'p2pkh', address: p2pkh(publicKey, bitcoin) },
      ],
    };
  }
  expectNoPath(scheme, path);
  const publicKey = frost.outputKey(frost.suiteOf(scheme, tools.groups), publicPackage);
  return {
    path,
    publicKey: toHex(publicKey),
    addresses: [
      scheme === 'taproot'
        ? { kind: 'p2tr', address: p2tr(publicKey, bitcoin) }
        : { kind: 'solana', address: solanaAddress(publicKey) },
    ],
  };
}
