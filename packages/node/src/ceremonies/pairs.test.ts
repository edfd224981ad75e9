import { decodeEnvelope, fromHex, kinds, Secret, sealEnvelope, toHex, wire } from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import { type Preparation, preparations, proposePreparation } from '../policy/preparation.ts';
import type { CeremonyView } from '../service.ts';
import type { NodeFrame } from './frames.ts';

const key = 'vault';

/** Three members with an ECDSA key of which two sign. */
async function threeWithKey(seed: string): Promise<Committee> {
  const committee = await Committee.open(3, seed);
  await committee.key({ name: key, scheme: 'ecdsa', threshold: 2 });
  await committee.run(100);
  return committee;
}

const intent = (text: string) =>
  ({ type: 'hashed', value: { hash: 'sha256', message: new TextEncoder().encode(text) } }) as const;

async function sign(committee: Committee, at: string, text: string): Promise<CeremonyView> {
  return await committee.sign(at, committee.order(text, { key, intent: intent(text) }), 120_000);
}

const signersOf = ({ result }: CeremonyView): readonly string[] => (result?.type === 'signature' ? result.signers : []);

/** With whom a member has something set up. */
function setUp({ home }: Member, committee: Committee): readonly string[] {
  const { material = [] } = home.keys.byName(key)?.current ?? {};
  const order = [...committee.members.values()].toSorted((a, b) => Buffer.compare(a.key.publicKey, b.key.publicKey));
  return material.map((party) => order[party - 1]?.name ?? '?').toSorted();
}

async function materialOf(member: Member, other: string, committee: Committee): Promise<string | undefined> {
  const info = member.home.keys.byName(key);
  if (info?.current === undefined) throw new Error('there is a key');
  using secret = await member.home.keys.materials.get(info.keyId, info.current.epoch, partyOf(committee, other));
  return secret?.use(toHex);
}

function partyOf(committee: Committee, name: string): number {
  const nodes = [...committee.members.values()]
    .map((one) => one.key.publicKey)
    .toSorted((a, b) => Buffer.compare(a, b));
  return nodes.indexOf(committee.at(name).key.publicKey) + 1;
}

/** Signs until these two have signed together. */
async function together(committee: Committee, pair: readonly string[], label: string): Promise<void> {
  for (let n = 0; n < 40; n++) {
    const done = await sign(committee, pair[0] as string, `${label} ${n}`);
    expect(done.state).toBe('done');
    if (pair.every((name) => signersOf(done).includes(name))) return;
  }
  throw new Error(`${pair.join(' and ')} never signed together`);
}

const ready = (committee: Committee, names: readonly string[]): boolean =>
  names.every((name) => names.every((other) => other === name || setUp(committee.at(name), committee).includes(other)));

describe('a node that dies in a check whose outcome a peer learns', () => {
  test.for(['offers', 'answers'])(
    'in round %s burns what they had, blames nobody, and sets it up anew before they sign together again',
    async (round) => {
      const committee = await threeWithKey(`dies ${round}`);
      const bob = committee.at('bob');
      const before = new Map(
        await Promise.all(
          ['alice', 'carol'].map(async (name) => [name, await materialOf(bob, name, committee)] as const),
        ),
      );
      // The process is killed when the check is begun on disk, before anything follows from it.
      const spend = bob.home.sessions.spend.bind(bob.home.sessions);
      let dead: Promise<void> | undefined;
      let sid = '';
      bob.home.sessions.spend = async (tombstone, check) => {
        await spend(tombstone, check);
        if (tombstone.round !== round) return;
        sid = toHex(tombstone.sid);
        dead ??= committee.stop(bob, 'kill');
        await new Promise(() => undefined);
      };
      for (let n = 0; dead === undefined; n++) await sign(committee, 'alice', `try ${n}`);
      await dead;
      const peer = ['alice', 'carol'].find((name) =>
        committee.at(name).sent.some(({ to, frame }) => to === 'bob' && sidOf(frame) === sid),
      ) as string;
      const other = peer === 'alice' ? 'carol' : 'alice';

      await committee.start(bob);
      expect(setUp(bob, committee)).toEqual([other]);
      expect(await committee.audit('bob')).toContain('pairs-burnt');
      // While nothing is set up they do not sit together; the others sign on.
      const meanwhile = await sign(committee, 'bob', 'meanwhile');
      expect(signersOf(meanwhile).toSorted()).not.toEqual(['bob', peer].toSorted());
      await committee.until(() => ready(committee, ['bob', peer]), 60_000);
      expect(await materialOf(bob, peer, committee)).not.toBe(before.get(peer));
      expect(await materialOf(bob, other, committee)).toBe(before.get(other));
      await together(committee, ['bob', peer], 'after');

      // It is not burnt a second time.
      await committee.stop(bob, 'kill');
      await committee.start(bob);
      expect(setUp(bob, committee)).toEqual(['alice', 'carol']);
      for (const { home, node } of committee.members.values()) {
        expect(home.bans.list()).toEqual([]);
        expect(node.peers().every(({ blames }) => blames === 0)).toBe(true);
      }
    },
  );
});

