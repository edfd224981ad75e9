import {
  certificateCodec,
  decodeEnvelope,
  fromHex,
  publicPackageCodec,
  register,
  toHex,
  wire,
} from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import type { NodeFrame } from '../ceremonies/frames.ts';
import { limits } from '../limits.ts';
import { bootCounter, bootEpochOf } from '../network/hello.ts';
import { requestId, type SignRequest } from '../policy/sign-request.ts';
import type { CeremonyView, RepairOrder } from '../service.ts';
import { nativeTools } from '../tools.ts';
import type { StandingMessage } from './messages.ts';
import type { StandingParts } from './parts.ts';
import { generationOf, readStatement, type Statement, state } from './statement.ts';
import { Watch } from './watch.ts';

/** Longer than peers wait for another instance to be gone, and a round of questions after it. */
const lease = limits.instanceLease + 3 * limits.recoveryRound;

/** Puts a member's disk back to what it was when `store` was copied, with everything beside it, and starts it. */
async function restore(committee: Committee, member: Member, store: Member['store']): Promise<void> {
  await committee.stop(member, 'kill');
  member.store = store;
  await committee.start(member);
  await committee.run(50);
}

async function restart(committee: Committee, member: Member): Promise<void> {
  await committee.stop(member);
  await committee.start(member);
  await committee.run(50);
}

const stateOf = async ({ node }: Member): Promise<string> => (await node.status()).standing.state;
/** Whether the operator is told that freezes may be forgotten. */
const forgets = async ({ node }: Member): Promise<boolean> =>
  (await node.status()).warnings.some((warning) => /freeze again/.test(warning));
const doubtedAt = ({ node }: Member): readonly string[] =>
  node
    .peers()
    .filter(({ doubted }) => doubted)
    .map(({ name }) => name);

async function signersOf(committee: Committee, at: string, text: string): Promise<readonly string[]> {
  const { result } = await committee.sign(at, committee.order(text), 60_000);
  return result?.type === 'signature' ? result.signers : [];
}

const say = (committee: Committee, from: string, to: string, value: StandingMessage): void =>
  committee.say(from, to, { type: 'standing', value });

/** What a member signs of itself, or would. */
function statementOf({ config, home, key }: Member, change: Partial<Statement> = {}): Uint8Array {
  return state({ network: config.networkId, bootEpoch: home.bootEpoch, counter: 1, bans: [], ...change }, key);
}

async function repair(committee: Committee, name: string, order: RepairOrder = {}): Promise<void> {
  const asked = committee.at(name).node.repair('treasury', order);
  await committee.run(50);
  const { id } = await asked;
  await committee.until(() => committee.ceremony(name, id)?.state === 'done');
}

const reader = ({ config, key }: Member) => [config.networkId, key.publicKey, nativeTools().signatures] as const;

/** Three with a key that all must sign with. */
async function trio(seed: string): Promise<readonly [Committee, Member]> {
  const committee = await Committee.open(3, seed);
  await committee.key({ threshold: 3 });
  return [committee, committee.at('carol')];
}

describe('a node that starts over and over', () => {
  test('leaves nothing behind, is held for no other than it is, and signs: a hundred times in a minute', async () => {
    const [committee, carol] = await trio('crash loop');
    const [alice, bob] = [committee.at('alice'), committee.at('bob')];
    await restart(committee, carol);
    const sizes = async () => {
      const stores = [carol, bob].map(({ store }) => store.copy().durable.size);
      return [
        ...stores,
        ...(await Promise.all(['carol', 'bob'].map(async (name) => (await committee.audit(name)).length))),
      ];
    };
    const before = await sizes();
    const old = toHex(carol.home.bootEpoch);
    await committee.stop(alice);
    const since = committee.clock.now();
    for (let i = 0; i < 70; i++) await restart(committee, carol);
    // What is held of a start that is too long ago for it to remember.
    const lives = carol.home.marks.own().lives.map(({ bootEpoch }) => toHex(bootEpoch));
    expect([lives.length, lives.includes(old)]).toEqual([limits.lives, false]);
    const sent = alice.sent.length;
    await committee.start(alice);
    await committee.run(50);
    const shown = alice.sent.slice(sent).flatMap(({ frame, to }) => {
      const statements = frame.type === 'standing' && frame.value.type === 'held' ? frame.value.value.statements : [];
      return to === 'carol' ? statements.map((one) => readStatement(one, ...reader(carol))) : [];
    });
    expect(shown.map((one) => toHex(one?.bootEpoch ?? new Uint8Array()))).toEqual([old]);
    for (let i = 0; i < 30; i++) await restart(committee, carol);
    expect(committee.clock.now() - since).toBeLessThan(60_000);

    expect(await stateOf(carol)).toBe('well');
    expect([doubtedAt(alice), doubtedAt(bob)]).toEqual([[], []]);
    for (const { fatal, node } of committee.members.values()) {
      expect(fatal).toEqual([]);
      for (const { banned, blames } of node.peers()) expect([banned, blames]).toEqual([false, 0]);
    }
    expect(await sizes()).toEqual(before);
    expect(await signersOf(committee, 'carol', 'after all')).toContain('carol');
  });
});

