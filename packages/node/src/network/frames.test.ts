import { concat, toHex } from '@quorate/protocol';
import { array, assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader, frame } from './frames.ts';

const max = 64;

describe('frames', () => {
  test('come out as they went in, however the stream is cut', () => {
    const payloads = array(uint8Array({ maxLength: max }), { maxLength: 12 });
    assert(
      property(payloads, array(integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
        const stream = concat(...sent.map((payload) => frame(payload, max)));
        const reader = new FrameReader(max);
        const received: Uint8Array[] = [];
        for (let offset = 0, turn = 0; offset < stream.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1;
          received.push(...reader.push(stream.slice(offset, offset + size)));
          offset += size;
        }
        expect(received.map(toHex)).toEqual(sent.map(toHex));
      }),
    );
  });

  test('the longest fits, one byte more is neither sent nor read', () => {
    expect(new FrameReader(max).push(frame(new Uint8Array(max), max))).toHaveLength(1);
    expect(() => frame(new Uint8Array(max + 1), max)).toThrow(expect.objectContaining({ code: 'frame-too-large' }));
    expect(() => new FrameReader(max).push(Uint8Array.of(0, 0, 0, max + 1))).toThrow(
      expect.objectContaining({ code: 'frame-too-large' }),
    );
  });

  test('a claim of 4 GiB is refused with its fourth byte', () => {
    const reader = new FrameReader(max);
    expect(reader.push(Uint8Array.of(255, 255, 255))).toEqual([]);
    expect(() => reader.push(Uint8Array.of(255))).toThrow(/claims 4294967295 bytes/);
  });

  test('frames are copies: the chunk may be reused', () => {
    const chunk = frame(Uint8Array.of(1, 2, 3), max);
    const [received] = new FrameReader(max).push(chunk);
    chunk.fill(0);
    expect(received).toEqual(Uint8Array.of(1, 2, 3));
  });
});