test('an order that waits for two who have nothing set up is carried out as soon as they have', async () => {
  const committee = await threeWithKey('waits');
  const [alice, bob] = [committee.at('alice'), committee.at('bob')];
  await committee.stop(committee.at('carol'), 'kill');
  const { keyId, current } = alice.home.keys.byName(key) as { keyId: Uint8Array; current: { epoch: number } };
  await alice.home.keys.materials.drop(keyId, current.epoch, [partyOf(committee, 'bob')]);
  const order = committee.order('waits', { key, intent: intent('waits') });
  const { id } = await alice.node.sign(order);
  const told = (member: Member): boolean =>
    member.sent.some(({ frame }) => frame.type === 'registration' && frame.value.apart.length > 0);
  await committee.until(() => told(alice) || told(bob), 60_000);
  expect(ready(committee, ['alice', 'bob'])).toBe(false);
  await committee.until(() => ready(committee, ['alice', 'bob']), 60_000);
  await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 2 * limits.signRound);
});

const sidOf = (frame: NodeFrame): string | undefined =>
  frame.type === 'envelope' ? toHex(decodeEnvelope(frame.value).sid) : undefined;

describe('a ban', () => {
  let committee: Committee;
  let victim: string;
  let before: string | undefined;

  beforeAll(async () => {
    committee = await threeWithKey('lifted');
    const carol = committee.at('carol');
    before = await materialOf(committee.at('alice'), 'carol', committee);
    // Breaks what carol sends as the one that multiplies.
    carol.tamper = (frame) => {
      if (frame.type !== 'envelope') return [frame];
      const envelope = decodeEnvelope(frame.value);
      if (envelope.kind !== kinds.sign || envelope.round !== 1 || envelope.class !== 'direct') return [frame];
      const payload = envelope.payload.map((byte, i) => (i === 5_165 ? byte ^ 1 : byte));
      return [{ type: 'envelope', value: sealEnvelope(envelope, envelope.echo, payload, carol.key).frame }];
    };
    const banned = (): readonly string[] =>
      ['alice', 'bob'].filter((name) => committee.at(name).home.bans.list().length > 0);
    for (let n = 0; banned().length === 0; n++) await sign(committee, 'alice', `try ${n}`);
    victim = banned()[0] as string;
    carol.tamper = undefined;
  });

  test('takes everything that was set up with the member, at once and for good', async () => {
    const other = victim === 'alice' ? 'bob' : 'alice';
    expect(setUp(committee.at(victim), committee)).toEqual([other]);
    const peer = committee
      .at(victim)
      .node.peers()
      .find(({ name }) => name === 'carol');
    expect(peer).toMatchObject({ banned: true, pairs: { ready: 0, missing: 1 } });
    // Nobody sets it up anew, however long one waits, and the banned one is refused when it proposes.
    await committee.run(2 * limits.pairPatience);
    expect(setUp(committee.at(victim), committee)).toEqual([other]);
    expect(await committee.audit(victim)).not.toContain('pairs-refused: denied');
    await committee.stop(committee.at('carol'));
    await committee.start(committee.at('carol'));
    const { home } = committee.at('carol');
    const info = home.keys.byName(key);
    if (info?.current === undefined) throw new Error('there is a key');
    await home.keys.materials.drop(info.keyId, info.current.epoch, [partyOf(committee, victim)]);
    await committee.run(3 * limits.pairPatience);
    const declined = committee
      .at('carol')
      .node.ceremonies()
      .filter(({ kind }) => kind === 'pairs');
    expect(declined.length).toBeGreaterThan(0);
    expect(await committee.audit(victim)).toContain('pairs-refused: denied');
    for (const one of declined) {
      expect(one.failure).toMatchObject({ code: 'denied', reason: expect.stringContaining('is banned here') });
    }
    expect(setUp(committee.at(victim), committee)).toEqual([other]);
  });

  test('is lifted by the operator alone, and only for a set-up from the bottom', async () => {
    const { node } = committee.at(victim);
    await expect(node.unban('dave')).rejects.toMatchObject({ code: 'peer-unknown' });
    await expect(node.unban(victim === 'alice' ? 'bob' : 'alice')).rejects.toMatchObject({ code: 'not-banned' });
    // Whatever is there by then, a backup that was put back say, goes.
    const { home } = committee.at(victim);
    const info = home.keys.byName(key);
    if (info?.current === undefined || before === undefined) throw new Error('there is a key');
    const old = new Secret(fromHex(before));
    await home.keys.materials.replace(info.keyId, info.current.epoch, partyOf(committee, 'carol'), old);
    expect(await node.unban('carol')).toMatchObject({ banned: false, pairs: { ready: 0, missing: 1 } });
    expect(await committee.audit(victim)).toContain('ban-lifted');
    await committee.until(() => ready(committee, [victim, 'carol']), 120_000);
    expect(await materialOf(committee.at(victim), 'carol', committee)).not.toBe(before);
    await together(committee, [victim, 'carol'], 'reconciled');
    await committee.stop(committee.at(victim));
    await committee.start(committee.at(victim));
    expect(committee.at(victim).home.bans.list()).toEqual([]);
    expect(setUp(committee.at(victim), committee)).toHaveLength(2);
  });
});

