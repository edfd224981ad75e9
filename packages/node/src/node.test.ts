import { describe, expect, test } from 'vitest';
import { Committee } from '../test/committee.ts';
import { limits } from './limits.ts';

describe('a committee that is told to stop sets no timer and leaves none: nothing keeps its processes from ending', () => {
  /** Milliseconds after which it is stopped: before, while and after anything is under way. */
  const moments = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 5_000];

  async function expectNoTimer(committee: Committee, after: number): Promise<void> {
    await committee.run(after);
    for (const member of committee.members.values()) await committee.stop(member);
    // What is on its way in the network arrives; nobody hears it.
    await committee.run(10);
    expect(committee.clock.pending).toBe(0);
  }

  test.each(moments)('%i ms after a key was asked for', async (after) => {
    const committee = await Committee.open(3, 'closing', {});
    await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await expectNoTimer(committee, after);
  });

  test.each(moments)('%i ms after a signature and a refresh were asked for', async (after) => {
    const committee = await Committee.open(3, 'closing', {});
    await committee.key();
    await committee.run(limits.refreshPause);
    await committee.at('bob').node.sign(committee.order('closing'));
    await committee.at('alice').node.refresh('treasury');
    await expectNoTimer(committee, after);
  });
});
