import type { KeyView } from '@quorate/node';
import { decodeEnvelope, type Envelope, toHex } from '@quorate/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../packages/node/src/limits.ts';
import { until } from '../../scripts/testnet/testnet.ts';
import { Puppet } from './member.ts';
import { finish, Scene, signed, untilCeremony } from './scene.ts';

/** Five processes, 3-of-5; erin is a puppet, see failures.test.ts. */
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

/** What bob said in its protocols, as erin heard it. */
function bobSaid(): readonly Envelope[] {
  const bob = erin.member.peerOf('bob');
  return erin.heard.flatMap(({ from, frame }) =>
    from === bob && frame.type === 'envelope' ? [decodeEnvelope(frame.value)] : [],
  );
}

test('a signer stands still beyond its round: the nonces of before are dead, a fresh attempt works', async () => {
  const [bob, carol] = [scene.node('bob'), scene.node('carol')];
  for (const name of ['alice', 'dave']) await scene.net.signal(scene.node(name), 'SIGSTOP');
  // Erin keeps its messages back: bob has made its nonces and waits.
  erin.hold(({ type }) => type === 'envelope');
  const idempotencyKey = scene.idempotencyKey(key, ({ coordinators }) => coordinators[0] === 'erin');
  const { id } = await carol.client.sign(scene.order(key, { idempotencyKey }));
  await untilCeremony('bob to be in the session', bob.client, id, ({ state }) => state === 'running');
  await until('the commitments of bob', 60, () => Promise.resolve(bobSaid().length > 0));
  const began = performance.now();
  const sid = toHex(bobSaid()[0]?.sid ?? new Uint8Array(0));
  for (const node of [carol, bob]) await scene.net.signal(node, 'SIGSTOP');
  // What bob waited for is what it reads first when it goes on. That the others have given up it does not hear.
  erin.release();
  erin.hold(({ type }) => type === 'envelope');
  await until("the end of bob's round", 60, () => Promise.resolve(performance.now() - began > limits.signRound + 1000));
  await scene.net.signal(bob, 'SIGCONT');
  await untilCeremony('bob to give up', bob.client, id, ({ attempt }) => attempt > 0);
  const said = bobSaid().filter((envelope) => toHex(envelope.sid) === sid && envelope.class !== 'abort');
  expect(
    said.map(({ round }) => round),
    'commitments, and no share for them',
  ).toEqual([0]);

  erin.release();
  await scene.net.signal(carol, 'SIGCONT');
  const { result } = signed(await finish(bob.client, await bob.client.ceremony(id)), key);
  expect(result).toMatchObject({ signers: expect.arrayContaining(['bob', 'carol', 'erin']) });
  for (const name of ['alice', 'dave']) await scene.net.signal(scene.node(name), 'SIGCONT');
});

const pause = 30_000;

test('a node stands still for 30 s while the others sign: it recovers and signs again', async () => {
  const [alice, bob] = [scene.node('alice').client, scene.node('bob')];
  const orders = await Promise.all(Array.from({ length: 8 }, async () => alice.sign(scene.order(key))));
  await scene.net.signal(bob, 'SIGSTOP');
  const stopped = performance.now();
  for (const order of orders) signed(await finish(alice, order), key);
  let signatures = 0;
  while (performance.now() - stopped < pause) {
    const { result } = await scene.sign('alice', key);
    expect(result).toMatchObject({ signers: expect.not.arrayContaining(['bob']) });
    signatures += 1;
  }
  expect(signatures).toBeGreaterThan(3);

  await scene.net.signal(bob, 'SIGCONT');
  await scene.net.untilConnected(bob, 4);
  // Whoever missed bob asks it last for a while.
  await until('bob to sign again', limits.suspicion / 1000 + 30, async () => {
    const idempotencyKey = scene.idempotencyKey(key, ({ signers }) => signers[0] === 'bob');
    const { result } = await scene.sign('alice', key, { idempotencyKey });
    return result?.type === 'signature' && result.signers.includes('bob');
  });
  expect((await scene.sign('bob', key)).state).toBe('done');
  await scene.expectNoBlame();
}, 180_000);
