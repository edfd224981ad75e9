import { concat, u16 } from '../bytes.ts';
import { sha256 } from '../primitives/hash.ts';

const blockBytes = 64;
const hashBytes = 32;

/**
 * expand_message_xmd of RFC 9380 §5.3.1 with SHA-256.
 * @param tag domain separation, at most 255 bytes
 * @param length of the result, at most 255·32 bytes
 */
export function expandMessage(message: Uint8Array, tag: Uint8Array, length: number): Uint8Array {
  const tagPrime = concat(tag, Uint8Array.of(tag.length));
  const first = sha256(concat(new Uint8Array(blockBytes), message, u16(length), Uint8Array.of(0), tagPrime));
  const blocks: Uint8Array[] = [];
  let previous: Uint8Array = new Uint8Array(hashBytes);
  for (let i = 1; blocks.length * hashBytes < length; i++) {
    previous = sha256(
      concat(
        first.map((byte, j) => byte ^ (previous[j] as number)),
        Uint8Array.of(i),
        tagPrime,
      ),
    );
    blocks.push(previous);
  }
  return concat(...blocks).slice(0, length);
}
