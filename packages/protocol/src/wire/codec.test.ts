import {
  type Arbitrary,
  array,
  assert,
  bigInt,
  constant,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519 } from '../groups/ed25519.ts';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import {
  bytes,
  type Codec,
  choice,
  decode,
  encode,
  fixed,
  list,
  mapped,
  point,
  scalar,
  struct,
  text,
  u8,
  u16,
  u32,
  u48,
  vector,
  version,
} from './codec.ts';

const small = integer({ min: 0, max: 255 });
const name = string({ unit: constantFrom('a', ' ', '~', 'Z'), maxLength: 10 });
const toyPoint = bigInt({ min: 1n, max: toy.order - 1n }).map((k) => toy.multiplyBase(k));
const even: Codec<number> = mapped(
  u8,
  (value: number) => value / 2,
  (value) => {
    if (value > 100) throw new EncodingError('too large');
    return value * 2;
  },
);
const options = choice<{ none: Uint8Array; some: number }>({ none: fixed(0), some: u16 });

interface Case {
  readonly what: string;
  readonly codec: Codec<unknown>;
  readonly values: Arbitrary<unknown>;
}

function of<T>(what: string, codec: Codec<T>, values: Arbitrary<T>): Case {
  return { what, codec, values };
}

const cases: readonly Case[] = [
  of('u8', u8, small),
  of('u16', u16, integer({ min: 0, max: 2 ** 16 - 1 })),
  of('u32', u32, integer({ min: 0, max: 2 ** 32 - 1 })),
  of('u48', u48, integer({ min: 0, max: 2 ** 48 - 1 })),
  of('version', version(3), constant(3)),
  of('fixed', fixed(5), uint8Array({ minLength: 5, maxLength: 5 })),
  of('bytes', bytes(20), uint8Array({ maxLength: 20 })),
  of('text', text(10), name),
  of('point', point(toy), toyPoint),
  of('scalar', scalar(toy), bigInt({ min: 0n, max: toy.order - 1n })),
  of('vector', vector(u16, 3), array(small, { minLength: 3, maxLength: 3 })),
  of('list', list(bytes(4), 3), array(uint8Array({ maxLength: 4 }), { maxLength: 3 })),
  of(
    'choice',
    options,
    oneof(
      constant({ type: 'none' as const, value: new Uint8Array(0) }),
      small.map((value) => ({ type: 'some' as const, value })),
    ),
  ),
  of(
    'mapped',
    even,
    integer({ min: 0, max: 100 }).map((value) => value * 2),
  ),
  of(
    'struct',
    struct<Record<string, unknown>>({
      version: version(1),
      name: text(10),
      points: list(point(toy), 4),
      last: struct<{ at: number }>({ at: u48 }),
    }),
    record({ version: constant(1), name, points: array(toyPoint, { maxLength: 4 }), last: record({ at: small }) }),
  ),
];

describe.each(cases)('the codec of $what', ({ codec, values }) => {
  const refused = (encoded: Uint8Array): void => {
    expect(() => decode(codec, encoded)).toThrow(EncodingError);
  };

  it('decodes what it encoded, and refuses anything shorter or longer', () => {
    assert(
      property(values, small, (value, extra) => {
        const encoded = encode(codec, value);
        expect(decode(codec, encoded)).toEqual(value);
        for (let length = 0; length < encoded.length; length++) refused(encoded.slice(0, length));
        refused(Uint8Array.of(...encoded, extra));
      }),
      { numRuns: 40 },
    );
  });

  it('has one encoding for each value', () => {
    assert(
      property(values, small, integer({ min: 0 }), uint8Array({ maxLength: 12 }), (value, off, at, noise) => {
        const encoded = encode(codec, value);
        const i = at % Math.max(1, encoded.length);
        const changed = encoded.map((byte, k) => (k === i ? byte ^ off : byte));
        for (const input of [changed, noise]) {
          const decoded = attempt(codec, input);
          if (decoded !== undefined) expect(encode(codec, decoded.value)).toEqual(input);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe.each([ed25519, secp256k1])('the codecs over $name', (group) => {
  it('carry points and scalars of the group only', () => {
    const encoded = encode(point(group), group.multiplyBase(5n));
    expect(group.equals(decode(point(group), encoded), group.multiplyBase(5n))).toBe(true);
    expect(() => decode(point(group), new Uint8Array(group.pointBytes).fill(255))).toThrow(EncodingError);
    expect(() => encode(point(group), group.identity)).toThrow(EncodingError);
    expect(decode(scalar(group), encode(scalar(group), 5n))).toBe(5n);
    expect(() => decode(scalar(group), new Uint8Array(group.scalarBytes).fill(255))).toThrow(EncodingError);
  });
});

describe('encoding', () => {
  it.each<[string, Codec<unknown>, unknown]>([
    ['a negative integer', u8, -1],
    ['a fraction', u8, 0.5],
    ['bytes of another length', fixed(2), new Uint8Array(3)],
    ['too many bytes', bytes(2), new Uint8Array(3)],
    ['text that is not ASCII', text(9), 'é'],
    ['control characters', text(9), 'a\n'],
    ['too long a text', text(2), 'abc'],
    ['too short a vector', vector(u8, 2), [1]],
    ['too long a list', list(u8, 2), [1, 2, 3]],
    ['an unknown option', options, { type: 'other', value: 1 }],
  ])('refuses %s', (_what, codec, value) => {
    expect(() => encode(codec, value as never)).toThrow(EncodingError);
  });

  it('refuses an integer that does not fit', () => {
    expect(() => encode(u8, 256)).toThrow(RangeError);
  });
});

describe('decoding', () => {
  it.each<[string, Codec<unknown>, readonly number[]]>([
    ['another version', version(1), [2]],
    ['a length over the limit', bytes(2), [0, 0, 0, 3, 1, 2, 3]],
    ['a length far over what is there', bytes(2 ** 31), [127, 255, 255, 255, 1]],
    ['a count over the limit', list(u8, 2), [0, 3, 1, 2, 3]],
    ['text that is not ASCII', text(9), [0, 0, 0, 1, 0x7f]],
    ['an unknown option', options, [2]],
    ['the identity', point(toy), Array.from({ length: 32 }, () => 0)],
  ])('refuses %s', (_what, codec, encoded) => {
    expect(() => decode(codec, Uint8Array.from(encoded))).toThrow(EncodingError);
  });

  it('owns the bytes it returns', () => {
    const encoded = Uint8Array.of(1, 2);
    const value = decode(fixed(2), encoded);
    encoded.fill(0);
    expect(value).toEqual(Uint8Array.of(1, 2));
  });
});

function attempt(codec: Codec<unknown>, input: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: decode(codec, input) };
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}
