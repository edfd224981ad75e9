import { chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Level } from 'level';
import type { Annex } from './annex.ts';
import { contentOf, openAnnex, unavailable } from './annex-files.ts';
import { CommittedStore, type Engine, type Store, StoreError, type StoreOperation } from './store.ts';
import { checkTable, TableError, tablesIn } from './tables.ts';

/**
 * The folders that this process has open. LevelDB must not be asked to open one twice: its refusal closes a descriptor of
 * the lock file, which by POSIX drops the lock that is held, and then another process gets in.
 */
const openFolders: Set<string> = new Set();

/** In Node.js `level` is `classic-level`, which has more methods than `level` declares. */
type Compactable = Level<string, Uint8Array> & { compactRange(first: string, last: string): Promise<void> };

/**
 * Opens, or makes, the LevelDB database in `folder` (mode 0700), and the annex in the folder `beside`. Without an annex a
 * store that was rolled back does not show, and shares have no second copy.
 * @throws {StoreError} `store-locked` when it is open already, `store-unavailable` when it cannot be opened
 */
export async function openDatabase(folder: string, beside?: string): Promise<Store> {
  const path = await prepareFolder(folder);
  if (openFolders.has(path)) throw new StoreError('store-locked', `${folder} is open in this process already`);
  openFolders.add(path);
  try {
    await checkTables(path);
    // Sealed records do not compress.
    const level = new Level<string, Uint8Array>(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      compression: false,
    });
    await level.open();
    const annex = beside === undefined ? undefined : await openAnnex(beside);
    return new CommittedStore(engine(level, path, annex), annex);
  } catch (error) {
    openFolders.delete(path);
    if (error instanceof StoreError) throw error;
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED')
      throw new StoreError('store-locked', `${folder} is in use by another process: stop it first`, error);
    throw new StoreError('store-unavailable', `${folder} cannot be opened`, error);
  }
}

/** What LevelDB would end the process for, without a word that an operator understands. @throws {StoreError} */
async function checkTables(folder: string): Promise<void> {
  for (const path of tablesOf(folder)) {
    await setImmediate();
    const table = contentOf(path);
    // Where another process has the folder open, a table may be gone by now: the folder is refused below.
    if (table === undefined) continue;
    try {
      checkTable(table);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      const what = `${path} is damaged: ${error.message}`;
      const how = 'put a copy of the whole data folder back, or make the node anew and replace it in its keys';
      throw new StoreError('store-unavailable', `${what}; ${how}`, error);
    }
  }
}

/** The tables in use. Where nothing can say which they are, LevelDB does not open the folder, and says why. */
function tablesOf(folder: string): readonly string[] {
  const name = Buffer.from(contentOf(join(folder, 'CURRENT')) ?? []).toString('latin1');
  const descriptor = /^MANIFEST-\d+\n$/.test(name) ? contentOf(join(folder, name.trimEnd())) : undefined;
  if (descriptor === undefined) return [];
  try {
    return [...tablesIn(descriptor)].map((number) => join(folder, `${String(number).padStart(6, '0')}.ldb`));
  } catch (error) {
    if (error instanceof TableError) return [];
    throw error;
  }
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
