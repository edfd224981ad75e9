import { createCipheriv, hash } from 'node:crypto';
import { checkKeyAndBlocks, type Symmetric } from '@quorate/protocol';

/** AES-128 and SHA-256 by OpenSSL: the twin of `pureSymmetric`, in constant time wherever the processor has AES. */
export const nativeSymmetric: Symmetric = {
  name: 'openssl',
  aes128Blocks: (key, blocks) => {
    checkKeyAndBlocks(key, blocks);
    const encrypted = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(blocks);
    return new Uint8Array(encrypted.buffer, encrypted.byteOffset, encrypted.length);
  },
  sha256: (message) => {
    const digest = hash('sha256', message, 'buffer');
    return new Uint8Array(digest.buffer, digest.byteOffset, digest.length);
  },
};
