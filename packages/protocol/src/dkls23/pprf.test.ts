import { describe, expect, it } from 'vitest';
import { toHex, u16 } from '../bytes.ts';
import { seeded } from '../random.ts';
import { hash, hash512 } from '../transcript.ts';
import { bitOf } from './bits.ts';
import type { SenderSeeds } from './extension.ts';
import { baseOts, buildTrees, evaluateTrees, type TreeShape, treeFits, treesBytes } from './pprf.ts';

const sid = new Uint8Array(32).fill(9);
const shapes = [1, 2, 4].map((k): TreeShape => ({ groups: 64 / k, k, leaves: 2 ** k }));

/** Base transfers as they come out of §3.3: both keys, choices, and the chosen keys. */
function transfers(shape: TreeShape, seed = 1) {
  const random = seeded(Uint8Array.of(seed));
  const count = baseOts(shape);
  const both = random.bytes(32 * count);
  const choices = random.bytes(count / 8);
  const own = new Uint8Array(16 * count);
  for (let i = 0; i < count; i++)
    own.set(
      both
        .slice(32 * i)
        .subarray(16 * bitOf(choices, i))
        .subarray(0, 16),
      16 * i,
    );
  return { both, choices, own };
}

/** Δ_g, from Alice's choices: its highest bit is the complement of the first one (§3.4). */
function missingOf({ k }: TreeShape, choices: Uint8Array, g: number): number {
  let missing = 0;
  for (let b = 0; b < k; b++) missing = 2 * missing + (1 - bitOf(choices, g * k + b));
  return missing;
}

const leaf = (leaves: Uint8Array, { leaves: many }: TreeShape, g: number, y: number): string =>
  toHex(leaves.slice(16 * (g * many + y), 16 * (g * many + y + 1)));

describe.each(shapes)('trees of depth $k', (shape) => {
  const { both, choices, own } = transfers(shape);
  const { message, seeds: bob } = buildTrees(shape, sid, both);
  const alice = evaluateTrees(shape, sid, own, choices, message) as SenderSeeds;
  const groups = Array.from({ length: shape.groups }, (_, g) => g);
  const partBytes = message.length / shape.groups;

  it('give Alice every leaf but one of each group, and zeroes for that', () => {
    const all = new Set<string>();
    for (const g of groups) {
      for (let y = 0; y < shape.leaves; y++) {
        const missing = y === missingOf(shape, choices, g);
        const expected = missing ? '00'.repeat(16) : leaf(bob.leaves, shape, g, y);
        expect(leaf(alice.leaves, shape, g, y)).toBe(expected);
        all.add(leaf(bob.leaves, shape, g, y));
      }
    }
    expect(all.size).toBe(shape.groups * shape.leaves);
  });

  it('make Δ of which leaf is missing: bit kg + b is bit b of Δ_g', () => {
    expect(alice.delta).toHaveLength(baseOts(shape) / 8);
    const seen = new Set<number>();
    for (const g of groups) {
      const missing = missingOf(shape, choices, g);
      seen.add(missing);
      for (let b = 0; b < shape.k; b++) expect(bitOf(alice.delta, g * shape.k + b)).toBe((missing >> b) & 1);
    }
    expect(seen.size).toBeGreaterThan(Math.min(shape.leaves, shape.groups) / 2);
  });

  it('take a message of the size that the specification counts', () => {
    expect(message).toHaveLength(treesBytes(shape));
    expect(partBytes).toBe(32 * (shape.k - 1) + 64);
  });

  const withBit = (at: number): Uint8Array => message.with(at, (message[at] as number) ^ 1);
  const faultyIn = (changed: Uint8Array): readonly number[] => {
    const result = evaluateTrees(shape, sid, own, choices, changed);
    return 'faulty' in result ? result.faulty : [];
  };
  const fits = (changed: Uint8Array, g: number): boolean => {
    const bits = Array.from({ length: shape.k }, (_, b) => bitOf(choices, g * shape.k + b));
    const keys = own.slice(16 * g * shape.k, 16 * (g + 1) * shape.k);
    return treeFits(shape, sid, g, keys, bits, changed);
  };

  it('are refused, group by group, for any other sum or digest', () => {
    for (const g of [0, 3, shape.groups - 1]) {
      for (const offset of [-64, -33, -32, -1]) {
        const changed = withBit((g + 1) * partBytes + offset);
        expect(faultyIn(changed)).toEqual([g]);
        expect(fits(changed, g)).toBe(false);
        expect(fits(message, g)).toBe(true);
      }
    }
  });

  it('are refused for a changed τ by an Alice who needed it, which half of them do not', () => {
    const noticed = groups.flatMap((g) =>
      Array.from({ length: 2 * (shape.k - 1) }, (_, at) => {
        const [b, x] = [1 + (at >> 1), at & 1];
        const needed = bitOf(choices, g * shape.k + b) === x;
        expect(faultyIn(withBit(g * partBytes + 16 * at + 7))).toEqual(needed ? [g] : []);
        return needed;
      }),
    );
    expect(noticed.filter(Boolean)).toHaveLength(noticed.length / 2);
  });

  it('are refused by an Alice with another key or another choice', () => {
    expect(evaluateTrees(shape, sid, own.with(0, (own[0] as number) ^ 1), choices, message)).toEqual({ faulty: [0] });
    const other = choices.with(0, (choices[0] as number) ^ 1);
    expect(evaluateTrees(shape, sid, own, other, message)).toEqual({ faulty: [0] });
  });

  it('are of their session only', () => {
    const elsewhere = sid.with(0, 1);
    const there = buildTrees(shape, elsewhere, both);
    expect(leaf(there.seeds.leaves, shape, 0, 0)).not.toBe(leaf(bob.leaves, shape, 0, 0));
    expect(evaluateTrees(shape, elsewhere, own, choices, message)).toEqual({ faulty: groups });
  });

  it('differ from group to group, even of the same keys', () => {
    const same = new Uint8Array(both.length);
    const { seeds } = buildTrees(shape, sid, same);
    expect(new Set(groups.map((g) => leaf(seeds.leaves, shape, g, 0))).size).toBe(shape.groups);
  });
});

