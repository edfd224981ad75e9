import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { banned } from './lint/rooms.ts';

type Entry = { optionalDependencies?: Record<string, string> };
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Entry> };
const names = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')));

test('the lock file names the packages of every platform: npm ci refuses one that does not', () => {
  const wanted = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  expect(wanted.filter((name) => !names.has(name))).toEqual([]);
});

test('no banned library comes in through another', () => {
  expect(banned.filter((name) => names.has(name))).toEqual([]);
});

test('our own manifests pin exact versions', () => {
  for (const manifest of [
    'package.json',
    ...['protocol', 'storage', 'node'].map((name) => `packages/${name}/package.json`),
  ]) {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync(manifest, 'utf8'),
    ) as Record<string, Record<string, string> | undefined>;
    const versions = Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies });
    for (const version of versions) expect(version, manifest).toMatch(/^\d+\.\d+\.\d+$/);
  }
});
