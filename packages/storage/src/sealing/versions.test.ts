import { ascii, concat, toHex } from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { collect, keyFileRoot, owner, sealer } from '../../test/fixtures.ts';
import { fill, keyIds, survey, verdict } from '../../test/node-data.ts';
import { AuditLog } from '../audit/log.ts';
import { examine } from '../doctor.ts';
import { KeyRepository } from '../keys/repository.ts';
import { RequestLedger } from '../ledger/requests.ts';
import { limits } from '../limits.ts';
import { MemoryStore } from '../memory.ts';
import { changeRoot, type Keyring, openKeyring } from './hierarchy.ts';
import { places } from './places.ts';
import type { SealedStore } from './sealed-store.ts';

type Disk = readonly [records: ReadonlyMap<string, Uint8Array>, files: ReadonlyMap<string, Uint8Array>];

const [first, second] = keyIds.map(toHex) as [string, string];
const copyName = `${first}-0000000002`;
const versioned = places.filter(({ version }) => version !== undefined);
/** What a layout of which nothing is known may look like. */
const unknown = concat(Uint8Array.of(2), ascii('laid out as nobody here knows '.repeat(9)));
const later = (bytes: Uint8Array): Uint8Array => bytes.with(0, 2);

let lived: Disk;

beforeAll(async () => {
  const store = new MemoryStore();
  await fill(store);
  lived = await diskOf(store);
});

async function diskOf(store: MemoryStore): Promise<Disk> {
  return [new Map(await collect(store.entries(''))), new Map(store.beside.files)];
}

const node = (): MemoryStore => new MemoryStore(...lived);
const open = async (store: MemoryStore): Promise<Keyring> => openKeyring(store, keyFileRoot(), owner, sealer('later'));
const start = async (store: MemoryStore): Promise<KeyRepository> => KeyRepository.open(await open(store));

/** Puts bytes at a place, as they are, behind the back of whoever keeps count. */
async function lay(store: MemoryStore, key: string, value: Uint8Array): Promise<void> {
  await store.batch([{ type: 'put', key, value }]);
}

async function bytesAt(store: MemoryStore, key: string): Promise<Uint8Array> {
  return (await store.get(key)) as Uint8Array;
}

/** A place of the kind that begins so, and what is there, opened; of a ledger, whose records never change, a new place. */
async function recordOf(keyring: Keyring, prefix: string, kind: string): Promise<readonly [string, Uint8Array]> {
  for await (const [place, bytes] of keyring.records.entries(prefix, kind)) {
    const isLedger = /^(?:sessions|requests|results)\//.test(prefix);
    return [isLedger ? place.replace(/[0-9a-f]{60}/, 'f'.repeat(60)) : place, bytes];
  }
  throw new Error(`a node that lived has a record of each kind: ${prefix}`);
}

/** Neither a start, nor the doctor, nor a change of the root writes anything; each says where the record is. */
async function expectRefused(store: MemoryStore, place: string, isCertain: boolean): Promise<void> {
  const before = await diskOf(store);
  const error = { name: 'VersionError', code: 'newer-version', place, isCertain };
  await expect(start(store), place).rejects.toMatchObject(error);
  const found = await examine(store, keyFileRoot(), owner, sealer('doctor'));
  expect(found).toMatchObject([{ code: 'newer-version', place, problem: expect.stringContaining('newer version') }]);
  expect(found[0]?.remedy).toMatch(/^run the version of Quorate that ran here last; nothing was changed/);
  expect(found[0]?.remedy.includes('damaged')).toBe(!isCertain);
  if (!place.startsWith('copies/'))
    await expect(changeRoot(store, keyFileRoot(), async () => keyFileRoot(9), owner, sealer())).rejects.toMatchObject(
      error,
    );
  expect(await diskOf(store), place).toEqual(before);
}

