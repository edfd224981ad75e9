import { certificateCodec, equal, kinds, toHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import type { Committee } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, keyOf, reshare, statesOf, three } from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import { refreshProposals } from '../policy/refresh-proposal.ts';
import { reshareProposals } from '../policy/reshare-proposal.ts';
import type { NodeFrame } from './frames.ts';
import { headerOf } from './packages.ts';
import { RefreshTask } from './refresh.ts';
import { ReshareTask } from './reshare.ts';
import { membersOf } from './reshare-plan.ts';

const honest = ['alice', 'bob'];
const heirs = ['alice', 'bob', 'dave'];
const ask = { accept: { default: 'ask', proposers: {} } } as const;

/** A member keeps its frames of these types to itself. @returns what sends them after all */
function holds(committee: Committee, name: string, ...types: NodeFrame['type'][]): () => void {
  const member = committee.at(name);
  const held: [string, NodeFrame][] = [];
  member.tamper = (frame, to) => {
    if (!types.includes(frame.type)) return [frame];
    held.push([to, frame]);
    return [];
  };
  return () => {
    member.tamper = undefined;
    for (const [to, frame] of held.splice(0)) committee.say(name, to, frame);
  };
}

/** Alice and Bob are slow to write an epoch down. @returns what lets them */
function delaysWriting(committee: Committee, epoch: number): () => void {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  for (const name of honest) {
    const { keys } = committee.at(name).home;
    const prepare = keys.prepare.bind(keys);
    keys.prepare = async (prepared, ...rest) => {
      if (prepared.epoch === epoch) await promise;
      await prepare(prepared, ...rest);
    };
  }
  return () => resolve(undefined);
}

/** Hands a proposal to everybody who takes part. @returns its id */
async function propose(committee: Committee, by: string, body: Uint8Array, others: readonly string[]): Promise<string> {
  for (const name of others) committee.say(by, name, { type: 'request', value: { kind: kinds.renew, body } });
  committee.say(others[0] as string, by, { type: 'request', value: { kind: kinds.renew, body } });
  await committee.run(300);
  return toHex((RefreshTask.idOf(body) ?? ReshareTask.idOf(body)) as Uint8Array);
}

/** Carol refreshes the key, with a number of her choice. */
async function carolRefreshes(committee: Committee, epoch: number): Promise<string> {
  const { config, key } = committee.at('carol');
  const unsigned = {
    network: config.networkId,
    key: 'treasury',
    baseEpoch: 1,
    epoch,
    dealers: [1, 2],
    expires: committee.clock.now() + 60_000,
    nonce: new Uint8Array(32),
  };
  return propose(committee, 'carol', wire.encode(refreshProposals.codec, refreshProposals.sign(unsigned, key)), honest);
}

/** Carol changes the threshold, with a number of her choice; she deals, and Alice. */
async function carolReshares(committee: Committee, epoch: number): Promise<string> {
  const { key } = committee.at('carol');
  const base = wire.decode(certificateCodec, keyOf(committee, 'carol')?.current?.certificate as Uint8Array);
  const dealing = ['alice', 'carol'].map((name) => committee.at(name).key.publicKey);
  const dealers = headerOf(base.publicPackage).members.filter(({ node }) => dealing.some((one) => equal(one, node)));
  const unsigned = {
    key: 'treasury',
    base,
    epoch,
    dealers: dealers.map(({ party }) => party),
    members: membersOf(three.map((name) => committee.at(name).key.publicKey)),
    threshold: 3,
    lowThreshold: 0,
    expires: committee.clock.now() + 60_000,
    nonce: new Uint8Array(32),
  };
  const body = wire.encode(reshareProposals.codec, reshareProposals.sign(unsigned, key));
  return propose(committee, 'carol', body, honest);
}

function expectStates(committee: Committee, names: readonly string[], id: string, state: string): void {
  for (const name of names) expect([name, committee.ceremony(name, id)?.state]).toEqual([name, state]);
}

