import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { KeyView } from '@quorate/node';
import { concat, Secret } from '@quorate/protocol';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { limits } from '../../packages/node/src/limits.ts';
import { openChannel, rawHost } from '../../packages/node/test/raw-host.ts';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { unlock } from './member.ts';
import { Scene } from './scene.ts';

/*
 * Four processes, 3-of-4. `low` has the lowest PeerId and so dials all others: what it says, and from where, is for them
 * to judge. The others must go on whatever it does, and blame nobody.
 */
let scene: Scene;
let key: KeyView;
let low: TestnetNode;
let others: readonly TestnetNode[];

beforeAll(async () => {
  scene = await Scene.open(4);
  key = await scene.makeKey('ops', 'ed25519', 3);
  const named = await Promise.all(
    scene.net.nodes.map(async (node) => ({ node, peer: (await node.client.status()).peerId })),
  );
  const [first, ...rest] = named.toSorted((a, b) => (a.peer < b.peer ? -1 : 1)).map(({ node }) => node);
  if (first === undefined) throw new Error('a testnet has nodes');
  low = first;
  others = rest;
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

afterEach(async () => {
  const [one] = others;
  if (one !== undefined) await scene.sign(one.name, key);
  await scene.expectNoBlame();
});

const address = (node: TestnetNode): string => `/ip4/127.0.0.1/tcp/${node.port}`;
const seen = async (by: TestnetNode): Promise<{ connected: boolean; refused: string | undefined }> =>
  scene.peer(by.name, low.name);

async function untilConnected(connected: boolean): Promise<void> {
  for (const node of others) {
    await until(
      `${node.name} to see ${low.name}: ${connected}`,
      90,
      async () => (await seen(node)).connected === connected,
    );
  }
}

async function untilRefused(node: TestnetNode, reason: RegExp): Promise<void> {
  await until(`${node.name} to say ${reason.source}`, 90, async () => reason.test((await seen(node)).refused ?? ''));
}

/** Adds to the line of `low` in the roster of each other node, or takes it out again; they read it by themselves. */
async function allowLow(ranges: string): Promise<void> {
  for (const { data } of others) {
    const file = join(data, 'roster.yaml');
    const lines = (await readFile(file, 'utf8')).split('\n').map((line) => {
      if (!line.includes(`name: ${low.name},`)) return line;
      const bare = line.replace(/, allow: \[[^\]]*\]/, '');
      return ranges === '' ? bare : bare.replace(/\}\s*$/, `, allow: [${ranges}]}`);
    });
    await writeFile(file, lines.join('\n'));
  }
}

test('the right PeerId from a wrong address is cut off when the roster says so, and let in again', async () => {
  await allowLow('10.0.0.0/8');
  await untilConnected(false);
  const [one] = others;
  if (one !== undefined) await scene.sign(one.name, key);
  await allowLow('10.0.0.0/8, 127.0.0.1');
  await untilConnected(true);
  await allowLow('');
  await untilConnected(true);
});

test('nodes of different format versions refuse each other early and say why; nobody is blamed', async () => {
  await scene.net.signal(low, 'SIGTERM');
  const patch = pathToFileURL(join(import.meta.dirname, 'other-version.mjs')).href;
  await scene.net.startNode(low, { NODE_OPTIONS: `--import=${patch}` });
  for (const node of others) await untilRefused(node, /format version 2, ours is 1; run the same release/);
  await until(`${low.name} to say why`, 60, async () => {
    const peers = await low.client.peers().catch(() => []);
    return peers.length === 3 && peers.every(({ refused }) => /format version 1, ours is 2/.test(refused ?? ''));
  });
  const [one] = others;
  expect((await one?.client.status())?.warnings).toContainEqual(expect.stringContaining('format version 2'));
  expect(await scene.peer(low.name, others[0]?.name ?? '')).toMatchObject({ connected: false, blames: 0 });
  await scene.net.signal(low, 'SIGTERM');
  await scene.net.startNode(low);
  await untilConnected(true);
});

test('a stranger is cut off before it can say anything', async () => {
  const stranger = await rawHost(new Secret(new Uint8Array(32).fill(7)));
  try {
    for (const node of others) {
      await expect(openChannel(stranger, address(node))).rejects.toThrow();
      expect((await node.client.peers()).map(({ name }) => name)).toHaveLength(3);
    }
  } finally {
    await stranger.stop();
  }
});

/** Resolves once a node has hung up on plain TCP connections that say nothing, HTTP, or a length prefix. */
async function tcpEnds({ port }: TestnetNode): Promise<void> {
  const sayings = [Buffer.alloc(0), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(70_000, 0xff)];
  const sockets = await Promise.all(
    sayings.map(async (said): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(said);
      return socket.resume();
    }),
  );
  await until('all to be hung up on', 60, () =>
    Promise.resolve(sockets.every(({ closed, readableEnded }) => closed || readableEnded)),
  );
  for (const socket of sockets) socket.destroy();
}

test('a 4 GiB length prefix, garbage, or nothing: member or not, it is dropped within the deadline', async () => {
  const sayings: readonly (readonly [Uint8Array, RegExp])[] = [
    [Uint8Array.of(255, 255, 255, 255), /claims 4294967295 bytes/],
    [concat(Uint8Array.of(0, 0, 0, 40), new Uint8Array(40).fill(0x5a)), /greet|kind/],
    [new Uint8Array(0), /no greeting within/],
  ];
  await scene.net.signal(low, 'SIGTERM');
  const { home } = await unlock(low);
  using seed = home.seed.clone();
  await home.close();
  const raw = await rawHost(seed);
  try {
    const ends = Promise.all(others.map(tcpEnds));
    const streams = await Promise.all(
      others.map(async (node, i) => {
        const stream = await openChannel(raw, address(node));
        const [said] = sayings[i] ?? [new Uint8Array(0)];
        if (said.length > 0) stream.send(said);
        return stream;
      }),
    );
    for (const [i, node] of others.entries()) await untilRefused(node, sayings[i]?.[1] ?? /^$/);
    await until('the channels to end', limits.helloDeadline / 1000 + 30, () =>
      Promise.resolve(streams.every(({ status }) => status !== 'open')),
    );
    for (const node of others) expect(await seen(node)).toMatchObject({ connected: false });
    await ends;
  } finally {
    await raw.stop();
  }
  await scene.net.startNode(low);
  await untilConnected(true);
});
