import { keyIdOf, Secret, toHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import { type KeygenProposal, keygenProposals } from '../policy/keygen-proposal.ts';
import { decodeFrame } from './frames.ts';

const rejects = (code: string) => expect.objectContaining({ name: 'ServiceError', code });
const certifying = new Set(['ready', 'certificate', 'activated']);
const states = (committee: Committee, id: string) =>
  [...committee.members.keys()].map((name) => committee.ceremony(name, id)?.state);

/** A proposal that the whole committee would take, changed at will, signed by a member. */
function proposal(committee: Committee, by: string, more: Partial<KeygenProposal> = {}): KeygenProposal {
  const nodes = [...committee.members.values()].map(({ key }) => key.publicKey);
  return keygenProposals.sign(
    {
      network: committee.at(by).config.networkId,
      name: 'treasury',
      scheme: 'ed25519',
      purpose: 'general',
      threshold: nodes.length > 3 ? 3 : 2,
      lowThreshold: 0,
      members: nodes.toSorted(Buffer.compare).map((node, i) => ({ party: i + 1, node })),
      epoch: 1,
      tweak: { type: 'none', value: new Uint8Array(0) },
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32).fill(1),
      ...more,
    },
    committee.at(by).key,
  );
}

const body = (one: KeygenProposal): Uint8Array => wire.encode(keygenProposals.codec, one);

