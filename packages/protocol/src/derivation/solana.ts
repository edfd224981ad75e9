import { base58 } from '@scure/base';
import { EncodingError } from '../groups/group.ts';

/**
 * The address of a Solana account: its Ed25519 public key in base58, without a checksum.
 * @param publicKey 32 bytes
 * @throws {EncodingError}
 */
export function solanaAddress(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) throw new EncodingError('not a public key');
  return base58.encode(publicKey);
}