/** The key is with the heirs for good, and Carol's node knows it. */
async function expectLeftBehind(committee: Committee, id: string): Promise<void> {
  await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
  await committee.run(4 * limits.readyInterval);
  for (const name of heirs) expect([name, keyOf(committee, name)?.current?.epoch]).toEqual([name, 2]);
  for (const name of heirs) expect(statesOf(committee, name).at(-1)).toEqual([2, 'active']);
  for (const state of [
    [1, 'shredded'],
    [2, 'elsewhere'],
  ])
    expect(statesOf(committee, 'carol')).toContainEqual(state);
  expect(await committee.verifies('theirs', await committee.sign('dave', committee.order('theirs')))).toBe(true);
  expectNobodyBlamed(committee);
}

describe('a refresh with a high number that runs when a reshare without its proposer begins', () => {
  test('does not undo it', async () => {
    const committee = await committeeWith('undo', 4, 3);
    const release = holds(committee, 'carol', 'envelope');
    const refresh = await carolRefreshes(committee, 50);
    expectStates(committee, honest, refresh, 'running');
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    expectStates(committee, honest, refresh, 'failed');
    release();
    await expectLeftBehind(committee, id);
  });

  test('does not undo it where no one means harm, and one link is slow', async () => {
    const committee = await committeeWith('slow', 4, 3);
    const carol = committee.at('carol');
    holds(committee, 'bob', 'envelope');
    const { id: first } = await carol.node.refresh('treasury');
    await committee.until(() => committee.ceremony('carol', first)?.state === 'failed', 120_000);
    committee.at('bob').tamper = undefined;
    const release = holds(committee, 'carol', 'envelope');
    // With a higher number than the reshare, for it was tried before.
    await carol.node.refresh('treasury');
    await committee.run(300);
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    release();
    await expectLeftBehind(committee, id);
  });

  test('is not prepared before it, so that its number stays good', async () => {
    const committee = await committeeWith('first', 4, 3);
    const release = holds(committee, 'carol', 'envelope');
    const refresh = await carolRefreshes(committee, 50);
    Object.assign(committee.at('dave').config, ask);
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.run(20);
    expectStates(committee, honest, id, 'accepted');
    expectStates(committee, honest, refresh, 'failed');
    release();
    await committee.run(2_000);
    const { publicKey } = await committee.at('alice').node.key('treasury');
    await committee.at('dave').node.accept(id, publicKey);
    await expectLeftBehind(committee, id);
  });

  test('is not prepared where it was just to be written down', async () => {
    const committee = await committeeWith('written', 4, 3);
    const write = delaysWriting(committee, 50);
    await carolRefreshes(committee, 50);
    await committee.until(() => statesOf(committee, 'carol').at(-1)?.[0] === 50, 60_000);
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    write();
    await committee.run(4 * limits.readyInterval);
    for (const name of heirs) expect(statesOf(committee, name).at(-1)).toEqual([2, 'active']);
    expect(statesOf(committee, 'carol')).toContainEqual([2, 'elsewhere']);
    expectNobodyBlamed(committee);
  });
});

test('a refresh is not prepared when another one is certified just then', async () => {
  const committee = await committeeWith('another', 3, 3);
  const certify = holds(committee, 'carol', 'ready');
  for (const name of honest)
    committee.at(name).tamper = (frame, to) => (frame.type === 'ready' && to === 'carol' ? [] : [frame]);
  await committee.at('alice').node.refresh('treasury');
  const last = (name: string) => statesOf(committee, name).at(-1)?.[0];
  await committee.until(() => three.every((name) => last(name) === 2), 60_000);
  const write = delaysWriting(committee, 50);
  await carolRefreshes(committee, 50);
  await committee.until(() => last('carol') === 50, 60_000);
  certify();
  await committee.until(() => honest.every((name) => keyOf(committee, name)?.current?.epoch === 2), 60_000);
  write();
  await committee.run(2 * limits.readyInterval);
  for (const name of honest) expect(statesOf(committee, name).at(-1)).toEqual([2, 'active']);
  expectNobodyBlamed(committee);
});

