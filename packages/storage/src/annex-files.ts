import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Annex } from './annex.ts';
import { StoreError } from './store.ts';

const temporary = '.tmp';

/**
 * The annex in `folder`: the file `counter` and the folder `copies`, modes 0600 and 0700.
 * @throws {StoreError} `store-unavailable`
 */
export async function openAnnex(folder: string): Promise<Annex> {
  const copies = join(folder, 'copies');
  const counter = join(folder, 'counter');
  try {
    await mkdir(copies, { recursive: true, mode: 0o700 });
    await chmod(copies, 0o700);
    // Left by a crash in the middle of a write: the copy itself is the old one, whole.
    for (const name of await readdir(copies)) if (name.endsWith(temporary)) await rm(join(copies, name));
    for (const name of await readdir(copies)) await chmod(join(copies, name), 0o600);
  } catch (cause) {
    throw unavailable(copies, cause);
  }
  let descriptor: number | undefined;
  return {
    readCounter: async () => contentOf(counter),
    writeCounter(offset, bytes) {
      try {
        const isNew = descriptor === undefined && !existsSync(counter);
        descriptor ??= openCounter(counter);
        if (writeSync(descriptor, bytes, 0, bytes.length, offset) !== bytes.length) throw new Error('a short write');
        // A file that a power cut leaves empty would look like one that somebody emptied.
        if (isNew) fsyncSync(descriptor);
      } catch (cause) {
        throw new StoreError('store-failed', `${counter} cannot be written`, cause);
      }
    },
    copies: async () => readdir(copies).then((names) => names.sort(), failed),
    readCopy: async (name) => contentOf(join(copies, name)),
    async writeCopy(name, bytes) {
      const path = join(copies, name);
      try {
        await writeSynced(`${path}${temporary}`, 'w', bytes);
        await rename(`${path}${temporary}`, path);
        await syncFolder(copies);
      } catch (cause) {
        failed(cause);
      }
    },
    async eraseCopy(name) {
      const path = join(copies, name);
      try {
        const old = contentOf(path);
        if (old === undefined) return;
        // Where the file system writes in place, nothing is left; where it does not, the data key in it is no more than
        // a sealed record of a deleted file.
        await writeSynced(path, 'r+', new Uint8Array(old.length));
        await rm(path);
        await syncFolder(copies);
      } catch (cause) {
        failed(cause);
      }
    },
    async close() {
      if (descriptor === undefined) return;
      fsyncSync(descriptor);
      closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

/** Opened for writing in place; made, with its name synced, if there is none. */
function openCounter(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    const descriptor = openSync(path, 'wx', 0o600);
    const folder = openSync(join(path, '..'), 'r');
    fsyncSync(folder);
    closeSync(folder);
    return descriptor;
  }
}

/**
 * What is in a file, if it is there. Read at once: a start reads one small file for each epoch, and four turns of a thread for
 * each would take longer. @throws {StoreError}
 */
function contentOf(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    return failed(error);
  }
}

async function writeSynced(path: string, flags: 'w' | 'r+', bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Why a folder cannot be used: for an operator, who can mend it. */
export function unavailable(folder: string, cause: unknown): StoreError {
  const why = hasCode(cause, 'EROFS')
    ? 'is on a file system that is mounted read-only, and a node writes before it answers: mount it writable, or move the data folder'
    : `cannot be made, or is not this user's: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new StoreError('store-unavailable', `${folder} ${why}`, cause);
}

function failed(cause: unknown): never {
  throw new StoreError('store-failed', 'what is kept beside the store cannot be read or written', cause);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
