import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { KeyView } from '@quorate/node';
import { fromHex } from '@quorate/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, found } from '../support/canaries.ts';
import { unlock } from './member.ts';
import { quorate, Scene } from './scene.ts';

/** Three processes, 2-of-3, at the most talkative log level: what they keep secret shows up nowhere. */
let scene: Scene;
const keys: KeyView[] = [];
/** Everything that was answered, by API and command line. */
const answers: string[] = [];

beforeAll(async () => {
  scene = await Scene.open(3, { config: 'log: {level: trace}\n' });
  keys.push(await scene.makeKey('ops', 'ed25519', 2), await scene.makeKey('treasury', 'taproot', 2));
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

test('no seed, key file or share is in a log, an answer or a file', async () => {
  for (const { name, client, data } of scene.net.nodes) {
    for (const key of keys) answers.push(JSON.stringify(await scene.sign(name, key)));
    answers.push(JSON.stringify([await client.status(), await client.health(), await client.peers()]));
    answers.push(JSON.stringify([await client.keys(), await client.roster(), await client.ceremonies()]));
    for (const command of [['status'], ['keys'], ['peers'], ['ceremonies'], ['config', 'check'], ['roster', 'show']]) {
      const { stdout, stderr } = await quorate([...command, '--data', data]);
      answers.push(stdout, stderr);
    }
    answers.push(JSON.stringify(await quorate(['keygen', 'ops', '--data', data])));
  }
  await scene.net.signal(scene.node('alice'), 'SIGKILL');
  for (const key of keys) answers.push(JSON.stringify(await scene.sign('bob', key)));
  await scene.restart('alice', 2);
  await scene.net.stop();

  const texts = new Map<string, Buffer>([['answers', Buffer.from(answers.join('\n'))]]);
  for (const path of await filesBelow(scene.net.folder))
    texts.set(relative(scene.net.folder, path), await readFile(path));
  // The search finds what is there: a log with details, and keys in answers.
  expect(texts.get('bob.log')?.includes('"level":20')).toBe(true);
  for (const { publicKey } of keys)
    expect(found(fromHex(publicKey), texts.get('answers') ?? Buffer.alloc(0))).toBe(true);

  let searched = 0;
  for (const node of scene.net.nodes) {
    const keyFile = await readFile(join(node.data, 'root.key'), 'utf8');
    const { home } = await unlock(node);
    const secrets = new Map<string, Uint8Array>([
      ['root key', fromHex(keyFile.trim())],
      ['identity', home.seed.use((bytes) => bytes.slice())],
    ]);
    for (const { keyId, name, current } of home.keys.list()) {
      using share = await home.keys.share(keyId, current?.epoch ?? 0);
      secrets.set(
        `share of ${name}`,
        share.use((bytes) => bytes.slice()),
      );
    }
    await home.close();
    expect(secrets.size).toBe(4);
    for (const [what, secret] of secrets) {
      expect(secret).toHaveLength(32);
      const own = join(node.name, 'root.key');
      const hits = [...texts].filter(([path, text]) => path !== own && found(secret, text)).map(([path]) => path);
      expect(hits, `${what} of ${node.name}`).toEqual([]);
      searched += 1;
    }
    expect(found(fromHex(keyFile.trim()), texts.get(join(node.name, 'root.key')) ?? Buffer.alloc(0))).toBe(true);
  }
  expect(searched).toBe(12);
});
