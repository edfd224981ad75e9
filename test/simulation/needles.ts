/** Many short byte strings to be looked for at once. */
export class Needles {
  /** By their first four bytes, as a number. */
  readonly #byHead = new Map<number, Uint8Array[]>();
  /** Nearly all heads are no needle's, and this says so at once. */
  readonly #isLikely = new Uint8Array(1 << 16);

  /** @param needles each of at least four bytes */
  constructor(needles: Iterable<Uint8Array>) {
    for (const needle of needles) {
      const head = needle.subarray(0, 4).reduce(push, 0);
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), needle]);
      this.#isLikely[slotOf(head)] = 1;
    }
  }

  /** Whether any of them is in there. */
  areIn(text: Uint8Array): boolean {
    let head = 0;
    for (let i = 0; i < text.length; i++) {
      head = push(head, text[i] as number);
      if (this.#isLikely[slotOf(head)] === 1 && i >= 3 && this.#isAt(text, i - 3, head)) return true;
    }
    return false;
  }

  #isAt(text: Uint8Array, at: number, head: number): boolean {
    return this.#byHead.get(head)?.some((needle) => needle.every((byte, i) => text[at + i] === byte)) ?? false;
  }
}

function push(head: number, byte: number): number {
  return (head << 8) | byte;
}

function slotOf(head: number): number {
  return Math.imul(head, 0x9e3779b1) >>> 16;
}