describe('a set-up that is cut off', () => {
  let committee: Committee;
  beforeAll(async () => {
    committee = await threeWithKey('cut off');
  });

  const cuts = ['offers', 'points', 'trees', 'agreed'].flatMap((round) =>
    ['alice', 'bob'].map((victim): [string, string] => [round, victim]),
  );

  test.for(cuts)(
    'in round %s, by the death of %s, is begun again until both hold what fits',
    async ([round, victim]) => {
      const { home } = committee.at('alice');
      const info = home.keys.byName(key);
      if (info?.current === undefined) throw new Error('there is a key');
      let dead: Promise<void> | undefined;
      committee.at(victim).node.follow(({ kind, round: label }) => {
        if (kind !== 'pairs' || label !== round || dead !== undefined) return;
        dead = Promise.resolve().then(async () => committee.stop(committee.at(victim), 'kill'));
      });
      await home.keys.materials.drop(info.keyId, info.current.epoch, [partyOf(committee, 'bob')]);
      await committee.until(() => dead !== undefined, 60_000);
      await dead;
      await committee.start(committee.at(victim));
      await committee.until(() => ready(committee, ['alice', 'bob']), 120_000);
      await together(committee, ['alice', 'bob'], `${round} ${victim}`);
      for (const { fatal, home: each } of committee.members.values()) {
        expect(fatal).toEqual([]);
        expect(each.bans.list()).toEqual([]);
      }
    },
  );
});

test('a node that died after it wrote a ban, and before it dropped what was set up, drops it at its start', async () => {
  const committee = await threeWithKey('died');
  const alice = committee.at('alice');
  await alice.home.bans.ban({ node: committee.at('carol').key.publicKey, session: new Uint8Array(32), time: 1 });
  expect(setUp(alice, committee)).toEqual(['bob', 'carol']);
  await committee.stop(alice, 'kill');
  await committee.start(alice);
  expect(setUp(alice, committee)).toEqual(['bob']);
});

test('a node that died in a set-up and comes back joins no session that is lost, but begins another', async () => {
  const committee = await threeWithKey('comes back');
  const { home, node } = committee.at('alice');
  const info = home.keys.byName(key);
  if (info?.current === undefined) throw new Error('there is a key');
  let lost: string | undefined;
  let dead: Promise<void> | undefined;
  committee.at('bob').node.follow(({ id, kind, round }) => {
    if (kind !== 'pairs' || round !== 'points' || dead !== undefined) return;
    lost = id;
    dead = Promise.resolve().then(async () => committee.stop(committee.at('bob'), 'kill'));
  });
  await home.keys.materials.drop(info.keyId, info.current.epoch, [partyOf(committee, 'bob')]);
  await committee.until(() => dead !== undefined, 60_000);
  await dead;
  expect(node.ceremonies().find(({ id }) => id === lost)).toMatchObject({ state: 'running' });
  await committee.start(committee.at('bob'));
  await committee.until(() => ready(committee, ['alice', 'bob']), 120_000);
  const known = committee.at('bob').node.ceremonies();
  expect(known.map(({ id }) => id)).not.toContain(lost);
});

