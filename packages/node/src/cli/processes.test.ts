import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@quorate/protocol';
import { openDatabase } from '@quorate/storage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../config/config.ts';
import { parseRoster } from '../config/roster.ts';
import { systemRandomness } from '../entropy.ts';
import { openHome } from '../home.ts';
import { identityOf } from '../network/identity.ts';

const bin = join(import.meta.dirname, '../../bin/quorate.mjs');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** A real process, as an operator runs it. */
async function quorate(...args: string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
  return await new Promise((resolve) => {
    const command = ['--conditions=@quorate/source', bin, ...args];
    execFile(process.execPath, command, { env: {}, cwd: folder }, (error, stdout, stderr) => {
      resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** Who the node in a data folder is. */
async function peerAt(data: string): Promise<string> {
  const home = await openHome(loadConfig(join(data, 'node.yaml')), systemRandomness);
  const { peer } = identityOf(home.seed);
  await home.close();
  return peer;
}

/** Every file under a folder, with what is in it. */
function filesIn(data: string): Record<string, string> {
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const paths = files.map(({ name, parentPath }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'hex')]));
}

const mode = (path: string): number => statSync(path).mode & 0o777;

test('init makes a private folder whose store holds the identity that the roster line names', async () => {
  const data = join(folder, 'alice');
  const { exit, stdout, stderr } = await quorate(
    'init',
    '--data',
    data,
    '--name',
    'alice',
    '--network',
    'mainnet',
    '--listen',
    '/ip4/0.0.0.0/tcp/4100',
    '--announce',
    '/dns4/alice.example/tcp/4100',
  );
  expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringContaining('quorate roster check') });
  expect([mode(data), mode(join(data, 'store')), mode(join(data, 'root.key')), mode(join(data, 'node.yaml'))]).toEqual([
    0o700, 0o700, 0o600, 0o600,
  ]);
  const config = loadConfig(join(data, 'node.yaml'));
  expect(config).toMatchObject({ name: 'alice', network: 'mainnet', listen: ['/ip4/0.0.0.0/tcp/4100'] });
  const [member] = parseRoster(`members:\n${stdout}`, 'roster.yaml').members;
  expect(member).toMatchObject({ name: 'alice', addresses: ['/dns4/alice.example/tcp/4100'] });
  expect(await peerAt(data)).toBe(member?.peer);
  expect(stdout + stderr).not.toContain(readFileSync(join(data, 'root.key'), 'utf8').trim());

  const again = await quorate('init', '--data', data, '--name', 'alice', '--json');
  expect(again).toMatchObject({ exit: 2 });
  expect(JSON.parse(again.stdout)).toMatchObject({ ok: false, code: 'usage' });
});

test('init takes a passphrase file, and nothing that others can read', async () => {
  const passphrase = join(folder, 'passphrase');
  const data = join(folder, 'bob');
  const init = ['init', '--data', data, '--name', 'bob', '--passphrase-file', passphrase, '--json'];
  writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o644 });
  expect(JSON.parse((await quorate(...init)).stdout)).toMatchObject({ code: 'file-unreadable' });
  expect(existsSync(join(data, 'node.yaml'))).toBe(false);
  chmodSync(passphrase, 0o600);
  const made = await quorate(...init);
  expect(made.exit).toBe(0);
  const { peerId } = JSON.parse(made.stdout) as { peerId: string };
  expect(await peerAt(data)).toBe(peerId);
});

test.each([
  ['is empty', ''],
  ['holds a newline only', '\n'],
  ['holds eleven characters', 'elevenlette\n'],
])('init and passphrase refuse a passphrase file that %s, before anything is made', async (_how, text) => {
  const at = mkdtempSync(join(folder, 'short-'));
  const [data, file] = [join(at, 'data'), join(at, 'passphrase')];
  writeFileSync(file, text, { mode: 0o600 });
  const refused = { ok: false, code: 'passphrase-too-short', message: expect.stringMatching(/12 characters/) };
  const init = await quorate('init', '--data', data, '--name', 'a', '--passphrase-file', file, '--json');
  expect([init.exit, JSON.parse(init.stdout)]).toEqual([2, refused]);
  expect(existsSync(data)).toBe(false);

  await quorate('init', '--data', data, '--name', 'a');
  const before = filesIn(data);
  const change = await quorate('passphrase', '--data', data, '--passphrase-file', file, '--json');
  expect([change.exit, JSON.parse(change.stdout)]).toEqual([2, refused]);
  expect(filesIn(data)).toEqual(before);
});

