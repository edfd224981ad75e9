import { array, assert, bigInt, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii, concat, fromBytesBE, toHex } from './bytes.ts';
import { hedged, type Randomness, randomScalar, secretScalar, seeded } from './random.ts';
import { Secret, SecretWiped } from './secret.ts';

describe('a seeded stream', () => {
  it('depends on its seed only, not on the sizes of the draws', () => {
    assert(
      property(uint8Array(), array(integer({ min: 0, max: 150 }), { maxLength: 8 }), (seed, sizes) => {
        const stream = seeded(seed);
        const drawn = concat(...sizes.map((size) => stream.bytes(size)));
        expect(drawn).toEqual(seeded(seed).bytes(drawn.length));
      }),
    );
    expect(seeded(ascii('a')).bytes(32)).not.toEqual(seeded(ascii('b')).bytes(32));
  });

  it('does not repeat itself, and gives its bytes away', () => {
    const stream = seeded(ascii('a'));
    const blocks = Array.from({ length: 20 }, () => toHex(stream.bytes(32)));
    expect(new Set(blocks).size).toBe(20);
    const other = seeded(ascii('a'));
    other.bytes(32).fill(0);
    expect(toHex(other.bytes(32))).toBe(blocks[1]);
  });
});

describe('hedged randomness', () => {
  const broken: Randomness = { bytes: (length) => new Uint8Array(length) };
  const secret = (text = 'secret') => new Secret(ascii(text));
  const draw = (from: Randomness) => toHex(from.bytes(32));

  it('differs for every secret and context although the generator is broken', () => {
    const draws = [
      draw(hedged(broken, secret(), ascii('a'))),
      draw(hedged(broken, secret(), ascii('b'))),
      draw(hedged(broken, secret('other'), ascii('a'))),
      draw(hedged(broken, secret(), ascii('a'), new Uint8Array(0))),
      draw(hedged(broken, secret())),
    ];
    expect(new Set(draws).size).toBe(draws.length);
    expect(draw(hedged(broken, secret(), ascii('a')))).toBe(draws[0]);
  });

  it('differs every time with a generator that works', () => {
    const working = seeded(ascii('works'));
    expect(draw(hedged(working, secret(), ascii('a')))).not.toBe(draw(hedged(working, secret(), ascii('a'))));
  });

  it('wipes what it drew, and needs the secret alive', () => {
    const drawn: Uint8Array[] = [];
    const watched: Randomness = {
      bytes: (length) => {
        const out = new Uint8Array(length).fill(7);
        drawn.push(out);
        return out;
      },
    };
    hedged(watched, secret(), ascii('a'));
    expect(drawn).toEqual([new Uint8Array(64)]);
    const gone = secret();
    gone.wipe();
    expect(() => hedged(watched, gone)).toThrow(SecretWiped);
  });
});

describe('a random scalar', () => {
  it('is neither zero nor as large as the order', () => {
    assert(
      property(bigInt({ min: 2n, max: 2n ** 256n }), uint8Array(), (order, seed) => {
        const scalar = randomScalar(seeded(seed), order);
        expect(scalar > 0n && scalar < order).toBe(true);
      }),
    );
  });

  it('takes every value, about as often as any other', () => {
    const stream = seeded(ascii('count'));
    const counts = new Map<bigint, number>();
    for (let i = 0; i < 6000; i++) {
      const scalar = randomScalar(stream, 7n);
      counts.set(scalar, (counts.get(scalar) ?? 0) + 1);
    }
    expect(new Set(counts.keys())).toEqual(new Set([1n, 2n, 3n, 4n, 5n, 6n]));
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('draws 16 bytes more than the order has, and wipes them', () => {
    const drawn: Uint8Array[] = [];
    randomScalar(
      {
        bytes: (length) => {
          const out = new Uint8Array(length).fill(9);
          drawn.push(out);
          return out;
        },
      },
      2n ** 255n - 19n,
    );
    expect(drawn).toEqual([new Uint8Array(48)]);
  });

  it('is kept as a secret of fixed length', () => {
    expect(secretScalar(258n, 32).use((bytes) => [bytes.length, fromBytesBE(bytes)])).toEqual([32, 258n]);
  });
});
