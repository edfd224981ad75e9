/**
 * Sections 4 and 5 of the DKLs23 specification once more, as slow and literal as can be: rows are bigints whose bit j is
 * coefficient j, AES runs block by block, nothing is shared with the implementation but the tags. It can also cheat.
 */
import { createCipheriv, createHash } from 'node:crypto';
import type { ReceiverSeeds, Run, SenderSeeds } from '../../packages/protocol/src/dkls23/extension.ts';
import type { Suite } from '../../packages/protocol/src/dkls23/suite.ts';
import { tags } from '../../packages/protocol/src/tags.ts';

const q = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const mod = (value: bigint): bigint => ((value % q) + q) % q;

const big = (value: number | bigint, length: number): Buffer =>
  Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');
const fromBig = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const fromLittle = (bytes: Uint8Array): bigint => fromBig(Uint8Array.from(bytes).reverse());
const little = (value: bigint, length: number): Buffer => big(value, length).reverse();
const bit = (value: bigint, j: number): bigint => (value >> BigInt(j)) & 1n;
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const xor = (values: readonly bigint[]): bigint => values.reduce((sum, value) => sum ^ value, 0n);

function hashed(algorithm: string, tag: string, parts: readonly Uint8Array[]): Buffer {
  const state = createHash(algorithm);
  for (const part of [Buffer.from(tag), ...parts]) state.update(big(part.length, 8)).update(part);
  return state.digest();
}
const H = (tag: string, ...parts: readonly Uint8Array[]): Buffer => hashed('sha256', tag, parts);
const HS = (tag: string, ...parts: readonly Uint8Array[]): bigint => mod(fromBig(hashed('sha512', tag, parts)));
const K16 = (tag: string, ...parts: readonly Uint8Array[]): Buffer => H(tag, ...parts).subarray(0, 16);
const listed = (items: readonly Uint8Array[]): Buffer => Buffer.concat([big(items.length, 2), ...items]);

/** TMMO of single blocks, as little-endian integers. */
function tmmo(key: Uint8Array): (x: bigint, index: number) => Buffer {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const pi = (block: bigint): bigint => fromLittle(cipher.update(little(block, 16)));
  return (x, index) => little(pi(pi(x) ^ BigInt(index)) ^ pi(x), 16);
}

/** A product in GF(2^128), by long multiplication and division. */
export function multiply128(a: bigint, b: bigint): bigint {
  let product = xor(range(128).map((i) => bit(b, i) * (a << BigInt(i))));
  for (let i = 254; i >= 128; i--) product ^= bit(product, i) * ((1n << 128n) | 0x87n) * 2n ** BigInt(i - 128);
  return product;
}

interface Extension {
  readonly suite: Suite;
  readonly run: Run;
}

function extension({ suite, run }: Extension) {
  const { xi, k, leaves, groups, rowBytes } = suite;
  const sidPrg = H(tags.oteExpansion, run.sid, big(run.alice, 2), big(run.bob, 2), run.bobNonce);
  const expand = tmmo(K16(tags.oteExpansionKey, sidPrg));
  const r = (all: Uint8Array, g: number, y: number): bigint => {
    const leaf = g * 2 ** k + y;
    const seed = fromLittle(all.subarray(16 * leaf, 16 * leaf + 16));
    const blocks = range(Math.ceil(rowBytes / 16)).map((block) => expand(seed, (leaf << 3) | block));
    return fromLittle(Buffer.concat(blocks).subarray(0, rowBytes));
  };
  const challenge = (u: readonly bigint[]) => {
    const digest = H(tags.oteRows, sidPrg, listed(u.map((row) => little(row, rowBytes))));
    const chi = range(Math.ceil(xi / 128)).map((m) => fromLittle(K16(tags.oteChallenge, digest, Uint8Array.of(m))));
    const hashRow = (row: bigint): bigint => {
      const transfers = BigInt.asUintN(xi, row);
      const terms = chi.map((element, m) => multiply128(element, BigInt.asUintN(128, transfers >> BigInt(128 * m))));
      return (row >> BigInt(xi)) ^ xor(terms);
    };
    return { digest, chi, hashRow };
  };
  const checkDigest = (t: readonly bigint[]): Buffer => H(tags.oteCheck, sidPrg, listed(t.map((x) => little(x, 16))));
  const columnsOf = (rows: readonly bigint[]): bigint[] =>
    range(xi).map((j) => xor(rows.map((row, i) => bit(row, j) << BigInt(i))));
  return { xi, k, leaves, groups, rowBytes, sidPrg, r, challenge, checkDigest, columnsOf };
}

/** How Bob cheats: another x' in some groups, and responses that fit a guess of Δ. */
export interface BobCheats {
  /** What is added to x' in group g. */
  readonly error?: (g: number) => bigint;
  /** The Δ_g that t̃ is made to fit; 0 is the honest answer. */
  readonly guess?: (g: number) => number;
}

