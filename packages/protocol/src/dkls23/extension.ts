import { concat, equal, u16 } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import type { Symmetric } from '../primitives/symmetric.ts';
import type { Randomness } from '../random.ts';
import { wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { hash, hashBy } from '../transcript.ts';
import { bitOf, transpose, words } from './bits.ts';
import { addProducts, multiples } from './field128.ts';
import { BLOCK_BYTES, LAMBDA_C, SCALAR_BYTES, type Suite } from './suite.ts';
import { tmmo } from './tmmo.ts';

/**
 * SoftSpoken OT extension (§4; Roy 2022/192) in one message from Bob, its receiver, to Alice, its sender.
 * A matrix has 128 rows, in one buffer; a row has ξ bits for transfers, then 128 mask bits.
 */

/** What a computation needs from outside: parameters, and who computes the symmetric part. */
export interface Engine {
  readonly suite: Suite;
  readonly symmetric: Symmetric;
}

/** What Bob keeps of the pair set-up: s_{g,y}, 16 bytes each, group by group. Secret. */
export interface ReceiverSeeds {
  readonly leaves: Uint8Array;
}

/**
 * What Alice keeps of it: Bob's leaves but for leaf Δ_g of every group g, whose place holds bytes that count for nothing,
 * so that no address depends on Δ; and Δ, whose bit kg + b is bit b of Δ_g. Secret.
 */
export interface SenderSeeds {
  readonly leaves: Uint8Array;
  readonly delta: Uint8Array;
}

/** What binds an extension. A sid and a nonce of Bob's serve once: reuse gives away β, and Alice's inputs (§2.2). */
export interface Run {
  /** sid0, 32 bytes. */
  readonly sid: Uint8Array;
  /** Party numbers. */
  readonly alice: number;
  readonly bob: number;
  /** n_bob, 32 fresh bytes. */
  readonly bobNonce: Uint8Array;
}

/** Bob's message, taken apart. */
export interface Request {
  /** u_0 … u_{N-1}. */
  readonly rows: Uint8Array;
  /** x̃. */
  readonly response: Uint8Array;
  /** h_T. */
  readonly digest: Uint8Array;
}

/** One side's half of ξ correlated transfers: q_j = v_j ⊕ β_j Δ. */
export interface Columns {
  /** q_j or v_j, 16 bytes each. Secret. */
  readonly columns: Uint8Array;
  /** d_u, x̃, h_T: what the outputs are bound to. */
  readonly binding: readonly Uint8Array[];
}

/** @throws {EncodingError} on another length than the suite's */
export function readRequest(suite: Suite, message: Uint8Array): Request {
  if (message.length !== suite.requestBytes) throw new EncodingError(`a request has ${suite.requestBytes} bytes`);
  const own = new Uint8Array(message); // a copy, even of a Buffer: words need to be aligned
  const end = suite.groups * suite.rowBytes;
  return {
    rows: own.subarray(0, end),
    response: own.subarray(end, end + BLOCK_BYTES),
    digest: own.subarray(end + BLOCK_BYTES),
  };
}

/**
 * §4.1, Bob.
 * @param choices β, ξ bits
 * @returns his message, and his columns v_j
 */
export function requestTransfers(
  engine: Engine,
  seeds: ReceiverSeeds,
  run: Run,
  choices: Uint8Array,
  randomness: Randomness,
): Columns & { readonly message: Uint8Array } {
  const { suite } = engine;
  const sid = expansionSid(run);
  const leaves = new Leaves(engine, sid, seeds.leaves);
  const row = concat(choices, randomness.bytes(BLOCK_BYTES)); // x'

  const rows = new Uint8Array(suite.groups * suite.rowBytes); // u
  const matrix = new Uint8Array(LAMBDA_C * suite.rowBytes); // v
  const [u, v, x] = [words(rows), words(matrix), words(row)];
  for (let g = 0; g < suite.groups; g++) {
    addMasked(u, g * x.length, x, 0, x.length, ALL);
    for (let y = 0; y < suite.leaves; y++) {
      leaves.addTo(u, g, g, y, ALL);
      for (let b = 0; b < suite.k; b++) leaves.addTo(v, suite.k * g + b, g, y, maskOf(y >> b));
    }
  }

  const rowsDigest = digestOf(engine, tags.oteRows, [sid], suite.groups, rows);
  const challenge = challengeTables(suite, rowsDigest);
  const response = hashRows(suite, challenge, row); // x̃
  const responses = hashRows(suite, challenge, matrix); // t̃
  const digest = digestOf(engine, tags.oteCheck, [sid], LAMBDA_C, responses);
  const columns = transpose(matrix, suite.rowBytes, suite.xi);
  leaves.wipe();
  wipe(row, matrix, responses);
  return { message: concat(rows, response, digest), columns, binding: [rowsDigest, response, digest] };
}

/**
 * §4.2, Alice. Whether it passes is a predicate on Δ, which outlives the session: see §8 for what must surround a call.
 * @returns her columns q_j, or that Bob cheated
 */
export function checkTransfers(engine: Engine, seeds: SenderSeeds, run: Run, request: Request): Columns | 'cheat' {
  const { suite } = engine;
  const { rows, response, digest } = request;
  const sid = expansionSid(run);
  const leaves = new Leaves(engine, sid, seeds.leaves);

  const matrix = new Uint8Array(LAMBDA_C * suite.rowBytes); // w
  const [u, w, rowWords] = [words(rows), words(matrix), suite.rowBytes / 4];
  for (let g = 0; g < suite.groups; g++) {
    for (let b = 0; b < suite.k; b++) {
      const i = suite.k * g + b;
      const bit = bitOf(seeds.delta, i);
      // Leaf Δ_g, which Alice has not, agrees with Δ_g in every bit: it is never added.
      for (let y = 0; y < suite.leaves; y++) leaves.addTo(w, i, g, y, maskOf(bit ^ (y >> b)));
      addMasked(w, i * rowWords, u, g * rowWords, rowWords, maskOf(bit));
    }
  }

  const rowsDigest = digestOf(engine, tags.oteRows, [sid], suite.groups, rows);
  const responses = hashRows(suite, challengeTables(suite, rowsDigest), matrix); // q̃
  const [t, x] = [words(responses), words(response)];
  for (let i = 0; i < LAMBDA_C; i++) addMasked(t, 4 * i, x, 0, 4, maskOf(bitOf(seeds.delta, i)));
  const accepted = equal(digestOf(engine, tags.oteCheck, [sid], LAMBDA_C, responses), digest);
  const columns = transpose(matrix, suite.rowBytes, suite.xi);
  leaves.wipe();
  wipe(matrix, responses);
  if (!accepted) {
    wipe(columns);
    return 'cheat';
  }
  return { columns, binding: [rowsDigest, response, digest] };
}

/** §4.3. What the outputs of an extension are hashed under, known once Alice's nonce (32 bytes) is. */
export function outputSid(run: Run, aliceNonce: Uint8Array, binding: readonly Uint8Array[]): Uint8Array {
  return hash(tags.oteOutput, run.sid, u16(run.alice), u16(run.bob), run.bobNonce, aliceNonce, ...binding);
}

/**
 * §4.3, ROT: W scalars of each column, 32 bytes each, uniform below 2^256 and not reduced. Both of Alice's branches go
 * through the same j.
 */
export function outputs({ suite, symmetric }: Engine, sid: Uint8Array, columns: Uint8Array): Uint8Array {
  const key = hash(tags.oteOutputKey, sid).subarray(0, BLOCK_BYTES);
  return tmmo(symmetric, key, columns, (suite.width * SCALAR_BYTES) / BLOCK_BYTES, 16);
}

function expansionSid(run: Run): Uint8Array {
  return hash(tags.oteExpansion, run.sid, u16(run.alice), u16(run.bob), run.bobNonce);
}

/** The rows r_{g,y} that the leaves expand to. */
class Leaves {
  readonly #suite: Suite;
  /** Words a leaf expands to: whole blocks, the last of which may reach beyond the row. */
  readonly #stride: number;
  readonly #expanded: Uint32Array;

  constructor({ suite, symmetric }: Engine, sid: Uint8Array, leaves: Uint8Array) {
    const blocks = Math.ceil(suite.rowBytes / BLOCK_BYTES);
    const key = hash(tags.oteExpansionKey, sid).subarray(0, BLOCK_BYTES);
    this.#suite = suite;
    this.#stride = blocks * (BLOCK_BYTES / 4);
    this.#expanded = words(tmmo(symmetric, key, leaves, blocks, 8));
  }

  /** Adds r_{g,y} under `mask` to row `i` of `matrix`. */
  addTo(matrix: Uint32Array, i: number, g: number, y: number, mask: number): void {
    const length = this.#suite.rowBytes / 4;
    addMasked(matrix, i * length, this.#expanded, (this.#suite.leaves * g + y) * this.#stride, length, mask);
  }

  wipe(): void {
    this.#expanded.fill(0);
  }
}

const ALL = -1;

/** {@link ALL} for a number whose last bit is set, else 0: no branch. */
function maskOf(bit: number): number {
  return 0 - (bit & 1);
}

/** to[at …] ⊕= from[start …] ∧ mask, `count` words of it. */
function addMasked(to: Uint32Array, at: number, from: Uint32Array, start: number, count: number, mask: number): void {
  for (let i = 0; i < count; i++) to[at + i] = (to[at + i] as number) ^ ((from[start + i] as number) & mask);
}

/** The multiples of χ_0, χ_1, …: one challenge for every 128 transfers. */
function challengeTables(suite: Suite, rowsDigest: Uint8Array): Uint32Array {
  const count = Math.ceil(suite.xi / 128);
  const tables = new Uint32Array(512 * count);
  for (let m = 0; m < count; m++) {
    tables.set(multiples(hash(tags.oteChallenge, rowsDigest, Uint8Array.of(m)).subarray(0, BLOCK_BYTES)), 512 * m);
  }
  return tables;
}

/** hash_row of every row: its mask bits, and Σ χ_m times its m-th 128 transfer bits. 16 bytes a row. */
function hashRows(suite: Suite, challenge: Uint32Array, rows: Uint8Array): Uint8Array {
  const out = new Uint8Array((rows.length / suite.rowBytes) * BLOCK_BYTES);
  for (let at = 0, row = 0; row < rows.length; at += BLOCK_BYTES, row += suite.rowBytes) {
    const mask = row + suite.xi / 8;
    out.set(rows.subarray(mask, mask + BLOCK_BYTES), at);
    addProducts(out.subarray(at, at + BLOCK_BYTES), challenge, rows.subarray(row, mask));
  }
  return out;
}

/** H(tag; parts, items), where a list is its count, then its items of fixed width. */
export function digestOf(
  { symmetric }: Engine,
  tag: string,
  parts: readonly Uint8Array[],
  count: number,
  items: Uint8Array,
): Uint8Array {
  return hashBy(symmetric.sha256, tag, ...parts, concat(u16(count), items));
}
