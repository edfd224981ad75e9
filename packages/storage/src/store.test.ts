import { spawn, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { ascii } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, temporaryFolder } from '../test/fixtures.ts';
import { openDatabase } from './database.ts';
import { type Cut, MemoryStore } from './memory.ts';
import { CommittedStore, type Engine, type Store, type StoreOperation } from './store.ts';

/**
 * What a script says in a process of its own, which alone sees these folders mounted read-only; undefined where the system lets
 * this user mount nothing.
 */
function onReadOnly(folders: readonly string[], body: string): string | undefined {
  const script = `import { openDatabase } from ${JSON.stringify(new URL('./database.ts', import.meta.url).href)};\n${body}`;
  const node = [process.execPath, '--conditions=@quorate/source', '--input-type=module', '-e', script];
  const mounts = folders.map(
    (folder) => `mount --bind '${folder}' '${folder}' && mount -o remount,bind,ro '${folder}'`,
  );
  const shell = `{ ${mounts.join(' && ')}; } || exit 77; exec "$@"`;
  const ran = spawnSync('/bin/sh', [
    '-c',
    'exec unshare --user --map-root-user --mount sh -c "$@"',
    'sh',
    shell,
    'sh',
    ...node,
  ]);
  // No mount, or no namespace of its own, or no such command.
  if (ran.status === 77 || /unshare/.test(ran.stderr.toString())) return undefined;
  return `${ran.stdout.toString()}${ran.stderr.toString()}`.trim();
}

const put = (key: string, text: string): StoreOperation => ({ type: 'put', key, value: ascii(text) });

describe.each([
  ['LevelDB', async (): Promise<Store> => openDatabase(join(await temporaryFolder(), 'db'))],
  ['memory', async (): Promise<Store> => new MemoryStore()],
])('a store in %s', (_name, open) => {
  test('keeps what was put, forgets what was deleted, and lists by prefix in order', async () => {
    const store = await open();
    await store.batch([put('b/2', 'two'), put('b/1', 'one'), put('a', 'a'), put('c', 'c'), put('b/\x7e', 'last')]);
    await store.batch([{ type: 'delete', key: 'a' }], { sync: false });

    expect(await store.get('a')).toBeUndefined();
    expect(await store.get('b/1')).toEqual(ascii('one'));
    expect((await collect(store.entries('b/'))).map(([key]) => key)).toEqual(['b/1', 'b/2', 'b/\x7e']);
    expect(await collect(store.entries(''))).toHaveLength(4);
    await store.close();
  });

  test('takes concurrent batches in call order', async () => {
    const store = await open();
    await Promise.all(Array.from({ length: 50 }, (_, i) => store.batch([put('x', `${i}`)])));
    expect(await store.get('x')).toEqual(ascii('49'));
    await store.close();
  });

  test('refuses keys outside printable ASCII, which would sort outside their prefix', async () => {
    const store = await open();
    await expect(store.batch([put('a\x7f', 'x')])).rejects.toThrow(RangeError);
    await expect(store.get('ä')).rejects.toThrow(RangeError);
    await store.close();
  });

  test('finishes batches under way when it closes, and refuses later ones', async () => {
    const store = await open();
    const writing = store.batch([put('a', 'a')]);
    await store.close();
    await store.close();
    await expect(writing).resolves.toBeUndefined();
    await expect(store.get('a')).rejects.toMatchObject({ code: 'store-closed' });
    await expect(store.batch([put('a', 'a')])).rejects.toMatchObject({ code: 'store-closed' });
    await expect(collect(store.entries(''))).rejects.toMatchObject({ code: 'store-closed' });
  });
});

