import { execFileSync, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ascii, seeded, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, flipped, temporaryFolder } from '../test/fixtures.ts';
import { openDatabase } from './database.ts';
import { StoreDamage } from './database-files.ts';
import { ofDatabase } from './doctor.ts';
import type { Store } from './store.ts';

interface Lived {
  readonly data: string;
  readonly folder: string;
  readonly records: readonly [string, Uint8Array][];
}

const open = async ({ data, folder }: Pick<Lived, 'data' | 'folder'>): Promise<Store> =>
  openDatabase(folder, data, 'refuse');

/** A database some of whose records are in a table, and some in the log alone, with an annex beside it. */
async function lived(): Promise<Lived> {
  const data = await temporaryFolder();
  const at = { data, folder: join(data, 'store') };
  const randomness = seeded(ascii('lived'));
  const fill = async (store: Store, prefix: string): Promise<void> => {
    for (let i = 0; i < 40; i++)
      await store.batch([{ type: 'put', key: `${prefix}/${i}`, value: randomness.bytes(99) }]);
  };
  const first = await openDatabase(at.folder, data);
  await fill(first, 'table');
  first.annex?.writeCounter(0, ascii('counter'));
  await first.annex?.writeCopy('a', ascii('copy'));
  await first.close();
  const second = await open(at);
  await fill(second, 'log');
  const records = await collect(second.entries(''));
  await second.close();
  return { ...at, records };
}

/** Every file under a folder, with what is in it. */
async function filesUnder(folder: string): Promise<Record<string, string>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.map((one) => join(one.parentPath, one.name) + (one.isFile() ? '' : '/')).sort();
  const contents = paths.map(async (path) => [path, path.endsWith('/') ? '' : toHex(await readFile(path))] as const);
  return Object.fromEntries(await Promise.all(contents));
}

/** The one file of a database whose name ends, or begins, so. */
async function fileOf({ folder }: Pick<Lived, 'folder'>, part: string): Promise<string> {
  const found = (await readdir(folder)).filter((name) => name.startsWith(part) || name.endsWith(part));
  expect(found).toHaveLength(1);
  return join(folder, found[0] as string);
}

/** That a database is refused by name, twice, and that nothing under the data folder changed. */
async function expectRefused(at: Lived, file: string, problem: RegExp): Promise<StoreDamage> {
  const before = await filesUnder(at.data);
  let refusal: unknown;
  for (const absent of ['make', 'refuse'] as const) {
    refusal = await openDatabase(at.folder, at.data, absent).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'StoreError', code: 'store-damaged', file });
    expect(refusal).toMatchObject({ message: expect.stringMatching(/quorate doctor/) });
    expect((refusal as StoreDamage).problem).toMatch(problem);
  }
  expect(await filesUnder(at.data)).toEqual(before);
  return refusal as StoreDamage;
}

async function expectWhole(at: Lived): Promise<void> {
  const store = await open(at);
  expect(await collect(store.entries(''))).toEqual(at.records);
  await store.close();
}

describe('a database of which one file is', () => {
  test.each([
    ['CURRENT', /^is gone/],
    ['MANIFEST-', /^is gone/],
    ['.ldb', /^is gone/],
    ['.log', /^is gone/],
  ])('gone (%s) is refused untouched, and whole again with the file', async (part, problem) => {
    const at = await lived();
    const file = await fileOf(at, part);
    await rename(file, join(at.data, 'away'));
    await expectRefused(at, file, problem);
    await rename(join(at.data, 'away'), file);
    await expectWhole(at);
  });

  test.each([
    ['empty', 'CURRENT', async (file: string) => truncate(file), /^is empty/],
    ['cut short', 'CURRENT', async (file: string) => truncate(file, 9), /^does not name/],
    ['without its end', 'CURRENT', async (file: string) => truncate(file, 15), /^does not name/],
    ['a path', 'CURRENT', async (file: string) => writeFile(file, '../MANIFEST-000001\n'), /^does not name/],
    ['empty', '.ldb', async (file: string) => truncate(file), /^is damaged: it is cut short/],
  ])('%s (%s) is refused untouched, and whole again with what it was', async (_how, part, damage, problem) => {
    const at = await lived();
    const file = await fileOf(at, part);
    const content = await readFile(file);
    await damage(file);
    await expectRefused(at, file, problem);
    await writeFile(file, content);
    await expectWhole(at);
  });

  test('damaged where only LevelDB looks is refused in its words', async () => {
    const at = await lived();
    const file = await fileOf(at, 'MANIFEST-');
    const content = new Uint8Array(await readFile(file));
    // Of the checksum of its first record.
    await writeFile(file, flipped(content, 3));
    const refused = { code: 'store-damaged', file: at.folder, problem: expect.stringMatching(/Corruption/) };
    await expect(open(at)).rejects.toMatchObject(refused);
    await writeFile(file, content);
    await expectWhole(at);
  });
});

