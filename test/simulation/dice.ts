import { createHash } from 'node:crypto';
import type { Randomness } from '@quorate/protocol';

/** A stream of decisions that follows from a text: fast, and good enough for everything but secrets. */
export class Dice implements Randomness {
  readonly #state: Int32Array;

  constructor(seed: string) {
    const bytes = createHash('sha256').update(seed).digest();
    this.#state = Int32Array.of(bytes.readInt32LE(0), bytes.readInt32LE(4), bytes.readInt32LE(8), 1);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 bits (sfc32). */
  next(): number {
    const s = this.#state;
    const [a, b, c, d] = s as unknown as [number, number, number, number];
    const out = (a + b + d) | 0;
    s[3] = d + 1;
    s[0] = b ^ (b >>> 9);
    s[1] = (c + (c << 3)) | 0;
    s[2] = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  /** An integer in [first, last]. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }

  any<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to choose from');
    return items[this.below(items.length)] as T;
  }

  /** So many of the items, in their order. */
  some<T>(items: readonly T[], count: number): readonly T[] {
    const left = [...items];
    while (left.length > count) left.splice(this.below(left.length), 1);
    return left;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.next();
      for (let j = i; j < Math.min(i + 4, length); j++) out[j] = word >>> (8 * (j - i));
    }
    return out;
  }
}
