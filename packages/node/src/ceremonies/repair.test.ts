import {
  activatedCodec,
  certificateCodec,
  decodeEnvelope,
  ed25519,
  fromHex,
  groupOf,
  keyIdOf,
  kinds,
  type PublicPackage,
  publicPackageCodec,
  type Scheme,
  Secret,
  sealEnvelope,
  seeded,
  toHex,
  verifySuccession,
  wire,
} from '@quorate/protocol';
import { nativeAead } from '@quorate/protocol/native';
import { examine, MemoryStore, type StoreOperation } from '@quorate/storage';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import { refreshProposals } from '../policy/refresh-proposal.ts';
import { type RepairProposal, repairProposals } from '../policy/repair-proposal.ts';
import type { CeremonyView, RepairOrder } from '../service.ts';
import { unwantedIn } from './certified.ts';

const hashed = { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(3) } } as const;

async function committeeOf(n: number, seed: string, key = {}): Promise<Committee> {
  const committee = await Committee.open(n, seed);
  await committee.key(key);
  await committee.run(limits.refreshPause);
  return committee;
}

async function shareOf(member: Member, key = 'treasury'): Promise<string> {
  const { keys } = member.home;
  const info = keys.byName(key);
  if (info?.current === undefined) throw new Error(`${member.name} has no key`);
  using share = await keys.share(info.keyId, info.current.epoch);
  return share.use(toHex);
}

const sharesOf = async (committee: Committee): Promise<readonly string[]> =>
  Promise.all([...committee.members.values()].map(async (member) => shareOf(member)));

const statesOf = ({ home }: Member) => home.keys.byName('treasury')?.epochs.map(({ epoch, state }) => [epoch, state]);

/** The share of a member is gone, in both copies. */
async function lose(committee: Committee, name: string, what: RegExp = /^shares\//): Promise<Member> {
  const member = committee.at(name);
  await committee.stop(member);
  const id = toHex(keyIdOf(member.config.networkId, 'treasury'));
  for await (const [key] of member.store.entries(''))
    if (what.test(key) && key.includes(id)) await member.store.batch([{ type: 'delete', key }]);
  for (const copy of await member.store.beside.copies()) member.store.beside.files.delete(copy);
  await committee.start(member);
  await committee.run(20);
  return member;
}

/** Its data folder is gone; its identity is not. */
async function wipe(committee: Committee, name: string): Promise<Member> {
  const member = committee.at(name);
  await committee.stop(member);
  member.store = new MemoryStore();
  await committee.start(member);
  await committee.run(20);
  return member;
}

async function refresh(committee: Committee): Promise<void> {
  const { id } = await committee.at('alice').node.refresh('treasury');
  await committee.until(() => ['alice', 'bob', 'carol'].every((one) => committee.ceremony(one, id)?.state === 'done'));
  await committee.run(2 * limits.readyInterval);
}

/** Asks for a repair and waits for its end. */
async function repair(committee: Committee, name: string, order: RepairOrder = {}): Promise<CeremonyView> {
  const { id } = await inTime(committee, committee.at(name).node.repair('treasury', order));
  await committee.until(() => ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? ''), 120_000);
  await committee.run(50);
  return committee.ceremony(name, id) as CeremonyView;
}

/** What `promise` comes to, while time passes. */
async function inTime<T>(committee: Committee, promise: Promise<T>): Promise<T> {
  let over = false;
  const end = (): void => void (over = true);
  promise.then(end, end);
  await committee.until(() => over);
  return await promise;
}

/** The others remember this node further than its disk does: its operator says that no other one runs. */
async function recover(committee: Committee, { home, node }: Member): Promise<void> {
  await inTime(committee, node.resolve());
  await committee.until(() => home.marks.own().state === 'well');
}

