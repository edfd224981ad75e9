import { describe, expect, test } from 'vitest';
import { Committee, type Member } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import type { SignRequest } from '../policy/sign-request.ts';
import { ThreadDied } from './host.ts';

const key = 'vault';

/** From now on the member's protocols run on one thread, which dies at its n-th step; the next job starts another one. */
function diesAt(member: Member, nth: number): { readonly hasDied: () => boolean; readonly openThen: () => number } {
  let steps = 0;
  let deaths = 0;
  let open = 0;
  let openThen = 0;
  member.hosting = (host) => {
    let born: number | undefined;
    return {
      next: async (inbox) => {
        if (born === undefined) open++;
        born ??= deaths;
        if (++steps === nth) {
          deaths++;
          openThen = open;
        }
        if (born !== deaths) throw new ThreadDied({ cause: new Error('out of memory') });
        return host.next(inbox);
      },
      close: () => {
        if (born !== undefined) open--;
        born = undefined;
        host.close();
      },
    };
  };
  return { hasDied: () => deaths > 0, openThen: () => openThen };
}

/** Nobody stopped, nobody is blamed or banned, and the one whose thread died says nothing ill of the others. */
function expectPeace(committee: Committee, victim: Member): void {
  for (const { fatal, home, node } of committee.members.values()) {
    expect(fatal).toEqual([]);
    expect(home.bans.list()).toEqual([]);
    expect(node.peers().every(({ blames, banned }) => blames === 0 && !banned)).toBe(true);
  }
  const said = victim.sent.flatMap(({ frame }) => (frame.type === 'registration' ? frame.value.avoid : []));
  expect(said).toEqual([]);
  for (const { failure } of victim.node.ceremonies()) expect(failure?.suspects ?? []).toEqual([]);
}

const over = (committee: Committee, id: string): boolean =>
  [...committee.members.keys()].every((name) => ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? ''));

/** As {@link over}, or the certificate alone decides what comes of it. */
const settled = (committee: Committee, id: string): boolean =>
  over(committee, id) ||
  (committee.ceremony('bob', id)?.state === 'failed' &&
    [...committee.members.keys()].every((name) =>
      ['confirming', 'failed'].includes(committee.ceremony(name, id)?.state ?? ''),
    ));

