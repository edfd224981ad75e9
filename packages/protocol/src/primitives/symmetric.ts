import { ecb } from '@noble/ciphers/aes.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';

/** The symmetric primitives of an oblivious-transfer extension: little cryptography over many bytes, hence native twins. */
export interface Symmetric {
  readonly name: string;
  /**
   * AES-128 (FIPS 197) of every 16-byte block on its own: a public permutation, not a mode to encrypt with.
   * @param blocks whole blocks
   * @returns as many blocks, in a new buffer at an offset fit for 32-bit words
   */
  aes128Blocks(key: Uint8Array, blocks: Uint8Array): Uint8Array;
  /** @returns 32 bytes */
  sha256(message: Uint8Array): Uint8Array;
  /** @returns 64 bytes */
  sha512(message: Uint8Array): Uint8Array;
}

/** @throws {RangeError} on a key of the wrong length or a broken block: ours, never the other side's */
export function checkKeyAndBlocks(key: Uint8Array, blocks: Uint8Array): void {
  if (key.length !== 16) throw new RangeError('an AES-128 key has 16 bytes');
  if (blocks.length % 16 !== 0) throw new RangeError('an AES block has 16 bytes');
}

/** In JavaScript. Its AES looks tables up at secret places: for tests, and for where OpenSSL is not. */
export const pureSymmetric: Symmetric = {
  name: 'noble',
  aes128Blocks: (key, blocks) => {
    checkKeyAndBlocks(key, blocks);
    return blocks.length === 0 ? new Uint8Array(0) : ecb(key, { disablePadding: true }).encrypt(blocks);
  },
  sha256,
  sha512,
};
