import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { pureEd25519, pureNodeKey } from '../primitives/signatures.ts';
import { blame } from '../protocol.ts';
import { decode, encode } from '../wire/codec.ts';
import { accusationsCodec } from './court.ts';
import { bodyDigest, decodeEnvelope, kinds, sealEnvelope, verifyEntry } from './envelope.ts';
import { register, registrationCodec, sessionId, startCodec, verifyRegistration } from './start.ts';

/** What version 1 looks like on the wire, for ever. A change here is another version. */
const golden = (name: string): string => readFileSync(new URL(`golden/${name}.hex`, import.meta.url), 'utf8').trim();

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
const key = pureNodeKey(fill(1));

const registration = register(
  {
    network: fill(2),
    request: fill(3),
    digest: fill(4),
    epoch: 5,
    attempt: 6,
    nonce: fill(7),
    bootEpoch: fill(8, 24),
    receiveKey: toy.encodePoint(toy.multiplyBase(9n)),
    avoid: [10, 11],
    apart: [12],
    presigned: { signers: [12], ids: [fill(18)] },
  },
  key,
);
const start = {
  network: fill(2),
  kind: kinds.sign,
  request: fill(3),
  digest: fill(4),
  epoch: 5,
  attempt: 6,
  presignature: fill(18),
  participants: [{ party: 12, registration }],
};
const slot = {
  network: fill(2),
  sid: sessionId(start),
  kind: kinds.sign,
  round: 1,
  class: 'direct',
  from: 12,
  to: 13,
} as const;
const echo = [{ digest: fill(14), signature: fill(15, 64) }];
const { frame } = sealEnvelope(slot, echo, fill(16, 5), key);
const accusations = [blame(12, 'malformed', [frame], fill(17, 3)).evidence];

describe('version 1 of', () => {
  it('an envelope', () => {
    expect(toHex(frame)).toBe(golden('envelope'));
    const envelope = decodeEnvelope(fromHex(golden('envelope')));
    const entry = { digest: bodyDigest(envelope.echo, envelope.payload), signature: envelope.signature };
    expect(envelope).toMatchObject({ ...slot, echo, payload: fill(16, 5) });
    expect(verifyEntry(envelope, entry, key.publicKey, pureEd25519)).toBe(true);
  });

  it('a registration', () => {
    expect(toHex(encode(registrationCodec, registration))).toBe(golden('registration'));
    const kept = decode(registrationCodec, fromHex(golden('registration')));
    expect(kept).toMatchObject(registration);
    expect(verifyRegistration(kept, pureEd25519)).toBe(true);
  });

  it('a start, and the session that it names', () => {
    expect(toHex(encode(startCodec, start))).toBe(golden('start'));
    expect(toHex(sessionId(decode(startCodec, fromHex(golden('start')))))).toBe(golden('session'));
  });

  it('accusations', () => {
    expect(toHex(encode(accusationsCodec, accusations))).toBe(golden('accusations'));
    expect(decode(accusationsCodec, fromHex(golden('accusations')))).toEqual(accusations);
  });
});
