import {
  activatedCodec,
  decodeEnvelope,
  ed25519,
  fromHex,
  kinds,
  provesConflict,
  publicPackageCodec,
  readyCodec,
  sealEnvelope,
  signReady,
  toHex,
  wire,
} from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import { timeText } from '../clock.ts';
import { limits } from '../limits.ts';
import { type RefreshProposal, refreshProposals } from '../policy/refresh-proposal.ts';
import type { CeremonyView } from '../service.ts';
import { nativeTools } from '../tools.ts';
import type { NodeFrame } from './frames.ts';
import { RefreshTask } from './refresh.ts';

const names = ['alice', 'bob', 'carol'];

async function committeeWith(seed: string, key = {}, settings = {}): Promise<Committee> {
  const committee = await Committee.open(3, seed, settings);
  await committee.key(key);
  await committee.run(limits.refreshPause);
  return committee;
}

const current = (committee: Committee, name: string, key = 'treasury') =>
  committee.at(name).home.keys.byName(key)?.current?.epoch;

const statesOf = (committee: Committee, name: string, key = 'treasury') =>
  committee
    .at(name)
    .home.keys.byName(key)
    ?.epochs.map(({ epoch, state }) => [epoch, state]);

async function refresh(committee: Committee, at: string, waiting = names): Promise<CeremonyView> {
  const { id } = await committee.at(at).node.refresh('treasury');
  await committee.until(
    () => waiting.every((name) => ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? '')),
    120_000,
  );
  return committee.ceremony(at, id) as CeremonyView;
}

async function shareOf(committee: Committee, name: string, key = 'treasury'): Promise<string> {
  const { keys } = committee.at(name).home;
  const info = keys.byName(key);
  if (info?.current === undefined) throw new Error('there is a key');
  using share = await keys.share(info.keyId, info.current.epoch);
  return share.use(toHex);
}