test('init makes nothing where a node lives without its node.yaml, nor where its store was lost', async () => {
  const data = join(folder, 'stripped');
  await quorate('init', '--data', data, '--name', 'stripped');
  for (const name of ['node.yaml', 'root.key']) rmSync(join(data, name));
  for (const trace of [/store\/.* shows/, /counter shows/]) {
    const before = filesIn(data);
    const { exit, stdout } = await quorate('init', '--data', data, '--name', 'stripped', '--json');
    expect([exit, JSON.parse(stdout)]).toMatchObject([2, { code: 'already-initialised' }]);
    expect(stdout).toMatch(trace);
    expect(stdout).toMatch(/put its node\.yaml back/);
    expect(filesIn(data)).toEqual(before);
    rmSync(join(data, 'store'), { recursive: true, force: true });
  }
});

test('init refuses a bad name or address before it makes anything', async () => {
  const data = join(folder, 'nobody');
  expect(await quorate('init', '--data', data, '--name', 'No Body')).toMatchObject({ exit: 2 });
  expect(await quorate('init', '--data', data, '--name', 'a', '--listen', 'here')).toMatchObject({ exit: 2 });
  expect(await quorate('init', '--data', data, '--name', 'a', '--announce', 'here')).toMatchObject({ exit: 2 });
  expect(existsSync(data)).toBe(false);
});

test('config check and roster check say what holds, or line and remedy', async () => {
  const data = join(folder, 'carol');
  const { stdout } = await quorate('init', '--data', data, '--name', 'carol');
  expect(await quorate('config', 'check', '--data', data)).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining(`admin: ${' '.repeat(10)}${data}/admin.sock`),
  });
  expect((await quorate('roster', 'check', '--data', data)).stderr).toContain('there is no such file');
  writeFileSync(join(data, 'roster.yaml'), `members:\n${stdout}`);
  const good = await quorate('roster', 'check', '--data', data, '--json');
  expect(good.exit).toBe(0);
  expect(JSON.parse(good.stdout)).toMatchObject({ valid: true, members: [{ name: 'carol' }] });
  writeFileSync(join(folder, 'bad.yaml'), `members:\n${stdout}${stdout}`);
  const bad = await quorate('roster', 'check', 'bad.yaml');
  expect(bad).toMatchObject({ exit: 2, stderr: expect.stringMatching(/bad\.yaml:3:\d+: .*appears twice; give each/) });
});

test('client new makes a key that OpenSSL reads, mode 0600, and node.yaml takes its lines', async () => {
  const file = join(folder, 'wallet.pem');
  const made = await quorate('client', 'new', '--out', 'wallet.pem', '--name', 'wallet');
  expect(made.exit).toBe(0);
  expect(mode(file)).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  const shown = await quorate('client', 'show', 'wallet.pem', '--name', 'wallet');
  expect(shown.stdout).toBe(made.stdout);
  const yaml = `name: a\nnetwork: n\nroot: {keyFile: k}\n${made.stdout}`;
  writeFileSync(join(folder, 'node.yaml'), yaml);
  expect(loadConfig(join(folder, 'node.yaml')).clients).toMatchObject([
    { name: 'wallet', rights: [{ actions: ['sign'] }] },
  ]);

  expect(await quorate('client', 'new', '--out', 'wallet.pem')).toMatchObject({ exit: 2 });
  chmodSync(file, 0o640);
  expect(await quorate('client', 'show', 'wallet.pem')).toMatchObject({
    exit: 2,
    stderr: expect.stringContaining('open to other users'),
  });
  writeFileSync(join(folder, 'other.pem'), 'no key', { mode: 0o600 });
  expect(await quorate('client', 'show', 'other.pem')).toMatchObject({
    exit: 2,
    stderr: expect.stringContaining('Ed25519'),
  });
});

