import { describe, expect, test } from 'vitest';
import { Committee } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import type { CeremonyView, ReshareOrder } from '../service.ts';

const three = ['alice', 'bob', 'carol'];
const heirs = ['dave', 'erin', 'frank'];
const seven = [...three, ...heirs, 'grace'];

const keyOf = (committee: Committee, name: string) => committee.at(name).home.keys.byName('treasury');

const statesOf = (committee: Committee, name: string) =>
  keyOf(committee, name)?.epochs.map(({ epoch, state }) => [epoch, state]);

/** n nodes, of which the first `held` hold a key. */
async function committeeWith(
  seed: string,
  n: number,
  held: number,
  key: { readonly scheme?: 'ed25519' | 'taproot' | 'ecdsa'; readonly threshold?: number } = {},
  settings: Parameters<typeof Committee.open>[2] = {},
): Promise<Committee> {
  const committee = await Committee.open(n, seed, settings);
  const members = seven.slice(0, held);
  const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519', ...key, members });
  await committee.until(() => members.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
  await committee.run(limits.refreshPause);
  return committee;
}

function expectNobodyBlamed(committee: Committee): void {
  for (const { fatal, node } of committee.members.values()) {
    expect(fatal).toEqual([]);
    expect(node.peers().map(({ banned, blames }) => [banned, blames])).toEqual(node.peers().map(() => [false, 0]));
  }
}

const isOver = (committee: Committee, name: string, id: string): boolean =>
  ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? '');

/** Everybody who is `waiting` knows how it ended. */
async function reshare(
  committee: Committee,
  at: string,
  order: ReshareOrder,
  waiting: readonly string[],
): Promise<CeremonyView> {
  const { id } = await committee.at(at).node.reshare('treasury', order);
  await committee.until(() => waiting.every((name) => isOver(committee, name, id)), 120_000);
  return committee.ceremony(at, id) as CeremonyView;
}

describe('a reshare', () => {
  test.for([['ed25519'], ['taproot']] as const)(
    'takes an %s key from 3 of 5 to 4 of 7 to 2 of 3, and the key stays the same',
    async ([scheme]) => {
      const committee = await committeeWith(`chain ${scheme}`, 7, 5, { scheme, threshold: 3 });
      const { publicKey } = await committee.at('alice').node.key('treasury');
      const wide = await reshare(committee, 'bob', { members: seven, threshold: 4 }, seven);
      expect(wide.failure).toBeUndefined();
      expect(wide.result).toMatchObject({ type: 'key', publicKey, epoch: 2 });
      await committee.run(limits.refreshPause);
      expect(await committee.verifies('wide', await committee.sign('grace', committee.order('wide')))).toBe(true);
      const three = ['frank', 'grace', 'alice'];
      const narrow = await reshare(committee, 'grace', { members: three, threshold: 2 }, three);
      expect(narrow.result).toMatchObject({ type: 'key', publicKey, epoch: 3 });
      await committee.run(2 * limits.readyInterval);
      expect(await committee.verifies('narrow', await committee.sign('alice', committee.order('narrow')))).toBe(true);
      for (const name of ['bob', 'carol', 'dave', 'erin']) {
        expect(statesOf(committee, name)).toEqual([
          [1, 'shredded'],
          [2, 'shredded'],
          [3, 'elsewhere'],
        ]);
        expect(await committee.at(name).node.key('treasury')).toMatchObject({ state: 'elsewhere', threshold: 2 });
        expect(await committee.audit(name)).toContain('key-left');
      }
      for (const name of ['frank', 'grace']) {
        expect(statesOf(committee, name)).toEqual([
          [1, 'elsewhere'],
          [2, 'shredded'],
          [3, 'active'],
        ]);
      }
      expectNobodyBlamed(committee);
    },
  );

  test('gives a key to others altogether; who held it destroys its share and sends clients away', async () => {
    const committee = await committeeWith('disjoint', 6, 3);
    const { publicKey } = await committee.at('alice').node.key('treasury');
    const done = await reshare(committee, 'alice', { members: heirs }, ['alice', ...heirs]);
    expect(done.result).toMatchObject({ type: 'key', publicKey, epoch: 2 });
    await committee.run(2 * limits.readyInterval);
    for (const name of three) {
      expect(statesOf(committee, name)).toEqual([
        [1, 'shredded'],
        [2, 'elsewhere'],
      ]);
      await expect(committee.at(name).node.sign(committee.order('late'))).rejects.toMatchObject({ code: 'not-member' });
      const { parties } = await committee.at(name).node.key('treasury');
      expect(parties.map((party) => party.name).toSorted()).toEqual(heirs);
    }
    expect(await committee.verifies('new', await committee.sign('erin', committee.order('new')))).toBe(true);
    await committee.run(limits.refreshPause);
    // And back again: who left joins as anybody else.
    const back = await reshare(committee, 'dave', { members: ['alice', 'dave'], threshold: 2 }, ['alice', 'dave']);
    expect(back.result).toMatchObject({ type: 'key', publicKey, epoch: 3 });
    expect(await committee.verifies('back', await committee.sign('alice', committee.order('back')))).toBe(true);
    expectNobodyBlamed(committee);
  });

  test('replaces a dead member; when that one comes back it learns so, and destroys its share', async () => {
    const committee = await committeeWith('replaced', 4, 3);
    await committee.stop(committee.at('carol'));
    const { publicKey } = await committee.at('alice').node.key('treasury');
    const members = ['alice', 'bob', 'dave'];
    const done = await reshare(committee, 'bob', { members }, members);
    expect(done.result).toMatchObject({ type: 'key', publicKey, epoch: 2 });
    expect(await committee.verifies('alive', await committee.sign('dave', committee.order('alive')))).toBe(true);
    await committee.start(committee.at('carol'));
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'carol')).toEqual([
      [1, 'shredded'],
      [2, 'elsewhere'],
    ]);
    expectNobodyBlamed(committee);
  });

  test('of an ecdsa key sets its pairs up among the new members', { timeout: 120_000 }, async () => {
    const committee = await committeeWith('ecdsa', 4, 3, { scheme: 'ecdsa' });
    const members = ['bob', 'carol', 'dave'];
    const done = await reshare(committee, 'alice', { members }, ['alice', ...members]);
    expect(done.failure).toBeUndefined();
    for (const name of members) expect(keyOf(committee, name)?.current?.material).toHaveLength(2);
    for (const at of members) {
      const order = committee.order(`to ${at}`, {
        intent: { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(4) } },
      });
      expect((await committee.sign(at, order)).state).toBe('done');
    }
    expectNobodyBlamed(committee);
  });
});
