import { array, assert, bigInt, constantFrom, integer, property, string, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ascii,
  compare,
  concat,
  equal,
  fromBytesBE,
  fromBytesLE,
  fromHex,
  toBytesBE,
  toBytesLE,
  toHex,
  u16,
  u32,
  u64,
} from './bytes.ts';

describe('byte strings', () => {
  it('are concatenated in order', () => {
    assert(
      property(array(uint8Array()), (parts) => {
        expect([...concat(...parts)]).toEqual(parts.flatMap((part) => [...part]));
      }),
    );
  });

  it('are equal if all their bytes are', () => {
    assert(
      property(uint8Array({ minLength: 1 }), integer({ min: 1, max: 255 }), integer({ min: 0 }), (bytes, off, at) => {
        const i = at % bytes.length;
        expect(equal(bytes, bytes.slice())).toBe(true);
        expect(equal(bytes, bytes.with(i, (bytes[i] as number) ^ off))).toBe(false);
        expect(equal(bytes, bytes.slice(1))).toBe(false);
        expect(equal(bytes, Uint8Array.of(...bytes, 0))).toBe(false);
      }),
    );
  });

  it('are ordered as dictionaries order words', () => {
    assert(
      property(uint8Array({ max: 3 }), uint8Array({ max: 3 }), (a, b) => {
        const [x, y] = [toHex(a), toHex(b)];
        expect(Math.sign(compare(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0);
      }),
    );
  });
});

describe('hexadecimal', () => {
  it('goes both ways, in either case', () => {
    assert(
      property(uint8Array(), (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
      }),
    );
    expect(toHex(Uint8Array.of(0, 10, 255))).toBe('000aff');
  });

  it.each(['0', '0g', ' 00', '00 ', '0x00', '00\n'])('refuses %j', (bad) => {
    expect(() => fromHex(bad)).toThrow(RangeError);
  });
});

it('takes printable ASCII and nothing else', () => {
  assert(
    property(string(), (text) => {
      if (/^[\x20-\x7e]*$/.test(text)) expect(String.fromCharCode(...ascii(text))).toBe(text);
      else expect(() => ascii(text)).toThrow(RangeError);
    }),
  );
  for (const bad of ['\n', '\x7f', 'é', 'ī', '\u0000']) expect(() => ascii(bad)).toThrow(RangeError);
});

describe('integers', () => {
  const value = bigInt({ min: 0n, max: 2n ** 64n - 1n });

  it('go both ways in either byte order', () => {
    assert(
      property(value, integer({ min: 8, max: 40 }), (n, length) => {
        expect(fromBytesBE(toBytesBE(n, length))).toBe(n);
        expect(fromBytesLE(toBytesLE(n, length))).toBe(n);
        expect(toBytesBE(n, length)).toHaveLength(length);
        expect(toBytesLE(n, length).toReversed()).toEqual(toBytesBE(n, length));
      }),
    );
    expect(toBytesBE(258n, 3)).toEqual(Uint8Array.of(0, 1, 2));
    expect(fromBytesBE(new Uint8Array(0))).toBe(0n);
  });

  it('are refused when negative or too large', () => {
    expect(() => toBytesBE(-1n, 4)).toThrow(RangeError);
    expect(() => toBytesBE(256n, 1)).toThrow(RangeError);
    expect(() => toBytesLE(1n, 0)).toThrow(RangeError);
    expect(() => u16(65536)).toThrow(RangeError);
    expect(() => u32(2 ** 32)).toThrow(RangeError);
    expect(() => u64(2n ** 64n)).toThrow(RangeError);
    expect(() => u64(1.5)).toThrow(RangeError);
  });

  it('do not disturb what they are read from', () => {
    assert(
      property(uint8Array(), constantFrom(fromBytesBE, fromBytesLE), (bytes, read) => {
        const before = bytes.slice();
        read(bytes);
        expect(bytes).toEqual(before);
      }),
    );
  });
});
