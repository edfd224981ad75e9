import { fromHex, Secret, toHex } from '@quorate/protocol';
import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootCounter, bootEpochOf, encodeHello, prove, readHello, verifyProof } from './hello.ts';
import { identityOf } from './identity.ts';

const identity = (n: number) => identityOf(new Secret(fromHex(n.toString(16).padStart(64, '0'))));
const [a, b, c] = [identity(1), identity(2), identity(3)];
const networkId = new Uint8Array(32).fill(1);
const hello = {
  networkId,
  version: '0.1.0',
  rosterHash: new Uint8Array(32).fill(2),
  bootEpoch: bootEpochOf(3n, new Uint8Array(16).fill(4)),
  challenge: new Uint8Array(32).fill(5),
};

describe('a hello', () => {
  test('has one fixed form', () => {
    expect(toHex(encodeHello(hello))).toMatchInlineSnapshot(
      `"01010101010101010101010101010101010101010101010101010101010101010100000005302e312e3002020202020202020202020202020202020202020202020202020202020202020000000000000003040404040404040404040404040404040505050505050505050505050505050505050505050505050505050505050505"`,
    );
    expect(readHello(encodeHello(hello), networkId)).toEqual(hello);
    expect(bootCounter(hello.bootEpoch)).toBe(3n);
  });

  test('of another version, network or form is refused with the reason', () => {
    const refused = (bytes: Uint8Array): unknown => readHello(bytes, networkId);
    expect(refused(encodeHello(hello, 2))).toMatchObject({
      refused: expect.stringMatching(/^format version 2, ours is 1/),
    });
    // A later version may look different: only its first byte is read.
    expect(refused(Uint8Array.of(200))).toMatchObject({ refused: expect.stringMatching(/version 200/) });
    expect(refused(encodeHello({ ...hello, networkId: new Uint8Array(32) }))).toMatchObject({
      refused: expect.stringMatching(/another network/),
    });
    const bytes = encodeHello(hello);
    for (let length = 0; length < bytes.length; length++)
      expect(refused(bytes.subarray(0, length))).toHaveProperty('refused');
    expect(refused(Uint8Array.of(...bytes, 0))).toHaveProperty('refused');
    assert(
      property(uint8Array({ maxLength: 200 }), (garbage) => {
        expect(refused(garbage)).toHaveProperty('refused');
      }),
    );
  });
});

describe('a proof', () => {
  const bytes = encodeHello(hello);
  const challenge = new Uint8Array(32).fill(9);
  const proof = prove(a, bytes, b.peer, challenge);

  test('convinces the one it is for', () => {
    expect(verifyProof(a.peer, bytes, b.peer, challenge, proof)).toBe(true);
  });

  test('convinces nobody else, of nothing else, at no other time', () => {
    expect(verifyProof(a.peer, bytes, c.peer, challenge, proof)).toBe(false);
    expect(verifyProof(b.peer, bytes, a.peer, challenge, proof)).toBe(false);
    expect(verifyProof(c.peer, bytes, b.peer, challenge, proof)).toBe(false);
    expect(verifyProof(a.peer, bytes, b.peer, new Uint8Array(32), proof)).toBe(false);
    const otherBoot = encodeHello({ ...hello, bootEpoch: bootEpochOf(4n, new Uint8Array(16)) });
    expect(verifyProof(a.peer, otherBoot, b.peer, challenge, proof)).toBe(false);
    expect(verifyProof(a.peer, bytes, b.peer, challenge, proof.subarray(1))).toBe(false);
  });
});
