import { assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dealtSeeds } from '../../../../test/support/dealt-seeds.ts';
import { type AliceCheats, aliceAnswers, aliceColumns, bobRequests } from '../../../../test/support/dkls23-oracle.ts';
import { nativeSymmetric } from '../../native/index.ts';
import { ascii, concat, fromBytesBE, toBytesBE, toBytesLE, toHex } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { pureSymmetric } from '../primitives/symmetric.ts';
import { type Randomness, randomScalar, seeded } from '../random.ts';
import { Secret, SecretWiped } from '../secret.ts';
import { hash } from '../transcript.ts';
import { bitOf } from './bits.ts';
import { type Engine, readRequest, requestTransfers } from './extension.ts';
import { gadgetOf } from './gadget.ts';
import { answer, finish, type Pending, readAnswer, request } from './multiplication.ts';
import { sumOfChosen } from './scalars.ts';
import { order, suiteA, suiteOf } from './suite.ts';

const native: Engine = { suite: suiteA, symmetric: nativeSymmetric };
const gadget = gadgetOf(native, ascii('pair'));

/** A pair of parties dealt from a seed, and their next session. */
function pair(engine: Engine, seed: string) {
  const random = seeded(ascii(seed));
  const seeds = dealtSeeds(engine.suite, random);
  const own = engine.suite.xi === suiteA.xi ? gadget : gadgetOf(engine, ascii('pair'));
  const [bob, alice] = [
    { ...seeds.bob, gadget: own },
    { ...seeds.alice, gadget: own },
  ];
  const session = () => {
    const run = { sid: random.bytes(32), alice: 7, bob: 300, bobNonce: random.bytes(32) };
    const aliceNonce = random.bytes(32);
    return {
      run,
      aliceNonce,
      request: () => request(engine, bob, run, random),
      answer: (message: Uint8Array, inputs: readonly bigint[]) =>
        accepted(answer(engine, alice, run, aliceNonce, readRequest(engine.suite, message), inputs, random)),
      finish: (pending: Pending, message: Uint8Array) =>
        finish(engine, pending, aliceNonce, readAnswer(engine.suite, message)),
    };
  };
  return { random, seeds, bob, alice, session };
}

function accepted<T>(result: T | 'cheat'): T {
  expect(result).not.toBe('cheat');
  return result as T;
}

/** The pending state again: finishing wipes it. */
function copied(pending: Pending): Pending {
  return { ...pending, choices: pending.choices.clone(), columns: pending.columns.clone() };
}

function expectProducts(inputs: readonly bigint[], b: bigint, c: readonly bigint[], d: readonly bigint[]): void {
  for (const [i, a] of inputs.entries()) expect(((c[i] as bigint) + (d[i] as bigint)) % order).toBe((a * b) % order);
}

