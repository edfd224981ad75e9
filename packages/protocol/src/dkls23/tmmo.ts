import type { Symmetric } from '../primitives/symmetric.ts';
import { wipe } from '../secret.ts';
import { words } from './bits.ts';

/**
 * Tweakable fixed-key AES (§1.6; Guo, Katz, Wang, Yu 2019/074) of many blocks in two calls:
 *
 *   TMMO_K(x, tw) = π_K( π_K(x) ⊕ tw ) ⊕ π_K(x)
 *
 * Input i gives `outputs` blocks, under the tweaks LE64(i·stride) … LE64(i·stride + outputs - 1) ‖ 0^8.
 * @param key public, and fresh for the session
 * @param stride at least `outputs`: no two outputs share a tweak; indices stay below 2^32
 * @returns the blocks of input 0, then those of input 1, …
 */
export function tmmo(
  symmetric: Symmetric,
  key: Uint8Array,
  inputs: Uint8Array,
  outputs: number,
  stride: number,
): Uint8Array {
  const inner = symmetric.aes128Blocks(key, inputs);
  const tweaked = new Uint8Array(inputs.length * outputs);
  const [from, to] = [words(inner), words(tweaked)];
  for (let i = 0, at = 0; i < from.length; i += 4) {
    for (let output = 0; output < outputs; output++, at += 4) {
      to[at] = from[i] as number;
      to[at + 1] = from[i + 1] as number;
      to[at + 2] = from[i + 2] as number;
      to[at + 3] = from[i + 3] as number;
      const index = (i / 4) * stride + output;
      tweaked[4 * at] = (tweaked[4 * at] as number) ^ index;
      tweaked[4 * at + 1] = (tweaked[4 * at + 1] as number) ^ (index >> 8);
      tweaked[4 * at + 2] = (tweaked[4 * at + 2] as number) ^ (index >> 16);
      tweaked[4 * at + 3] = (tweaked[4 * at + 3] as number) ^ (index >> 24);
    }
  }
  const out = symmetric.aes128Blocks(key, tweaked);
  const outer = words(out);
  for (let i = 0, at = 0; i < from.length; i += 4) {
    for (const end = at + 4 * outputs; at < end; at += 4) {
      outer[at] = (outer[at] as number) ^ (from[i] as number);
      outer[at + 1] = (outer[at + 1] as number) ^ (from[i + 1] as number);
      outer[at + 2] = (outer[at + 2] as number) ^ (from[i + 2] as number);
      outer[at + 3] = (outer[at + 3] as number) ^ (from[i + 3] as number);
    }
  }
  wipe(inner, tweaked);
  return out;
}
