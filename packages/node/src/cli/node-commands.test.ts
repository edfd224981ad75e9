import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519, fromBytesBE, fromHex, frost, secp256k1, toHex } from '@quorate/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quorate, type Ran } from '../../test/captured-host.ts';
import { MemoryService } from '../../test/memory-service.ts';
import { type RunningServer, startServer } from '../http/server.ts';
import { type AuditView, type CeremonyView, ServiceError } from '../service.ts';
import { run } from './main.ts';

let folder: string;
let socket: string;
let keyFile: string;
let service: MemoryService;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-'));
  socket = join(folder, 'admin.sock');
  keyFile = join(folder, 'wallet.pem');
  service = new MemoryService();
  server = await startServer(service, { socket });
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const node = async (...args: string[]): Promise<Ran> => await quorate([...args, '--socket', socket]);

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await node(...args, '--json');
  expect(stdout.endsWith('\n')).toBe(true);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function client(): Promise<void> {
  const { stdout } = await quorate(['client', 'new', '--out', keyFile, '--json']);
  const { publicKey } = JSON.parse(stdout) as { publicKey: string };
  service.clients = [{ name: 'w', publicKey, rights: [{ keys: ['*'], purposes: ['*'], actions: ['sign'] }] }];
}

describe('what the node says', () => {
  test('status, with its warnings', async () => {
    const { exit, stdout } = await node('status');
    expect(exit).toBe(0);
    expect(stdout).toContain('alice (12D3KooWAlice)');
    expect(stdout).toContain('warning: the clock of bob differs by 40 s');
    expect(await json('status')).toMatchObject({ name: 'alice', warnings: [expect.any(String)] });
  });

  test('health, whose exit code container checks use', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    expect(await node('health')).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/ready\n.*\ntreasury {2}2 of 3/),
    });
    service.ready = false;
    expect(await node('health')).toMatchObject({ exit: 1, stdout: expect.stringContaining('the store is locked') });
    expect(await json('health')).toMatchObject({ ready: false });
  });

  test('peers and roster', async () => {
    expect((await node('peers')).stdout).toMatch(/bob +connected +3 ms +1 ms/);
    expect((await node('peers')).stdout).toMatch(/carol +format version 2 .*BANNED/);
    expect(await json('peers')).toMatchObject({ peers: [{ name: 'bob' }, { name: 'carol' }] });
    expect((await node('roster', 'show')).stdout).toContain('carol');
    expect(await json('roster', 'show')).toMatchObject({ members: [{}, {}, {}] });
  });

  test('a ban, until it is lifted', async () => {
    expect(await node('peers', 'unban', 'bob')).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining('not banned'),
    });
    expect((await node('peers', 'unban', 'dave')).exit).toBe(2);
    const lifted = await node('peers', 'unban', 'carol');
    expect(lifted.stdout).toMatch(/carol is not banned here any more\.\n.*once it is connected, for 2 keys/);
    expect((await node('peers')).stdout).toMatch(/carol +format version 2 .* 1 of 3 keys/);
    expect((await node('peers', 'unban', 'carol')).exit).toBe(2);
  });

  test('an identity that runs twice, until it is resolved', async () => {
    expect((await node('identity')).stdout).toMatch(/suspended: another one runs\n.*nobody yet\n.*bob/);
    expect((await node('status')).stdout).toMatch(/standing: +suspended/);
    expect(await node('identity', 'resolve')).toMatchObject({ exit: 0 });
    expect(await json('identity')).toMatchObject({ state: 'resolved', confirmedBy: ['carol'] });
    expect((await node('identity', 'resolve')).exit).toBe(2);
    service.standing = { ...service.standing, state: 'well', reason: undefined };
    expect((await node('identity')).stdout).toMatch(/^well by itself, but .*identity resolve`\ndoubted by: bob\n$/);
    service.standing = { ...service.standing, doubtedBy: [] };
    expect((await node('identity')).stdout).toBe('well\n');
  });

  test('nothing that steers a terminal', async () => {
    service.immediate = false;
    const { id } = await service.keygen({ name: 'k', scheme: 'ed25519' });
    const failure = { code: 'denied', reason: '\u001b[2Jall is well\r\n', culprits: [], suspects: [] } as const;
    service.move(id, { state: 'failed', failure });
    const { stdout } = await node('ceremonies', 'show', id);
    expect(stdout).toContain('denied: ?[2Jall is well??');
  });
});

describe('keygen', () => {
  test('prints the public key alone on stdout, progress on stderr', async () => {
    service.immediate = false;
    const running = node('keygen', 'treasury', '--scheme', 'ed25519', '--threshold', '2', '--members', 'alice, bob');
    await expect.poll(() => service.ceremonies().length).toBe(1);
    const { id, participants } = service.ceremonies()[0] as CeremonyView;
    expect(participants).toEqual(['alice', 'bob']);
    service.move(id, { needsAccept: true });
    service.move(id, { state: 'running', round: 'commit', needsAccept: false });
    service.move(id, { state: 'running', round: 'reveal' });
    service.move(id, { state: 'done' });
    const { exit, stdout, stderr } = await running;
    expect(exit).toBe(0);
    expect(stdout).toBe(`${(await service.key('treasury')).publicKey}\n`);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'keygen treasury: proposed · alice, bob',
      `keygen treasury: proposed · alice, bob · bob proposes ed25519, 2 of alice, bob · waits for this operator: quorate ceremonies accept ${id.slice(0, 12)}`,
      'keygen treasury: running · round commit · alice, bob',
      'keygen treasury: running · round reveal · alice, bob',
      'keygen treasury: done · alice, bob',
      '2 of 2 sign: none may be away, fewer than the 1 that may be corrupt, and any 2 that are corrupt can forge',
    ]);
  });

  test('does not show again what happened before the node answered', async () => {
    const { stderr } = await node('keygen', 'treasury', '--scheme', 'ed25519');
    expect(stderr).toBe('keygen treasury: done · alice, bob, carol\n');
    service.immediate = false;
    const keygen = service.keygen.bind(service);
    service.keygen = async (order) => {
      const { id } = await keygen(order);
      return service.move(id, { state: 'accepted' });
    };
    const running = node('keygen', 'other', '--scheme', 'ed25519');
    await expect.poll(() => service.ceremonies()[0]?.state).toBe('accepted');
    service.move((service.ceremonies()[0] as CeremonyView).id, { state: 'done' });
    expect((await running).stderr).toBe(
      'keygen other: accepted · alice, bob, carol\nkeygen other: done · alice, bob, carol\n',
    );
  });

  test('--no-wait is pending', async () => {
    service.immediate = false;
    const { exit, stdout } = await node('keygen', 'treasury', '--scheme', 'taproot', '--no-wait');
    expect(exit).toBe(4);
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test.each([
    ['denied', 3],
    ['cancelled', 3],
    ['timeout', 5],
    ['no-quorum', 5],
    ['cheated', 6],
    ['integrity', 6],
    ['stopped', 1],
  ] as const)('a ceremony that fails by %s exits with %i and says who', async (code, expected) => {
    service.immediate = false;
    const running = node('keygen', 'treasury', '--scheme', 'ed25519', '--json');
    await expect.poll(() => service.ceremonies().length).toBe(1);
    const failure = { code, reason: 'so it went', culprits: [{ name: 'bob', code: 'bad-share' }], suspects: ['carol'] };
    service.move((service.ceremonies()[0] as CeremonyView).id, { state: 'failed', failure });
    const { exit, stdout, stderr } = await running;
    expect(exit).toBe(expected);
    const message = 'the keygen failed: so it went; cheated, with proof: bob (bad-share); silent or unreachable: carol';
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, code, message, ceremony: { state: 'failed' } });
    expect(stderr).toContain(`error: ${message}`);
  });

  test('refusals: taken, denied, a wrong scheme, no node', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    expect(await node('keygen', 'treasury', '--scheme', 'ed25519')).toMatchObject({ exit: 2, stdout: '' });
    expect((await node('keygen', 'x', '--scheme', 'ed25519', '--purpose', 'forbidden')).exit).toBe(3);
    expect((await node('keygen', 'x', '--scheme', 'rsa')).exit).toBe(2);
    expect((await node('keygen', 'x', '--scheme', 'ed25519', '--threshold', 'many')).exit).toBe(2);
    await expect.poll(() => service.followers.size).toBe(0);
    await server.close();
    const { exit, stderr } = await node('keygen', 'x', '--scheme', 'ed25519');
    expect(exit).toBe(1);
    expect(stderr).toBe(`error: no node answers at ${socket}; start it with \`quorate start\`\n`);
  });

  test('says so when the node stops on the way', async () => {
    service.immediate = false;
    const running = node('keygen', 'treasury', '--scheme', 'ed25519');
    await expect.poll(() => service.ceremonies().length).toBe(1);
    await server.close();
    expect(await running).toMatchObject({ exit: 1, stderr: expect.stringContaining('no node answers') });
  });
});