describe('a repair', () => {
  test.for(['ed25519', 'taproot', 'ecdsa'] as const)(
    'of an %s key gives the lost share back, changes no other, and the key signs with it',
    async (scheme) => {
      const committee = await committeeOf(3, `repair ${scheme}`, { scheme });
      const before = await sharesOf(committee);
      const bob = await lose(committee, 'bob');
      expect(bob.home.keys.list()).toMatchObject([{ quarantined: { code: 'record-damaged' } }]);
      expect((await bob.node.status()).warnings).toContainEqual(expect.stringMatching(/quorate keys repair treasury/));
      await expect(bob.node.key('treasury')).rejects.toThrow(/quorate keys repair treasury/);

      const done = await repair(committee, 'bob');
      expect(done).toMatchObject({ kind: 'repair', state: 'done', result: { type: 'key', epoch: 1 } });
      expect(await sharesOf(committee)).toEqual(before);
      expect(statesOf(bob)).toEqual([[1, 'active']]);
      expect((await bob.node.status()).warnings.join()).not.toMatch(/treasury/);
      expect(await committee.audit('bob')).toEqual(expect.arrayContaining(['repair-approved', 'share-repaired']));
      for (const name of ['alice', 'carol'])
        expect(await committee.audit(name)).toEqual(expect.arrayContaining(['repair-approved', 'repair-helped']));

      // For ECDSA the pairs are set up anew first.
      const paired = (): boolean =>
        committee
          .at('bob')
          .node.peers()
          .every(({ pairs }) => pairs.missing === 0);
      await committee.until(paired, 60_000);
      await committee.stop(committee.at('alice'));
      const request = committee.order('after', scheme === 'ecdsa' ? { intent: hashed } : {});
      const signed = await committee.sign('bob', request, 60_000);
      expect(signed.state).toBe('done');
      expect(signed.participants.toSorted()).toEqual(['bob', 'carol']);
      for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
    },
  );

  test('survives a restart: nothing is lost any more, and a second one is refused', async () => {
    const committee = await committeeOf(3, 'again');
    const before = await sharesOf(committee);
    const bob = await lose(committee, 'bob');
    expect((await repair(committee, 'bob')).state).toBe('done');
    await committee.stop(bob);
    await committee.start(bob);
    await committee.run(20);
    expect(statesOf(bob)).toEqual([[1, 'active']]);
    expect(await sharesOf(committee)).toEqual(before);
    await expect(inTime(committee, bob.node.repair('treasury'))).rejects.toMatchObject({ code: 'request-conflict' });
  });

  test('after a refresh gives the share of the new epoch', async () => {
    const committee = await committeeOf(3, 'refreshed');
    await refresh(committee);
    const before = await sharesOf(committee);
    const bob = await lose(committee, 'bob');
    expect((await repair(committee, 'bob')).result).toMatchObject({ epoch: 2 });
    expect(await sharesOf(committee)).toEqual(before);
    expect(statesOf(bob)?.at(-1)).toEqual([2, 'active']);
  });

  test('brings back a node that lost its whole folder but its identity, once its operator says which key it was', async () => {
    const committee = await committeeOf(3, 'wiped');
    const { publicKey } = await committee.at('alice').node.key('treasury');
    const before = await sharesOf(committee);
    const bob = await wipe(committee, 'bob');
    await recover(committee, bob);
    await expect(inTime(committee, bob.node.repair('treasury'))).rejects.toMatchObject({ code: 'invalid' });
    const wrong = { publicKey: '00'.repeat(32) };
    await expect(inTime(committee, bob.node.repair('treasury', wrong))).rejects.toMatchObject({ code: 'integrity' });
    expect((await repair(committee, 'bob', { publicKey })).state).toBe('done');
    expect(await sharesOf(committee)).toEqual(before);
    expect((await committee.sign('bob', committee.order('back'))).state).toBe('done');
  });

  test('brings back a node whose store is from before a refresh: it notices, says so, and moves on', async () => {
    const committee = await committeeOf(3, 'rolled back');
    const bob = committee.at('bob');
    await committee.stop(bob);
    const old = bob.store;
    const before: StoreOperation[] = [];
    for await (const [key, value] of old.entries('')) before.push({ type: 'put', key, value });
    const files = new Map(old.beside.files);
    await committee.start(bob);
    await committee.run(20);
    await refresh(committee);
    const shares = await sharesOf(committee);
    await committee.stop(bob);
    bob.store = new MemoryStore();
    await bob.store.batch(before);
    for (const [name, bytes] of files) bob.store.beside.files.set(name, bytes);
    await committee.start(bob);
    await committee.run(100);
    await recover(committee, bob);
    expect((await bob.node.key('treasury')).repair).toMatch(/epoch 2/);
    expect((await bob.node.status()).warnings).toContainEqual(expect.stringMatching(/quorate keys repair treasury/));
    expect((await repair(committee, 'bob')).result).toMatchObject({ epoch: 2 });
    expect((await bob.node.key('treasury')).repair).toBeUndefined();
    expect(await sharesOf(committee)).toEqual(shares);
  });

  test('is of the epoch in use, whatever a liar sends: an old certificate, or one that not all signed', async () => {
    const committee = await committeeOf(3, 'old certificate');
    const carol = committee.at('carol');
    const old = carol.home.keys.byName('treasury')?.current?.certificate as Uint8Array;
    await refresh(committee);
    const before = await sharesOf(committee);
    const { publicPackage, ...signed } = wire.decode(certificateCodec, old);
    const codec = publicPackageCodec(ed25519);
    const later = wire.encode(codec, { ...wire.decode(codec, publicPackage), epoch: 7 });
    const forged = wire.encode(certificateCodec, { ...signed, publicPackage: later });
    for (const value of [old, forged, new Uint8Array(9)]) {
      carol.tamper = (frame) => [frame.type === 'certificate' ? { type: 'certificate', value } : frame];
      const bob = await lose(committee, 'bob');
      expect((await repair(committee, 'bob')).result).toMatchObject({ epoch: 2 });
      expect(bob.fatal).toEqual([]);
    }
    expect(await sharesOf(committee)).toEqual(before);
  });

  /** Puts a prepared first epoch on the disk of bob, who has nothing else. */
  const preparedAt = async (bob: Member, change: Partial<PublicPackage>, from: Uint8Array): Promise<void> => {
    const codec = publicPackageCodec(ed25519);
    const one = { ...wire.decode(codec, from), ...change };
    const common = { keyId: one.keyId, epoch: 1, name: one.name, scheme: one.scheme, createdAt: 1 };
    const share = new Secret(new Uint8Array(32).fill(1));
    const ready = new Uint8Array(32);
    await bob.home.keys.prepare({ ...common, publicPackage: wire.encode(codec, one), share, ready }, () => undefined);
  };

  test('is of the key that is left here, and of no other that the others call so', async () => {
    const committee = await committeeOf(3, 'another key');
    const packageAt = committee.at('alice').home.keys.byName('treasury')?.current?.publicPackage as Uint8Array;
    const bob = await wipe(committee, 'bob');
    await preparedAt(bob, { groupKey: ed25519.multiplyBase(5n) }, packageAt);
    const { publicKey } = await committee.at('alice').node.key('treasury');
    for (const order of [{}, { publicKey }])
      await expect(inTime(committee, bob.node.repair('treasury', order))).rejects.toMatchObject({ code: 'integrity' });
  });

  test('takes the place of an attempt that only this node holds', async () => {
    const committee = await committeeOf(3, 'recover');
    const before = await sharesOf(committee);
    const packageAt = committee.at('alice').home.keys.byName('treasury')?.current?.publicPackage as Uint8Array;
    const bob = await wipe(committee, 'bob');
    await preparedAt(bob, { transcript: new Uint8Array(32) }, packageAt);
    await committee.stop(bob);
    await committee.start(bob);
    await committee.run(2 * limits.readyInterval);
    expect(bob.log.join()).toMatch(/our share of a certified epoch is missing/);
    await recover(committee, bob);
    expect((await repair(committee, 'bob')).state).toBe('done');
    expect(await sharesOf(committee)).toEqual(before);
    expect(statesOf(bob)).toEqual([[1, 'active']]);
    expect(bob.fatal).toEqual([]);
  });

  test('needs t others who are there, and takes others than those who are not', async () => {
    const committee = await committeeOf(5, 'away', { threshold: 3 });
    const before = await sharesOf(committee);
    await lose(committee, 'bob');
    await committee.stop(committee.at('erin'));
    for (const round of [1, 2, 3]) {
      const done = await repair(committee, 'bob');
      expect([round, done.state]).toEqual([round, 'done']);
      expect(done.participants.toSorted()).toEqual(['alice', 'bob', 'carol', 'dave']);
      await lose(committee, 'bob');
    }
    await committee.stop(committee.at('dave'));
    await expect(inTime(committee, committee.at('bob').node.repair('treasury'))).rejects.toMatchObject({
      code: 'no-quorum',
      message: expect.stringMatching(/dave/),
    });
    await committee.start(committee.at('dave'));
    await committee.run(20);
    const named = await repair(committee, 'bob', { helpers: ['alice', 'carol', 'dave'] });
    expect(named.state).toBe('done');
    await committee.start(committee.at('erin'));
    await committee.run(20);
    expect(await sharesOf(committee)).toEqual(before);
  });

  test('asks only those who use the epoch: whoever lost its share too cannot help, and says nothing', async () => {
    const committee = await committeeOf(5, 'two lost', { threshold: 3 });
    await lose(committee, 'carol');
    await lose(committee, 'bob');
    const done = await repair(committee, 'bob');
    expect(done.state).toBe('done');
    expect(done.participants.toSorted()).toEqual(['alice', 'bob', 'dave', 'erin']);
    await lose(committee, 'dave');
    await lose(committee, 'bob');
    expect((await repair(committee, 'bob')).failure?.reason).toMatch(/(carol|dave): the key treasury is quarantined/);
  });

  test('leaves out, sooner or later, a helper that spoils it', async () => {
    const committee = await committeeOf(4, 'unhelpful', { threshold: 2 });
    Object.assign(committee.at('carol').config, { accept: { default: 'auto', proposers: { bob: 'deny' } } });
    await lose(committee, 'bob');
    const states: string[] = [];
    while (states.length < 3 && states.at(-1) !== 'done') states.push((await repair(committee, 'bob')).state);
    expect(states).toEqual(['failed', 'failed', 'done']);
  });

  test('that finds nobody says so', async () => {
    const committee = await committeeOf(3, 'alone');
    const bob = await lose(committee, 'bob');
    for (const name of ['alice', 'carol']) await committee.stop(committee.at(name));
    await expect(inTime(committee, bob.node.repair('treasury'))).rejects.toMatchObject({ code: 'no-quorum' });
    await expect(inTime(committee, bob.node.repair('nothing'))).rejects.toMatchObject({ code: 'no-quorum' });
  });

  test('by a helper that goes silent fails and blames nobody; the next one works', async () => {
    const committee = await committeeOf(3, 'silent helper');
    await lose(committee, 'bob');
    const carol = committee.at('carol');
    carol.tamper = (frame) => (frame.type === 'envelope' ? [] : [frame]);
    const failed = await repair(committee, 'bob');
    expect(failed.failure).toMatchObject({ code: 'timeout', culprits: [], suspects: ['carol'] });
    carol.tamper = undefined;
    expect((await repair(committee, 'bob')).state).toBe('done');
  });

  test('by a helper that lies names it, and gives no share', async () => {
    const committee = await committeeOf(3, 'liar');
    const bob = await lose(committee, 'bob');
    const carol = committee.at('carol');
    carol.tamper = flipIn(carol, 1, 'direct');
    const failed = await repair(committee, 'bob');
    expect(failed.failure).toMatchObject({ code: 'cheated', culprits: [{ name: 'carol' }] });
    expect(bob.home.keys.list()[0]?.quarantined).toBeDefined();
    expect(
      committee
        .at('alice')
        .node.peers()
        .find(({ name }) => name === 'carol')?.blames,
    ).toBe(1);
    carol.tamper = undefined;
    expect((await repair(committee, 'bob')).state).toBe('done');
  });
});

