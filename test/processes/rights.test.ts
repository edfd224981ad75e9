import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KeyView, readClientKey, systemRandomness } from '@quorate/node';
import { ascii, fromHex, type NodeKey, toHex } from '@quorate/protocol';
import { type AuditEntry } from '@quorate/storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestId } from '../../packages/node/src/policy/sign-request.ts';
import type { TestnetNode } from '../../scripts/testnet/testnet.ts';
import { unlock } from './member.ts';
import { finish, network, quorate, type Said, Scene, type SignOrder, signed, untilCeremony } from './scene.ts';

/** Three processes, 2-of-3. `teller` may sign messages with treasury keys for payments, and nothing else. */
let scene: Scene;
let treasury: KeyView;
let ops: KeyView;
let teller: NodeKey;
let stranger: NodeKey;
const files = { teller: '', stranger: '' };

beforeAll(async () => {
  scene = await Scene.open(3, {
    prepare: async (net) => {
      for (const name of ['teller', 'stranger'] as const) {
        files[name] = join(net.folder, `${name}.pem`);
        await quorate(['client', 'new', '--out', files[name]]);
      }
      teller = readClientKey(files.teller);
      stranger = readClientKey(files.stranger);
      const right = "{keys: ['treasury-*'], purposes: [payments], actions: [sign]}";
      const lines = `clients:\n  - {name: teller, publicKey: '${toHex(teller.publicKey)}', rights: [${right}]}`;
      for (const { data } of net.nodes) {
        const file = join(data, 'node.yaml');
        await writeFile(file, (await readFile(file, 'utf8')).replace('clients:', lines));
      }
    },
  });
  treasury = await scene.makeKey('treasury-1', 'taproot', 2, 'payments');
  ops = await scene.makeKey('ops', 'ed25519', 2);
}, 120_000);

afterAll(async () => scene?.[Symbol.asyncDispose](), 60_000);

/** What was refused, at which nodes, and why: to be found in their audit logs in the end. */
const refusals: { readonly request: string; readonly reason: string; readonly at: readonly string[] }[] = [];

async function expectRefused(
  order: SignOrder,
  code: string,
  nodes: readonly TestnetNode[] = scene.net.nodes,
): Promise<void> {
  for (const { client } of nodes)
    await expect(client.sign(order)).rejects.toMatchObject({ name: 'ServiceError', code });
  const id = requestId({ network, client: fromHex(order.client), idempotencyKey: fromHex(order.idempotencyKey) });
  refusals.push({ request: toHex(id), reason: code, at: nodes.map(({ name }) => name) });
}

/** Orders with the command line, at alice. */
async function cli(key: string, client: string, ...more: readonly string[]): Promise<Said & { code: string }> {
  const { data } = scene.node('alice');
  const said = await quorate(['sign', key, '--data', data, '--client', client, '--json', ...more]);
  const { code } = JSON.parse(said.stdout) as { code?: string };
  return { ...said, code: code ?? '' };
}

const text = ['--message', 'pay the invoice'];

test('who has the right is served, by API and command line', async () => {
  signed(await scene.sign('alice', treasury, { client: teller }), treasury);
  expect(await cli('treasury-1', files.teller, ...text)).toMatchObject({ exit: 0 });
});

test('a client that nobody knows is denied', async () => {
  await expectRefused(scene.order(treasury, { client: stranger }), 'denied');
  expect(await cli('treasury-1', files.stranger, ...text)).toMatchObject({ exit: 3, code: 'denied' });
});

test('a key that the right does not name is denied', async () => {
  await expectRefused(scene.order(ops, { client: teller }), 'denied');
  expect(await cli('ops', files.teller, ...text)).toMatchObject({ exit: 3, code: 'denied' });
});

test('a purpose that the right does not name, or that is not the key’s, is denied', async () => {
  await expectRefused(scene.order(treasury, { client: teller, purpose: 'general' }), 'denied');
  await expectRefused(scene.order(treasury, { purpose: 'general' }), 'denied');
  expect(await cli('treasury-1', files.teller, ...text, '--purpose', 'general')).toMatchObject({
    exit: 3,
    code: 'denied',
  });
});

test('32 bytes under a Taproot key take the right sign-raw', async () => {
  const message = new Uint8Array(32).fill(0x42);
  await expectRefused(scene.order(treasury, { client: teller, message }), 'denied');
  expect(await cli('treasury-1', files.teller, '--hex', toHex(message))).toMatchObject({ exit: 3, code: 'denied' });
  signed(await scene.sign('bob', treasury, { message }), treasury, message);
});

test('an order that has expired is refused, and so is one that never does', async () => {
  await expectRefused(scene.order(treasury, { expires: Date.now() - 60_000 }), 'expired');
  await expectRefused(scene.order(treasury, { expires: Date.now() + 86_400_000 }), 'invalid');
  const past = new Date(Date.now() - 60_000).toISOString();
  expect(await cli('treasury-1', files.teller, ...text, '--expires', past)).toMatchObject({ exit: 3, code: 'expired' });
});

