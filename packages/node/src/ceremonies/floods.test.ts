import {
  activatedCodec,
  certificateCodec,
  kinds,
  type PublicPackage,
  type Ready,
  readiesOf,
  readyCodec,
  toHex,
  wire,
} from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import { describe, expect, test } from 'vitest';
import type { Committee } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, keyOf, statesOf, three } from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import { preparations, proposePreparation } from '../policy/preparation.ts';
import { refreshProposals } from '../policy/refresh-proposal.ts';
import { renewalsPerSecond } from './admission.ts';
import type { NodeFrame } from './frames.ts';
import { epochOf, packageOf } from './packages.ts';
import { RefreshTask } from './refresh.ts';

const times = 500;

/** How many frames of a type a member has sent to another. */
function sentTo(committee: Committee, from: string, to: string, type: NodeFrame['type']): number {
  return committee.at(from).sent.filter((one) => one.to === to && one.frame.type === type).length;
}

/** The public package of an epoch, as a member has it. */
function outcomeOf(committee: Committee, name: string, epoch: number): PublicPackage {
  const key = keyOf(committee, name) as KeyInfo;
  return packageOf(key, epochOf(key, epoch) as EpochInfo, committee.tools);
}

function partyOf(committee: Committee, name: string, { members }: Pick<PublicPackage, 'members'>): number {
  const node = toHex(committee.at(name).key.publicKey);
  return members.find((member) => toHex(member.node) === node)?.party as number;
}

