import { createPublicKey, verify } from 'node:crypto';
import { secp256k1 as noble } from '@noble/curves/secp256k1.js';
import { concat, type dkls23, dkls23 as ecdsa, equal, sha256 } from '@quorate/protocol';

/**
 * Whether noble and OpenSSL, which share no code with us, accept a signature of the SHA-256 of `message`, whether its s is
 * low, and whether noble recovers the key from it.
 * @param key 33 bytes
 */
export function isValidEverywhere(key: Uint8Array, message: Uint8Array, signature: dkls23.EcdsaSignature): boolean {
  const digest = sha256(message);
  const compact = ecdsa.encodeCompact(signature);
  const recoverable = concat(Uint8Array.of(signature.recovery), compact);
  const recovered = noble.Signature.fromBytes(recoverable, 'recovered').recoverPublicKey(digest);
  const uncompressed = noble.Point.fromBytes(key).toBytes(false);
  const [x, y] = [uncompressed.subarray(1, 33), uncompressed.subarray(33)].map((one) =>
    Buffer.from(one).toString('base64url'),
  ) as [string, string];
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'secp256k1', x, y }, format: 'jwk' });
  return (
    noble.verify(compact, digest, key, { prehash: false, lowS: true }) &&
    verify('sha256', message, publicKey, ecdsa.encodeDer(signature)) &&
    equal(recovered.toBytes(), key)
  );
}