describe('a record that a newer version wrote is refused, and nothing is written', () => {
  test.each(versioned)('$prefix', async ({ prefix, kind, room }) => {
    const store = node();
    const keyring = await open(store);
    const [place, bytes] = await recordOf(keyring, prefix, kind);
    const operation = keyring.records.seal(place, kind, later(bytes));
    if (room === 'uncovered') await store.batch([operation]);
    else await keyring.records.batch([operation]);
    keyring.close();
    await expectRefused(store, place, true);
  });

  test('though there is also what would be healed', async () => {
    const store = node();
    const keyring = await open(store);
    const [place, bytes] = await recordOf(keyring, `keys/${second}`, 'key');
    await keyring.records.put(place, 'key', later(bytes));
    keyring.close();
    await store.batch([`shares/${first}/0000000002`, 'manifest', 'pages/node'].map((key) => ({ type: 'delete', key })));
    await expectRefused(store, place, true);
  });

  test('in a slot of the counter', async () => {
    const store = node();
    const { records } = await open(store);
    const slots = store.beside.files.get('counter') as Uint8Array;
    const middle = slots.length / 2;
    for (const at of [0, middle]) {
      const opened = records.unseal('counter', 'counter', slots.slice(at, at + middle)) as Uint8Array;
      const operation = records.seal('counter', 'counter', later(opened));
      if (operation.type !== 'put') throw new Error('a sealed record is put');
      const file = slots.slice();
      file.set(operation.value, at);
      await expectRefused(new MemoryStore(lived[0], new Map([...lived[1], ['counter', file]])), 'counter', true);
    }
  });

  /** A node that lived so long that a start does not look at all it wrote. */
  async function longLived(): Promise<readonly [MemoryStore, SealedStore]> {
    const store = node();
    const { records } = await open(store);
    const sessions = Array.from({ length: limits.versionScan }, (_, i) =>
      records.seal(`sessions/${i.toString().padStart(64, '0')}/x`, 'session', Uint8Array.of(1)),
    );
    await records.batch(sessions);
    return [store, records];
  }

  test('of a ledger that is too long to be looked through, when it is read', async () => {
    const [store, records] = await longLived();
    const id = new Uint8Array(32).fill(0xff);
    await records.put(`requests/${toHex(id)}`, 'request', Uint8Array.of(2, 0));
    const requests = new RequestLedger((await open(store)).records);
    const before = await diskOf(store);
    const error = { code: 'newer-version', place: `requests/${toHex(id)}` };
    await expect(requests.get(id)).rejects.toMatchObject(error);
    await expect(requests.register(id, new Uint8Array(32), 5, ascii('x'))).rejects.toMatchObject(error);
    await expect(requests.recordResult(id, ascii('x'))).rejects.toMatchObject(error);
    expect(await examine(store, keyFileRoot(), owner, sealer())).toMatchObject([error]);
    expect(await diskOf(store)).toEqual(before);
  });

  test('at the end of the audit log, and is not called broken', async () => {
    const [store, records] = await longLived();
    const [place, bytes] = (await collect(records.entries('audit/', 'audit'))).at(-1) as [string, Uint8Array];
    await store.batch([records.seal(place, 'audit', later(bytes))]);
    const before = await diskOf(store);
    const error = { code: 'newer-version', place };
    await expect(AuditLog.open((await open(store)).records)).rejects.toMatchObject(error);
    expect(await examine(store, keyFileRoot(), owner, sealer())).toMatchObject([error]);
    expect(await diskOf(store)).toEqual(before);
  });
});

describe('a header', () => {
  test('of a later version is refused, or damaged: both are said', async () => {
    for (const version of [2, 3, 255]) {
      const store = node();
      await lay(store, 'header', (await bytesAt(store, 'header')).with(0, version));
      await expectRefused(store, 'header', false);
    }
    const store = node();
    await lay(store, 'header', (await bytesAt(store, 'header')).with(0, 0));
    await expect(open(store)).rejects.toMatchObject({ code: 'record-damaged', place: 'header' });
  });
});

