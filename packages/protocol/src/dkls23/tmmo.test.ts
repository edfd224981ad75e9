import { assert, integer, property, uint8Array } from 'fast-check';
import { expect, it } from 'vitest';
import { nativeSymmetric } from '../../native/index.ts';
import { concat, fromHex, toHex } from '../bytes.ts';
import { pureSymmetric } from '../primitives/symmetric.ts';
import { tmmo } from './tmmo.ts';

const key = fromHex('000102030405060708090a0b0c0d0e0f');
const x = fromHex('00112233445566778899aabbccddeeff');

it.each([pureSymmetric, nativeSymmetric])(
  'has the known answers of the specification (§10.4), by $name',
  (symmetric) => {
    // The second input's tweaks begin at 17.
    const blocks = tmmo(symmetric, key, concat(x, x), 2, 17);
    expect(toHex(blocks.subarray(0, 16))).toBe('26a76cab351a47318eb59331d2ae8a30');
    expect(toHex(blocks.subarray(16, 32))).toBe('cfecf36c92415c6688e2ce85a37fdff8');
    expect(toHex(blocks.subarray(32, 48))).toBe('3f3492230f5ed64ea1c8aab1569fd987');
  },
);

it('is π(π(x) ⊕ tw) ⊕ π(x) for every input and every tweak, also the long ones', () => {
  const pi = (block: Uint8Array): Uint8Array => pureSymmetric.aes128Blocks(key, block);
  const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ (b[i] as number));
  assert(
    property(
      uint8Array({ minLength: 48, maxLength: 48 }),
      integer({ min: 1, max: 8 }),
      integer({ min: 8, max: 0x7ffffff0 }),
      (inputs, outputs, stride) => {
        const expected = [0, 1, 2].flatMap((i) => {
          const inner = pi(inputs.subarray(16 * i, 16 * i + 16));
          return Array.from({ length: outputs }, (_, output) => {
            const tweak = new Uint8Array(16);
            new DataView(tweak.buffer).setBigUint64(0, BigInt(i * stride + output), true);
            return xor(pi(xor(inner, tweak)), inner);
          });
        });
        expect(toHex(tmmo(pureSymmetric, key, inputs, outputs, stride))).toBe(toHex(concat(...expected)));
      },
    ),
  );
});

it('leaves its inputs alone', () => {
  const inputs = x.slice();
  tmmo(nativeSymmetric, key, inputs, 3, 8);
  expect(inputs).toEqual(x);
});