/** §4.1. @param choices β @param mask 16 bytes */
export function bobRequests(
  setting: Extension,
  seeds: ReceiverSeeds,
  choices: Uint8Array,
  mask: Uint8Array,
  { error = () => 0n, guess = () => 0 }: BobCheats = {},
) {
  const { k, leaves, groups, rowBytes, sidPrg, r, challenge, checkDigest, columnsOf } = extension(setting);
  const x = fromLittle(Buffer.concat([choices, mask]));
  const expanded = range(groups).map((g) => range(leaves).map((y) => r(seeds.leaves, g, y)));
  const u = expanded.map((rows, g) => x ^ error(g) ^ xor(rows));
  const v = expanded.flatMap((rows) => range(k).map((b) => xor(rows.map((row, y) => bit(BigInt(y), b) * row))));
  const { digest: rowsDigest, chi, hashRow } = challenge(u);
  const response = little(hashRow(x), 16);
  const t = v.map(
    (row, i) => hashRow(row) ^ (bit(BigInt(guess(Math.floor(i / k))), i % k) * hashRow(error(Math.floor(i / k)))),
  );
  const digest = checkDigest(t);
  const message = Buffer.concat([...u.map((row) => little(row, rowBytes)), response, digest]);
  return { message, columns: columnsOf(v), binding: [rowsDigest, response, digest], sidPrg, chi };
}

/** §4.2 without the check. @returns q_j */
export function aliceColumns(setting: Extension, seeds: SenderSeeds, message: Uint8Array): bigint[] {
  const { k, leaves, groups, rowBytes, r, columnsOf } = extension(setting);
  const delta = fromLittle(seeds.delta);
  const w = range(groups).flatMap((g) => {
    const mine = Number((delta >> BigInt(k * g)) & BigInt(leaves - 1));
    const u = fromLittle(message.subarray(g * rowBytes, (g + 1) * rowBytes));
    return range(k).map((b) => {
      const others = range(leaves).filter((y) => y !== mine);
      return xor([...others.map((y) => bit(BigInt(mine ^ y), b) * r(seeds.leaves, g, y)), bit(BigInt(mine), b) * u]);
    });
  });
  return columnsOf(w);
}

/** How Alice cheats: what she adds to ã_j[i], and to μ_{j,k}. */
export interface AliceCheats {
  readonly shift?: (j: number, i: number) => bigint;
  readonly claim?: (j: number, k: number, theta: readonly (readonly bigint[])[]) => bigint;
}

/** §4.3 and §5, Alice. @param columns q_j @param pads â */
export function aliceAnswers(
  { suite, run, aliceNonce }: Extension & { readonly aliceNonce: Uint8Array },
  {
    delta,
    columns,
    binding,
  }: { readonly delta: Uint8Array; readonly columns: readonly bigint[]; readonly binding: readonly Uint8Array[] },
  gadget: readonly bigint[],
  inputs: readonly bigint[],
  pads: readonly bigint[],
  { shift = () => 0n, claim = () => 0n }: AliceCheats = {},
) {
  const { xi, width, rho } = suite;
  const sidRot = H(tags.oteOutput, run.sid, big(run.alice, 2), big(run.bob, 2), run.bobNonce, aliceNonce, ...binding);
  const output = tmmo(K16(tags.oteOutputKey, sidRot));
  const rot = (j: number, z: bigint): bigint[] =>
    range(width).map((c) => mod(fromBig(Buffer.concat([output(z, 16 * j + 2 * c), output(z, 16 * j + 2 * c + 1)]))));
  const alpha0 = columns.map((column, j) => rot(j, column));
  const alpha1 = columns.map((column, j) => rot(j, column ^ fromLittle(delta)));
  const at = (rows: readonly (readonly bigint[])[], j: number, i: number): bigint => rows[j]?.[i] as bigint;

  const row = [...inputs, ...pads];
  const masked = range(xi).flatMap((j) =>
    row.map((a, i) => big(mod(at(alpha0, j, i) - at(alpha1, j, i) + a + shift(j, i)), 32)),
  );
  const maskedDigest = H(tags.rvoleMasked, sidRot, listed(masked));
  const theta = range(rho).map((k) => inputs.map((_, i) => HS(tags.rvoleChallenge, maskedDigest, Uint8Array.of(i, k))));
  const dot = (left: readonly bigint[], right: readonly bigint[]): bigint =>
    left.reduce((sum, value, i) => sum + value * (right[i] as bigint), 0n);
  const eta = pads.map((pad, k) => mod(pad + dot(theta[k] as bigint[], inputs)));
  const mu = range(xi).flatMap((j) =>
    range(rho).map((k) => {
      const sum = at(alpha0, j, inputs.length + k) + dot(theta[k] as bigint[], alpha0[j] as bigint[]);
      return big(mod(sum + claim(j, k, theta)), 32);
    }),
  );
  const digest = H(tags.rvoleCheck, sidRot, maskedDigest, listed(mu));
  const message = Buffer.concat([...masked, ...eta.map((value) => big(value, 32)), digest]);
  const shares = inputs.map((_, i) => mod(-gadget.reduce((sum, g, j) => sum + g * at(alpha0, j, i), 0n)));
  return { message, shares, sidRot, alpha0, maskedDigest, theta, eta, digest };
}