describe('a node on an earlier copy of its disk', () => {
  test.each([
    ['of a run before the last', 2],
    ['of the last run', 1],
    ['of the same run', 0],
  ])('%s notices, does nothing until others confirm, and then signs again', async (_, restarts) => {
    const [committee, carol] = await trio(`restored ${restarts}`);
    const copy = carol.store.copy();
    for (let i = 0; i < restarts; i++) await restart(committee, carol);
    expect(await signersOf(committee, 'carol', 'after the copy')).toContain('carol');
    await committee.run(limits.standingPause + 50);
    const old = statementOf(carol, { counter: 9 });
    await restore(committee, carol, copy);

    expect(await stateOf(carol)).toBe('recovering');
    expect(await forgets(carol)).toBe(true);
    expect(await committee.audit('carol')).toContain('rolled-back');
    expect(await carol.node.health()).toMatchObject({ ready: false });
    await expect(carol.node.sign(committee.order('too early'))).rejects.toMatchObject({ code: 'suspended' });
    await expect(carol.node.keyPackage('treasury')).rejects.toMatchObject({ code: 'suspended' });
    await committee.run(limits.instanceLease - 1000);
    expect(await stateOf(carol)).toBe('recovering');
    const sent = carol.sent.filter(({ frame }) => frame.type === 'registration' || frame.type === 'envelope');
    expect((await committee.at('alice').node.sign(committee.order('too early'))).state).toBe('accepted');
    await committee.run(500);
    expect(carol.sent.filter(({ frame }) => frame.type === 'registration' || frame.type === 'envelope')).toEqual(sent);

    await committee.run(lease);
    expect(await stateOf(carol)).toBe('well');
    expect(await signersOf(committee, 'carol', 'at the end')).toContain('carol');
    expect(doubtedAt(committee.at('alice'))).toEqual([]);
    expect(generationOf(carol.home.bootEpoch)).toBe(1);
    expect(await forgets(carol)).toBe(true);
    // It is over with what it was shown then.
    say(committee, 'alice', 'carol', { type: 'held', value: { statements: [old], twin: 0 } });
    await committee.run(50);
    expect(await stateOf(carol)).toBe('well');
    // What it says now is the truth after a restart, too.
    await restart(committee, carol);
    expect([await stateOf(carol), generationOf(carol.home.bootEpoch)]).toEqual(['well', 1]);
    expect(await forgets(carol)).toBe(false);
  });

  test('takes part in no number under which it may have promised something, and proposes none', async () => {
    const [committee, carol] = await trio('floor');
    await committee.key({ name: 'other' });
    const copy = carol.store.copy();
    await restart(committee, carol);
    await committee.run(limits.standingPause + 50);
    await restore(committee, carol, copy);
    await committee.run(lease);
    expect(await stateOf(carol)).toBe('well');
    const floor = carol.home.marks.floor();
    expect(floor).toBeGreaterThan(1_600_000_000);
    const ended = async (name: string, asked: Promise<CeremonyView>): Promise<CeremonyView | undefined> => {
      const { id } = await asked;
      await committee.until(() => ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? ''), 120_000);
      return committee.ceremony(name, id);
    };
    const refused = { failure: { reason: expect.stringMatching(/numbers only rise/) } };
    const above = { result: { epoch: expect.toSatisfy((epoch) => epoch > floor) } };
    const { node } = committee.at('alice');
    for (const outcome of [refused, above]) {
      expect(await ended('alice', node.refresh('treasury'))).toMatchObject(outcome);
      expect(await ended('alice', node.reshare('other', { threshold: 3 }))).toMatchObject(outcome);
    }
    await restart(committee, carol);
    expect(carol.home.marks.floor()).toBe(floor);
  });

  test('proposes numbers above those, at once', async () => {
    const [committee, carol] = await trio('own floor');
    await committee.key({ name: 'other' });
    const copy = carol.store.copy();
    await restart(committee, carol);
    await committee.run(limits.standingPause + 50);
    await restore(committee, carol, copy);
    await committee.run(lease);
    for (const propose of [
      async () => carol.node.refresh('treasury'),
      async () => carol.node.reshare('other', { threshold: 3 }),
    ]) {
      const { id } = await propose();
      await committee.until(() => ['done', 'failed'].includes(committee.ceremony('carol', id)?.state ?? ''), 120_000);
      expect(committee.ceremony('carol', id)?.state).toBe('done');
    }
  });

  test('is found out by peers that were restarted meanwhile, and remembers it over its own restarts', async () => {
    const [committee, carol] = await trio('restarted');
    const copy = carol.store.copy();
    await restart(committee, carol);
    await committee.stop(carol, 'kill');
    for (const name of ['alice', 'bob']) await restart(committee, committee.at(name));
    carol.store = copy;
    await committee.start(carol);
    await committee.run(50);
    expect(await stateOf(carol)).toBe('recovering');
    await committee.stop(carol);
    for (const name of ['alice', 'bob']) await committee.stop(committee.at(name));
    await committee.start(carol);
    await committee.run(50);
    expect(await stateOf(carol)).toBe('recovering');
    await expect(carol.node.sign(committee.order('alone'))).rejects.toMatchObject({ code: 'suspended' });
    for (const name of ['alice', 'bob']) await committee.start(committee.at(name));
    await committee.run(50);
    // The doubt was on the disk of the others.
    expect(doubtedAt(committee.at('alice'))).toEqual(['carol']);
    expect((await carol.node.health()).keys).toMatchObject([{ signable: false, problem: 'this node is recovering' }]);
    const { node } = committee.at('alice');
    expect((await node.health()).keys).toMatchObject([
      { online: 2, signable: false, problem: expect.stringMatching(/too few/) },
    ]);
    const why = expect.stringMatching(/carol is doubted/);
    await expect(node.refresh('treasury')).rejects.toMatchObject({ code: 'no-quorum', message: why });
    expect((await node.previewReshare('treasury', { threshold: 2 })).problems).toContainEqual(why);
    // They cannot know who was here a moment before they began.
    await committee.run(limits.instanceLease / 2);
    expect(await stateOf(carol)).toBe('recovering');
    await committee.run(lease);
    expect([await stateOf(carol), doubtedAt(committee.at('alice'))]).toEqual(['well', []]);
  });

  test('from before a refresh learns that its share was lost, and does not sign with the old one', async () => {
    const committee = await Committee.open(3, 'refreshed');
    await committee.key();
    const carol = committee.at('carol');
    const copy = carol.store.copy();
    await committee.run(limits.refreshPause);
    const { id } = await committee.at('alice').node.refresh('treasury');
    await committee.until(() =>
      [...committee.members.keys()].every((name) => committee.ceremony(name, id)?.state === 'done'),
    );
    await committee.run(50);
    const sent = carol.sent.length;
    await restore(committee, carol, copy);
    expect(await stateOf(carol)).toBe('recovering');
    await committee.run(lease);
    expect(await stateOf(carol)).toBe('well');
    // Both proved it, and are not told. It heard one of them use it a moment before, asked that one, and showed the other.
    expect(carol.sent.slice(sent).filter(({ frame }) => frame.type === 'certificate')).toHaveLength(1);
    const { warnings } = await carol.node.status();
    expect(warnings.filter((warning) => warning.includes('repair'))).toEqual([
      expect.stringMatching(
        /^the key treasury .*epoch 2 was lost with a rollback; run `quorate keys repair treasury`$/,
      ),
    ]);
    expect((await carol.node.health()).keys).toMatchObject([
      { signable: false, problem: expect.stringMatching(/missing/) },
    ]);
    await expect(carol.node.sign(committee.order('old share'))).rejects.toMatchObject({ code: 'denied' });
    expect(await signersOf(committee, 'alice', 'new shares')).toEqual(['alice', 'bob']);
    await restart(committee, carol);
    await expect(carol.node.sign(committee.order('old share'))).rejects.toMatchObject({ code: 'denied' });

    await repair(committee, 'carol');
    expect((await carol.node.status()).warnings.join()).not.toContain('lost');
    await committee.stop(committee.at('bob'));
    expect(await signersOf(committee, 'carol', 'repaired')).toEqual(['alice', 'carol']);
  });

  /** What is proved to alice by carol alone: she sends nobody READY, and nobody else a certificate. */
  const alone =
    (change: (certificate: Uint8Array) => Uint8Array = (one) => one): Tamper =>
    (frame) => {
      if (['ready', 'activated', 'certificate'].includes(frame.type)) return [];
      if (frame.type !== 'standing' || frame.value.type !== 'proof') return [frame];
      const { nonce, certificate } = frame.value.value;
      return [
        { type: 'standing', value: { type: 'proof', value: { nonce, certificate: change(certificate) } } } as const,
      ];
    };
  const epochAt = ({ home }: Member): number | undefined => home.keys.byName('treasury')?.current?.epoch;

  test('from before an epoch that one liar alone could certify shows it to the others, and gets its share of it', async () => {
    const committee = await Committee.open(5, 'kept back');
    await committee.key({ threshold: 3 });
    const [alice, carol] = [committee.at('alice'), committee.at('carol')];
    await committee.run(limits.refreshPause);
    const copy = alice.store.copy();
    carol.tamper = alone();
    await committee.at('bob').node.refresh('treasury');
    await committee.until(() => epochAt(carol) === 2, 60_000);
    expect(epochAt(committee.at('bob'))).toBe(1);
    await restart(committee, alice);
    await restore(committee, alice, copy);
    expect(await stateOf(alice)).toBe('recovering');
    await committee.run(lease);
    expect(await stateOf(alice)).toBe('well');
    await expect(alice.node.sign(committee.order('old share'))).rejects.toMatchObject({ code: 'denied' });
    expect(['bob', 'dave', 'erin'].map((name) => epochAt(committee.at(name)))).toEqual([2, 2, 2]);
    // Carol is of no use to anybody from here on, and nobody needs her.
    await committee.stop(carol);
    await repair(committee, 'alice');
    await committee.stop(committee.at('bob'));
    expect((await signersOf(committee, 'alice', 'repaired')).toSorted()).toEqual(['alice', 'dave', 'erin']);
  });

  test.for(['known here', 'that the others prove'])(
    'takes no certificate without the approvals that it needs for a loss: the epoch it renews is %s',
    async (which) => {
      const isKnown = which === 'known here';
      const committee = await Committee.open(6, `stripped ${which}`);
      const members = ['alice', 'bob', 'carol', 'dave', 'erin'];
      const { node } = committee.at('alice');
      const made = await node.keygen({ name: 'treasury', scheme: 'ed25519', threshold: 3, members });
      const areDone = (id: string) => members.every((name) => committee.ceremony(name, id)?.state === 'done');
      await committee.until(() => areDone(made.id));
      await committee.run(limits.refreshPause);
      const [alice, carol] = [committee.at('alice'), committee.at('carol')];
      const copy = alice.store.copy();
      if (!isKnown) {
        const { id } = await node.refresh('treasury');
        await committee.until(() => areDone(id), 60_000);
        await committee.run(limits.refreshPause);
      }
      const base = epochAt(alice) as number;
      carol.tamper = alone((one) =>
        wire.encode(certificateCodec, { ...wire.decode(certificateCodec, one), approvals: [] }),
      );
      await node.reshare('treasury', { members: ['alice', 'carol', 'frank'], threshold: 2 });
      await committee.until(() => epochAt(carol) === base + 1, 60_000);
      await restart(committee, alice);
      await restore(committee, alice, copy);
      expect(await stateOf(alice)).toBe('recovering');
      await committee.run(lease);
      const { keyId } = await committee.at('bob').node.key('treasury');
      const lost = alice.home.marks.epochOf(fromHex(keyId));
      expect([await stateOf(alice), lost]).toEqual(['well', isKnown ? 0 : base]);
      await committee.stop(carol);
      if (!isKnown) await repair(committee, 'alice');
      await committee.stop(committee.at('bob'));
      expect(await signersOf(committee, 'alice', 'after')).toEqual(expect.arrayContaining(['alice', 'dave', 'erin']));
    },
  );

  test('from before a key was made learns of the key', async () => {
    const committee = await Committee.open(3, 'no key');
    const carol = committee.at('carol');
    const copy = carol.store.copy();
    await committee.key();
    await committee.run(limits.standingPause + 50);
    await restore(committee, carol, copy);
    await committee.run(lease);
    expect([await stateOf(carol), await carol.node.keys()]).toEqual(['well', []]);
    const { keyId } = await committee.at('alice').node.key('treasury');
    const { warnings } = await carol.node.status();
    expect(warnings.join()).toMatch(/a key that was made after the backup, epoch 1, was lost .*--public-key/);
    expect(warnings.join()).toContain(keyId);
    expect(carol.home.marks.epochOf(fromHex(keyId))).toBe(1);
    // No other key takes its name, be it one that the others would not hear of.
    const again = carol.node.keygen({ name: 'treasury', scheme: 'taproot' });
    await expect(again).rejects.toMatchObject({ code: 'name-taken', message: expect.stringMatching(/lost here/) });
    const { publicKey } = await committee.at('alice').node.key('treasury');
    await repair(committee, 'carol', { publicKey });
    await committee.stop(committee.at('bob'));
    expect(await signersOf(committee, 'carol', 'repaired')).toEqual(['alice', 'carol']);
  });

  test('is told its bans by its own word', async () => {
    const [committee, carol] = await trio('banned');
    const copy = carol.store.copy();
    const bob = committee.at('bob').key.publicKey;
    await carol.home.bans.ban({ node: bob, session: new Uint8Array(32), time: 1 });
    await restart(committee, carol);
    await restore(committee, carol, copy);
    expect(carol.home.bans.has(bob)).toBe(true);
    await restart(committee, carol);
    expect(carol.home.bans.has(bob)).toBe(true);
  });

  test('drops what was set up with others, and sets it up anew', async () => {
    const committee = await Committee.open(2, 'pairs');
    await committee.key({ scheme: 'ecdsa', threshold: 2 });
    const bob = committee.at('bob');
    const copy = bob.store.copy();
    await restart(committee, bob);
    await restore(committee, bob, copy);
    const { materials } = bob.home.keys;
    const drop = materials.drop.bind(materials);
    const dropped: (readonly number[])[] = [];
    materials.drop = async (keyId, epoch, parties) => {
      dropped.push(parties);
      await drop(keyId, epoch, parties);
    };
    expect(bob.node.peers()[0]?.pairs).toEqual({ ready: 1, missing: 0 });
    await committee.until(() => bob.home.marks.own().state === 'well', lease);
    expect(dropped.map((parties) => parties.length)).toContain(1);
    await committee.until(() => bob.node.peers()[0]?.pairs.ready === 1, 60_000);
    const intent = { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(3) } } as const;
    const signed = await committee.sign('bob', committee.order('with a fresh pair', { intent }), 60_000);
    expect(signed.state).toBe('done');
  }, 60_000);
});

