// One set-up at a time in one checkout, also when `npm test` and `npm run demo` start together on a fresh clone.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Runs `work` while holding the lock file. Waits for a living holder; takes over from a dead one.
 * @template T
 * @param {string} file
 * @param {(message: string) => void} say
 * @param {() => T} work
 * @param {() => void} [pause] between two looks at the lock
 * @returns {T}
 */
export function withLock(file, say, work, pause = sleep) {
  mkdirSync(dirname(file), { recursive: true });
  const token = `${process.pid} ${randomBytes(8).toString('hex')}`;
  const mine = `${file}.${token.replace(' ', '.')}`;
  writeFileSync(mine, token);
  try {
    acquire(file, mine, say, pause);
  } finally {
    unlinkSync(mine);
  }
  try {
    return work();
  } finally {
    if (read(file) === token) unlinkSync(file);
  }
}

/**
 * A hard link appears with its content and only if the name is free; open and write would show an empty lock between.
 * @param {string} file
 * @param {string} mine
 * @param {(message: string) => void} say
 * @param {() => void} pause
 */
function acquire(file, mine, say, pause) {
  let told = '';
  while (!link(mine, file)) {
    const holder = read(file);
    if (holder === undefined) continue;
    const pid = Number(holder.split(' ')[0]);
    if (!isAlive(pid)) {
      // Exactly one process may remove this dead lock: a second one, late, would remove its successor.
      if (link(mine, `${file}.after.${holder.replace(' ', '.')}`)) {
        say(`the run that was setting up this checkout (pid ${pid}) is gone; taking over`);
        unlinkSync(file);
        continue;
      }
    }
    if (told !== holder) say(`waiting for another run (pid ${pid}) to set up this checkout; its lock is ${file}`);
    told = holder;
    pause();
  }
}

/** @param {string} from @param {string} to */
function link(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

function sleep() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
}