/** A sealed share in a round, changed, and signed again. */
const flipIn =
  (member: Member, round: number, kind: 'direct' | 'broadcast'): Tamper =>
  (frame) => {
    if (frame.type !== 'envelope') return [frame];
    const envelope = decodeEnvelope(frame.value);
    if (envelope.kind !== kinds.repair || envelope.round !== round || envelope.class !== kind) return [frame];
    if (envelope.payload.length < 40) return [frame];
    const payload = envelope.payload.map((byte, i) => (i === envelope.payload.length - 3 ? byte ^ 1 : byte));
    return [{ type: 'envelope', value: sealEnvelope(envelope, envelope.echo, payload, member.key).frame }];
  };

/** A certificate without what the members wrote who left the key. */
function stripped(certificate: Uint8Array): Uint8Array {
  return wire.encode(certificateCodec, { ...wire.decode(certificateCodec, certificate), approvals: [] });
}

const approvalsAt = ({ home }: Member): number =>
  wire.decode(certificateCodec, home.keys.byName('treasury')?.current?.certificate as Uint8Array).approvals.length;

describe('a certificate without the approvals that it needs', () => {
  /** Alice kept the key and most others left it; a certificate of theirs is at dave's. */
  async function moved(seed: string): Promise<readonly [Committee, Member, Uint8Array]> {
    const committee = await Committee.open(6, seed);
    const members = ['alice', 'bob', 'carol'];
    const order = { name: 'treasury', scheme: 'ed25519', members } as const;
    const { id } = await committee.at('alice').node.keygen(order);
    await committee.until(() => members.every((name) => committee.ceremony(name, id)?.state === 'done'));
    await committee.run(limits.refreshPause);
    const next = ['alice', 'dave', 'erin', 'frank'];
    const reshare = await committee.at('alice').node.reshare('treasury', { members: next });
    await committee.until(() => next.every((name) => committee.ceremony(name, reshare.id)?.state === 'done'));
    await committee.run(2 * limits.readyInterval);
    const held = committee.at('dave').home.keys.byName('treasury')?.current?.certificate as Uint8Array;
    expect(approvalsAt(committee.at('dave'))).toBeGreaterThan(0);
    return [committee, committee.at('alice'), held];
  }

  /** Erin has nothing else to show, and is the first to show it. */
  function lieFirst(committee: Committee, value: Uint8Array): void {
    committee.at('erin').tamper = (frame) => [frame.type === 'certificate' ? { type: 'certificate', value } : frame];
    committee.say('erin', 'alice', { type: 'certificate', value });
  }

  /** Puts a share that is there away with another certificate. */
  async function keepWith({ home }: Member, certificate: Uint8Array): Promise<void> {
    const key = home.keys.byName('treasury');
    if (key?.current === undefined) throw new Error('there is a key');
    const share = await home.keys.share(key.keyId, key.current.epoch);
    const { keyId, name, scheme } = key;
    const { createdAt, epoch, publicPackage, ready } = key.current;
    const epochs = { keyId, name, scheme, epoch, publicPackage, ready, createdAt, share };
    await home.keys.repair({ ...epochs, certificate }, () => undefined);
  }

  const quarantinedAt = ({ home }: Member): unknown => home.keys.list().map(({ quarantined }) => quarantined?.reason);

  test('is not taken for a repair by who knows what was renewed, and stops no node', async () => {
    const [committee, alice, held] = await moved('stripped');
    await lose(committee, 'alice');
    const asked = committee.at('alice').node.repair('treasury');
    lieFirst(committee, stripped(held));
    const { id } = await inTime(committee, asked);
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
    await committee.run(50);
    expect([statesOf(alice)?.at(-1), approvalsAt(alice)]).toEqual([[2, 'active'], approvalsAt(committee.at('dave'))]);
    await committee.stop(alice);
    await committee.start(alice);
    await committee.run(50);
    expect([statesOf(alice)?.at(-1), alice.fatal]).toEqual([[2, 'active'], []]);
    expect((await committee.sign('alice', committee.order('after'))).state).toBe('done');
  });

  test('is completed by who cannot know, from what the others sent', async () => {
    const [committee, alice, held] = await moved('stripped, wiped');
    const { publicKey } = await committee.at('dave').node.key('treasury');
    await recover(committee, await wipe(committee, 'alice'));
    const asked = alice.node.repair('treasury', { publicKey });
    lieFirst(committee, stripped(held));
    const { id } = await inTime(committee, asked);
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
    await committee.run(50);
    const { keys } = alice.home;
    const base = committee.at('bob').home.keys.byName('treasury')?.epochs[0]?.publicPackage as Uint8Array;
    const certificate = wire.decode(certificateCodec, keys.byName('treasury')?.current?.certificate as Uint8Array);
    const { groups, signatures } = committee.tools;
    const groupFor = (scheme: Scheme) => groupOf(scheme, groups);
    const context = { network: alice.config.networkId, groupFor, signatures };
    const renewed = wire.decode(publicPackageCodec(groups.ed25519), base);
    expect(verifySuccession(certificate, renewed, context).epoch).toBe(2);
    expect(alice.fatal).toEqual([]);
  });

  test('gives no share back: helpers who know what was renewed refuse it', async () => {
    const [committee, alice, held] = await moved('stripped, asked');
    const ask = async (certificate: Uint8Array, nonce: number): Promise<string | undefined> => {
      const { members } = wire.decode(publicPackageCodec(ed25519), wire.decode(certificateCodec, held).publicPackage);
      const parties = members.flatMap(({ node, party }) => (toHex(node) === toHex(alice.key.publicKey) ? [] : party));
      const common = { network: alice.config.networkId, key: 'treasury', certificate, helpers: parties };
      const unsigned = { ...common, expires: committee.clock.now() + 60_000, nonce: new Uint8Array(32).fill(nonce) };
      const body = wire.encode(repairProposals.codec, repairProposals.sign(unsigned, alice.key));
      committee.say('alice', 'dave', { type: 'request', value: { kind: kinds.repair, body } });
      await committee.run(20);
      return (await committee.audit('dave')).findLast((kind) => kind.startsWith('repair-'));
    };
    expect(await ask(stripped(held), 1)).toBe('repair-refused: denied');
    expect(await ask(held, 2)).toBe('repair-approved');
  });

  test('on the disk puts one key in quarantine, is named, and is gone after a repair', async () => {
    const [committee, alice, held] = await moved('stripped, kept');
    await committee.key({ name: 'other' });
    await keepWith(alice, stripped(held));
    for (const _ of [1, 2]) {
      await committee.stop(alice);
      await committee.start(alice);
      await committee.run(50);
      expect(quarantinedAt(alice)).toEqual(expect.arrayContaining(['unproven', undefined]));
    }
    expect(await committee.audit('alice')).toContain('key-quarantined: unproven');
    expect((await alice.node.status()).warnings).toContainEqual(expect.stringMatching(/quorate keys repair treasury/));
    expect((await committee.sign('alice', committee.order('other', { key: 'other' }))).state).toBe('done');

    const root = { type: 'key-file', key: new Secret(fromHex('11'.repeat(32))) } as const;
    const look = async () =>
      await examine(
        alice.store.copy(),
        root,
        { network: alice.config.networkId, node: alice.key.publicKey },
        { aead: nativeAead, randomness: seeded(new Uint8Array(1)) },
        (key) => unwantedIn(key, { config: alice.config, tools: committee.tools }),
      );
    const named = { code: 'key-quarantined', problem: expect.stringMatching(/unproven/) };
    expect(await look()).toMatchObject([{ ...named, place: expect.stringMatching(/^epochs\/.*2$/) }]);

    expect((await repair(committee, 'alice')).state).toBe('done');
    expect(await look()).toEqual([]);
    await committee.stop(alice);
    await committee.start(alice);
    await committee.run(50);
    expect([statesOf(alice)?.at(-1), quarantinedAt(alice)]).toEqual([
      [2, 'active'],
      [undefined, undefined],
    ]);
    expect((await committee.sign('alice', committee.order('after'))).state).toBe('done');
    expect(alice.fatal).toEqual([]);
  });

  test('of an epoch that was overtaken stops nobody, either', async () => {
    const [committee, alice, held] = await moved('stripped, overtaken');
    await keepWith(alice, stripped(held));
    // Then alice keeps the share for a while.
    committee.at('erin').tamper = (frame) => (frame.type === 'activated' ? [] : [frame]);
    const { id } = await committee.at('dave').node.refresh('treasury');
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 60_000);
    await committee.stop(alice);
    await committee.start(alice);
    await committee.run(50);
    expect(statesOf(alice)?.slice(-2)).toEqual([
      [2, 'retiring'],
      [3, 'active'],
    ]);
    const { keyId, members, transcript } = wire.decode(
      publicPackageCodec(ed25519),
      wire.decode(certificateCodec, held).publicPackage,
    );
    const node = toHex(committee.at('dave').key.publicKey);
    const { party = 0 } = members.find((member) => toHex(member.node) === node) ?? {};
    const value = wire.encode(activatedCodec, { keyId, epoch: 2, party, transcript });
    committee.say('dave', 'alice', { type: 'activated', value });
    await committee.run(50);
    expect(alice.fatal).toEqual([]);
    expect(alice.log.join()).toMatch(/proves nothing/);
    expect((await committee.sign('alice', committee.order('after'))).state).toBe('done');
  });
});