describe('a refresh', () => {
  test.for([
    ['ed25519', 'treasury'],
    ['taproot', 'treasury'],
    ['ecdsa', 'treasury'],
  ] as const)('of an %s key changes every share, and nothing that others see', async ([scheme, key]) => {
    const committee = await committeeWith(`refresh ${scheme}`, { scheme });
    const { node } = committee.at('alice');
    const before = {
      shares: await Promise.all(names.map(async (name) => shareOf(committee, name))),
      key: await node.key(key),
    };
    const done = await refresh(committee, 'bob');
    expect(done.failure).toBeUndefined();
    expect(done.result).toMatchObject({ type: 'key', publicKey: before.key.publicKey, epoch: 2 });
    await committee.run(2 * limits.readyInterval);
    for (const [i, name] of names.entries()) {
      expect(current(committee, name)).toBe(2);
      expect(await shareOf(committee, name)).not.toBe(before.shares[i]);
      // All know that all use it: the old shares are gone.
      expect(statesOf(committee, name)).toEqual([
        [1, 'shredded'],
        [2, 'active'],
      ]);
      expect(committee.at(name).fatal).toEqual([]);
    }
    expect(await committee.audit('carol')).toContain('epoch-shredded');
    const intent = { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(3) } } as const;
    const request = committee.order('after', scheme === 'ecdsa' ? { intent } : {});
    expect((await committee.sign('carol', request, 60_000)).state).toBe('done');
  });

  test('happens by itself once a day, and again the next; one member proposes, and all agree on when', async () => {
    const committee = await committeeWith('daily', {}, { refreshInterval: 86_400 });
    const made = committee.at('alice').home.keys.byName('treasury')?.current?.createdAt ?? 0;
    const dues = await Promise.all(
      names.map(async (name) => (await committee.at(name).node.key('treasury')).refresh?.dueAt ?? 0),
    );
    for (const due of dues) {
      expect(due - made).toBeGreaterThanOrEqual(0.9 * 86_400_000);
      expect(due - made).toBeLessThanOrEqual(1.1 * 86_400_000 + 1_000);
    }
    expect(Math.max(...dues) - Math.min(...dues)).toBeLessThan(1_000);
    for (const epoch of [2, 3]) {
      await committee.run(1.2 * 86_400_000);
      for (const name of names) expect(current(committee, name)).toBe(epoch);
      const { epochAt, knownSince } = await committee.at('alice').node.key('treasury');
      expect([knownSince, epochAt > made]).toEqual([made, true]);
      const mine = names.map((name) =>
        committee
          .at(name)
          .node.ceremonies()
          .filter(({ kind }) => kind === 'renew'),
      );
      for (const all of mine) expect(all.every(({ state }) => state === 'done')).toBe(true);
      expect(mine[0]).toHaveLength(epoch - 1);
    }
    expect((await committee.sign('bob', committee.order('after days'))).state).toBe('done');
  });

  test('that is due waits for a member who is away, and says so', async () => {
    const committee = await committeeWith('away', {}, { refreshInterval: 3_600 });
    const carol = committee.at('carol');
    await committee.stop(carol);
    await committee.run(2 * 3_600_000);
    const { refresh: view } = await committee.at('alice').node.key('treasury');
    expect(view?.problem).toMatch(/needs all members, and carol is not connected/);
    expect((await committee.at('alice').node.status()).warnings).toContainEqual(
      expect.stringMatching(/^the shares of treasury are due for a refresh, overdue since 2.*: .*carol/),
    );
    await expect(committee.at('alice').node.refresh('treasury')).rejects.toMatchObject({ code: 'no-quorum' });
    expect(current(committee, 'alice')).toBe(1);
    expect((await committee.sign('bob', committee.order('meanwhile'))).state).toBe('done');
    await committee.start(carol);
    await committee.run(1_800_000);
    for (const name of names) expect(current(committee, name)).toBe(2);
  });

  test('that is due and fails again and again is seen at all: since when, why, and who declines', async () => {
    const committee = await committeeWith('overdue', {}, { refreshInterval: 3_600 });
    await committee.at('bob').node.freeze('treasury', true);
    await committee.run(2 * 3_600_000);
    for (const name of ['alice', 'carol']) {
      const { log, node } = committee.at(name);
      const { refresh: view } = await node.key('treasury');
      expect(view?.problem).toMatch(
        /^it failed \d+ times, at last so: too many members decline: bob: .* is frozen here/,
      );
      expect(view?.problem?.match(/too many/g)).toHaveLength(1);
      const since = timeText(view?.dueAt ?? 0);
      expect((await node.status()).warnings).toContainEqual(
        expect.stringContaining(`due for a refresh, overdue since ${since}: it failed`),
      );
      expect(log.filter((line) => line.includes('a refresh failed') && line.includes('bob')).length).toBeGreaterThan(1);
    }
    expect((await committee.at('bob').node.status()).warnings).toContainEqual(
      expect.stringMatching(/^the key treasury is frozen here: .*nobody can refresh it.*quorate keys thaw treasury/),
    );
    await committee.at('bob').node.freeze('treasury', false);
    await committee.run(2 * 3_600_000);
    expect((await committee.at('alice').node.key('treasury')).refresh?.problem).toBeUndefined();
    expect(current(committee, 'alice')).toBeGreaterThan(1);
  });

  test('that one member declines ends at once at all: nobody waits for it and refuses the next one', async () => {
    const committee = await committeeWith('declined');
    await committee.at('bob').node.freeze('treasury', true);
    const { id } = await committee.at('alice').node.refresh('treasury');
    await committee.until(() => committee.ceremony('carol', id)?.state === 'failed', 1_000);
    expect(committee.ceremony('carol', id)?.failure).toMatchObject({ code: 'denied' });
    await committee.at('bob').node.freeze('treasury', false);
    expect((await refresh(committee, 'carol')).state).toBe('done');
  });

  test('destroys no old share while others are not known to use the new ones, whoever claims it', async () => {
    const committee = await committeeWith('silent');
    const [alice, carol] = [committee.at('alice'), committee.at('carol')];
    // Nobody tells alice that it uses the new epoch, but carol says so in the name of bob.
    const silence: Tamper = (frame, to) => (frame.type === 'activated' && to === 'alice' ? [] : [frame]);
    committee.at('bob').tamper = silence;
    carol.tamper = silence;
    expect((await refresh(committee, 'alice')).state).toBe('done');
    const info = alice.home.keys.byName('treasury');
    if (info?.current === undefined) throw new Error('there is a key');
    const { keyId, current: used } = info;
    const { members, transcript } = wire.decode(publicPackageCodec(ed25519), used.publicPackage);
    const bob = members.find(({ node }) => toHex(node) === toHex(committee.at('bob').key.publicKey))?.party ?? 0;
    const value = wire.encode(activatedCodec, { keyId, epoch: 2, party: bob, transcript });
    carol.tamper = undefined;
    committee.say('carol', 'alice', { type: 'activated', value });
    const own = members.find(({ node }) => toHex(node) === toHex(carol.key.publicKey))?.party ?? 0;
    const word = wire.encode(activatedCodec, { keyId, epoch: 2, party: own, transcript });
    committee.say('carol', 'alice', { type: 'activated', value: word });
    carol.tamper = silence;
    await committee.run(2 * limits.retirementGrace);
    expect(statesOf(committee, 'alice')).toEqual([
      [1, 'retiring'],
      [2, 'active'],
    ]);
    // A member that comes back says it again.
    committee.at('bob').tamper = undefined;
    await committee.stop(committee.at('bob'));
    await committee.start(committee.at('bob'));
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'alice')?.[0]).toEqual([1, 'shredded']);
  });

  test('destroys old shares of which not all were heard once some time is over, restarts or not', async () => {
    const committee = await Committee.open(4, 'grace');
    await committee.key({ threshold: 2 });
    await committee.run(limits.refreshPause);
    const dave = committee.at('dave');
    dave.tamper = (frame) => (frame.type === 'activated' ? [] : [frame]);
    expect((await refresh(committee, 'alice', ['alice', 'bob', 'carol'])).state).toBe('done');
    await committee.run(0.6 * limits.retirementGrace);
    const alice = committee.at('alice');
    await committee.stop(alice);
    await committee.start(alice);
    await committee.run(0.3 * limits.retirementGrace);
    for (const name of ['alice', 'bob']) expect(statesOf(committee, name)?.[0]).toEqual([1, 'retiring']);
    await committee.run(0.2 * limits.retirementGrace);
    for (const name of ['alice', 'bob']) expect(statesOf(committee, name)?.[0]).toEqual([1, 'shredded']);
  });

  test('nor do they stay for long where the clock was ahead when the new ones were made', async () => {
    const committee = await Committee.open(4, 'ahead');
    await committee.key({ threshold: 2 });
    await committee.run(limits.refreshPause);
    const [alice, dave] = [committee.at('alice'), committee.at('dave')];
    dave.tamper = (frame) => (frame.type === 'activated' ? [] : [frame]);
    const { id } = await alice.node.refresh('treasury');
    await committee.until(() => committee.ceremony('alice', id)?.state === 'running', 60_000);
    alice.skew = 10 * 365 * 24 * 3_600_000;
    await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming', 60_000);
    alice.skew = 0;
    await committee.until(() => current(committee, 'alice') === 2, 60_000);
    await committee.run(1.1 * limits.retirementGrace);
    expect(statesOf(committee, 'alice')?.[0]).toEqual([1, 'shredded']);
  });

  test('keeps every order: those under way are carried out in the new epoch', async () => {
    const committee = await committeeWith('load');
    const ids: { at: string; id: string }[] = [];
    const order = async (n: number): Promise<void> => {
      const at = names[n % 3] as string;
      ids.push({ at, id: (await committee.at(at).node.sign(committee.order(`order ${n}`))).id });
    };
    const { id } = await committee.at('alice').node.refresh('treasury');
    for (let n = 0; committee.ceremony('alice', id)?.state !== 'done' || n < 40; n++) {
      await order(n);
      await committee.run(1);
    }
    await committee.until(() => ids.every((one) => committee.ceremony(one.at, one.id)?.state === 'done'), 20_000);
    for (const name of names) expect(current(committee, name)).toBe(2);
    expect(ids.length).toBeGreaterThanOrEqual(40);
  });

  test('that failed at one member is not begun there again by those who prepared it: the next one is', async () => {
    const committee = await committeeWith('late to fail');
    const [alice, bob, carol] = names.map((name) => committee.at(name)) as [Member, Member, Member];
    const sessions = new Set<string>();
    // Alice does not hear the last word of the proof that the shares live.
    carol.tamper = (frame, to) => {
      if (frame.type !== 'envelope' || to !== 'alice') return [frame];
      const { round, sid } = decodeEnvelope(frame.value);
      sessions.add(toHex(sid));
      return sessions.size > 1 && round === 1 ? [] : [frame];
    };
    const { id } = await bob.node.refresh('treasury');
    const states = () => names.map((name) => committee.ceremony(name, id)?.state);
    await committee.until(() => states().join() === 'failed,confirming,confirming', 60_000);
    carol.tamper = undefined;
    for (const other of [bob, carol]) {
      committee.hub.sever(alice.peer, other.peer, 10);
      await committee.run(100);
    }
    expect(states()).toEqual(['failed', 'confirming', 'confirming']);
    // Nor where it was forgotten.
    await committee.stop(alice);
    await committee.start(alice);
    await committee.run(100);
    expect(states()).toEqual([undefined, 'confirming', 'confirming']);
    expect((await refresh(committee, 'carol')).state).toBe('done');
    expect(names.map((name) => current(committee, name))).toEqual([3, 3, 3]);
    // Of the attempt that was never certified nothing stays.
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'bob')).toEqual([
      [1, 'shredded'],
      [2, 'shredded'],
      [3, 'active'],
    ]);
  });

  test('of which a member promises two outcomes is certified; who heard it keeps both promises as proof', async () => {
    const committee = await committeeWith('two promises');
    const { config, home, key: nodeKey } = committee.at('carol');
    const twice: NodeFrame[] = [];
    committee.at('carol').tamper = (frame) => {
      if (frame.type !== 'ready') return [frame];
      const { epoch, party } = wire.decode(readyCodec, frame.value);
      const info = home.keys.byName('treasury')?.epochs.find((one) => one.epoch === epoch);
      const outcome = wire.decode(publicPackageCodec(ed25519), info?.publicPackage as Uint8Array);
      const other = { ...outcome, transcript: new Uint8Array(32) };
      const lie = signReady(config.networkId, ed25519, other, party, nodeKey);
      twice.splice(0, 2, frame, { type: 'ready', value: wire.encode(readyCodec, lie) });
      return [...twice];
    };
    expect((await refresh(committee, 'alice')).state).toBe('done');
    await committee.stop(committee.at('alice'));
    await committee.start(committee.at('alice'));
    await committee.run(1_000);
    for (const frame of twice) committee.say('carol', 'alice', frame);
    await committee.run(1_000);
    for (const name of ['alice', 'bob']) {
      const { home: kept, node } = committee.at(name);
      expect(node.peers().map((peer) => [peer.name, peer.blames])).toEqual(
        names.filter((one) => one !== name).map((one) => [one, one === 'carol' ? 1 : 0]),
      );
      expect((await committee.audit(name)).filter((kind) => kind === 'blame')).toHaveLength(1);
      for await (const { evidence, node: accused, party } of kept.blames.all()) {
        expect(accused).toEqual(nodeKey.publicKey);
        expect(provesConflict(evidence, { party, node: accused }, nativeTools().signatures)).toBe(true);
      }
    }
  });

  test('that one member gives up changes nothing: the old epoch signs, the next attempt works', async () => {
    const committee = await committeeWith('broken');
    const carol = committee.at('carol');
    carol.tamper = (frame) => (frame.type === 'envelope' ? [] : [frame]);
    const failed = await refresh(committee, 'alice');
    expect(failed.failure).toMatchObject({ code: 'timeout', culprits: [], suspects: ['carol'] });
    carol.tamper = undefined;
    expect(current(committee, 'alice')).toBe(1);
    expect((await committee.sign('bob', committee.order('meanwhile'))).state).toBe('done');
    await committee.run(limits.refreshPause);
    expect((await refresh(committee, 'bob')).state).toBe('done');
    expect((await committee.sign('bob', committee.order('after'))).state).toBe('done');
  });
});