describe('a record whose sealing says that it is of a later version', () => {
  test('is refused where the manifest counts it, whatever it is', async () => {
    for (const place of [
      'identity',
      `keys/${first}`,
      `shares/${first}/0000000002`,
      `data-keys/${second}/0000000002`,
      `material/${first}/0000000002/00002`,
    ]) {
      const store = node();
      const { records } = await open(store);
      await records.batch([{ type: 'put', key: place, value: later(await bytesAt(store, place)) }]);
      await expectRefused(store, place, true);
    }
    const store = node();
    const { records } = await open(store);
    const place = `results/${'f'.repeat(64)}`;
    await records.batch([{ type: 'put', key: place, value: unknown }]);
    await expectRefused(store, place, true);
  });

  test('is damaged where the manifest counts another, and healed as ever', async () => {
    const truth = await survey(node());
    const dropped = `material/${first}/0000000003/00002`;
    const again = node();
    await lay(again, dropped, later(await bytesAt(again, `material/${first}/0000000002/00002`)));
    expect((await start(again)).takeFindings()).toMatchObject([{ kind: 'record-unknown', place: dropped }]);
    for (const [place, expected] of [
      [`keys/${first}`, 'detected'],
      [`shares/${first}/0000000002`, 'healed'],
      [`material/${first}/0000000002/00002`, 'detected'],
      ['manifest', 'healed'],
      ['pages/node', 'healed'],
      [`pages/key/${first}`, 'healed'],
    ] as const) {
      const store = node();
      await lay(store, place, later(await bytesAt(store, place)));
      const found = await survey(store);
      expect(found).not.toHaveProperty('refused');
      expect([place, verdict(truth, found)]).toEqual([place, expected]);
    }
  });

  test('is refused if it is a page or the root of the manifest, unless the rest proves what it said', async () => {
    for (const [place, gone] of [
      ['manifest', 'pages/node'],
      ['pages/node', 'boot'],
    ] as const) {
      const store = node();
      await lay(store, place, unknown);
      await store.batch([gone, 'boot'].map((key) => ({ type: 'delete', key })));
      await expectRefused(store, place, false);
    }
    const alone = new MemoryStore(lived[0], new Map([...lived[1]].filter(([name]) => name !== 'counter')));
    await lay(alone, 'manifest', unknown);
    await expectRefused(alone, 'manifest', false);
  });

  test('is refused if it is the root and a slot of the counter is as new: the other slot is of before', async () => {
    const store = node();
    // Of which pages and sum are those of before.
    await (await open(store)).records.batch([]);
    const [before, after] = [lived[1], store.beside.files].map((files) => files.get('counter') as Uint8Array) as [
      Uint8Array,
      Uint8Array,
    ];
    const middle = after.length / 2;
    const newest = toHex(before.slice(0, middle)) === toHex(after.slice(0, middle)) ? middle : 0;
    await lay(store, 'manifest', unknown);
    store.beside.files.set('counter', after.with(newest, 2));
    await expectRefused(store, 'manifest', false);
  });
});

describe('a second copy', () => {
  const withCopy = (name: string, change: (copy: Uint8Array) => Uint8Array): MemoryStore => {
    const store = node();
    store.beside.files.set(name, change(store.beside.files.get(copyName) as Uint8Array));
    return store;
  };

  test('that a newer version may have written is refused before anything is healed', async () => {
    const store = withCopy(copyName, (copy) => concat(later(copy), ascii('and more')));
    await store.batch([{ type: 'delete', key: `shares/${second}/0000000002` }]);
    await expectRefused(store, `copies/${copyName}`, false);
    const [found] = await examine(store, keyFileRoot(), owner, sealer());
    expect(found?.remedy).toMatch(/move it away, and it is made anew from the record/);
    store.beside.files.delete(copyName);
    const keys = await start(store);
    expect(
      keys
        .takeFindings()
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['copy-restored', 'share-restored']);
  });

  test('of which only the byte of the version differs is damaged, and made anew', async () => {
    const store = withCopy(copyName, later);
    expect((await start(store)).takeFindings()).toMatchObject([{ kind: 'copy-restored' }]);
    expect(store.beside.files.get(copyName)).toEqual(lived[1].get(copyName));
  });

  test('of an epoch that is not here is left alone, and so is what is no copy', async () => {
    for (const name of [copyName.replace(/2$/, '9'), 'Größen']) {
      const store = withCopy(name, () => unknown);
      expect((await start(store)).takeFindings()).toMatchObject([{ kind: 'copy-unknown', place: `copies/${name}` }]);
      expect(store.beside.files.get(name)).toEqual(unknown);
    }
  });
});

test('what means nothing here is not repaired over, and every refusal is a typed one', async () => {
  const share = { keyId: keyIds[0] as Uint8Array, epoch: 2, name: 'key 0', scheme: 'ecdsa', createdAt: 1 };
  for (const [place, kind] of [
    [`keys/${first}`, 'key'],
    [`epochs/${first}/0000000003`, 'epoch'],
  ] as const) {
    const store = node();
    const keyring = await open(store);
    const keys = await KeyRepository.open(keyring);
    const bytes = (await keyring.records.get(place, kind)) as Uint8Array;
    await keyring.records.put(place, kind, later(bytes));
    const before = await diskOf(store);
    using own = await keys.share(share.keyId, 2);
    const ready = new Uint8Array(32).fill(0x55);
    const [publicPackage, certificate] = [ascii('package'), ascii('certificate')];
    const error = { name: 'VersionError', place };
    await expect(
      keys.repair({ ...share, share: own, ready, publicPackage, certificate }, () => {}),
    ).rejects.toMatchObject(error);
    await expect(KeyRepository.open(keyring)).rejects.toMatchObject(error);
    // Damage beside it does not hide it.
    await store.batch([{ type: 'delete', key: kind === 'epoch' ? `keys/${first}` : `epochs/${first}/0000000001` }]);
    await expect(KeyRepository.open(keyring)).rejects.toMatchObject(error);
    expect(store.beside.files).toEqual(before[1]);
  }
});
