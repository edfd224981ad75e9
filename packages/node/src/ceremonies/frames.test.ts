import { readFileSync } from 'node:fs';
import { EncodingError, fromHex, kinds, pureNodeKey, register, toHex } from '@quorate/protocol';
import { assert, constantFrom, nat, property, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFrame, encodeFrame, type NodeFrame } from './frames.ts';

/** What version 1 looks like on the wire, for ever. A change here is another version. */
const golden = (name: string): string => readFileSync(new URL(`golden/${name}.hex`, import.meta.url), 'utf8').trim();

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);

const registration = register(
  {
    network: fill(2),
    request: fill(3),
    digest: fill(4),
    epoch: 5,
    attempt: 6,
    nonce: fill(7),
    bootEpoch: fill(8, 24),
    receiveKey: fill(9, 33),
    avoid: [1, 2],
    apart: [3],
    presigned: { signers: [3, 4], ids: [fill(16)] },
  },
  pureNodeKey(fill(1)),
);

const frames: { readonly [K in NodeFrame['type']]: Extract<NodeFrame, { readonly type: K }> } = {
  request: { type: 'request', value: { kind: kinds.sign, body: fill(10, 5) } },
  registration: { type: 'registration', value: registration },
  start: {
    type: 'start',
    value: {
      network: fill(2),
      kind: kinds.sign,
      request: fill(3),
      digest: fill(4),
      epoch: 5,
      attempt: 6,
      presignature: fill(16),
      participants: [{ party: 3, registration }],
    },
  },
  envelope: { type: 'envelope', value: fill(11, 7) },
  waiting: { type: 'waiting', value: { request: fill(3), registered: [1, 3] } },
  declined: { type: 'declined', value: { request: fill(3), reason: 'no such key', highest: 0 } },
  result: { type: 'result', value: { request: fill(3), signature: fill(12, 64), signers: [fill(13), fill(14)] } },
  ready: { type: 'ready', value: fill(13, 9) },
  certificate: { type: 'certificate', value: fill(14, 9) },
  activated: { type: 'activated', value: fill(15, 9) },
  approval: { type: 'approval', value: fill(21, 9) },
  wanted: { type: 'wanted', value: { keyId: fill(20) } },
  standing: { type: 'standing', value: { type: 'said', value: fill(17, 9) } },
  stock: { type: 'stock', value: { type: 'wanted', value: { sets: [fill(16), fill(17)] } } },
};
const all: readonly (readonly [name: string, frame: NodeFrame])[] = [
  ...Object.entries(frames),
  ...(['held', 'doubted'] as const).map(
    (type) =>
      [
        `standing-${type}`,
        { type: 'standing', value: { type, value: { statements: [fill(18, 3)], twin: 1 } } },
      ] as const,
  ),
  [
    'standing-asked',
    {
      type: 'standing',
      value: { type: 'asked', value: { nonce: fill(19), resolved: 1, keys: [{ keyId: fill(20), epoch: 7 }] } },
    },
  ],
  [
    'standing-proof',
    { type: 'standing', value: { type: 'proof', value: { nonce: fill(19), certificate: fill(21, 4) } } },
  ],
  [
    'standing-told',
    { type: 'standing', value: { type: 'told', value: { statements: [], twin: 0, nonce: fill(19), wait: 1 } } },
  ],
  [
    'stock-offer',
    { type: 'stock', value: { type: 'offer', value: { session: fill(18), key: fill(9, 33), sets: [] } } },
  ],
  ['stock-points', { type: 'stock', value: { type: 'points', value: { session: fill(18), points: fill(19, 8_448) } } }],
];
const encoded = all.map(([, frame]) => encodeFrame(frame));

describe('a frame', () => {
  test.for(all)('%s has its bytes, version 1', ([name, frame]) => {
    expect(toHex(encodeFrame(frame))).toBe(golden(name));
    const { type, value } = decodeFrame(fromHex(golden(name)));
    expect(type).toBe(frame.type);
    expect(value).toEqual(
      frame.type === 'start' || frame.type === 'registration' ? expect.objectContaining({ epoch: 5 }) : frame.value,
    );
    expect(encodeFrame({ type, value } as NodeFrame)).toEqual(encodeFrame(frame));
  });

  test('has one encoding: what decodes encodes to the same bytes', () => {
    assert(
      property(constantFrom(...encoded), nat(), nat(255), (bytes, place, byte) => {
        const changed = bytes.map((one, i) => (i === place % bytes.length ? byte : one));
        const decoded = attempt(changed);
        if (decoded !== undefined) expect(encodeFrame(decoded)).toEqual(changed);
      }),
      { numRuns: 2_000 },
    );
  });

  test('that is cut, or goes on, or is noise, does not decode, and says so in one way', () => {
    for (const bytes of encoded) {
      for (let length = 0; length < bytes.length; length++) expect(attempt(bytes.subarray(0, length))).toBeUndefined();
      expect(attempt(Uint8Array.of(...bytes, 0))).toBeUndefined();
    }
    assert(property(uint8Array({ maxLength: 200 }), (bytes) => void attempt(bytes)));
  });

  test('of another version does not decode', () => {
    for (const bytes of encoded) expect(attempt(Uint8Array.of(2, ...bytes.subarray(1)))).toBeUndefined();
  });
});

function attempt(bytes: Uint8Array): NodeFrame | undefined {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(EncodingError);
    return undefined;
  }
}
