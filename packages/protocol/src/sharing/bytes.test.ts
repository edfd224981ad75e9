import { assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii } from '../bytes.ts';
import { seeded } from '../random.ts';
import { combineBytes, splitBytes } from './bytes.ts';
import { invert, multiply } from './gf256.ts';

const byte = integer({ min: 0, max: 255 });

describe('GF(256)', () => {
  it('multiplies as FIPS 197 says', () => {
    expect(multiply(0x57, 0x83)).toBe(0xc1);
    expect(multiply(0x57, 0x13)).toBe(0xfe);
  });

  it('is a field', () => {
    assert(
      property(byte, byte, byte, (a, b, c) => {
        expect(multiply(a, b)).toBe(multiply(b, a));
        expect(multiply(multiply(a, b), c)).toBe(multiply(a, multiply(b, c)));
        expect(multiply(a, b ^ c)).toBe(multiply(a, b) ^ multiply(a, c));
        expect(multiply(a, 1)).toBe(a);
      }),
    );
    for (let a = 1; a < 256; a++) expect(multiply(a, invert(a))).toBe(1);
    expect(invert(0)).toBe(0);
  });
});

describe('sharing bytes', () => {
  const size = integer({ min: 1, max: 8 });

  it('recovers a secret of any length from enough shares', () => {
    assert(
      property(uint8Array({ maxLength: 70 }), size, size, uint8Array(), (secret, a, b, seed) => {
        const [threshold, count] = [Math.min(a, b), Math.max(a, b)];
        const shares = splitBytes(secret, threshold, count, seeded(seed));
        expect(combineBytes(shares.slice(0, threshold))).toEqual(secret);
        expect(combineBytes(shares.slice(count - threshold).reverse())).toEqual(secret);
        expect(combineBytes(shares)).toEqual(secret);
      }),
    );
  });

  it('keeps leading zeros, and makes 255 shares', () => {
    const secret = new Uint8Array(5);
    expect(combineBytes(splitBytes(secret, 2, 3, seeded(ascii('z'))).slice(1))).toEqual(secret);
    const shares = splitBytes(ascii('all'), 255, 255, seeded(ascii('z')));
    expect(combineBytes(shares)).toEqual(ascii('all'));
  });

  it('does not give the secret to fewer', () => {
    const secret = ascii('sixteen letters!');
    const shares = splitBytes(secret, 3, 5, seeded(ascii('few')));
    for (const share of shares) expect(share.bytes).not.toEqual(secret);
    expect(combineBytes(shares.slice(0, 2))).not.toEqual(secret);
  });

  it('refuses impossible numbers of shares', () => {
    const deal = (threshold: number, count: number) => () =>
      splitBytes(ascii('s'), threshold, count, seeded(ascii('')));
    for (const threshold of [0, 4, 1.5])
      expect(deal(threshold, 3)).toThrow(expect.objectContaining({ code: 'threshold' }));
    for (const count of [0, 256, 2.5]) expect(deal(1, count)).toThrow(expect.objectContaining({ code: 'identifiers' }));
  });

  it('refuses shares that cannot belong together', () => {
    const [one, two] = splitBytes(ascii('secret'), 2, 2, seeded(ascii('')));
    if (one === undefined || two === undefined) throw new Error('two shares were dealt');
    const refused = (code: string) => expect.objectContaining({ name: 'SharingError', code });
    expect(() => combineBytes([])).toThrow(refused('threshold'));
    expect(() => combineBytes([one, one])).toThrow(refused('identifiers'));
    expect(() => combineBytes([one, { ...two, x: 0 }])).toThrow(refused('identifiers'));
    expect(() => combineBytes([one, { ...two, x: 257 }])).toThrow(refused('identifiers'));
    expect(() => combineBytes([one, { ...two, bytes: two.bytes.slice(1) }])).toThrow(refused('length'));
  });
});