describe('between honest parties', () => {
  const suites = [
    suiteA,
    suiteOf({ ...suiteA, rho: 1 }),
    suiteOf({ ...suiteA, k: 1 }),
    suiteOf({ lambdaS: 128, rho: 2, k: 4 }),
  ];

  it.each(suites)('shares the products: $id', (suite) => {
    const { random, session } = pair({ suite, symmetric: nativeSymmetric }, 'products');
    for (const a of [randomScalar(random, order), 0n, 1n, order - 1n]) {
      const { request, answer, finish } = session();
      const inputs = [a, randomScalar(random, order)];
      const { message, b, pending } = request();
      const alice = answer(message, inputs);
      expect(alice.message).toHaveLength(suite.answerBytes);
      expectProducts(inputs, b, alice.shares, accepted(finish(pending, alice.message)));
    }
  });

  it('shares fifty products at once, whatever the order', () => {
    const { random, session } = pair(native, 'interleaved');
    const open = Array.from({ length: 50 }, () => {
      const each = session();
      return { ...each, inputs: [randomScalar(random, order), randomScalar(random, order)], bob: each.request() };
    });
    const answered = open.map((each) => ({ ...each, alice: each.answer(each.bob.message, each.inputs) })).reverse();
    for (const { bob, alice, inputs, finish } of answered) {
      expectProducts(inputs, bob.b, alice.shares, accepted(finish(bob.pending, alice.message)));
    }
  });

  it.each([0x00, 0xff])('shares the products of choice bits that are all alike: %i', (byte) => {
    const { bob, random, session } = pair(native, `beta ${byte}`);
    const { run, answer, finish } = session();
    const choices = new Uint8Array(52).fill(byte);
    const { message, columns, binding } = requestTransfers(native, bob, run, choices, random);
    const pending = { gadget, run, binding, choices: new Secret(choices), columns: new Secret(columns) };
    const inputs = [5n, order - 5n];
    const b = byte === 0 ? 0n : gadget.scalars.reduce((sum, g) => sum + g, 0n) % order;
    const alice = answer(message, inputs);
    expectProducts(inputs, b, alice.shares, accepted(finish(pending, alice.message)));
  });

  it('draws a b that is not zero', () => {
    const { bob, session } = pair(native, 'zero');
    const { run } = session();
    let draws = 0;
    const random = seeded(ascii('later'));
    const zeroFirst: Randomness = {
      bytes: (length) => (draws++ === 0 ? new Uint8Array(length) : random.bytes(length)),
    };
    const { b, pending } = request(native, bob, run, zeroFirst);
    expect(draws).toBe(3);
    expect(b).toBe(pending.choices.use((choices) => sumOfChosen(gadget.packed, choices)));
    expect(b).not.toBe(0n);
  });

  it('draws a b without bias in its first and last bits', () => {
    const random = seeded(ascii('bias'));
    const [first, last] = [1, 2].map(() => Array.from({ length: 16 }, () => 0)) as [number[], number[]];
    const draws = 8000;
    for (let i = 0; i < draws; i++) {
      const b = sumOfChosen(gadget.packed, random.bytes(52));
      for (const [counts, nibble] of [
        [first, b >> 252n],
        [last, b & 15n],
      ] as const) {
        counts[Number(nibble)] = (counts[Number(nibble)] as number) + 1;
      }
    }
    for (const counts of [first, last]) {
      const chiSquare = counts.reduce((sum, count) => sum + (count - draws / 16) ** 2 / (draws / 16), 0);
      expect(chiSquare).toBeLessThan(37.7); // p = 10^-3 at 15 degrees of freedom
    }
  });

  it('gives every pair another gadget, with scalars that all differ', () => {
    const other = gadgetOf(native, ascii('another pair'));
    expect(new Set([...gadget.scalars, ...other.scalars]).size).toBe(2 * 416);
    expect(toHex(gadget.packed)).toBe(toHex(concat(...gadget.scalars.map((g) => toBytesBE(g, 32)))));
  });

  it('says the same with OpenSSL and with noble', () => {
    const transcripts = [nativeSymmetric, pureSymmetric].map((symmetric) => {
      const { session } = pair({ suite: suiteA, symmetric }, 'twins');
      const { request, answer, finish } = session();
      const { message, b, pending } = request();
      const alice = answer(message, [2n, 3n]);
      return [toHex(message), b, toHex(alice.message), alice.shares, finish(pending, alice.message)];
    });
    expect(transcripts[1]).toEqual(transcripts[0]);
  });

  it('takes messages and seeds from wherever they lie, and keeps no hold of them', () => {
    const { alice, random, session } = pair(native, 'unaligned');
    const { run, aliceNonce, request } = session();
    const unaligned = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.alloc(1), bytes]).subarray(1);
    const { message, b, pending } = request();
    const buffer = unaligned(message);
    const requested = readRequest(suiteA, buffer);
    buffer.fill(0);
    const setup = { gadget, leaves: unaligned(alice.leaves), delta: unaligned(alice.delta) };
    const answered = accepted(answer(native, setup, run, aliceNonce, requested, [8n, 9n], random));
    const second = unaligned(answered.message);
    const read = readAnswer(suiteA, second);
    second.fill(0);
    expectProducts([8n, 9n], b, answered.shares, accepted(finish(native, pending, aliceNonce, read)));
    expect(setup.delta).toEqual(unaligned(alice.delta));
  });

  it('overwrites what leaves and columns expanded to, at both ends, and also if one of them cheats', () => {
    for (const byte of [0, 1]) {
      const made: Uint8Array[] = [];
      const symmetric = {
        ...nativeSymmetric,
        aes128Blocks: (key: Uint8Array, blocks: Uint8Array) => {
          const out = nativeSymmetric.aes128Blocks(key, blocks);
          made.push(out);
          return out;
        },
      };
      const engine = { suite: suiteA, symmetric };
      const { bob, alice, random, session } = pair(native, `overwritten ${byte}`);
      const { run, aliceNonce } = session();
      const { message, pending } = request(engine, bob, run, random);
      const changed = message.with(0, (message[0] as number) ^ byte);
      const answered = answer(engine, alice, run, aliceNonce, readRequest(suiteA, changed), [1n, 2n], random);
      expect(answered === 'cheat').toBe(byte === 1);
      if (answered !== 'cheat') finish(engine, pending, aliceNonce, readAnswer(suiteA, answered.message));
      // Two calls for the leaves of each, two for each of Alice's branches, two for Bob's column.
      expect(made).toHaveLength(byte === 1 ? 4 : 10);
      for (const bytes of made) expect(bytes.every((one) => one === 0)).toBe(true);
    }
  });

  it('masks the same inputs differently each time', () => {
    const { session } = pair(native, 'masks');
    const messages = [1, 2].map(() => {
      const { request, answer } = session();
      return answer(request().message, [2n, 3n]).message;
    });
    for (let at = 0; at + 32 <= suiteA.answerBytes; at += 32) {
      expect(toHex((messages[0] as Uint8Array).subarray(at, at + 32))).not.toBe(
        toHex((messages[1] as Uint8Array).subarray(at, at + 32)),
      );
    }
  });
});

