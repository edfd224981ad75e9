import { assert, integer, property, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { bitOf, transpose, words } from './bits.ts';

it('numbers bits from the least significant of the first byte', () => {
  expect(Array.from({ length: 16 }, (_, j) => bitOf(Uint8Array.of(0x05, 0x80), j))).toEqual([
    1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  ]);
});

it('transposes: bit i of column j is bit j of row i', () => {
  assert(
    property(
      uint8Array({ minLength: 128 * 6, maxLength: 128 * 6 }),
      integer({ min: 1, max: 6 }),
      (rows, byteColumns) => {
        const columns = transpose(rows, 6, 8 * byteColumns);
        expect(columns).toHaveLength(16 * 8 * byteColumns);
        const wrong = Array.from({ length: 128 * 8 * byteColumns }, (_, at) => [at % 128, Math.floor(at / 128)]).filter(
          ([i = 0, j = 0]) => bitOf(columns.subarray(16 * j), i) !== bitOf(rows.subarray(6 * i), j),
        );
        expect(wrong).toEqual([]);
      },
    ),
    { numRuns: 30 },
  );
});

it('lends the same memory as words', () => {
  const bytes = new Uint8Array(8);
  words(bytes)[1] = 0xffffffff;
  expect([...bytes]).toEqual([0, 0, 0, 0, 255, 255, 255, 255]);
});
