import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, concat, seeded } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { flipped, temporaryFolder } from '../test/fixtures.ts';
import { openDatabase } from './database.ts';
import { checkTable, filesIn, TableError } from './tables.ts';

/** A database with one table, and the table's path. */
async function written(): Promise<{ readonly folder: string; readonly path: string; readonly table: Uint8Array }> {
  const folder = join(await temporaryFolder(), 'store');
  const store = await openDatabase(folder);
  const randomness = seeded(ascii('tables'));
  for (let i = 0; i < 400; i++) {
    const key = `records/${(i % 300).toString().padStart(5, '0')}`;
    const put = { type: 'put', key, value: randomness.bytes(20 + (i % 90)) } as const;
    await store.batch([i % 7 === 3 ? { type: 'delete', key } : put]);
  }
  await store.close();
  // Opening moves what is in the log into a table.
  await (await openDatabase(folder)).close();
  const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.ldb'));
  const path = join(folder, name);
  return { folder, path, table: new Uint8Array(await readFile(path)) };
}

describe('a table that LevelDB wrote', () => {
  test('is in order', async () => {
    const { table } = await written();
    expect(table.length).toBeGreaterThan(10_000);
    expect(() => checkTable(table)).not.toThrow();
  });

  test('is refused if it is cut short anywhere', async () => {
    const { table } = await written();
    for (let length = 0; length < table.length; length += 97)
      expect(() => checkTable(table.subarray(0, length)), `${length}`).toThrow(TableError);
  });

  test('and of which what holds it together was damaged is refused with a word, before it is read', async () => {
    const { folder, path, table } = await written();
    // The length of the first key.
    await writeFile(path, flipped(table, 8 + 4));
    const opening = openDatabase(folder);
    await expect(opening).rejects.toMatchObject({ code: 'store-damaged', file: path });
    await writeFile(path, table);
    await (await openDatabase(folder)).close();
  });

  test.each(['', 'half a table'])(
    'and was left unfinished by a crash is nothing to LevelDB, nor to us: "%s"',
    async (text) => {
      const { folder } = await written();
      await writeFile(join(folder, '000999.ldb'), text);
      await (await openDatabase(folder)).close();
      expect(await readdir(folder)).not.toContain('000999.ldb');
    },
  );

  test('is in the descriptor until another takes its place', async () => {
    const { folder, path } = await written();
    const live = async (): Promise<readonly string[]> => {
      const [name = ''] = (await readdir(folder)).filter((one) => one.startsWith('MANIFEST-'));
      const { tables } = filesIn(new Uint8Array(await readFile(join(folder, name))));
      return [...tables].map((number) => join(folder, `${String(number).padStart(6, '0')}.ldb`));
    };
    expect(await live()).toContain(path);
    const store = await openDatabase(folder);
    const all = Array.from({ length: 300 }, (_, i) => `records/${i.toString().padStart(5, '0')}`);
    await store.batch(all.map((key) => ({ type: 'delete', key })));
    await store.purge(all.map((key) => ({ type: 'delete', key })));
    await store.batch([{ type: 'put', key: 'records/new', value }]);
    await store.close();
    await (await openDatabase(folder)).close();
    const left = await live();
    expect(left).not.toContain(path);
    expect(left).not.toEqual([]);
    for (const one of left) expect((await readFile(one)).length).toBeGreaterThan(0);
  });

  test('and whose descriptor is damaged is left to LevelDB, which refuses it', async () => {
    const { folder } = await written();
    const [name = ''] = (await readdir(folder)).filter((one) => one.startsWith('MANIFEST-'));
    const descriptor = new Uint8Array(await readFile(join(folder, name)));
    for (let bit = 0; bit < 8 * descriptor.length; bit += 61) {
      await writeFile(join(folder, name), flipped(descriptor, bit));
      await expect(openDatabase(folder), `bit ${bit}`).rejects.toMatchObject({ name: 'StoreError' });
    }
    await writeFile(join(folder, name), descriptor);
    await (await openDatabase(folder)).close();
  });
});