describe('the confirmation', () => {
  test('takes more peers than may lie: as many of the others as would have to sign', async () => {
    const committee = await Committee.open(5, 'quorum');
    await committee.key();
    const erin = committee.at('erin');
    const copy = erin.store.copy();
    await restart(committee, erin);
    await restore(committee, erin, copy);
    const peers = (...members: string[]) => members.map((name) => committee.at(name).peer);
    // Two of four others, which a key of three of five takes for possible liars.
    committee.hub.partition(peers('alice', 'bob', 'erin'), peers('carol', 'dave'));
    await committee.run(2 * lease);
    expect((await erin.node.status()).standing).toMatchObject({ state: 'recovering', confirmedBy: ['alice', 'bob'] });
    committee.hub.partition(peers('alice', 'bob', 'carol', 'erin'), peers('dave'));
    await committee.run(lease);
    expect(await stateOf(erin)).toBe('well');
  });

  test('counts members of keys that only certificates speak of', async () => {
    const committee = await Committee.open(5, 'learned');
    const [dave, erin] = [committee.at('dave'), committee.at('erin')];
    const copy = erin.store.copy();
    await committee.key({ threshold: 5 });
    await committee.run(limits.standingPause + 50);
    await restore(committee, erin, copy);
    await committee.stop(dave);
    // Three are enough for the roster, but the key takes all.
    await committee.run(2 * lease);
    expect(await stateOf(erin)).toBe('recovering');
    await committee.start(dave);
    await committee.run(2 * lease);
    expect(await stateOf(erin)).toBe('well');
  });

  test('is good for the question that it answers, and no other', async () => {
    const [committee, carol] = await trio('nonces');
    const copy = carol.store.copy();
    await restart(committee, carol);
    for (const name of ['alice', 'bob']) {
      committee.at(name).tamper = (frame) => {
        if (frame.type !== 'standing' || frame.value.type !== 'told') return [frame];
        return [
          { type: 'standing', value: { ...frame.value, value: { ...frame.value.value, nonce: new Uint8Array(32) } } },
        ];
      };
    }
    await restore(committee, carol, copy);
    await committee.run(lease);
    expect((await carol.node.status()).standing).toMatchObject({ state: 'recovering', confirmedBy: [] });
  });
});

