import { createCipheriv, hash } from 'node:crypto';
import { checkKeyAndBlocks, type Symmetric } from '@quorate/protocol';

/** AES-128 and SHA-2 by OpenSSL: the twin of `pureSymmetric`, in constant time wherever the processor has AES. */
export const nativeSymmetric: Symmetric = {
  name: 'openssl',
  aes128Blocks: (key, blocks) => {
    checkKeyAndBlocks(key, blocks);
    const encrypted = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false).update(blocks);
    return new Uint8Array(encrypted.buffer, encrypted.byteOffset, encrypted.length);
  },
  sha256: (message) => plain(hash('sha256', message, 'buffer')),
  sha512: (message) => plain(hash('sha512', message, 'buffer')),
};

/** Not a Buffer, whose `slice` shares memory. */
function plain(digest: Buffer): Uint8Array {
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length);
}