describe('the proof that new shares live', () => {
  /** A signature share in the second session of a refresh, changed: its member cannot use its new share. */
  const badShare = (member: Member): Tamper => {
    let first: string | undefined;
    return (frame) => {
      if (frame.type !== 'envelope') return [frame];
      const envelope = decodeEnvelope(frame.value);
      if (envelope.kind !== kinds.renew) return [frame];
      first ??= toHex(envelope.sid);
      if (toHex(envelope.sid) === first || envelope.round !== 1 || envelope.class !== 'broadcast') return [frame];
      const payload = envelope.payload.map((byte, i) => (i === 20 ? byte ^ 1 : byte));
      return [{ type: 'envelope', value: sealEnvelope(envelope, envelope.echo, payload, member.key).frame }];
    };
  };

  test('comes before READY: who cannot sign with it is named, and no new epoch is kept', async () => {
    const committee = await committeeWith('dead share');
    const carol = committee.at('carol');
    carol.tamper = badShare(carol);
    const failed = await refresh(committee, 'alice', ['alice', 'bob']);
    expect(failed.failure).toMatchObject({ code: 'cheated', culprits: [{ name: 'carol', code: 'bad-share' }] });
    carol.tamper = undefined;
    for (const name of ['alice', 'bob']) {
      expect(statesOf(committee, name)).toEqual([[1, 'active']]);
      const peers = committee.at(name).node.peers();
      expect(peers.map((peer) => [peer.name, peer.blames]).filter(([, blames]) => blames !== 0)).toEqual([
        ['carol', 1],
      ]);
    }
    await committee.run(limits.refreshPause);
    // The cheat has prepared what nobody else will: its number is gone, and does no harm.
    expect(statesOf(committee, 'carol')).toEqual([
      [1, 'active'],
      [2, 'prepared'],
    ]);
    expect((await refresh(committee, 'alice')).result).toMatchObject({ epoch: 3 });
    expect((await committee.sign('carol', committee.order('after'))).state).toBe('done');
  });
});