it('leave Bob’s leaves as they were when version 1 was written', () => {
  const found = shapes.map((shape) => {
    const { message, seeds } = buildTrees(shape, sid, transfers(shape).both);
    return [message, seeds.leaves].map((bytes) => toHex(hash('quorate/test', bytes)).slice(0, 16)).join(' ');
  });
  expect(found).toMatchInlineSnapshot(`
    [
      "06f987cb8ac4b5a2 3e36f8de417861c3",
      "dc2a0a5aa2516561 5a4605f7b4bb0a5b",
      "3321af0b90532043 c4202ec55831b78d",
    ]
  `);
});

it('follow §3.4 to the letter, computed apart for depth 2', () => {
  const shape = shapes[1] as TreeShape;
  const { both } = transfers(shape);
  const { message, seeds } = buildTrees(shape, sid, both);
  const g = 5;
  expect(spelledOut(both, g)).toEqual({
    part: toHex(message.slice(96 * g, 96 * g + 96)),
    leaves: toHex(seeds.leaves.slice(64 * g, 64 * g + 64)),
  });
});

/** One group of depth 2, one line for each line of the specification. */
function spelledOut(both: Uint8Array, g: number): { readonly part: string; readonly leaves: string } {
  const key = (b: number, x: number): Uint8Array =>
    both.slice(32 * (2 * g + b) + 16 * x, 32 * (2 * g + b) + 16 * x + 16);
  const xor = (...all: readonly Uint8Array[]): Uint8Array =>
    all.reduce((sum, one) => sum.map((byte, i) => byte ^ (one[i] as number)));
  const [left, right] = [key(0, 0), key(0, 1)].map((node, y) =>
    hash512('quorate/v1/dkls23/pprf/double', sid, u16(g), Uint8Array.of(1), u16(y), node),
  ) as [Uint8Array, Uint8Array];
  const level = [left.slice(0, 16), left.slice(16, 32), right.slice(0, 16), right.slice(16, 32)] as const;
  const tau = [xor(key(1, 0), level[0], level[2]), xor(key(1, 1), level[1], level[3])];
  const hashes = level.map((node, y) => hash512('quorate/v1/dkls23/pprf/leaf', sid, u16(g), u16(y), node));
  const proofs = hashes.map((digest) => digest.slice(16, 48));
  const digest = hash('quorate/v1/dkls23/pprf/digest', sid, u16(g), ...proofs);
  return {
    part: [...tau, xor(...proofs), digest].map(toHex).join(''),
    leaves: hashes.map((one) => toHex(one.slice(0, 16))).join(''),
  };
}