describe('a proposal to set a pair up anew', () => {
  let committee: Committee;
  beforeAll(async () => {
    committee = await threeWithKey('proposals');
  });

  const refused: [string, Partial<Preparation>, string][] = [
    ['of another kind', { kind: kinds.presign }, 'invalid'],
    ['for another network', { network: new Uint8Array(32) }, 'denied'],
    ['for another epoch', { epoch: 7 }, 'denied'],
    ['for no key', { key: 'nothing' }, 'key-unknown'],
    ['of three', { parties: [1, 2, 3] }, 'invalid'],
    ['of one', { parties: [1] }, 'denied'],
    ['with one party twice', { parties: [1, 1] }, 'invalid'],
    ['with a party that has no share', { parties: [1, 4] }, 'invalid'],
    ['that has expired', { expires: 1 }, 'expired'],
  ];

  test.for(refused)('%s is refused, and nothing is dropped', async ([, change, code]) => {
    const alice = committee.at('alice');
    const good = {
      network: alice.config.networkId,
      key,
      epoch: 1,
      parties: [partyOf(committee, 'alice'), partyOf(committee, 'bob')].toSorted((a, b) => a - b),
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const kind = change.kind === kinds.presign ? 'presign' : 'pairs';
    const body = wire.encode(preparations.codec, proposePreparation(kind, { ...good, ...change }, alice.key));
    const before = (await committee.audit('bob')).length;
    committee.say('alice', 'bob', { type: 'request', value: { kind: kinds.pairs, body } });
    await committee.run(20);
    expect((await committee.audit('bob')).slice(before)).toEqual([`pairs-refused: ${code}`]);
    expect(setUp(committee.at('bob'), committee)).toEqual(['alice', 'carol']);
  });

  test('by another than who takes part, with a signature that is none, or out of order is refused', async () => {
    const [alice, carol] = [committee.at('alice'), committee.at('carol')];
    const parties = [partyOf(committee, 'alice'), partyOf(committee, 'bob')].toSorted((a, b) => a - b);
    const unsigned = {
      network: alice.config.networkId,
      key,
      epoch: 1,
      parties,
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32).fill(1),
    };
    const byCarol = proposePreparation('pairs', unsigned, carol.key);
    const forged = { ...proposePreparation('pairs', unsigned, alice.key), signature: byCarol.signature };
    const reversed = proposePreparation('pairs', { ...unsigned, parties: parties.toReversed() }, alice.key);
    const refusals = [
      [byCarol, 'denied'],
      [forged, 'denied'],
      [reversed, 'invalid'],
    ] as const;
    for (const [proposal, code] of refusals) {
      const before = (await committee.audit('bob')).length;
      const body = wire.encode(preparations.codec, proposal);
      committee.say('carol', 'bob', { type: 'request', value: { kind: kinds.pairs, body } });
      await committee.run(20);
      expect((await committee.audit('bob')).slice(before)).toEqual([`pairs-refused: ${code}`]);
    }
    expect(setUp(committee.at('bob'), committee)).toEqual(['alice', 'carol']);
  });

  /** A proposal of one of two members, to be said to the other. */
  function proposalOf(by: string, other: string, nonce: number): Uint8Array {
    const { config, key: own } = committee.at(by);
    const parties = [partyOf(committee, by), partyOf(committee, other)].toSorted((a, b) => a - b);
    const expires = committee.clock.now() + 60_000;
    const unsigned = {
      network: config.networkId,
      key,
      epoch: 1,
      parties,
      expires,
      nonce: new Uint8Array(32).fill(nonce),
    };
    return wire.encode(preparations.codec, proposePreparation('pairs', unsigned, own));
  }

  const propose = async (from: string, to: string, body: Uint8Array): Promise<readonly string[]> => {
    const before = (await committee.audit(to)).length;
    committee.say(from, to, { type: 'request', value: { kind: kinds.pairs, body } });
    await committee.run(20);
    return (await committee.audit(to)).slice(before);
  };

  test('takes the place of an older one of its proposer, who may have died and forgotten it', async () => {
    const states = () =>
      committee
        .at('carol')
        .node.ceremonies()
        .filter(({ kind }) => kind === 'pairs')
        .map(({ state, failure }) => failure?.code ?? state);
    expect(await propose('alice', 'carol', proposalOf('alice', 'carol', 1))).toEqual(['pairs-approved']);
    expect(await propose('alice', 'carol', proposalOf('alice', 'carol', 2))).toEqual(['pairs-approved']);
    expect(states()).toEqual(['accepted', 'conflict']);
  });

  test('is refused while the two are at it already', async () => {
    const { home } = committee.at('alice');
    const info = home.keys.byName(key);
    if (info?.current === undefined) throw new Error('there is a key');
    let refused: Promise<readonly string[]> | undefined;
    committee.at('bob').node.follow(({ kind, round }) => {
      if (kind === 'pairs' && round === 'points') {
        refused ??= Promise.resolve().then(async () => propose('alice', 'bob', proposalOf('alice', 'bob', 3)));
      }
    });
    await home.keys.materials.drop(info.keyId, info.current.epoch, [partyOf(committee, 'bob')]);
    await committee.until(() => refused !== undefined, 60_000);
    // It has passed the rules, and there is no room for it.
    expect(await refused).toContain('pairs-approved');
    await committee.until(() => ready(committee, ['alice', 'bob']), 60_000);
    const ends = committee
      .at('bob')
      .node.ceremonies()
      .filter(({ kind }) => kind === 'pairs');
    expect(ends.map(({ failure, state }) => failure?.code ?? state)).toEqual(['done']);
  });
});
