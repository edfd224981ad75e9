import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type Aead, aeadOverhead, checkKeyAndNonce, concat } from '@quorate/protocol';

const cipher = 'chacha20-poly1305';
const options = { authTagLength: aeadOverhead };

/** ChaCha20-Poly1305 by OpenSSL: the twin of `pureAead`. */
export const nativeAead: Aead = {
  name: 'openssl',
  seal: (key, nonce, aad, plaintext) => {
    checkKeyAndNonce(key, nonce);
    const sealing = createCipheriv(cipher, key, nonce, options).setAAD(aad, { plaintextLength: plaintext.length });
    return concat(sealing.update(plaintext), sealing.final(), sealing.getAuthTag());
  },
  open: (key, nonce, aad, ciphertext) => {
    checkKeyAndNonce(key, nonce);
    const length = ciphertext.length - aeadOverhead;
    if (length < 0) return undefined;
    const opening = createDecipheriv(cipher, key, nonce, options);
    opening.setAAD(aad, { plaintextLength: length }).setAuthTag(ciphertext.subarray(length));
    const plaintext = opening.update(ciphertext.subarray(0, length));
    try {
      return concat(plaintext, opening.final());
    } catch {
      return undefined;
    } finally {
      plaintext.fill(0);
    }
  },
};
