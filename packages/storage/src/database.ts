import { chmod, mkdir, realpath } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Level } from 'level';
import type { Annex } from './annex.ts';
import { openAnnex, unavailable } from './annex-files.ts';
import { findDatabase, StoreDamage } from './database-files.ts';
import { CommittedStore, type Engine, type Store, StoreError, type StoreOperation } from './store.ts';

/**
 * The folders that this process has open. LevelDB must not be asked to open one twice: its refusal closes a descriptor of
 * the lock file, which by POSIX drops the lock that is held, and then another process gets in.
 */
const openFolders: Set<string> = new Set();

/** In Node.js `level` is `classic-level`, which has more methods than `level` declares. */
type Compactable = Level<string, Uint8Array> & { compactRange(first: string, last: string): Promise<void> };

/**
 * Opens the LevelDB database in `folder` (mode 0700), and the annex in the folder `beside`. Without an annex a store that was
 * rolled back does not show, and shares have no second copy.
 * @param absent what to do where there never was a database; where there was one, none is ever made
 * @throws {StoreDamage} before anything is touched
 * @throws {StoreError} `store-locked` when it is open already, `store-unavailable` when it cannot be opened
 */
export async function openDatabase(
  folder: string,
  beside?: string,
  absent: 'make' | 'refuse' = 'make',
): Promise<Store> {
  const isThere = await findDatabase(folder, beside);
  if (!isThere && absent === 'refuse') throw new StoreDamage(folder, 'has no database in it');
  const path = await prepareFolder(folder);
  if (openFolders.has(path)) throw new StoreError('store-locked', `${folder} is open in this process already`);
  openFolders.add(path);
  try {
    const level = new Level<string, Uint8Array>(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      // Sealed records do not compress.
      compression: false,
      // LevelDB removes every table that a database does not know of which it has just made.
      createIfMissing: !isThere,
      errorIfExists: !isThere,
    });
    await level.open();
    try {
      const annex = beside === undefined ? undefined : await openAnnex(beside);
      return new CommittedStore(engine(level, path, annex), annex);
    } catch (error) {
      await level.close();
      throw error;
    }
  } catch (error) {
    openFolders.delete(path);
    throw refusal(folder, error);
  }
}

/** Why LevelDB does not open a folder, in its words where it is not known here. It has no finding of its own that it would mend. */
function refusal(folder: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED')
    return new StoreError('store-locked', `${folder} is in use by another process: stop it first`, error);
  const why = cause instanceof Error ? cause.message : String(error);
  if (code === 'LEVEL_CORRUPTION') return new StoreDamage(folder, `is damaged: ${why}`, undefined, error);
  const how = 'see that the disk is there, has room, and lets this user write';
  return new StoreError('store-unavailable', `${folder} cannot be opened: ${why}; ${how}`, error);
}

async function prepareFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    return await realpath(folder);
  } catch (cause) {
    throw unavailable(folder, cause);
  }
}

function engine(level: Level<string, Uint8Array>, path: string, annex: Annex | undefined): Engine {
  const iterations = new Set<Promise<void>>();
  let purging: Promise<void> | undefined;
  return {
    turn: setImmediate,
    // What is asked for was written lately and is in memory: a thread would take longer to wake up than this takes.
    get: async (key) => copy(level.getSync(key)),
    write: (operations, sync) => level.batch(operations.map(asBatch), { sync }),
    entries: async function* (first, end) {
      while (purging !== undefined) await purging;
      const { promise, resolve } = Promise.withResolvers<void>();
      iterations.add(promise);
      try {
        for await (const [key, value] of level.iterator({ gte: first, lt: end })) yield [key, new Uint8Array(value)];
      } finally {
        iterations.delete(promise);
        resolve();
      }
    },
    // LevelDB flushes its memory to the deepest level that holds nothing of the range, and compaction does not look there.
    // Written once more, the same keys come to lie above what was flushed, and are merged with it. An iterator keeps the values
    // and the files of the moment when it was made: so they go one after the other.
    purge: async (operations) => {
      while (purging !== undefined) await purging;
      const { promise, resolve } = Promise.withResolvers<void>();
      purging = promise;
      try {
        await Promise.all(iterations);
        const keys = operations.map(({ key }) => key).sort();
        for (let round = 0; round < 2; round++) {
          await level.batch(operations.map(asBatch));
          await (level as Compactable).compactRange(keys[0] as string, keys.at(-1) as string);
        }
      } finally {
        purging = undefined;
        resolve();
      }
    },
    close: async () => {
      await level.close();
      await annex?.close();
      openFolders.delete(path);
    },
  };
}

function asBatch(
  operation: StoreOperation,
): { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string } {
  return operation.type === 'put' ? { ...operation } : { type: 'del', key: operation.key };
}

/** LevelDB hands out Buffers, whose slice() shares memory where a Uint8Array's copies. */
function copy(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : new Uint8Array(value);
}
