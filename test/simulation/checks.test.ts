import { ascii, concat, kinds, sealEnvelope, toBytesBE, toHex } from '@quorate/protocol';
import { MemoryStore } from '@quorate/storage';
import { array, assert, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestId, signRequests } from '../../packages/node/src/policy/sign-request.ts';
import type { CeremonyView } from '../../packages/node/src/service.ts';
import { approvals } from './approvals.ts';
import { Checker } from './checker.ts';
import { Client, firstKey } from './client.ts';
import { approvalOf, epochPlace, type Facts } from './facts.ts';
import { Needles } from './needles.ts';
import { type Case, planOf } from './plan.ts';
import { Promises } from './promises.ts';
import { secrecy } from './secrecy.ts';
import { toyAead } from './toys.ts';
import { Trace } from './trace.ts';
import { type Seat, World } from './world.ts';

type Bytes = Uint8Array;

/*
 * Checks for which no bug can be planted that they alone would find: here each is shown what must never be.
 */

const run: Case = { protocol: 'sign', seed: 1, isReal: false, without: [], mute: [] };

/** A world of three in which nothing has happened. */
function worldOf(): { readonly checker: Checker; readonly world: World; readonly client: Client } {
  const world = new World({ seed: 'checks', n: 3, settings: {}, disk: [0, 0], isReal: false, trace: new Trace() });
  const plan = planOf(run);
  const checker = new Checker(world, plan);
  return { checker, world, client: new Client(world, plan, run, checker) };
}

test('needles are found where they are, and nowhere else', () => {
  // Few different bytes, so that there are near misses.
  const bytes = (least: number, most: number) =>
    array(integer({ min: 0, max: 2 }), { minLength: least, maxLength: most }).map((all) => Buffer.from(all));
  assert(
    property(array(bytes(4, 8), { maxLength: 5 }), bytes(0, 60), (needles, text) => {
      expect(new Needles(needles).areIn(text)).toBe(needles.some((needle) => text.includes(needle)));
    }),
  );
});

describe('I1: a signature', () => {
  const epoch = 3;

  /** One is there that two of three must help with, whom these helped with. */
  function signed(helpers: readonly string[], corrupt: readonly string[], in_ = epoch): Facts {
    const { checker, client, world } = worldOf();
    const order = client.order('pay', firstKey);
    const id = toHex(ascii('k'.repeat(32)));
    checker.keys.set(firstKey, { id, scheme: 'ed25519', publicKey: '' });
    checker.committees.set(epochPlace(id, epoch), { members: world.seats, threshold: 2, isCertified: true });
    for (const seat of world.seats) seat.isCorrupt = corrupt.includes(seat.name);
    const purpose = { request: toHex(requestId(order)), digest: toHex(signRequests.digest(order)), epoch: in_ };
    const peers = world.seats.filter(({ name }) => helpers.includes(name)).map(({ peer }) => peer);
    checker.approvals.set(approvalOf(purpose), new Set(peers));
    approvals(checker, order);
    return checker;
  }

  test.each([
    [['alice', 'bob'], []],
    [['alice'], ['carol']],
  ])('that %j and the corrupt %j approved is right', (helpers, corrupt) => {
    expect(signed(helpers, corrupt).violation).toBeUndefined();
  });

  test.each([
    [['alice'], []],
    [[], ['carol']],
  ])('that only %j and the corrupt %j approved is not', (helpers, corrupt) => {
    expect(signed(helpers, corrupt).violation?.invariant).toBe('I1 unforgeability');
  });

  test('is not made by approvals of another epoch', () => {
    expect(signed(['alice', 'bob'], [], 4).violation?.invariant).toBe('I1 unforgeability');
  });
});

