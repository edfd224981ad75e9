import { kinds, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import {
  committeeWith,
  expectNobodyBlamed,
  heirs,
  keyOf,
  reshare,
  seven,
  statesOf,
  three,
} from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import { signRequests } from '../policy/sign-request.ts';
import type { CeremonyView } from '../service.ts';

const signatureOf = ({ result }: CeremonyView): string | undefined =>
  result?.type === 'signature' ? result.signature : undefined;

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
      const few = ['frank', 'grace', 'alice'];
      const narrow = await reshare(committee, 'grace', { members: few, threshold: 2 }, few);
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

  test('that fails in its only session is over for who heard of no session, and nobody begins it again', async () => {
    const committee = await committeeWith('unheard', 4, 3);
    for (const name of [...three, 'dave'])
      committee.at(name).tamper = (frame, to) => (frame.type === 'start' && to === 'bob' ? [] : [frame]);
    const members = ['alice', 'bob', 'dave'];
    const { id } = await committee.at('alice').node.reshare('treasury', { members });
    const states = () => members.map((name) => committee.ceremony(name, id)?.state);
    await committee.until(() => states().join() === 'failed,failed,failed', 2 * limits.keygenRound);
    expect(committee.ceremony('bob', id)?.failure?.reason).toMatch(/nothing came from bob/);
    const [request] = committee
      .at('alice')
      .sent.filter(({ frame, to }) => frame.type === 'request' && to === 'dave')
      .slice(-1);
    expect(request).toBeDefined();
    if (request !== undefined) committee.say('bob', 'dave', request.frame);
    await committee.run(100);
    expect(states()).toEqual(['failed', 'failed', 'failed']);
    expect(committee.at('dave').sent.at(-1)).toMatchObject({ to: 'bob', frame: { type: 'declined' } });
    expectNobodyBlamed(committee);
  });

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

  test('replaces two of five that are gone for ever; back from old disks they take part in nothing', async () => {
    const committee = await committeeWith('two gone', 7, 5, { threshold: 3 });
    const gone = ['dave', 'erin'].map((name) => committee.at(name));
    for (const member of gone) await committee.stop(member);
    const { publicKey } = await committee.at('alice').node.key('treasury');
    const members = [...three, 'frank', 'grace'];
    const done = await reshare(committee, 'bob', { members, threshold: 3 }, members);
    expect(done.result).toMatchObject({ type: 'key', publicKey, epoch: 2 });
    await committee.run(limits.retirementGrace + 2 * limits.readyInterval);

    const sent = gone.map((member) => member.sent.length);
    // They begin where they stopped, with an order, before anybody tells them.
    committee.hub.partition(
      gone.map(({ peer }) => peer),
      members.map((name) => committee.at(name).peer),
    );
    for (const member of gone) {
      await committee.start(member);
      // It would pass the order on, which would be over too soon.
      member.tamper = (frame, to) => (frame.type === 'request' && members.includes(to) ? [] : [frame]);
    }
    const early = committee.order('early');
    const { id } = await committee.at('dave').node.sign(early);
    await committee.run(100);
    expect(committee.ceremony('dave', id)?.state).toBe('accepted');
    committee.hub.heal();
    await committee.run(2 * limits.readyInterval);
    expect(committee.ceremony('dave', id)?.failure).toMatchObject({ code: 'moved', culprits: [], suspects: [] });
    const said = gone.flatMap(({ sent: all }, i) => all.slice(sent[i]));
    for (const { frame, to } of said.filter((one) => members.includes(one.to)))
      expect(['registration', 'envelope', 'start', 'ready', 'approval'], to).not.toContain(frame.type);
    // What they registered for with each other counts for nobody else.
    const registered = said.filter(({ frame }) => frame.type === 'registration');
    expect([registered.length > 0, committee.ceremony('alice', id)]).toEqual([true, undefined]);
    await committee.at('alice').node.sign(early);
    for (const { frame, to } of registered)
      for (const name of members) committee.say(to === 'dave' ? 'erin' : 'dave', name, frame);
    expect(await committee.verifies('early', await committee.sign('alice', early))).toBe(true);
    expect(await committee.verifies('without', await committee.sign('grace', committee.order('without')))).toBe(true);
    for (const { name, node } of gone) {
      expect(statesOf(committee, name)).toEqual([
        [1, 'shredded'],
        [2, 'elsewhere'],
      ]);
      await expect(node.sign(committee.order('late'))).rejects.toMatchObject({ code: 'not-member' });
      await expect(node.refresh('treasury')).rejects.toMatchObject({ code: 'not-member' });
    }
    for (const name of members) {
      const { node } = committee.at(name);
      for (const { participants } of node.ceremonies().filter(({ createdAt }) => createdAt > done.createdAt))
        expect(participants.filter((one) => ['dave', 'erin'].includes(one))).toEqual([]);
      expect(statesOf(committee, name).at(-1)).toEqual([2, 'active']);
    }
    expectNobodyBlamed(committee);
  });

  test('with fewer left than must sign begins as little as all else; the status says what that may mean', async () => {
    const committee = await committeeWith('three gone', 7, 5, { threshold: 3 });
    const lost = /^2 of the 5 members of treasury can be reached, and 3 must sign: .* if so many are lost for good/;
    const { node } = committee.at('alice');
    const warned = async () => (await node.status()).warnings.filter((one) => one.includes('treasury'));
    await committee.stop(committee.at('erin'));
    await committee.stop(committee.at('dave'));
    expect(await warned()).toEqual([]);
    await committee.stop(committee.at('carol'));
    expect(await warned()).toEqual([expect.stringMatching(lost)]);

    const order = { members: ['alice', 'bob', 'frank', 'grace'], threshold: 3 };
    expect((await node.previewReshare('treasury', order)).problems).toEqual([
      '3 members must deal from their shares, and 2 are connected',
    ]);
    await expect(node.reshare('treasury', order)).rejects.toMatchObject({ code: 'no-quorum' });
    await expect(node.refresh('treasury')).rejects.toMatchObject({ code: 'no-quorum' });
    const request = committee.order('too few');
    const { id } = await node.sign(request);
    await committee.run(request.expires - committee.clock.now() + limits.clockTolerance + 1);
    expect(committee.ceremony('alice', id)).toMatchObject({
      state: 'failed',
      failure: { code: 'no-quorum', culprits: [] },
    });

    // They were only away.
    await committee.start(committee.at('carol'));
    await committee.run(100);
    expect(await warned()).toEqual([]);
    expect(await committee.verifies('again', await committee.sign('bob', committee.order('again')))).toBe(true);
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

describe('orders', () => {
  test('go on while a key changes hands, and none fails where the key still is', async () => {
    const committee = await committeeWith('orders', 5, 3);
    const members = ['bob', 'carol', 'dave', 'erin'];
    const { id } = await committee.at('alice').node.reshare('treasury', { members, threshold: 3 });
    const ids: string[] = [];
    for (let i = 0; committee.ceremony('bob', id)?.state !== 'done'; i++) {
      ids.push((await committee.at('bob').node.sign(committee.order(`order ${i}`))).id);
      await committee.run(1);
    }
    expect(ids.length).toBeGreaterThan(5);
    await committee.until(() => ids.every((one) => committee.ceremony('bob', one)?.state === 'done'), 60_000);
    expectNobodyBlamed(committee);
  });

  test('at a node that leaves go to those who join, and whoever asks again there is answered', async () => {
    const committee = await committeeWith('handed over', 6, 3);
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming');
    // Nobody coordinates any more.
    for (const name of three) committee.at(name).tamper = (frame) => (frame.type === 'start' ? [] : [frame]);
    const order = committee.order('late');
    const { id: late } = await committee.at('alice').node.sign(order);
    await committee.until(() => committee.ceremony('alice', late)?.state === 'failed', 60_000);
    expect(committee.ceremony('alice', late)?.failure).toMatchObject({ code: 'moved', culprits: [], suspects: [] });
    await committee.until(() => heirs.some((name) => committee.ceremony(name, late)?.state === 'done'), 60_000);
    expect(await committee.verifies('late', await committee.sign('dave', order))).toBe(true);
    expectNobodyBlamed(committee);
  });

  test('that were answered before a member joined are answered there, too, and in the same way', async () => {
    const committee = await committeeWith('answered', 5, 3);
    const order = committee.order('early');
    const before = await committee.sign('alice', order);
    await reshare(committee, 'alice', { members: ['bob', 'carol', 'dave'] }, ['alice', 'bob', 'carol', 'dave']);
    await committee.run(limits.refreshPause);
    // Nobody signs it again.
    for (const name of ['bob', 'carol']) committee.at(name).tamper = (frame) => (frame.type === 'start' ? [] : [frame]);
    const after = await committee.sign('dave', order);
    expect(after.result).toMatchObject({ type: 'signature' });
    expect(signatureOf(after)).toBe(signatureOf(before));
    // By its own count of the members, as far as it knows them.
    const signers = ({ result }: CeremonyView) => (result?.type === 'signature' ? result.signers.toSorted() : []);
    expect(signers(after)).toEqual(signers(before).filter((name) => name !== 'alice'));

    // Erin never joined.
    const body = wire.encode(signRequests.codec, order);
    committee.say('erin', 'bob', { type: 'request', value: { kind: kinds.sign, body } });
    await committee.run(100);
    const told = (name: string) =>
      committee.at('bob').sent.some((one) => one.frame.type === 'result' && one.to === name);
    expect([told('dave'), told('erin')]).toEqual([true, false]);
    expectNobodyBlamed(committee);
  });
});

describe('a dealer', () => {
  test('that falls silent ends the attempt; the next is dealt by others', async () => {
    const committee = await committeeWith('silent dealer', 6, 3);
    const preview = await committee.at('alice').node.previewReshare('treasury', { members: heirs });
    const [dealer] = preview.members.flatMap(({ deals, name }) => (deals && name !== 'alice' ? [name] : []));
    committee.at(dealer as string).tamper = (frame) => (frame.type === 'envelope' ? [] : [frame]);
    const failed = await reshare(committee, 'alice', { members: heirs }, ['alice', ...heirs]);
    expect(failed.failure).toMatchObject({ code: 'timeout', culprits: [], suspects: [dealer] });
    expect(await committee.verifies('still', await committee.sign('alice', committee.order('still')))).toBe(true);
    const done = await reshare(committee, 'alice', { members: heirs }, ['alice', ...heirs]);
    expect(done.failure).toBeUndefined();
    expect(done.participants).not.toContain(dealer);
    expectNobodyBlamed(committee);
  });
});

describe('a preview', () => {
  test('says who stays, joins, leaves and deals, and changes nothing', async () => {
    const committee = await committeeWith('preview', 5, 3);
    await committee.stop(committee.at('carol'));
    const view = await committee.at('alice').node.previewReshare('treasury', { members: ['alice', 'dave', 'erin'] });
    const by = Object.fromEntries(view.members.map(({ name, ...rest }) => [name, rest]));
    expect(by).toEqual({
      alice: { change: 'stays', deals: true, connected: true },
      bob: { change: 'leaves', deals: true, connected: true },
      carol: { change: 'leaves', deals: false, connected: false },
      dave: { change: 'joins', deals: false, connected: true },
      erin: { change: 'joins', deals: false, connected: true },
    });
    expect(view).toMatchObject({
      before: { threshold: 2, parties: 3 },
      after: { threshold: 2, parties: 3 },
      problems: [],
    });
    expect(committee.at('alice').node.ceremonies()).toHaveLength(1);
  });

  test.for([
    [{}, 'invalid', /nothing would change/],
    [{ members: ['alice', 'bob', 'carol'] }, 'no-quorum', /carol is not/],
    [{ members: ['alice', 'bob'], threshold: 3 }, 'invalid', /2 at most/],
    [{ members: ['alice', 'bob', 'dave', 'erin', 'frank', 'grace'], threshold: 2 }, 'invalid', /a minority of 2 of 6/],
    [{ members: ['alice', 'zoe'] }, 'invalid', /zoe/],
    [{ members: ['alice', 'alice'] }, 'invalid', /twice/],
  ] as const)('of %j says what is wrong, and it does not begin', async ([order, code, reason]) => {
    const committee = await committeeWith('wrong', 7, 3);
    if ('members' in order && order.members.length === 3) await committee.stop(committee.at('carol'));
    const { node } = committee.at('alice');
    await expect(node.reshare('treasury', order)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(reason),
    });
  });

  test.for([
    [5, 3, '2 may be away, and any 3 that are corrupt can forge'],
    [4, 3, '1 may be away, fewer than the 2 that may be corrupt, and any 3 that are corrupt can forge'],
    [6, 2, '4 may be away, and any 2 that are corrupt can forge, although they are a minority'],
  ] as const)(
    'says what %d members of which %d sign give up; so does the proposal',
    async ([n, threshold, meaning]) => {
      const committee = await committeeWith('trade', n + 1, 3);
      const order = { members: seven.slice(1, n + 1), threshold, allowLowThreshold: true };
      const { node } = committee.at('alice');
      const trade = `${threshold} of ${n} sign: ${meaning}`;
      expect((await node.previewReshare('treasury', order)).notes[0]).toBe(trade);
      // Whoever decides on it is told where something is given up.
      const { id } = await node.reshare('treasury', order);
      await committee.run(20);
      expect(committee.ceremony('bob', id)?.proposal?.trade).toBe(n === 2 * threshold - 1 ? undefined : trade);
    },
  );

  test('is offered when a refresh is due and a member does not come back', async () => {
    const committee = await committeeWith('remedy', 4, 3, {}, { refreshInterval: 60 });
    await committee.stop(committee.at('carol'));
    await committee.run(80_000);
    const { warnings } = await committee.at('alice').node.status();
    const [, command = ''] = /`(quorate keys reshare [^`]*)`/.exec(warnings.join('\n')) ?? [];
    const [, members = '', threshold] = /--members (\S+) --threshold (\d)$/.exec(command) ?? [];
    expect(members.split(',').toSorted()).toEqual(['alice', 'bob', 'dave']);
    const order = { members: members.split(','), threshold: Number(threshold) };
    expect((await reshare(committee, 'alice', order, order.members)).failure).toBeUndefined();
  });
});
