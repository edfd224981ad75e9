/** The hash functions and derivations in use, behind one import of the library that computes them. */
export { hkdf } from '@noble/hashes/hkdf.js';
export { hmac } from '@noble/hashes/hmac.js';
export { sha256, sha512 } from '@noble/hashes/sha2.js';
export { keccak_256 as keccak256 } from '@noble/hashes/sha3.js';