async function refreshed(committee: Committee, by: string): Promise<void> {
  const { id } = await committee.at(by).node.refresh('treasury');
  await committee.until(() => three.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
  await committee.run(limits.refreshPause);
}

describe('a member that says the same again and again', () => {
  test('about an epoch of long ago is told a few times what came of it', async () => {
    const committee = await committeeWith('long ago', 4, 3);
    const { id } = await committee.at('alice').node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
    await committee.until(() => committee.ceremony('dave', id)?.state === 'done', 60_000);
    await committee.run(2 * limits.readyInterval);
    expect(statesOf(committee, 'alice')[0]).toEqual([1, 'shredded']);
    const first = outcomeOf(committee, 'alice', 1);
    const value = wire.encode(activatedCodec, { ...first, party: partyOf(committee, 'carol', first) });
    const before = sentTo(committee, 'alice', 'carol', 'certificate');
    for (let i = 0; i < times; i++) committee.say('carol', 'alice', { type: 'activated', value });
    await committee.run(20);
    const told = sentTo(committee, 'alice', 'carol', 'certificate') - before;
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(limits.certificatesBurst);
  });

  test.for([
    ['bob', 0],
    ['carol', limits.certificatesBurst],
  ] as const)('with the READY of %s has at most %i answers sent', async ([whose, most]) => {
    const committee = await committeeWith('echo', 3, 3);
    const publicPackage = outcomeOf(committee, 'alice', 1);
    const certificate = wire.decode(certificateCodec, keyOf(committee, 'alice')?.current?.certificate as Uint8Array);
    const ready = readiesOf(certificate, publicPackage).get(partyOf(committee, whose, publicPackage));
    const value = wire.encode(readyCodec, ready as Ready);
    const before = sentTo(committee, 'alice', whose, 'certificate');
    for (let i = 0; i < times; i++) committee.say('carol', 'alice', { type: 'ready', value });
    await committee.run(20);
    const answers = sentTo(committee, 'alice', whose, 'certificate') - before;
    expect(answers).toBe(most);
  });

  test('that it proposes a refresh, and gives it up, is heard no more about that key', async () => {
    const committee = await committeeWith('gives up', 3, 3);
    const before = (await committee.audit('alice')).length;
    for (let i = 0; i < times; i++) {
      const nonce = new Uint8Array(32);
      new DataView(nonce.buffer).setUint32(0, i);
      const { config, key } = committee.at('carol');
      const expires = committee.clock.now() + 1_000;
      const unsigned = {
        network: config.networkId,
        key: 'treasury',
        baseEpoch: 1,
        epoch: 2,
        dealers: [1, 2],
        expires,
        nonce,
      };
      const body = wire.encode(refreshProposals.codec, refreshProposals.sign(unsigned, key));
      const request = RefreshTask.idOf(body) as Uint8Array;
      committee.say('carol', 'alice', { type: 'request', value: { kind: kinds.renew, body } });
      committee.say('carol', 'alice', { type: 'declined', value: { request, reason: 'no', highest: 0 } });
      await committee.run(2);
    }
    await committee.run(100);
    const records = (await committee.audit('alice')).slice(before).filter((kind) => kind.startsWith('refresh'));
    expect(records.length).toBeLessThanOrEqual(limits.renewalsBurst + 1);
    // The others refresh it.
    await refreshed(committee, 'bob');
    expect(keyOf(committee, 'alice')?.current?.epoch).toBe(2);
    expectNobodyBlamed(committee);
  });
});

test('a peer may propose all refreshes that are due, however often that is', () => {
  for (const interval of [60, 120, 300]) expect(renewalsPerSecond(interval) * interval).toBeCloseTo(1);
  for (const interval of [0, 86_400]) expect(renewalsPerSecond(interval)).toBe(limits.renewalsPerSecond);
});

test('a member that proposes keys without end costs a bounded number of audit records', async () => {
  const committee = await committeeWith('keys without end', 3, 3);
  const carol = committee.at('carol');
  const before = (await committee.audit('alice')).length;
  for (let i = 0; i < limits.proposalsBurst + times; i++) {
    const name = `key-${i}`;
    const { id } = await carol.node.keygen({ name, scheme: 'ed25519', members: three });
    await carol.node.cancel(id);
    await committee.run(2);
  }
  await committee.run(100);
  const records = (await committee.audit('alice')).slice(before).filter((kind) => kind === 'keygen-approved');
  expect(records.length).toBeGreaterThan(limits.openPerProposer);
  expect(records.length).toBeLessThanOrEqual(limits.proposalsBurst + 3 * limits.proposalsPerSecond);
});

test('a set-up that its proposer never begins keeps no other two from theirs', async () => {
  const committee = await committeeWith('never begun', 3, 3, { scheme: 'ecdsa' });
  const { home, node } = committee.at('alice');
  const key = keyOf(committee, 'alice');
  const outcome = outcomeOf(committee, 'alice', 1);
  const [me, other, silent] = three.map((name) => partyOf(committee, name, outcome)) as [number, number, number];
  const carol = committee.at('carol');
  carol.tamper = (frame) => (['registration', 'start', 'declined'].includes(frame.type) ? [] : [frame]);
  const preparation = proposePreparation(
    'pairs',
    {
      network: carol.config.networkId,
      key: 'treasury',
      epoch: 1,
      parties: [me, silent].sort((a, b) => a - b),
      expires: committee.clock.now() + limits.longestRequest,
      nonce: new Uint8Array(32),
    },
    carol.key,
  );
  const body = wire.encode(preparations.codec, preparation);
  committee.say('carol', 'alice', { type: 'request', value: { kind: kinds.pairs, body } });
  await committee.run(50);
  expect(node.ceremonies().filter(({ kind, state }) => kind === 'pairs' && state === 'accepted')).toHaveLength(1);
  await home.keys.materials.drop(key?.keyId as Uint8Array, 1, [other, silent]);
  const hasPair = (): boolean => keyOf(committee, 'alice')?.current?.material.includes(other) === true;
  await committee.until(hasPair, 600_000);
  expect(hasPair()).toBe(true);
});

test('a member that withholds READY of keys keeps nobody from making others', async () => {
  const committee = await committeeWith('withheld keys', 4, 3);
  committee.at('carol').tamper = (frame) => (['ready', 'certificate', 'activated'].includes(frame.type) ? [] : [frame]);
  for (let i = 0; i < limits.openPerProposer; i++) {
    const { id } = await committee.at('alice').node.keygen({ name: `key-${i}`, scheme: 'ed25519', members: three });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming', 60_000);
  }
  await committee.run(2 * limits.readyInterval);
  const members = ['alice', 'bob', 'dave'];
  const { id } = await committee.at('alice').node.keygen({ name: 'other', scheme: 'ed25519', members });
  await committee.until(() => members.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
  const states = committee
    .at('alice')
    .node.ceremonies()
    .filter(({ kind }) => kind === 'keygen')
    .map(({ state }) => state);
  expect(states.filter((state) => state === 'confirming')).toHaveLength(limits.openPerProposer);
});
