import { assert, constantFrom, integer, property, record, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { toyNodeKey, toySignatures } from '../simulation/seeds.ts';
import {
  bodyDigest,
  decodeEnvelope,
  type EchoEntry,
  emptyTranscript,
  extendTranscript,
  MAX_MESSAGE,
  type MessageClass,
  type Slot,
  sealEnvelope,
  verifyEntry,
} from './envelope.ts';

const key = toyNodeKey(new Uint8Array(32));
const slot: Slot = {
  network: new Uint8Array(32).fill(1),
  sid: new Uint8Array(32).fill(2),
  kind: 1,
  round: 3,
  class: 'broadcast',
  from: 4,
  to: 0,
};
const entry: EchoEntry = { digest: new Uint8Array(32).fill(5), signature: new Uint8Array(64).fill(6) };
const payload = Uint8Array.of(7, 8, 9);
const sealed = sealEnvelope(slot, [entry], payload, key);

describe('an envelope', () => {
  it('comes back as it was, whatever is in it', () => {
    const bytes = (length: number) => uint8Array({ minLength: length, maxLength: length });
    const anySlot = record({
      network: bytes(32),
      sid: bytes(32),
      kind: integer({ min: 0, max: 255 }),
      round: integer({ min: 0, max: 255 }),
      class: constantFrom<MessageClass>('broadcast', 'direct', 'abort'),
      from: integer({ min: 0, max: 65535 }),
      to: integer({ min: 0, max: 65535 }),
    });
    assert(
      property(anySlot, integer({ min: 0, max: 4 }), uint8Array({ maxLength: 64 }), (place, echoes, body) => {
        const echo = Array.from({ length: echoes }, () => entry);
        const { frame, entry: own } = sealEnvelope(place, echo, body, key);
        const envelope = decodeEnvelope(frame);
        expect(envelope).toEqual({ ...place, echo, payload: body, signature: own.signature });
        expect(verifyEntry(envelope, own, key.publicKey, toySignatures)).toBe(true);
        expect(own.digest).toEqual(bodyDigest(echo, body));
      }),
    );
  });

  it('has one encoding: nothing shorter, nothing longer', () => {
    for (let length = 0; length < sealed.frame.length; length++) {
      expect(() => decodeEnvelope(sealed.frame.subarray(0, length))).toThrow(EncodingError);
    }
    expect(() => decodeEnvelope(concat(sealed.frame, Uint8Array.of(0)))).toThrow(EncodingError);
  });

  it('is signed in every bit', () => {
    for (let at = 0; at < sealed.frame.length; at++) {
      const frame = sealed.frame.map((byte, i) => (i === at ? byte ^ 1 : byte));
      let accepted = false;
      try {
        const envelope = decodeEnvelope(frame);
        const said = { digest: bodyDigest(envelope.echo, envelope.payload), signature: envelope.signature };
        accepted = verifyEntry(envelope, said, key.publicKey, toySignatures);
      } catch (error) {
        expect(error).toBeInstanceOf(EncodingError);
      }
      expect(accepted).toBe(false);
    }
  });

  it('refuses versions and classes that it does not know', () => {
    const classAt = 1 + 32 + 32 + 1 + 1;
    expect(sealed.frame[classAt]).toBe(0);
    for (const [at, value] of [
      [0, 0],
      [0, 2],
      [classAt, 3],
      [classAt, 255],
    ] as const) {
      const frame = sealed.frame.map((byte, i) => (i === at ? value : byte));
      expect(() => decodeEnvelope(frame)).toThrow(EncodingError);
    }
  });

  it('keeps messages small enough for two of them to be evidence; aborts may weigh more', () => {
    const large = new Uint8Array(MAX_MESSAGE + 1);
    expect(() => sealEnvelope(slot, [], large, key)).toThrow(EncodingError);
    expect(() => sealEnvelope({ ...slot, class: 'direct', to: 1 }, [], large, key)).toThrow(EncodingError);
    expect(decodeEnvelope(sealEnvelope(slot, [], large.subarray(1), key).frame).payload.length).toBe(MAX_MESSAGE);
    const abort = sealEnvelope({ ...slot, class: 'abort' }, [], large, key).frame;
    expect(decodeEnvelope(abort).payload.length).toBe(large.length);
    const disguised = abort.map((byte, i) => (i === 1 + 32 + 32 + 1 + 1 ? 0 : byte));
    expect(() => decodeEnvelope(disguised)).toThrow(EncodingError);
  });
});

describe('the transcript', () => {
  it('depends on the session, the round, and every digest in its place', () => {
    const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const start = emptyTranscript(slot.sid);
    const all = [
      start,
      emptyTranscript(slot.network),
      extendTranscript(start, 0, [a, b]),
      extendTranscript(start, 0, [b, a]),
      extendTranscript(start, 1, [a, b]),
      extendTranscript(start, 0, [a]),
      extendTranscript(emptyTranscript(slot.network), 0, [a, b]),
    ];
    expect(new Set(all.map(String)).size).toBe(all.length);
  });
});
