import { beforeAll, describe, expect, test } from 'vitest';
import { Committee } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import type { CeremonyView, ReshareOrder } from '../service.ts';

const five = ['alice', 'bob', 'carol', 'dave', 'erin'];
const seven = [...five, 'frank', 'grace'];

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
      const narrow = await reshare(committee, 'grace', { members: ['frank', 'grace', 'alice'], threshold: 2 }, [
        'frank',
        'grace',
        'alice',
      ]);
      expect(narrow.result).toMatchObject({ type: 'key', publicKey, epoch: 3 });
      await committee.run(2 * limits.readyInterval);
      expect(await committee.verifies('narrow', await committee.sign('alice', committee.order('narrow')))).toBe(true);
      for (const name of ['bob', 'carol', 'dave', 'erin']) {
        expect(statesOf(committee, name)).toEqual(
          expect.arrayContaining([
            [1, 'shredded'],
            [2, 'shredded'],
            [3, 'elsewhere'],
          ]),
        );
        expect(await committee.at(name).node.key('treasury')).toMatchObject({ state: 'elsewhere', threshold: 2 });
      }
      for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
    },
  );
});