describe('the database', () => {
  test('has an old value in no file once it is purged, whoever reads meanwhile', async () => {
    const folder = join(await temporaryFolder(), 'db');
    const isThere = async (): Promise<boolean> => {
      const files = await Promise.all((await readdir(folder)).map(async (name) => readFile(join(folder, name))));
      return files.some((file) => file.includes('the old value'));
    };
    let store = await openDatabase(folder);
    await store.batch([put('a', 'a'), put('b', 'the old value'), put('c', 'c')]);
    // Once in a table, and once in the log as well.
    for (const again of [false, true]) {
      await store.close();
      store = await openDatabase(folder);
      if (again) await store.batch([put('b', 'the old value')]);
      const reading = store.entries('')[Symbol.asyncIterator]();
      expect(await reading.next()).toMatchObject({ value: ['a', ascii('a')] });
      await store.batch([{ type: 'delete', key: 'b' }]);
      const purged = store.purge([{ type: 'delete', key: 'b' }]);
      expect(await reading.next()).toMatchObject({ value: ['b', ascii('the old value')] });
      // Long enough for a purge that waits for nobody.
      for (let i = 0; i < 100; i++) await store.batch([put('d', `${i}`)]);
      // Who begins now waits, and sees what is there then.
      const later = store.entries('')[Symbol.asyncIterator]();
      const first = later.next();
      await reading.return?.();
      await purged;
      expect(await isThere()).toBe(false);
      expect(await first).toMatchObject({ value: ['a', ascii('a')] });
      expect(await later.next()).toMatchObject({ value: ['c', ascii('c')] });
      await later.return?.();
      await store.batch([put('b', 'the old value')]);
    }
    await store.close();
  });

  test('is found again after closing, in a folder for its owner alone', async () => {
    const folder = join(await temporaryFolder(), 'deep', 'db');
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const first = await openDatabase(folder);
    await first.batch([put('a', 'kept')]);
    await first.close();
    const second = await openDatabase(folder);
    expect(await second.get('a')).toEqual(ascii('kept'));
    await second.close();
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  // In this order: a second LevelDB handle in one process would silently release the lock against others.
  test('refuses a folder that is open already, here or in another process', async () => {
    const folder = await temporaryFolder();
    const store = await openDatabase(folder);
    await expect(openDatabase(folder)).rejects.toMatchObject({ code: 'store-locked' });

    const script = `import { openDatabase } from ${JSON.stringify(new URL('./database.ts', import.meta.url).href)};
      await openDatabase(${JSON.stringify(folder)}).then(() => 'opened', (error) => error.code).then(console.log);`;
    const other = spawnSync(process.execPath, ['--conditions=@quorate/source', '--input-type=module', '-e', script]);
    expect(other.stdout.toString().trim()).toBe('store-locked');
    await store.close();
    await (await openDatabase(folder)).close();
  });

  test('holds every batch that a killed process had acknowledged', async () => {
    const folder = await temporaryFolder();
    const script = `import { openDatabase } from ${JSON.stringify(new URL('./database.ts', import.meta.url).href)};
      const store = await openDatabase(${JSON.stringify(folder)});
      for (let i = 0; ; i++) {
        await Promise.all([0, 1, 2].map((j) => store.batch([{ type: 'put', key: i + '/' + j, value: new Uint8Array(9) }])));
        process.stdout.write(i + '\\n');
      }`;
    const child = spawn(process.execPath, ['--conditions=@quorate/source', '--input-type=module', '-e', script]);
    let last = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      if (last === 30) child.kill('SIGKILL');
    }
    const store = await openDatabase(folder);
    for (let i = 0; i <= last; i++) expect(await collect(store.entries(`${i}/`))).toHaveLength(3);
    expect(last).toBeGreaterThanOrEqual(30);
    await store.close();
  });

  test('hands out plain bytes, of which slices are copies', async () => {
    const store = await openDatabase(await temporaryFolder());
    await store.batch([put('a', 'kept')]);
    expect(Object.getPrototypeOf(await store.get('a'))).toBe(Uint8Array.prototype);
    for await (const [, value] of store.entries('a')) expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
    await store.close();
  });

  test('says so when the folder cannot be opened', async () => {
    await expect(openDatabase('/dev/null/db')).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining("cannot be made, or is not this user's"),
    });
  });

  test('says so when the folder, or the one beside it, is on a file system that is mounted read-only', async (context) => {
    const folder = await temporaryFolder();
    await (await openDatabase(join(folder, 'whole', 'store'), join(folder, 'whole'))).close();
    await (await openDatabase(join(folder, 'store'), join(folder, 'beside'))).close();
    const said = onReadOnly(
      [join(folder, 'whole'), join(folder, 'beside')],
      `for (const [store, beside] of ${JSON.stringify([
        ['whole/store', 'whole'],
        ['store', 'beside'],
      ])})
        await openDatabase('${folder}/' + store, '${folder}/' + beside)
          .catch((error) => console.log(error.code + ': ' + error.message));`,
    );
    if (said === undefined) {
      console.warn('NOT TESTED on a read-only file system: this user can mount none.');
      context.skip();
    }
    expect(said?.split('\n')).toEqual(
      ['whole/store', 'beside/copies'].map((path) =>
        expect.stringMatching(
          `^store-unavailable: ${join(folder, path)} is on a file system that is mounted read-only`,
        ),
      ),
    );
    await (await openDatabase(join(folder, 'whole', 'store'), join(folder, 'whole'))).close();
  });
});

describe('group commit', () => {
  test('lets batches that wait share one synced write', async () => {
    const store = new MemoryStore();
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.batch([put(`k${i}`, 'x')])));
    expect(store.writes).toBe(2);
    expect(await collect(store.entries('k'))).toHaveLength(100);
  });

  test('lets the batches of one turn of the event loop share the first write already', async () => {
    const { engine, events } = recorded();
    const store = new CommittedStore({ ...engine, turn: setImmediate });
    const later = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      await store.batch([put('b', '')]);
    };
    await Promise.all([store.batch([put('a', '')]), later()]);
    expect(events).toEqual(['written a+b true']);
  });

  test('resolves no batch before the write that carries it', async () => {
    const { engine, events } = recorded();
    const store = new CommittedStore(engine);
    await Promise.all([
      store.batch([put('a', '')]).then(() => events.push('a')),
      store.batch([put('b', '')], { sync: false }).then(() => events.push('b')),
      store.batch([put('c', '')]).then(() => events.push('c')),
    ]);
    expect(events).toEqual(['written a true', 'a', 'written b+c true', 'b', 'c']);
  });

  test('writes all that waits before it closes the engine', async () => {
    const { engine, events } = recorded();
    const store = new CommittedStore(engine);
    const waiting = [store.batch([put('a', '')]), store.batch([put('b', '')])];
    await store.close();
    await Promise.all(waiting);
    expect(events).toEqual(['written a true', 'written b true', 'closed']);
  });

  test('syncs when any batch of the group asks for it', async () => {
    const store = new MemoryStore();
    await Promise.all([
      store.batch([put('a', '')], { sync: false }),
      store.batch([put('b', '')], { sync: false }),
      store.batch([put('c', '')]),
    ]);
    expect((await collect(store.crash().entries(''))).map(([key]) => key)).toEqual(['a', 'b', 'c']);
  });
});