describe('a certificate that a liar alone could put together', () => {
  const quiet: Tamper = (frame) => {
    const isProof = frame.type === 'standing' && frame.value.type === 'proof';
    return isProof || ['ready', 'activated', 'certificate'].includes(frame.type) ? [] : [frame];
  };
  const onlyTo =
    (name: string, change: (certificate: Uint8Array) => Uint8Array = (one) => one): Tamper =>
    (frame, to) => {
      if (frame.type !== 'certificate') return quiet(frame, to);
      return to === name ? [{ type: 'certificate', value: change(frame.value) }] : [];
    };

  test('blocks no repair: the others are shown it and follow, and the share of the new epoch is given back', async () => {
    const committee = await committeeOf(5, 'kept back', { threshold: 3 });
    const carol = committee.at('carol');
    carol.tamper = quiet;
    await committee.at('bob').node.refresh('treasury');
    await committee.until(() => carol.home.keys.byName('treasury')?.current?.epoch === 2, 60_000);
    expect(statesOf(committee.at('bob'))?.at(-1)).toEqual([2, 'prepared']);
    await lose(committee, 'alice');
    carol.tamper = onlyTo('alice');
    const done = await repair(committee, 'alice');
    expect([done.state, done.result]).toMatchObject(['done', { epoch: 2 }]);
    for (const { fatal, home } of committee.members.values())
      expect([home.keys.byName('treasury')?.current?.epoch, fatal]).toEqual([2, []]);
    expect((await committee.sign('alice', committee.order('after'))).state).toBe('done');
  });

  test('shows itself to those who did not answer, too: the next repair finds them', async () => {
    const committee = await Committee.open(4, 'kept back, first');
    const carol = committee.at('carol');
    carol.tamper = quiet;
    await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519', threshold: 3 });
    await committee.until(() => statesOf(carol)?.[0]?.[1] === 'active', 60_000);
    await committee.run(limits.refreshPause);
    const alice = await lose(committee, 'alice');
    carol.tamper = onlyTo('alice');
    await repair(committee, 'alice');
    expect(statesOf(committee.at('bob'))).toEqual([[1, 'active']]);
    if (alice.home.keys.byName('treasury')?.current === undefined) await repair(committee, 'alice');
    expect(statesOf(alice)).toEqual([[1, 'active']]);
  });

  /** Carol has a certificate of an epoch that most others leave, and nobody else has. */
  async function leftAlone(seed: string): Promise<readonly [Committee, Member, Member, Member['store']]> {
    const committee = await Committee.open(6, seed);
    const members = ['alice', 'bob', 'carol', 'dave', 'erin'];
    const order = { name: 'treasury', scheme: 'ed25519', threshold: 3, members } as const;
    const { id } = await committee.at('alice').node.keygen(order);
    await committee.until(() => members.every((name) => committee.ceremony(name, id)?.state === 'done'));
    await committee.run(limits.refreshPause);
    const [alice, carol] = [committee.at('alice'), committee.at('carol')];
    const copy = alice.store.copy();
    carol.tamper = quiet;
    await alice.node.reshare('treasury', { members: ['alice', 'carol', 'frank'], threshold: 2 });
    await committee.until(() => carol.home.keys.byName('treasury')?.current?.epoch === 2, 60_000);
    return [committee, alice, carol, copy];
  }

  test.for([true, false])(
    'is taken for the epoch in use by who forgot it, if enough wanted it: %s',
    async (isWanted) => {
      const [committee, alice, carol, copy] = await leftAlone(`wondering ${isWanted}`);
      await committee.stop(alice);
      alice.store = copy;
      await committee.start(alice);
      const tell = onlyTo('alice', isWanted ? (one) => one : stripped);
      carol.tamper = (frame, to) => (frame.type === 'activated' && to === 'alice' ? [frame] : tell(frame, to));
      await committee.run(2 * limits.readyInterval);
      const { repair: problem } = await alice.node.key('treasury');
      expect(problem).toEqual(isWanted ? expect.stringMatching(/the others use epoch 2/) : undefined);
      expect(statesOf(committee.at('frank'))?.at(-1)).toEqual([2, isWanted ? 'active' : 'prepared']);
    },
  );

  test('that the others do not believe leaves the repair in the epoch that they use', async () => {
    const [committee, , carol] = await leftAlone('not followed');
    const { publicKey } = await committee.at('bob').node.key('treasury');
    const alice = await wipe(committee, 'alice');
    await recover(committee, alice);
    carol.tamper = onlyTo('alice', stripped);
    expect((await repair(committee, 'alice', { publicKey })).result).toMatchObject({ epoch: 1 });
    // Nothing was left here to tell which numbers are gone: none up to now is taken again.
    expect(statesOf(alice)).toEqual([
      [1, 'active'],
      [expect.toSatisfy((last) => last > 1_600_000_000), 'shredded'],
    ]);
    for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
  });
});

