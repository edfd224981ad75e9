import { afterAll, beforeAll, expect, test } from 'vitest';
import { Signer } from '../../scripts/bench/signer.ts';
import { Scene } from './scene.ts';

/** Two processes that make base transfers ahead, in their worker threads. */
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(2, { stock: 1 });
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

async function makeKeyAndSign(name: string): Promise<void> {
  const { publicKey } = await scene.makeKey(name, 'ecdsa', 2);
  const signer = await Signer.of(scene.net, { name, scheme: 'ecdsa', publicKey });
  // One after the other, by each node, then several at once; verified independently.
  expect((await signer.times(2)).length).toBe(2);
  expect((await Promise.all([1, 2, 3].map(async () => await signer.times(1)))).flat().length).toBe(3);
}

test('ECDSA keys are made with base transfers of idle nodes, before and after one of them was killed', async () => {
  await scene.net.untilStocked();
  await makeKeyAndSign('first');
  await scene.net.signal(scene.node('bob'), 'SIGKILL');
  await scene.restart('bob', 1);
  await scene.net.untilStocked();
  await makeKeyAndSign('second');
  for (const { client } of scene.net.nodes) expect((await client.status()).stock).toMatchObject({ pairs: 1 });
  await scene.expectNoBlame();
}, 120_000);
