import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ascii, bitcoinNetworks, pureNodeKey, type Scheme, Secret, toHex } from '@quorate/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientSeed, MemoryService } from '../../test/memory-service.ts';
import { networkIdOf } from '../config/config.ts';
import { limits } from '../limits.ts';
import { type SignRequest, signRequests } from '../policy/sign-request.ts';
import { type CeremonyView, ServiceError } from '../service.ts';
import { connectNode, type NodeClient, NodeSilent } from './client.ts';
import { type Problem, statusOf } from './problem.ts';
import { orderOf, type SignOrder } from './schemas.ts';
import { type RunningServer, startServer } from './server.ts';

const client = pureNodeKey(clientSeed);
const unknown = 'ab'.repeat(32);
let folder: string;
let socket: string;
let service: MemoryService;
let server: RunningServer;
let node: NodeClient;
let logged: object[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-'));
  socket = join(folder, 'data', 'admin.sock');
  service = new MemoryService();
  logged = [];
  const keep = (_: string, fields: object = {}): void => void logged.push(fields);
  server = await startServer(service, { socket, logger: { debug: () => {}, info: keep, error: keep } });
  node = connectNode(socket);
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

async function send(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const all = body === undefined ? headers : { 'content-type': 'application/json', ...headers };
  return await new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket, method, path, headers: all, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => void (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body: text }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function refusal(answer: Promise<Answer>): Promise<Problem> {
  const { status, type, body } = await answer;
  expect(type).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(body) as Problem;
  expect(problem).toMatchObject({ status, type: `urn:quorate:problem:${problem.code}` });
  return problem;
}

function order(change: Partial<SignOrder> = {}, network = 'testnet'): SignOrder {
  return { ...signed({}, network), ...change };
}

function signed(change: Partial<SignRequest>, network = 'testnet'): SignOrder {
  const unsigned = {
    network: networkIdOf(network),
    key: 'treasury',
    purpose: 'any',
    intent: { type: 'message', value: ascii('pay bob') } as const,
    path: 'm',
    expires: 1_800_000_000_000,
    idempotencyKey: ascii('order-1'),
    ...change,
  };
  return orderOf(signRequests.sign(unsigned, client));
}

function intended(intent: object): string {
  return JSON.stringify({ ...order(), intent });
}

async function treasury(scheme: Scheme = 'ed25519'): Promise<void> {
  service.clients = [
    {
      name: 'wallet',
      publicKey: toHex(client.publicKey),
      rights: [{ keys: ['*'], purposes: ['*'], actions: ['sign'] }],
    },
  ];
  await node.keygen({ name: 'treasury', scheme });
}

describe('the socket', () => {
  test('is for its owner only, in a folder made for its owner only', () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  });

  test('leaves the mask of new files as it was', () => {
    const mask = process.umask();
    writeFileSync(join(folder, 'after'), '');
    expect(statSync(join(folder, 'after')).mode & 0o777).toBe(0o666 & ~mask);
  });

  test('is refused while somebody answers at it', async () => {
    await expect(startServer(service, { socket })).rejects.toMatchObject({ code: 'socket-in-use' });
    expect((await node.status()).name).toBe('alice');
  });

  test('takes the place of a dead one', async () => {
    const path = join(folder, 'dead.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, ['-e', script], { env: {} });
    expect(existsSync(path)).toBe(true);
    const second = await startServer(service, { socket: path });
    expect((await connectNode(path).status()).name).toBe('alice');
    await second.close();
  });

  test('does not take the place of another file', async () => {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'keep me');
    await expect(startServer(service, { socket: path })).rejects.toMatchObject({ code: 'socket-unusable' });
    expect(existsSync(path)).toBe(true);
  });

  test('is not made in a folder that others may change', async () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    await expect(startServer(service, { socket: join(open, 's') })).rejects.toMatchObject({ code: 'socket-exposed' });
  });

  test.runIf(process.geteuid?.() === 0)('is not made in a folder of another user', async () => {
    const theirs = join(folder, 'theirs');
    mkdirSync(theirs, { mode: 0o700 });
    chownSync(theirs, 12_345, 12_345);
    await expect(startServer(service, { socket: join(theirs, 's') })).rejects.toMatchObject({ code: 'socket-exposed' });
  });

  test('takes so many connections and no more', async () => {
    const held = Array.from({ length: limits.adminConnections }, () => connect(socket).on('error', () => {}));
    await Promise.all(held.map(async (one) => new Promise((resolve) => one.once('connect', resolve))));
    await expect(node.status()).rejects.toThrow(NodeSilent);
    for (const one of held) one.destroy();
    await expect.poll(async () => (await node.status().catch(() => undefined))?.name).toBe('alice');
  });

  test('is gone after closing, and closing twice is harmless', async () => {
    await server.close();
    await server.close();
    expect(existsSync(socket)).toBe(false);
    await expect(node.status()).rejects.toThrow(NodeSilent);
    await expect(node.status()).rejects.toThrow(`no node answers at ${socket}; start it with \`quorate start\``);
  });
});

