import { kinds, readyCodec, toHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import type { Committee, Member } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, keyOf, reshare, statesOf, three } from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import { refreshProposals } from '../policy/refresh-proposal.ts';
import type { NodeFrame } from './frames.ts';
import { RefreshTask } from './refresh.ts';

const honest = ['alice', 'bob'];
const heirs = ['alice', 'bob', 'dave'];

/** A refresh that all prepare, and of which Carol withholds READY. @returns its number */
async function withheld(committee: Committee): Promise<number> {
  const before = statesOf(committee, 'alice').length;
  await committee.at('alice').node.refresh('treasury');
  const isPrepared = (name: string): boolean => statesOf(committee, name).length > before;
  await committee.until(() => honest.every(isPrepared), 60_000);
  await committee.run(limits.refreshPause);
  return statesOf(committee, 'alice').at(-1)?.[0] as number;
}

/** Carol says no READY of an epoch, and does not make use of what the others say either. */
function withholds(
  committee: Committee,
  isWithheld: (epoch: number) => boolean,
  seen?: (frame: NodeFrame) => void,
): void {
  for (const name of three)
    committee.at(name).tamper = (frame, to) => {
      const isReady = frame.type === 'ready' && isWithheld(wire.decode(readyCodec, frame.value).epoch);
      if (!isReady || (name !== 'carol' && to !== 'carol')) return [frame];
      if (name === 'carol') seen?.(frame);
      return [];
    };
}

describe('a member that withholds READY again and again', () => {
  test('is named, keeps the key from no signature, and from no reshare without it', async () => {
    const committee = await committeeWith('withholds', 4, 3);
    const [alice, bob] = three.map((name) => committee.at(name)) as [Member, Member];
    withholds(committee, () => true);
    for (let attempt = 0; attempt < limits.uncertifiedAttempts; attempt++) await withheld(committee);
    expect(await committee.verifies('still', await committee.sign('alice', committee.order('still')))).toBe(true);
    // Nothing more is dealt without an operator, who is told why and of whom.
    await expect(alice.node.refresh('treasury')).rejects.toMatchObject({ code: 'denied' });
    await expect(bob.node.refresh('treasury')).rejects.toMatchObject({ code: 'denied' });
    const warning = /8 attempts at renewing treasury .* reshare .*READY is missing from carol\)/;
    for (const { node } of [alice, bob]) expect((await node.status()).warnings.join('\n')).toMatch(warning);

    const { id } = await alice.node.reshare('treasury', { members: heirs });
    await committee.run(100);
    // Whatever its rule for proposers: each operator decides.
    expect(bob.config.accept.default).toBe('auto');
    expect(committee.ceremony('bob', id)?.needsAccept).toBe(true);
    await bob.node.accept(id);
    await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    await committee.run(2 * limits.readyInterval);
    const states = statesOf(committee, 'alice');
    expect(states).toHaveLength(limits.uncertifiedAttempts + 2);
    expect(states.map(([, state]) => state).filter((state) => state !== 'shredded')).toEqual(['active']);
    expect((await alice.node.status()).warnings.join('\n')).not.toMatch(/attempts/);
    expect(await committee.verifies('then', await committee.sign('dave', committee.order('then')))).toBe(true);
    expectNobodyBlamed(committee);
  });

  test('and mends its ways keeps its place, if all operators agree', async () => {
    const committee = await committeeWith('mends', 3, 3);
    const alice = committee.at('alice');
    await expect(alice.node.reshare('treasury', {})).rejects.toMatchObject({ code: 'invalid' });
    withholds(committee, () => true);
    for (let attempt = 0; attempt < limits.uncertifiedAttempts; attempt++) await withheld(committee);
    for (const name of three) committee.at(name).tamper = undefined;
    // Before anything that she withheld is certified after all.
    const { id } = await alice.node.reshare('treasury', {});
    await committee.run(100);
    for (const name of ['bob', 'carol']) {
      expect(committee.ceremony(name, id)?.needsAccept).toBe(true);
      await committee.at(name).node.accept(id);
    }
    await committee.until(() => three.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    await committee.run(limits.refreshPause);
    const { id: next } = await alice.node.refresh('treasury');
    await committee.until(() => committee.ceremony('alice', next)?.state === 'done', 60_000);
    expectNobodyBlamed(committee);
  });

  test('and says it at last, when a later attempt is in use, changes nothing', async () => {
    const committee = await committeeWith('late ready', 3, 3);
    const [alice, carol] = [committee.at('alice'), committee.at('carol')];
    let first: NodeFrame | undefined;
    withholds(
      committee,
      (epoch) => epoch === 2,
      (frame) => {
        first ??= frame;
      },
    );
    const epoch = await withheld(committee);
    expect(epoch).toBe(2);
    // Of the next one she says it, and not that she uses it: so the shares of the first one stay.
    const { tamper } = carol;
    carol.tamper = (frame, to) => (frame.type === 'activated' ? [] : (tamper?.(frame, to) ?? []));
    await alice.node.refresh('treasury');
    const current = (name: string): number => keyOf(committee, name)?.current?.epoch ?? 0;
    await committee.until(() => honest.every((name) => current(name) > epoch), 60_000);
    const next = current('alice');
    expect(statesOf(committee, 'alice')).toContainEqual([epoch, 'prepared']);
    const quiet = carol.tamper;
    carol.tamper = undefined;
    for (const name of honest) committee.say('carol', name, first as NodeFrame);
    carol.tamper = quiet;
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'alice')).toContainEqual([epoch, 'retiring']);
    for (const name of honest) expect(current(name)).toBe(next);
    // Once for the key, once for the epoch in use: the other one never was.
    expect((await committee.audit('alice')).filter((kind) => kind === 'key-active')).toHaveLength(2);
    carol.tamper = undefined;
    await committee.stop(carol);
    await committee.start(carol);
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'alice').map(([, state]) => state)).toEqual(['shredded', 'shredded', 'active']);
    expectNobodyBlamed(committee);
  });
});

