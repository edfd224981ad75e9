import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quorate } from '../../test/captured-host.ts';
import { NodeError } from '../errors.ts';
import { codeOf, exitOf } from './exit.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('secrets on the command line', () => {
  test.each([
    ['--passphrase', 'hunter2'],
    ['--passphrase=hunter2', ''],
    ['--private-key', 'hunter2'],
    ['--PrivateKey=hunter2', ''],
    ['--seed', 'hunter2'],
    ['-password', 'hunter2'],
    ['--mnemonic=hunter2', ''],
  ])('%s is refused before anything else, and not repeated', async (option, value) => {
    const { exit, stdout, stderr } = await quorate([
      'init',
      '--name',
      'a',
      '--data',
      join(folder, 'd'),
      option,
      value,
      '--json',
    ]);
    expect(exit).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: 'secret-on-command-line' });
    expect(stderr).toContain('mode 0600');
    expect(stdout + stderr).not.toContain('hunter2');
  });

  test('files with secrets may be named', async () => {
    const { stderr } = await quorate([
      'init',
      '--name',
      'a',
      '--data',
      folder,
      '--passphrase-file',
      join(folder, 'no'),
    ]);
    expect(stderr).not.toContain('command line');
  });
});

describe('usage', () => {
  test.each([
    [['frobnicate']],
    [['keygen']],
    [['status', '--frobnicate']],
    [['roster', 'check', 'a', 'b']],
    [['ceremonies', 'frobnicate']],
    [['verify', '--scheme', 'ed25519', '--signature', '00', '--message', 'm']],
    [['verify', '--scheme', 'ed25519', '--public-key', '00', '--key', 'k', '--signature', '00', '--message', 'm']],
  ])('%j exits with 2', async (args) => {
    const { exit, stdout, stderr } = await quorate([...args, '--json']);
    expect(exit).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: 'usage' });
    expect(stderr).not.toBe('');
  });

  test('help and version exit with 0', async () => {
    expect(await quorate(['--help'])).toMatchObject({ exit: 0, stdout: expect.stringContaining('keygen') });
    expect(await quorate(['keys', 'freeze', '--help'])).toMatchObject({ exit: 0 });
    expect(await quorate(['--version'])).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('start', () => {
  test('hands configuration, options and environment to the node', async () => {
    const env = { QUORATE_DATA: folder, MPC_THRESHOLD: '3' };
    const { exit, started } = await quorate(['start', '--listen', '/ip4/127.0.0.1/tcp/0', '--log-level', 'debug'], env);
    expect(exit).toBe(0);
    const flags = { data: undefined, admin: undefined, listen: '/ip4/127.0.0.1/tcp/0', logLevel: 'debug' };
    expect(started).toEqual([{ config: join(folder, 'node.yaml'), flags, env }]);
  });

  test('--data, --config and --socket override', async () => {
    const { started } = await quorate(['start', '--data', 'd', '--config', '/etc/q.yaml', '--socket', '/run/q.sock']);
    expect(started[0]).toMatchObject({ config: '/etc/q.yaml', flags: { data: 'd', admin: '/run/q.sock' } });
  });

  test('what the node throws becomes its exit code', async () => {
    const listening = async () => {
      throw new NodeError('listen-failed', 'port 4001 is taken; stop the other process');
    };
    expect(await quorate(['start'], {}, listening)).toMatchObject({
      exit: 1,
      stderr: 'error: port 4001 is taken; stop the other process\n',
    });
    const broken = async () => {
      throw new NodeError('config-invalid', 'node.yaml:3:1: x; y');
    };
    expect(await quorate(['start'], {}, broken)).toMatchObject({ exit: 2 });
    const bug = async () => {
      throw new TypeError('a is not a function');
    };
    expect(await quorate(['start'], {}, bug)).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('TypeError: a is'),
    });
  });
});

test('init does not use a folder that others may change', async () => {
  chmodSync(folder, 0o777);
  const { exit, stderr } = await quorate(['init', '--name', 'alice', '--data', folder]);
  expect(exit).toBe(2);
  expect(stderr).toContain('other users may change');
  expect(readdirSync(folder)).toEqual([]);
});

test('a private key of another kind is not a client key', async () => {
  const file = join(folder, 'x25519.pem');
  writeFileSync(file, generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' }), {
    mode: 0o600,
  });
  const { exit, stdout } = await quorate(['client', 'show', file, '--json']);
  expect(exit).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ code: 'client-key-invalid' });
});

test('colour is for terminals, and for those who want it', async () => {
  const { run } = await import('./main.ts');
  const valid = ['verify', '--scheme', 'ed25519', '--public-key', '00', '--signature', '00', '--message', ''];
  const said = async (isTTY: boolean, env: Record<string, string>): Promise<string> => {
    let text = '';
    const stdout = { isTTY, write: (part: string) => void (text += part) };
    await run(valid, { env, stdout, stderr: { write: () => {} }, runNode: async () => {} });
    return text;
  };
  expect(await said(true, {})).toContain('\u001b[');
  expect(await said(true, { NO_COLOR: '1' })).toBe('NOT valid\n');
  expect(await said(false, {})).toBe('NOT valid\n');
});

test('every exit code is one of the documented', () => {
  expect(new Set(Object.values(exitOf))).toEqual(new Set([1, 2, 3, 5, 6]));
  expect(codeOf(Object.assign(new Error('x'), { code: 'constructor' }))).toBe('internal');
  expect(codeOf('text')).toBe('internal');
});

test('a configuration that cannot be read says which line, and what to do', async () => {
  writeFileSync(join(folder, 'node.yaml'), 'name: alice\nnetwork: testnet\nroot: {keyFile: k}\nlisten: [nowhere]\n');
  const { exit, stderr } = await quorate(['config', 'check', '--data', folder]);
  expect(exit).toBe(2);
  expect(stderr).toMatch(/node\.yaml:4:10: .*not an address; write \/ip4/);
});