test('an order that somebody changed on the way is denied', async () => {
  const order = scene.order(treasury, { client: teller });
  await expectRefused({ ...order, intent: { type: 'message', hex: toHex(ascii('pay the thief')) } }, 'denied');
});

test('another order under the same idempotency key is a conflict everywhere, the same one gets the same answer', async () => {
  const expires = Date.now() + 60_000;
  const idempotencyKey = systemRandomness.bytes(16);
  const order = scene.order(treasury, { client: teller, idempotencyKey, expires });
  const { alice, bob, carol } = Object.fromEntries(scene.net.nodes.map(({ name, client }) => [name, client]));
  if (alice === undefined || bob === undefined || carol === undefined) throw new Error('three nodes');
  const first = signed(await finish(alice, await alice.sign(order)), treasury).result;
  for (const client of [bob, carol]) {
    expect(await finish(client, await client.sign(order))).toMatchObject({
      result: { signature: first?.type === 'signature' ? first.signature : '' },
    });
  }
  const message = ascii('pay the invoice again');
  await expectRefused(scene.order(treasury, { client: teller, idempotencyKey, expires, message }), 'request-conflict');

  const again = [...text, '--idempotency-key', 'invoice-7', '--expires', new Date(expires).toISOString()];
  expect(await cli('treasury-1', files.teller, ...again)).toMatchObject({ exit: 0 });
  expect(await cli('treasury-1', files.teller, ...again)).toMatchObject({ exit: 0 });
  again[1] = 'pay the invoice again';
  expect(await cli('treasury-1', files.teller, ...again)).toMatchObject({ exit: 2, code: 'request-conflict' });
});

test('a key that nobody has is unknown', async () => {
  await expectRefused(scene.order({ name: 'treasury-2', purpose: 'payments' }, { client: teller }), 'key-unknown');
  expect(await cli('treasury-2', files.teller, ...text)).toMatchObject({ exit: 2, code: 'key-unknown' });
});

test('a key frozen at one node is signed without it; frozen at two, by nobody', async () => {
  const [alice, bob] = [scene.node('alice'), scene.node('bob')];
  expect(await alice.client.freeze('treasury-1', true)).toMatchObject({ frozen: true });
  await expectRefused(scene.order(treasury, { client: teller }), 'denied', [alice]);
  expect(await cli('treasury-1', files.teller, ...text)).toMatchObject({ exit: 3, code: 'denied' });
  const { result } = await scene.sign('bob', treasury, { client: teller });
  expect(result).toMatchObject({ signers: expect.not.arrayContaining(['alice']) });

  await bob.client.freeze('treasury-1', true);
  const carol = scene.node('carol').client;
  const refused = await finish(carol, await carol.sign(scene.order(treasury, { client: teller })));
  expect(refused).toMatchObject({ state: 'failed', failure: { code: 'denied', culprits: [] } });
  for (const { client } of [alice, bob]) await client.freeze('treasury-1', false);
  signed(await scene.sign('alice', treasury, { client: teller }), treasury);
});

test('a key that is frozen between approval and start is not used, and the node lives on', async () => {
  const { client } = scene.node('alice');
  const { client: carol } = scene.node('carol');
  for (const name of ['bob', 'carol']) await scene.net.signal(scene.node(name), 'SIGSTOP');
  const idempotencyKey = scene.idempotencyKey(treasury, ({ signers }) => signers[0] === 'alice');
  const { id, state } = await client.sign(scene.order(treasury, { idempotencyKey }));
  expect(state).toBe('accepted');
  await client.freeze('treasury-1', true);
  for (const name of ['bob', 'carol']) await scene.net.signal(scene.node(name), 'SIGCONT');

  await untilCeremony('carol to hear of the order', carol, id, () => true);
  const { result } = signed(await finish(carol, await carol.ceremony(id)), treasury);
  expect(result).toMatchObject({ signers: ['bob', 'carol'].toSorted(byParty) });
  expect(await client.status()).toMatchObject({ name: 'alice', peers: { connected: 2 } });
  await client.freeze('treasury-1', false);
});

/** Signers are shown in the order of their parties. */
function byParty(a: string, b: string): number {
  const party = (name: string): number => treasury.parties.find((one) => one.name === name)?.party ?? 0;
  return party(a) - party(b);
}

test('every refusal is in the audit log of the node that refused, and every log is whole', async () => {
  await scene.net.stop();
  for (const node of scene.net.nodes) {
    const { home } = await unlock(node);
    try {
      const entries: AuditEntry[] = [];
      for await (const entry of home.audit.entries()) entries.push(entry);
      for (const { request, reason, at } of refusals.filter((one) => one.at.includes(node.name))) {
        const found = entries.filter(({ kind, fields }) => kind === 'sign-refused' && fields['request'] === request);
        expect(
          found.map(({ fields }) => fields['reason']),
          `${request} at ${at.join()}`,
        ).toContain(reason);
      }
      expect(await home.audit.verify()).toMatchObject({ ok: true });
    } finally {
      await home.close();
    }
  }
  expect(refusals.length).toBeGreaterThan(8);
});