test('whoever is told of a twin asks no more, and waits for its operator', async () => {
  const [committee, carol] = await trio('told of a twin');
  const copy = carol.store.copy();
  await restart(committee, carol);
  committee.at('alice').tamper = (frame) => {
    if (frame.type !== 'standing' || frame.value.type !== 'told') return [frame];
    return [{ type: 'standing', value: { type: 'told', value: { ...frame.value.value, twin: 1, wait: 0 } } }];
  };
  await restore(committee, carol, copy);
  await committee.run(2 * lease);
  expect(await stateOf(carol)).toBe('suspended');
});

describe('liars', () => {
  test('put no honest node into recovery, whatever they show', async () => {
    const [committee, carol] = await trio('liars');
    const alice = committee.at('alice');
    const old = statementOf(carol);
    const beyond = statementOf(carol, { counter: 99 });
    const other = new Uint8Array(32).fill(9);
    const forgeries = [
      old,
      old.slice(0, -1),
      Uint8Array.of(...beyond, 0),
      beyond.map((byte, i) => (i === 80 ? byte ^ 1 : byte)),
      statementOf(carol, { counter: 99, network: other }),
      statementOf(alice, { counter: 99 }),
      new Uint8Array(0),
    ];
    for (const statement of forgeries) {
      for (const type of ['held', 'doubted'] as const)
        say(committee, 'alice', 'carol', { type, value: { statements: [statement], twin: 1 } });
      say(committee, 'alice', 'bob', { type: 'said', value: statement });
    }
    await committee.run(50);
    expect(await stateOf(carol)).toBe('well');
    expect(doubtedAt(committee.at('bob'))).toEqual([]);
    expect(await signersOf(committee, 'carol', 'all the same')).toContain('carol');
  });

  test('cannot have a node believe in a loss without a certificate that it signed', async () => {
    const [committee, carol] = await trio('false certificates');
    const copy = carol.store.copy();
    await restart(committee, carol);
    const keyId = fromHex((await committee.at('alice').node.key('treasury')).keyId);
    const held = committee.at('alice').home.keys.get(keyId)?.current?.certificate as Uint8Array;
    const certificate = wire.decode(certificateCodec, held);
    const codec = publicPackageCodec(nativeTools().groups.ed25519);
    const publicPackage = wire.encode(codec, { ...wire.decode(codec, certificate.publicPackage), epoch: 9 });
    const forged = wire.encode(certificateCodec, { ...certificate, publicPackage });
    committee.at('alice').tamper = (frame, to) => {
      if (to !== 'carol' || frame.type !== 'standing' || frame.value.type !== 'told') return [frame];
      const proof = (one: Uint8Array) =>
        ({ type: 'standing', value: { type: 'proof', value: { nonce, certificate: one } } }) as const;
      const { nonce } = frame.value.value;
      return [proof(forged), proof(new Uint8Array(5)), frame];
    };
    await restore(committee, carol, copy);
    await committee.run(lease);
    expect([await stateOf(carol), carol.home.marks.epochOf(keyId)]).toEqual(['well', 0]);
    expect(carol.log.join()).toContain('proves nothing');
  });
});