interface Written {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly shared?: number;
  readonly length?: number;
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const keyOf = (text: string, number = 1n): Uint8Array =>
  concat(ascii(text), new Uint8Array(BigUint64Array.of(number).buffer));

/** A block, with one restart at its beginning unless told otherwise. */
function blockOf(entries: readonly Written[], restarts: readonly number[] = [0], count = restarts.length): Uint8Array {
  const parts = entries.flatMap(({ key, length, shared = 0, value }) => [
    Uint8Array.of(shared, length ?? key.length, value.length),
    key,
    value,
  ]);
  return concat(...parts, ...restarts.map(u32), u32(count));
}

/** A table of one block of keys, all of whose numbers are below 128. */
function tableOf(data: Uint8Array, { compressed = 0, size = data.length, footer = 48 } = {}): Uint8Array {
  const trailer = (kind = 0): Uint8Array => Uint8Array.of(kind, 0, 0, 0, 0);
  const meta = blockOf([]);
  const index = blockOf([{ key: keyOf('z'), value: Uint8Array.of(0, size) }]);
  const at = [data.length + 5, data.length + 5 + meta.length + 5] as const;
  const handles = Uint8Array.of(at[0], meta.length, at[1], index.length);
  const end = concat(handles, new Uint8Array(48 - 4)).subarray(0, footer);
  return concat(data, trailer(compressed), meta, trailer(), index, trailer(), end);
}

const value = ascii('value');
const [a, b] = [keyOf('a'), keyOf('b')];
const tableWith = (...entries: readonly Written[]): Uint8Array => tableOf(blockOf(entries));

test('a table that is put together by hand is in order', () => {
  expect(() => checkTable(tableWith({ key: a, value }, { key: b, value }))).not.toThrow();
  expect(() => checkTable(tableWith({ key: keyOf('a', 2n), value }, { key: a, value }))).not.toThrow();
  expect(() => checkTable(tableWith({ key: a, value }, { key: b.subarray(1), value, shared: 1 }))).toThrow('order');
});

test.each([
  ['a footer that is cut short', new Uint8Array(47), 'cut short'],
  ['a block that ends beyond the table', tableOf(blockOf([{ key: a, value }]), { size: 127 }), 'ends beyond it'],
  ['a handle that is no number', concat(new Uint8Array(48).fill(255)), 'a length is cut short'],
  ['a block that says it is compressed', tableOf(blockOf([{ key: a, value }]), { compressed: 1 }), 'compressed'],
  ['a block without a number of restarts', tableOf(new Uint8Array(3)), 'too short'],
  ['a block without restarts', tableOf(blockOf([{ key: a, value }], [])), 'none'],
  ['a block of restarts only, and more of them', tableOf(blockOf([{ key: a, value }], [0], 99)), 'too many'],
  ['a key that shares more than there is', tableWith({ key: a, value, shared: 1 }), 'shares more'],
  ['a key without a number', tableWith({ key: ascii('short'), value }), 'too short'],
  ['a key that ends beyond its block', tableWith({ key: a, value, length: 90 }), 'beyond its block'],
  ['a restart between entries', tableOf(blockOf([{ key: a, value }], [1])), 'restart'],
  [
    'a restart at a key that shares',
    tableOf(
      blockOf(
        [
          { key: a, value },
          { key: b, value, shared: 1 },
        ],
        [0, 17],
      ),
    ),
    'restart',
  ],
  ['keys out of order', tableWith({ key: b, value }, { key: a, value }), 'order'],
  ['a key twice', tableWith({ key: a, value }, { key: a, value }), 'order'],
  ['an older number before a newer one', tableWith({ key: a, value }, { key: keyOf('a', 2n), value }), 'order'],
])('%s is refused', (_what, table, why) => {
  expect(() => checkTable(table)).toThrow(TableError);
  expect(() => checkTable(table)).toThrow(why);
});

/** A log of LevelDB: pieces of records, each in one block. The last one may be cut short. */
function logOf(records: readonly Uint8Array[]): Uint8Array {
  const block = 32 * 1024;
  const parts: Uint8Array[] = [];
  let at = 0;
  const write = (bytes: Uint8Array): void => {
    parts.push(bytes);
    at += bytes.length;
  };
  for (const record of records) {
    for (let begun = false, done = 0; !begun || done < record.length; begun = true) {
      const left = block - (at % block);
      if (left < 7) write(new Uint8Array(left));
      const piece = record.subarray(done, done + block - (at % block) - 7);
      done += piece.length;
      const [first, last] = [!begun, done === record.length];
      const kind = first ? (last ? 1 : 2) : last ? 4 : 3;
      write(concat(new Uint8Array(4), Uint8Array.of(piece.length & 255, piece.length >> 8, kind), piece));
    }
  }
  return concat(...parts);
}

const number = (n: number): Uint8Array => Uint8Array.of((n & 127) | 128, n >> 7);
const slice = (length: number): Uint8Array => concat(number(length), new Uint8Array(length));
const added = (n: number, keys = 9): Uint8Array =>
  concat(Uint8Array.of(7, 1), number(n), number(5), slice(keys), slice(keys));

test('a descriptor of many blocks says which tables are in use, as far as it was written', () => {
  // Every third one takes the place of the one before it.
  const edits = Array.from({ length: 3000 }, (_, i) =>
    concat(...(i % 3 === 2 ? [Uint8Array.of(6, 1), number(i - 1)] : []), added(i, i % 50)),
  );
  const head = concat(Uint8Array.of(1), slice(26), Uint8Array.of(2), number(3), Uint8Array.of(5, 2), slice(4000));
  const whole = logOf([head, ...edits, added(9000, 8000), added(9001)]);
  const expected = Array.from({ length: 3000 }, (_, i) => i).filter((i) => i % 3 !== 1);
  const sorted = (log: Uint8Array): readonly number[] => [...filesIn(log).tables].toSorted((a, b) => a - b);
  expect(sorted(whole)).toEqual([...expected, 9000, 9001]);
  expect(sorted(whole.subarray(0, -1)).at(-1)).toBe(9000);
  expect(() => filesIn(logOf([Uint8Array.of(99)]))).toThrow(TableError);
});
