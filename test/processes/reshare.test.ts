import { expect, test } from 'vitest';
import { until } from '../../scripts/testnet/testnet.ts';
import { finish, quorate, Scene } from './scene.ts';

test('a member that is gone is replaced by another node; when it comes back, it learns that', async () => {
  await using scene = await Scene.open(4);
  const { client: alice, data } = scene.node('alice');
  const members = ['alice', 'bob', 'carol'];
  const made = await finish(alice, await alice.keygen({ name: 'ops', scheme: 'ed25519', threshold: 2, members }));
  expect(made.failure).toBeUndefined();
  await scene.untilActive('ops', members);
  const key = await alice.key('ops');
  await scene.net.signal(scene.node('carol'), 'SIGKILL');
  await until('alice to notice', 30, async () => !(await scene.peer('alice', 'carol')).connected);

  const order = ['keys', 'reshare', 'ops', '--members', 'alice,bob,dave', '--data', data];
  const preview = await quorate([...order, '--preview']);
  expect(preview.exit).toBe(0);
  expect(preview.stdout).toMatch(/carol +leaves +- +no/);
  // Nobody is at a terminal.
  expect((await quorate(order)).exit).toBe(2);
  let said = await quorate([...order, '--yes']);
  await until('the key to change hands', 60, async () => {
    // The shares were made a moment ago, at first.
    if (said.exit === 1) said = await quorate([...order, '--yes']);
    return said.exit !== 1;
  });
  expect(said).toMatchObject({ exit: 0, stdout: `${key.publicKey}\n` });
  const now = await scene.node('dave').client.key('ops');
  expect(now).toMatchObject({ publicKey: key.publicKey, state: 'active', epoch: 2 });
  await scene.sign('dave', now);

  await scene.restart('carol', 3);
  const carol = scene.node('carol').client;
  await until('carol to hear of it', 60, async () => (await carol.key('ops')).state === 'elsewhere');
  await expect(carol.sign(scene.order(now))).rejects.toMatchObject({ code: 'not-member' });
  await scene.sign('bob', now);
  await scene.expectNoBlame();
}, 180_000);
