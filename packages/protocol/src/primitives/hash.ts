/** The hash functions and derivations in use, behind one import of the library that computes them. */
export { hkdf } from '@noble/hashes/hkdf.js';
export { hmac } from '@noble/hashes/hmac.js';
/** For Bitcoin's addresses, which are made with it; nothing new is. */
export { ripemd160 } from '@noble/hashes/legacy.js';
export { sha256, sha512 } from '@noble/hashes/sha2.js';
export { keccak_256 as keccak256 } from '@noble/hashes/sha3.js';
