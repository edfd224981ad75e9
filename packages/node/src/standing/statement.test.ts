import { readFileSync } from 'node:fs';
import { fromHex, pureNodeKey, toHex } from '@quorate/protocol';
import { assert, nat, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { bootEpochOf } from '../network/hello.ts';
import { nativeTools } from '../tools.ts';
import { firstOf, generationOf, readStatement, state } from './statement.ts';

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
const key = pureNodeKey(fill(1));
const network = fill(2);
const { signatures } = nativeTools();
const unsigned = { network, bootEpoch: bootEpochOf(3n, fill(4, 16)), counter: 5, bans: [fill(6), fill(7)] };
const bytes = state(unsigned, key);
const read = (said: Uint8Array) => readStatement(said, network, key.publicKey, signatures);

describe('a statement', () => {
  test('has its bytes, version 1, and reads as it was written', () => {
    const golden = readFileSync(new URL('golden/statement.hex', import.meta.url), 'utf8').trim();
    expect(toHex(bytes)).toBe(golden);
    expect(read(fromHex(golden))).toMatchObject(unsigned);
  });

  test('of another network, or of another node, is none', () => {
    expect(readStatement(bytes, fill(9), key.publicKey, signatures)).toBeUndefined();
    expect(read(state({ ...unsigned, network: fill(9) }, key))).toBeUndefined();
    expect(read(state(unsigned, pureNodeKey(fill(8))))).toBeUndefined();
    expect(read(state(unsigned, { ...key, publicKey: fill(8) }))).toBeUndefined();
  });

  test('with any byte changed, cut off or added, is none', () => {
    assert(
      property(nat(bytes.length - 1), nat(254), (place, by) => {
        expect(read(bytes.map((one, i) => (i === place ? (one + by + 1) % 256 : one)))).toBeUndefined();
        expect(read(bytes.subarray(0, place))).toBeUndefined();
      }),
    );
    expect(read(Uint8Array.of(...bytes, 0))).toBeUndefined();
  });

  test('with as many bans as it may name fits where it is kept', () => {
    const bans = Array.from({ length: limits.statedBans }, (_, i) => fill(i));
    expect(state({ ...unsigned, bans }, key).length).toBeLessThanOrEqual(limits.statementBytes);
  });
});

test('a generation is the upper half of the boot counter, and there are 65,536', () => {
  for (const generation of [0, 1, 2 ** 16 - 1]) {
    const first = firstOf(generation) as number;
    expect(generationOf(bootEpochOf(BigInt(first), fill(0, 16)))).toBe(generation);
    expect(generationOf(bootEpochOf(BigInt(first) + 2n ** 32n - 1n, fill(0, 16)))).toBe(generation);
  }
  expect(firstOf(2 ** 16)).toBeUndefined();
});
