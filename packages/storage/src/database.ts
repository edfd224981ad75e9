import { chmod, mkdir, realpath } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { Level } from 'level';
import { CommittedStore, type Engine, type Store, StoreError } from './store.ts';

/**
 * The folders that this process has open. LevelDB must not be asked to open one twice: its refusal closes a descriptor of
 * the lock file, which by POSIX drops the lock that is held, and then another process gets in.
 */
const openFolders: Set<string> = new Set();

/**
 * Opens, or makes, the LevelDB database in `folder` (mode 0700).
 * @throws {StoreError} `store-locked` when it is open already, `store-unavailable` when it cannot be opened
 */
export async function openDatabase(folder: string): Promise<Store> {
  const path = await prepareFolder(folder);
  if (openFolders.has(path)) throw new StoreError('store-locked', `${folder} is open in this process already`);
  openFolders.add(path);
  try {
    // Sealed records do not compress.
    const level = new Level<string, Uint8Array>(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      compression: false,
    });
    await level.open();
    return new CommittedStore(engine(level, path));
  } catch (error) {
    openFolders.delete(path);
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED')
      throw new StoreError('store-locked', `${folder} is in use by another process: stop it first`, error);
    throw new StoreError('store-unavailable', `${folder} cannot be opened`, error);
  }
}

async function prepareFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    return await realpath(folder);
  } catch (cause) {
    throw new StoreError('store-unavailable', `${folder} cannot be made, or is not this user's`, cause);
  }
}

function engine(level: Level<string, Uint8Array>, path: string): Engine {
  return {
    turn: setImmediate,
    // What is asked for was written lately and is in memory: a thread would take longer to wake up than this takes.
    get: async (key) => copy(level.getSync(key)),
    write: (operations, sync) =>
      level.batch(
        operations.map((operation) =>
          operation.type === 'put'
            ? { type: 'put' as const, key: operation.key, value: operation.value }
            : { type: 'del' as const, key: operation.key },
        ),
        { sync },
      ),
    entries: async function* (first, end) {
      for await (const [key, value] of level.iterator({ gte: first, lt: end })) yield [key, new Uint8Array(value)];
    },
    close: async () => {
      await level.close();
      openFolders.delete(path);
    },
  };
}

/** LevelDB hands out Buffers, whose slice() shares memory where a Uint8Array's copies. */
function copy(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : new Uint8Array(value);
}
