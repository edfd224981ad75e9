import {
  type Approval,
  activatedCodec,
  approvalCodec,
  type Certificate,
  certificateCodec,
  decodeEnvelope,
  ed25519,
  publicPackageCodec,
  readyCodec,
  toHex,
  wire,
} from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import type { Committee, Member, Tamper } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, heirs, keyOf, reshare, statesOf, three } from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import type { NodeFrame } from './frames.ts';
import { headerOf } from './packages.ts';

/** The key goes from alice, bob and carol to dave, erin and frank; alice proposes it and deals. */
async function handingOver(seed: string, tamper: (committee: Committee) => void): Promise<Committee> {
  const committee = await committeeWith(seed, 6, 3);
  tamper(committee);
  const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
  await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming', 60_000);
  await committee.run(4 * limits.readyInterval);
  return committee;
}

/** The one who deals besides alice. */
function otherDealer(committee: Committee): string {
  return ['bob', 'carol'].find((name) => statesOf(committee, name).some(([, state]) => state === 'approved')) as string;
}

const without =
  (...types: readonly NodeFrame['type'][]): Tamper =>
  (frame) =>
    types.includes(frame.type) ? [] : [frame];

/** Of a renewal, the last message of the proof that the shares live does not reach one. */
function lastWordKeptFrom(one: string): Tamper {
  const sessions = new Set<string>();
  return (frame, to) => {
    if (frame.type !== 'envelope') return [frame];
    const { round, sid } = decodeEnvelope(frame.value);
    sessions.add(toHex(sid));
    return to === one && sessions.size > 1 && round === 1 ? [] : [frame];
  };
}

const changed =
  (change: (approval: Approval, to: string) => Approval): Tamper =>
  (frame, to) => {
    if (frame.type !== 'approval') return [frame];
    const approval = change(wire.decode(approvalCodec, frame.value), to);
    return [{ type: 'approval', value: wire.encode(approvalCodec, approval) }];
  };

async function expectStillThere(committee: Committee): Promise<void> {
  for (const name of heirs) expect(statesOf(committee, name).at(-1)).toEqual([2, 'prepared']);
  for (const name of three) expect(keyOf(committee, name)?.current?.epoch).toBe(1);
  expect(await committee.verifies('still', await committee.sign('bob', committee.order('still')))).toBe(true);
  expectNobodyBlamed(committee);
}

async function expectGone(committee: Committee, left = three): Promise<void> {
  await committee.run(4 * limits.readyInterval);
  for (const name of left) {
    expect(statesOf(committee, name)).toEqual([
      [1, 'shredded'],
      [2, 'elsewhere'],
    ]);
  }
  expect(await committee.verifies('gone', await committee.sign('frank', committee.order('gone')))).toBe(true);
  expectNobodyBlamed(committee);
}

function epochIn(certificate: Uint8Array): number {
  return headerOf(wire.decode(certificateCodec, certificate).publicPackage).epoch;
}

