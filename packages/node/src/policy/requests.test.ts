import { readFileSync } from 'node:fs';
import { fromHex, pureEd25519, pureNodeKey, toHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { type KeygenProposal, keygenProposals } from './keygen-proposal.ts';
import { requestId, type SignRequest, signRequests } from './sign-request.ts';

/** What version 1 looks like, for ever: clients and other versions of this node make and read the same bytes. */
const golden = (name: string): string => readFileSync(new URL(`golden/${name}.hex`, import.meta.url), 'utf8').trim();

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
const key = pureNodeKey(fill(1));

const request = signRequests.sign(
  {
    network: fill(2),
    key: 'treasury',
    purpose: 'general',
    intent: { type: 'message', value: fill(3, 5) },
    path: 'm',
    expires: 1_700_000_000_000,
    idempotencyKey: fill(4, 6),
  },
  key,
);
const proposal = keygenProposals.sign(
  {
    network: fill(2),
    name: 'treasury',
    scheme: 'taproot',
    purpose: 'general',
    threshold: 2,
    lowThreshold: 0,
    members: [1, 2, 3].map((party) => ({ party, node: fill(party) })),
    epoch: 1,
    tweak: { type: 'key-path-only', value: fill(0, 0) },
    expires: 1_700_000_000_000,
    nonce: fill(5),
  },
  key,
);

describe('a client’s order', () => {
  test('has its bytes, digest and id, version 1', () => {
    expect(toHex(wire.encode(signRequests.codec, request))).toBe(golden('sign-request'));
    const decoded = wire.decode(signRequests.codec, fromHex(golden('sign-request')));
    expect(signRequests.verify(decoded, pureEd25519)).toBe(true);
    expect(toHex(signRequests.digest(decoded))).toBe(golden('sign-request-digest'));
    expect(toHex(requestId(decoded))).toBe(golden('request-id'));
  });

  const changes: readonly Partial<SignRequest>[] = [
    { network: fill(9) },
    { key: 'other' },
    { purpose: 'other' },
    { intent: { type: 'message', value: fill(9, 5) } },
    { expires: 1 },
    { client: pureNodeKey(fill(9)).publicKey },
    { idempotencyKey: fill(9, 6) },
    { signature: fill(9, 64) },
  ];

  test.for(changes)('is signed as a whole: %j', (change) => {
    expect(signRequests.verify({ ...request, ...change }, pureEd25519)).toBe(false);
    if (change.signature === undefined)
      expect(signRequests.digest({ ...request, ...change })).not.toEqual(signRequests.digest(request));
  });

  test('is known by network, client and idempotency key, and by nothing else', () => {
    for (const change of changes) {
      const same = change.network === undefined && change.client === undefined && change.idempotencyKey === undefined;
      expect(toHex(requestId({ ...request, ...change })) === toHex(requestId(request))).toBe(same);
    }
    const [a, b] = [
      { ...request, idempotencyKey: fill(4, 7) },
      { ...request, idempotencyKey: fill(4, 8) },
    ];
    expect(requestId(a)).not.toEqual(requestId(b));
  });
});

describe('a member’s proposal', () => {
  test('has its bytes and digest, version 1', () => {
    expect(toHex(wire.encode(keygenProposals.codec, proposal))).toBe(golden('keygen-proposal'));
    const decoded = wire.decode(keygenProposals.codec, fromHex(golden('keygen-proposal')));
    expect(keygenProposals.verify(decoded, pureEd25519)).toBe(true);
    expect(toHex(keygenProposals.digest(decoded))).toBe(golden('keygen-proposal-digest'));
  });

  const changes: readonly Partial<KeygenProposal>[] = [
    { network: fill(9) },
    { name: 'other' },
    { scheme: 'ed25519' },
    { purpose: 'other' },
    { threshold: 3 },
    { lowThreshold: 1 },
    { members: proposal.members.slice(1) },
    { epoch: 2 },
    { tweak: { type: 'none', value: fill(0, 0) } },
    { expires: 1 },
    { proposer: pureNodeKey(fill(9)).publicKey },
    { nonce: fill(9) },
    { signature: fill(9, 64) },
  ];

  test.for(changes)('is signed as a whole: %j', (change) => {
    expect(keygenProposals.verify({ ...proposal, ...change }, pureEd25519)).toBe(false);
    if (change.signature === undefined)
      expect(keygenProposals.digest({ ...proposal, ...change })).not.toEqual(keygenProposals.digest(proposal));
  });
});
