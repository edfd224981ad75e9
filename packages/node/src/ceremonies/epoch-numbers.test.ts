import { decodeEnvelope, fromHex, kinds, toHex, wire } from '@quorate/protocol';
import { assert, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Committee } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, keyOf, reshare, statesOf } from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import { refreshProposals } from '../policy/refresh-proposal.ts';
import type { CeremonyView } from '../service.ts';
import { nextNumber } from './epoch-numbers.ts';

const four = ['alice', 'bob', 'carol', 'dave'];
const honest = ['alice', 'bob', 'dave'];
const last = 2 ** 48 - 1;

/** The last number that a member takes part in. */
const reachOf = (committee: Committee, name: string): number =>
  Math.floor((committee.clock.now() + committee.at(name).skew) / 1_000);

/**
 * Carol proposes a refresh under a number, gives her part of the proof of life to Alice alone, and says no READY: Alice prepares
 * what Bob and Dave never hear the end of.
 */
async function aliceAlonePrepares(committee: Committee, epoch: number): Promise<void> {
  const carol = committee.at('carol');
  const sessions: string[] = [];
  const unsigned = {
    network: carol.config.networkId,
    key: 'treasury',
    baseEpoch: keyOf(committee, 'bob')?.current?.epoch as number,
    epoch,
    dealers: [1, 2],
    expires: committee.clock.now() + 60_000,
    nonce: new Uint8Array(32).fill(epoch),
  };
  const body = wire.encode(refreshProposals.codec, refreshProposals.sign(unsigned, carol.key));
  carol.tamper = (frame, to) => {
    if (frame.type === 'ready') return [];
    if (frame.type !== 'envelope') return [frame];
    const { round, sid } = decodeEnvelope(frame.value);
    if (!sessions.includes(toHex(sid))) sessions.push(toHex(sid));
    return sessions.indexOf(toHex(sid)) === 1 && round === 1 && to !== 'alice' ? [] : [frame];
  };
  const request = { type: 'request', value: { kind: kinds.renew, body } } as const;
  for (const name of honest) committee.say('carol', name, request);
  await committee.run(5);
  committee.say('alice', 'carol', request);
  await committee.run(60_000);
  carol.tamper = undefined;
  expect(statesOf(committee, 'alice')).toContainEqual([epoch, 'prepared']);
  for (const name of ['bob', 'dave']) expect(statesOf(committee, name).at(-1)?.[0]).toBeLessThan(epoch);
}

/** Proposes it as an operator would: again when it fails. */
async function repeated(propose: () => Promise<CeremonyView>): Promise<CeremonyView> {
  let view = await propose();
  for (let tries = 1; tries <= limits.clockGuesses && view.state !== 'done'; tries++) view = await propose();
  return view;
}