describe('an approval', () => {
  test('that is withheld leaves the key where it is; said at last, it completes the move', async () => {
    const committee = await handingOver('withheld', (all) => {
      all.at('alice').tamper = without('approval');
    });
    await expectStillThere(committee);
    committee.at('alice').tamper = undefined;
    await expectGone(committee);
  });

  test('that is still being written down when the key has moved without it is said no more, and stops nobody', async () => {
    const committee = await committeeWith('slow', 4, 3);
    const carol = committee.at('carol');
    const { audit } = carol.home;
    const append = audit.append.bind(audit);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    audit.append = async (time, kind, fields) => {
      const entry = await append(time, kind, fields);
      if (kind === 'epoch-approved') await promise;
      return entry;
    };
    await carol.node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
    await committee.until(() => statesOf(committee, 'carol').at(-1)?.[1] === 'elsewhere', 60_000);
    carol.sent.length = 0;
    resolve(undefined);
    await committee.run(2 * limits.readyInterval);
    expect(carol.sent.map(({ frame }) => frame.type)).not.toContain('approval');
    expectNobodyBlamed(committee);
  });

  test('that is forged, or of another member, epoch or outcome, counts for nothing', async () => {
    const forgeries: readonly ((approval: Approval) => Approval)[] = [
      (approval) => ({ ...approval, signature: approval.signature.with(0, (approval.signature[0] as number) ^ 1) }),
      (approval) => ({ ...approval, party: (approval.party % 3) + 1 }),
      (approval) => ({ ...approval, epoch: 3 }),
      (approval) => ({ ...approval, digest: new Uint8Array(32) }),
    ];
    for (const [i, forgery] of forgeries.entries()) {
      const committee = await handingOver(`forged ${i}`, (all) => {
        all.at('alice').tamper = changed(forgery);
      });
      await expectStillThere(committee);
    }
  });

  test('that says one thing to some and another to others splits nobody', async () => {
    const committee = await handingOver('two-tongued', (all) => {
      all.at('alice').tamper = changed((approval, to) =>
        to === 'dave' ? { ...approval, digest: new Uint8Array(32) } : approval,
      );
    });
    // Who heard the truth has a certificate, which convinces the others.
    await expectGone(committee);
    for (const name of heirs) expect(statesOf(committee, name).at(-1)).toEqual([2, 'active']);
  });

  test('is on the disk before it leaves, and a crash in between loses nothing', async () => {
    const committee = await handingOver('crash', (all) => {
      all.at('alice').tamper = without('approval');
    });
    const alice = committee.at('alice');
    await committee.stop(alice);
    alice.tamper = undefined;
    await committee.start(alice);
    // What it says at once nobody hears: its peers are not there yet.
    alice.sent.length = 0;
    expect(statesOf(committee, 'alice')).toEqual([
      [1, 'active'],
      [2, 'approved'],
    ]);
    await committee.run(100);
    expect(alice.sent.filter(({ frame }) => frame.type === 'approval').length).toBeGreaterThanOrEqual(3);
    await expectGone(committee);
  });

  test('is said at once to a new member that comes back, and to nobody else', async () => {
    // Another dealer's is withheld, so that all wait.
    const committee = await handingOver('back', (all) => {
      for (const name of ['bob', 'carol']) all.at(name).tamper = without('approval');
    });
    const [alice, dave] = [committee.at('alice'), committee.at('dave')];
    await committee.stop(dave);
    const said = (): number => alice.sent.filter(({ frame }) => frame.type === 'approval').length;
    // It was repeated a moment ago.
    const before = said();
    await committee.until(() => said() > before);
    alice.sent.length = 0;
    await committee.start(dave);
    await committee.run(limits.readyInterval / 2);
    const approvals = alice.sent.filter(({ frame }) => frame.type === 'approval');
    expect(approvals.map(({ to }) => to)).toEqual(['dave']);
  });

  test('is said once only for an epoch: the next attempt has another number', async () => {
    const committee = await handingOver('once', (all) => {
      all.at('alice').tamper = without('approval');
    });
    committee.at('alice').tamper = without('approval', 'ready');
    const dealer = otherDealer(committee);
    const members = [dealer, 'dave', 'erin'];
    await committee.at(dealer).node.reshare('treasury', { members });
    await committee.until(() => statesOf(committee, dealer).some(([epoch]) => epoch === 3), 60_000);
    committee.at('alice').tamper = undefined;
    await committee.run(4 * limits.readyInterval);
    // Whichever is certified, the higher one counts, for those who are in it and for those who are not.
    for (const name of members) expect(keyOf(committee, name)?.current?.epoch).toBe(3);
    for (const name of ['alice', 'frank']) expect(statesOf(committee, name).at(-1)).toEqual([3, 'elsewhere']);
    const said = committee.at(dealer).sent.flatMap(({ frame }) => (frame.type === 'approval' ? [frame.value] : []));
    expect(new Set(said.map((value) => wire.decode(approvalCodec, value).epoch)).size).toBe(
      new Set(said.map(String)).size,
    );
    expectNobodyBlamed(committee);
  });
});

