import { decodeEnvelope, fromHex, toHex } from '@quorate/protocol';
import { MemoryStore } from '@quorate/storage';
import { describe, expect, test } from 'vitest';
import { Committee, type Member } from '../../test/committee.ts';
import { requestId } from '../policy/sign-request.ts';

/** The shares of signatures that a member sent: session, recipient, bytes, and the writes on its disk by then. */
function sharesOf({ sent }: Member) {
  return sent.flatMap(({ to, frame, writes }) => {
    if (frame.type !== 'envelope') return [];
    const { kind, round, sid, payload, class: sort } = decodeEnvelope(frame.value);
    return kind === 2 && round === 1 && sort === 'broadcast'
      ? [{ to, sid: toHex(sid), share: toHex(payload), writes }]
      : [];
  });
}

describe('a node whose disk fails', () => {
  test.for([false, true])(
    'at any write of a signing sends no unrecorded share, loses no answer, and stops (applied: %s)',
    async (applied) => {
      let nth = 1;
      for (let failed = true; failed; nth++) {
        const committee = await Committee.open(3, `disk ${applied}`);
        await committee.key();
        const bob = committee.at('bob');
        const request = committee.order('m');
        bob.store.failWrite(nth, { applied });
        const { id } = await committee.at('alice').node.sign(request);
        await committee.run(100);
        failed = bob.fatal.length > 0;
        const answered = committee.ceremony('bob', id)?.result;
        const shares = sharesOf(bob);

        await committee.stop(bob);
        await committee.start(bob);
        // What bob sent as shares is on its disk as spent; what it answered is its answer.
        for (const { sid } of shares) {
          const spend = bob.home.sessions.spend({
            sid: fromHex(sid),
            round: 'commitments',
            digest: new Uint8Array(32),
          });
          await expect(spend).rejects.toMatchObject({ code: 'session-spent' });
        }
        if (answered?.type === 'signature') {
          expect(toHex((await bob.home.requests.result(requestId(request))) as Uint8Array)).toBe(answered.signature);
        }
        const done = await committee.sign('alice', request, 20_000);
        expect(done.state).toBe('done');
        if (answered?.type === 'signature') expect(done.result).toMatchObject({ signature: answered.signature });
        expect((await bob.home.audit.verify()).ok).toBe(true);
      }
      expect(nth).toBeGreaterThan(4);
    },
  );

  test('at any write of a key generation leaves the group with the key, or without', async () => {
    let nth = 1;
    for (let failed = true; failed; nth++) {
      const committee = await Committee.open(3, 'disk keygen');
      const bob = committee.at('bob');
      bob.store.failWrite(nth, { applied: nth % 2 === 0 });
      const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
      await committee.run(30_000);
      failed = bob.fatal.length > 0;
      const wasDone = [...committee.members.keys()].some((name) => committee.ceremony(name, id)?.state === 'done');
      await committee.stop(bob);
      await committee.start(bob);
      await committee.run(10_000);
      const active = [...committee.members.values()].map(
        ({ home }) => home.keys.byName('treasury')?.current !== undefined,
      );
      expect(new Set(active).size).toBe(1);
      if (wasDone) expect(active[0]).toBe(true);
      if (active[0] === true) expect((await committee.sign('bob', committee.order('m'))).state).toBe('done');
    }
    expect(nth).toBeGreaterThan(5);
  });

  test.for([
    ['sign', 1],
    ['freeze', 1],
    ['freeze', 2],
    ['keyPackage', 1],
    ['keyPackage', 2],
  ] as const)('stops also when it was a local user who asked: %s, write %d', async ([what, nth]) => {
    const committee = await Committee.open(2, 'local', { export: 'enabled' });
    await committee.key();
    const { fatal, node, store } = committee.at('alice');
    store.failWrite(nth);
    const asked = {
      sign: async () => node.sign(committee.order('m')),
      freeze: async () => node.freeze('treasury', true),
      keyPackage: async () => node.keyPackage('treasury'),
    };
    await expect(asked[what]()).rejects.toThrow();
    expect(fatal.length).toBe(1);
  });

  test.for([1, 2])('cannot accept without its audit record: write %d', async (nth) => {
    const committee = await Committee.open(2, 'audit', { accept: { default: 'ask', proposers: {} } });
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.run(20);
    const bob = committee.at('bob');
    bob.store.failWrite(nth);
    if (nth === 1) {
      await expect(bob.node.accept(id)).rejects.toMatchObject({ code: 'audit-dead' });
      expect(committee.ceremony('bob', id)?.state).toBe('proposed');
    } else {
      await bob.node.accept(id);
      await committee.run(100);
      expect(committee.ceremony('alice', id)?.state).not.toBe('done');
    }
    await committee.run(100);
    expect(bob.fatal.length).toBeGreaterThan(0);
  });
});

test('a node whose disk is slow says READY for no share that has no second copy yet, however early others say it', async () => {
  const committee = await Committee.open(3, 'slow disk');
  const bob = committee.at('bob');
  await committee.stop(bob);
  const pause = async (): Promise<void> => new Promise((resolve) => void committee.clock.after(20, resolve));
  bob.store = new MemoryStore(bob.store.durable, bob.store.beside.files, pause);
  await Promise.all([committee.start(bob), committee.run(1_000)]);
  const copied: boolean[] = [];
  bob.tamper = (frame) => {
    if (frame.type === 'ready') copied.push([...bob.store.beside.files.keys()].some((name) => name !== 'counter'));
    return [frame];
  };
  await committee.key();
  expect(copied.length).toBeGreaterThan(0);
  expect(copied).not.toContain(false);
});

describe('power cuts', () => {
  test('of all nodes at any moment of a key generation lose no key that anybody saw as active', async () => {
    for (let moment = 0, over = false; !over; moment += 2) {
      const committee = await Committee.open(3, 'power');
      const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
      await committee.run(moment);
      const states = [...committee.members.keys()].map((name) => committee.ceremony(name, id)?.state);
      over = states.every((state) => state === 'done');
      for (const member of committee.members.values()) await committee.stop(member);
      for (const member of committee.members.values()) await committee.start(member);
      await committee.run(10_000);
      const active = [...committee.members.values()].map(
        ({ home }) => home.keys.byName('treasury')?.current !== undefined,
      );
      expect(new Set(active).size).toBe(1);
      if (states.includes('done')) {
        expect(active[0]).toBe(true);
        expect((await committee.sign('alice', committee.order('m'))).state).toBe('done');
      }
    }
  });

  test('of one signer at any moment of a signing: its nonces never answer twice, and the request completes', async () => {
    for (let moment = 0, over = false; !over; moment++) {
      const committee = await Committee.open(3, 'cut');
      await committee.key();
      const request = committee.order('m');
      const { id } = await committee.at('alice').node.sign(request);
      await committee.run(moment);
      over = ['alice', 'bob', 'carol'].every((name) => committee.ceremony(name, id)?.state === 'done');
      const bob = committee.at('bob');
      await committee.stop(bob);
      await committee.start(bob);
      expect((await committee.sign('bob', request, 20_000)).state).toBe('done');
      const shares = new Map<string, string>();
      for (const { sid, share } of sharesOf(bob)) {
        expect(shares.get(sid) ?? share).toBe(share);
        shares.set(sid, share);
      }
    }
  });
});
