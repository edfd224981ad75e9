import { createHash, createPublicKey, verify } from 'node:crypto';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { pointAdd, pointFromScalar, pointMultiply, verifySchnorr } from 'tiny-secp256k1';

/**
 * Verifiers that share no code with the signers: OpenSSL for Ed25519 and ECDSA; for BIP-340 noble and libsecp256k1, of
 * which one computed for the signers and the other did not.
 * @param publicKey 32 bytes; ECDSA: 33
 * @param message ECDSA: hashed with SHA-256
 * @param signature 64 bytes
 */
export function verifyIndependently(
  scheme: string,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (scheme === 'ed25519') return openssl(publicKey, message, signature);
  if (scheme === 'ecdsa') return opensslEcdsa(publicKey, message, signature);
  return libsecp256k1(publicKey, message, signature) && schnorr.verify(signature, message, publicKey);
}

/**
 * The key that a recoverable ECDSA signature tells, as noble computes it.
 * @param digest 32 bytes
 * @param signature 64 bytes
 * @returns 33 bytes
 */
export function recoverIndependently(digest: Uint8Array, signature: Uint8Array, recovery: number): Uint8Array {
  const recovered = Uint8Array.of(recovery, ...signature);
  return secp256k1.recoverPublicKey(recovered, digest, { prehash: false });
}

function openssl(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') };
  return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature);
}

function opensslEcdsa(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  // SubjectPublicKeyInfo (RFC 5480) of a compressed point on secp256k1, up to the point.
  const head = Buffer.from('3036301006072a8648ce3d020106052b8104000a032200', 'hex');
  const key = createPublicKey({ key: Buffer.concat([head, publicKey]), format: 'der', type: 'spki' });
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** The library's own function takes 32 bytes only; for other lengths BIP-340's equation over the library's points. */
export function libsecp256k1(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (message.length === 32) return verifySchnorr(message, publicKey, signature);
  const r = signature.slice(0, 32);
  const s = signature.slice(32);
  const e = taggedHash('BIP0340/challenge', r, publicKey, message);
  const sG = pointFromScalar(s, true);
  const eP = pointMultiply(Buffer.concat([Uint8Array.of(2), publicKey]), e, true);
  if (sG === null || eP === null) return false;
  const minusEP = Buffer.concat([Uint8Array.of((eP[0] as number) ^ 1), eP.subarray(1)]);
  const R = pointAdd(sG, minusEP, true);
  return R !== null && R[0] === 2 && Buffer.compare(R.subarray(1), r) === 0;
}

function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const prefix = createHash('sha256').update(tag).digest();
  return createHash('sha256')
    .update(Buffer.concat([prefix, prefix, ...parts]))
    .digest();
}
