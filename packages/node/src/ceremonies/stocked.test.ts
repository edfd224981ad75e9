import { decodeEnvelope } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee, type Tamper } from '../../test/committee.ts';

/** 256 points on secp256k1: nothing else that a keygen says to one peer alone is as long. */
const pointsBytes = 8_448;
const bothWays = ['alice bob', 'bob alice'];

/** Nodes that have made base transfers ahead, or as much of them as `tamper` at the first of them lets them. */
async function stocked(nodes: number, seed: string, tamper?: Tamper): Promise<Committee> {
  const committee = await Committee.open(nodes, seed, { stock: 1 });
  committee.at('alice').tamper = tamper;
  await committee.run(10_000);
  return committee;
}

/** How many pairs each member says are ready. */
async function ready(committee: Committee): Promise<readonly number[]> {
  return await Promise.all([...committee.members.values()].map(async ({ node }) => (await node.status()).stock.ready));
}

/** Makes an ECDSA key. @returns the pairs that made base transfers for it: who chose, then who sent */
async function fresh(committee: Committee, name: string): Promise<readonly string[]> {
  const members = [...committee.members.values()];
  const before = new Map(members.map((member) => [member, member.sent.length]));
  await committee.key({ name, scheme: 'ecdsa', threshold: 2 });
  return freshSince(committee, (member) => before.get(member) as number);
}

function freshSince({ members }: Committee, since: (member: ReturnType<Committee['at']>) => number): readonly string[] {
  return [...members.values()].flatMap((member) =>
    member.sent.slice(since(member)).flatMap(({ to, frame }) => {
      if (frame.type !== 'envelope') return [];
      const { class: sort, payload } = decodeEnvelope(frame.value);
      return sort === 'direct' && payload.length > pointsBytes ? [`${member.name} ${to}`] : [];
    }),
  );
}

async function signs(committee: Committee, key: string): Promise<boolean> {
  const intent = { type: 'hashed', value: { hash: 'sha256', message: new TextEncoder().encode(key) } } as const;
  return (await committee.sign('alice', committee.order(key, { key, intent }))).state === 'done';
}

/** Passes everything on, but something else in place of base transfers made ahead. */
const altered =
  (points: (honest: Uint8Array) => Uint8Array | undefined): Tamper =>
  (frame) => {
    if (frame.type !== 'stock' || frame.value.type !== 'points') return [frame];
    const sent = points(frame.value.value.points);
    if (sent === undefined) return [];
    return [{ type: 'stock', value: { type: 'points', value: { ...frame.value.value, points: sent } } }];
  };

/** Swaps the two points of the first transfer: a set all the same, but another. */
const swapped = (points: Uint8Array): Uint8Array => {
  const out = points.slice();
  out.set(points.subarray(33, 66), 0);
  out.set(points.subarray(0, 33), 33);
  return out;
};

describe('an ECDSA key', () => {
  test('needs no base transfers of nodes that made them ahead; the next one does; and after a while they have others', async () => {
    const committee = await stocked(2, 'stocked');
    expect(await ready(committee)).toEqual([1, 1]);
    expect(await fresh(committee, 'first')).toEqual([]);
    expect(await ready(committee)).toEqual([0, 0]);
    expect((await fresh(committee, 'second')).toSorted()).toEqual(bothWays);
    await committee.run(10_000);
    expect(await fresh(committee, 'third')).toEqual([]);
    for (const key of ['first', 'second', 'third']) expect(await signs(committee, key)).toBe(true);
  });

  test('made at the same time as another shares none of them with it', async () => {
    const committee = await stocked(2, 'two at once');
    const orders = ['one', 'other'].map(async (name) =>
      committee.at('alice').node.keygen({ name, scheme: 'ecdsa', threshold: 2 }),
    );
    const ids = (await Promise.all(orders)).map(({ id }) => id);
    const isDone = (member: string, id: string) => committee.ceremony(member, id)?.state === 'done';
    await committee.until(() => [...committee.members.keys()].every((member) => ids.every((id) => isDone(member, id))));
    // What one of them took, the other had to make, or both when the members took them for different ones.
    const made = freshSince(committee, () => 0);
    expect(made.length).toBeGreaterThanOrEqual(2);
    expect(new Set(made)).toEqual(new Set(bothWays));
    for (const key of ['one', 'other']) expect(await signs(committee, key)).toBe(true);
  });

  test('after a restart of one member is made with what the others have left', async () => {
    const committee = await stocked(3, 'restart');
    const carol = committee.at('carol');
    await committee.stop(carol);
    await committee.start(carol);
    await committee.run(500);
    expect(await ready(committee)).toEqual([1, 1, 0]);
    const made = await fresh(committee, 'key');
    expect(made.toSorted()).toEqual(['alice carol', 'bob carol', 'carol alice', 'carol bob']);
    expect(await signs(committee, 'key')).toBe(true);
  });

  test('is made although a set does not fit, or one half is missing; nobody is blamed or banned', async () => {
    for (const [name, points] of [
      ['another', swapped],
      ['missing', () => undefined],
    ] as const) {
      const committee = await stocked(2, `unfit ${name}`, altered(points));
      expect(await fresh(committee, 'key')).toEqual(['alice bob']);
      expect(await signs(committee, 'key')).toBe(true);
      for (const { node, home } of committee.members.values()) {
        expect(home.bans.list()).toEqual([]);
        expect(node.peers().map(({ blames }) => blames)).toEqual([0]);
      }
    }
  });

  test('that comes to nothing costs the sets, and uses none of them again', async () => {
    const committee = await stocked(2, 'broken');
    const bob = committee.at('bob');
    // Bob falls silent once the session has begun.
    bob.tamper = (frame) => (frame.type === 'envelope' ? [] : [frame]);
    const { id } = await committee.at('alice').node.keygen({ name: 'broken', scheme: 'ecdsa', threshold: 2 });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'running', 60_000);
    expect(await ready(committee)).toEqual([0, 0]);
    await committee.at('alice').node.cancel(id);
    bob.tamper = undefined;
    await committee.run(100);
    expect((await fresh(committee, 'key')).toSorted()).toEqual(bothWays);
  });
});