describe('a member that lost what it had prepared, too', () => {
  const all = ['alice', 'bob', 'carol'];

  /** All prepare epoch 2, only Alice says READY for it, and she loses the record of it. */
  async function prepared(seed: string): Promise<readonly [Committee, Member]> {
    const committee = await committeeOf(3, seed);
    for (const name of ['bob', 'carol']) committee.at(name).tamper = (frame) => (frame.type === 'ready' ? [] : [frame]);
    const { id } = await committee.at('bob').node.refresh('treasury');
    await committee.until(() => all.every((name) => committee.ceremony(name, id)?.state === 'confirming'));
    await committee.run(limits.readyInterval);
    const alice = await lose(committee, 'alice', /^epochs\/.*2$/);
    expect(alice.home.keys.list()[0]?.quarantined).toBeDefined();
    expect((await repair(committee, 'alice')).result).toMatchObject({ epoch: 1 });
    expect(statesOf(alice)).toEqual([
      [1, 'active'],
      [2, 'shredded'],
    ]);
    return [committee, alice];
  }

  test('promises no other outcome under its number', async () => {
    const [committee, alice] = await prepared('number');
    const carol = committee.at('carol');
    const unsigned = {
      network: carol.config.networkId,
      key: 'treasury',
      baseEpoch: 1,
      dealers: [1, 2],
      expires: committee.clock.now() + 60_000,
    };
    const refused = async (epoch: number): Promise<boolean> => {
      const body = wire.encode(
        refreshProposals.codec,
        refreshProposals.sign({ ...unsigned, epoch, nonce: new Uint8Array(32).fill(epoch) }, carol.key),
      );
      const before = (await committee.audit('alice')).length;
      committee.say('carol', 'alice', { type: 'request', value: { kind: kinds.renew, body } });
      await committee.run(20);
      return (await committee.audit('alice')).slice(before).includes('refresh-refused: denied');
    };
    expect([await refused(2), await refused(3)]).toEqual([true, false]);
    expect(alice.fatal).toEqual([]);
  });

  test('hears of it if it comes to something after all, and is given its share', async () => {
    const [committee, alice] = await prepared('after all');
    for (const name of ['bob', 'carol']) committee.at(name).tamper = undefined;
    await committee.until(() => statesOf(committee.at('bob'))?.at(-1)?.join() === '2,active', 60_000);
    await committee.until(() => alice.log.join().includes('our share of the epoch in use is missing'), 60_000);
    expect((await alice.node.key('treasury')).repair).toMatch(/the others use epoch 2/);
    expect((await repair(committee, 'alice')).result).toMatchObject({ epoch: 2 });
    expect(statesOf(alice)?.at(-1)).toEqual([2, 'active']);
    for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
  });
});

