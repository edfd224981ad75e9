import { spawn } from 'node:child_process';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ascii, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, flipped, keyFileRoot, keyring, owner, sealer, temporaryFolder } from '../../test/fixtures.ts';
import { openDatabase } from '../database.ts';
import { MemoryStore } from '../memory.ts';
import type { Store } from '../store.ts';
import { type Keyring, openKeyring } from './hierarchy.ts';

const open = async (store: MemoryStore): Promise<Keyring> => openKeyring(store, keyFileRoot(), owner, sealer('again'));
const put = async ({ records }: Keyring, text: string): Promise<void> =>
  records.put('identity', 'identity', ascii(text));
const copyOf = async (store: MemoryStore): Promise<ReadonlyMap<string, Uint8Array>> =>
  new Map(await collect(store.entries('')));

/** A store of which four batches were written, and what it had after each. */
async function lived(): Promise<{
  store: MemoryStore;
  records: ReadonlyMap<string, Uint8Array>[];
  counters: Uint8Array[];
}> {
  const store = new MemoryStore();
  const unlocked = await keyring(store);
  const records = [await copyOf(store)];
  const counters = [store.beside.files.get('counter') as Uint8Array];
  for (const text of ['a', 'b', 'c']) {
    await put(unlocked, text);
    records.push(await copyOf(store));
    counters.push(store.beside.files.get('counter') as Uint8Array);
  }
  return { store, records, counters };
}

const withCounter = (records: ReadonlyMap<string, Uint8Array>, counter: Uint8Array | undefined): MemoryStore =>
  new MemoryStore(records, new Map(counter === undefined ? [] : [['counter', counter]]));

describe('the counter beside the store', () => {
  test('refuses a store that is older than it, by whatever', async () => {
    const { records, counters } = await lived();
    for (const [i, old] of records.entries()) {
      for (const [j, counter] of counters.entries()) {
        const opening = open(withCounter(old, counter));
        if (j > i) await expect(opening).rejects.toMatchObject({ code: 'rolled-back' });
        else await expect(opening).resolves.toBeDefined();
      }
    }
  });

  test('refuses an older copy of the folder on a real disk, and nothing after a process was killed', async () => {
    const data = await temporaryFolder();
    const at = async (): Promise<Store> => openDatabase(join(data, 'store'), data);
    const first = await at();
    (await keyring(first)).close();
    await first.close();
    await cp(join(data, 'store'), join(data, 'older'), { recursive: true });

    const script = `import { openDatabase } from ${JSON.stringify(new URL('../database.ts', import.meta.url).href)};
      import { keyring } from ${JSON.stringify(new URL('../../test/fixtures.ts', import.meta.url).href)};
      const { records } = await keyring(await openDatabase(${JSON.stringify(join(data, 'store'))}, ${JSON.stringify(data)}));
      for (let i = 0; ; i++) {
        await Promise.all([0, 1, 2].map((j) => records.put('bans/' + i + j, 'ban', new Uint8Array(9))));
        process.stdout.write(i + '\\n');
      }`;
    const child = spawn(process.execPath, ['--conditions=@quorate/source', '--input-type=module', '-e', script]);
    for await (const line of createInterface({ input: child.stdout })) if (line === '20') child.kill('SIGKILL');
    const killed = await at();
    await expect(openKeyring(killed, keyFileRoot(), owner, sealer('x'))).resolves.toBeDefined();
    await killed.close();

    await rm(join(data, 'store'), { recursive: true });
    await rename(join(data, 'older'), join(data, 'store'));
    const older = await at();
    await expect(openKeyring(older, keyFileRoot(), owner, sealer('x'))).rejects.toMatchObject({ code: 'rolled-back' });
    await older.close();
  });

  test('says what to do', async () => {
    const { records, counters } = await lived();
    await expect(open(withCounter(records[0] as never, counters[3]))).rejects.toThrow(/ROLLED BACK.*newest copy/);
  });

  test('catches up with a store that was written just before a crash', async () => {
    const { records, counters } = await lived();
    const store = withCounter(records[3] as never, counters[2]);
    await open(store);
    await expect(open(withCounter(records[2] as never, store.beside.files.get('counter')))).rejects.toMatchObject({
      code: 'rolled-back',
    });
  });

  test('refuses another copy of the store that went on by itself as far', async () => {
    const { store } = await lived();
    const twin = store.kill();
    await put(await open(store.kill()), 'here');
    const there = await open(twin);
    await put(there, 'there');
    const other = store.kill();
    await put(await open(other), 'other');
    await expect(open(withCounter(await copyOf(twin), other.beside.files.get('counter')))).rejects.toMatchObject({
      code: 'rolled-back',
    });
  });

  test('that is gone, or unreadable in both slots, is not taken for a new one', async () => {
    const { records, counters } = await lived();
    const now = counters[3] as Uint8Array;
    for (const counter of [undefined, new Uint8Array(0), new Uint8Array(now.length), now.subarray(0, 60)])
      await expect(open(withCounter(records[3] as never, counter))).rejects.toMatchObject({ code: 'counter-missing' });
    // Only of a store that was made this moment: the first batch is written before the counter.
    await expect(open(withCounter(records[0] as never, undefined))).resolves.toBeDefined();
  });

  test('outlives a torn write and any flipped bit, since there are two', async () => {
    const { records, counters } = await lived();
    const [before, now] = counters.slice(2) as [Uint8Array, Uint8Array];
    for (let bit = 0; bit < 8 * now.length; bit += 41)
      await expect(open(withCounter(records[3] as never, flipped(now, bit)))).resolves.toBeDefined();
    for (let length = 0; length < now.length; length += 9) {
      const torn = before.slice();
      torn.set(now.subarray(0, length));
      await expect(open(withCounter(records[3] as never, torn))).resolves.toBeDefined();
      await expect(open(withCounter(records[1] as never, torn))).rejects.toMatchObject({ code: 'rolled-back' });
    }
  });

  test('that cannot be written fails the write, and every later one', async () => {
    const store = new MemoryStore();
    const unlocked = await keyring(store);
    const write = store.beside.writeCounter.bind(store.beside);
    Object.assign(store.beside, {
      writeCounter: () => {
        throw new Error('EIO');
      },
    });
    await expect(put(unlocked, 'x')).rejects.toThrow('EIO');
    Object.assign(store.beside, { writeCounter: write });
    await expect(put(unlocked, 'y')).rejects.toThrow('EIO');
    await expect(put(await open(store.crash()), 'z')).resolves.toBeUndefined();
  });

  test('is laid out as documented', async () => {
    const { counters } = await lived();
    await expect(toHex(counters[3] as Uint8Array)).toMatchFileSnapshot('golden/counter.hex');
  });
});
