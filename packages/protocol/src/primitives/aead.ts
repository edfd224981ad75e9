import { chacha20poly1305 } from '@noble/ciphers/chacha.js';

/** Authenticated encryption with a 32-byte key, a 12-byte nonce and a 16-byte tag behind the ciphertext (RFC 8439). */
export interface Aead {
  readonly name: string;
  /** A key and nonce seal one plaintext, ever. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or undefined if key, nonce, aad or ciphertext is not what was sealed. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
}

/** How many bytes longer a ciphertext is than its plaintext. */
export const aeadOverhead = 16;

/** @throws {RangeError} on a key or nonce of the wrong length: ours, never the other side's */
export function checkKeyAndNonce(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== 32) throw new RangeError('an AEAD key has 32 bytes');
  if (nonce.length !== 12) throw new RangeError('an AEAD nonce has 12 bytes');
}

/** ChaCha20-Poly1305 in JavaScript. */
export const pureAead: Aead = {
  name: 'noble',
  seal: (key, nonce, aad, plaintext) => {
    checkKeyAndNonce(key, nonce);
    return chacha20poly1305(key, nonce, aad).encrypt(plaintext);
  },
  open: (key, nonce, aad, ciphertext) => {
    checkKeyAndNonce(key, nonce);
    try {
      return chacha20poly1305(key, nonce, aad).decrypt(ciphertext);
    } catch {
      return undefined;
    }
  },
};
