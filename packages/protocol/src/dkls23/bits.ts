/** Bit j of a string is `(bytes[j >> 3] >> (j & 7)) & 1` (§1.4). Nothing here branches on a bit or uses it as an address. */

/** Bit `j`, 0 or 1. */
export function bitOf(bytes: Uint8Array, j: number): number {
  return ((bytes[j >> 3] as number) >> (j & 7)) & 1;
}

/** The same memory as 32-bit words in the machine's byte order: for XOR, which does not care. */
export function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

/**
 * The first `columns` bits of 128 rows of `rowBytes` bytes, column by column: 16 bytes each, bit i from row i.
 * @param columns a multiple of eight
 */
export function transpose(rows: Uint8Array, rowBytes: number, columns: number): Uint8Array {
  const out = new Uint8Array(16 * columns);
  for (let i = 0; i < 16; i++) {
    for (let j = 0; j < columns / 8; j++) {
      // Eight rows of eight bits, in two words of four rows each; Hacker's Delight (2nd edition) §7-3, transpose8.
      let [low, high] = [0, 0];
      for (let row = 0; row < 4; row++) {
        low |= (rows[(8 * i + row) * rowBytes + j] as number) << (8 * row);
        high |= (rows[(8 * i + row + 4) * rowBytes + j] as number) << (8 * row);
      }
      let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= swap ^ (swap << 7);
      swap = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= swap ^ (swap << 7);
      swap = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= swap ^ (swap << 14);
      swap = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= swap ^ (swap << 14);
      const left = (low & 0x0f0f0f0f) | ((high & 0x0f0f0f0f) << 4);
      const right = ((low >>> 4) & 0x0f0f0f0f) | (high & 0xf0f0f0f0);
      for (let column = 0; column < 4; column++) {
        out[16 * (8 * j + column) + i] = left >>> (8 * column);
        out[16 * (8 * j + column + 4) + i] = right >>> (8 * column);
      }
    }
  }
  return out;
}
