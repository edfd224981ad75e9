import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { concat, fromHex, isStrict, type NodeKey, type SignatureScheme, wipe } from '@quorate/protocol';
import { nativeSymmetric } from './symmetric.ts';

/** What DER puts before the 32 bytes of an Ed25519 key (RFC 8410). */
const publicPrefix = fromHex('302a300506032b6570032100');
const privatePrefix = fromHex('302e020100300506032b657004220420');

/** Ed25519 by OpenSSL: the twin of `pureEd25519`, which says what strict means here. */
export const nativeEd25519: SignatureScheme = {
  name: 'openssl',
  verify: (publicKey, message, signature) => {
    if (!isStrict(publicKey, signature)) return false;
    const key = importKey(publicKey);
    return key !== undefined && verify(null, message, key, signature);
  },
  sha256: nativeSymmetric.sha256,
};

function importKey(publicKey: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(concat(publicPrefix, publicKey)), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** An Ed25519 node key from its 32-byte seed. OpenSSL keeps a copy; the caller wipes its own. */
export function nativeNodeKey(seed: Uint8Array): NodeKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes');
  const encoded = concat(privatePrefix, seed);
  const key = createPrivateKey({ key: Buffer.from(encoded.buffer), format: 'der', type: 'pkcs8' });
  wipe(encoded);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: Uint8Array.from(spki.subarray(publicPrefix.length)),
    sign: (message) => Uint8Array.from(sign(null, message, key)),
    sha256: nativeSymmetric.sha256,
  };
}