test.each([
  // RFC 8032 §7.1, test 2
  [
    'ed25519',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  // BIP-340, vector 0
  [
    'taproot',
    'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    '00'.repeat(32),
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
  ],
])('verify knows a good %s signature from a bad one', async (scheme, publicKey, hex, signature) => {
  const check = ['verify', '--scheme', scheme, '--public-key', publicKey, '--hex', hex, '--signature'];
  expect(await quorate(...check, signature)).toMatchObject({ exit: 0, stdout: 'valid\n' });
  expect(await quorate(...check, signature.replace(/^../, '00'))).toMatchObject({ exit: 6, stdout: 'NOT valid\n' });
  expect(await quorate(...check, signature.slice(2))).toMatchObject({ exit: 6 });
});

test('a key given on the command line never reaches the node', async () => {
  const { exit, stderr } = await quorate('start', '--private-key=00ff');
  expect(exit).toBe(2);
  expect(stderr).not.toContain('00ff');
});

test('doctor says of a stopped node what is damaged, and that nothing is', async () => {
  const data = join(folder, 'patient');
  await quorate('init', '--data', data, '--name', 'patient');
  const healthy = await quorate('doctor', '--data', data, '--json');
  expect([healthy.exit, JSON.parse(healthy.stdout)]).toEqual([0, { healthy: true, findings: [] }]);

  const counter = readFileSync(join(data, 'counter'));
  expect([mode(join(data, 'counter')), mode(join(data, 'copies'))]).toEqual([0o600, 0o700]);
  rmSync(join(data, 'counter'));
  const ill = await quorate('doctor', '--data', data);
  expect(ill).toMatchObject({ exit: 6, stdout: expect.stringMatching(/counter.*It means: .*Do: put the newest copy/) });
  const { exit, stdout } = await quorate('doctor', '--data', data, '--json');
  expect([exit, JSON.parse(stdout)]).toMatchObject([6, { healthy: false, findings: [{ code: 'counter-missing' }] }]);
  await expect(peerAt(data)).rejects.toMatchObject({
    code: 'counter-missing',
    message: expect.stringMatching(/`quorate doctor --accept-lost-counter`/),
  });
  // What to do is said once.
  expect(ill.stdout.match(/newest copy|make a new/g)).toHaveLength(2);
  expect(await quorate('doctor', '--data', data, '--accept-lost-counter')).toMatchObject({
    exit: 0,
    stdout: expect.stringMatching(/Accepted.*audit log.*other members/),
  });
  expect(await quorate('doctor', '--data', data, '--accept-lost-counter', '--json')).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining('"accepted":false'),
  });
  expect(JSON.parse((await quorate('doctor', '--data', data, '--json')).stdout)).toEqual(JSON.parse(healthy.stdout));
  // The one of before is behind: that is no rollback.
  writeFileSync(join(data, 'counter'), counter);

  const home = await openHome(loadConfig(join(data, 'node.yaml')), systemRandomness);
  expect(await quorate('doctor', '--data', data)).toMatchObject({
    exit: 1,
    stderr: expect.stringContaining('stop it first'),
  });
  await home.close();
});