describe('power cuts', () => {
  test('at any moment of a repair leave the share lost or repaired, and a repair possible', async () => {
    for (let moment = 0, over = false; !over; moment += 2) {
      const committee = await committeeOf(3, 'cut');
      const before = await sharesOf(committee);
      const bob = await lose(committee, 'bob');
      const asked = bob.node.repair('treasury').catch(() => undefined);
      await committee.run(moment);
      over = bob.node.ceremonies().some(({ kind, state }) => kind === 'repair' && state === 'done');
      await committee.stop(bob);
      await committee.start(bob);
      await committee.run(20);
      void asked;
      const [key] = bob.home.keys.list();
      if (key?.quarantined !== undefined) expect((await repair(committee, 'bob')).state).toBe('done');
      expect(await sharesOf(committee)).toEqual(before);
      expect((await committee.sign('bob', committee.order('after'))).state).toBe('done');
      for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
    }
  });
});

describe('helpers', () => {
  test('are asked, where their operators said so, and nothing happens before all agree', async () => {
    const committee = await committeeOf(3, 'ask');
    for (const name of ['alice', 'carol'])
      Object.assign(committee.at(name).config, { accept: { default: 'ask', proposers: {} } });
    const bob = await lose(committee, 'bob');
    const { id } = await inTime(committee, bob.node.repair('treasury'));
    await committee.run(1_000);
    const { proposal, needsAccept } = committee.ceremony('alice', id) as CeremonyView;
    expect([needsAccept, proposal?.proposer, proposal?.members]).toEqual([
      true,
      'bob',
      expect.arrayContaining(['bob']),
    ]);
    expect(proposal).toMatchObject({
      threshold: 2,
      parties: 3,
      meaning: expect.stringMatching(/^bob gets its own share/),
    });
    await committee.at('alice').node.accept(id);
    await committee.run(1_000);
    expect(committee.ceremony('bob', id)).toMatchObject({ state: 'accepted', waitsFor: ['carol'] });
    expect(bob.home.keys.list()[0]?.quarantined).toBeDefined();
    await committee.at('carol').node.accept(id);
    await committee.until(() => committee.ceremony('bob', id)?.state === 'done');
    expect(await committee.audit('carol')).toEqual(
      expect.arrayContaining(['repair-asked', 'accepted', 'repair-helped']),
    );
  });

  test('that want none of it are told to the asker', async () => {
    const committee = await committeeOf(3, 'deny');
    Object.assign(committee.at('carol').config, { accept: { default: 'auto', proposers: { bob: 'deny' } } });
    await lose(committee, 'bob');
    const failed = await repair(committee, 'bob');
    expect(failed.failure).toMatchObject({
      code: 'denied',
      reason: expect.stringMatching(/carol: this node helps bob/),
    });
  });

  test('answer a member that asks over and over for a while only', async () => {
    const committee = await committeeOf(3, 'worn out');
    for (let n = 0; n <= limits.repairsBurst; n++) {
      const bob = await lose(committee, 'bob');
      const done = await repair(committee, 'bob');
      if (n < limits.repairsBurst) expect(done.state).toBe('done');
      else expect(done.failure).toMatchObject({ code: 'denied', reason: expect.stringMatching(/too many repairs/) });
      expect(bob.fatal).toEqual([]);
    }
  });

  test('give up a repair when the key moves on to another epoch, and the asker hears why', async () => {
    const committee = await committeeOf(3, 'moving on');
    const [alice, carol] = [committee.at('alice'), committee.at('carol')];
    // All have prepared a refresh. Alice and carol lack each other's READY, and bob both.
    for (const member of [alice, carol]) {
      Object.assign(member.config, { accept: { default: 'ask', proposers: {} } });
      member.tamper = (frame) => (frame.type === 'ready' ? [] : [frame]);
    }
    const { id } = await alice.node.refresh('treasury');
    const isPrepared = (name: string): boolean => committee.ceremony(name, id)?.state === 'confirming';
    await committee.until(() => ['alice', 'bob', 'carol'].every(isPrepared), 60_000);
    await committee.run(2 * limits.readyInterval);
    const bob = await lose(committee, 'bob', /^shares\/.*1$/);
    const asked = await inTime(committee, bob.node.repair('treasury'));
    await committee.run(100);
    expect(committee.ceremony('bob', asked.id)?.state).toBe('accepted');
    for (const member of [alice, carol]) member.tamper = undefined;
    await committee.run(2 * limits.readyInterval);
    expect(alice.home.keys.byName('treasury')?.current?.epoch).toBe(2);
    expect(committee.ceremony('bob', asked.id)?.failure).toMatchObject({
      code: 'denied',
      reason: expect.stringMatching(/epoch 2 took the place/),
    });
    for (const member of [alice, carol]) Object.assign(member.config, { accept: { default: 'auto', proposers: {} } });
    expect((await repair(committee, 'bob')).result).toMatchObject({ epoch: 2 });
    expect((await committee.sign('bob', committee.order('after'))).state).toBe('done');
  });
});

