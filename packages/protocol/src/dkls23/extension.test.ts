import { assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dealtSeeds } from '../../../../test/support/dealt-seeds.ts';
import { aliceColumns, bobRequests } from '../../../../test/support/dkls23-oracle.ts';
import { nativeSymmetric } from '../../native/index.ts';
import { ascii, toBytesLE, toHex } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { pureSymmetric } from '../primitives/symmetric.ts';
import { type Randomness, seeded } from '../random.ts';
import { bitOf } from './bits.ts';
import {
  checkTransfers,
  type Engine,
  outputSid,
  outputs,
  type Run,
  readRequest,
  requestTransfers,
} from './extension.ts';
import { suiteA, suiteOf } from './suite.ts';

const suites = [1, 2, 4].flatMap((k) =>
  [80, 128].map((lambdaS) => suiteOf({ lambdaS, rho: lambdaS === 80 ? 2 : 1, k })),
);
const native: Engine = { suite: suiteA, symmetric: nativeSymmetric };

function runOf(random: Randomness): Run {
  return { sid: random.bytes(32), alice: 1, bob: 2, bobNonce: random.bytes(32) };
}

/** One honest extension from a seed. */
function honest(engine: Engine, seed: string, choices?: Uint8Array, delta?: Uint8Array) {
  const random = seeded(ascii(seed));
  const seeds = dealtSeeds(engine.suite, random, delta);
  const run = runOf(random);
  const beta = choices ?? random.bytes(engine.suite.xi / 8);
  const bob = requestTransfers(engine, seeds.bob, run, beta, random);
  const check = (message: Uint8Array, other: Partial<Run> = {}) =>
    checkTransfers(engine, seeds.alice, { ...run, ...other }, readRequest(engine.suite, message));
  return { seeds, run, beta, bob, check };
}

function accepted<T>(result: T | 'cheat'): T {
  expect(result).not.toBe('cheat');
  return result as T;
}

describe('between honest parties', () => {
  it.each(suites)('gives q_j = v_j ⊕ β_j Δ: $id', (suite) => {
    for (const [i, beta] of [
      undefined,
      new Uint8Array(suite.xi / 8),
      new Uint8Array(suite.xi / 8).fill(255),
    ].entries()) {
      const { seeds, run, beta: choices, bob, check } = honest({ suite, symmetric: nativeSymmetric }, `ote ${i}`, beta);
      const alice = accepted(check(bob.message));
      expect(alice.binding).toEqual(bob.binding);
      for (let j = 0; j < suite.xi; j++) {
        const expected = bob.columns
          .subarray(16 * j, 16 * j + 16)
          .map((byte, b) => byte ^ ((seeds.alice.delta[b] as number) & -bitOf(choices, j)));
        expect(toHex(alice.columns.subarray(16 * j, 16 * j + 16))).toBe(toHex(expected));
      }
      expect(run.sid).toHaveLength(32);
    }
  });

  it.each(suites)('computes what the specification says: $id', (suite) => {
    for (const symmetric of [nativeSymmetric, pureSymmetric]) {
      const random = seeded(ascii('oracle'));
      const seeds = dealtSeeds(suite, random);
      const run = runOf(random);
      const [beta, mask] = [random.bytes(suite.xi / 8), random.bytes(16)];
      const expected = bobRequests({ suite, run }, seeds.bob, beta, mask);
      const columns = (values: readonly bigint[]): string =>
        values.map((value) => toHex(toBytesLE(value, 16))).join('');

      const bob = requestTransfers({ suite, symmetric }, seeds.bob, run, beta, { bytes: () => mask });
      expect(toHex(bob.message)).toBe(toHex(expected.message));
      expect(bob.binding.map(toHex)).toEqual(expected.binding.map(toHex));
      expect(toHex(bob.columns)).toBe(columns(expected.columns));
      const alice = accepted(checkTransfers({ suite, symmetric }, seeds.alice, run, readRequest(suite, bob.message)));
      expect(toHex(alice.columns)).toBe(columns(aliceColumns({ suite, run }, seeds.alice, bob.message)));
    }
  });

  it('works for every Δ, whatever stands in the place of the missing leaf', () => {
    for (const byte of [0x00, 0xff, 0x1b]) {
      const { seeds, bob, run } = honest(native, 'delta', undefined, new Uint8Array(16).fill(byte));
      const filled = { delta: seeds.alice.delta, leaves: seeds.alice.leaves.slice() };
      for (let g = 0; g < suiteA.groups; g++) {
        const missing = (byte >> (2 * (g % 4))) & 3;
        filled.leaves.fill(0xaa, 16 * (4 * g + missing), 16 * (4 * g + missing) + 16);
      }
      const results = [seeds.alice, filled].map((alice) =>
        accepted(checkTransfers(native, alice, run, readRequest(suiteA, bob.message))),
      );
      expect(results[1]).toEqual(results[0]);
    }
  });

  it('gives Bob one of Alice’s two outputs of every transfer, as chosen, and never both', () => {
    const { seeds, run, beta, bob, check } = honest(native, 'outputs');
    const sid = outputSid(run, new Uint8Array(32), bob.binding);
    const q = accepted(check(bob.message)).columns;
    const branches = [q, q.map((byte, i) => byte ^ (seeds.alice.delta[i % 16] as number))].map((columns) =>
      outputs(native, sid, columns),
    );
    const gamma = outputs(native, sid, bob.columns);
    const row = (rows: Uint8Array | undefined, j: number): string =>
      toHex((rows as Uint8Array).subarray(128 * j, 128 * j + 128));
    for (let j = 0; j < suiteA.xi; j++) {
      expect(row(gamma, j)).toBe(row(branches[bitOf(beta, j)], j));
      expect(row(gamma, j)).not.toBe(row(branches[1 - bitOf(beta, j)], j));
    }
    // No two scalars of a run are the same, not even of equal columns: the tweak is the transfer's.
    const equalColumns = outputs(native, sid, new Uint8Array(16 * suiteA.xi));
    const scalars = Array.from({ length: 4 * suiteA.xi }, (_, i) => toHex(equalColumns.subarray(32 * i, 32 * i + 32)));
    expect(new Set(scalars).size).toBe(scalars.length);
  });

  it('never sends the same rows in two sessions', () => {
    const random = seeded(ascii('fresh'));
    const { bob } = dealtSeeds(suiteA, random);
    const choices = random.bytes(52);
    const run = runOf(random);
    const fixed: Randomness = { bytes: (length) => new Uint8Array(length) };
    const rows = [run, { ...run, sid: random.bytes(32) }, { ...run, bobNonce: random.bytes(32) }].map(
      (each) => requestTransfers(native, bob, each, choices, fixed).message,
    );
    for (let g = 0; g < 64; g++) {
      expect(new Set(rows.map((message) => toHex(message.subarray(68 * g, 68 * g + 68)))).size).toBe(3);
    }
  });

  it('binds outputs to the session, both parties, both nonces and Bob’s whole message', () => {
    const random = seeded(ascii('bound'));
    const run = runOf(random);
    const nonce = random.bytes(32);
    const binding = [random.bytes(32), random.bytes(16), random.bytes(32)];
    const others = [
      outputSid(run, nonce, binding),
      outputSid({ ...run, sid: nonce }, nonce, binding),
      outputSid({ ...run, alice: 3 }, nonce, binding),
      outputSid({ ...run, bob: 3 }, nonce, binding),
      outputSid({ ...run, bobNonce: nonce }, nonce, binding),
      outputSid(run, run.bobNonce, binding),
      ...binding.map((_, i) => outputSid(run, nonce, binding.with(i, new Uint8Array(32)))),
    ];
    expect(new Set(others.map(toHex)).size).toBe(others.length);
  });
});

