import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, equal, Secret, seeded, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import {
  collect,
  contentsOf,
  failingAtEachWrite,
  flipped,
  keyFileRoot,
  keyring,
  owner,
  sealer,
  temporaryFolder,
} from '../../test/fixtures.ts';
import { openDatabase } from '../database.ts';
import { examine } from '../doctor.ts';
import { MemoryStore } from '../memory.ts';
import type { Store } from '../store.ts';
import type { PreparedEpoch, RepairedEpoch } from './prepared.ts';
import { KeyRepository } from './repository.ts';

const keyId = new Uint8Array(32).fill(0xaa);
const other = new Uint8Array(32).fill(0xbb);
const certificate = ascii('READY of all');
const ready = new Uint8Array(32).fill(0x55);
/** The highest number when the epochs were made, by the clock. */
const last = 1_700_000_000;
const shareOf = (epoch: number): Uint8Array => seeded(ascii(`share ${epoch}`)).bytes(32);

function prepared(epoch: number, change: Partial<PreparedEpoch> = {}): PreparedEpoch {
  return {
    keyId,
    epoch,
    name: 'treasury',
    scheme: 'ecdsa',
    publicPackage: ascii(`package ${epoch}`),
    share: new Secret(shareOf(epoch)),
    ready,
    createdAt: 1_700_000_000_000,
    ...change,
  };
}

const repaired = (epoch: number): RepairedEpoch => ({ ...prepared(epoch), certificate });

/** Stands for share·G: the share of an epoch belongs to its package. */
const check = (share: Secret, publicPackage: Uint8Array): void => {
  const fits = [1, 2, 3, 4].some(
    (epoch) => equal(publicPackage, ascii(`package ${epoch}`)) && share.use((bytes) => equal(bytes, shareOf(epoch))),
  );
  if (!fits) throw new Error('the share does not fit');
};

const open = async (store: Store): Promise<KeyRepository> => KeyRepository.open(await keyring(store));
const place = (prefix: string, epoch: number): string => `${prefix}/${toHex(keyId)}/000000000${epoch}`;
const copy = (epoch: number): string => `${toHex(keyId)}-000000000${epoch}`;
const statesIn = (keys: KeyRepository) => keys.get(keyId)?.epochs.map(({ epoch, state }) => [epoch, state]);

/** Epochs 1 (shredded), 2 (in use) and 3 (prepared), and another key. */
async function threeEpochs(store = new MemoryStore()): Promise<MemoryStore> {
  const keys = await open(store);
  const material = new Map([[4, new Secret(seeded(ascii('material')).bytes(64))]]);
  for (const epoch of [1, 2]) {
    await keys.prepare(prepared(epoch, { material }), check);
    await keys.certify(keyId, epoch, ready, certificate);
    await keys.activate(keyId, epoch);
  }
  await keys.shred(keyId, 1);
  await keys.prepare(prepared(3), check);
  await keys.prepare(prepared(1, { keyId: other, name: 'other' }), check);
  return store;
}

async function expectShare(keys: KeyRepository, epoch: number): Promise<void> {
  using share = await keys.share(keyId, epoch);
  expect(share.use(toHex)).toBe(toHex(shareOf(epoch)));
}

test('a copy of what was shredded is erased, though another epoch of its key is damaged', async () => {
  const before = new MemoryStore();
  await (await open(before)).prepare(prepared(1), check);
  const store = await threeEpochs();
  store.beside.files.set(copy(1), before.beside.files.get(copy(1)) as Uint8Array);
  const record = (await store.get(place('epochs', 2))) as Uint8Array;
  const lost = [place('data-keys', 3), place('shares', 3)].map((key) => ({ type: 'delete', key }) as const);
  await store.batch([...lost, { type: 'put', key: place('epochs', 2), value: flipped(record, 300) }]);
  const keys = await open(store);
  expect(keys.get(keyId)?.quarantined).toBeDefined();
  expect([...store.beside.files.keys()]).not.toContain(copy(1));
  // What is in use, or may be certified yet, stays.
  expect([...store.beside.files.keys()]).toEqual(expect.arrayContaining([copy(2), copy(3)]));
});

test('a copy stays whose epoch a record that was put back calls shredded', async () => {
  const store = await threeEpochs();
  const shredded = (await store.get(place('epochs', 1))) as Uint8Array;
  const used = await threeEpochs(new MemoryStore());
  await used.batch([
    { type: 'put', key: place('epochs', 1), value: shredded },
    { type: 'put', key: place('data-keys', 1), value: new Uint8Array(100) },
    { type: 'delete', key: place('epochs', 2) },
  ]);
  used.beside.files.set(copy(1), new Uint8Array(100));
  await open(used);
  expect([...used.beside.files.keys()]).toContain(copy(1));
});

