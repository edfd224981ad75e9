import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyView } from '@quorate/node';
import { openDatabase } from '@quorate/storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { quorate, Scene } from './scene.ts';

/** Three processes, 2-of-3: shares are lost and given back, keys come in and go out. */
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open(3, { config: 'export: enabled\n' });
}, 120_000);

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
}, 60_000);

/** Runs a command against a node, as its operator would. */
const at = async (node: TestnetNode, ...args: readonly string[]) => await quorate([...args, '--data', node.data]);

/** Lets what waits for these operators go on. */
async function accept(names: readonly string[], kind: string): Promise<void> {
  for (const name of names) {
    const { client } = scene.node(name);
    await until(`${name} to be asked`, 60, async () => {
      const waiting = (await client.ceremonies()).find((one) => one.kind === kind && one.needsAccept);
      if (waiting !== undefined) await client.accept(waiting.id);
      return waiting !== undefined;
    });
  }
}

/** Both copies of every share are gone. */
async function lose(name: string): Promise<void> {
  const node = scene.node(name);
  await scene.net.signal(node, 'SIGTERM');
  const store = await openDatabase(join(node.data, 'store'), node.data);
  const shares: string[] = [];
  for await (const [key] of store.entries('shares/')) shares.push(key);
  await store.batch(shares.map((key) => ({ type: 'delete', key })));
  await store.close();
  for (const copy of await readdir(join(node.data, 'copies'))) await rm(join(node.data, 'copies', copy));
  await scene.net.startNode(node);
  await scene.net.untilConnected(node, 2);
}

test('an ECDSA share that was lost in both copies comes back, and signs', { timeout: 240_000 }, async () => {
  const key = await scene.makeKey('repaired', 'ecdsa', 2);
  await lose('bob');
  const { client } = scene.node('bob');
  expect((await client.status()).warnings.join()).toMatch(/repaired is quarantined.*quorate keys repair repaired/);
  const { exit, stderr } = await at(scene.node('bob'), 'keys', 'repair', 'repaired');
  expect([exit, stderr]).toEqual([0, expect.stringContaining('repair repaired: done')]);
  await until('the pairs of bob', 120, async () => (await client.peers()).every(({ pairs }) => pairs.missing === 0));
  await scene.net.signal(scene.node('alice'), 'SIGTERM');
  const { result } = await scene.sign('bob', key);
  expect(result).toMatchObject({ signers: expect.arrayContaining(['bob', 'carol']) });
  await scene.net.startNode(scene.node('alice'));
  await scene.net.untilConnected(scene.node('alice'), 2);
  await scene.expectNoBlame();
});

test('a key comes in from a file, signs once it is dealt anew, and goes out to one', { timeout: 240_000 }, async () => {
  const alice = scene.node('alice');
  const [from, to] = [join(scene.net.folder, 'in'), join(scene.net.folder, 'out')];
  // RFC 8032 §7.1, test 1.
  const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  await writeFile(from, `${seed}\n`, { mode: 0o600 });
  const options = ['--scheme', 'ed25519', '--from-file', from, '--public-key', publicKey, '--threshold', '2'];
  expect(await at(alice, 'keys', 'import', 'old', ...options)).toMatchObject({ exit: 0 });
  await until('the forced refresh', 120, async () => {
    const keys = await Promise.all(scene.net.nodes.map(async ({ client }) => client.key('old')));
    return keys.every(({ epoch, imported }: KeyView) => epoch === 2 && imported);
  });
  const key = await alice.client.key('old');
  expect(key.publicKey).toBe(publicKey);
  await scene.sign('carol', key);

  const exporting = at(alice, 'keys', 'export', 'old', '--yes', '--to-file', to, '--helpers', 'bob');
  await accept(['bob'], 'export');
  expect(await exporting).toMatchObject({ exit: 0 });
  // The same key, in its other form: brought in again under another name.
  const again = ['--scheme', 'ed25519', '--format', 'scalar', '--from-file', to, '--public-key', publicKey];
  expect(await at(alice, 'keys', 'import', 'again', ...again)).toMatchObject({ exit: 0 });
  const scalar = (await readFile(to, 'utf8')).trim();
  for (const { name } of scene.net.nodes) {
    const log = await scene.log(name);
    for (const secret of [seed, scalar]) expect(log).not.toContain(secret);
  }
  for (const name of ['alice', 'bob']) expect((await scene.node(name).client.key('old')).exported).toBe(true);
});

test('shares go out as files of other software, and come in as a key', { timeout: 240_000 }, async () => {
  const key = await scene.makeKey('shared', 'ed25519', 2);
  const files: string[] = [];
  for (const name of ['bob', 'carol']) {
    const file = join(scene.net.folder, `${name}.json`);
    const out = ['--to-file', file, '--public-file', `${file}.public`];
    expect(await at(scene.node(name), 'keys', 'package', 'shared', '--yes', ...out)).toMatchObject({ exit: 0 });
    files.push('--from-file', file);
  }
  const [, one = ''] = files;
  const { signing_share: share } = JSON.parse(await readFile(one, 'utf8'));
  expect(JSON.parse(await readFile(`${one}.public`, 'utf8'))).toMatchObject({ verifying_key: key.publicKey });
  const options = ['--scheme', 'ed25519', '--format', 'zf', ...files, '--public-key', key.publicKey];
  expect(await at(scene.node('alice'), 'keys', 'import', 'back', ...options)).toMatchObject({ exit: 0 });
  expect(await scene.node('bob').client.key('back')).toMatchObject({ publicKey: key.publicKey, threshold: 2 });
  for (const { name } of scene.net.nodes) expect(await scene.log(name)).not.toContain(share);
});