describe('a member that has one of the others prepare the last number within reach', () => {
  const heirs = [...honest, 'erin'];

  test.for(['alice', 'bob', 'dave'])('keeps nobody from a reshare that %s proposes', async (proposer) => {
    const committee = await committeeWith(`last ${proposer}`, 5, 4, { threshold: 2 });
    const attack = reachOf(committee, 'alice');
    await aliceAlonePrepares(committee, attack);
    // The first try tells who did not know it what the number must be above; nothing else is changed for the second.
    const first = await reshare(committee, proposer, { members: heirs, threshold: 3 }, [proposer]);
    if (proposer !== 'alice')
      expect(first.failure).toMatchObject({ code: 'denied', reason: expect.stringMatching(/numbers only rise/) });
    const { result } =
      proposer === 'alice' ? first : await reshare(committee, proposer, { members: heirs, threshold: 3 }, heirs);
    expect(result).toMatchObject({ epoch: attack + 1 });
    // And back, by somebody else.
    await committee.run(limits.refreshPause + 2 * limits.readyInterval);
    const back = await repeated(() => reshare(committee, 'erin', { members: honest, threshold: 2 }, ['erin']));
    expect(back.result).toMatchObject({ epoch: attack + 2 });
    expectNobodyBlamed(committee);
  });

  test('fails one proposal: whoever proposes next heard of the number, too', async () => {
    const committee = await committeeWith('heard', 4, 4, { threshold: 2 });
    const attack = reachOf(committee, 'alice');
    await aliceAlonePrepares(committee, attack);
    const refresh = async (proposer: string): Promise<CeremonyView> => {
      const { id } = await committee.at(proposer).node.refresh('treasury');
      await committee.until(() => ['done', 'failed'].includes(committee.ceremony(proposer, id)?.state ?? ''), 120_000);
      return committee.ceremony(proposer, id) as CeremonyView;
    };
    expect((await refresh('bob')).failure?.reason).toMatch(/numbers only rise/);
    await committee.run(100);
    expect((await refresh('dave')).result).toMatchObject({ epoch: attack + 1 });
    expectNobodyBlamed(committee);
  });

  test.for(['alice', 'bob'])('once more and again, keeps %s from no refresh', async (proposer) => {
    const committee = await committeeWith(`again ${proposer}`, 4, 4, { threshold: 2 });
    for (const _ of [1, 2, 3]) await aliceAlonePrepares(committee, reachOf(committee, 'alice'));
    const refresh = async (): Promise<CeremonyView> => {
      const { id } = await committee.at(proposer).node.refresh('treasury');
      await committee.until(() => ['done', 'failed'].includes(committee.ceremony(proposer, id)?.state ?? ''), 120_000);
      return committee.ceremony(proposer, id) as CeremonyView;
    };
    const { result } = await repeated(refresh);
    expect(result).toMatchObject({ epoch: expect.toSatisfy((epoch) => epoch <= reachOf(committee, proposer)) });
    await committee.until(() => four.every((name) => keyOf(committee, name)?.epochs.at(-1)?.state === 'active'));
    expectNobodyBlamed(committee);
  });

  test('and says to know the end of all numbers, keeps nobody from a refresh, though a clock is two minutes behind', async () => {
    const committee = await committeeWith('end of numbers', 4, 4, { threshold: 2 });
    committee.at('dave').skew = -120_000;
    const attack = reachOf(committee, 'dave');
    await aliceAlonePrepares(committee, attack);
    // She never takes part in what she can refuse; in the end she has to.
    let refusals = 0;
    committee.at('carol').tamper = (frame) => {
      if (frame.type !== 'registration' || refusals > 6) return [frame];
      refusals++;
      return [{ type: 'declined', value: { request: frame.value.request, reason: 'no', highest: last } }];
    };
    const refresh = async (): Promise<CeremonyView> => {
      const { id } = await committee.at('bob').node.refresh('treasury');
      await committee.until(() => ['done', 'failed'].includes(committee.ceremony('bob', id)?.state ?? ''), 120_000);
      return committee.ceremony('bob', id) as CeremonyView;
    };
    expect((await repeated(refresh)).state).toBe('done');
    expect(keyOf(committee, 'alice')?.current?.epoch).toBeLessThan(reachOf(committee, 'alice'));
    expectNobodyBlamed(committee);
  });

  test('is not helped by declining first: what the others say counts all the same', async () => {
    const committee = await committeeWith('first', 4, 4, { threshold: 2 });
    const attack = reachOf(committee, 'alice');
    await aliceAlonePrepares(committee, attack);
    const { id } = await committee.at('bob').node.refresh('treasury');
    const value = { request: fromHex(id), reason: 'no', highest: 0 };
    committee.say('carol', 'bob', { type: 'declined', value });
    await committee.run(100);
    expect(committee.ceremony('bob', id)?.failure?.reason).toMatch(/carol: no$/);
    const { id: next } = await committee.at('bob').node.refresh('treasury');
    await committee.until(() => committee.ceremony('bob', next)?.state === 'done', 60_000);
    // Nobody is believed for longer than that.
    await committee.run(limits.refreshPause);
    const { id: third } = await committee.at('bob').node.refresh('treasury');
    committee.say('carol', 'bob', { type: 'declined', value: { ...value, request: fromHex(id), highest: last } });
    await committee.until(() => committee.ceremony('bob', third)?.state === 'done', 60_000);
    expect(keyOf(committee, 'bob')?.current?.epoch).toBe(attack + 2);
    await committee.run(limits.refreshPause);
    const { id: fourth } = await committee.at('bob').node.refresh('treasury');
    await committee.until(() => committee.ceremony('bob', fourth)?.state === 'done', 60_000);
    expect(keyOf(committee, 'bob')?.current?.epoch).toBe(attack + 3);
    expectNobodyBlamed(committee);
  });

  test('reaches no further than the clock', async () => {
    const committee = await committeeWith('beyond', 4, 4, { threshold: 2 });
    await expect(aliceAlonePrepares(committee, reachOf(committee, 'alice') + 60)).rejects.toThrow();
    for (const name of four) expect(statesOf(committee, name)).toEqual([[1, 'active']]);
    expect(await committee.audit('alice')).toContain('refresh-refused: invalid');
  });
});

describe('the number of a renewal', () => {
  const seconds = integer({ min: 1_000_000, max: 10_000_000_000 });
  const known = (highest: number) => ({ epochs: [{ epoch: highest }] }) as unknown as Parameters<typeof nextNumber>[0];

  test('is found by trying again, whatever liars say, if one is prepared that is half a minute below the slowest clock', () => {
    const behind = integer({ min: 0, max: 30 * (limits.clockGuesses - 1) });
    assert(
      property(
        seconds,
        behind,
        integer({ min: 0, max: last }),
        integer({ min: 1, max: 999 }),
        (now, skew, told, tries) => {
          const slowest = now - skew;
          const taken = slowest - 31;
          const isAccepted = (tried: number): boolean => {
            const epoch = nextNumber(known(7), tried, Math.max(told, taken), now * 1_000);
            return epoch > taken && epoch <= slowest;
          };
          expect(Array.from({ length: limits.clockGuesses }, (_, i) => tries + i).some(isAccepted)).toBe(true);
        },
      ),
    );
  });

  test('is above those that are known where it is proposed', () => {
    assert(
      property(seconds, integer({ min: 0, max: 100 }), integer({ min: 0, max: last }), (now, tries, told) => {
        expect(nextNumber(known(now), tries, told, now * 1_000)).toBe(now + 1);
      }),
    );
  });

  test('is never above the clock for what others say', () => {
    assert(
      property(seconds, integer({ min: 0, max: last }), integer({ min: 0, max: 10_000 }), (now, told, tries) => {
        expect(nextNumber(known(7), tries, told, now * 1_000)).toBeLessThanOrEqual(now);
      }),
    );
  });

  test('follows the last one where nobody says more', () => {
    expect(nextNumber(known(7), 0, 0, 1e12)).toBe(8);
    expect(nextNumber(known(7), 2, 3, 1e12)).toBe(10);
  });

  test('allows clocks more time with each try, and begins anew', () => {
    const reach = (tries: number): number => nextNumber(known(7), tries, last, 1e12);
    expect([0, 1, 2, 3].map(reach)).toEqual([0, 0, 30, 60].map((back) => 1e9 - back));
    expect(reach(limits.clockGuesses + 1)).toBe(1e9);
  });
});
