import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectNode, type KeyView } from '@quorate/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { quorate, Scene, signed } from './scene.ts';

/** Three processes with a key that all must sign with; one of them is put back, and doubled. */
let scene: Scene;
let key: KeyView;
/** Has the lowest PeerId, so that it dials: whoever does not is dialled where the roster says, and a copy elsewhere is not met. */
let victim: TestnetNode;

beforeAll(async () => {
  scene = await Scene.open(3);
  key = await scene.makeKey('ops', 'ed25519', 3);
  const { parties } = key;
  const lowest = parties.map(({ peerId }) => peerId).sort()[0];
  victim = scene.node(parties.find(({ peerId }) => peerId === lowest)?.name ?? '');
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

const stateOf = async ({ client }: TestnetNode): Promise<string | undefined> =>
  (await client.status().catch(() => undefined))?.standing.state;

async function untilState(node: TestnetNode, ...states: readonly string[]): Promise<void> {
  await until(`${node.name} to be ${states.join(' or ')}`, 60, async () =>
    states.includes((await stateOf(node)) ?? ''),
  );
}

async function copyOf({ data }: TestnetNode, name: string): Promise<string> {
  const copy = join(scene.net.folder, name);
  await cp(data, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  return copy;
}

test('a node whose folder is put back says so, signs nothing until others confirm, and then signs again', async () => {
  await scene.net.signal(victim, 'SIGTERM');
  const copy = await copyOf(victim, 'backup');
  // Two starts later the copy is older without doubt.
  for (let i = 0; i < 2; i++) {
    await scene.net.startNode(victim);
    await scene.net.untilConnected(victim, 2);
    signed(await scene.sign(victim.name, key), key);
    await scene.net.signal(victim, 'SIGTERM');
  }
  await rm(victim.data, { recursive: true });
  await cp(copy, victim.data, { recursive: true });
  await scene.net.startNode(victim);
  await untilState(victim, 'recovering');
  expect(await victim.client.health()).toMatchObject({ ready: false });
  await expect(victim.client.sign(scene.order(key))).rejects.toMatchObject({ code: 'suspended' });
  expect((await quorate(['identity', '--data', victim.data])).stdout).toContain('recovering');
  // Its operator knows that it was him, and that no other one runs.
  expect(await quorate(['identity', 'resolve', '--data', victim.data])).toMatchObject({ exit: 0 });
  await untilState(victim, 'well');
  signed(await scene.sign(victim.name, key), key);
  await scene.expectNoBlame();
}, 180_000);

test('of two processes with one identity neither signs, until one is stopped and the other resolved', async () => {
  await scene.net.signal(victim, 'SIGTERM');
  const data = await copyOf(victim, 'twin');
  const file = join(data, 'node.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll(String(victim.port), '0'));
  const client = connectNode(join(data, 'admin.sock'));
  const twin: TestnetNode = { name: 'twin', data, port: 0, client, process: undefined };
  await scene.net.startNode(victim);
  await scene.net.untilConnected(victim, 2);
  await scene.net.startNode(twin);
  try {
    for (const one of [victim, twin]) {
      await untilState(one, 'recovering', 'suspended');
      await expect(one.client.sign(scene.order(key))).rejects.toMatchObject({ code: 'suspended' });
    }
    const other = scene.net.nodes.find((node) => node !== victim) as TestnetNode;
    expect(await scene.peer(other.name, victim.name)).toMatchObject({ doubted: true });
  } finally {
    await scene.net.signal(twin, 'SIGTERM');
  }
  await scene.net.untilConnected(victim, 2);
  await victim.client.resolve();
  await untilState(victim, 'well');
  signed(await scene.sign(victim.name, key), key);
  await scene.expectNoBlame();
}, 180_000);
