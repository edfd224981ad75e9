import { describe, expect, it } from 'vitest';
import { mixedOrder, nonCanonical, smallOrder } from '../../../../test/support/ed25519-edge-cases.ts';
import { vectors } from '../../../../test/support/vectors.ts';
import { ascii, fromHex, toHex } from '../bytes.ts';
import { ed25519 } from './ed25519.ts';
import { EncodingError, type Group } from './group.ts';
import { secp256k1 } from './secp256k1.ts';

describe('ed25519', () => {
  it('has the generator of RFC 8032', () => {
    expect(toHex(ed25519.encodePoint(ed25519.generator))).toBe(`58${'66'.repeat(31)}`);
  });

  it.each(smallOrder)('refuses the small-order point %s', (encoding) => {
    expect(() => ed25519.decodePoint(fromHex(encoding))).toThrow(EncodingError);
  });

  it.each(nonCanonical)('refuses the non-canonical encoding %s', (encoding) => {
    expect(() => ed25519.decodePoint(fromHex(encoding))).toThrow(EncodingError);
  });

  it.each(mixedOrder)('refuses the point of mixed order %s', (encoding) => {
    expect(() => ed25519.decodePoint(fromHex(encoding))).toThrow('prime-order subgroup');
  });

  it('has no even-y convention', () => {
    expect(() => ed25519.hasEvenY(ed25519.generator)).toThrow(TypeError);
  });
});

describe('secp256k1', () => {
  const x = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
  const y = '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';

  it('has the generator of SEC 2, whose y is even', () => {
    expect(toHex(secp256k1.encodePoint(secp256k1.generator))).toBe(`02${x}`);
    expect(secp256k1.hasEvenY(secp256k1.generator)).toBe(true);
    expect(toHex(secp256k1.encodePoint(secp256k1.negate(secp256k1.generator)))).toBe(`03${x}`);
  });

  it.each([
    ['uncompressed', `04${x}${y}`],
    ['hybrid', `06${x}${y}`],
    ['another prefix', `05${x}`],
    ['no prefix', x],
    ['x not on the curve', `02${'00'.repeat(31)}05`],
    ['x = p + 1, which is on the curve when reduced', `02${'ff'.repeat(27)}fefffffc30`],
    ['the point at infinity', '00'],
  ])('refuses an encoding: %s', (_what, encoding) => {
    expect(() => secp256k1.decodePoint(fromHex(encoding))).toThrow(EncodingError);
  });
});

describe('published vectors', () => {
  it.each([ed25519, secp256k1])('of elements that $name must refuse (ZF FROST)', (group: Group) => {
    const file = vectors(`rfc9591-frost-zf/${group.name}-elements.json`) as
      | { readonly elements: { readonly invalid_element: string } }
      | undefined;
    if (file === undefined) return;
    expect(() => group.decodePoint(fromHex(file.elements.invalid_element))).toThrow(EncodingError);
  });

  // RFC 9380, J.5.1 and J.8.1: P.x and P.y for the empty message.
  it('of hashing to secp256k1', () => {
    const point = secp256k1.hashToGroup('QUUX-V01-CS02-with-secp256k1_XMD:SHA-256_SSWU_RO_', ascii(''));
    const expected = '03c1cae290e291aee617ebaef1be6d73861479c48b841eaba9b7b5852ddfeb1346';
    expect(toHex(secp256k1.encodePoint(point))).toBe(expected);
  });

  it('of hashing to edwards25519', () => {
    const point = ed25519.hashToGroup('QUUX-V01-CS02-with-edwards25519_XMD:SHA-512_ELL2_RO_', ascii(''));
    // y, least significant byte first; x is even.
    const y = '09a6c8561a0b22bef63124c588ce4c62ea83a3c899763af26d795302e115dc21';
    expect(toHex(ed25519.encodePoint(point).reverse())).toBe(y);
  });
});