describe('after a failed write', () => {
  test.each([true, false])('the handle is dead, whether or not the write reached the disk (%s)', async (applied) => {
    const store = new MemoryStore();
    await store.batch([put('a', 'old')]);
    store.failWrite(1, { applied });
    const waiting = [store.batch([put('a', 'new')]), store.batch([put('b', 'b')])];
    for (const one of await Promise.allSettled(waiting))
      expect(one).toMatchObject({ reason: { code: 'store-failed' } });

    await expect(store.get('a')).rejects.toMatchObject({ code: 'store-failed' });
    await expect(store.batch([put('c', 'c')])).rejects.toMatchObject({ code: 'store-failed' });
    await expect(collect(store.entries(''))).rejects.toMatchObject({ code: 'store-failed' });
    const reopened = store.crash();
    expect(await reopened.get('a')).toEqual(ascii(applied ? 'new' : 'old'));
    expect(await reopened.get('b')).toBeUndefined();
  });

  test('a power cut loses what was not synced, a kill does not', async () => {
    const store = new MemoryStore();
    await store.batch([put('a', 'synced')]);
    await store.batch([put('b', 'not')], { sync: false });
    expect((await collect(store.kill().entries(''))).map(([key]) => key)).toEqual(['a', 'b']);
    expect((await collect(store.crash().entries(''))).map(([key]) => key)).toEqual(['a']);
  });
});

/** An engine that takes a turn of the event loop for each write, and keeps nothing. */
function recorded(): { readonly engine: Engine; readonly events: string[] } {
  const events: string[] = [];
  const engine: Engine = {
    get: async () => undefined,
    write: async (operations, sync) => {
      await setImmediate();
      events.push(`written ${operations.map(({ key }) => key).join('+')} ${sync}`);
    },
    entries: async function* () {},
    close: async () => {
      events.push('closed');
    },
  };
  return { engine, events };
}

describe('a store in memory that is cut off', () => {
  const begun = async (nth: number, moment: Cut['moment']) => {
    const store = new MemoryStore();
    let died = 0;
    store.cut({ nth, moment, died: () => void (died += 1) });
    const ended: string[] = [];
    const step = (name: string, doing: Promise<void>): void => void doing.then(() => ended.push(name));
    step('synced', store.batch([put('a', 'synced')]));
    await setImmediate();
    step('unsynced', store.batch([put('b', 'unsynced')], { sync: false }));
    await setImmediate();
    store.beside.writeCounter(0, ascii('1'));
    store.beside.writeCounter(0, ascii('23'));
    step('copy', store.beside.writeCopy('c', ascii('copy')));
    await setImmediate();
    step('erase', store.beside.eraseCopy('c'));
    await setImmediate();
    const found = store.crash();
    const text = (value: Uint8Array): string => new TextDecoder().decode(value).replaceAll('\0', '.');
    const left = [...(await collect(found.entries(''))), ...found.beside.files].map(
      ([key, value]) => `${key}=${text(value)}`,
    );
    return { died, ended, left, operations: store.operations };
  };

  test.each([
    [1, 'before', [], []],
    [1, 'after', [], ['a=synced']],
    [2, 'after', ['synced'], ['a=synced', 'b=unsynced']],
    [3, 'before', ['synced', 'unsynced'], ['a=synced']],
    [4, 'before', ['synced', 'unsynced'], ['a=synced', 'counter=1']],
    [4, 'within', ['synced', 'unsynced'], ['a=synced', 'b=unsynced', 'counter=2']],
    [5, 'before', ['synced', 'unsynced'], ['a=synced', 'counter=1']],
    [5, 'after', ['synced', 'unsynced'], ['a=synced', 'b=unsynced', 'counter=23', 'c=copy']],
    [6, 'within', ['synced', 'unsynced', 'copy'], ['a=synced', 'b=unsynced', 'counter=23', 'c=..py']],
  ] as const)(
    'at its operation %i (%s) ends none that comes after, and keeps what it would',
    async (nth, moment, ended, left) => {
      const run = await begun(nth, moment);
      expect(run.died).toBe(1);
      expect(run.ended).toEqual(ended);
      expect(run.operations).toHaveLength(nth);
      expect(run.left).toEqual(left);
    },
  );
});
