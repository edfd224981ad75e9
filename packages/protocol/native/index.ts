/** Twins of pure primitives that native code computes faster: libsodium if it is installed, and Node's OpenSSL. */
export { nativeAead } from './aead.ts';
export { nativeEcdh } from './ecdh.ts';
export { libsecp256k1 } from './libsecp256k1.ts';
export { nativeEd25519, nativeNodeKey } from './signatures.ts';
export { sodiumEd25519 } from './sodium.ts';
export { nativeSymmetric } from './symmetric.ts';
