import { assert, bigInt, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { EncodingError, type Group, type Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { seeded } from '../random.ts';
import { pedersenBase, pedersenCommit } from '../sharing/pedersen.ts';
import { type Codec, decode, encode } from '../wire/codec.ts';
import type { ProofContext } from './context.ts';
import { dleqProofCodec, proveDleq, verifyDleq } from './dleq.ts';
import { openingProofCodec, proveOpening, verifyOpening } from './opening.ts';
import { proveSchnorr, proveSchnorrBatch, schnorrProofCodec, verifySchnorr, verifySchnorrBatch } from './schnorr.ts';

const context: ProofContext = { session: ascii('session one'), party: 3, label: 'test' };
const otherContexts: readonly ProofContext[] = [
  { ...context, session: ascii('session two') },
  { ...context, party: 2 },
  { ...context, label: 'other' },
];

/** A proof system seen from outside, so that one attack serves all of them. */
interface System {
  readonly name: string;
  readonly points: (group: Group, secret: bigint) => readonly Point[];
  readonly prove: (group: Group, at: ProofContext, secret: bigint, seed: string) => Record<string, unknown>;
  readonly verify: (
    group: Group,
    at: ProofContext,
    points: readonly Point[],
    proof: Record<string, unknown>,
  ) => boolean;
  readonly codec: (group: Group) => Codec<never>;
}

const blinding = 77n;
const base = (group: Group): Point => group.hashToGroup('quorate/test/base', ascii('base'));
const at = <T>(items: readonly T[], index: number): T => items[index] as T;

const systems: readonly System[] = [
  {
    name: 'Schnorr',
    points: (group, x) => [group.multiplyBase(x)],
    prove: (group, where, x, seed) => ({
      ...proveSchnorr(group, where, x, group.multiplyBase(x), seeded(ascii(seed))),
    }),
    verify: (group, where, [key], proof) => verifySchnorr(group, where, key as Point, proof as never),
    codec: schnorrProofCodec as System['codec'],
  },
  {
    name: 'batched Schnorr',
    points: (group, x) => [x, 5n, 6n].map((one) => group.multiplyBase(one)),
    prove: (group, where, x, seed) => {
      const secrets = [x, 5n, 6n];
      const statement = secrets.map((one) => group.multiplyBase(one));
      return { ...proveSchnorrBatch(group, where, secrets, statement, seeded(ascii(seed))) };
    },
    verify: (group, where, points, proof) => verifySchnorrBatch(group, where, points, proof as never),
    codec: schnorrProofCodec as System['codec'],
  },
  {
    name: 'equality of logarithms',
    points: (group, x) => [group.multiplyBase(x), base(group), group.multiply(base(group), x)],
    prove: (group, where, x, seed) => {
      const statement = { key: group.multiplyBase(x), base: base(group), product: group.multiply(base(group), x) };
      return { ...proveDleq(group, where, x, statement, seeded(ascii(seed))) };
    },
    verify: (group, where, points, proof) => {
      const statement = { key: at(points, 0), base: at(points, 1), product: at(points, 2) };
      return verifyDleq(group, where, statement, proof as never);
    },
    codec: dleqProofCodec as System['codec'],
  },
  {
    name: 'opening',
    points: (group, x) => [pedersenBase(group), pedersenCommit(group, pedersenBase(group), { value: x, blinding })],
    prove: (group, where, x, seed) => {
      const opening = { value: x, blinding };
      const statement = { base: pedersenBase(group), commitment: pedersenCommit(group, pedersenBase(group), opening) };
      return { ...proveOpening(group, where, opening, statement, seeded(ascii(seed))) };
    },
    verify: (group, where, points, proof) =>
      verifyOpening(group, where, { base: at(points, 0), commitment: at(points, 1) }, proof as never),
    codec: openingProofCodec as System['codec'],
  },
];

const combinations = systems.flatMap((system) => [toy, secp256k1, ed25519].map((group) => ({ system, group })));

describe.each(combinations)('the proof of $system.name over $group.name', ({ system, group }) => {
  const { order } = group;
  const runs = { numRuns: group === toy ? 50 : 2 };
  const secret = bigInt({ min: 10n, max: order - 1n });
  const shift = bigInt({ min: 1n, max: order - 1n });

  it('verifies, after the wire too, in its context only', () => {
    assert(
      property(secret, (x) => {
        const points = system.points(group, x);
        const proof = system.prove(group, context, x, 'seed');
        const codec = system.codec(group) as Codec<unknown>;
        const received = decode(codec, encode(codec, proof)) as Record<string, unknown>;
        expect(system.verify(group, context, points, received)).toBe(true);
        for (const other of otherContexts) expect(system.verify(group, other, points, proof)).toBe(false);
      }),
      runs,
    );
  });

  it('fails when any scalar or point of it is another', () => {
    assert(
      property(secret, shift, (x, off) => {
        const points = system.points(group, x);
        const proof = system.prove(group, context, x, 'seed');
        for (const [name, value] of Object.entries(proof)) {
          const altered =
            typeof value === 'bigint' ? (value + off) % order : group.add(value as Point, group.multiplyBase(off));
          expect(system.verify(group, context, points, { ...proof, [name]: altered }), name).toBe(false);
          if (typeof value === 'bigint') continue;
          expect(system.verify(group, context, points, { ...proof, [name]: group.identity }), name).toBe(false);
        }
      }),
      runs,
    );
  });

  it('fails when any point of the statement is another', () => {
    assert(
      property(secret, shift, (x, off) => {
        const points = system.points(group, x);
        const proof = system.prove(group, context, x, 'seed');
        points.forEach((point, i) => {
          const altered = points.with(i, group.add(point, group.multiplyBase(off)));
          expect(system.verify(group, context, altered, proof)).toBe(false);
          expect(system.verify(group, context, points.with(i, group.identity), proof)).toBe(false);
        });
      }),
      runs,
    );
  });

  it('never uses a nonce for two statements or contexts, even with a generator that repeats itself', () => {
    const name = Object.keys(system.prove(group, context, 11n, 'seed'))[0] as string;
    const nonce = (where: ProofContext, x: bigint, seed: string): Point =>
      system.prove(group, where, x, seed)[name] as Point;
    const first = nonce(context, 11n, 'seed');
    for (const other of [...otherContexts.map((where) => nonce(where, 11n, 'seed')), nonce(context, 12n, 'seed')]) {
      expect(group.equals(first, other)).toBe(false);
    }
    expect(group.equals(first, nonce(context, 11n, 'another seed'))).toBe(false);
  });
});

describe('proofs about vectors', () => {
  const secrets = [11n, 12n, 13n];
  const statement = secrets.map((secret) => toy.multiplyBase(secret));
  const proof = proveSchnorrBatch(toy, context, secrets, statement, seeded(ascii('v')));

  it('are about the whole vector, in its order', () => {
    expect(verifySchnorrBatch(toy, context, statement, proof)).toBe(true);
    expect(verifySchnorrBatch(toy, context, statement.slice(0, 2), proof)).toBe(false);
    expect(verifySchnorrBatch(toy, context, [...statement, toy.generator], proof)).toBe(false);
    expect(verifySchnorrBatch(toy, context, statement.toReversed(), proof)).toBe(false);
  });

  it('say nothing about an empty one', () => {
    const empty = { commitment: toy.multiplyBase(9n), response: 9n };
    expect(verifySchnorrBatch(toy, context, [], empty)).toBe(false);
  });

  it('are not proofs about single points', () => {
    const single = proveSchnorrBatch(toy, context, [11n], statement.slice(0, 1), seeded(ascii('v')));
    expect(verifySchnorrBatch(toy, context, statement.slice(0, 1), single)).toBe(true);
    expect(verifySchnorr(toy, context, toy.multiplyBase(11n), single)).toBe(false);
  });
});

it.each([0n, 1n])('cannot prove two different logarithms equal, whichever it knows', (which) => {
  assert(
    property(bigInt({ min: 1n, max: toy.order - 3n }), constantFrom(1n, 2n), (x, off) => {
      const statement = {
        key: toy.multiplyBase(x + which * off),
        base: base(toy),
        product: toy.multiply(base(toy), x + (1n - which) * off),
      };
      const proof = proveDleq(toy, context, x, statement, seeded(ascii('f')));
      expect(verifyDleq(toy, context, statement, proof)).toBe(false);
    }),
  );
});

it('has no encoding with the identity in it', () => {
  const proof = { commitment: toy.identity, response: 1n };
  expect(() => encode(schnorrProofCodec(toy), proof)).toThrow(EncodingError);
});