describe('the specification, computed once more', () => {
  it.each([suiteA, suiteOf({ ...suiteA, rho: 1 }), suiteOf({ lambdaS: 128, rho: 2, k: 4 })])('agrees: $id', (suite) => {
    const { bob, alice, random, session } = pair({ suite, symmetric: nativeSymmetric }, 'oracle');
    const { run, aliceNonce, request } = session();
    const inputs = [randomScalar(random, order), 0n];
    const { message, pending, b } = request();
    const drawn = Array.from({ length: suite.rho }, () => random.bytes(48));
    const scripted = drawn.values();
    const engine = { suite, symmetric: nativeSymmetric };
    const mine = accepted(
      answer(engine, alice, run, aliceNonce, readRequest(suite, message), inputs, {
        bytes: () => scripted.next().value as Uint8Array<ArrayBuffer>,
      }),
    );
    const columns = aliceColumns({ suite, run }, alice, message);
    const setting = { suite, run, aliceNonce };
    const given = { delta: alice.delta, columns, binding: pending.binding };
    const theirs = aliceAnswers(
      setting,
      given,
      bob.gadget.scalars,
      inputs,
      drawn.map((bytes) => fromBytesBE(bytes) % order),
    );
    expect(toHex(mine.message)).toBe(toHex(theirs.message));
    expect(mine.shares).toEqual(theirs.shares);
    expectProducts(
      inputs,
      b,
      theirs.shares,
      accepted(finish(engine, pending, aliceNonce, readAnswer(suite, theirs.message))),
    );
  });

  it('has these values for these seeds', async () => {
    const random = seeded(ascii('known answers'));
    const { bob, alice } = dealtSeeds(suiteA, random);
    const run = { sid: random.bytes(32), alice: 1, bob: 2, bobNonce: random.bytes(32) };
    const aliceNonce = random.bytes(32);
    const inputs = [randomScalar(random, order), randomScalar(random, order)];
    const [choices, mask] = [random.bytes(52), random.bytes(16)];
    const drawn = [random.bytes(48), random.bytes(48)];
    const [requested, answered] = [[choices.slice(), mask].values(), drawn.values()];
    const from = (values: Iterator<Uint8Array>): Randomness => ({ bytes: () => values.next().value as Uint8Array });

    const first = request(native, { ...bob, gadget }, run, from(requested));
    const second = accepted(
      answer(native, { ...alice, gadget }, run, aliceNonce, readRequest(suiteA, first.message), inputs, from(answered)),
    );
    const d = accepted(finish(native, first.pending, aliceNonce, readAnswer(suiteA, second.message)));

    const known = bobRequests({ suite: suiteA, run }, bob, choices, mask);
    const columns = aliceColumns({ suite: suiteA, run }, alice, known.message);
    const pads = drawn.map((bytes) => fromBytesBE(bytes) % order);
    const given = { delta: alice.delta, columns, binding: known.binding };
    const steps = aliceAnswers({ suite: suiteA, run, aliceNonce }, given, gadget.scalars, inputs, pads);
    expect(toHex(first.message)).toBe(toHex(known.message));
    expect(toHex(second.message)).toBe(toHex(steps.message));

    const scalar = (value: bigint): string => toHex(toBytesBE(value, 32));
    const block = (value: bigint): string => toHex(toBytesLE(value, 16));
    const values: Record<string, string | readonly string[]> = {
      leaves: toHex(hash('leaves', bob.leaves)),
      delta: toHex(alice.delta),
      sid0: toHex(run.sid),
      n_bob: toHex(run.bobNonce),
      n_alice: toHex(aliceNonce),
      a: inputs.map(scalar),
      beta: toHex(choices),
      mask: toHex(mask),
      gadget: gadget.scalars.slice(0, 2).map(scalar),
      sid_prg: toHex(known.sidPrg),
      chi: known.chi.map(block),
      'd_u, x~, h_T': known.binding.map(toHex),
      v: known.columns.slice(0, 2).map(block),
      q: columns.slice(0, 2).map(block),
      'request, hashed': toHex(hash('request', first.message)),
      sid_rot: toHex(steps.sidRot),
      alpha0: (steps.alpha0[0] as bigint[]).map(scalar),
      'a^': pads.map(scalar),
      'a~_0': toHex(second.message.subarray(0, 128)),
      D_a: toHex(steps.maskedDigest),
      theta: steps.theta.flat().map(scalar),
      eta: steps.eta.map(scalar),
      mu: toHex(steps.digest),
      'answer, hashed': toHex(hash('answer', second.message)),
      b: scalar(first.b),
      c: second.shares.map(scalar),
      d: d.map(scalar),
    };
    const lines = Object.entries(values).flatMap(([name, value]) => [value].flat().map((hex) => `${name} ${hex}\n`));
    await expect(lines.join('')).toMatchFileSnapshot('golden/multiplication.txt');
  });
});

