import { concat, equal, fromBytesBE } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import type { Randomness } from '../random.ts';
import { Secret, wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { hash512 } from '../transcript.ts';
import { bitOf, words } from './bits.ts';
import {
  type Columns,
  checkTransfers,
  digestOf,
  type Engine,
  outputSid,
  outputs,
  type ReceiverSeeds,
  type Request,
  type Run,
  requestTransfers,
  type SenderSeeds,
} from './extension.ts';
import type { Gadget } from './gadget.ts';
import { areCanonical, combine, load, pack, reduce, store, sumOfChosen, viewOf } from './scalars.ts';
import { ELL, order, SCALAR_BYTES, type Suite } from './suite.ts';

/**
 * Random vector OLE (§5): Alice puts a_0, a_1 in, Bob gets a random b, and each gets shares of both products,
 * c_i + d_i = a_i b mod q.
 */

/** What Bob keeps of the pair set-up for one direction. */
export interface ReceiverSetup extends ReceiverSeeds {
  readonly gadget: Gadget;
}

/** What Alice keeps of it. */
export interface SenderSetup extends SenderSeeds {
  readonly gadget: Gadget;
}

/** Bob between his message and Alice's. Good for one {@link finish}. */
export interface Pending {
  readonly gadget: Gadget;
  readonly run: Run;
  readonly binding: Columns['binding'];
  /** β. */
  readonly choices: Secret;
  /** v. */
  readonly columns: Secret;
}

/** Alice's message, taken apart. */
export interface Answer {
  /** ã, row by row. */
  readonly masked: Uint8Array;
  /** η. */
  readonly openings: Uint8Array;
  /** μ. */
  readonly digest: Uint8Array;
}

/** @throws {EncodingError} on another length than the suite's, or a scalar that is not below q */
export function readAnswer(suite: Suite, message: Uint8Array): Answer {
  if (message.length !== suite.answerBytes) throw new EncodingError(`an answer has ${suite.answerBytes} bytes`);
  const own = new Uint8Array(message); // a copy, even of a Buffer
  const [openingsAt, digestAt] = [suite.xi * suite.width, suite.xi * suite.width + suite.rho].map(
    (n) => n * SCALAR_BYTES,
  );
  if (!areCanonical(own.subarray(0, digestAt))) throw new EncodingError('scalar not below the order');
  return {
    masked: own.subarray(0, openingsAt),
    openings: own.subarray(openingsAt, digestAt),
    digest: own.subarray(digestAt),
  };
}

/** Bob's first step. @returns his message, his factor b, and what he needs to {@link finish} */
export function request(
  engine: Engine,
  setup: ReceiverSetup,
  run: Run,
  randomness: Randomness,
): { readonly message: Uint8Array; readonly b: bigint; readonly pending: Pending } {
  const { suite } = engine;
  const { gadget } = setup;
  let choices: Uint8Array;
  let b: bigint;
  do {
    choices = randomness.bytes(suite.xi / 8);
    b = sumOfChosen(gadget.packed, choices);
  } while (b === 0n);
  const { message, columns, binding } = requestTransfers(engine, setup, run, choices, randomness);
  return { message, b, pending: { gadget, run, binding, choices: new Secret(choices), columns: new Secret(columns) } };
}

/**
 * Alice's step: checks Bob's message, then multiplies. Whether the check passes is a predicate on Δ, which outlives the
 * session: see §8 for what must surround a call.
 * @param inputs a_0, a_1 in [0, q)
 * @returns her message and shares c_0, c_1, or that Bob cheated
 */
export function answer(
  engine: Engine,
  setup: SenderSetup,
  run: Run,
  aliceNonce: Uint8Array,
  requested: Request,
  inputs: readonly bigint[],
  randomness: Randomness,
): { readonly message: Uint8Array; readonly shares: readonly bigint[] } | 'cheat' {
  const { suite } = engine;
  if (inputs.length !== ELL) throw new RangeError(`${ELL} inputs are multiplied at once`);
  const checked = checkTransfers(engine, setup, run, requested);
  if (checked === 'cheat') return 'cheat';

  const sid = outputSid(run, aliceNonce, checked.binding);
  const { columns } = checked;
  const alpha0 = outputs(engine, sid, columns);
  addToEach(columns, setup.delta);
  const alpha1 = outputs(engine, sid, columns);

  const pads = Array.from({ length: suite.rho }, () => secp256k1.reduceScalar(randomness.bytes(48))); // â
  const row = pack([...inputs, ...pads]);
  const masked = new Uint8Array(alpha0.length); // ã
  const [out, zero, one, a] = [viewOf(masked), viewOf(alpha0), viewOf(alpha1), viewOf(row)];
  for (let at = 0; at < masked.length; at += SCALAR_BYTES) combine(out, at, zero, one, -1, a, at % row.length, 1);

  const maskedDigest = digestOf(engine, tags.rvoleMasked, [sid], suite.xi * suite.width, masked); // D_a
  const theta = challenges(suite, maskedDigest);
  const openings = pack(pads.map((pad, k) => pad + innerProduct(theta[k] as readonly bigint[], inputs))); // η
  const { digest, sums } = settle(engine, setup.gadget, sid, maskedDigest, theta, alpha0);
  wipe(columns, alpha0, alpha1, row);
  return { message: concat(masked, openings, digest), shares: sums.map((sum) => reduce(-sum)) };
}

/**
 * Bob's second step, once: it wipes what was pending. Whether the check passes is a predicate on β.
 * @returns his shares d_0, d_1, or that Alice cheated
 */
export function finish(
  engine: Engine,
  pending: Pending,
  aliceNonce: Uint8Array,
  answered: Answer,
): readonly bigint[] | 'cheat' {
  const { suite } = engine;
  const { gadget, run, binding, choices, columns } = pending;
  const sid = outputSid(run, aliceNonce, binding);
  const gamma = columns.use((bytes) => outputs(engine, sid, bytes));

  // d̈, of which the pads have β η taken away already: nothing but μ wants them.
  const openings = concat(new Uint8Array(ELL * SCALAR_BYTES), answered.openings);
  const [rows, masked, eta] = [viewOf(gamma), viewOf(answered.masked), viewOf(openings)];
  choices.use((beta) => {
    for (let j = 0, at = 0; j < suite.xi; j++) {
      const bit = bitOf(beta, j);
      for (let i = 0; i < openings.length; i += SCALAR_BYTES, at += SCALAR_BYTES) {
        combine(rows, at, rows, masked, bit, eta, i, 0 - bit);
      }
    }
  });
  choices.wipe();
  columns.wipe();

  const maskedDigest = digestOf(engine, tags.rvoleMasked, [sid], suite.xi * suite.width, answered.masked);
  const { digest, sums } = settle(engine, gadget, sid, maskedDigest, challenges(suite, maskedDigest), gamma);
  wipe(gamma);
  return equal(digest, answered.digest) ? sums.map(reduce) : 'cheat';
}

/** θ_{i,k}, one list per pad k. */
function challenges({ rho }: Suite, maskedDigest: Uint8Array): readonly (readonly bigint[])[] {
  const theta = (i: number, k: number): bigint =>
    fromBytesBE(hash512(tags.rvoleChallenge, maskedDigest, Uint8Array.of(i, k))) % order;
  return Array.from({ length: rho }, (_, k) => Array.from({ length: ELL }, (_, i) => theta(i, k)));
}

/**
 * What both sides do with their rows of W scalars, which agree if nobody cheats: μ, the digest of pad_k + Σ θ_{i,k} row_i
 * of every row and pad, and Σ_j g_j row_j for every input, unreduced.
 */
function settle(
  engine: Engine,
  gadget: Gadget,
  sid: Uint8Array,
  maskedDigest: Uint8Array,
  theta: readonly (readonly bigint[])[],
  rows: Uint8Array,
): { readonly digest: Uint8Array; readonly sums: readonly bigint[] } {
  const { rho, xi, width } = engine.suite;
  const sums = Array.from({ length: ELL }, () => 0n);
  const checks = new Uint8Array(xi * rho * SCALAR_BYTES);
  const [from, to] = [viewOf(rows), viewOf(checks)];
  for (let j = 0, at = 0; j < xi; j++) {
    const row = j * width * SCALAR_BYTES;
    const values = Array.from({ length: ELL }, (_, i) => load(from, row + SCALAR_BYTES * i));
    for (let i = 0; i < ELL; i++) sums[i] = (sums[i] as bigint) + (gadget.scalars[j] as bigint) * (values[i] as bigint);
    for (let k = 0; k < rho; k++, at += SCALAR_BYTES) {
      const pad = load(from, row + SCALAR_BYTES * (ELL + k));
      store(to, at, (pad + innerProduct(theta[k] as readonly bigint[], values)) % order);
    }
  }
  const digest = digestOf(engine, tags.rvoleCheck, [sid, maskedDigest], xi * rho, checks);
  wipe(checks);
  return { digest, sums };
}

/** Never reduced: the caller does it once. */
function innerProduct(left: readonly bigint[], right: readonly bigint[]): bigint {
  return left.reduce((sum, value, i) => sum + value * (right[i] as bigint), 0n);
}

/** Adds a block to every block of `blocks`. */
function addToEach(blocks: Uint8Array, block: Uint8Array): void {
  const [to, from] = [words(blocks), words(new Uint8Array(block))];
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) ^ (from[i & 3] as number);
}