test('what is said of a lost CURRENT brings the store back, word for word', async () => {
  const at = await lived();
  const current = join(at.folder, 'CURRENT');
  const before = await readFile(current);
  await rm(current);
  const damage = await expectRefused(at, current, /^is gone/);
  const { code, place, remedy } = ofDatabase(damage);
  expect({ code, place }).toEqual({ code: 'store-damaged', place: current });
  const [, command = ''] = /if nothing else was lost .*`(echo MANIFEST-\d+ > [^`]+)`/.exec(remedy) ?? [];
  execFileSync('/bin/sh', ['-c', command]);
  expect(await readFile(current)).toEqual(before);
  await expectWhole(at);
});

test('a lost CURRENT is not guessed where there are two that it may have named, nor another lost file', async () => {
  const at = await lived();
  await writeFile(join(at.folder, 'MANIFEST-000999'), '');
  await rm(join(at.folder, 'CURRENT'));
  const [current, table] = [join(at.folder, 'CURRENT'), await fileOf(at, '.ldb')];
  expect(ofDatabase(await expectRefused(at, current, /^is gone/)).remedy).not.toContain('echo');
  await writeFile(current, (await fileOf(at, 'MANIFEST-0000')).slice(-'MANIFEST-000000'.length).concat('\n'));
  await rm(table);
  const { meaning, problem, remedy } = ofDatabase(await expectRefused(at, table, /^is gone/));
  expect(problem).toContain('records are in it');
  expect(meaning).toContain('nothing in it was changed');
  expect(remedy).toMatch(/^put the newest copy of the whole data folder back\. If there is no copy, .*make a new one/);
});

describe('where a database was once, none is made:', () => {
  test.each([
    ['the folder is gone', async ({ folder }: Lived) => rm(folder, { recursive: true })],
    [
      'the folder is empty',
      async ({ folder }: Lived) => {
        await rm(folder, { recursive: true });
        await mkdir(folder);
        await writeFile(join(folder, 'LOG'), '');
      },
    ],
  ])('%s, and something beside it is not', async (_how, remove) => {
    const at = await lived();
    await remove(at);
    await expectRefused(at, at.folder, /^has no database in it, and .*counter shows/);
    await rm(join(at.data, 'counter'));
    await expectRefused(at, at.folder, /^has no database in it, and .*copies\/a shows/);
    await rm(join(at.data, 'copies', 'a'));
    await expect(open(at)).rejects.toMatchObject({ code: 'store-damaged', problem: 'has no database in it' });
    // Without any trace it is a new node's.
    await (await openDatabase(at.folder, at.data)).close();
  });

  test.each(['000007.ldb', '000007.log', 'MANIFEST-000001', 'lost.ldb'])('%s is left of it', async (name) => {
    const data = await temporaryFolder();
    const folder = join(data, 'store');
    await mkdir(folder);
    await writeFile(join(folder, name), 'what was there');
    await expectRefused({ data, folder, records: [] }, join(folder, 'CURRENT'), /^is gone/);
  });
});

test('a database that is asked for and was never made is not made', async () => {
  const data = await temporaryFolder();
  const folder = join(data, 'store');
  await expect(open({ data, folder })).rejects.toMatchObject({ code: 'store-damaged', file: folder });
  expect(await readdir(data)).toEqual([]);
});

test('one whose annex cannot be opened is let go again', async () => {
  const at = await lived();
  await rename(join(at.data, 'copies'), join(at.data, 'away'));
  await writeFile(join(at.data, 'copies'), 'a file');
  await expect(open(at)).rejects.toMatchObject({ code: 'store-unavailable', message: expect.stringMatching(/copies/) });
  await rm(join(at.data, 'copies'));
  await rename(join(at.data, 'away'), join(at.data, 'copies'));
  await expectWhole(at);
});

test('one in which another process writes is called locked, never damaged', async () => {
  const folder = join(await temporaryFolder(), 'store');
  const script = `import { openDatabase } from ${JSON.stringify(new URL('./database.ts', import.meta.url).href)};
    const store = await openDatabase(${JSON.stringify(folder)});
    for (let i = 0; ; i++) {
      const put = { type: 'put', key: 'k' + (i % 50), value: new Uint8Array(999) };
      await store.batch([put]);
      await store.purge([put]);
      process.stdout.write(i + '\\n');
    }`;
  const child = spawn(process.execPath, ['--conditions=@quorate/source', '--input-type=module', '-e', script]);
  let attempts = 0;
  for await (const _ of createInterface({ input: child.stdout })) {
    if (attempts === 40) child.kill('SIGKILL');
    else await expect(openDatabase(folder, dirname(folder))).rejects.toMatchObject({ code: 'store-locked' });
    attempts = Math.min(attempts + 1, 40);
  }
  expect(attempts).toBe(40);
  await (await openDatabase(folder)).close();
});