describe('audit', () => {
  test('prints the newest entries, or all that follow one', async () => {
    expect((await node('audit')).stdout).toMatch(/^ENTRY +TIME +WHAT\n1 +\S+Z +key-frozen +key=key-1\n2 /);
    const sequences = async (...options: string[]): Promise<unknown> =>
      ((await json('audit', ...options)) as unknown as AuditView).entries.map(({ sequence }) => sequence);
    expect(await sequences('--last', '3')).toEqual([5, 6, 7]);
    expect(await sequences('--last', '100')).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await sequences('--after', '6')).toEqual([7]);
    expect(await sequences('--after', '7')).toEqual([]);
    expect(await json('audit')).toMatchObject({ head: { sequence: 7, hash: '07'.repeat(32) } });
    expect((await node('audit', '--last', '-1')).exit).toBe(2);
  });
});

describe('keys', () => {
  test('list, show, freeze, thaw', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519', '--purpose', 'payments');
    expect((await node('keys')).stdout).toMatch(/treasury +ed25519 +payments +2 of 3 +1 +active/);
    expect(await json('keys')).toMatchObject({ keys: [{ name: 'treasury' }] });
    expect((await node('keys', 'show', 'treasury')).stdout).toContain('1 alice, 2 bob, 3 carol');
    expect(await node('key', 'show', 'treasury')).toEqual(await node('keys', 'show', 'treasury'));
    expect((await node('keys', 'show', 'treasury')).stdout).toMatch(/threshold: +2 of 3\nparties/);
    expect((await node('keys', 'freeze', 'treasury')).stdout).toContain('active, frozen here');
    expect(await json('keys', 'thaw', 'treasury')).toMatchObject({ frozen: false });
    expect((await node('keys', 'show', 'nobody')).exit).toBe(2);
  });

  test('of which all must sign says what that gives up, wherever it is decided or shown', async () => {
    const trade = '3 of 3 sign: none may be away, fewer than the 2 that may be corrupt';
    const { stderr, stdout } = await node('keygen', 'all', '--scheme', 'ed25519', '--threshold', '3');
    expect([stderr, stdout]).toEqual([expect.stringContaining(trade), `${(await service.key('all')).publicKey}\n`]);
    expect((await node('keys', 'show', 'all')).stdout).toMatch(new RegExp(`^which means: +${trade}`, 'm'));
    expect(await json('keys', 'show', 'all')).toMatchObject({ trade: expect.stringContaining(trade) });
    const { id } = service.ceremonies()[0] as CeremonyView;
    expect((await node('ceremonies', 'show', id)).stdout).toMatch(new RegExp(`^which means: +${trade}`, 'm'));
  });

  describe('import', () => {
    // RFC 8032 §7.1, test 1.
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
    const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

    const file = (content: string, mode = 0o600): string => {
      const path = join(folder, `key-${Math.abs(mode)}-${content.length}-${Buffer.from(content).readUInt8(0)}`);
      writeFileSync(path, content);
      chmodSync(path, mode);
      return path;
    };
    const importing = async (name: string, path: string, ...more: string[]) =>
      node('keys', 'import', name, '--from-file', path, '--public-key', publicKey, ...more);

    test('of a seed, a scalar and a PEM file sends the scalar, and says what the key is worth', async () => {
      const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed, 'hex')]);
      const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
      const one = await importing('one', file(`${seed}\n`), '--scheme', 'ed25519', '--members', 'alice,bob');
      expect(one).toMatchObject({ exit: 0, stderr: expect.stringContaining("worth as much as that machine's past") });
      expect(one.stderr).toContain('2 of 2 sign: none may be away');
      expect((await node('keys', 'show', 'one')).stdout).toContain('one machine knew it before');
      const two = await importing('two', file(pem), '--scheme', 'ed25519', '--format', 'pem');
      expect(two.exit).toBe(0);
      const kept = service.imported.get('one') as string;
      expect(ed25519.encodePoint(ed25519.multiplyBase(fromBytesBE(fromHex(kept))))).toEqual(fromHex(publicKey));
      expect(service.imported.get('two')).toBe(kept);
      const three = await importing('three', file(kept), '--scheme', 'ed25519', '--format', 'scalar');
      expect([three.exit, service.imported.get('three')]).toEqual([0, kept]);
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
      const ec = file(privateKey.export({ format: 'pem', type: 'sec1' }));
      expect((await importing('four', ec, '--scheme', 'ecdsa', '--format', 'pem')).exit).toBe(0);
      const d = Buffer.from(privateKey.export({ format: 'jwk' }).d as string, 'base64url');
      expect(service.imported.get('four')).toBe(d.toString('hex').padStart(64, '0'));
    });

    test('takes no file that others may read, nor what is no key, and repeats nothing of it', async () => {
      const refused = [
        await importing('k', file(seed, 0o644), '--scheme', 'ed25519'),
        await importing('k', file(`${seed}00`), '--scheme', 'ed25519'),
        await importing('k', file(seed.replace('9', 'g')), '--scheme', 'ed25519'),
        await importing('k', file(seed), '--scheme', 'ecdsa', '--format', 'seed'),
        await importing('k', file(seed), '--scheme', 'ed25519', '--format', 'pem'),
        await importing('k', join(folder, 'nothing'), '--scheme', 'ed25519'),
      ];
      for (const { exit, stderr, stdout } of refused) {
        expect([exit, stdout]).toEqual([2, '']);
        expect(stderr).not.toContain(seed.slice(1, 20));
      }
      expect(service.imported.size).toBe(0);
    });
  });

  describe('import of key packages', () => {
    const scalar = 12_345_678n;
    const slope = 987_654_321n;

    /** f(1), f(2) and f(3) of a line, as ZF's tools write them. */
    function packages(scheme: 'ed25519' | 'taproot', change = {}): readonly string[] {
      const suite = frost.suiteOf(scheme, { ed25519, secp256k1 });
      const point = (value: bigint): string => toHex(suite.group.encodePoint(suite.group.multiplyBase(value)));
      return [1n, 2n, 3n].map((id) => {
        const share = scalar + slope * id;
        const path = join(folder, `${scheme}-${id}.json`);
        const fields = {
          header: { version: 0, ciphersuite: suite.contextString },
          identifier: toHex(suite.group.encodeScalar(id)),
          signing_share: toHex(suite.group.encodeScalar(share)),
          verifying_share: point(share),
          verifying_key: point(scalar),
          min_signers: 2,
          ...change,
        };
        writeFileSync(path, JSON.stringify(fields, null, 2), { mode: 0o600 });
        return path;
      });
    }

    const publicKeyOf = (scheme: 'ed25519' | 'taproot', type: 'none' | 'key-path-only'): string => {
      const suite = frost.suiteOf(scheme, { ed25519, secp256k1 });
      const tweak = { type, value: new Uint8Array(0) };
      return toHex(frost.outputKey(suite, { groupKey: suite.group.multiplyBase(scalar), tweak }));
    };

    const importing = async (name: string, scheme: string, publicKey: string, paths: readonly string[]) => {
      const files = paths.flatMap((path) => ['--from-file', path]);
      return await node(
        'keys',
        'import',
        name,
        '--scheme',
        scheme,
        '--public-key',
        publicKey,
        '--format',
        'zf',
        ...files,
      );
    };

    test('sends the key that they make, under their threshold', async () => {
      const [one, two, three] = packages('ed25519') as [string, string, string];
      const publicKey = publicKeyOf('ed25519', 'none');
      expect(await importing('k', 'ed25519', publicKey, [three, one])).toMatchObject({ exit: 0 });
      expect(BigInt(`0x${service.imported.get('k')}`)).toBe(scalar);
      expect((await service.key('k')).threshold).toBe(2);
      const { exit } = await importing('t', 'taproot', publicKeyOf('taproot', 'key-path-only'), packages('taproot'));
      expect([exit, BigInt(`0x${service.imported.get('t')}`)]).toEqual([0, scalar]);
      const more = packages('ed25519', { min_signers: 3 });
      expect(await importing('m', 'ed25519', publicKey, more)).toMatchObject({ exit: 0 });
      expect((await service.key('m')).threshold).toBe(3);
      expect(await importing('x', 'ed25519', publicKey, [one, two])).toMatchObject({ exit: 2 });
    });

    test('says what is wrong with them, and repeats nothing', async () => {
      const files = packages('ed25519');
      const [one = '', two = ''] = files;
      const publicKey = publicKeyOf('ed25519', 'none');
      const share = toHex(ed25519.encodeScalar(scalar + slope)).slice(0, 10);
      const refused = async (expected: RegExp, ...args: Parameters<typeof importing>): Promise<void> => {
        const { exit, stderr, stdout } = await importing(...args);
        expect([exit, stdout]).toEqual([2, '']);
        expect(stderr).toMatch(expected);
        expect(stderr).not.toContain(share);
      };
      await refused(/2 key packages make the key, there are 1/, 'k', 'ed25519', publicKey, [one]);
      await refused(/same party/, 'k', 'ed25519', publicKey, [one, one]);
      await refused(/ed25519-1.json: .*ciphersuite/, 'k', 'taproot', publicKey, [one, two]);
      await refused(/no other software/, 'k', 'ecdsa', publicKey, [one, two]);
      await refused(/tweaked already/, 'k', 'taproot', publicKeyOf('taproot', 'none'), packages('taproot'));
      chmodSync(two, 0o644);
      await refused(/open to other users/, 'k', 'ed25519', publicKey, [one, two]);
      const twice = ['--from-file', one, '--from-file', one, '--public-key', publicKey];
      expect((await node('keys', 'import', 'k', '--scheme', 'ed25519', ...twice)).stderr).toMatch(/--from-file once/);
      expect(service.imported.size).toBe(0);
    });
  });

  test('package: the share to a new file of mode 0600, what is public to another', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const [path, common] = [join(folder, 'share.json'), join(folder, 'public.json')];
    const files = ['--to-file', path, '--public-file', common];
    expect(await node('keys', 'package', 'treasury', '--to-file', path)).toMatchObject({ exit: 2 });
    const done = await node('keys', 'package', 'treasury', '--yes', ...files);
    expect(done).toMatchObject({ exit: 0, stdout: `written to ${path} and ${common}\n` });
    expect(readFileSync(path, 'utf8')).toBe('{"share":1}');
    expect(readFileSync(common, 'utf8')).toBe('{"public":1}');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await node('keys', 'package', 'treasury', '--yes', ...files)).toMatchObject({ exit: 2 });
    rmSync(path);
    expect(await node('keys', 'package', 'treasury', '--yes', ...files)).toMatchObject({ exit: 2 });
    expect(() => statSync(path)).toThrow();
    expect(readFileSync(common, 'utf8')).toBe('{"public":1}');
    await node('keys', 'freeze', 'treasury');
    rmSync(common);
    expect(await node('keys', 'package', 'treasury', '--yes', ...files)).toMatchObject({ exit: 3, stdout: '' });
    for (const one of [path, common]) expect(() => statSync(one)).toThrow();
  });

  test('export: to a new file of mode 0600, or to stdout if that is said', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const path = join(folder, 'exported');
    const done = await node('keys', 'export', 'treasury', '--yes', '--to-file', path, '--helpers', 'carol');
    expect(done).toMatchObject({ exit: 0, stdout: `written to ${path}\n`, stderr: expect.stringContaining('alone') });
    expect(readFileSync(path, 'utf8')).toBe(`${'ab'.repeat(32)}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await node('keys', 'show', 'treasury')).stdout).toContain('whoever has the private key signs alone');
    expect(await node('keys', 'export', 'treasury', '--yes', '--to-file', path)).toMatchObject({ exit: 2 });
    expect(readFileSync(path, 'utf8')).toBe(`${'ab'.repeat(32)}\n`);
    expect((await node('keys', 'export', 'treasury', '--yes', '--stdout')).stdout).toBe(`${'ab'.repeat(32)}\n`);
    for (const more of [[], ['--stdout', '--to-file', join(folder, 'x')]])
      expect(await node('keys', 'export', 'treasury', '--yes', ...more)).toMatchObject({ exit: 2, stdout: '' });
    await node('keys', 'freeze', 'treasury');
    const unwritten = join(folder, 'unwritten');
    expect(await node('keys', 'export', 'treasury', '--yes', '--to-file', unwritten)).toMatchObject({
      exit: 3,
      stdout: '',
    });
    expect(() => statSync(unwritten)).toThrow();
  });

  test.for([
    ['export', '--stdout'],
    ['package', '--to-file', 'never', '--public-file', 'never.json'],
  ])('%s asks first, and says what it means: nothing begins unless a person says yes', async (rest) => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const [command = '', ...options] = rest;
    const args = [
      'keys',
      command,
      'treasury',
      ...options.map((one) => (one.startsWith('never') ? join(folder, one) : one)),
    ];
    expect(await node(...args)).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('--yes') });
    const no = await quorate([...args, '--socket', socket], {}, undefined, async () => false);
    expect(no).toMatchObject({ exit: 3, stdout: '', stderr: expect.stringMatching(/private key of treasury/) });
    expect((await service.key('treasury')).exported).toBe(false);
    const yes = await quorate([...args, '--socket', socket], {}, undefined, async () => true);
    expect([yes.exit, (await service.key('treasury')).exported]).toEqual([0, true]);
  });

  test('that are quarantined are listed, and no key that can be used', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const lost = { name: 'tap', keyId: 'ab'.repeat(32), state: 'quarantined', reason: 'the copies differ' } as const;
    service.quarantined = [lost, { ...lost, name: '' }];
    const { stdout } = await node('keys');
    expect(stdout).toMatch(/^tap +- +- +- +- +quarantined +-$/m);
    expect(stdout).toMatch(/^abababababab +- .*quarantined/m);
    expect(await json('keys')).toMatchObject({ keys: [{ name: 'treasury' }, lost, { name: '' }] });
    expect((await node('health')).stdout).toMatch(/^tap +- +- +NO: quarantined here$/m);
  });

  test('show says when the shares were dealt, and since when they are overdue, and why', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    expect((await node('keys', 'show', 'treasury')).stdout).toMatch(
      /^dealt: +2023-11-14T22:13:20Z\nnext refresh: +2023-11-15T/m,
    );
    service.problem = 'it failed 9 times, at last so: bob declines';
    expect((await node('keys', 'show', 'treasury')).stdout).toMatch(
      /^next refresh: +due 2023-11-15T\S+: it failed 9 times, at last so: bob declines$/m,
    );
  });

  test('refresh says which reshare it ends that waits for operators', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const { id } = await service.reshare('treasury', {});
    const reshare = { publicKey: '', mustConfirm: false, threshold: 2, members: [], joining: [], leaving: [] };
    const proposal = {
      proposer: 'bob',
      scheme: 'ed25519',
      purpose: 'p',
      threshold: 2,
      members: [],
      expires: 0,
      reshare,
    } as const;
    service.move(id, { state: 'accepted', proposal });
    expect((await node('keys', 'refresh', 'treasury')).stderr).toMatch(
      new RegExp(`a reshare of treasury waits for operators \\(${id.slice(0, 12)}\\): this refresh ends it`),
    );
    service.move(id, { state: 'done' });
    expect((await node('keys', 'refresh', 'treasury')).stderr).not.toContain('ends it');
  });

  test('repair and reshare say which one of this node they take the place of', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const common = { scheme: 'ed25519', purpose: 'p', threshold: 2, members: [], expires: 0 } as const;
    const reshare = { publicKey: '', mustConfirm: false, threshold: 2, members: [], joining: [], leaving: [] };
    for (const [noun, more] of [
      ['repair', {}],
      ['reshare', { reshare }],
    ] as const) {
      const { id } = await service[noun]('treasury', {});
      const proposal = { ...common, ...more, proposer: 'alice' };
      service.move(id, { state: 'accepted', proposal, waitsFor: ['carol'] });
      const rest = noun === 'repair' ? [] : ['--yes'];
      const again = await node('keys', noun, 'treasury', ...rest);
      expect(again.stderr).toContain(`a ${noun} of treasury waits already (${id.slice(0, 12)}, for carol)`);
      service.move(id, { state: 'accepted', proposal: { ...proposal, proposer: 'bob' } });
      expect((await node('keys', noun, 'treasury', ...rest)).stderr).not.toContain('waits already');
    }
  });

  test('repair', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    const { publicKey } = await service.key('treasury');
    const repaired = await node('keys', 'repair', 'treasury', '--public-key', publicKey, '--helpers', 'bob, carol');
    expect(repaired).toMatchObject({ exit: 0, stdout: expect.stringContaining(publicKey) });
    expect(service.ceremonies()[0]).toMatchObject({ kind: 'repair', participants: ['alice', 'bob', 'carol'] });
    expect(await node('keys', 'repair', 'treasury', '--no-wait')).toMatchObject({ exit: 0 });
    expect(await node('keys', 'repair', 'treasury', '--public-key', '00'.repeat(32))).toMatchObject({ exit: 6 });
    expect(await node('keys', 'repair', 'treasury', '--public-key', 'zz')).toMatchObject({ exit: 2 });
    expect(await node('keys', 'repair', 'nothing')).toMatchObject({ exit: 2 });
  });
});

describe('sign and verify', () => {
  beforeEach(async () => {
    await client();
    await node('keygen', 'treasury', '--scheme', 'ed25519', '--purpose', 'payments');
  });

  test('a signature that verifies under the key, by name and without the node', async () => {
    const { exit, stdout } = await node('sign', 'treasury', '--client', keyFile, '--message', 'pay bob');
    expect(exit).toBe(0);
    const signature = stdout.trimEnd();
    const { publicKey } = await service.key('treasury');
    const check = ['--signature', signature, '--hex', Buffer.from('pay bob').toString('hex')];
    expect(await node('verify', '--key', 'treasury', ...check)).toMatchObject({ exit: 0, stdout: 'valid\n' });
    const alone = ['verify', '--scheme', 'ed25519', '--public-key', publicKey, ...check, '--json'];
    expect(JSON.parse((await quorate(alone)).stdout)).toEqual({ valid: true, scheme: 'ed25519', publicKey });
    expect((await node('verify', '--key', 'treasury', '--signature', signature, '--message', 'pay eve')).exit).toBe(6);
  });

  test('an order retried with its idempotency key and expiry is the same order', async () => {
    const order = ['sign', 'treasury', '--client', keyFile, '--message', 'm', '--idempotency-key', 'invoice-7'];
    const first = await json(...order, '--expires', '2030-01-31T12:00:00Z');
    expect(first).toMatchObject({
      order: { expires: Date.UTC(2030, 0, 31, 12), idempotencyKey: '696e766f6963652d37' },
    });
    expect(await json(...order, '--expires', '2030-01-31T12:00:00Z')).toEqual(first);
    expect((await node(...order, '--expires', '2030-01-31T12:00:01Z')).exit).toBe(2);
  });

  test('waits for the end; --no-wait does not', async () => {
    service.immediate = false;
    const order = ['sign', 'treasury', '--client', keyFile, '--message', 'm'];
    expect((await node(...order, '--no-wait')).exit).toBe(4);
    const running = node(...order);
    await expect.poll(() => service.followers.size).toBe(1);
    const failure = { code: 'no-quorum', reason: 'bob is away', culprits: [], suspects: ['bob'] } as const;
    service.move((service.ceremonies()[0] as CeremonyView).id, { state: 'failed', failure });
    expect(await running).toMatchObject({ exit: 5, stderr: expect.stringContaining('bob is away') });
  });

  test('a client without the right, or whose key nobody knows, is denied', async () => {
    service.clients = service.clients.map((one) => ({ ...one, rights: [] }));
    expect((await node('sign', 'treasury', '--client', keyFile, '--message', 'm')).exit).toBe(3);
    service.clients = [];
    expect((await node('sign', 'treasury', '--client', keyFile, '--message', 'm')).exit).toBe(3);
  });

  test('the message is given once, and the rest is checked before anything is sent', async () => {
    const order = ['sign', 'treasury', '--client', keyFile];
    for (const rest of [
      [],
      ['--message', 'm', '--hex', '00'],
      ['--hex', 'xyz'],
      ['--file', join(folder, 'nothing')],
      ['--message', 'm'.repeat(65_537)],
      ['--message', 'm', '--expires', 'soon'],
      ['--message', 'm', '--expires', '0'],
      ['--message', 'm', '--idempotency-key', 'k'.repeat(65)],
    ]) {
      expect(await node(...order, ...rest), rest.join(' ').slice(0, 40)).toMatchObject({ exit: 2, stdout: '' });
    }
    expect(service.ceremonies()).toHaveLength(1);
  });
});

describe('ecdsa', () => {
  const sha256 = (message: string): string => createHash('sha256').update(message).digest('hex');
  const sign = async (...args: string[]): Promise<Ran> => await node('sign', 'vault', '--client', keyFile, ...args);

  beforeEach(async () => {
    await client();
    await node('keygen', 'vault', '--scheme', 'ecdsa');
  });

  test('a message is signed by its hash, and the signature verifies in both forms', async () => {
    const message = ['--hash', 'sha256', '--message', 'pay bob'];
    const { exit, stdout } = await sign(...message);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f]{128}\n$/);
    const { publicKey } = await service.key('vault');
    const { result } = service.ceremonies()[0] as CeremonyView;
    const { der } = result as { readonly der: string };
    for (const signature of [stdout.trimEnd(), der]) {
      const check = ['verify', '--signature', signature];
      const alone = [...check, '--scheme', 'ecdsa', '--public-key', publicKey];
      expect(await node(...check, '--key', 'vault', ...message)).toMatchObject({ exit: 0, stdout: 'valid\n' });
      expect((await quorate([...alone, ...message])).exit).toBe(0);
      expect((await quorate([...alone, '--digest', sha256('pay bob')])).exit).toBe(0);
      expect((await quorate([...alone, '--digest', sha256('pay eve')])).exit).toBe(6);
      expect((await quorate([...alone, '--hash', 'keccak256', '--message', 'pay bob'])).exit).toBe(6);
    }
  });

  test('a digest is signed as it is; the JSON has every form', async () => {
    const digest = sha256('pay bob');
    const { stdout } = await sign('--digest', digest.toUpperCase(), '--json');
    const { id, result } = JSON.parse(stdout) as CeremonyView;
    expect(result).toMatchObject({ scheme: 'ecdsa', digest, recovery: expect.any(Number) });
    const { signature, der } = result as { readonly signature: string; readonly der: string };
    expect(await node('verify', '--key', 'vault', '--signature', signature, '--digest', digest)).toMatchObject({
      exit: 0,
    });
    const shown = (await node('ceremonies', 'show', id)).stdout;
    expect(shown).toMatch(new RegExp(`digest: +${digest}\nrecovery: +[01]\nder: +${der}\n`));
  });

  test('a child signs for itself alone', async () => {
    const path = ['--path', 'm/44/60/0/0/7'];
    const signature = (await sign('--digest', sha256('m'), ...path)).stdout.trimEnd();
    const check = ['verify', '--key', 'vault', '--signature', signature, '--digest', sha256('m')];
    expect((await node(...check, ...path)).exit).toBe(0);
    expect((await node(...check, '--path', 'm/44/60/0/0/8')).exit).toBe(6);
    expect((await node(...check)).exit).toBe(6);
  });

  test('addresses', async () => {
    const { publicKey } = await service.key('vault');
    const child = await service.addresses('vault', 'm/0/7', 'mainnet');
    expect(await json('keys', 'addresses', 'vault')).toMatchObject({ path: 'm', publicKey });
    expect(await json('keys', 'addresses', 'vault', '--path', 'm/0/7')).toEqual(child);
    const { stdout } = await node('keys', 'addresses', 'vault', '--path', 'm/0/7');
    expect(stdout).toContain(child.uncompressed);
    expect(child.addresses.map(({ kind }) => kind)).toEqual(['ethereum', 'p2wpkh', 'p2pkh']);
    for (const { kind, address } of child.addresses) expect(stdout).toMatch(new RegExp(`^${kind}: +${address}$`, 'm'));
  });

  test('addresses on Bitcoin’s other networks', async () => {
    for (const network of ['testnet', 'regtest'] as const) {
      const there = await service.addresses('vault', 'm', network);
      expect(await json('keys', 'addresses', 'vault', '--bitcoin', network)).toEqual(there);
    }
    const refused = await node('keys', 'addresses', 'vault', '--bitcoin', 'mars');
    expect(refused).toMatchObject({
      exit: 2,
      stdout: '',
      stderr: expect.stringContaining('mainnet, testnet, regtest'),
    });
  });

  test.each([
    ['taproot', 'p2tr', 'bc1p[0-9a-z]{58}'],
    ['ed25519', 'solana', '[1-9A-HJ-NP-Za-km-z]{32,44}'],
  ])('the address of a key without children: %s', async (scheme, kind, address) => {
    await node('keygen', 'treasury', '--scheme', scheme);
    const { publicKey } = await service.key('treasury');
    const { stdout } = await node('keys', 'addresses', 'treasury');
    expect(stdout).toMatch(new RegExp(`^path: +m\npublic key: +${publicKey}\n${kind}: +${address}\n$`));
    const child = await node('keys', 'addresses', 'treasury', '--path', 'm/0');
    expect(child).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining('have no children') });
  });

  test.each([
    ['no hash', ['--message', 'm'], 'say which one, sha256 or keccak256'],
    ['an unknown hash', ['--message', 'm', '--hash', 'md5'], 'Allowed choices are sha256, keccak256'],
    ['a hash of nothing', ['--hash', 'sha256'], 'give the message once'],
    ['a digest and a message', ['--digest', '00'.repeat(32), '--message', 'm'], 'give the message once'],
    ['a digest and a hash', ['--digest', '00'.repeat(32), '--hash', 'sha256'], 'leave out --hash'],
    ['a digest of 31 bytes', ['--digest', '00'.repeat(31)], 'give 32 bytes'],
    ['a digest that is no hexadecimal', ['--digest', 'zz'.repeat(32)], 'not hexadecimal'],
    ['a hardened path', ['--digest', '00'.repeat(32), '--path', "m/44'"], 'is hardened'],
    ['no path', ['--digest', '00'.repeat(32), '--path', '44/é'], 'not a path such as'],
  ])('is not asked for by %s', async (_, args, reason) => {
    expect(await sign(...args)).toMatchObject({ exit: 2, stdout: '', stderr: expect.stringContaining(reason) });
    const check = ['verify', '--key', 'vault', '--signature', '00'];
    expect(await node(...check, ...args)).toMatchObject({ exit: 2, stderr: expect.stringContaining(reason) });
  });

  test('only ecdsa hashes, and has children', async () => {
    await node('keygen', 'treasury', '--scheme', 'ed25519');
    for (const rest of [
      ['--hash', 'sha256'],
      ['--path', 'm/0'],
    ]) {
      const order = ['--message', 'm', ...rest];
      expect((await node('sign', 'treasury', '--client', keyFile, ...order)).exit).toBe(2);
      expect((await node('verify', '--key', 'treasury', '--signature', '00', ...order)).exit).toBe(2);
    }
  });

  test('what is no signature or no key is not valid; a path without a node is no key', async () => {
    const { publicKey } = await service.key('vault');
    const order = secp256k1.order.toString(16);
    const digest = ['--digest', sha256('m')];
    for (const [key, signature] of [
      [publicKey, ''],
      [publicKey, '00'.repeat(64)],
      [publicKey, order.repeat(2)],
      [publicKey, '3006020101020100'],
      [publicKey, '3007020101020101'],
      ['02', '01'.repeat(64)],
      [`05${publicKey.slice(2)}`, '01'.repeat(64)],
    ] as const) {
      const check = ['verify', '--scheme', 'ecdsa', '--public-key', key, '--signature', signature, ...digest];
      expect(await quorate(check), signature).toMatchObject({ exit: 6, stdout: 'NOT valid\n' });
    }
    const alone = ['verify', '--scheme', 'ecdsa', '--public-key', publicKey, '--signature', '00', ...digest];
    expect((await quorate([...alone, '--path', 'm/0'])).exit).toBe(2);
  });
});

describe('ceremonies', () => {
  test('list, show, accept, cancel, by the beginning of an id', async () => {
    service.immediate = false;
    const { id } = await service.keygen({ name: 'slow', scheme: 'ed25519' });
    service.move(id, { needsAccept: true });
    const short = id.slice(0, 8);
    expect((await node('ceremonies')).stdout).toMatch(/keygen +slow +proposed, waits for accept/);
    expect(await json('ceremonies')).toMatchObject({ ceremonies: [{ id }] });
    expect(await json('ceremonies', 'show', short)).toMatchObject({
      id,
      needsAccept: true,
      proposal: { threshold: 2 },
    });
    expect((await node('ceremonies', 'show', short)).stdout).toMatch(/proposed by: +bob\nscheme: +ed25519/);
    expect(await json('ceremonies', 'accept', short)).toMatchObject({ state: 'accepted' });
    expect((await node('ceremonies', 'accept', id)).exit).toBe(2);
    expect((await node('ceremonies', 'cancel', short)).stdout).toContain('cancelled: withdrawn');
    expect((await node('ceremonies', 'show', 'zz')).exit).toBe(2);
    expect((await node('ceremonies', 'show', 'ab'.repeat(32))).exit).toBe(2);
    await service.keygen({ name: 'other', scheme: 'ed25519' });
    for (const action of ['show', 'accept', 'cancel'])
      expect(await node('ceremonies', action, '')).toMatchObject({
        exit: 2,
        stderr: expect.stringContaining('give an id'),
      });
  });

  test('an export says what yes means, of which key, and is asked about', async () => {
    service.immediate = false;
    const { id } = await service.keygen({ name: 'cold', scheme: 'ed25519' });
    const proposal = {
      proposer: 'alice',
      scheme: 'ed25519',
      purpose: 'p',
      threshold: 2,
      parties: 3,
      members: ['alice', 'bob'],
      expires: 0,
      meaning: 'alice gets the whole private key',
    } as const;
    service.move(id, { kind: 'export', needsAccept: true, proposal });
    const { stdout } = await node('ceremonies', 'show', id);
    expect(stdout).toMatch(/^your yes means: +alice gets the whole private key$/m);
    expect(stdout).toMatch(/^threshold: +2 of 3$/m);
    expect(stdout).toMatch(/^helpers: +bob$/m);
    expect(stdout).toMatch(new RegExp(`^to accept: +quorate ceremonies accept ${id.slice(0, 12)}$`, 'm'));
    const accept = ['ceremonies', 'accept', id, '--socket', socket];
    expect(await quorate(accept)).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/whole private key[^]*--yes/),
    });
    expect((await quorate(accept, {}, undefined, async () => false)).exit).toBe(3);
    expect((await service.ceremony(id, 0)).needsAccept).toBe(true);
    expect((await quorate([...accept, '--yes'])).exit).toBe(0);
  });

  test('that waits for others says for whom', async () => {
    service.immediate = false;
    const running = node('keygen', 'slow', '--scheme', 'ed25519');
    await expect.poll(() => service.ceremonies().length).toBe(1);
    const { id } = service.ceremonies()[0] as CeremonyView;
    service.move(id, { state: 'accepted', waitsFor: ['bob', 'carol'] });
    expect((await node('ceremonies', 'show', id)).stdout).toMatch(/^waits for: +bob, carol: their operators may/m);
    service.move(id, { state: 'done' });
    expect((await running).stderr).toMatch(
      /accepted · .* · waits for bob, carol, whose operators may have to accept it\n/,
    );
  });

  test('--follow prints every change as a line of JSON until the node stops', async () => {
    service.immediate = false;
    const { id } = await service.keygen({ name: 'slow', scheme: 'ed25519' });
    const following = node('ceremonies', '--follow', '--json');
    await expect.poll(() => service.followers.size).toBe(1);
    service.move(id, { state: 'running', round: 'commit' });
    service.move(id, { state: 'done' });
    await server.close();
    const { exit, stdout } = await following;
    expect(exit).toBe(0);
    const states = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as CeremonyView).state);
    expect(states).toEqual(['running', 'done']);
  });

  test('--follow ends once nobody reads it any more', async () => {
    service.immediate = false;
    const { id } = await service.keygen({ name: 'slow', scheme: 'ed25519' });
    let lines = 0;
    const stdout = { write: () => void (lines += 1), isClosed: true };
    const host = { env: {}, stdout, stderr: { write: () => {} }, runNode: async () => {} };
    const following = run(['ceremonies', '--follow', '--socket', socket], host);
    await expect.poll(() => service.followers.size).toBe(1);
    service.move(id, { state: 'running', round: 'commit' });
    expect(await following).toBe(0);
    expect(lines).toBe(1);
    await expect.poll(() => service.followers.size).toBe(0);
  });
});

test('a command that is misspelt is guessed, and said without a second "error" in JSON', async () => {
  const wrong = await node('keys', 'refersh', 'ed');
  expect(wrong).toMatchObject({
    exit: 2,
    stderr: expect.stringMatching(/no command refersh here; did you mean refresh\?/),
  });
  expect((await node('ceremonies', 'xyzzy')).stderr).toMatch(/no command xyzzy here\. There are: show, accept, cancel/);
  expect((await json('keys', 'show'))['message']).toMatch(/^missing required argument/);
});

test('what the node refuses is said on stderr, and as JSON on stdout', async () => {
  service.fault = new ServiceError('stopping', 'the node is stopping; ask another one');
  const { exit, stdout, stderr } = await node('status', '--json');
  expect(exit).toBe(1);
  expect(stderr).toBe('error: the node is stopping; ask another one\n');
  expect(JSON.parse(stdout)).toEqual({ ok: false, code: 'stopping', message: 'the node is stopping; ask another one' });
});

describe('a reshare', () => {
  const order = ['keys', 'reshare', 'treasury', '--members', 'alice,bob,dave', '--threshold', '3'];
  const begun = () => service.ceremonies().some(({ kind }) => kind === 'renew');
  const asked: string[] = [];
  const answering = async (yes: boolean): Promise<Ran> =>
    await quorate([...order, '--socket', socket], {}, undefined, async (question) => {
      asked.push(question);
      return yes;
    });

  beforeEach(async () => {
    asked.length = 0;
    await node('keygen', 'treasury', '--scheme', 'ed25519');
  });

  test('is shown, and nothing begins', async () => {
    const { exit, stdout } = await node(...order, '--preview');
    expect(exit).toBe(0);
    expect(stdout).toMatch(/carol +leaves/);
    expect(stdout).toMatch(/dave +joins/);
    expect(stdout).toContain('2 of 3 now, 3 of 3 then');
    expect(await json(...order, '--preview')).toMatchObject({ after: { threshold: 3, parties: 3 } });
    expect(begun()).toBe(false);
  });

  test('that cannot begin is shown with an exit code that says so', async () => {
    const high = ['keys', 'reshare', 'treasury', '--members', 'alice,bob', '--threshold', '3', '--preview'];
    expect(await node(...high)).toMatchObject({
      exit: 2,
      stdout: expect.stringContaining('! the threshold is too high'),
    });
  });

  test('begins when a person has seen it and says yes, or with --yes', async () => {
    const { exit, stderr, stdout } = await answering(true);
    expect(exit).toBe(0);
    expect(asked).toEqual(['Give treasury to this committee?']);
    expect(stderr).toMatch(/dave +joins/);
    expect(stdout.trim()).toBe((await service.key('treasury')).publicKey);
    expect(await node(...order, '--yes')).toMatchObject({ exit: 0 });
  });

  test('does not begin when a person says no, when nobody can be asked, or when it cannot work', async () => {
    expect(await answering(false)).toMatchObject({ exit: 3, stderr: expect.stringContaining('nothing was begun') });
    expect(await node(...order)).toMatchObject({ exit: 2, stderr: expect.stringContaining('--yes') });
    expect(begun()).toBe(false);
  });
});