describe('two nodes with one identity', () => {
  /** carol, and a node on a copy of her disk; both were heard by the others. */
  async function twins(seed: string): Promise<readonly [Committee, Member, Member]> {
    const [committee, carol] = await trio(seed);
    await committee.stop(carol);
    const copy = carol.store.copy();
    await committee.start(carol);
    await committee.run(50);
    const twin = await committee.twin(carol, copy);
    await committee.run(50);
    return [committee, carol, twin];
  }

  async function alternate(committee: Committee, ...instances: readonly Member[]): Promise<void> {
    for (const one of instances) {
      committee.front(one);
      await committee.run(50);
    }
  }

  test('neither signs until the operator decides; the other one then stays out', async () => {
    const [committee, carol, twin] = await twins('twins');
    await alternate(committee, carol, twin, carol);
    expect([await stateOf(carol), await stateOf(twin)]).toEqual(['suspended', 'suspended']);
    const alice = committee.at('alice');
    expect(doubtedAt(alice)).toEqual(['carol']);
    expect((await alice.node.status()).warnings.join()).toContain('two nodes run as carol');
    expect(await committee.audit('alice')).toEqual(expect.arrayContaining(['identity-doubted', 'identity-twice']));
    for (const one of [carol, twin]) {
      await alternate(committee, one);
      await expect(one.node.sign(committee.order('neither'))).rejects.toMatchObject({ code: 'suspended' });
    }
    // Not by waiting, either, nor by a restart of anybody.
    await committee.run(2 * lease);
    await restart(committee, alice);
    expect([await stateOf(twin), doubtedAt(alice)]).toEqual(['suspended', ['carol']]);

    await committee.stop(twin);
    committee.front(carol);
    await committee.run(50);
    expect((await carol.node.resolve()).state).toBe('resolved');
    await committee.run(3 * limits.recoveryRound);
    expect([await stateOf(carol), doubtedAt(alice)]).toEqual(['well', []]);
    expect(await signersOf(committee, 'carol', 'one is left')).toContain('carol');

    await committee.start(twin);
    await committee.run(2 * lease);
    expect(['recovering', 'suspended']).toContain(await stateOf(twin));
    expect(doubtedAt(alice)).toEqual(['carol']);
    await committee.stop(twin);
    committee.front(carol);
    await committee.run(50);
    expect([await stateOf(carol), doubtedAt(alice)]).toEqual(['well', []]);
    expect(await signersOf(committee, 'carol', 'still the one')).toContain('carol');
  });

  test('seen by different peers, they are found out when the peers meet them both', async () => {
    const [committee, carol, twin] = await twins('apart');
    const [alice, bob] = [committee.at('alice'), committee.at('bob')];
    await alternate(committee, carol);
    committee.hub.partition([alice.peer, carol.peer], [bob.peer]);
    await alternate(committee, carol);
    committee.hub.partition([bob.peer, carol.peer], [alice.peer]);
    await alternate(committee, twin);
    committee.hub.heal();
    await alternate(committee, carol, twin);
    for (const one of [carol, twin]) {
      await alternate(committee, one);
      await expect(one.node.sign(committee.order('neither'))).rejects.toMatchObject({ code: 'suspended' });
    }
  });

  test('a copy of a running machine goes on counting from before: it is suspended, and so is the other one at its peers', async () => {
    const [committee, carol] = await trio('snapshot');
    await committee.run(limits.standingPause + 50);
    // What a machine that is set back says: the start that is known, and less than was said in it.
    say(committee, 'carol', 'alice', { type: 'said', value: statementOf(carol) });
    await committee.run(50);
    const { instances, twin } = committee.at('alice').home.marks.doubtOf(carol.key.publicKey) ?? { instances: [] };
    expect([instances.map(toHex), twin]).toEqual([[toHex(carol.home.bootEpoch)], true]);
    // What it is in the middle of ends.
    const { id } = await carol.node.sign(committee.order('open'));
    await committee.run(5);
    // And what it is shown: more than it said, in a start that it takes for its own.
    say(committee, 'bob', 'carol', {
      type: 'held',
      value: { statements: [statementOf(carol, { counter: 99 })], twin: 0 },
    });
    await committee.run(50);
    expect(await stateOf(carol)).toBe('suspended');
    expect(committee.ceremony('carol', id)).toMatchObject({ state: 'failed', failure: { code: 'suspended' } });
  });

  test('what one of them registered for counts no more', async () => {
    const [committee, carol] = await trio('registrations');
    const alice = committee.at('alice');
    const stale = carol.home.bootEpoch;
    await restart(committee, carol);
    const known = alice.home.marks.standingOf(carol.key.publicKey)?.bootEpoch as Uint8Array;
    expect(bootCounter(known)).toBe(bootCounter(stale) + 1n);
    for (const [bootEpoch, counted] of [
      [known, true],
      [stale, false],
      [bootEpochOf(bootCounter(known), new Uint8Array(16)), false],
      [bootEpochOf(bootCounter(known) + 1n, new Uint8Array(16)), true],
    ] as const) {
      carol.tamper = (frame) => {
        if (frame.type !== 'registration') return [frame];
        return [{ type: 'registration', value: register({ ...frame.value, bootEpoch }, carol.key) }];
      };
      // Whoever asks her to coordinate gets what she really registered.
      const request = Array.from({ length: 50 }, (_, i) => committee.order(`${toHex(bootEpoch)} ${i}`)).find(
        (one) => committee.turns('coordinator', toHex(requestId(one)))[0] === 'alice',
      );
      const { id } = await alice.node.sign(request as SignRequest);
      await committee.run(1000);
      const gathered = alice.sent.some(({ frame }) => frame.type === 'start' && toHex(frame.value.request) === id);
      expect(gathered).toBe(counted);
    }
  });
});

