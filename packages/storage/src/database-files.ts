import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { unavailable } from './annex-files.ts';
import { StoreError } from './store.ts';
import { checkTable, filesIn, TableError } from './tables.ts';

/** What LevelDB leaves in a folder before it makes a database there: its lock, and what it has to say. */
const traceless: readonly string[] = ['LOCK', 'LOG', 'LOG.old'];

const descriptorName = /^MANIFEST-\d+$/;

/**
 * Files of a database are gone or damaged. Nothing was opened, made, removed or repaired: LevelDB is not asked, which would make
 * a new database where `CURRENT` is gone, and remove the tables of the old one.
 */
export class StoreDamage extends StoreError {
  /** The path of the file, or of the folder. */
  readonly file: string;
  readonly problem: string;
  /** What helps if nothing else was lost than this file. */
  readonly ifAlone: string | undefined;

  constructor(file: string, problem: string, ifAlone?: string, cause?: unknown) {
    super(
      'store-damaged',
      `${file} ${problem}; nothing was changed: run \`quorate doctor\`, which says what to do`,
      cause,
    );
    this.file = file;
    this.problem = problem;
    this.ifAlone = ifAlone;
  }
}

/**
 * What shows that a database is in `folder` or was once, its annex in the folder `beside`: a path; undefined where nothing does.
 * @throws {StoreError} `store-unavailable`
 */
export function traceOf(folder: string, beside?: string): string | undefined {
  const inside = filesOf(folder)[0];
  if (inside !== undefined) return join(folder, inside);
  if (beside === undefined) return undefined;
  const counter = join(beside, 'counter');
  if (existsSync(counter)) return counter;
  const copy = namesIn(join(beside, 'copies'))[0];
  return copy === undefined ? undefined : join(beside, 'copies', copy);
}

/**
 * Whether there is a database in `folder`, all of whose files are there; false if there never was one.
 * @throws {StoreDamage} if there was one, and it is not whole @throws {StoreError} `store-unavailable`
 */
export async function findDatabase(folder: string, beside?: string): Promise<boolean> {
  const trace = traceOf(folder, beside);
  if (trace === undefined) return false;
  if (filesOf(folder).length === 0)
    throw new StoreDamage(folder, `has no database in it, and ${trace} shows that there was one`);
  const damage = await damageIn(folder);
  // Another process that has the folder open removes files, but none that is still named afterwards.
  if (damage !== undefined && (await damageIn(folder))?.file === damage.file) throw damage;
  return true;
}

/** The first file that is not as the others say. A table that is damaged would have LevelDB end the process, without a word. */
async function damageIn(folder: string): Promise<StoreDamage | undefined> {
  const current = join(folder, 'CURRENT');
  const line = Buffer.from(contentOf(current) ?? []).toString('latin1');
  const name = line.slice(0, -1);
  if (!line.endsWith('\n') || !descriptorName.test(name)) {
    const how = line === '' ? (existsSync(current) ? 'is empty' : 'is gone') : 'does not name a MANIFEST';
    return new StoreDamage(current, `${how}, and it says which of the files are in use`, rewriting(folder));
  }
  const descriptor = contentOf(join(folder, name));
  if (descriptor === undefined)
    return new StoreDamage(
      join(folder, name),
      'is gone, and it says in which files the records are',
      rewriting(folder),
    );
  const { log, tables } = usedBy(descriptor);
  if (log !== 0 && !existsSync(join(folder, `${numbered(log)}.log`)))
    return new StoreDamage(join(folder, `${numbered(log)}.log`), 'is gone, and the latest records are in it');
  for (const table of tables) {
    await setImmediate();
    const damage = damageOf(join(folder, `${numbered(table)}.ldb`));
    if (damage !== undefined) return damage;
  }
  return undefined;
}

function damageOf(path: string): StoreDamage | undefined {
  const table = contentOf(path);
  if (table === undefined) return new StoreDamage(path, 'is gone, and records are in it');
  try {
    checkTable(table);
    return undefined;
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    return new StoreDamage(path, `is damaged: ${error.message}`, undefined, error);
  }
}

/** What the descriptor says; nothing of one that is damaged, which LevelDB refuses by its checksums. */
function usedBy(descriptor: Uint8Array): ReturnType<typeof filesIn> {
  try {
    return filesIn(descriptor);
  } catch (error) {
    if (error instanceof TableError) return { log: 0, tables: new Set() };
    throw error;
  }
}

/** `CURRENT` says one name: where there is one descriptor only, it can be written anew. Whether it is the newest, the counter shows. */
function rewriting(folder: string): string | undefined {
  const [name, ...others] = namesIn(folder).filter((one) => descriptorName.test(one));
  if (name === undefined || others.length > 0) return undefined;
  return `copy the folder, then write its one line anew: \`echo ${name} > '${join(folder, 'CURRENT')}'\``;
}

function numbered(file: number): string {
  return String(file).padStart(6, '0');
}

/** What is in a folder that only a database leaves there. */
function filesOf(folder: string): readonly string[] {
  return namesIn(folder).filter((name) => !traceless.includes(name));
}

function namesIn(folder: string): readonly string[] {
  return found(folder, () => readdirSync(folder)) ?? [];
}

function contentOf(path: string): Uint8Array | undefined {
  return found(path, () => new Uint8Array(readFileSync(path)));
}

function found<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw unavailable(path, cause);
  }
}