describe('routes', () => {
  test('status, whatever the Host header says', async () => {
    expect(await node.status()).toMatchObject({ name: 'alice', network: 'testnet' });
    expect(await send('GET', '/v1/status', undefined, { host: 'evil.example' })).toMatchObject({ status: 200 });
  });

  test('health is 503 with its reasons when the node is not ready', async () => {
    expect(await node.health()).toMatchObject({ ready: true });
    expect(await send('GET', '/v1/health')).toMatchObject({ status: 200 });
    service.ready = false;
    expect(await send('GET', '/v1/health')).toMatchObject({ status: 503, type: expect.stringContaining('json') });
    expect(await node.health()).toMatchObject({ ready: false, reasons: ['the store is locked'] });
  });

  test('peers and roster', async () => {
    expect((await node.peers()).map(({ name }) => name)).toEqual(['bob', 'carol']);
    expect((await node.roster()).map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
  });

  test('the audit log, by pages', async () => {
    const sequences = async (order: { after?: number; most: number }): Promise<number[]> =>
      (await node.audit(order)).entries.map(({ sequence }) => sequence);
    expect((await node.audit({ most: 2 })).head).toEqual({ sequence: 7, hash: '07'.repeat(32) });
    expect(await sequences({ most: 2 })).toEqual([6, 7]);
    expect(await sequences({ after: 0, most: 3 })).toEqual([1, 2, 3]);
    expect(await sequences({ after: 7, most: 3 })).toEqual([]);
    for (const query of ['most=0', 'most=x', 'after=-1', 'after=1.5', 'before=1'])
      expect(await send('GET', `/v1/audit?${query}`)).toMatchObject({ status: 400 });
  });

  test('lifting a ban', async () => {
    await expect(node.unban('bob')).rejects.toMatchObject({ code: 'not-banned' });
    for (const name of ['dave', '../keys', '%00']) {
      await expect(node.unban(name)).rejects.toMatchObject({ code: 'peer-unknown' });
    }
    expect(await node.unban('carol')).toMatchObject({ name: 'carol', banned: false, pairs: { missing: 2 } });
    expect(await send('POST', '/v1/peers/carol/unban')).toMatchObject({ status: 409 });
    expect(await send('POST', '/v1/peers/dave/unban')).toMatchObject({ status: 404 });
  });

  test('the word of the operator that no other instance runs', async () => {
    expect((await node.status()).standing).toMatchObject({ state: 'suspended', doubtedBy: ['bob'] });
    expect(await node.resolve()).toMatchObject({ state: 'resolved' });
    await expect(node.resolve()).rejects.toMatchObject({ code: 'not-suspended' });
    expect(await send('POST', '/v1/identity/resolve')).toMatchObject({ status: 409 });
  });

  test('keygen, keys, one key, freeze and thaw', async () => {
    expect(await node.keygen({ name: 'treasury', scheme: 'ed25519' })).toMatchObject({ kind: 'keygen', state: 'done' });
    expect((await node.keys()).map(({ name }) => name)).toEqual(['treasury']);
    expect(await node.key('treasury')).toMatchObject({ frozen: false });
    expect(await node.freeze('treasury', true)).toMatchObject({ frozen: true });
    expect(await node.freeze('treasury', false)).toMatchObject({ frozen: false });
  });

  test('an import takes its secret as bytes, and refuses everything else without repeating it', async () => {
    const order = { name: 'old', scheme: 'ed25519', publicKey: 'ab'.repeat(32), members: ['alice', 'bob'] } as const;
    using secret = new Secret(new Uint8Array(32).fill(7));
    expect(await node.importKey({ ...order, threshold: 2 }, secret)).toMatchObject({ participants: ['alice', 'bob'] });
    expect(service.imported.get('old')).toBe('07'.repeat(32));
    expect(secret.use((bytes) => bytes[0])).toBe(7);
    using short = new Secret(new Uint8Array(31).fill(7));
    using long = new Secret(new Uint8Array(33).fill(7));
    for (const other of [short, long])
      await expect(node.importKey({ ...order, name: 'new' }, other)).rejects.toThrow(/^(?!.*0707)/);
    expect(await send('POST', '/v1/keys/import?name=new', '{"secret":"0707"}')).toMatchObject({ status: 400 });
    expect(service.imported.size).toBe(1);
  });

  test('an exported key is handed out once, as bytes', async () => {
    await node.keygen({ name: 'treasury', scheme: 'ed25519' });
    const { id } = await node.exportKey('treasury', { helpers: ['bob'] });
    using secret = await node.takeExported(id);
    expect(secret.use(toHex)).toBe('ab'.repeat(32));
    await expect(node.takeExported(id)).rejects.toMatchObject({ code: 'ceremony-unknown' });
    expect(await send('POST', '/v1/keys/treasury/export', '{"to":"me"}')).toMatchObject({ status: 400 });
    expect(await send('POST', '/v1/ceremonies/zz/secret')).toMatchObject({ status: 400 });
  });

  test('a key package comes as bytes, with what is public', async () => {
    await node.keygen({ name: 'treasury', scheme: 'ed25519' });
    const { keyPackage, publicKeyPackage } = await node.keyPackage('treasury');
    using secret = keyPackage;
    expect(secret.use((bytes) => new TextDecoder().decode(bytes))).toBe('{"share":1}');
    expect(publicKeyPackage).toBe('{"public":1}');
    await expect(node.keyPackage('nothing')).rejects.toMatchObject({ code: 'key-unknown' });
    expect(await send('POST', '/v1/keys/treasury/package', '{"to":"me"}')).toMatchObject({ status: 400 });
  });

  test('a repair, with and without a body', async () => {
    await node.keygen({ name: 'treasury', scheme: 'ed25519' });
    expect(await node.repair('treasury', { helpers: ['bob', 'carol'] })).toMatchObject({ kind: 'repair' });
    expect(await send('POST', '/v1/keys/treasury/repair')).toMatchObject({ status: 200 });
    expect(await send('POST', '/v1/keys/treasury/repair', '{"helper":["bob"]}')).toMatchObject({ status: 400 });
    expect(await send('POST', '/v1/keys/treasury/repair', '{"publicKey":"00"}')).toMatchObject({ status: 400 });
  });

  test('a ceremony that runs on is 202, one that has ended 200', async () => {
    service.immediate = false;
    expect(await send('POST', '/v1/keys', '{"name":"slow","scheme":"taproot"}')).toMatchObject({ status: 202 });
    service.immediate = true;
    expect(await send('POST', '/v1/keys', '{"name":"quick","scheme":"taproot"}')).toMatchObject({ status: 200 });
  });

  test('sign takes a client’s order on the node’s own network, again and again', async () => {
    await treasury();
    const first = await node.sign(order());
    expect(first).toMatchObject({ kind: 'sign', state: 'done', result: { type: 'signature' } });
    expect(await node.sign(order())).toEqual(first);
    const conflict = order({}, 'testnet');
    await expect(node.sign({ ...conflict, expires: conflict.expires + 1 })).rejects.toMatchObject({ code: 'denied' });
    await expect(node.sign(order({}, 'mainnet'))).rejects.toMatchObject({ code: 'denied' });
  });

  test('sign takes a digest or a message to be hashed, and a path', async () => {
    await treasury('ecdsa');
    const digest = createHash('sha256').update('pay bob').digest();
    const value = { hash: 'sha256', message: ascii('pay bob') } as const;
    const blind = await node.sign(signed({ intent: { type: 'digest', value: digest } }));
    const hashed = signed({ intent: { type: 'hashed', value }, path: 'm/7', idempotencyKey: ascii('order-2') });
    expect(hashed).toMatchObject({
      intent: { type: 'hashed', hash: 'sha256', hex: toHex(value.message) },
      path: 'm/7',
    });
    const { publicKey } = await node.addresses('treasury', 'm/7');
    expect(blind).toMatchObject({ result: { digest: toHex(digest) } });
    expect(await node.sign(hashed)).toMatchObject({ result: { digest: toHex(digest), publicKey } });
  });

  test('the path is the key itself where none is given, and is covered by the client’s signature', async () => {
    await treasury('ecdsa');
    const value = { hash: 'keccak256', message: ascii('pay bob') } as const;
    const { path, ...bare } = signed({ intent: { type: 'hashed', value } });
    expect(path).toBe('m');
    await expect(node.sign({ ...bare, path: 'm/0' })).rejects.toMatchObject({ code: 'denied' });
    const { publicKey } = await node.key('treasury');
    expect(await node.sign(bare)).toMatchObject({ result: { publicKey } });
  });

  test('addresses of a key and of its children', async () => {
    await treasury('ecdsa');
    const { publicKey } = await node.key('treasury');
    const root = await node.addresses('treasury', 'm');
    expect(root).toMatchObject({ path: 'm', publicKey, uncompressed: expect.stringMatching(/^04[0-9a-f]{128}$/) });
    expect(root.addresses).toEqual([
      { kind: 'ethereum', address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) },
      { kind: 'p2wpkh', address: expect.stringMatching(/^bc1q[0-9a-z]{38}$/) },
      { kind: 'p2pkh', address: expect.stringMatching(/^1[0-9a-zA-Z]{25,33}$/) },
    ]);
    expect(JSON.parse((await send('GET', '/v1/keys/treasury/addresses')).body)).toEqual(root);
    const child = await node.addresses('treasury', 'm/44/60/0/0/7');
    expect(child).toMatchObject({ path: 'm/44/60/0/0/7' });
    expect(child.publicKey).not.toBe(publicKey);
    for (const scheme of ['ed25519', 'taproot'] as const) {
      await node.keygen({ name: scheme, scheme });
      expect(await node.addresses(scheme, 'm')).toMatchObject({ publicKey: (await node.key(scheme)).publicKey });
      await expect(node.addresses(scheme, 'm/7')).rejects.toMatchObject({ code: 'invalid' });
    }
    await expect(node.addresses('nobody', 'm')).rejects.toMatchObject({ code: 'key-unknown' });
    await expect(node.addresses('treasury', "m/44'")).rejects.toMatchObject({ code: 'invalid' });
    expect(await refusal(send('GET', '/v1/keys/treasury/addresses?index=7'))).toMatchObject({ code: 'invalid' });
  });

  test('addresses on one of Bitcoin’s networks, mainnet if none is named', async () => {
    await treasury('ecdsa');
    await node.keygen({ name: 'vault', scheme: 'taproot' });
    const starts = {
      mainnet: ['bc1q', '1', 'bc1p'],
      testnet: ['tb1q', '[mn]', 'tb1p'],
      regtest: ['bcrt1q', '[mn]', 'bcrt1p'],
    };
    for (const network of bitcoinNetworks) {
      const [, p2wpkh, p2pkh] = (await node.addresses('treasury', 'm', network)).addresses;
      const [p2tr] = (await node.addresses('vault', 'm', network)).addresses;
      for (const [i, start] of starts[network].entries())
        expect([p2wpkh, p2pkh, p2tr][i]?.address).toMatch(new RegExp(`^${start}`));
    }
    expect(await node.addresses('treasury', 'm')).toEqual(await node.addresses('treasury', 'm', 'mainnet'));
    for (const bad of ['signet', 'Mainnet', ''])
      expect(await refusal(send('GET', `/v1/keys/treasury/addresses?bitcoin=${bad}`))).toMatchObject({
        code: 'invalid',
      });
  });

  test('ceremonies: list, one, accept, cancel', async () => {
    service.immediate = false;
    const { id } = await node.keygen({ name: 'slow', scheme: 'ed25519' });
    expect((await node.ceremonies()).map((ceremony) => ceremony.id)).toEqual([id]);
    await expect(node.accept(id)).rejects.toMatchObject({ code: 'not-waiting' });
    service.move(id, { needsAccept: true });
    expect(await node.accept(id)).toMatchObject({ state: 'accepted' });
    expect(await node.cancel(id)).toMatchObject({ state: 'failed', failure: { code: 'cancelled' } });
    expect(await node.ceremony(id)).toMatchObject({ state: 'failed' });
  });

  test('waiting for a ceremony ends when it ends', async () => {
    service.immediate = false;
    const { id } = await node.keygen({ name: 'slow', scheme: 'ed25519' });
    const waiting = node.ceremony(id, 60_000);
    await expect.poll(() => service.followers.size).toBe(1);
    service.move(id, { state: 'done' });
    expect(await waiting).toMatchObject({ state: 'done', result: { type: 'key' } });
  });
});