test('nothing is asked of a doubted peer, nor is what it signed acted upon', async () => {
  const committee = await Committee.open(3, 'doubted');
  await committee.key();
  const [alice, carol] = [committee.at('alice'), committee.at('carol')];
  const node = carol.key.publicKey;
  const { bootEpoch } = carol.home;
  const parts = { clock: committee.clock, marks: alice.home.marks, peerOf: () => carol.peer };
  const watch = new Watch(parts as unknown as StandingParts);
  expect(watch.doubts(node, bootEpoch)).toBe(false);
  await alice.home.marks.doubt(node, { instances: [bootEpoch], twin: false, statements: [] });
  expect(watch.doubts(node, bootEpoch)).toBe(true);
  const order = Array.from({ length: 50 }, (_, i) => committee.order(`${i}`)).find(
    (one) => committee.turns('coordinator', toHex(requestId(one)))[0] === 'carol',
  );
  const { coordinator } = await alice.node.sign(order as SignRequest);
  expect(['alice', 'bob']).toContain(coordinator);
});

test('what was begun on a connection is not answered on the next: another machine may stand there', async () => {
  const [committee, carol] = await trio('connections');
  const [alice, bob] = [committee.at('alice'), committee.at('bob')];
  const kept: NodeFrame[] = [];
  alice.tamper = (frame, to) => {
    if (to !== 'carol' || frame.type !== 'envelope') return [frame];
    kept.push(frame);
    return [];
  };
  carol.sent.length = 0;
  await bob.node.sign(committee.order('nonces'));
  const envelopes = () =>
    carol.sent.flatMap(({ frame }) => (frame.type === 'envelope' ? [decodeEnvelope(frame.value)] : []));
  await committee.until(() => kept.length > 0 && envelopes().length > 0);
  await committee.run(5);
  alice.tamper = undefined;
  const [sid] = envelopes().map((envelope) => toHex(envelope.sid));
  committee.hub.partition([alice.peer], [bob.peer, carol.peer]);
  await committee.run(5);
  committee.hub.heal();
  await committee.run(5);
  // All that carol waited for.
  for (const frame of kept) committee.say('alice', 'carol', frame);
  await committee.run(50);
  const said = envelopes().filter((envelope) => toHex(envelope.sid) === sid && envelope.class !== 'abort');
  expect(
    said.map(({ round }) => round),
    'commitments, and no share for them',
  ).toEqual([0, 0]);
});

