import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installStamp, isInstalled, recordInstall } from './install.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'quorate-install-'));
  mkdirSync(join(root, 'packages', 'one'), { recursive: true });
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'package.json'), '{}');
  writeFileSync(join(root, 'packages', 'one', 'package.json'), '{}');
});
afterEach(() => rmSync(root, { recursive: true }));

test.each(['package-lock.json', 'package.json', 'packages/one/package.json', '.npmrc'])(
  'a change of %s asks for a new installation',
  (file) => {
    const before = installStamp(root, 'v26.10.0');
    expect(installStamp(root, 'v26.10.0')).toBe(before);
    writeFileSync(join(root, file), '{ }');
    expect(installStamp(root, 'v26.10.0')).not.toBe(before);
  },
);

test('so does another Node.js', () => {
  expect(installStamp(root, 'v27.0.0')).not.toBe(installStamp(root, 'v26.10.0'));
});

test('installed means: recorded, and for these files', () => {
  const stamp = installStamp(root, 'v26.10.0');
  expect(isInstalled(root, stamp)).toBe(false);
  recordInstall(root, stamp);
  expect(isInstalled(root, stamp)).toBe(true);
  expect(isInstalled(root, installStamp(root, 'v27.0.0'))).toBe(false);
});
