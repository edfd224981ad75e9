import { bitOf } from './bits.ts';
import { order, SCALAR_BYTES } from './suite.ts';

/**
 * Scalars in flat buffers, 32 bytes each, big-endian. Sums run over 16-bit limbs without a branch or an address that
 * depends on a value; products are bigints, whose time does depend on their lengths (docs/threat-model.md).
 */

/** The integer at `offset`, in [0, 2^256). */
export function load(view: DataView, offset: number): bigint {
  return (
    (((((view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8)) << 64n) | view.getBigUint64(offset + 16)) <<
      64n) |
    view.getBigUint64(offset + 24)
  );
}

/** Writes an integer in [0, 2^256). */
export function store(view: DataView, offset: number, value: bigint): void {
  view.setBigUint64(offset, value >> 192n);
  view.setBigUint64(offset + 8, value >> 128n);
  view.setBigUint64(offset + 16, value >> 64n);
  view.setBigUint64(offset + 24, value);
}

/** `value` mod q in [0, q), also of a negative integer. */
export function reduce(value: bigint): bigint {
  const rest = value % order;
  return rest < 0n ? rest + order : rest;
}

/** Scalars, each reduced, one after the other. */
export function pack(values: readonly bigint[]): Uint8Array {
  const out = new Uint8Array(SCALAR_BYTES * values.length);
  const view = viewOf(out);
  for (const [i, value] of values.entries()) store(view, SCALAR_BYTES * i, reduce(value));
  return out;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Whether every scalar is below q. Of public values: it looks at the first words only, unless they are those of q. */
export function areCanonical(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  for (let offset = 0; offset < bytes.length; offset += SCALAR_BYTES) {
    if (view.getUint32(offset) === 0xffffffff && load(view, offset) >= order) return false;
  }
  return true;
}

const LIMBS = 16;
const limbsOf = (value: bigint): Int32Array =>
  Int32Array.from({ length: LIMBS }, (_, limb) => Number((value >> BigInt(16 * limb)) & 0xffffn));
const orderLimbs = limbsOf(order);
/** 2^256 ≡ this, 129 bits. */
const foldLimbs = limbsOf(2n ** 256n - order);

/**
 * out[at] = x[at] + ym·y[at] + zm·z[zat] mod q, canonical, for any 256-bit x, y and z.
 * @param ym -1, 0 or 1, possibly secret; so is zm
 */
export function combine(
  out: DataView,
  at: number,
  x: DataView,
  y: DataView,
  ym: number,
  z: DataView,
  zat: number,
  zm: number,
): void {
  let carry = 0;
  for (let limb = 0, low = 30; limb < LIMBS; limb++, low -= 2) {
    const sum =
      x.getUint16(at + low) + Math.imul(ym, y.getUint16(at + low)) + Math.imul(zm, z.getUint16(zat + low)) + carry;
    out.setUint16(at + low, sum);
    carry = sum >> 16;
  }
  // The carry is in [-2, 2]; once folded in, in [-1, 1]; twice, 0.
  addMultiple(out, at, foldLimbs, addMultiple(out, at, foldLimbs, carry));
  // Below 2^256 < 2q: take q away, and give it back if that was too much.
  addMultiple(out, at, orderLimbs, 0 - addMultiple(out, at, orderLimbs, -1));
}

/** out[at] += times · value. @returns the carry */
function addMultiple(out: DataView, at: number, value: Int32Array, times: number): number {
  let carry = 0;
  for (let limb = 0, low = at + 30; limb < LIMBS; limb++, low -= 2) {
    const sum = out.getUint16(low) + Math.imul(times, value[limb] as number) + carry;
    out.setUint16(low, sum);
    carry = sum >> 16;
  }
  return carry;
}

/** The sum mod q of the scalars whose bit is set. @param bits as many bits as `scalars` has scalars, secret */
export function sumOfChosen(scalars: Uint8Array, bits: Uint8Array): bigint {
  const view = viewOf(scalars);
  const limbs = new Uint32Array(LIMBS);
  for (let offset = 0, j = 0; offset < scalars.length; offset += SCALAR_BYTES, j++) {
    const mask = -bitOf(bits, j);
    for (let limb = 0; limb < LIMBS; limb++)
      limbs[limb] = (limbs[limb] as number) + (view.getUint16(offset + 2 * limb) & mask);
  }
  return limbs.reduce((sum, limb) => (sum << 16n) + BigInt(limb), 0n) % order;
}