describe('events', () => {
  test('follow every change from the moment the headers arrive, and stop when the caller leaves', async () => {
    service.immediate = false;
    const seen: CeremonyView[] = [];
    const events = await node.events();
    const { id } = await node.keygen({ name: 'slow', scheme: 'ed25519' });
    service.move(id, { state: 'running', round: 'commit' });
    service.move(id, { state: 'done' });
    for await (const event of events) {
      seen.push(event);
      if (event.state === 'done') break;
    }
    expect(seen.map(({ state, round }) => [state, round])).toEqual([
      ['proposed', undefined],
      ['running', 'commit'],
      ['done', 'commit'],
    ]);
    await expect.poll(() => service.followers.size).toBe(0);
  });

  test('end when the server closes; whoever waits is answered', async () => {
    service.immediate = false;
    const { id } = await node.keygen({ name: 'slow', scheme: 'ed25519' });
    const waiting = node.ceremony(id, 60_000);
    const events = await node.events();
    await expect.poll(() => service.followers.size).toBe(2);
    await server.close();
    expect(await waiting).toMatchObject({ state: 'proposed' });
    for await (const _ of events) throw new Error('nothing happened');
    expect(service.followers.size).toBe(1);
  });

  test('cut off a follower that does not read', async () => {
    service.immediate = false;
    const { id } = await node.keygen({ name: 'slow', scheme: 'ed25519' });
    const deaf = connect(socket);
    deaf.write('GET /v1/ceremonies/events HTTP/1.1\r\nhost: x\r\n\r\n');
    deaf.pause();
    deaf.on('error', () => {});
    await expect.poll(() => service.followers.size).toBe(1);
    const round = 'r'.repeat(100_000);
    for (let i = 0; i < 200 && service.followers.size > 0; i++) {
      service.move(id, { round });
      await new Promise(setImmediate);
    }
    await expect.poll(() => service.followers.size).toBe(0);
    deaf.destroy();
  });
});