describe('a thread that dies at any step', () => {
  test('of a FROST signature leaves it to another attempt', async () => {
    const committee = await Committee.open(3, 'threads frost');
    await committee.key({ threshold: 3 });
    const bob = committee.at('bob');
    let nth = 1;
    for (let died = true; died; nth++) {
      const { hasDied } = diesAt(bob, nth);
      const done = await committee.sign('alice', committee.order(`m ${nth}`), 20_000);
      expect(await committee.verifies(`m ${nth}`, done)).toBe(true);
      died = hasDied();
      expectPeace(committee, bob);
    }
    expect(nth).toBe(5);
    expect(bob.log.filter((line) => line.includes('a session was lost here')).length).toBe(3);
  });

  test('of a key generation ends it, and says why; the next one makes the key', async () => {
    const committee = await Committee.open(3, 'threads keygen');
    const bob = committee.at('bob');
    for (let nth = 1; ; nth++) {
      // The others may have prepared the one before: its name is taken for good.
      const name = `key-${nth}`;
      const { hasDied } = diesAt(bob, nth);
      const { id } = await committee.at('alice').node.keygen({ name, scheme: 'ed25519' });
      await committee.until(() => settled(committee, id));
      expectPeace(committee, bob);
      if (!hasDied()) {
        expect(nth).toBeGreaterThan(3);
        expect((await committee.sign('bob', committee.order('m', { key: name }))).state).toBe('done');
        break;
      }
      expect(committee.ceremony('bob', id)?.failure).toMatchObject({
        code: 'timeout',
        reason: expect.stringMatching(/thread of this node .* memory/),
        suspects: [],
      });
      // The others need not wait for a deadline.
      for (const other of ['alice', 'carol']) {
        const { failure, state } = committee.ceremony(other, id) ?? {};
        if (state === 'failed') expect(failure?.suspects).toContain('bob');
      }
      expect(bob.home.keys.byName(name)).toBeUndefined();
    }
  });

  test('of a refresh leaves the epoch that is in use; the next one deals it anew', async () => {
    const committee = await Committee.open(3, 'threads refresh');
    await committee.key();
    const bob = committee.at('bob');
    let deaths = 0;
    for (let nth = 1; ; nth++) {
      await committee.run(limits.refreshPause);
      const { hasDied } = diesAt(bob, nth);
      const { id } = await committee.at('alice').node.refresh('treasury');
      await committee.until(() => settled(committee, id));
      expectPeace(committee, bob);
      if (!hasDied()) break;
      deaths++;
      expect(committee.ceremony('bob', id)?.failure).toMatchObject({ code: 'timeout', suspects: [] });
      for (const { home } of committee.members.values()) {
        expect(home.keys.byName('treasury')?.current?.epoch).toBe(1);
      }
      expect((await committee.sign('bob', committee.order(`m ${nth}`))).state).toBe('done');
    }
    expect(deaths).toBeGreaterThan(2);
    for (const { home } of committee.members.values()) {
      expect(home.keys.byName('treasury')?.current?.epoch).toBeGreaterThan(1);
    }
    expect((await committee.sign('bob', committee.order('m'))).state).toBe('done');
  });

  test('of an ECDSA signature burns what was set up if it was in a check, and nothing else', async () => {
    const committee = await Committee.open(2, 'threads ecdsa');
    await committee.key({ name: key, scheme: 'ecdsa', threshold: 2 });
    const bob = committee.at('bob');
    const burnt: boolean[] = [];
    for (let nth = 1; ; nth++) {
      const before = await materialOf(bob);
      const burnings = await count(committee, 'pairs-burnt');
      const { hasDied } = diesAt(bob, nth);
      const { id } = await committee.at('alice').node.sign(orderOf(committee, `m ${nth}`));
      await committee.until(() => hasDied() || over(committee, id));
      if (!hasDied()) break;
      await committee.run(1);
      burnt.push((await materialOf(bob)) === undefined);
      // What a restart would find open is settled already.
      expect(await unanswered(bob)).toEqual([]);
      expect((await count(committee, 'pairs-burnt')) - burnings).toBe(burnt.at(-1) === true ? 1 : 0);
      await committee.until(() => over(committee, id), 120_000);
      expect(committee.ceremony('bob', id)?.state).toBe('done');
      expect((await materialOf(bob)) === before).toBe(burnt.at(-1) === false);
      expectPeace(committee, bob);
    }
    expect(burnt).toEqual([false, true, true, false]);
    expect((await committee.sign('bob', orderOf(committee, 'after'))).state).toBe('done');
    expectPeace(committee, bob);
  });
});

test('a thread that dies in a check ends whatever else multiplies with what is burnt, on any thread', async () => {
  const committee = await Committee.open(2, 'threads at once');
  await committee.key({ name: key, scheme: 'ecdsa', threshold: 2 });
  const bob = committee.at('bob');
  // Each job has a thread of its own; the first that gets to its check loses it.
  let others: readonly object[] = [];
  const open = new Set<object>();
  let late = 0;
  let died = false;
  bob.hosting = (host, job) => {
    const thread = {};
    if (job === 'sign-ecdsa') open.add(thread);
    return {
      next: async (inbox) => {
        if (job === 'sign-ecdsa' && inbox !== undefined && !died) {
          died = true;
          open.delete(thread);
          others = [...open];
          throw new ThreadDied();
        }
        if (others.includes(thread)) late++;
        return host.next(inbox);
      },
      close: () => {
        open.delete(thread);
        host.close();
      },
    };
  };
  const orders = Array.from({ length: 8 }, (_, i) => orderOf(committee, `at once ${i}`));
  const ids = await Promise.all(orders.map(async (order) => (await committee.at('alice').node.sign(order)).id));
  await committee.until(() => died);
  expect(others.length).toBeGreaterThan(0);
  await committee.run(1);
  expect(await materialOf(bob)).toBeUndefined();
  await committee.until(() => ids.every((id) => over(committee, id)), 240_000);
  expect(ids.map((id) => committee.ceremony('bob', id)?.state)).toEqual(ids.map(() => 'done'));
  expect(late).toBe(0);
  expectPeace(committee, bob);
});