test('doctor says which file of the store is gone, start refuses, and neither changes anything', async () => {
  const data = join(folder, 'bereft');
  const { stdout: line } = await quorate('init', '--data', data, '--name', 'bereft');
  writeFileSync(join(data, 'roster.yaml'), `members:\n${line}`);
  const peer = await peerAt(data);
  const current = join(data, 'store', 'CURRENT');
  const content = readFileSync(current);
  const expectRefused = async (place: string, ...commands: readonly string[][]): Promise<void> => {
    const before = filesIn(data);
    const { exit, stdout } = await quorate('doctor', '--data', data, '--json');
    expect([exit, JSON.parse(stdout)]).toMatchObject([
      6,
      { healthy: false, findings: [{ code: 'store-damaged', place, remedy: expect.stringContaining('newest copy') }] },
    ]);
    for (const command of commands)
      expect(await quorate(...command, '--data', data)).toMatchObject({
        exit: 6,
        stderr: expect.stringMatching(/nothing was changed: run `quorate doctor`/),
      });
    expect(filesIn(data)).toEqual(before);
  };
  rmSync(current);
  const newKey = ['passphrase', '--key-file', 'other.key'];
  await expectRefused(current, ['start'], ['doctor', '--accept-lost-counter'], newKey);
  expect((await quorate('doctor', '--data', data)).stdout).toMatch(/CURRENT: is gone.*Do: .*echo MANIFEST-/);
  writeFileSync(current, content);
  expect(await peerAt(data)).toBe(peer);
  // All of it: neither the counter nor anything else has to be left for that.
  rmSync(join(data, 'store'), { recursive: true });
  await expectRefused(join(data, 'store'), ['start']);
  for (const name of ['counter', 'copies']) rmSync(join(data, name), { recursive: true });
  await expectRefused(join(data, 'store'));
  expect(existsSync(join(folder, 'other.key'))).toBe(false);
});

test('doctor and start say of a store that a newer version wrote in that it did, and change nothing in it', async () => {
  const data = join(folder, 'upgraded');
  const { stdout: line } = await quorate('init', '--data', data, '--name', 'upgraded');
  writeFileSync(join(data, 'roster.yaml'), `members:\n${line}`);
  const config = loadConfig(join(data, 'node.yaml'));
  const home = await openHome(config, systemRandomness);
  const ready = new Uint8Array(32);
  using share = new Secret(new Uint8Array(32).fill(1));
  const what = { keyId: ready, epoch: 1, name: 'treasury', scheme: 'ed25519', publicPackage: ready, ready };
  await home.keys.prepare({ ...what, share, createdAt: 1 }, () => {});
  const mark = (await home.keyring.records.get('boot', 'boot')) as Uint8Array;
  await home.close();

  const recordsIn = async (): Promise<unknown> => {
    const store = await openDatabase(join(data, 'store'));
    const records: [string, Uint8Array][] = [];
    for await (const record of store.entries('')) records.push(record);
    await store.close();
    return [records, readFileSync(join(data, 'counter')), readdirSync(join(data, 'copies'))];
  };
  const expectRefused = async (place: RegExp, remedy: RegExp): Promise<void> => {
    const before = await recordsIn();
    const started = await quorate('start', '--data', data);
    expect(started).toMatchObject({ exit: 6, stderr: expect.stringMatching(/newer version of Quorate/) });
    expect(started.stderr).toMatch(place);
    const { exit, stdout } = await quorate('doctor', '--data', data, '--json');
    expect([exit, JSON.parse(stdout)]).toMatchObject([
      6,
      {
        healthy: false,
        findings: [
          { code: 'newer-version', place: expect.stringMatching(place), remedy: expect.stringMatching(remedy) },
        ],
      },
    ]);
    expect(await recordsIn()).toEqual(before);
  };

  // A copy, which only the keys are asked for: the start was not counted before.
  const [name] = readdirSync(join(data, 'copies')) as [string];
  const copy = readFileSync(join(data, 'copies', name));
  writeFileSync(join(data, 'copies', name), Buffer.concat([Buffer.of(2), copy]));
  await expectRefused(/copies\/0{64}-0000000001/, /run the version.*ran here last.*move it away/);
  writeFileSync(join(data, 'copies', name), copy);

  const again = await openHome(config, systemRandomness);
  await again.keyring.records.put('boot', 'boot', mark.with(0, 2));
  await again.close();
  await expectRefused(/boot/, /run the version.*ran here last/);
});

test('every file of a node is for its user alone', async () => {
  const data = join(folder, 'modest');
  await quorate('init', '--data', data, '--name', 'modest');
  const files = readdirSync(data, { recursive: true, withFileTypes: true });
  for (const file of files)
    expect([file.name, mode(join(file.parentPath, file.name))]).toEqual([
      file.name,
      file.isDirectory() ? 0o700 : 0o600,
    ]);
});