describe('refusals', () => {
  test.each<[string, string, string]>([
    ['an unknown key in the body', '/v1/keys', '{"name":"a","scheme":"ed25519","seed":"00"}'],
    ['a key twice', '/v1/keys', '{"name":"a","name":"b","scheme":"ed25519"}'],
    ['__proto__', '/v1/keys', '{"name":"a","scheme":"ed25519","__proto__":{"threshold":2}}'],
    ['no JSON', '/v1/keys', 'name=a'],
    ['a list', '/v1/keys', '[]'],
    ['an unknown scheme', '/v1/keys', '{"name":"a","scheme":"rsa"}'],
    ['a path for a name', '/v1/keys', '{"name":"../a","scheme":"ed25519"}'],
    ['a name with a line break', '/v1/keys', '{"name":"a\\nb","scheme":"ed25519"}'],
    ['a name outside ASCII', '/v1/keys', '{"name":"trésor","scheme":"ed25519"}'],
    ['a fractional threshold', '/v1/keys', '{"name":"a","scheme":"ed25519","threshold":2.5}'],
    ['a threshold out of bounds', '/v1/keys', '{"name":"a","scheme":"ed25519","threshold":1}'],
    ['upper-case hex', '/v1/sign', JSON.stringify(order({ client: 'AB'.repeat(32) }))],
    ['a short client key', '/v1/sign', JSON.stringify(order({ client: 'ab' }))],
    ['an empty idempotency key', '/v1/sign', JSON.stringify(order({ idempotencyKey: '' }))],
    ['half a byte', '/v1/sign', JSON.stringify(order({ intent: { type: 'message', hex: 'abc' } }))],
    [
      'too long a message',
      '/v1/sign',
      JSON.stringify(order({ intent: { type: 'message', hex: '00'.repeat(65_537) } })),
    ],
    ['a type of intent that nobody knows', '/v1/sign', intended({ type: 'x', hex: '' })],
    ['a hash of a plain message', '/v1/sign', intended({ type: 'message', hash: 'sha256', hex: '' })],
    ['a message to be hashed, by nothing', '/v1/sign', intended({ type: 'hashed', hex: '' })],
    ['an unknown hash', '/v1/sign', intended({ type: 'hashed', hash: 'md5', hex: '' })],
    ['a digest of 31 bytes', '/v1/sign', intended({ type: 'digest', hex: '00'.repeat(31) })],
    ['a digest of 33 bytes', '/v1/sign', intended({ type: 'digest', hex: '00'.repeat(33) })],
    ['a hardened path', '/v1/sign', JSON.stringify(order({ path: "m/44'" }))],
    ['a path outside ASCII', '/v1/sign', JSON.stringify(order({ path: 'm/é' }))],
    ['a path without a root', '/v1/sign', JSON.stringify(order({ path: '' }))],
    ['a network of the caller’s', '/v1/sign', JSON.stringify({ ...order(), network: '00' })],
    ['a body where none belongs', '/v1/keys/a/freeze', '{"force":true}'],
    ['a query where none belongs', '/v1/keys?token=x', '{"name":"a","scheme":"ed25519"}'],
  ])('%s', async (_, path, body) => {
    expect(await refusal(send('POST', path, body))).toMatchObject({ code: 'invalid', status: 400 });
    expect(Object.hasOwn(Object.prototype, 'threshold')).toBe(false);
    expect(await node.keys()).toEqual([]);
  });

  test('a body too large, of another type, or a route or method that does not exist', async () => {
    expect(await refusal(send('POST', '/v1/sign', ' '.repeat(163_841)))).toMatchObject({ code: 'body-too-large' });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await refusal(send('POST', '/v1/keys', 'name=a', form))).toMatchObject({ code: 'media-type' });
    expect(await refusal(send('GET', '/v2/status'))).toMatchObject({ code: 'not-found', status: 404 });
    expect(await refusal(send('GET', '/v1/keys/%ff'))).toMatchObject({ code: 'not-found' });
    expect(await refusal(send('POST', '/v1/status'))).toMatchObject({ code: 'method-not-allowed', status: 405 });
    expect(await refusal(send('DELETE', '/v1/keys/a'))).toMatchObject({ code: 'method-not-allowed' });
  });

  test('headers without end', async () => {
    const answer = await refusal(send('GET', '/v1/status', undefined, { 'x-bomb': 'x'.repeat(limits.headerBytes) }));
    expect(answer).toMatchObject({ code: 'bad-request' });
  });

  test('a key or ceremony that does not exist, or a text that cannot name one', async () => {
    await expect(node.key('nobody')).rejects.toMatchObject({ code: 'key-unknown' });
    await expect(node.key('../../etc/passwd')).rejects.toMatchObject({ code: 'key-unknown' });
    await expect(node.ceremony(unknown)).rejects.toMatchObject({ code: 'ceremony-unknown' });
    expect(await refusal(send('GET', '/v1/ceremonies/AB'))).toMatchObject({ code: 'invalid' });
    expect(await refusal(send('GET', `/v1/ceremonies/${unknown}?wait=-1`))).toMatchObject({ code: 'invalid' });
  });

  test('what is not HTTP', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const raw = connect(socket, () => raw.write('hello\r\n\r\n'));
      let text = '';
      raw.setEncoding('utf8').on('data', (part: string) => void (text += part));
      raw.on('close', () => resolve(text)).on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad-request"');
  });

  test('every error of the service has its status and crosses the socket as itself', async () => {
    for (const code of ['busy', 'no-quorum', 'integrity', 'stopping', 'expired', 'request-conflict'] as const) {
      service.fault = new ServiceError(code, `say ${code}`);
      expect(await refusal(send('GET', '/v1/status'))).toMatchObject({ code, status: statusOf[code] });
      service.fault = new ServiceError(code, `say ${code}`);
      const error = await node.status().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ServiceError);
      expect(error).toMatchObject({ code, message: `say ${code}` });
    }
  });

  test('what nobody foresaw is logged and not shown', async () => {
    service.fault = new Error('share 0xdeadbeef');
    const answer = await refusal(send('GET', '/v1/status'));
    expect(answer).toMatchObject({ code: 'internal', status: 500 });
    expect(JSON.stringify(answer)).not.toContain('deadbeef');
    expect(logged).toContainEqual(expect.objectContaining({ url: '/v1/status', error: expect.any(Error) }));
  });
});

test('requests are logged without their bodies', async () => {
  await treasury();
  await node.sign(order());
  expect(logged).toContainEqual({ method: 'POST', url: '/v1/sign', status: 200, milliseconds: expect.any(Number) });
  expect(JSON.stringify(logged)).not.toContain(toHex(ascii('pay bob')));
});

test('a client of something that is not a node says so', async () => {
  const path = join(folder, 'other.sock');
  const other = createServer((_, response) => void response.end('hi'));
  await new Promise<void>((resolve) => other.listen(path, resolve));
  await expect(connectNode(path).status()).rejects.toThrow('is not a node of this version');
  await new Promise((resolve) => other.close(resolve));
});