describe('I3: two messages', () => {
  test.each([
    ['two nonces', '11', undefined],
    ['one nonce', '00', 'I3 nonce'],
  ])('signed with %s', (_, nonce, invariant) => {
    const { checker, client, world } = worldOf();
    for (const [text, first] of [
      ['pay', '00'],
      ['pay more', nonce],
    ] as const) {
      const id = toHex(requestId(client.order(text, firstKey)));
      const result = { type: 'signature', scheme: 'ed25519', signature: first.repeat(32) + '22'.repeat(32) };
      const view = { id, key: firstKey, kind: 'sign', state: 'done', attempt: 1, result };
      checker.seen(world.seats[0] as Seat, view as unknown as CeremonyView);
    }
    expect(checker.violation?.invariant).toBe(invariant);
  });
});

describe('I1 and I6: a share of a signature that a member gives', () => {
  const [sid, request, digest] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [Bytes, Bytes, Bytes];

  /** What is said of it when this is on its disk. */
  function given(approved: Bytes, isSpent: boolean, before = approved): string | undefined {
    const { checker, world } = worldOf();
    const [seat] = world.seats as [Seat];
    const { seal } = world.kept.aeadOf(toyAead);
    const record = seal(sid, new Uint8Array(12), new Uint8Array(0), concat(Uint8Array.of(1), approved));
    const onDisk = { [`requests/${toHex(request)}`]: record, [`sessions/${toHex(sid)}/1`]: sid };
    seat.store = new MemoryStore(new Map(Object.entries(onDisk)));
    checker.sessions.set(toHex(sid), { request: toHex(request), digest: toHex(digest), epoch: 1 });
    checker.memoryOf(seat).approved.set(toHex(request), toHex(before));
    const promises = new Promises(checker);
    if (isSpent) promises.opened(seat);
    const slot = { network: sid, sid, kind: kinds.sign, round: 1, class: 'broadcast', from: 1, to: 0 } as const;
    const { frame } = sealEnvelope(slot, [], Uint8Array.of(7), seat.key);
    promises.sending(seat, frame, { type: 'envelope', value: frame });
    return checker.violation?.invariant;
  }

  test('is right for what it approved', () => expect(given(digest, false)).toBeUndefined());
  test('is wrong for something else', () => expect(given(request, false)).toBe('I1 unforgeability'));
  test('is wrong when it helped with another under its id', () =>
    expect(given(digest, false, request)).toBe('I9 exactly once'));
  test('is wrong in a session that it spent before it died', () => expect(given(digest, true)).toBe('I6 monotone'));
});

describe('I2 and I11: a share', () => {
  const share = toBytesBE(0x0123456789abcdefn, 32);

  test('is nowhere, and nothing is wrong', async () => {
    const { checker } = worldOf();
    checker.shares.set(toHex(share), share);
    await secrecy(checker);
    expect(checker.violation).toBeUndefined();
  });

  test.each([
    ['the log, in hexadecimal digits', (checker: Checker) => checker.world.seats[0]?.log.push(`x ${toHex(share)}`)],
    ['the log, in decimal digits', (checker: Checker) => checker.world.seats[0]?.log.push('81985529216486895')],
    ['a frame', (checker: Checker) => checker.frames.push(share.subarray(24))],
  ])('is in %s', async (_, leak) => {
    const { checker } = worldOf();
    checker.shares.set(toHex(share), share);
    leak(checker);
    await secrecy(checker);
    expect(checker.violation?.invariant).toBe('I11 no secret outside');
  });

  test.each([
    ['what the corrupt one has is too little', [3n, 5n], undefined],
    ['all have the same', [4n, 4n], 'I2 secrecy'],
  ])('is one of an epoch: %s', async (_, [first, second], invariant) => {
    const { checker, world } = worldOf();
    for (const seat of world.seats) seat.isCorrupt = seat.name === 'carol';
    checker.polynomials.set('epoch 1', {
      name: 'epoch 1',
      members: world.seats,
      threshold: 2,
      order: 1_000_003n,
      points: new Map([
        [1n, first as bigint],
        [2n, second as bigint],
      ]),
    });
    await secrecy(checker);
    expect(checker.violation?.invariant).toBe(invariant);
  });
});
