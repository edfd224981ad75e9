import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CeremonyView, KeyView, NodeClient } from '@quorate/node';
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

test('refreshes and a reshare under constant load fail no order, and leave nothing of the old shares that any key opens', async () => {
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
  for (const key of keys) expect(await renewed(key, async (client) => client.refresh(key.name))).toBe(2);
  for (const node of nodes) await untilGone(node.name, first.get(node.name) ?? []);

  // And once more, where the old epoch is not in a table yet; then with another threshold.
  const [key] = keys as [KeyView];
  await untilRenewed(key, 3, async (client) => client.refresh(key.name));
  await untilRenewed(key, 4, async (client) => client.reshare(key.name, { threshold: 4 }));
  expect(await scene.node('dave').client.key(key.name)).toMatchObject({ threshold: 4, publicKey: key.publicKey });
  loaded = false;
  const answers = await finished;
  for (const [i, { name, scheme }] of keys.entries()) {
    const all = answers[i] ?? [];
    expect(all.length).toBeGreaterThan(0);
    const own = renewals.filter((renewal) => renewal.name === name);
    // A client waits for one answer before it orders the next: what takes two renewals is more than a pause for one activation.
    for (const order of all)
      expect(own.filter(({ began, over }) => order.began < began && over < order.answered).length).toBeLessThan(2);
    // An ECDSA key is dealt anew for seconds, and signs meanwhile.
    const isSigned = own.some(({ began, over }) => all.some((one) => began < one.began && one.answered < over));
    expect(isSigned || scheme !== 'ecdsa').toBe(true);
  }
  await scene.expectNoBlame();

  await scene.net.stop();
  for (const node of nodes) {
    const [like] = first.get(node.name) as [Sealed];
    const files = await rawFiles(node);
    const { home } = await unlock(node);
    for (const { keyId, name } of keys) {
      const id = fromHex(keyId);
      const current = name === key.name ? 4 : 2;
      for (let epoch = 1; epoch < current; epoch++)
        expect(openable(home, files, dataKeyAt(id, epoch), like.bytes), `${name} ${epoch}`).toBe(0);
      // In the database, and in the copy.
      expect(openable(home, files, dataKeyAt(id, current), like.bytes)).toBeGreaterThanOrEqual(2);
    }
    await home.close();
  }
}, 400_000);

/** Renews a key, and waits until nothing is left of the epoch before. Second copies hold the very bytes of the database. */
async function untilRenewed(key: KeyView, to: number, renew: Renew): Promise<void> {
  const old = new Map<string, readonly Sealed[]>();
  for (const node of scene.net.nodes) {
    const sealed = copied(await readFile(join(node.data, 'copies', `${key.keyId}-000000000${to - 1}`)));
    expect(present(await rawFiles(node), sealed)).toBe(2);
    old.set(node.name, sealed);
  }
  expect(await renewed(key, renew)).toBe(to);
  for (const { name } of scene.net.nodes) await untilGone(name, old.get(name) ?? []);
}

/** When each renewal was asked for, and when all used what came of it. */
const renewals: { readonly name: string; readonly began: number; readonly over: number }[] = [];

const notNow: ReadonlySet<unknown> = new Set(['denied', 'busy', 'no-quorum']);

type Renew = (client: NodeClient) => Promise<CeremonyView>;

/** Asks for new shares until it is time for some; returns the epoch. */
async function renewed({ name, publicKey }: KeyView, renew: Renew): Promise<number> {
  const { client } = scene.node('bob');
  let epoch = 0;
  let began = 0;
  await until(`a renewal of ${name}`, 180, async () => {
    try {
      began = performance.now();
      const { failure, result } = await finish(client, await renew(client));
      // Rounds have deadlines, and the machine may be busy. Nothing has changed then, and the schedule would try again, too.
      if (failure?.code === 'timeout') return false;
      if (result?.type !== 'key') throw new Error(`no renewal: ${JSON.stringify(failure)}`);
      expect(result.publicKey).toBe(publicKey);
      ({ epoch } = result);
      return true;
    } catch (error) {
      // Of the last renewal, a moment ago; or because it is not over everywhere, or a member was not heard for a while.
      if (error instanceof Error && 'code' in error && notNow.has(error.code)) return false;
      throw error;
    }
  });
  await scene.untilActive(
    name,
    scene.net.nodes.map((node) => node.name),
  );
  renewals.push({ name, began, over: performance.now() });
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