describe('a proposal to repair', () => {
  let committee: Committee;
  let certificate: Uint8Array;
  beforeAll(async () => {
    committee = await committeeOf(4, 'proposals', { threshold: 2 });
    certificate = committee.at('alice').home.keys.byName('treasury')?.current?.certificate as Uint8Array;
  });

  const partyOf = (name: string): number => {
    const nodes = [...committee.members.values()].map(({ key }) => toHex(key.publicKey)).toSorted();
    return nodes.indexOf(toHex(committee.at(name).key.publicKey)) + 1;
  };
  const helpersOf = (...all: string[]): number[] => all.map(partyOf).toSorted((a, b) => a - b);
  const proposal = (change: Partial<RepairProposal>, by = 'alice'): Uint8Array => {
    const unsigned = {
      network: committee.at(by).config.networkId,
      key: 'treasury',
      certificate,
      helpers: helpersOf('bob', 'carol'),
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const signed = repairProposals.sign({ ...unsigned, ...change }, committee.at(by).key);
    return wire.encode(repairProposals.codec, { ...signed, ...(change.signature && { signature: change.signature }) });
  };
  const say = async (body: Uint8Array): Promise<readonly string[]> => {
    const before = (await committee.audit('bob')).length;
    committee.say('alice', 'bob', { type: 'request', value: { kind: kinds.repair, body } });
    await committee.run(20);
    return (await committee.audit('bob')).slice(before);
  };

  test.for<[string, () => Partial<RepairProposal>, string]>([
    ['for another network', () => ({ network: new Uint8Array(32) }), 'denied'],
    ['that nobody signed', () => ({ signature: new Uint8Array(64) }), 'denied'],
    ['that has expired', () => ({ expires: 1 }), 'expired'],
    ['for no key', () => ({ key: 'nothing' }), 'key-unknown'],
    ['of another epoch', () => ({ certificate: otherEpoch(certificate) }), 'denied'],
    ['of no certificate', () => ({ certificate: new Uint8Array(3) }), 'denied'],
    ['by too few helpers', () => ({ helpers: helpersOf('bob') }), 'invalid'],
    ['by one twice', () => ({ helpers: [partyOf('bob'), partyOf('bob')] }), 'invalid'],
    ['by a stranger', () => ({ helpers: [partyOf('bob'), 9] }), 'invalid'],
    ['out of order', () => ({ helpers: helpersOf('bob', 'carol').toReversed() }), 'invalid'],
    ['by the one who asks', () => ({ helpers: helpersOf('alice', 'bob') }), 'invalid'],
    ['by others than this node', () => ({ helpers: helpersOf('carol', 'dave') }), 'invalid'],
  ])('%s is refused', async ([, change, code]) => {
    await committee.run(60_000);
    expect(await say(proposal(change()))).toEqual([`repair-refused: ${code}`]);
  });

  test('that failed is not begun again by who still passes it on, and costs its proposer nothing', async () => {
    await committee.run(60_000);
    const body = proposal({ nonce: new Uint8Array(32).fill(6) });
    expect(await say(body)).toEqual(['repair-approved']);
    const request = committee.at('bob').node.ceremonies()[0]?.id ?? '';
    committee.say('carol', 'bob', { type: 'declined', value: { request: fromHex(request), reason: 'no', highest: 0 } });
    await committee.run(20);
    expect(committee.ceremony('bob', request)?.state).toBe('failed');
    for (let n = 0; n <= limits.repairsBurst; n++) expect(await say(body)).toEqual([]);
    expect(committee.ceremony('bob', request)?.state).toBe('failed');
    expect(await say(proposal({ nonce: new Uint8Array(32).fill(5) }))).toEqual(['repair-approved']);
  });

  test('of a frozen key is refused', async () => {
    await committee.run(60_000);
    await committee.at('bob').node.freeze('treasury', true);
    expect(await say(proposal({ nonce: new Uint8Array(32).fill(7) }))).toEqual(['repair-refused: denied']);
    await committee.at('bob').node.freeze('treasury', false);
  });

  test('of a member that is banned here is refused', async () => {
    await committee.run(60_000);
    const { bans } = committee.at('bob').home;
    const node = committee.at('alice').key.publicKey;
    await bans.ban({ node, session: new Uint8Array(32), time: 1 });
    expect(await say(proposal({ nonce: new Uint8Array(32).fill(8) }))).toEqual(['repair-refused: denied']);
    await bans.lift(node);
  });

  test('comes again in place of one that its proposer has forgotten', async () => {
    const fresh = await committeeOf(3, 'forgotten');
    for (const name of ['alice', 'carol'])
      Object.assign(fresh.at(name).config, { accept: { default: 'ask', proposers: {} } });
    const bob = await lose(fresh, 'bob');
    const first = await inTime(fresh, bob.node.repair('treasury'));
    await fresh.run(100);
    await fresh.stop(bob);
    await fresh.start(bob);
    await fresh.run(20);
    const second = await inTime(fresh, bob.node.repair('treasury'));
    await fresh.run(100);
    for (const name of ['alice', 'carol']) {
      expect(fresh.ceremony(name, first.id)?.failure?.code).toBe('conflict');
      await fresh.at(name).node.accept(second.id);
    }
    await fresh.until(() => fresh.ceremony('bob', second.id)?.state === 'done');
  });

  test('that its proposer made before does not take the place of its newer one', async () => {
    await committee.run(60_000);
    const expires = committee.clock.now() + 60_000;
    const held = proposal({ nonce: new Uint8Array(32).fill(3), expires });
    const newer = proposal({ nonce: new Uint8Array(32).fill(4), expires: expires + 1_000 });
    expect(await say(newer)).toEqual(['repair-approved']);
    const [{ id } = { id: '' }] = committee.at('bob').node.ceremonies();
    expect(committee.ceremony('bob', id)?.state).toBe('accepted');
    await say(held);
    expect(committee.ceremony('bob', id)?.state).toBe('accepted');
    expect(committee.at('bob').sent.at(-1)).toMatchObject({ to: 'alice', frame: { type: 'declined' } });
  });

  test('of somebody who has no share of the key is refused, and a certificate is not sent there', async () => {
    const fresh = await Committee.open(4, 'outsider');
    const holders = ['alice', 'bob', 'carol'];
    const { id } = await fresh.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519', members: holders });
    await fresh.until(() => holders.every((name) => fresh.ceremony(name, id)?.state === 'done'));
    const bob = fresh.at('bob');
    const held = bob.home.keys.byName('treasury');
    if (held?.current?.certificate === undefined) throw new Error('there is a key');
    const certificatesTo = (name: string): number =>
      bob.sent.filter(({ frame, to }) => frame.type === 'certificate' && to === name).length;
    const wanted = { type: 'wanted', value: { keyId: held.keyId } } as const;
    fresh.say('dave', 'bob', wanted);
    for (let n = 0; n < 3 * limits.certificatesBurst; n++) fresh.say('alice', 'bob', wanted);
    await fresh.run(20);
    expect(certificatesTo('dave')).toBe(0);
    expect(certificatesTo('alice')).toBe(limits.certificatesBurst);
    const unsigned = {
      network: bob.config.networkId,
      key: 'treasury',
      certificate: held.current.certificate,
      helpers: [1, 2],
      expires: fresh.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const body = wire.encode(repairProposals.codec, repairProposals.sign(unsigned, fresh.at('dave').key));
    fresh.say('dave', 'bob', { type: 'request', value: { kind: kinds.repair, body } });
    await fresh.run(20);
    expect((await fresh.audit('bob')).at(-1)).toBe('repair-refused: denied');
    await expect(inTime(fresh, fresh.at('dave').node.repair('treasury'))).rejects.toMatchObject({ code: 'no-quorum' });
  });

  const otherEpoch = (encoded: Uint8Array): Uint8Array => {
    const { publicPackage, ...rest } = wire.decode(certificateCodec, encoded);
    const changed = publicPackage.map((byte, i) => (i === 60 ? byte ^ 1 : byte));
    return wire.encode(certificateCodec, { ...rest, publicPackage: changed });
  };
});
