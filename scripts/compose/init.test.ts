import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const parties = ['alice', 'bob'];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-'));
  for (const room of [...parties, 'client', 'bin', 'secrets']) mkdirSync(join(folder, room), { mode: 0o700 });
  for (const party of parties) {
    const secret = join(folder, 'secrets', `${party}-key`);
    copyFileSync(`testnet/keys/${party}.key`, secret);
    spawnSync('chmod', ['600', secret]);
  }
  const command = `exec '${process.execPath}' --conditions=@quorate/source '${resolve('packages/node/bin/quorate.mjs')}' "$@"`;
  writeFileSync(join(folder, 'bin', 'quorate'), `#!/bin/sh\n${command}\n`, { mode: 0o700 });
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The one-shot service's process, with the real `quorate`. */
function init(): { status: number | null; stdout: string; stderr: string } {
  const args = ['scripts/compose/init.ts', '--folder', folder, '--secrets', join(folder, 'secrets'), ...parties];
  const path = `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`;
  return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, PATH: path } });
}

const file = (...path: string[]): string => join(folder, ...path);
const text = (...path: string[]): string => readFileSync(file(...path), 'utf8');

test('makes a testnet, makes an interrupted one anew, leaves a made one alone, and never empties what may hold shares', () => {
  const first = init();
  expect(first).toMatchObject({ status: 0, stdout: expect.stringMatching(/^TESTNET ONLY/) });
  const roster = text('alice', 'roster.yaml');
  expect(roster).toMatch(/name: alice, .*\/dns4\/alice\/tcp\/4001.*\n.*name: bob, .*\/dns4\/bob\/tcp\/4001/);
  expect(text('bob', 'roster.yaml')).toBe(roster);
  for (const party of parties) {
    expect(text(party, 'node.yaml')).toContain(`keyFile: ${file('secrets', `${party}-key`)}`);
    expect(existsSync(file(party, 'root.key'))).toBe(false);
    expect(statSync(file(party, 'node.yaml')).mode & 0o077).toBe(0);
  }
  expect(statSync(file('client', 'client.pem')).mode & 0o777).toBe(0o600);

  expect(init()).toMatchObject({ status: 0, stdout: expect.stringContaining('made already') });
  expect(text('alice', 'roster.yaml')).toBe(roster);

  rmSync(file('bob', 'roster.yaml'));
  expect(init()).toMatchObject({ status: 1, stderr: expect.stringContaining('alice may hold shares') });
  expect([text('alice', 'roster.yaml'), existsSync(file('bob', 'store'))]).toEqual([roster, true]);

  rmSync(file('alice', 'roster.yaml'));
  expect(init()).toMatchObject({ status: 0, stdout: expect.stringContaining('2 parties are made') });
  expect(text('alice', 'roster.yaml')).not.toBe(roster);

  rmSync(file('client', 'client.pem'));
  expect(init()).toMatchObject({ status: 1, stderr: expect.stringContaining('alice, bob may hold shares') });
});
