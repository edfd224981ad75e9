import { concat, u32 } from '@quorate/protocol';
import { NodeError } from '../errors.ts';

/** The wire form of a frame: u32 length ‖ payload. @throws {NodeError} `frame-too-large` */
export function frame(payload: Uint8Array, maxBytes: number): Uint8Array {
  if (payload.length > maxBytes) {
    throw new NodeError('frame-too-large', `a frame of ${payload.length} bytes; at most ${maxBytes} fit, split it`);
  }
  return concat(u32(payload.length), payload);
}

/**
 * Cuts a byte stream into frames, whatever chunks it comes in. It copies what has arrived of one frame into a buffer that
 * grows with it: memory follows what was sent, never what was claimed, nor the number of chunks.
 */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #head = new Uint8Array(4);
  #headFilled = 0;
  #length = 0;
  #body: Uint8Array = new Uint8Array(0);
  #bodyFilled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The frames that `chunk` completes. @throws {NodeError} `frame-too-large` as soon as a head claims too much */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#headFilled < this.#head.length) {
        this.#head[this.#headFilled++] = chunk[offset++] as number;
        if (this.#headFilled < this.#head.length) continue;
        this.#begin();
      } else {
        const part = chunk.subarray(offset, offset + this.#length - this.#bodyFilled);
        this.#append(part);
        offset += part.length;
      }
      if (this.#bodyFilled === this.#length) {
        frames.push(this.#body);
        this.#headFilled = 0;
      }
    }
    return frames;
  }

  #begin(): void {
    const [a = 0, b = 0, c = 0, d = 0] = this.#head;
    this.#length = ((a * 256 + b) * 256 + c) * 256 + d;
    this.#body = new Uint8Array(0);
    this.#bodyFilled = 0;
    if (this.#length > this.#maxBytes) {
      throw new NodeError(
        'frame-too-large',
        `a frame claims ${this.#length} bytes; at most ${this.#maxBytes} are read`,
      );
    }
  }

  #append(part: Uint8Array): void {
    const needed = this.#bodyFilled + part.length;
    if (needed > this.#body.length) {
      const larger = new Uint8Array(Math.min(this.#length, Math.max(needed, 2 * this.#body.length)));
      larger.set(this.#body);
      this.#body = larger;
    }
    this.#body.set(part, this.#bodyFilled);
    this.#bodyFilled = needed;
  }
}