test.for(['goes on', 'is over'])('what cannot be burnt stops the node where the session %s', async (session) => {
  const committee = await Committee.open(2, `threads disk ${session}`);
  await committee.key({ name: key, scheme: 'ecdsa', threshold: 2 });
  const bob = committee.at('bob');
  const failure = new Error('not dropped');
  let died = false;
  bob.hosting = (host) => ({
    ...host,
    next: async (inbox) => {
      if (inbox === undefined || died) return host.next(inbox);
      died = true;
      if (session === 'is over') await bob.node.cancel(id);
      bob.home.keys.materials.drop = async () => Promise.reject(failure);
      throw new ThreadDied();
    },
  });
  const { id } = await committee.at('alice').node.sign(orderOf(committee, 'm'));
  await committee.until(() => bob.fatal.includes(failure));
  // Its next life does it.
  await committee.stop(bob);
  await committee.start(bob);
  expect(await materialOf(bob)).toBeUndefined();
  expect(await unanswered(bob)).toEqual([]);
});

test('a thread that dies in the check of a presignature takes those along that were made before', async () => {
  const committee = await Committee.open(2, 'threads presign', { presignatures: 4 });
  await committee.key({ name: key, scheme: 'ecdsa', threshold: 2 });
  const bob = committee.at('bob');
  const kept = async (): Promise<number> => (await bob.node.key(key)).presignatures;
  const untilKept = async (few: number): Promise<void> => {
    for (let passed = 0; passed < 6_000 && (await kept()) < few; passed++) await committee.run(10);
    expect(await kept()).toBe(few);
  };
  await committee.sign('alice', orderOf(committee, 'first'));
  await untilKept(2);
  let died = false;
  bob.hosting = (host, job) => ({
    ...host,
    next: async (inbox) => {
      if (job !== 'presign' || inbox === undefined || died) return host.next(inbox);
      died = true;
      throw new ThreadDied();
    },
  });
  await committee.until(() => died);
  await committee.run(1);
  expect([await kept(), await materialOf(bob)]).toEqual([0, undefined]);
  await committee.until(() => bob.home.keys.byName(key)?.current?.material.length === 1, 60_000);
  expect((await committee.sign('bob', orderOf(committee, 'again'), 60_000)).state).toBe('done');
  await untilKept(4);
  expectPeace(committee, bob);
});

function orderOf(committee: Committee, text: string): SignRequest {
  const value = { hash: 'sha256', message: new TextEncoder().encode(text) } as const;
  return committee.order(text, { key, intent: { type: 'hashed', value } });
}

/** What a member of two has set up with the other. */
async function materialOf({ home: { keys } }: Member): Promise<string | undefined> {
  const info = keys.byName(key);
  const party = info?.current?.material[0];
  if (info?.current === undefined || party === undefined) return undefined;
  using secret = await keys.materials.get(info.keyId, info.current.epoch, party);
  return secret?.use((bytes) => Buffer.from(bytes).toString('hex'));
}

async function count(committee: Committee, kind: string): Promise<number> {
  return (await committee.audit('bob')).filter((one) => one === kind).length;
}

async function unanswered({ home }: Member): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for await (const check of home.sessions.unanswered()) all.push(check);
  return all;
}
