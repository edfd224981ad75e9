import { hash } from 'node:crypto';
import type { Randomness } from '@quorate/protocol';

/** A stream of decisions that follows from a text: fast, and good enough for everything but secrets. */
export class Dice implements Randomness {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    const bytes = Buffer.from(hash('sha256', seed), 'hex');
    this.#a = bytes.readInt32LE(0);
    this.#b = bytes.readInt32LE(4);
    this.#c = bytes.readInt32LE(8);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Another stream that goes on as this one does: what a copied machine has. */
  copy(): Dice {
    const copy = new Dice('');
    [copy.#a, copy.#b, copy.#c, copy.#counter] = [this.#a, this.#b, this.#c, this.#counter];
    return copy;
  }

  /** 32 bits (sfc32). */
  next(): number {
    const out = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
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
