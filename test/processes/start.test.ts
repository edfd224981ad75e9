import type { ChildProcess } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../scripts/testnet/testnet.ts';
import { quorate, Scene } from './scene.ts';

/** Two processes: what a node refuses when it starts, and what signals do to it. */
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(2);
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

/** Starts a second process with the folder of bob, who was stopped unless the test says otherwise. */
async function start(
  env: Readonly<Record<string, string>> = {},
): Promise<{ exit: number; code: string; stderr: string }> {
  const { exit, stdout, stderr } = await quorate(['start', '--data', scene.node('bob').data, '--json'], env);
  const { code } = JSON.parse(stdout || '{}') as { code?: string };
  return { exit, code: code ?? '', stderr };
}

test('a second process on the same folder is refused, and the first goes on', async () => {
  expect(await start()).toMatchObject({
    exit: 1,
    code: 'store-locked',
    stderr: expect.stringMatching(/in use|locked/),
  });
  expect(await scene.node('bob').client.status()).toMatchObject({ name: 'bob', peers: { connected: 1 } });
});

test('SIGUSR1 does not open the inspector', async () => {
  const bob = scene.node('bob');
  const { process: child } = bob;
  child?.kill('SIGUSR1');
  await bob.client.status();
  await scene.net.signal(bob, 'SIGTERM');
  expect(child?.exitCode).toBe(0);
  const log = await scene.log('bob');
  expect(log).not.toMatch(/debugger|inspector/i);
  expect(log).toContain('"reason":"SIGTERM"');
});

test.each<NodeJS.Signals>(['SIGINT', 'SIGHUP', 'SIGTERM'])('%s closes the store and ends with 0', async (signal) => {
  const bob = scene.node('bob');
  await scene.net.startNode(bob);
  await scene.net.untilConnected(bob, 1);
  const child = bob.process as ChildProcess;
  await scene.net.signal(bob, signal);
  expect({ exit: child.exitCode, signal: child.signalCode }).toEqual({ exit: 0, signal: null });
});

test.each<[string, Record<string, string>, RegExp]>([
  ['the inspector open', { NODE_OPTIONS: '--inspect=127.0.0.1:0' }, /inspector is open/],
  ['Noise told to print its session keys', { DUMP_SESSION_KEYS: '1' }, /DUMP_SESSION_KEYS is set/],
  ['heap snapshots on a signal', { NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2' }, /--heapsnapshot-signal/],
  ['diagnostic reports', { NODE_OPTIONS: '--report-on-signal' }, /--report-on-signal/],
])('a start with %s is refused', async (_what, env, reason) => {
  expect(await start(env)).toMatchObject({ exit: 2, code: 'exposed', stderr: expect.stringMatching(reason) });
});

test('a start with the key file of another node, or with none, is refused', async () => {
  const bob = scene.node('bob');
  const file = join(bob.data, 'root.key');
  const own = await readFile(file);
  try {
    await writeFile(file, await readFile(join(scene.node('alice').data, 'root.key')));
    expect(await start()).toMatchObject({ exit: 2, code: 'wrong-key-file' });
    await rm(file);
    expect(await start()).toMatchObject({ exit: 2, code: 'key-file-unreadable' });
    await writeFile(file, own, { mode: 0o644 });
    expect(await start()).toMatchObject({ exit: 2, code: 'key-file-exposed' });
  } finally {
    await rm(file, { force: true });
    await writeFile(file, own, { mode: 0o600 });
  }
  await scene.net.startNode(bob);
  await scene.net.untilConnected(bob, 1);
});

test('a start on a port that is taken is refused', async () => {
  const bob = scene.node('bob');
  await scene.net.signal(bob, 'SIGTERM');
  const env = { QUORATE_LISTEN: `/ip4/127.0.0.1/tcp/${scene.node('alice').port}` };
  expect(await start(env)).toMatchObject({ exit: 1, code: 'listen-failed' });
});

test('a node that was killed leaves its socket behind, and starts again over it', async () => {
  const bob = scene.node('bob');
  await scene.restart('bob', 1);
  await scene.restart('bob', 1);
  await until('alice to see bob', 60, async () => (await scene.peer('alice', 'bob')).connected);
  expect(await bob.client.health()).toMatchObject({ ready: true });
});
