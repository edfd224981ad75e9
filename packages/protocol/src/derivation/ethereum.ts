import { ascii, toHex } from '../bytes.ts';
import { keccak256 } from '../primitives/hash.ts';
import { uncompressed } from './sec1.ts';

/**
 * The address of an Ethereum account, with the capitals of EIP-55.
 * @param publicKey 33 bytes, compressed
 * @throws {EncodingError}
 */
export function ethereumAddress(publicKey: Uint8Array): string {
  const digits = toHex(keccak256(uncompressed(publicKey).subarray(1)).subarray(12));
  const capitals = toHex(keccak256(ascii(digits)));
  return `0x${digits.replace(/[a-f]/g, (digit, i: number) => ((capitals[i] as string) >= '8' ? digit.toUpperCase() : digit))}`;
}
