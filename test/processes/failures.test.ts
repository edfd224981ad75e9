import type { KeyView } from '@quorate/node';
import { ascii } from '@quorate/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { Puppet } from './member.ts';
import { finish, Scene, signed, untilCeremony } from './scene.ts';

/*
 * Five processes, 3-of-5. Erin is a puppet: an honest node that says nothing for as long as the test wants, so that a
 * ceremony stands in the middle for certain while another node is killed.
 */
let scene: Scene;
let key: KeyView;
let erin: Puppet;

beforeAll(async () => {
  scene = await Scene.open(5);
  key = await scene.makeKey('ops', 'ed25519', 3);
  await scene.net.signal(scene.node('erin'), 'SIGTERM');
  erin = await Puppet.open(scene.node('erin'), 4);
}, 120_000);

afterAll(async () => {
  await erin?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
}, 60_000);

/**
 * Orders a signature that `coordinator` gives to erin, `victim` and `third` to sign; resolves once the victim is in the
 * middle of it. Whoever sat through a session with a silent party asks it last for a while, hence the three names.
 */
async function midCeremony(victim: TestnetNode, coordinator: string, third: string): Promise<string> {
  erin.hold(({ type }) => type === 'envelope');
  const idempotencyKey = scene.idempotencyKey(key, ({ coordinators, signers }) => {
    const first = signers.slice(0, 3);
    return coordinators[0] === coordinator && ['erin', victim.name, third].every((name) => first.includes(name));
  });
  const alice = scene.node('alice').client;
  const { id } = await alice.sign(scene.order(key, { idempotencyKey }));
  await untilCeremony(`${victim.name} to be in the session`, victim.client, id, ({ state }) => state === 'running');
  return id;
}

test('a signer is killed in the middle of a ceremony: the others sign', async () => {
  const bob = scene.node('bob');
  const id = await midCeremony(bob, 'erin', 'carol');
  await scene.net.signal(bob, 'SIGKILL');
  erin.release();
  const alice = scene.node('alice').client;
  const ceremony = signed(await finish(alice, await alice.ceremony(id)), key);
  expect(ceremony.result).toMatchObject({ signers: expect.not.arrayContaining(['bob']) });
  await scene.restart('bob', 4);
  await scene.expectNoBlame();
});

test('the coordinator is killed before it begins: the next one takes over', async () => {
  const carol = scene.node('carol');
  const idempotencyKey = scene.idempotencyKey(key, ({ coordinators }) => coordinators[0] === 'carol');
  await scene.net.signal(carol, 'SIGSTOP');
  const alice = scene.node('alice').client;
  const { id } = await alice.sign(scene.order(key, { idempotencyKey }));
  await untilCeremony('alice to ask carol', alice, id, ({ coordinator }) => coordinator === 'carol');
  await scene.net.signal(carol, 'SIGKILL');
  const ceremony = signed(await finish(alice, await alice.ceremony(id)), key);
  expect(ceremony.result).toMatchObject({ signers: expect.not.arrayContaining(['carol']) });
  await scene.restart('carol', 4);
  await scene.expectNoBlame();
});

test('the coordinator is killed in the middle of a ceremony that it signs: the others sign', async () => {
  const dave = scene.node('dave');
  const id = await midCeremony(dave, 'dave', 'alice');
  await scene.net.signal(dave, 'SIGKILL');
  erin.release();
  const alice = scene.node('alice').client;
  const ceremony = signed(await finish(alice, await alice.ceremony(id)), key);
  expect(ceremony.result).toMatchObject({ signers: expect.not.arrayContaining(['dave']) });
  await scene.restart('dave', 4);
  await scene.expectNoBlame();
});

test('a node is told to stop in the middle of a ceremony: it leaves cleanly, the others sign, it starts again', async () => {
  const bob = scene.node('bob');
  const id = await midCeremony(bob, 'bob', 'carol');
  const { process: child } = bob;
  await scene.net.signal(bob, 'SIGTERM');
  erin.release();
  expect(child?.exitCode).toBe(0);
  const alice = scene.node('alice').client;
  signed(await finish(alice, await alice.ceremony(id)), key);
  await scene.restart('bob', 4);
  expect(await bob.client.key('ops')).toMatchObject({ state: 'active', publicKey: key.publicKey });
  signed(await scene.sign('bob', key), key);
  await scene.expectNoBlame();
});

test('a signer that was killed is asked again once it is back, and knows what was signed without it', async () => {
  const idempotencyKey = scene.idempotencyKey(key, ({ signers }) => !signers.slice(0, 3).includes('bob'));
  const order = scene.order(key, { idempotencyKey });
  const alice = scene.node('alice').client;
  await scene.net.signal(scene.node('bob'), 'SIGKILL');
  const { result } = signed(await finish(alice, await alice.sign(order)), key);
  await scene.restart('bob', 4);
  const bob = scene.node('bob').client;
  expect(signed(await finish(bob, await bob.sign(order)), key).result).toMatchObject({
    signature: result?.type === 'signature' ? result.signature : '',
  });
});

test('a node is killed between PREPARED and CERTIFIED: the key becomes active on all, and it signs', async () => {
  const others = scene.net.nodes.filter(({ name }) => name !== 'erin');
  erin.hold(({ type }) => type === 'ready' || type === 'certificate' || type === 'activated');
  const { client } = scene.node('alice');
  const { id } = await client.keygen({ name: 'second', scheme: 'taproot', threshold: 3 });
  for (const node of others) {
    await untilCeremony(`${node.name} to be prepared`, node.client, id, ({ state }) => state === 'confirming');
  }
  await scene.net.signal(scene.node('bob'), 'SIGKILL');
  await scene.restart('bob', 4);
  expect(await scene.node('bob').client.key('second')).toMatchObject({ state: 'prepared', epoch: 1 });
  await expect(
    scene.node('bob').client.sign(scene.order({ name: 'second', purpose: 'general' })),
  ).rejects.toMatchObject({
    code: 'key-unknown',
  });

  erin.release();
  await scene.untilActive(
    'second',
    others.map(({ name }) => name),
  );
  await until('erin to be active', 60, () =>
    Promise.resolve(erin.member.home.keys.list().every(({ current }) => current?.state === 'active')),
  );
  expect(await client.ceremony(id)).toMatchObject({ state: 'done', result: { type: 'key' } });
  const second = await client.key('second');
  const message = ascii('signed with the share that a crash left behind');
  const idempotencyKey = scene.idempotencyKey(second, ({ signers }) => signers[0] === 'bob');
  const { result } = await scene.sign('bob', second, { message, idempotencyKey });
  expect(result).toMatchObject({ signers: expect.arrayContaining(['bob']) });
  await scene.expectNoBlame();
});

test('all are killed the moment that a key is said to be made: it is there when they come back, and all sign', async () => {
  await using three = await Scene.open(3);
  const { net } = three;
  const { client } = three.node('alice');
  const made = await finish(client, await client.keygen({ name: 'vault', scheme: 'ed25519', threshold: 3 }));
  await Promise.all(net.nodes.map(async (node) => net.signal(node, 'SIGKILL')));
  expect(made.state).toBe('done');
  await net.start();
  await three.untilActive(
    'vault',
    net.nodes.map(({ name }) => name),
  );
  const vault = await client.key('vault');
  expect(made.result).toMatchObject({ type: 'key', publicKey: vault.publicKey, epoch: 1 });
  await three.sign('carol', vault);
  await three.expectNoBlame();
}, 120_000);
