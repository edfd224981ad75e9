/**
 * GF(2^128) modulo X^128 + X^7 + X^2 + X + 1: 16 bytes, bit i the coefficient of X^i (not GCM's reflected order).
 * One factor of every product is public, the challenge; the other is secret and decides no branch and no address.
 */

/** The multiples of a public element by 1, X, …, X^127: four words each, the least significant first. */
export function multiples(element: Uint8Array): Uint32Array {
  const table = new Uint32Array(4 * 128);
  const view = new DataView(element.buffer, element.byteOffset, 16);
  for (let word = 0; word < 4; word++) table[word] = view.getUint32(4 * word, true);
  for (let i = 4; i < table.length; i += 4) {
    const [w0, w1, w2, w3] = table.subarray(i - 4, i) as unknown as [number, number, number, number];
    table[i] = (w0 << 1) ^ (0x87 & -(w3 >>> 31));
    table[i + 1] = (w1 << 1) | (w0 >>> 31);
    table[i + 2] = (w2 << 1) | (w1 >>> 31);
    table[i + 3] = (w3 << 1) | (w2 >>> 31);
  }
  return table;
}

/**
 * Adds to `sum` (16 bytes) the products of public elements with secret ones that follow each other in `bits`, the last one
 * filled up with zeros.
 * @param tables the {@link multiples} of the elements, one after the other
 * @param bits whole 32-bit words, no more than the tables have
 */
export function addProducts(sum: Uint8Array, tables: Uint32Array, bits: Uint8Array): void {
  const view = new DataView(bits.buffer, bits.byteOffset, bits.length);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let at = 0;
  for (let offset = 0; offset < bits.length; offset += 4) {
    let word = view.getUint32(offset, true);
    for (let bit = 0; bit < 32; bit++, word >>>= 1, at += 4) {
      const mask = -(word & 1);
      s0 ^= (tables[at] as number) & mask;
      s1 ^= (tables[at + 1] as number) & mask;
      s2 ^= (tables[at + 2] as number) & mask;
      s3 ^= (tables[at + 3] as number) & mask;
    }
  }
  const out = new DataView(sum.buffer, sum.byteOffset, 16);
  out.setUint32(0, out.getUint32(0, true) ^ s0, true);
  out.setUint32(4, out.getUint32(4, true) ^ s1, true);
  out.setUint32(8, out.getUint32(8, true) ^ s2, true);
  out.setUint32(12, out.getUint32(12, true) ^ s3, true);
}