test('passphrase has the store opened by another file, which alone opens it then', async () => {
  const data = join(folder, 'moved');
  await quorate('init', '--data', data, '--name', 'moved');
  const peer = await peerAt(data);
  const secret = join(folder, 'passphrase');
  writeFileSync(secret, 'correct horse\n', { mode: 0o644 });
  chmodSync(secret, 0o644);
  const changing = ['passphrase', '--data', data, '--passphrase-file', secret];
  expect(await quorate(...changing)).toMatchObject({ exit: 2, stderr: expect.stringContaining('chmod 600') });
  expect(await peerAt(data)).toBe(peer);
  chmodSync(secret, 0o600);
  for (const args of [
    ['passphrase', '--data', data],
    [...changing, '--key-file', join(folder, 'x')],
  ])
    expect((await quorate(...args)).exit).toBe(2);
  expect(existsSync(join(folder, 'x'))).toBe(false);

  // Neither does a key file that is to be made stay where the old one does not open the store.
  const own = readFileSync(join(data, 'root.key'));
  writeFileSync(join(data, 'root.key'), '00'.repeat(32));
  expect(await quorate('passphrase', '--data', data, '--key-file', join(folder, 'x'))).toMatchObject({
    exit: 2,
    stderr: expect.stringMatching(/does not open this store; `root:` in node\.yaml names the file/),
  });
  rmSync(join(data, 'root.key'));
  expect(await quorate('passphrase', '--data', data, '--key-file', join(folder, 'x'))).toMatchObject({
    exit: 2,
    stderr: expect.stringMatching(/root\.key cannot be read.* `root:` in node\.yaml names it/),
  });
  expect(existsSync(join(folder, 'x'))).toBe(false);
  writeFileSync(join(data, 'root.key'), own, { mode: 0o600 });

  const { exit, stdout } = await quorate(...changing);
  expect([exit, stdout]).toEqual([0, `root: {passphraseFile: ${JSON.stringify(secret)}}\n`]);
  await expect(peerAt(data)).rejects.toMatchObject({
    code: 'other-root',
    message: expect.stringContaining('name it in node.yaml, `root: {passphraseFile: <file>}`'),
  });
  const config = join(data, 'node.yaml');
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^root: .*$/m, stdout.trim()));
  expect(await peerAt(data)).toBe(peer);

  const back = await quorate('passphrase', '--data', data, '--key-file', join(data, 'second.key'), '--json');
  expect(JSON.parse(back.stdout)).toMatchObject({ root: { keyFile: join(data, 'second.key') } });
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^root: .*$/m, 'root: {keyFile: second.key}'));
  expect(await peerAt(data)).toBe(peer);
});

test('whoever reads may stop reading: nothing is said of it, and what was begun is finished', async () => {
  const command = `'${process.execPath}' --conditions=@quorate/source '${bin}' init --name piped --data`;
  const sh = async (line: string): Promise<string> =>
    await new Promise((resolve) => {
      execFile('/bin/bash', ['-c', line], { cwd: folder }, (_error, stdout, stderr) => resolve(stdout + stderr));
    });
  // The reader is gone before anything is written.
  const ended = '| :; echo "ended with ${PIPESTATUS[0]}"';
  expect(await sh(`${command} piped-1 2>&1 ${ended}`)).toBe('ended with 0\n');
  const said = await sh(`${command} piped-2 ${ended}`);
  expect(said).toContain('ended with 0\n');
  expect(said).toContain('Next:');
  expect(said).not.toMatch(/EPIPE|at .*node:/);
  for (const name of ['piped-1', 'piped-2']) expect(existsSync(join(folder, name, 'node.yaml'))).toBe(true);
});

test.skipIf(!existsSync('/dev/full'))('a result that cannot be written is a failure', async () => {
  const said = await new Promise<string>((resolve) => {
    const line = `'${process.execPath}' --conditions=@quorate/source '${bin}' --version >/dev/full; echo "ended with $?"`;
    execFile('/bin/bash', ['-c', line], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
  expect(said).toMatch(/^ended with 1\nerror: the output cannot be written: ENOSPC/);
});