describe('a member that refreshes the key all the time', () => {
  test('does not keep the others from a reshare without it, which comes at once', async () => {
    const committee = await committeeWith('busy', 4, 3);
    const { id: refresh } = await committee.at('carol').node.refresh('treasury');
    await committee.until(() => three.every((name) => committee.ceremony(name, refresh)?.state === 'done'), 60_000);
    const { state } = await reshare(committee, 'alice', { members: heirs }, heirs);
    expect(state).toBe('done');
    // Another would be too soon.
    await expect(committee.at('alice').node.reshare('treasury', { members: three })).rejects.toMatchObject({
      code: 'busy',
    });
    expectNobodyBlamed(committee);
  });
});

describe('a member that proposes refreshes, and begins none', () => {
  test('does not keep the others from a reshare without it', async () => {
    const committee = await committeeWith('proposes', 4, 3);
    const proposal = (epoch: number): Uint8Array => {
      const unsigned = {
        network: committee.at('carol').config.networkId,
        key: 'treasury',
        baseEpoch: 1,
        epoch,
        dealers: [1, 2],
        expires: committee.clock.now() + limits.longestRequest,
        nonce: new Uint8Array(32).fill(epoch),
      };
      return wire.encode(refreshProposals.codec, refreshProposals.sign(unsigned, committee.at('carol').key));
    };
    const say = async (body: Uint8Array): Promise<string> => {
      for (const name of honest) committee.say('carol', name, { type: 'request', value: { kind: kinds.renew, body } });
      await committee.run(20);
      return toHex(RefreshTask.idOf(body) as Uint8Array);
    };
    const before = await say(proposal(2));
    for (const name of honest) expect(committee.ceremony(name, before)?.state).toBe('accepted');
    for (const name of ['bob', 'dave'])
      Object.assign(committee.at(name).config, { accept: { default: 'ask', proposers: {} } });
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.run(20);
    expect(committee.ceremony('bob', id)?.needsAccept).toBe(true);
    for (const name of honest) expect(committee.ceremony(name, before)?.failure?.code).toBe('conflict');
    // While operators are asked, she refreshes nothing at those who said yes.
    const after = await say(proposal(3));
    expect(committee.ceremony('alice', after)).toBeUndefined();
    await committee.at('bob').node.accept(id);
    await committee.at('dave').node.accept(id, await publicKeyAt(committee));
    await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    expectNobodyBlamed(committee);
  });
});

async function publicKeyAt(committee: Committee): Promise<string> {
  return (await committee.at('alice').node.key('treasury')).publicKey;
}