test('whom a reshare leaves out refreshes nothing while the reshare waits for its certificate', async () => {
  const committee = await committeeWith('waits', 4, 3);
  holds(committee, 'dave', 'ready', 'certificate', 'activated');
  const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
  await committee.until(() => honest.every((name) => committee.ceremony(name, id)?.state === 'confirming'), 60_000);
  const refresh = await carolRefreshes(committee, 50);
  for (const name of honest) expect(committee.ceremony(name, refresh)).toBeUndefined();
  // Not for ever: it may never come.
  await committee.run(limits.longestRequest);
  expectStates(committee, honest, id, 'confirming');
  const later = await carolRefreshes(committee, 51);
  expectStates(committee, honest, later, 'done');
});

describe('a reshare of a member that another one leaves out', () => {
  const all = [...three, 'dave'];

  test('keeps the other from nothing while it runs, and ends with it', async () => {
    const committee = await committeeWith('silent', 4, 3);
    const release = holds(committee, 'carol', 'envelope');
    const slow = await carolReshares(committee, 50);
    expectStates(committee, honest, slow, 'running');
    // Who stays with her waits for it.
    await expect(committee.at('bob').node.reshare('treasury', { members: all })).rejects.toMatchObject({
      code: 'busy',
    });
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.until(() => heirs.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
    expectStates(committee, honest, slow, 'failed');
    release();
    await expectLeftBehind(committee, id);
  });

  test('is not prepared after it', async () => {
    const committee = await committeeWith('second', 4, 3);
    const release = holds(committee, 'carol', 'envelope');
    const slow = await carolReshares(committee, 50);
    const certify = holds(committee, 'dave', 'ready', 'certificate', 'activated');
    const { id } = await committee.at('alice').node.reshare('treasury', { members: heirs });
    await committee.until(() => honest.every((name) => committee.ceremony(name, id)?.state === 'confirming'), 60_000);
    expectStates(committee, honest, slow, 'running');
    release();
    await committee.run(2_000);
    for (const name of honest) expect(statesOf(committee, name).at(-1)).toEqual([2, 'prepared']);
    certify();
    await expectLeftBehind(committee, id);
  });

  test('keeps the other from nothing when it has just been done', async () => {
    const committee = await committeeWith('again', 5, 5);
    const five = [...all, 'erin'];
    const rest = five.filter((name) => name !== 'carol');
    const first = await reshare(committee, 'carol', { members: five, threshold: 4 }, five);
    expect(first.state).toBe('done');
    const again = committee.at('carol').node.reshare('treasury', { members: five, threshold: 3 });
    await expect(again).rejects.toMatchObject({ code: 'busy' });
    const { state } = await reshare(committee, 'alice', { members: rest, threshold: 3 }, rest);
    expect(state).toBe('done');
    expectNobodyBlamed(committee);
  });
});

test('a reshare is not done because another one with its number is certified', async () => {
  const committee = await committeeWith('number', 5, 3);
  for (const name of ['dave', 'erin']) Object.assign(committee.at(name).config, ask);
  const release = holds(committee, 'dave', 'envelope');
  const { id: first } = await committee.at('alice').node.reshare('treasury', { members: heirs });
  const { id: second } = await committee.at('bob').node.reshare('treasury', { members: ['alice', 'bob', 'erin'] });
  await committee.run(50);
  const { publicKey } = await committee.at('alice').node.key('treasury');
  await committee.at('dave').node.accept(first, publicKey);
  await committee.run(300);
  await committee.at('erin').node.accept(second, publicKey);
  await committee.until(() => committee.ceremony('erin', second)?.state === 'done', 60_000);
  expectStates(committee, honest, second, 'done');
  expectStates(committee, honest, first, 'failed');
  release();
  await committee.run(2 * limits.readyInterval);
  for (const name of ['alice', 'bob', 'erin']) expect(statesOf(committee, name).at(-1)).toEqual([2, 'active']);
  expect(committee.ceremony('dave', first)?.state).toBe('failed');
  expectNobodyBlamed(committee);
});