describe('against a cheating Bob', () => {
  it('refuses messages of another length', () => {
    for (const length of [0, 4399, 4401])
      expect(() => readRequest(suiteA, new Uint8Array(length))).toThrow(EncodingError);
  });

  const flipped = (message: Uint8Array, bit: number): Uint8Array =>
    message.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));

  it('refuses any change of u, whatever Δ is', () => {
    for (const delta of [undefined, new Uint8Array(16)]) {
      const { bob, check } = honest(native, 'flip u', undefined, delta);
      assert(
        property(integer({ min: 0, max: 8 * 64 * 68 - 1 }), (bit) => {
          expect(check(flipped(bob.message, bit))).toBe('cheat');
        }),
      );
    }
  });

  it('refuses any change of x̃ and h_T', () => {
    const { bob, check } = honest(native, 'flip x');
    for (let bit = 8 * 64 * 68; bit < 8 * 4400; bit += 3) expect(check(flipped(bob.message, bit))).toBe('cheat');
  });

  it('refuses a message of another session, pair or direction', () => {
    const { bob, check } = honest(native, 'session');
    for (const other of [
      { sid: new Uint8Array(32) },
      { alice: 2 },
      { bob: 1 },
      { alice: 2, bob: 1 },
      { bobNonce: new Uint8Array(32) },
    ]) {
      expect(check(bob.message, other)).toBe('cheat');
    }
    accepted(check(bob.message));
  });

  // §4.2: Bob answers another x' in one group as if Δ_g were `guess`.
  const targeted = (k: number, group: number, actual: number, guess: number, error: bigint): boolean => {
    const suite = suiteOf({ ...suiteA, k });
    const random = seeded(ascii(`targeted ${group}`));
    const delta = random.bytes(16);
    for (let b = 0; b < k; b++) {
      const at = k * group + b;
      delta[at >> 3] = ((delta[at >> 3] as number) & ~(1 << (at & 7))) | (((actual >> b) & 1) << (at & 7));
    }
    const seeds = dealtSeeds(suite, random, delta);
    const run = runOf(random);
    const cheats = { error: (g: number) => (g === group ? error : 0n), guess: () => guess };
    const { message } = bobRequests({ suite, run }, seeds.bob, random.bytes(52), random.bytes(16), cheats);
    const result = checkTransfers({ suite, symmetric: nativeSymmetric }, seeds.alice, run, readRequest(suite, message));
    return result !== 'cheat';
  };

  it('accepts a targeted attack if and only if its guess of Δ_g is right, which the ban is for', () => {
    for (let actual = 0; actual < 4; actual++) {
      for (let guess = 0; guess < 4; guess++) expect(targeted(2, 17, actual, guess, 1n << 99n)).toBe(actual === guess);
    }
    assert(
      property(
        constantFrom(1, 4),
        integer({ min: 0, max: 31 }),
        integer({ min: 0, max: 15 }),
        integer({ min: 0, max: 15 }),
        integer({ min: 0, max: 543 }),
        (k, group, actual, guess, bit) => {
          const mask = 2 ** k - 1;
          expect(targeted(k, group, actual & mask, guess & mask, 1n << BigInt(bit))).toBe(
            (actual & mask) === (guess & mask),
          );
        },
      ),
      { numRuns: 12 },
    );
  });

  it('says nothing but that Bob cheated', () => {
    const { bob, check } = honest(native, 'nothing');
    const results = [0, 8 * 64 * 68, 8 * 4400 - 1].map((bit) => check(flipped(bob.message, bit)));
    expect(results).toEqual(['cheat', 'cheat', 'cheat']);
  });
});
