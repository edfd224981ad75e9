import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.mjs';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-lock-'));
  file = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const quiet = (): void => undefined;
const deadPid = (): number => spawnSync(process.execPath, ['--eval', '']).pid;

test('holds the lock during the work and leaves nothing behind, also when the work throws', () => {
  expect(withLock(file, quiet, () => readFileSync(file, 'utf8'))).toMatch(new RegExp(`^${process.pid} `));
  expect(existsSync(file)).toBe(false);
  expect(() => withLock(file, quiet, () => JSON.parse('no'))).toThrow(SyntaxError);
  expect(existsSync(file)).toBe(false);
});

test('waits for a living holder and says so once', () => {
  writeFileSync(file, `${process.ppid} 0123`);
  const said: string[] = [];
  let looks = 0;
  const pause = (): void => {
    looks += 1;
    if (looks === 3) rmSync(file);
  };
  expect(
    withLock(
      file,
      (message) => said.push(message),
      () => 'done',
      pause,
    ),
  ).toBe('done');
  expect(looks).toBe(3);
  expect(said).toEqual([expect.stringContaining(`waiting for another run (pid ${process.ppid})`)]);
});

test('takes over from a dead holder', () => {
  writeFileSync(file, `${deadPid()} 0123`);
  const said: string[] = [];
  expect(
    withLock(
      file,
      (message) => said.push(message),
      () => 'done',
    ),
  ).toBe('done');
  expect(said).toEqual([expect.stringContaining('taking over')]);
});

test('of two runs that find the same dead holder, the late one does not remove the lock of the other', () => {
  const dead = `${deadPid()} 0123`;
  // The other run has claimed the dead lock and is about to remove it and set its own.
  writeFileSync(`${file}.after.${dead.replace(' ', '.')}`, 'another run');
  writeFileSync(file, dead);
  const living = `${process.ppid} 4567`;
  let looks = 0;
  const pause = (): void => {
    looks += 1;
    if (looks === 1) writeFileSync(file, living);
    if (looks === 2) {
      expect(readFileSync(file, 'utf8')).toBe(living);
      rmSync(file);
    }
  };
  withLock(file, quiet, quiet, pause);
  expect(looks).toBe(2);
});

test('many processes at once: never two inside', async () => {
  const log = join(folder, 'log');
  const program = `
    import { appendFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(new URL('./lock.mjs', import.meta.url).href)};
    const log = ${JSON.stringify(log)};
    const write = (word) => appendFileSync(log, word + ' ');
    withLock(${JSON.stringify(file)}, () => {}, () => { write('in'); write('out'); }, () => {});
  `;
  writeFileSync(file, `${deadPid()} 0123`);
  const runs = Array.from({ length: 6 }, () => spawn(process.execPath, ['--input-type=module', '--eval', program]));
  await Promise.all(runs.map(async (run) => once(run, 'exit')));
  expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(6));
});