test('an order that is still being written down when the node is shown a later signature of its own is not taken', async () => {
  const [committee, carol] = await trio('while it writes');
  const { register } = carol.home.requests;
  const { promise: shown, resolve: goOn } = Promise.withResolvers<undefined>();
  carol.home.requests.register = async (...order) => {
    const registered = await register.apply(carol.home.requests, order);
    await shown;
    return registered;
  };
  carol.sent.length = 0;
  const outcome = carol.node.sign(committee.order('slow')).catch((error: unknown) => error);
  const later = statementOf(carol, { counter: 99 });
  say(committee, 'alice', 'carol', { type: 'held', value: { statements: [later], twin: 0 } });
  await committee.run(50);
  goOn(undefined);
  await committee.run(50);
  expect(await outcome).toMatchObject({ code: 'suspended' });
  expect(carol.sent.filter(({ frame }) => frame.type === 'registration' || frame.type === 'request')).toEqual([]);
});

test.for([1, 2])('an operator whose word is not written down has a node that stops: write %d', async (nth) => {
  const [committee, carol] = await trio('resolved on a bad disk');
  const later = statementOf(carol, { counter: 99 });
  say(committee, 'alice', 'carol', { type: 'held', value: { statements: [later], twin: 0 } });
  await committee.run(50);
  carol.store.failWrite(nth);
  await expect(carol.node.resolve()).rejects.toThrow();
  expect(carol.fatal).toHaveLength(1);
});

test('nothing to resolve is said so', async () => {
  const [, carol] = await trio('well');
  await expect(carol.node.resolve()).rejects.toMatchObject({ code: 'not-suspended' });
});
