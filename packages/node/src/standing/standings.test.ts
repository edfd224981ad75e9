import { describe, expect, test } from 'vitest';
import { Committee, type Member } from '../../test/committee.ts';
import { limits } from '../limits.ts';

/** Longer than peers wait for another instance to be gone, and a round of questions after it. */
const lease = limits.instanceLease + 3 * limits.recoveryRound;

/** Puts a member's disk back to what it was when `store` was copied, with everything beside it, and starts it. */
async function restore(committee: Committee, member: Member, store: Member['store']): Promise<void> {
  await committee.stop(member, 'kill');
  member.store = store;
  await committee.start(member);
  await committee.run(50);
}

const stateOf = async ({ node }: Member): Promise<string> => (await node.status()).standing.state;

/** Whether a member is among the signers of what it is asked for. */
async function signsWith(committee: Committee, name: string, text: string): Promise<boolean> {
  const { result } = await committee.sign(name, committee.order(text));
  return result?.type === 'signature';
}

describe('a node on an earlier copy of its disk', () => {
  test.each([
    ['of a run before the last', 2],
    ['of the last run', 1],
    ['of the same run', 0],
  ])('%s notices, does nothing until others confirm, and then signs again', async (_, restarts) => {
    const committee = await Committee.open(3, `restored ${restarts}`);
    await committee.key();
    const carol = committee.at('carol');
    const copy = carol.store.copy();
    for (let i = 0; i < restarts; i++) {
      await committee.stop(carol);
      await committee.start(carol);
      await committee.run(50);
    }
    expect(await signsWith(committee, 'carol', 'after the copy')).toBe(true);
    await committee.run(limits.standingPause + 50);
    await restore(committee, carol, copy);

    expect(await stateOf(carol)).toBe('recovering');
    expect(await carol.node.health()).toMatchObject({ ready: false });
    await expect(carol.node.sign(committee.order('too early'))).rejects.toMatchObject({ code: 'suspended' });
    await committee.run(lease);
    expect(await stateOf(carol)).toBe('well');
    expect(await signsWith(committee, 'carol', 'at the end')).toBe(true);
    expect(committee.at('alice').node.peers().filter(({ doubted }) => doubted)).toEqual([]);
  });
});