describe('a key generation', () => {
  test('gives every member the same key, once all hold their shares', async () => {
    const committee = await Committee.open(5, 'same');
    await committee.key();
    const views = await Promise.all([...committee.members.values()].map(async ({ node }) => node.key('treasury')));
    for (const view of views) expect(view).toEqual({ ...views[0], knownSince: view.epochAt, epochAt: view.epochAt });
    expect(views[0]).toMatchObject({ epoch: 1, state: 'active', tweak: 'none' });
  });

  test('that is asked for again is refused by name, wherever, also by a later life of the node: the key stays', async () => {
    const committee = await Committee.open(3, 'again');
    await committee.key();
    const { epochAt: _, ...before } = await committee.at('alice').node.key('treasury');
    const twice = async (): Promise<void> => {
      for (const { node } of committee.members.values()) {
        const asked = node.keygen({ name: 'treasury', scheme: 'ed25519' });
        await expect(asked).rejects.toEqual(rejects('name-taken'));
        expect(await node.key('treasury')).toMatchObject(before);
      }
    };
    await twice();
    await committee.stop(committee.at('alice'));
    await committee.start(committee.at('alice'));
    await committee.run(10);
    await twice();
    expect((await committee.sign('alice', committee.order('m'))).state).toBe('done');
  });

  test('waits for the operator of each member whose rule is to ask', async () => {
    const committee = await Committee.open(3, 'ask', { accept: { default: 'ask', proposers: {} } });
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.run(100);
    expect(states(committee, id)).toEqual(['accepted', 'proposed', 'proposed']);
    expect(committee.ceremony('bob', id)).toMatchObject({
      needsAccept: true,
      proposal: { proposer: 'alice', scheme: 'ed25519', purpose: 'general', threshold: 2 },
    });
    expect(committee.ceremony('bob', id)?.proposal?.members.toSorted()).toEqual(['alice', 'bob', 'carol']);
    await committee.at('bob').node.accept(id);
    await committee.run(100);
    expect(states(committee, id)).toEqual(['accepted', 'accepted', 'proposed']);
    await committee.at('carol').node.accept(id);
    await committee.until(() => states(committee, id).every((state) => state === 'done'));
    expect(await committee.audit('bob')).toEqual(
      expect.arrayContaining(['keygen-asked', 'accepted', 'key-prepared', 'key-active']),
    );
  });

  test('that nobody accepts ends by its expiry', async () => {
    const committee = await Committee.open(2, 'unasked', { accept: { default: 'ask', proposers: {} } });
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.run(limits.longestRequest + limits.clockTolerance + 10);
    expect(committee.ceremony('bob', id)?.failure).toMatchObject({ code: 'expired' });
    expect(committee.ceremony('alice', id)?.failure).toMatchObject({ code: 'no-quorum' });
  });

  test('fails as denied where a member denies, and says who', async () => {
    const committee = await Committee.open(3, 'deny');
    Object.assign(committee.at('carol').config, { accept: { default: 'auto', proposers: { alice: 'deny' } } });
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.run(100);
    expect(committee.ceremony('alice', id)?.failure).toMatchObject({
      code: 'denied',
      reason: expect.stringContaining('carol'),
    });
    expect(committee.ceremony('carol', id)).toBeUndefined();
    expect(await committee.audit('carol')).toContain('keygen-refused: denied');
  });

  test('is told to the others when an operator withdraws', async () => {
    const committee = await Committee.open(3, 'withdraw', { accept: { default: 'ask', proposers: {} } });
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.run(100);
    await committee.at('bob').node.cancel(id);
    await committee.run(100);
    expect(committee.ceremony('alice', id)?.failure).toMatchObject({
      code: 'denied',
      reason: expect.stringContaining('bob'),
    });
    expect(committee.ceremony('bob', id)?.failure).toMatchObject({ code: 'cancelled' });
  });

  test('never reuses a name', async () => {
    const committee = await Committee.open(2, 'name');
    await committee.key();
    await expect(committee.at('bob').node.keygen({ name: 'treasury', scheme: 'taproot' })).rejects.toEqual(
      rejects('name-taken'),
    );
  });

  test.for<[string, Partial<KeygenProposal>, string]>([
    ['for another network', { network: new Uint8Array(32) }, 'denied'],
    ['for a purpose that this node does not serve', { purpose: 'gambling' }, 'denied'],
    ['that has expired', { expires: 1_600_000_000_000 }, 'expired'],
    ['valid for too long', { expires: 1_800_000_000_000 }, 'invalid'],
    ['of epoch 0', { epoch: 0 }, 'invalid'],
    ['of an epoch beyond all attempts', { epoch: limits.attempts + 1 }, 'invalid'],
    ['with a threshold of one', { threshold: 1, lowThreshold: 1 }, 'invalid'],
    ['with a threshold above the members', { threshold: 6 }, 'invalid'],
    ['with a threshold that a minority reaches', { threshold: 2 }, 'invalid'],
    [
      'of an ECDSA key with a tweak',
      { scheme: 'ecdsa', tweak: { type: 'key-path-only', value: new Uint8Array(0) } },
      'invalid',
    ],
    [
      'that hides a script path',
      { scheme: 'taproot', tweak: { type: 'script-tree', value: new Uint8Array(32) } },
      'invalid',
    ],
    ['of a Taproot key that commits to no key path', { scheme: 'taproot' }, 'invalid'],
    ['of an Ed25519 key with a tweak', { tweak: { type: 'key-path-only', value: new Uint8Array(0) } }, 'invalid'],
  ])('is refused %s, by everybody', async ([, more, code]) => {
    const committee = await Committee.open(5, 'bad', { purposes: ['general'] });
    const said = body(proposal(committee, 'alice', more));
    for (const to of ['bob', 'carol']) committee.say('alice', to, { type: 'request', value: { kind: 1, body: said } });
    await committee.run(20);
    for (const name of ['bob', 'carol']) {
      expect((await committee.audit(name)).at(-1)).toBe(`keygen-refused: ${code}`);
      expect(committee.at(name).node.ceremonies()).toEqual([]);
    }
  });

  test('takes a low threshold from whoever says that it is meant', async () => {
    const committee = await Committee.open(5, 'low');
    await expect(committee.at('alice').node.keygen({ name: 'a', scheme: 'ed25519', threshold: 2 })).rejects.toEqual(
      rejects('invalid'),
    );
    const id = await committee.key({ threshold: 2, allowLowThreshold: true });
    const trade = '2 of 5 sign: 3 may be away, and any 2 that are corrupt can forge, although they are a minority';
    expect(committee.ceremony('bob', id)?.proposal?.trade).toBe(trade);
    expect(await committee.at('bob').node.key('treasury')).toMatchObject({ trade });
  });

  test.for([
    [2, 2, 'none may be away, fewer than the 1 that may be corrupt'],
    [3, 2, undefined],
    [4, 2, undefined],
    [4, 3, '1 may be away, fewer than the 2 that may be corrupt'],
    [5, 3, undefined],
    [5, 4, '1 may be away, fewer than the 3 that may be corrupt'],
  ] as const)('by %d parties of which %d sign says what that gives up, and so does the key', async ([n, t, away]) => {
    const committee = await Committee.open(n, 'trade');
    const trade = away && `${t} of ${n} sign: ${away}, and any ${t} that are corrupt can forge`;
    const id = await committee.key({ threshold: t });
    for (const { name, node } of committee.members.values()) {
      expect(committee.ceremony(name, id)?.proposal).toEqual(expect.objectContaining({ trade }));
      expect(await node.key('treasury')).toEqual(expect.objectContaining({ trade }));
    }
  });

  test.for<[string, (committee: Committee) => KeygenProposal, string]>([
    ['not signed by its proposer', (c) => ({ ...proposal(c, 'alice'), signature: new Uint8Array(64) }), 'denied'],
    ['changed on its way', (c) => ({ ...proposal(c, 'alice'), purpose: 'other' }), 'denied'],
    ['in the name of a stranger', (c) => ({ ...proposal(c, 'alice'), proposer: c.client.publicKey }), 'denied'],
    ['by a stranger', (c) => keygenProposals.sign({ ...proposal(c, 'alice') }, c.client), 'denied'],
    [
      'with a stranger in the committee',
      (c) => withMembers(c, (nodes) => [...nodes.slice(1), c.client.publicKey]),
      'invalid',
    ],
    ['with a member twice', (c) => withMembers(c, (nodes) => [...nodes, nodes[0] as Uint8Array]), 'invalid'],
    [
      'with members out of order',
      (c) =>
        withMembers(
          c,
          (nodes) => nodes,
          (members) => members.toReversed().map((one, i) => ({ ...one, party: i + 1 })),
        ),
      'invalid',
    ],
    [
      'with parties numbered from zero',
      (c) =>
        withMembers(
          c,
          (nodes) => nodes,
          (members) => members.map((one, i) => ({ ...one, party: i })),
        ),
      'invalid',
    ],
    [
      'for others than this node',
      (c) => withMembers(c, (nodes) => nodes.filter((node) => toHex(node) !== toHex(c.at('bob').key.publicKey))),
      'invalid',
    ],
  ])('is refused when it is %s', async ([, make, code]) => {
    const committee = await Committee.open(3, 'committee');
    committee.say('alice', 'bob', { type: 'request', value: { kind: 1, body: body(make(committee)) } });
    await committee.run(20);
    expect((await committee.audit('bob')).at(-1)).toBe(`keygen-refused: ${code}`);
    expect(committee.at('bob').node.ceremonies()).toEqual([]);
  });

  test('is prepared once for a name: the READY of an attempt may be held back, and no other key may come meanwhile', async () => {
    const committee = await Committee.open(3, 'once');
    for (const member of committee.members.values()) {
      member.tamper = (frame) => (certifying.has(frame.type) ? [] : [frame]);
    }
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.until(() => states(committee, id).every((state) => state === 'confirming'));
    for (const { node } of committee.members.values()) await node.cancel(id);
    for (const scheme of ['ed25519', 'taproot'] as const) {
      const again = committee.at('alice').node.keygen({ name: 'treasury', scheme });
      await expect(again).rejects.toEqual(rejects('name-taken'));
    }
    const second = body(proposal(committee, 'alice', { epoch: 2 }));
    committee.say('alice', 'bob', { type: 'request', value: { kind: 1, body: second } });
    await committee.run(20);
    expect((await committee.audit('bob')).at(-1)).toBe('keygen-refused: name-taken');
    // The first attempt comes to be after all.
    for (const member of committee.members.values()) member.tamper = undefined;
    await committee.run(2 * limits.readyInterval);
    for (const { node } of committee.members.values()) {
      expect(await node.key('treasury')).toMatchObject({ epoch: 1, state: 'active' });
    }
  });

  test('that ends after another attempt was prepared comes to nothing, and stops nobody', async () => {
    const committee = await Committee.open(4, 'overtaken');
    const { home, fatal } = committee.at('bob');
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    // Not the coordinator: without its Start there is no session that could end.
    const silent = committee.at(committee.turns('coordinator', id)[0] === 'carol' ? 'dave' : 'carol');
    silent.tamper = () => [];
    await committee.run(50);
    silent.tamper = undefined;
    const keyId = keyIdOf(committee.at('bob').config.networkId, 'treasury');
    const other = { keyId, epoch: 9, name: 'treasury', scheme: 'ed25519', publicPackage: new Uint8Array(1) };
    const kept = { ...other, share: new Secret(new Uint8Array(32)), ready: new Uint8Array(32), createdAt: 0 };
    await home.keys.prepare(kept, () => undefined);
    await committee.until(() => committee.ceremony('bob', id)?.state === 'failed');
    expect(committee.ceremony('bob', id)?.failure?.code).toBe('conflict');
    expect(fatal).toEqual([]);
  });

  test('does not become active while one member withholds its READY', async () => {
    const committee = await Committee.open(3, 'withhold');
    committee.at('carol').tamper = (frame) => (certifying.has(frame.type) ? [] : [frame]);
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.run(limits.longestRequest + limits.clockTolerance + 10);
    for (const name of ['alice', 'bob']) {
      expect(committee.ceremony(name, id)?.state).toBe('confirming');
      expect((await committee.at(name).node.key('treasury')).state).toBe('prepared');
      await expect(committee.at(name).node.sign(committee.order('m'))).rejects.toEqual(rejects('key-unknown'));
    }
    committee.at('carol').tamper = undefined;
    await committee.until(() => states(committee, id).every((state) => state === 'done'));
  });

  test.for(['alice', 'bob', 'carol'])(
    'is taken up from the disk by %s, stopped between PREPARED and CERTIFIED',
    async (name) => {
      const committee = await Committee.open(3, 'crash');
      for (const member of committee.members.values())
        member.tamper = (frame) => (certifying.has(frame.type) ? [] : [frame]);
      const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
      await committee.until(() => states(committee, id).every((state) => state === 'confirming'));
      const stopped = committee.at(name);
      await committee.stop(stopped);
      for (const member of committee.members.values()) member.tamper = undefined;
      await committee.run(limits.readyInterval * 2);
      await committee.start(stopped);
      await committee.run(limits.readyInterval * 2);
      for (const { node, home } of committee.members.values()) {
        expect((await node.key('treasury')).state).toBe('active');
        expect(home.keys.get(keyIdOf(stopped.config.networkId, 'treasury'))?.current?.epoch).toBe(1);
      }
      expect((await committee.sign(name, committee.order('m'))).state).toBe('done');
    },
  );

  test('that a member leaves in the middle ends for all, blames nobody, and the next attempt succeeds', async () => {
    const committee = await Committee.open(3, 'leave');
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.until(() => states(committee, id).every((state) => state === 'running'));
    await committee.stop(committee.at('carol'));
    await committee.until(() => committee.ceremony('alice', id)?.state === 'failed', 40_000);
    expect(committee.ceremony('alice', id)?.failure).toMatchObject({
      code: 'timeout',
      culprits: [],
      suspects: ['carol'],
    });
    await committee.start(committee.at('carol'));
    await committee.run(20);
    await committee.key();
  });

  test('one member cannot use up the room for others', async () => {
    const committee = await Committee.open(3, 'room', { accept: { default: 'ask', proposers: {} } });
    for (let i = 0; i < limits.openPerProposer + 3; i++) {
      const one = proposal(committee, 'carol', { name: `k${i}` });
      committee.say('carol', 'alice', { type: 'request', value: { kind: 1, body: body(one) } });
    }
    await committee.run(20);
    expect(committee.at('alice').node.ceremonies().length).toBe(limits.openPerProposer);
    await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
  });

  test.for([[false], [true]] as const)(
    'serves an order that comes before the certificate, which comes while the refusal is recorded: %s',
    async ([late]) => {
      const committee = await Committee.open(3, 'ahead');
      const bob = committee.at('bob');
      const { audit } = bob.home;
      const append = audit.append.bind(audit);
      let record = (): void => undefined;
      const recorded = new Promise<void>((resolve) => {
        record = resolve;
      });
      audit.append = async (time, kind, fields) => {
        if (late && kind === 'sign-refused') await recorded;
        return await append(time, kind, fields);
      };
      // Bob's share is on disk, but he does not hear that everybody is ready.
      committee.hub.fate = ({ to, payload }) => ({
        drop: to === bob.peer && certifying.has(decodeFrame(payload).type),
      });
      const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519', threshold: 3 });
      await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
      const order = await committee.at('alice').node.sign(committee.order('at once'));
      await committee.run(20);
      expect(committee.ceremony('alice', order.id)?.state).not.toBe('done');
      committee.hub.fate = () => ({});
      await committee.until(() => committee.ceremony('bob', id)?.state === 'done');
      record();
      await committee.until(() => committee.ceremony('alice', order.id)?.state === 'done', 10_000);
    },
  );
});

function withMembers(
  committee: Committee,
  choose: (nodes: readonly Uint8Array[]) => readonly Uint8Array[],
  arrange: (members: KeygenProposal['members']) => KeygenProposal['members'] = (members) => members,
): KeygenProposal {
  const nodes = choose([...committee.members.values()].map(({ key }) => key.publicKey)).toSorted(Buffer.compare);
  return proposal(committee, 'alice', { members: arrange(nodes.map((node, i) => ({ party: i + 1, node }))) });
}
