import { toHex } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { collect, flipped, keyFileRoot, owner, sealer } from '../test/fixtures.ts';
import { fill, keyIds } from '../test/node-data.ts';
import { type Diagnosis, examine } from './doctor.ts';
import { MemoryStore } from './memory.ts';

async function lived(): Promise<MemoryStore> {
  const store = new MemoryStore();
  await fill(store);
  return store;
}

const look = async (store: MemoryStore): Promise<readonly Diagnosis[]> =>
  examine(store, keyFileRoot(), owner, sealer('doctor'));

async function without(place: (key: string) => boolean): Promise<MemoryStore> {
  const store = await lived();
  const gone = (await collect(store.entries(''))).map(([key]) => key).filter(place);
  expect(gone).not.toEqual([]);
  await store.batch(gone.map((key) => ({ type: 'delete', key })));
  return store;
}

test('finds nothing in a healthy store, and changes nothing in it', async () => {
  const store = await lived();
  const before = [await collect(store.entries('')), new Map(store.beside.files)];
  expect(await look(store)).toEqual([]);
  expect([await collect(store.entries('')), store.beside.files]).toEqual(before);
});

const [first] = keyIds.map(toHex) as [string];

test.each<[string, (key: string) => boolean, Partial<Diagnosis>]>([
  ['a ban', (key) => key.startsWith('bans/'), { code: 'record-damaged', place: 'node' }],
  ['the manifest', (key) => key === 'manifest', { code: 'manifest-restored', place: 'manifest' }],
  ['a page', (key) => key === 'pages/node', { code: 'manifest-restored', place: 'pages/node' }],
  ['the record of a key', (key) => key === `keys/${first}`, { code: 'key-quarantined', place: `keys/${first}` }],
  ['an epoch', (key) => key === `epochs/${first}/0000000001`, { code: 'key-quarantined', place: `key/${first}` }],
  ['a share', (key) => key === `shares/${first}/0000000002`, { code: 'share-restored' }],
  ['a pair', (key) => key === `material/${first}/0000000002/00002`, { code: 'pair-quarantined' }],
  ['an answer', (key) => key.startsWith('results/'), { code: 'record-damaged' }],
  ['an old audit entry', (key) => key === 'audit/000000000000002', { code: 'audit-broken' }],
])('says which record is gone, what it means and what to do: %s', async (_what, place, expected) => {
  const findings = await look(await without(place));
  expect(findings).toMatchObject([expected]);
  for (const finding of findings) for (const text of Object.values(finding)) expect(text).toMatch(/\S/);
});

test('says of an answer that was altered what the node does without it: it starts', async () => {
  const store = await lived();
  for await (const [key, value] of store.entries('results/'))
    await store.batch([{ type: 'put', key, value: flipped(value, 8 * (value.length - 18)) }]);
  const findings = await look(store);
  expect(findings).not.toEqual([]);
  for (const { code, meaning } of findings) {
    expect(code).toBe('record-damaged');
    expect(meaning).toMatch(/^this node refuses the requests/);
  }
});

test('says of a quarantined key its name, and sends to the other members before it sends to an old copy', async () => {
  const [finding] = await look(await without((key) => key === `epochs/${first}/0000000001`));
  expect(finding).toMatchObject({ code: 'key-quarantined', key: 'key 0' });
  expect(finding?.remedy).toMatch(
    /^start the node and run `quorate keys repair key 0`: .* Only if .* the newest copy .* back to its day$/,
  );
  const [nameless] = await look(await without((key) => key === `keys/${first}`));
  expect(nameless).not.toHaveProperty('key');
  expect(nameless?.remedy).toContain('`quorate keys repair <name>`');
});

test('says once what is wrong and once what to do, and does not send to itself', async () => {
  const damaged = [
    await without((key) => key.startsWith('bans/')),
    await without((key) => key === `epochs/${first}/0000000001`),
    await without((key) => key.startsWith('results/')),
  ];
  const uncounted = await lived();
  uncounted.beside.files.delete('counter');
  for (const store of [...damaged, uncounted])
    for (const { meaning, problem, remedy } of await look(store)) {
      expect(`${problem} ${meaning} ${remedy}`).not.toMatch(/run `quorate doctor`/);
      expect(problem).not.toMatch(/copy of the whole|make a new/);
      expect(remedy.match(/newest copy of the whole/g) ?? []).toHaveLength(1);
    }
});

test('says so when the store was rolled back', async () => {
  const store = new MemoryStore();
  let old: ReadonlyMap<string, Uint8Array> = new Map();
  await fill(store, async () => {
    if (old.size === 0) old = new Map(await collect(store.entries('')));
  });
  const back = new MemoryStore(old, store.beside.files);
  expect(await look(back)).toMatchObject([
    { code: 'rolled-back', place: 'counter', remedy: expect.stringContaining('newest copy') },
  ]);
});

test('refuses a wrong key, which is no finding', async () => {
  await expect(examine(await lived(), keyFileRoot(9), owner, sealer())).rejects.toMatchObject({
    code: 'wrong-key-file',
  });
});
