import { equal, u16 } from '../bytes.ts';
import { wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { hash, hash512 } from '../transcript.ts';
import { bitOf } from './bits.ts';
import type { ReceiverSeeds, SenderSeeds } from './extension.ts';
import { BLOCK_BYTES, type Suite } from './suite.ts';

/**
 * All-but-one trees (§3.4; the set-up of SoftSpoken, Roy 2022/192): out of k transfers of 16 bytes each, Bob makes 2^k leaves
 * and Alice learns all of them but one. She checks that his are the leaves she would have got whatever she chose.
 *
 * Alice's side touches every node in the same way: neither a branch nor an address depends on which leaf she lacks.
 */
export type TreeShape = Pick<Suite, 'groups' | 'k' | 'leaves'>;

/** p of a leaf, and each of t̃ and s̃. */
const PROOF_BYTES = 32;

/** A group's part of Bob's message: τ for x = 0, 1 at each level but the first, t̃, s̃. */
function partBytes({ k }: TreeShape): number {
  return 2 * (k - 1) * BLOCK_BYTES + 2 * PROOF_BYTES;
}

/** How many base transfers the trees take. */
export function baseOts({ groups, k }: TreeShape): number {
  return groups * k;
}

/** The length of Bob's message. */
export function treesBytes(shape: TreeShape): number {
  return shape.groups * partBytes(shape);
}

/**
 * Bob's message and leaves.
 * @param sid of this pair, this direction, this epoch of this key: 32 bytes
 * @param keys both keys of every transfer, 16 bytes each
 */
export function buildTrees(
  shape: TreeShape,
  sid: Uint8Array,
  keys: Uint8Array,
): { readonly message: Uint8Array; readonly seeds: ReceiverSeeds } {
  const { groups, k, leaves } = shape;
  const message = new Uint8Array(treesBytes(shape));
  const seeds = new Uint8Array(groups * leaves * BLOCK_BYTES);
  for (let g = 0; g < groups; g++) {
    const part = message.subarray(g * partBytes(shape), (g + 1) * partBytes(shape));
    let level = keys.slice(2 * g * k * BLOCK_BYTES, 2 * (g * k + 1) * BLOCK_BYTES);
    for (let b = 1; b < k; b++) {
      const next = doubled(sid, g, b, level);
      for (let x = 0; x < 2; x++) {
        const tau = part.subarray((2 * (b - 1) + x) * BLOCK_BYTES, (2 * (b - 1) + x + 1) * BLOCK_BYTES);
        tau.set(block(keys, 2 * (g * k + b) + x));
        for (let y = x; y < 2 ** (b + 1); y += 2) xorInto(tau, block(next, y));
      }
      wipe(level);
      level = next;
    }
    const proofs = leavesOf(sid, g, level, block(seeds, g * leaves, leaves));
    const [sum, digest] = [part.subarray(-2 * PROOF_BYTES, -PROOF_BYTES), part.subarray(-PROOF_BYTES)];
    for (const proof of proofs) xorInto(sum, proof);
    digest.set(hash(tags.pprfDigest, sid, u16(g), ...proofs));
    wipe(level, ...proofs);
  }
  return { message, seeds: { leaves: seeds } };
}

/**
 * Alice's leaves and Δ, or the groups whose trees are not of one piece. Which groups fail depends on Δ: then everything made
 * of these transfers is void.
 *
 * @param keys of every transfer the one she chose, 16 bytes each
 * @param choices one bit a transfer
 */
export function evaluateTrees(
  shape: TreeShape,
  sid: Uint8Array,
  keys: Uint8Array,
  choices: Uint8Array,
  message: Uint8Array,
): SenderSeeds | { readonly faulty: readonly number[] } {
  const { groups, k, leaves } = shape;
  const seeds = new Uint8Array(groups * leaves * BLOCK_BYTES);
  const delta = new Uint8Array(choices.length);
  const faulty: number[] = [];
  for (let g = 0; g < groups; g++) {
    const part = message.subarray(g * partBytes(shape), (g + 1) * partBytes(shape));
    const bits = Array.from({ length: k }, (_, b) => bitOf(choices, g * k + b));
    const own = keys.subarray(g * k * BLOCK_BYTES, (g + 1) * k * BLOCK_BYTES);
    const { missing, fits } = evaluateTree(shape, sid, g, own, bits, part, block(seeds, g * leaves, leaves));
    for (let b = 0; b < k; b++) {
      const at = (g * k + b) >> 3;
      delta[at] = (delta[at] as number) | (((missing >> b) & 1) << ((g * k + b) & 7));
    }
    if (!fits) faulty.push(g);
  }
  if (faulty.length === 0) return { leaves: seeds, delta };
  wipe(seeds, delta);
  return { faulty };
}

/** Whether one group's part of Bob's message fits, for everybody to see, given what Alice knew of that group. */
export function treeFits(
  shape: TreeShape,
  sid: Uint8Array,
  g: number,
  keys: Uint8Array,
  bits: readonly number[],
  message: Uint8Array,
): boolean {
  const part = message.subarray(g * partBytes(shape), (g + 1) * partBytes(shape));
  return evaluateTree(shape, sid, g, keys, bits, part, new Uint8Array(shape.leaves * BLOCK_BYTES)).fits;
}

/** Writes the leaves of one group to `seeds`, zeroes for the missing one. */
function evaluateTree(
  { k, leaves }: TreeShape,
  sid: Uint8Array,
  g: number,
  keys: Uint8Array,
  bits: readonly number[],
  part: Uint8Array,
  seeds: Uint8Array,
): { readonly missing: number; readonly fits: boolean } {
  const first = bits[0] as number;
  let level = new Uint8Array(2 * BLOCK_BYTES);
  for (let y = 0; y < 2; y++) xorMasked(block(level, y), block(keys, 0), equals(y, first));
  // The node that she lacks: the sibling of the one she chose.
  let missing = 1 - first;
  for (let b = 1; b < k; b++) {
    const bit = bits[b] as number;
    const next = doubled(sid, g, b, level);
    const recovered = block(keys, b).slice();
    for (let x = 0; x < 2; x++) {
      xorMasked(recovered, block(part, 2 * (b - 1) + x), equals(x, bit));
      for (let y = 0; y < 2 ** b; y++) {
        xorMasked(recovered, block(next, 2 * y + x), equals(x, bit) & ~equals(y, missing));
      }
    }
    for (let y = 0; y < 2 ** b; y++) {
      for (let x = 0; x < 2; x++) {
        const child = block(next, 2 * y + x);
        keepMasked(child, ~equals(y, missing));
        xorMasked(child, recovered, equals(y, missing) & equals(x, bit));
      }
    }
    wipe(level, recovered);
    level = next;
    missing = 2 * missing + (1 - bit);
  }
  const proofs = leavesOf(sid, g, level, seeds);
  const lacking = part.slice(-2 * PROOF_BYTES, -PROOF_BYTES);
  for (let y = 0; y < leaves; y++) {
    const known = ~equals(y, missing);
    keepMasked(block(seeds, y), known);
    keepMasked(proofs[y] as Uint8Array, known);
    xorInto(lacking, proofs[y] as Uint8Array);
  }
  for (let y = 0; y < leaves; y++) xorMasked(proofs[y] as Uint8Array, lacking, equals(y, missing));
  const fits = equal(hash(tags.pprfDigest, sid, u16(g), ...proofs), part.subarray(-PROOF_BYTES));
  wipe(level, lacking, ...proofs);
  return { missing, fits };
}

/** The children of every node of level b. */
function doubled(sid: Uint8Array, g: number, b: number, level: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(2 * level.length);
  for (let y = 0; y < level.length / BLOCK_BYTES; y++) {
    const digest = hash512(tags.pprfDouble, sid, u16(g), Uint8Array.of(b), u16(y), block(level, y));
    out.set(digest.subarray(0, 2 * BLOCK_BYTES), 2 * y * BLOCK_BYTES);
    wipe(digest);
  }
  return out;
}

/** Writes s of every leaf to `seeds` and returns their p. */
function leavesOf(sid: Uint8Array, g: number, level: Uint8Array, seeds: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: level.length / BLOCK_BYTES }, (_, y) => {
    const digest = hash512(tags.pprfLeaf, sid, u16(g), u16(y), block(level, y));
    block(seeds, y).set(digest.subarray(0, BLOCK_BYTES));
    const proof = digest.slice(BLOCK_BYTES, BLOCK_BYTES + PROOF_BYTES);
    wipe(digest);
    return proof;
  });
}

/** The i-th block of 16 bytes, or `count` of them. */
function block(bytes: Uint8Array, i: number, count = 1): Uint8Array {
  return bytes.subarray(i * BLOCK_BYTES, (i + count) * BLOCK_BYTES);
}

/** All ones where a = b, else zero; for small integers. */
function equals(a: number, b: number): number {
  return ((a ^ b) - 1) >> 31;
}

function xorInto(target: Uint8Array, other: Uint8Array): void {
  xorMasked(target, other, -1);
}

function xorMasked(target: Uint8Array, other: Uint8Array, mask: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) ^ ((other[i] as number) & mask);
}

function keepMasked(target: Uint8Array, mask: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) & mask;
}
