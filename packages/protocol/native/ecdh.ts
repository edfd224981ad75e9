import { createECDH } from 'node:crypto';
import { type dkls23, type Group, wipe } from '@quorate/protocol';

/** secp256k1 by OpenSSL, whose multiplication by a secret is meant to be constant time: the twin of `pureEcdh`. */
export function nativeEcdh(group: Group): dkls23.EcdhX {
  return {
    name: 'openssl',
    sharedX: (scalar, points) => {
      const ecdh = createECDH('secp256k1');
      const key = group.encodeScalar(scalar);
      ecdh.setPrivateKey(key);
      wipe(key);
      return points.map((point) => Uint8Array.from(ecdh.computeSecret(group.encodePoint(point))));
    },
  };
}
