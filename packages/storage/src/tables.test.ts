import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, concat, seeded } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { flipped, temporaryFolder } from '../test/fixtures.ts';
import { openDatabase } from './database.ts';
import { checkTable, TableError } from './tables.ts';

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
    await expect(opening).rejects.toMatchObject({ code: 'store-unavailable', message: expect.stringContaining(path) });
    await writeFile(path, table);
    await (await openDatabase(folder)).close();
  });

  test('and that is gone before it is looked at is none', async () => {
    const { folder } = await written();
    await symlink(join(folder, 'nothing'), join(folder, '000001.ldb'));
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

test('a table that is put together by hand is in order', () => {
  expect(() =>
    checkTable(
      tableOf(
        blockOf([
          { key: a, value },
          { key: b, value },
        ]),
      ),
    ),
  ).not.toThrow();
  expect(() =>
    checkTable(
      tableOf(
        blockOf([
          { key: keyOf('a', 2n), value },
          { key: a, value },
        ]),
      ),
    ),
  ).not.toThrow();
  expect(() =>
    checkTable(
      tableOf(
        blockOf([
          { key: a, value },
          { key: b.subarray(1), value, shared: 1 },
        ]),
      ),
    ),
  ).toThrow('order');
});

test.each([
  ['a footer that is cut short', new Uint8Array(47), 'cut short'],
  ['a block that ends beyond the table', tableOf(blockOf([{ key: a, value }]), { size: 127 }), 'ends beyond it'],
  ['a handle that is no number', concat(new Uint8Array(48).fill(255)), 'a length is cut short'],
  ['a block that says it is compressed', tableOf(blockOf([{ key: a, value }]), { compressed: 1 }), 'compressed'],
  ['a block without a number of restarts', tableOf(new Uint8Array(3)), 'too short'],
  ['a block without restarts', tableOf(blockOf([{ key: a, value }], [])), 'none'],
  ['a block of restarts only, and more of them', tableOf(blockOf([{ key: a, value }], [0], 99)), 'too many'],
  ['a key that shares more than there is', tableOf(blockOf([{ key: a, value, shared: 1 }])), 'shares more'],
  ['a key without a number', tableOf(blockOf([{ key: ascii('short'), value }])), 'too short'],
  ['a key that ends beyond its block', tableOf(blockOf([{ key: a, value, length: 90 }])), 'beyond its block'],
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
  [
    'keys out of order',
    tableOf(
      blockOf([
        { key: b, value },
        { key: a, value },
      ]),
    ),
    'order',
  ],
  [
    'a key twice',
    tableOf(
      blockOf([
        { key: a, value },
        { key: a, value },
      ]),
    ),
    'order',
  ],
  [
    'an older number before a newer one',
    tableOf(
      blockOf([
        { key: a, value },
        { key: keyOf('a', 2n), value },
      ]),
    ),
    'order',
  ],
])('%s is refused', (_what, table, why) => {
  expect(() => checkTable(table)).toThrow(TableError);
  expect(() => checkTable(table)).toThrow(why);
});