describe('a member that was left out', () => {
  test('and is away learns it when it comes back, though the key has moved on meanwhile', async () => {
    const committee = await committeeWith('away', 5, 3);
    await committee.stop(committee.at('carol'));
    const first = ['alice', 'bob', 'dave'];
    await reshare(committee, 'alice', { members: first }, first);
    await committee.run(limits.refreshPause + 2 * limits.readyInterval);
    const second = ['bob', 'dave', 'erin'];
    await reshare(committee, 'bob', { members: second }, second);
    await committee.run(2 * limits.readyInterval);
    await committee.start(committee.at('carol'));
    await committee.run(4 * limits.readyInterval);
    expect(statesOf(committee, 'carol')).toEqual([
      [1, 'shredded'],
      [2, 'elsewhere'],
    ]);
    expectNobodyBlamed(committee);
  });

  test.for([0, 10 * 365 * 24 * 3_600_000])(
    'by an attempt at the same renewal believes it for a while only, not for ever, by a clock that was %i ms ahead',
    async (ahead) => {
      const committee = await committeeWith(`late ${ahead}`, 6, 3);
      committee.at('alice').tamper = without('approval');
      const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
      await committee.until(() => committee.ceremony('frank', id)?.state === 'running', 60_000);
      committee.at('frank').skew = ahead;
      await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming', 60_000);
      committee.at('frank').skew = 0;
      await committee.run(4 * limits.readyInterval);
      const members = [otherDealer(committee), 'dave', 'erin'];
      for (const name of members) {
        committee.at(name).tamper = (frame, to) =>
          frame.type === 'certificate' && to === 'frank' && epochIn(frame.value) === 3 ? [] : [frame];
      }
      await committee.at(members[0] as string).node.reshare('treasury', { members });
      await committee.until(() => statesOf(committee, 'dave').some(([epoch]) => epoch === 3), 60_000);
      committee.at('alice').tamper = undefined;
      await committee.run(limits.retirementGrace);
      expect(statesOf(committee, 'frank').at(-1)).toEqual([2, 'active']);
      for (const name of members) committee.at(name).tamper = undefined;
      await committee.stop(committee.at('frank'));
      await committee.start(committee.at('frank'));
      await committee.run(4 * limits.readyInterval);
      expect(statesOf(committee, 'frank').at(-1)).toEqual([2, 'active']);
    },
  );

  test('and had not heard that its own last epoch was certified, learns both from those who destroyed it', async () => {
    const committee = await committeeWith('missed', 6, 3);
    for (const name of ['alice', 'carol']) {
      committee.at(name).tamper = (frame, to) =>
        to === 'bob' && ['ready', 'certificate', 'activated'].includes(frame.type) ? [] : [frame];
    }
    await committee.at('alice').node.refresh('treasury');
    await committee.until(() => keyOf(committee, 'carol')?.current?.epoch === 2, 60_000);
    expect(statesOf(committee, 'bob').at(-1)).toEqual([2, 'prepared']);
    await committee.stop(committee.at('bob'));
    const next = ['alice', 'carol', 'dave'];
    await committee.run(limits.refreshPause);
    await reshare(committee, 'alice', { members: next }, next);
    await committee.run(4 * limits.readyInterval);
    for (const name of ['alice', 'carol']) {
      expect(statesOf(committee, name).slice(0, 2)).toEqual([
        [1, 'shredded'],
        [2, 'shredded'],
      ]);
      committee.at(name).tamper = undefined;
    }
    await committee.start(committee.at('bob'));
    await committee.run(4 * limits.readyInterval);
    expect(statesOf(committee, 'bob')).toEqual([
      [1, 'shredded'],
      [2, 'shredded'],
      [3, 'elsewhere'],
    ]);
    expectNobodyBlamed(committee);
  });

  test('believes no certificate that too few of its committee want', async () => {
    const committee = await committeeWith('strangers', 6, 3);
    let stripped: Uint8Array | undefined;
    for (const name of heirs) {
      committee.at(name).tamper = (frame, to) => {
        if (frame.type !== 'certificate' || !three.includes(to)) return [frame];
        const certificate: Certificate = wire.decode(certificateCodec, frame.value);
        stripped = wire.encode(certificateCodec, { ...certificate, approvals: certificate.approvals.slice(1) });
        return [{ type: 'certificate', value: stripped }];
      };
    }
    await reshare(committee, 'alice', { members: heirs }, heirs);
    await committee.run(4 * limits.readyInterval);
    expect(stripped).toBeDefined();
    for (const name of three) expect(keyOf(committee, name)?.current?.epoch).toBe(1);
    for (const name of heirs) committee.at(name).tamper = undefined;
    for (const name of three) {
      await committee.stop(committee.at(name));
      await committee.start(committee.at(name));
    }
    await expectGone(committee);
  });

  test('keeps its retired share until enough of the others use theirs, whoever else says so', async () => {
    const committee = await committeeWith('kept', 6, 3);
    for (const name of heirs) committee.at(name).tamper = without('activated');
    await reshare(committee, 'alice', { members: heirs }, ['alice', ...heirs]);
    await committee.run(2 * limits.readyInterval);
    for (const name of three) expect(statesOf(committee, name)[0]).toEqual([1, 'retiring']);
    for (const name of heirs) committee.at(name).tamper = undefined;
    const keyId = keyOf(committee, 'alice')?.keyId as Uint8Array;
    const { transcript } = wire.decode(
      publicPackageCodec(ed25519),
      keyOf(committee, 'alice')?.epochs.at(-1)?.publicPackage as Uint8Array,
    );
    const says = (from: string, party: number, of = transcript): void => {
      const activated = { keyId, epoch: 2, party, transcript: of };
      committee.say(from, 'alice', { type: 'activated', value: wire.encode(activatedCodec, activated) });
    };
    // One speaks for all; strangers speak; and after the grace period f of them are not enough.
    for (const party of [1, 2, 3, 9]) for (const from of ['dave', 'bob']) says(from, party);
    await committee.run(limits.retirementGrace + limits.readyInterval);
    expect(statesOf(committee, 'alice')[0]).toEqual([1, 'retiring']);
    // Of another attempt under that number.
    for (const party of [1, 2, 3]) for (const from of heirs) says(from, party, new Uint8Array(32));
    await committee.run(limits.readyInterval);
    expect(statesOf(committee, 'alice')[0]).toEqual([1, 'retiring']);
    for (const party of [1, 2, 3]) for (const from of heirs) says(from, party);
    await committee.run(limits.readyInterval);
    expect(statesOf(committee, 'alice')[0]).toEqual([1, 'shredded']);
    expect(await committee.audit('alice')).toContain('epoch-shredded');
  });

  test('says nothing more of an attempt whose share it destroyed', async () => {
    const committee = await committeeWith('silence', 6, 3);
    const alice = committee.at('alice');
    // The first attempt is prepared, and never certified.
    committee.at('dave').tamper = without('ready', 'certificate');
    await alice.node.reshare('treasury', { members: [...three, 'dave'], threshold: 3 });
    await committee.until(() => statesOf(committee, 'alice').at(-1)?.[1] === 'prepared', 60_000);
    await committee.run(limits.refreshPause);
    const members = ['bob', 'erin', 'frank'];
    await reshare(committee, 'alice', { members }, ['alice', ...members]);
    await committee.run(4 * limits.readyInterval);
    expect(statesOf(committee, 'alice').map(([, state]) => state)).toEqual(['shredded', 'shredded', 'elsewhere']);
    const before = alice.sent.length;
    await committee.run(4 * limits.readyInterval);
    const said = alice.sent.slice(before).map(({ frame }) => frame.type);
    expect(said).not.toContain('ready');
    expectNobodyBlamed(committee);
  });

  /** Bob has prepared an attempt that failed at alice, who proposed it, and at dave: he alone heard everybody's last word. */
  async function preparedAtBob(committee: Committee): Promise<string> {
    const [alice, dave] = [committee.at('alice'), committee.at('dave')];
    alice.tamper = lastWordKeptFrom('dave');
    dave.tamper = lastWordKeptFrom('alice');
    const { id } = await alice.node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
    const states = () => ['alice', 'bob', 'dave'].map((name) => committee.ceremony(name, id)?.state);
    await committee.until(() => states().join() === 'failed,confirming,failed', 60_000);
    for (const member of [alice, dave]) member.tamper = undefined;
    return id;
  }

  test('believes another attempt under the number of one that it prepared itself, and of which nothing will come', async () => {
    const committee = await committeeWith('one number', 4, 3);
    const id = await preparedAtBob(committee);
    // Carol knows nothing of it.
    const members = ['alice', 'carol', 'dave'];
    expect((await reshare(committee, 'carol', { members }, members)).result).toMatchObject({ epoch: 2 });
    await committee.until(() => committee.ceremony('bob', id)?.state === 'failed');
    expect(committee.ceremony('bob', id)?.failure?.code).toBe('conflict');
    await committee.run(2 * limits.readyInterval);
    const bob = committee.at('bob');
    const gone = [
      [1, 'shredded'],
      [2, 'elsewhere'],
    ];
    expect(statesOf(committee, 'bob')).toEqual(gone);
    expect([...bob.store.durable.keys()].filter((place) => place.startsWith('shares/'))).toEqual([]);
    expect([...bob.store.beside.files.keys()]).toEqual(['counter']);
    const before = bob.sent.length;
    await committee.run(2 * limits.readyInterval);
    await committee.stop(bob, 'kill');
    await committee.start(bob);
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'bob')).toEqual(gone);
    expect(bob.sent.slice(before).map(({ frame }) => frame.type)).not.toContain('ready');
    const repair = bob.node.repair('treasury');
    await Promise.race([repair.catch(() => undefined), committee.run(2 * limits.certificateAnswer)]);
    for (const refused of [
      bob.node.sign(committee.order('gone')),
      bob.node.refresh('treasury'),
      bob.node.freeze('treasury', true),
      bob.node.addresses('treasury', 'm', 'mainnet'),
      repair,
    ]) {
      const message = expect.stringMatching(/others hold its epoch 2, as of 2\d{3}-.*keys show treasury/);
      await expect(refused).rejects.toMatchObject({ code: 'not-member', message });
    }
    expect(await committee.verifies('here', await committee.sign('carol', committee.order('here')))).toBe(true);
    expectNobodyBlamed(committee);
  });

  test('keeps the attempt that it was in, where both were certified and it heard of its own first', async () => {
    const committee = await committeeWith('both', 4, 4, { threshold: 2 });
    const [alice, bob, carol, dave] = ['alice', 'bob', 'carol', 'dave'].map((name) => committee.at(name)) as [
      Member,
      Member,
      Member,
      Member,
    ];
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const { keys } = bob.home;
    const certify = keys.certify.bind(keys);
    keys.certify = async (...epoch) => {
      await promise;
      await certify(...epoch);
    };
    committee.hub.partition([alice.peer, bob.peer], [carol.peer, dave.peer]);
    const current = (member: Member): number | undefined => keyOf(committee, member.name)?.current?.epoch;
    await alice.node.reshare('treasury', { members: ['alice', 'bob'], threshold: 2 });
    await carol.node.reshare('treasury', { members: ['carol', 'dave'], threshold: 2 });
    await committee.until(() => [alice, carol, dave].every((one) => current(one) === 2), 60_000);
    expect(statesOf(committee, 'bob').at(-1)).toEqual([2, 'prepared']);
    committee.hub.heal();
    await committee.run(2 * limits.readyInterval);
    resolve(undefined);
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'bob').at(-1)).toEqual([2, 'active']);
    expect(await committee.verifies('ours', await committee.sign('bob', committee.order('ours')))).toBe(true);
    expectNobodyBlamed(committee);
  });

  test('or joined only in an attempt that came to nothing destroys what it has of it, once others go on without it', async () => {
    const committee = await committeeWith('orphan', 4, 3);
    const members = ['alice', 'bob', 'dave'];
    // All have prepared it, and nobody hears of anybody else.
    for (const name of members)
      committee.at(name).tamper = (frame) =>
        frame.type === 'ready' && wire.decode(readyCodec, frame.value).epoch === 2 ? [] : [frame];
    await committee.at('alice').node.reshare('treasury', { members });
    const isPrepared = (name: string): boolean => statesOf(committee, name).at(-1)?.[1] === 'prepared';
    await committee.until(() => members.every(isPrepared), 60_000);
    await committee.run(limits.refreshPause);
    await committee.at('alice').node.refresh('treasury');
    await committee.until(() => three.every((name) => keyOf(committee, name)?.current?.epoch === 3), 60_000);
    await committee.run(2 * limits.readyInterval);
    for (const name of ['alice', 'bob'])
      expect(statesOf(committee, name)).toEqual([
        [1, 'shredded'],
        [2, 'shredded'],
        [3, 'active'],
      ]);
    expect(statesOf(committee, 'dave').at(-1)).toEqual([3, 'elsewhere']);
    // Carol, who had no part in it, does not tell dave that she uses what followed.
    await committee.run(limits.retirementGrace);
    expect(statesOf(committee, 'dave')).toEqual([
      [1, 'elsewhere'],
      [2, 'shredded'],
      [3, 'elsewhere'],
    ]);
    expectNobodyBlamed(committee);
  });

  /** Dave has joined in an attempt that failed at alice, who proposed it, and at bob: he alone heard everybody's last word. */
  async function joinedAlone(committee: Committee): Promise<string> {
    const members = ['alice', 'bob', 'dave'];
    const [alice, bob] = [committee.at('alice'), committee.at('bob')];
    alice.tamper = lastWordKeptFrom('bob');
    bob.tamper = lastWordKeptFrom('alice');
    const { id } = await alice.node.reshare('treasury', { members });
    const states = () => members.map((name) => committee.ceremony(name, id)?.state);
    await committee.until(() => states().join() === 'failed,failed,confirming', 60_000);
    for (const member of [alice, bob]) member.tamper = undefined;
    return id;
  }

  test('or joined only in an attempt hears that another one has its number', async () => {
    const committee = await committeeWith('heard', 4, 3);
    const id = await joinedAlone(committee);
    // As long as it is not certified the key is with the others.
    await expect(committee.at('dave').node.sign(committee.order('joining'))).rejects.toMatchObject({
      code: 'not-member',
    });
    // Nobody else has anything of the attempt.
    await committee.at('carol').node.refresh('treasury');
    await committee.until(() => committee.ceremony('dave', id)?.state === 'failed', 60_000);
    expect(committee.ceremony('dave', id)?.failure?.code).toBe('conflict');
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'dave')).toEqual([
      [1, 'elsewhere'],
      [2, 'elsewhere'],
    ]);
    const dave = committee.at('dave');
    expect([...dave.store.durable.keys()].filter((place) => place.startsWith('shares/'))).toEqual([]);
    const before = dave.sent.length;
    await committee.run(2 * limits.readyInterval);
    expect(dave.sent.slice(before).map(({ frame }) => frame.type)).not.toContain('ready');
    expectNobodyBlamed(committee);
  });

  test('is told so a few times a second at most, however often it promises', async () => {
    const committee = await committeeWith('again and again', 4, 3);
    await joinedAlone(committee);
    const dave = committee.at('dave');
    await committee.at('carol').node.refresh('treasury');
    const promise = dave.sent.find(({ frame }) => frame.type === 'ready')?.frame as NodeFrame;
    await committee.until(() => three.every((name) => keyOf(committee, name)?.current?.epoch === 2), 60_000);
    const { sent } = committee.at('alice');
    const before = sent.length;
    for (let i = 0; i < 200; i++) committee.say('dave', 'alice', promise);
    await committee.run(100);
    const told = sent.slice(before).filter(({ frame, to }) => to === 'dave' && frame.type === 'certificate');
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(2 * limits.certificatesBurst);
  });

  test('or joined only in an attempt hears what overtook it, where it does not know what that renews', async () => {
    const committee = await committeeWith('heard late', 4, 3);
    const [alice, dave] = [committee.at('alice'), committee.at('dave')];
    // Attempts that come to nothing leave gaps in the numbers.
    Object.assign(dave.config, { accept: { default: 'deny', proposers: {} } });
    for (let attempt = 0; attempt < 3; attempt++)
      await reshare(committee, 'alice', { members: ['alice', 'bob', 'dave'] }, ['alice']);
    Object.assign(dave.config, { accept: { default: 'auto', proposers: {} } });
    await joinedAlone(committee);
    expect(statesOf(committee, 'dave').at(-1)).toEqual([5, 'prepared']);
    await committee.stop(dave);
    while ((keyOf(committee, 'carol')?.current?.epoch ?? 0) < 5) {
      const before = keyOf(committee, 'carol')?.current?.epoch ?? 0;
      await committee.run(limits.refreshPause);
      await committee.at('carol').node.refresh('treasury');
      const isNext = (name: string): boolean => (keyOf(committee, name)?.current?.epoch ?? 0) > before;
      await committee.until(() => three.every(isNext), 60_000);
    }
    expect(statesOf(committee, 'carol').length).toBeGreaterThan(3);
    await committee.start(dave);
    await committee.until(() => statesOf(committee, 'dave').at(-1)?.[1] === 'elsewhere', 60_000);
    const before = alice.sent.length;
    await committee.run(4 * limits.readyInterval);
    expect(alice.sent.slice(before).map(({ frame }) => frame.type)).not.toContain('certificate');
    expectNobodyBlamed(committee);
  });

  test('or joined only in an attempt that came to nothing joins in another, and gives up what has the number of its base', async () => {
    const committee = await committeeWith('joins at last', 4, 3);
    const dave = committee.at('dave');
    const first = await joinedAlone(committee);
    // Nobody tells him of what follows.
    for (const name of three)
      committee.at(name).tamper = (frame, to) => (to === 'dave' && frame.type === 'certificate' ? [] : [frame]);
    const second = await committee.at('carol').node.refresh('treasury');
    await committee.until(() => three.every((name) => keyOf(committee, name)?.current?.epoch === 2), 60_000);
    expect(committee.ceremony('carol', second.id)?.state).toBe('done');
    await committee.run(limits.refreshPause);
    expect(statesOf(committee, 'dave').at(-1)).toEqual([2, 'prepared']);
    const members = ['alice', 'bob', 'dave'];
    const third = await reshare(committee, 'carol', { members }, members);
    expect(third.failure).toBeUndefined();
    expect(statesOf(committee, 'dave')).toEqual([
      [1, 'elsewhere'],
      [2, 'elsewhere'],
      [3, 'active'],
    ]);
    const before = dave.sent.length;
    await committee.run(3 * limits.readyInterval);
    const said = dave.sent.slice(before).map(({ frame }) => frame.type);
    expect(said).not.toContain('ready');
    expect(committee.ceremony('dave', first)?.state).toBe('failed');
    expect(await committee.verifies('joined', await committee.sign('dave', committee.order('joined')))).toBe(true);
    expectNobodyBlamed(committee);
  });

  test('gives up no attempt of its own for a certificate that too few members of its epoch want', async () => {
    const committee = await committeeWith('too few', 6, 3);
    await preparedAtBob(committee);
    const bob = committee.at('bob');
    await committee.stop(bob);
    const members = ['carol', 'erin', 'frank'];
    const tellers = ['alice', ...members].map((name) => committee.at(name));
    for (const member of tellers)
      member.tamper = (frame, to) => {
        if (frame.type !== 'certificate' || to !== 'bob') return [frame];
        const certificate: Certificate = wire.decode(certificateCodec, frame.value);
        const value = wire.encode(certificateCodec, { ...certificate, approvals: certificate.approvals.slice(1) });
        return [{ type: 'certificate', value }];
      };
    await reshare(committee, 'carol', { members }, members);
    await committee.start(bob);
    await committee.run(2 * limits.readyInterval);
    expect(bob.log.join()).toMatch(/dropped a certificate that proves nothing/);
    expect(statesOf(committee, 'bob')).toEqual([
      [1, 'active'],
      [2, 'prepared'],
    ]);
    for (const member of tellers) member.tamper = undefined;
    committee.hub.sever(bob.peer, committee.at('carol').peer, 10);
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'bob').at(-1)).toEqual([2, 'elsewhere']);
    expectNobodyBlamed(committee);
  });

  test('can do nothing with its old share, or with its word', async () => {
    const committee = await committeeWith('old share', 5, 3);
    const carol = committee.at('carol');
    await committee.stop(carol);
    const members = ['alice', 'bob', 'dave'];
    await reshare(committee, 'alice', { members }, members);
    // It hears nothing of it, and goes on as before.
    for (const name of members) {
      committee.at(name).tamper = (frame, to) => (to === 'carol' && frame.type === 'certificate' ? [] : [frame]);
    }
    await committee.start(carol);
    await committee.run(2 * limits.readyInterval);
    expect(keyOf(committee, 'carol')?.current?.epoch).toBe(1);
    const order = committee.order('old');
    const { id } = await carol.node.sign(order);
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 30_000);
    expect(committee.ceremony('alice', id)?.participants).not.toContain('carol');
    const refresh = await carol.node.refresh('treasury');
    await committee.run(100);
    if (refresh.state !== 'failed') await carol.node.cancel(refresh.id).catch(() => undefined);
    await carol.node.reshare('treasury', { members: ['carol', 'bob'], threshold: 2 });
    await committee.run(1_000);
    const refused = (await committee.audit('bob')).filter((one) => /^re(fresh|share)-refused/.test(one));
    expect(refused).toEqual(['refresh-refused: denied', 'reshare-refused: denied']);
    for (const name of members) expect(keyOf(committee, name)?.current?.epoch).toBe(2);
    expectNobodyBlamed(committee);
  });
});

test('what is said about leaving, cut short, drawn out, said again or by anybody, changes nothing', async () => {
  const committee = await committeeWith('noise', 6, 3);
  const frames = new Map<string, Uint8Array>();
  for (const name of [...three, ...heirs]) {
    committee.at(name).tamper = (frame) => {
      if (frame.type === 'approval' || frame.type === 'certificate' || frame.type === 'activated')
        frames.set(`${frame.type} ${frames.size % 7}`, frame.value);
      return [frame];
    };
  }
  await reshare(committee, 'alice', { members: heirs }, ['alice', ...heirs]);
  await committee.run(2 * limits.readyInterval);
  const before = [...three, ...heirs].map((name) => statesOf(committee, name));
  for (const [name, value] of frames) {
    const type = name.split(' ')[0] as 'approval' | 'certificate' | 'activated';
    for (const bytes of [value, value.subarray(0, value.length - 1), Uint8Array.of(...value, 0), new Uint8Array(0)]) {
      for (const to of ['alice', 'dave', 'bob']) committee.say('erin', to, { type, value: bytes });
    }
    await committee.run(5);
  }
  expect([...three, ...heirs].map((name) => statesOf(committee, name))).toEqual(before);
  expectNobodyBlamed(committee);
});
