import { array, assert, constantFrom, integer, property, tuple, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii, concat, toHex, u64 } from './bytes.ts';
import { hash, hash512, list } from './transcript.ts';

describe('the transcript', () => {
  it('hashes what it says it hashes', () => {
    expect(toHex(hash('dkls/test', new Uint8Array(0), ascii('abc')))).toBe(
      'ccbaa5ed80e6d1b94ca61b119c13f2d371bd1e94a16304d86b9f171e02d9d028',
    );
    expect(hash512('dkls/test', ascii('abc'))).toHaveLength(64);
  });

  // Parts that look like the format itself are the ones most likely to be mistaken for it.
  const part = constantFrom(
    ...[[], [0], [0, 0], [1], [97]].map((bytes) => Uint8Array.from(bytes)),
    u64(0),
    u64(1),
    u64(8),
  );
  const parts = array(part, { maxLength: 4 });
  const name = (items: readonly Uint8Array[]): string => items.map(toHex).join('|') + `#${items.length}`;

  it('gives different lists different inputs', () => {
    const seen = new Map<string, string>();
    assert(
      property(constantFrom('a', 'aa', 'b'), parts, (tag, items) => {
        for (const digest of [hash(tag, ...items), hash512(tag, ...items)]) {
          const input = `${tag}:${name(items)}`;
          expect(seen.get(toHex(digest)) ?? input).toBe(input);
          seen.set(toHex(digest), input);
        }
      }),
      { numRuns: 2000 },
    );
    expect(seen.size).toBeGreaterThan(200);
  });

  it('tells apart the ways of cutting the same bytes into parts', () => {
    assert(
      property(
        uint8Array({ minLength: 2, maxLength: 30 }),
        tuple(integer({ min: 0 }), integer({ min: 0 })),
        (bytes, cuts) => {
          const [i, j] = cuts.map((cut) => cut % bytes.length) as [number, number];
          const at = (cut: number) => toHex(hash('t', bytes.subarray(0, cut), bytes.subarray(cut)));
          expect(at(i) === at(j)).toBe(i === j);
          expect(at(i)).not.toBe(toHex(hash('t', bytes)));
          expect(at(i)).not.toBe(
            toHex(hash('t', concat(bytes.subarray(0, i), u64(bytes.length - i), bytes.subarray(i)))),
          );
        },
      ),
    );
  });

  it('makes one part of a list, and no two lists the same part', () => {
    const seen = new Map<string, string>();
    assert(
      property(parts, (items) => {
        const encoded = toHex(list(items));
        expect(seen.get(encoded) ?? name(items)).toBe(name(items));
        seen.set(encoded, name(items));
      }),
      { numRuns: 1000 },
    );
    expect(toHex(hash('t', list([ascii('a')]), list([])))).not.toBe(toHex(hash('t', list([]), list([ascii('a')]))));
  });

  it('takes tags of printable ASCII only', () => {
    expect(() => hash('tag\n')).toThrow(RangeError);
  });
});
