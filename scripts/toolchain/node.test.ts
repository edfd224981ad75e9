import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BootstrapError, isSupported, npmCommand, pinned, verifyIntegrity } from './node.mjs';

const folder = mkdtempSync(join(tmpdir(), 'quorate-node-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the pinned Node.js is itself supported, older ones are not', () => {
  expect(isSupported(`v${pinned.version}`)).toBe(true);
  expect(isSupported('v27.0.0')).toBe(true);
  expect(isSupported('v25.9.1')).toBe(false);
  expect(isSupported('v8.17.0')).toBe(false);
});

test('a package is unpacked only when its SHA-512 is the pinned one', () => {
  const file = join(folder, 'package.tgz');
  writeFileSync(file, 'the bytes that were pinned');
  const integrity = `sha512-${createHash('sha512').update('the bytes that were pinned').digest('base64')}`;
  expect(() => verifyIntegrity(file, integrity)).not.toThrow();
  writeFileSync(file, 'the bytes that were pinnee');
  expect(() => verifyIntegrity(file, integrity)).toThrow(BootstrapError);
  expect(() => verifyIntegrity(file, integrity)).toThrow(/was not unpacked[^]*expected sha512-[^]*received sha512-/);
});

test('every pin is a whole SHA-512', () => {
  for (const { integrity } of Object.values(pinned.packages)) {
    expect(Buffer.from(integrity.replace('sha512-', ''), 'base64')).toHaveLength(64);
  }
});

test('npm is the one that runs the script; another package manager is not taken for npm', () => {
  expect(npmCommand({ npm_execpath: '/usr/lib/npm/bin/npm-cli.js' }, '/n/node')).toEqual([
    '/n/node',
    '/usr/lib/npm/bin/npm-cli.js',
  ]);
  expect(npmCommand({ npm_execpath: '/usr/lib/pnpm/bin/pnpm.cjs' }, '/n/node')).toEqual(['npm']);
  expect(npmCommand({}, '/n/node')).toEqual(['npm']);
});