describe('against a cheating Alice', () => {
  const { session } = pair(native, 'cheating');
  const { run, aliceNonce, request, answer } = session();
  const { message, pending } = request();
  const alice = answer(message, [11n, 12n]);
  const beta = pending.choices.use((choices) => choices.slice());
  const verdict = (answered: Uint8Array, nonce: Uint8Array = aliceNonce) =>
    finish(native, copied(pending), nonce, readAnswer(suiteA, answered));
  const masked = 416 * 4 * 32;

  it('refuses another length, and scalars that are not below the order', () => {
    for (const length of [0, 53343, 53345])
      expect(() => readAnswer(suiteA, new Uint8Array(length))).toThrow(EncodingError);
    for (const at of [0, 32 * 777, masked - 32, masked, masked + 32]) {
      for (const value of [order, 2n ** 256n - 1n]) {
        const broken = alice.message.slice();
        broken.set(toBytesBE(value, 32), at);
        expect(() => readAnswer(suiteA, broken)).toThrow(EncodingError);
      }
    }
    expect(accepted(verdict(alice.message))).toHaveLength(2);
  });

  it('refuses any change of ã, in rows that Bob chose and in rows that he did not', () => {
    const seen = new Set<number>();
    assert(
      property(
        integer({ min: 0, max: 415 }),
        integer({ min: 0, max: 127 }),
        integer({ min: 1, max: 255 }),
        (j, byte, change) => {
          const broken = alice.message.slice();
          broken[128 * j + byte] = (broken[128 * j + byte] as number) ^ change;
          seen.add(bitOf(beta, j));
          expect(verdict(broken)).toBe('cheat');
        },
      ),
      {
        examples: [
          [0, 31, 1],
          [0, 63, 1],
          [0, 95, 1],
          [0, 127, 1],
          [1, 31, 1],
        ],
      },
    );
    expect(seen.size).toBe(2);
  });

  it('refuses any change of η and μ', () => {
    for (let at = masked; at < suiteA.answerBytes; at += 1) {
      const broken = alice.message.slice();
      broken[at] = (broken[at] as number) ^ 1;
      expect(verdict(broken)).toBe('cheat');
    }
  });

  it('refuses the answer to another session, nonce or request', () => {
    expect(verdict(alice.message, run.bobNonce)).toBe('cheat');
    const other = session();
    expect(verdict(other.answer(other.request().message, [11n, 12n]).message)).toBe('cheat');
    for (const i of [0, 1, 2]) {
      const bound = { ...copied(pending), binding: pending.binding.with(i, new Uint8Array(16)) };
      expect(finish(native, bound, aliceNonce, readAnswer(suiteA, alice.message))).toBe('cheat');
    }
  });

  /** Another value in one place of one row, and μ as if Bob's bit there were `guess`. */
  const inconsistent = (j: number, i: number, guess: number): boolean => {
    const { bob, alice, session } = pair(native, 'inconsistent');
    const { run, aliceNonce, request } = session();
    const { message, pending } = request();
    const chosen = pending.choices.use((choices) => bitOf(choices, j));
    const error = 0x1234567n;
    const cheats: AliceCheats = {
      shift: (row, place) => (row === j && place === i ? error : 0n),
      claim: (row, k, theta) => {
        if (row !== j || guess === 0) return 0n;
        if (i >= 2) return i - 2 === k ? error : 0n;
        return error * (theta[k]?.[i] as bigint);
      },
    };
    const given = {
      delta: alice.delta,
      columns: aliceColumns({ suite: suiteA, run }, alice, message),
      binding: pending.binding,
    };
    const setting = { suite: suiteA, run, aliceNonce };
    const answered = aliceAnswers(setting, given, bob.gadget.scalars, [1n, 2n], [3n, 4n], cheats);
    const result = finish(native, pending, aliceNonce, readAnswer(suiteA, answered.message));
    expect(result !== 'cheat').toBe(chosen === guess);
    return chosen === 1;
  };

  it('accepts inconsistent inputs in one row if and only if its guess of β_j is right', () => {
    const chosen = new Set<boolean>();
    for (let i = 0; i < 4; i++) {
      for (const guess of [0, 1]) for (const j of [0, 1, 2, 3]) chosen.add(inconsistent(100 * j + i, i, guess));
    }
    expect(chosen.size).toBe(2);
  }, 60_000);

  it('refuses inputs that differ between the halves of the rows', () => {
    const { bob, alice, session } = pair(native, 'halves');
    const { run, aliceNonce, request } = session();
    const { message, pending } = request();
    const given = {
      delta: alice.delta,
      columns: aliceColumns({ suite: suiteA, run }, alice, message),
      binding: pending.binding,
    };
    const shift = (j: number, i: number): bigint => (j >= 208 && i === 0 ? 1n : 0n);
    const answered = aliceAnswers({ suite: suiteA, run, aliceNonce }, given, bob.gadget.scalars, [1n, 2n], [3n, 4n], {
      shift,
    });
    expect(finish(native, pending, aliceNonce, readAnswer(suiteA, answered.message))).toBe('cheat');
  });

  it('is given one verdict: what was pending is wiped by it, good or bad', () => {
    for (const broken of [alice.message, alice.message.with(masked, (alice.message[masked] as number) ^ 1)]) {
      const once = copied(pending);
      finish(native, once, aliceNonce, readAnswer(suiteA, broken));
      expect([once.choices.wiped, once.columns.wiped]).toEqual([true, true]);
      expect(() => finish(native, once, aliceNonce, readAnswer(suiteA, broken))).toThrow(SecretWiped);
    }
  });
});

describe('against a cheating Bob', () => {
  it('answers nothing', () => {
    assert(
      property(constantFrom(5, 2000, 4351, 4352, 4368, 4399), (at) => {
        const { alice, random, session } = pair(native, `bob ${at}`);
        const { run, aliceNonce, request } = session();
        const { message } = request();
        message[at] = (message[at] as number) ^ 4;
        expect(answer(native, alice, run, aliceNonce, readRequest(suiteA, message), [1n, 2n], random)).toBe('cheat');
      }),
      { numRuns: 12 },
    );
  });

  it('takes as many inputs as the suite says', () => {
    const { alice, random, session } = pair(native, 'inputs');
    const { run, aliceNonce, request } = session();
    const requested = readRequest(suiteA, request().message);
    expect(() => answer(native, alice, run, aliceNonce, requested, [1n], random)).toThrow(RangeError);
  });
});