describe('a repair', () => {
  test('makes the key whole again, whatever was lost of it, in both copies; the other epochs stay as they are', async () => {
    const whole = await threeEpochs();
    const places = (await collect(whole.entries(''))).map(([key]) => key).filter((key) => key.includes(toHex(keyId)));
    const secrets = places.filter((key) => !/^(?:pages|material)\//.test(key));
    for (const lost of [...secrets, 'all of epoch 2']) {
      const store = await threeEpochs();
      for (const key of lost === 'all of epoch 2' ? places.filter((one) => one.endsWith('2')) : [lost])
        await store.batch([{ type: 'delete', key }]);
      const isShare = /^(?:shares|data-keys)/.test(lost);
      if (isShare) store.beside.files.delete(copy(Number(lost.at(-1))));
      const damaged = await open(store);
      const { quarantined, remains = [] } = damaged.get(keyId) ?? {};
      expect(quarantined, lost).toBeDefined();
      if (isShare) expect(remains.map((one) => one.publicPackage)).toContainEqual(ascii('package 2'));
      await damaged.repair(repaired(2), check);
      // Of an epoch that was lost nothing lies about.
      const isKept = lost !== place('epochs', 3) && !(isShare && lost.endsWith('3'));
      const copies = [...store.beside.files.keys()].filter((name) => name.startsWith(toHex(keyId)));
      expect(copies.toSorted(), lost).toEqual([copy(2), ...(isKept ? [copy(3)] : [])]);
      for (const reopen of [async () => damaged, async () => open(store.crash())]) {
        const keys = await reopen();
        const old = lost === place('epochs', 1) ? [] : [[1, 'shredded']];
        const next = [[3, isKept ? 'prepared' : 'shredded']];
        // What left no trace may have had any number.
        const any = lost === place('epochs', 1) ? [[last, 'shredded']] : [];
        expect(statesIn(keys), lost).toEqual([...old, [2, 'certified'], ...next, ...any]);
        await expectShare(keys, 2);
        expect(keys.get(keyId)).toMatchObject({
          name: 'treasury',
          scheme: 'ecdsa',
          current: { epoch: 2, material: [] },
        });
        expect(keys.get(keyId)?.current?.certificate).toEqual(certificate);
        expect(keys.get(other)?.quarantined).toBeUndefined();
        if (next[0]?.[1] === 'prepared') await expectShare(keys, 3);
      }
      // A share that is lost later is healed from the new copy.
      const later = store.crash();
      await later.batch([{ type: 'delete', key: place('shares', 2) }]);
      await expectShare(await open(later), 2);
    }
  });

  test('leaves nothing in the files of an epoch that it forgets', async () => {
    const data = await temporaryFolder();
    const store = await openDatabase(join(data, 'store'), data);
    const keys = await open(store);
    await keys.prepare(
      prepared(1, { material: new Map([[4, new Secret(seeded(ascii('material')).bytes(64))]]) }),
      check,
    );
    const places = ['data-keys', 'shares', 'material'].map((prefix) => place(prefix, 1));
    const sealed = (await Promise.all(places.map(async (one) => collect(store.entries(one))))).flat();
    expect(sealed).toHaveLength(3);
    const present = async (): Promise<number> => {
      const all = await contentsOf(data);
      return sealed.filter(([, value]) => all.includes(value.subarray(1, 65))).length;
    };
    expect(await present()).toBe(3);
    await store.batch([{ type: 'delete', key: place('epochs', 1) }]);
    await (await open(store)).repair(repaired(2), check);
    expect(await present()).toBe(0);
    await store.close();
  });

  test('of the epoch in use, after files were compacted and the doctor looked, costs the next epoch nothing, on a real disk', async () => {
    const data = await temporaryFolder();
    const restart = async (): Promise<Store> => openDatabase(join(data, 'store'), data);
    let store = await restart();
    const material = new Map([[4, new Secret(seeded(ascii('material')).bytes(64))]]);
    let keys = await open(store);
    for (const epoch of [1, 2]) {
      await keys.prepare(prepared(epoch, { material }), check);
      await keys.certify(keyId, epoch, ready, certificate);
      await keys.activate(keyId, epoch);
    }
    await keys.prepare(prepared(3, { material }), check);
    await keys.shred(keyId, 1);
    await store.batch([{ type: 'delete', key: place('shares', 2) }]);
    await rm(join(data, 'copies', copy(2)));
    await store.close();

    store = await restart();
    const look = async () => examine(store, keyFileRoot(), owner, sealer('doctor'));
    expect(await look()).toMatchObject([{ code: 'key-quarantined', place: place('shares', 2) }]);
    keys = await open(store);
    await keys.repair(repaired(2), check);
    await expectShare(keys, 2);
    await store.close();

    store = await restart();
    expect(await look()).toEqual([]);
    keys = await open(store);
    expect(statesIn(keys)).toEqual([
      [1, 'shredded'],
      [2, 'certified'],
      [3, 'prepared'],
    ]);
    await keys.certify(keyId, 3, ready, certificate);
    await keys.activate(keyId, 3);
    await expectShare(keys, 3);
    await keys.shred(keyId, 2);
    await store.close();

    store = await restart();
    keys = await open(store);
    expect(keys.takeFindings()).toEqual([]);
    expect(statesIn(keys)).toEqual([
      [1, 'shredded'],
      [2, 'shredded'],
      [3, 'active'],
    ]);
    await expectShare(keys, 3);
    await store.close();
  });

  test('gives a key of which nothing is left', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.repair(repaired(2), check);
    await keys.activate(keyId, 2);
    const again = await open(store.crash());
    expect(statesIn(again)).toEqual([
      [2, 'active'],
      [last, 'shredded'],
    ]);
    await expectShare(again, 2);
  });

  test('promises nothing once more under a number whose record was lost, whatever is left of it', async () => {
    const lostOf3: ((store: MemoryStore) => Promise<void>)[] = [
      async (store) => store.batch([{ type: 'delete', key: place('epochs', 3) }]),
      async (store) => {
        const record = (await store.get(place('epochs', 3))) as Uint8Array;
        await store.batch([{ type: 'put', key: place('epochs', 3), value: flipped(record, 200) }]);
      },
      async (store) =>
        store.batch(['epochs', 'shares'].map((prefix) => ({ type: 'delete', key: place(prefix, 3) }) as const)),
      async (store) =>
        store.batch(
          ['epochs', 'shares', 'data-keys'].map((prefix) => ({ type: 'delete', key: place(prefix, 3) }) as const),
        ),
    ];
    for (const [i, lose] of lostOf3.entries()) {
      const store = await threeEpochs();
      await lose(store);
      const damaged = await open(store);
      await damaged.repair(repaired(2), check);
      for (const keys of [damaged, await open(store.crash())]) {
        const other = prepared(3, { ready: new Uint8Array(32).fill(0x66) });
        await expect(keys.prepare(other, check), `${i}`).rejects.toMatchObject({ code: 'epoch-not-new' });
        await expect(keys.approve(other), `${i}`).rejects.toMatchObject({ code: 'epoch-not-new' });
        expect(keys.get(keyId)?.epochs.at(-1)?.epoch).toBe(i === 3 ? last : 3);
      }
      expect([...store.beside.files.keys()]).not.toContain(copy(3));
    }
  });

  test('takes no number for one that was lost that nobody can have had', async () => {
    const store = await threeEpochs();
    const beyond = `epochs/${toHex(keyId)}/${last + 1}`;
    await store.batch([
      { type: 'put', key: beyond, value: (await store.get(place('epochs', 3))) as Uint8Array },
      { type: 'delete', key: place('shares', 2) },
    ]);
    store.beside.files.delete(copy(2));
    const keys = await open(store);
    await keys.repair(repaired(2), check);
    expect(keys.get(keyId)?.epochs.at(-1)?.epoch).toBe(3);
  });

  test('takes a share that fits its package, and no other', async () => {
    const store = await threeEpochs();
    const keys = await open(store);
    const before = await collect(store.entries(''));
    await expect(keys.repair({ ...repaired(2), share: new Secret(shareOf(1)) }, check)).rejects.toThrow(/does not fit/);
    expect(await collect(store.entries(''))).toEqual(before);
  });

  test('of an epoch below the one in use is refused, and of a name that is another key’s', async () => {
    const keys = await open(await threeEpochs());
    await expect(keys.repair(repaired(1), check)).rejects.toMatchObject({ code: 'epoch-retired' });
    await expect(keys.repair({ ...repaired(4), name: 'other' }, check)).rejects.toMatchObject({ code: 'name-taken' });
  });

  test('replaces a prepared epoch of the same number, and a copy that differs', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.prepare(prepared(2, { share: new Secret(shareOf(1)), publicPackage: ascii('package 1') }), check);
    await keys.repair(repaired(2), check);
    await expectShare(await open(store), 2);
    expect(statesIn(keys)).toEqual([[2, 'certified']]);
  });

  test('keeps the operator’s freeze, and that the key was exported', async () => {
    const store = await threeEpochs();
    const before = await open(store);
    await before.freeze(keyId, true);
    await before.markExported(keyId);
    await store.batch([{ type: 'delete', key: place('epochs', 2) }]);
    const keys = await open(store);
    await keys.repair(repaired(2), check);
    expect(keys.get(keyId)).toMatchObject({ frozen: true, exported: true });
  });

  test('is done or not done, whichever write fails', async () => {
    await failingAtEachWrite(
      async (store) => {
        await threeEpochs(store);
        const share = place('shares', 2);
        const record = (await store.get(share)) as Uint8Array;
        await store.batch([{ type: 'put', key: share, value: flipped(record, 60) }]);
        store.beside.files.delete(copy(2));
        await (await open(store)).repair(repaired(2), check);
      },
      async (store) => {
        const keys = await open(store);
        if (keys.get(keyId)?.quarantined !== undefined) await keys.repair(repaired(2), check);
        if (keys.get(keyId)?.current?.epoch === 2) await expectShare(keys, 2);
      },
    );
  });
});
