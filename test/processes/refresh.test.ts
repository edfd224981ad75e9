import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyView } from '@quorate/node';
import { fromHex } from '@quorate/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Signed, Signer } from '../../scripts/bench/signer.ts';
import { until } from '../../scripts/testnet/testnet.ts';
import { unlock } from './member.ts';
import { dataKeyAt, openable, present, rawFiles, type Sealed, secretsOf } from './remains.ts';
import { finish, Scene } from './scene.ts';

/** Five processes, 3-of-5, a key of each scheme. */
let scene: Scene;
const keys: KeyView[] = [];

beforeAll(async () => {
  scene = await Scene.open(5);
  for (const scheme of ['ed25519', 'taproot', 'ecdsa'] as const) keys.push(await scene.makeKey(scheme, scheme, 3));
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

test('refreshes under constant load fail no order, and leave nothing of the old shares that any key opens', async () => {
  const { nodes } = scene.net;
  // What each node has of the first epoch; read while they are stopped, and found in their files to begin with.
  const first = new Map<string, readonly Sealed[]>();
  await scene.net.stop();
  for (const node of nodes) {
    const { home } = await unlock(node);
    const sealed: Sealed[] = [];
    for (const { keyId } of keys) sealed.push(...(await secretsOf(home, fromHex(keyId), 1)));
    await home.close();
    // Data key and share of three keys, and what an ECDSA key has with four others.
    expect(sealed).toHaveLength(3 * 2 + 4);
    expect(present(await rawFiles(node), sealed)).toBe(10);
    first.set(node.name, sealed);
  }
  await scene.net.start();

  let loaded = true;
  const load = keys.map(async (key): Promise<readonly Signed[]> => {
    const signer = await Signer.of(scene.net, key);
    const all: Signed[] = [];
    while (loaded) all.push(...(await signer.times(1)));
    return all;
  });
  const finished = Promise.all(load);
  // It is looked at below: whatever fails meanwhile must not go unhandled.
  finished.catch(() => undefined);
  for (const key of keys) expect(await refreshed(key)).toBe(2);
  for (const node of nodes) await untilGone(node.name, first.get(node.name) ?? []);

  // And once more, where the old epoch is not in a table yet: second copies hold the very same bytes.
  const [key] = keys as [KeyView];
  const second = new Map<string, readonly Sealed[]>();
  for (const node of nodes) {
    const sealed = copied(await readFile(join(node.data, 'copies', `${key.keyId}-0000000002`)));
    expect(present(await rawFiles(node), sealed)).toBe(2);
    second.set(node.name, sealed);
  }
  expect(await refreshed(key)).toBe(3);
  for (const { name } of nodes) await untilGone(name, second.get(name) ?? []);
  loaded = false;
  for (const all of await finished) expect(all.length).toBeGreaterThan(0);
  await scene.expectNoBlame();

  await scene.net.stop();
  for (const node of nodes) {
    const [like] = first.get(node.name) as [Sealed];
    const files = await rawFiles(node);
    const { home } = await unlock(node);
    for (const { keyId, name } of keys) {
      const id = fromHex(keyId);
      const current = name === key.name ? 3 : 2;
      for (let epoch = 1; epoch < current; epoch++)
        expect(openable(home, files, dataKeyAt(id, epoch), like.bytes), `${name} ${epoch}`).toBe(0);
      // In the database, and in the copy.
      expect(openable(home, files, dataKeyAt(id, current), like.bytes)).toBeGreaterThanOrEqual(2);
    }
    await home.close();
  }
}, 240_000);

/** Asks for new shares until it is time for some; returns the epoch. */
async function refreshed({ name, publicKey }: KeyView): Promise<number> {
  const { client } = scene.node('bob');
  let epoch = 0;
  await until(`a refresh of ${name}`, 60, async () => {
    try {
      const { failure, result } = await finish(client, await client.refresh(name));
      if (result?.type !== 'key') throw new Error(`no refresh: ${JSON.stringify(failure)}`);
      expect(result.publicKey).toBe(publicKey);
      ({ epoch } = result);
      return true;
    } catch (error) {
      // Of the last refresh, a moment ago.
      if (error instanceof Error && 'code' in error && error.code === 'denied') return false;
      throw error;
    }
  });
  await scene.untilActive(
    name,
    scene.net.nodes.map((node) => node.name),
  );
  return epoch;
}

/** While the node runs and signs: neither its start nor a quiet moment removes what shredding left. */
async function untilGone(name: string, sealed: readonly Sealed[]): Promise<void> {
  const node = scene.node(name);
  await until(`${name} to have shredded what is old`, 60, async () => present(await rawFiles(node), sealed) === 0);
}

/** The sealed records of a second copy: version, then data key and share, each after its length. */
function copied(copy: Buffer): readonly Sealed[] {
  const length = copy.readUInt32BE(1);
  return [
    { place: 'data key', bytes: copy.subarray(5, 5 + length) },
    { place: 'share', bytes: copy.subarray(5 + length + 4) },
  ];
}