describe('power cuts', () => {
  test('of one member at any moment of a refresh lose no key: it signs, in one epoch for all', async () => {
    for (let moment = 0, over = false; !over; moment += 3) {
      const committee = await committeeWith('cut');
      const { id } = await committee.at('alice').node.refresh('treasury');
      await committee.run(moment);
      over = names.every((name) => committee.ceremony(name, id)?.state === 'done');
      const bob = committee.at('bob');
      await committee.stop(bob);
      await committee.start(bob);
      await committee.run(60_000);
      const epochs = names.map((name) => current(committee, name));
      expect(new Set(epochs).size).toBe(1);
      const done = await committee.sign('carol', committee.order('after'), 30_000);
      expect(await committee.verifies('after', done)).toBe(true);
      for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
    }
  });
});

describe('a proposal to refresh', () => {
  let committee: Committee;
  beforeAll(async () => {
    committee = await committeeWith('proposals');
  });

  const proposal = (change: Partial<RefreshProposal> = {}, by = 'alice', among = committee): Uint8Array => {
    const unsigned = {
      network: among.at(by).config.networkId,
      key: 'treasury',
      baseEpoch: 1,
      epoch: 2,
      dealers: [1, 2],
      expires: among.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const signed = refreshProposals.sign({ ...unsigned, ...change }, among.at(by).key);
    return wire.encode(refreshProposals.codec, { ...signed, ...(change.signature && { signature: change.signature }) });
  };

  test.for<[string, Partial<RefreshProposal>, string]>([
    ['for another network', { network: new Uint8Array(32) }, 'denied'],
    ['that nobody signed', { signature: new Uint8Array(64) }, 'denied'],
    ['that has expired', { expires: 1 }, 'expired'],
    ['for no key', { key: 'nothing' }, 'key-unknown'],
    ['of another epoch', { baseEpoch: 7 }, 'denied'],
    ['to an epoch that is there', { epoch: 1 }, 'denied'],
    ['to an epoch out of reach', { epoch: 2_000_000_000 }, 'invalid'],
    ['dealt by too few', { dealers: [1] }, 'invalid'],
    ['dealt by one twice', { dealers: [1, 1] }, 'invalid'],
    ['dealt by a stranger', { dealers: [1, 9] }, 'invalid'],
    ['dealt out of order', { dealers: [2, 1] }, 'invalid'],
  ])('%s is refused', async ([, change, code]) => {
    const before = (await committee.audit('bob')).length;
    committee.say('alice', 'bob', { type: 'request', value: { kind: kinds.renew, body: proposal(change) } });
    await committee.run(20);
    expect((await committee.audit('bob')).slice(before)).toEqual([`refresh-refused: ${code}`]);
  });

  test('a moment after the last one is refused: nobody keeps the others dealing', async () => {
    const fresh = await Committee.open(3, 'worn out');
    await fresh.key();
    const { node } = fresh.at('alice');
    const busy = async (ask: () => Promise<CeremonyView>): Promise<void> => {
      for (const _ of [1, 2]) await expect(ask()).rejects.toMatchObject({ code: 'busy' });
      await fresh.run(limits.refreshPause);
    };
    // What is refused here uses up no number.
    await busy(() => node.refresh('treasury'));
    expect((await refresh(fresh, 'alice')).result).toMatchObject({ epoch: 2 });
    const reshareTo = async (threshold: number): Promise<CeremonyView | undefined> => {
      const { id } = await node.reshare('treasury', { threshold });
      await fresh.until(() => names.every((name) => fresh.ceremony(name, id)?.state === 'done'));
      return fresh.ceremony('alice', id);
    };
    expect((await reshareTo(3))?.result).toMatchObject({ epoch: 3 });
    await busy(() => node.reshare('treasury', { threshold: 2 }));
    expect((await reshareTo(2))?.result).toMatchObject({ epoch: 4 });
  });

  test('is possible with a key that was made while the clock was ahead', async () => {
    const committee = await Committee.open(3, 'ahead');
    committee.at('bob').skew = 30_000;
    await committee.key();
    committee.at('bob').skew = 0;
    await committee.run(limits.refreshPause);
    expect((await refresh(committee, 'alice')).failure).toBeUndefined();
  });

  test('that was declined while it was still being looked at is over: nobody waits for it', async () => {
    const body = proposal({ nonce: new Uint8Array(32).fill(1) });
    const request = RefreshTask.idOf(body) as Uint8Array;
    committee.say('alice', 'bob', { type: 'declined', value: { request, reason: 'no', highest: 0 } });
    committee.say('alice', 'bob', { type: 'request', value: { kind: kinds.renew, body } });
    await committee.run(20);
    expect(committee.ceremony('bob', toHex(request))?.failure).toMatchObject({ code: 'denied' });
  });

  test("yields to its proposer's next one, a while later, and to nobody else's", async () => {
    const fresh = await committeeWith('dead proposals');
    const expires = fresh.clock.now() + 60_000;
    const nonces = [1, 2, 3, 4].map((one) => new Uint8Array(32).fill(one));
    const later = [0, limits.refreshPause, limits.refreshPause - 1, limits.refreshPause];
    const ids: string[] = [];
    for (const [i, by] of ['alice', 'carol', 'alice', 'alice'].entries()) {
      const body = proposal({ nonce: nonces[i] as Uint8Array, expires: expires + (later[i] as number) }, by, fresh);
      ids.push(toHex(RefreshTask.idOf(body) as Uint8Array));
      // Nobody else knows of it, as if the others had declined it unheard.
      fresh.say(by, 'bob', { type: 'request', value: { kind: kinds.renew, body } });
      await fresh.run(20);
    }
    const states = ids.map((id) => fresh.ceremony('bob', id)?.state);
    expect(states).toEqual(['failed', undefined, undefined, 'accepted']);
    expect(fresh.ceremony('bob', ids[0] as string)?.failure).toMatchObject({ code: 'conflict' });
  });

  test.for([0, 1])('made %d ms after another, elsewhere: one new epoch at most; the next works', async (later) => {
    const fresh = await committeeWith(`two leaders ${later}`);
    const propose = async (name: string): Promise<CeremonyView> => fresh.at(name).node.refresh('treasury');
    const first = propose('alice');
    if (later > 0) await fresh.run(later);
    // Where the other one is known already, it is not even begun.
    const second = propose('carol').catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'busy' });
      return undefined;
    });
    const both = [await first, await second].flatMap((view) => view ?? []);
    const views = () => both.map(({ id }, i) => fresh.ceremony(i === 0 ? 'alice' : 'carol', id));
    await fresh.until(() => views().every((view) => ['done', 'failed'].includes(view?.state ?? '')), 120_000);
    await fresh.run(limits.refreshPause);
    const done = views().filter((view) => view?.state === 'done').length;
    expect(done).toBeLessThanOrEqual(1);
    if (both.length === 1) expect(done).toBe(1);
    const losers = views().flatMap((view) => view?.failure ?? []);
    expect(losers).toHaveLength(both.length - done);
    // Each is told who was dealing already.
    for (const failure of losers) {
      const reason = expect.stringMatching(/(alice|bob|carol): the shares of treasury are being dealt anew/);
      expect(failure).toMatchObject({ code: 'denied', reason, culprits: [], suspects: [] });
    }
    expect(names.map((name) => current(fresh, name))).toEqual(names.map(() => 1 + done));
    expect((await refresh(fresh, 'bob')).state).toBe('done');
    expect(new Set(names.map((name) => current(fresh, name))).size).toBe(1);
    for (const { fatal, node } of fresh.members.values()) {
      expect(fatal).toEqual([]);
      for (const { banned, blames } of node.peers()) expect([banned, blames]).toEqual([false, 0]);
    }
    expect((await fresh.sign('alice', fresh.order('after'))).state).toBe('done');
  });

  test('of a frozen key is refused', async () => {
    await committee.at('bob').node.freeze('treasury', true);
    await expect(committee.at('bob').node.refresh('treasury')).rejects.toMatchObject({ code: 'denied' });
    await committee.at('bob').node.freeze('treasury', false);
  });

  test('while another is under way is refused', async () => {
    const { id } = await committee.at('alice').node.refresh('treasury');
    await committee.until(() => committee.ceremony('alice', id)?.state === 'running');
    await expect(committee.at('alice').node.refresh('treasury')).rejects.toMatchObject({ code: 'busy' });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 30_000);
    expect(fromHex(id)).toHaveLength(32);
  });
});
