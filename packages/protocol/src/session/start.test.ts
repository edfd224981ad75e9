import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { tryDecode } from '../protocol.ts';
import { mutationsOf } from '../simulation/mutations.ts';
import { seededStream, toyNodeKey, toySignatures } from '../simulation/seeds.ts';
import { decode, encode } from '../wire/codec.ts';
import {
  faultOf,
  type Registration,
  register,
  registrationCodec,
  type Start,
  sessionId,
  startCodec,
  verifyRegistration,
} from './start.ts';

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const keys = new Map([2, 3, 5].map((party) => [party, toyNodeKey(bytes(party))]));
const members = new Map([...keys].map(([party, key]) => [party, key.publicKey]));

function registration(party: number, change: Partial<Registration> = {}): Registration {
  return register(
    {
      network: bytes(1),
      request: bytes(2),
      digest: bytes(3),
      epoch: 4,
      attempt: 0,
      nonce: bytes(10 + party),
      bootEpoch: bytes(7, 24),
      receiveKey: toy.encodePoint(toy.multiplyBase(BigInt(party))),
      avoid: [9],
      apart: [7],
      presigned: { signers: [2, 3, 5], ids: [bytes(18)] },
      ...change,
    },
    keys.get(party) as ReturnType<typeof toyNodeKey>,
  );
}

function start(change: Partial<Start> = {}): Start {
  return {
    network: bytes(1),
    kind: 1,
    request: bytes(2),
    digest: bytes(3),
    epoch: 4,
    attempt: 1,
    presignature: bytes(0, 0),
    participants: [2, 3, 5].map((party) => ({ party, registration: registration(party) })),
    ...change,
  };
}

const fault = (change: Partial<Start>): string | undefined => faultOf(start(change), members, toySignatures, toy);

describe('a registration', () => {
  it('is signed in every field', () => {
    const encoded = encode(registrationCodec, registration(2));
    expect(verifyRegistration(decode(registrationCodec, encoded), toySignatures)).toBe(true);
    for (const { name, payload } of mutationsOf(registrationCodec, encoded, seededStream(1, 'registration'))) {
      const changed = tryDecode(registrationCodec, payload)?.value;
      expect(changed !== undefined && verifyRegistration(changed, toySignatures), name).toBe(false);
    }
  });
});

describe('a start', () => {
  it('names the session: whatever changes in it changes the id', () => {
    const encoded = encode(startCodec, start({ presignature: bytes(18) }));
    const ids = new Set([toHex(sessionId(decode(startCodec, encoded)))]);
    let changes = 0;
    for (const { payload } of mutationsOf(startCodec, encoded, seededStream(1, 'start'))) {
      const changed = tryDecode(startCodec, payload)?.value;
      if (changed === undefined) continue;
      expect(encode(startCodec, changed)).toEqual(payload);
      ids.add(toHex(sessionId(changed)));
      changes++;
    }
    expect(changes).toBeGreaterThan(40);
    expect(ids.size).toBeGreaterThan(40);
    expect(ids.size).toBeGreaterThan(0.9 * changes); // some mutations meet in the same bytes
  });

  it('is well formed when every participant registered for it', () => {
    expect(fault({})).toBeUndefined();
  });

  it.each<[string, Partial<Start>]>([
    ['out of order', { participants: [...start().participants].reverse() }],
    ['with a party twice', { participants: [2, 2].map((party) => ({ party, registration: registration(party) })) }],
    ['with a party zero', { participants: [{ party: 0, registration: registration(2) }] }],
  ])('has its participants in ascending order, not %s', (_, change) => {
    expect(fault(change)).toMatch(/ascending/);
  });

  it('has no strangers, and nobody plays another', () => {
    expect(fault({ participants: [{ party: 4, registration: registration(2) }] })).toMatch(/party 4 is not played/);
    expect(fault({ participants: [{ party: 3, registration: registration(2) }] })).toMatch(/party 3 is not played/);
  });

  it.each<[string, Partial<Registration>]>([
    ['network', { network: bytes(9) }],
    ['request', { request: bytes(9) }],
    ['digest', { digest: bytes(9) }],
    ['epoch', { epoch: 5 }],
  ])('lists nobody who registered for another %s', (_, change) => {
    const participants = [{ party: 2, registration: registration(2, change) }];
    expect(fault({ participants })).toMatch(/party 2 registered for something else/);
  });

  it('lists nobody who did not sign', () => {
    const participants = [{ party: 2, registration: { ...registration(2), nonce: bytes(99) } }];
    expect(fault({ participants })).toMatch(/not signed/);
  });

  it('names no presignature but one that every participant offered to exactly these', () => {
    const faultWith = (presigned: Registration['presigned'], change: Partial<Start> = {}): string | undefined => {
      const participants = start().participants.map(({ party }) => ({
        party,
        registration: registration(party, party === 3 ? { presigned } : {}),
      }));
      return fault({ participants, presignature: bytes(18), ...change });
    };
    expect(faultWith({ signers: [2, 3, 5], ids: [bytes(19), bytes(18)] })).toBeUndefined();
    const wrong = [[], [2, 3], [2, 3, 6], [2, 3, 5, 6]].map((signers) => ({ signers, ids: [bytes(18)] }));
    for (const offer of [...wrong, { signers: [2, 3, 5], ids: [] }, { signers: [2, 3, 5], ids: [bytes(19)] }]) {
      expect(faultWith(offer)).toMatch(/party 3 did not offer/);
      expect(faultWith(offer, { presignature: bytes(0, 0) })).toBeUndefined();
    }
    for (const presignature of [bytes(18, 31), bytes(20)]) expect(fault({ presignature })).toMatch(/did not offer/);
  });

  it('lists nobody to whom nothing can be sealed: that would end the session without a culprit', () => {
    for (const receiveKey of [new Uint8Array(0), bytes(0), bytes(255)]) {
      const participants = [{ party: 2, registration: registration(2, { receiveKey }) }];
      expect(fault({ participants })).toMatch(/receive key of party 2/);
      expect(faultOf(start({ participants }), members, toySignatures)).toBeUndefined();
    }
  });
});
