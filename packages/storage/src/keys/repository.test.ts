import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, equal, Secret, seeded, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, failingAtEachWrite, keyring, sealer, temporaryFolder } from '../../test/fixtures.ts';
import { openDatabase } from '../database.ts';
import { limits } from '../limits.ts';
import { MemoryStore } from '../memory.ts';
import type { Store, StoreOperation } from '../store.ts';
import { KeyRepository, type PreparedEpoch } from './repository.ts';

const keyId = new Uint8Array(32).fill(0xaa);
const shareBytes = seeded(ascii('share canary')).bytes(32);
const ready = new Uint8Array(32).fill(0x55);
const certificate = ascii('READY of all');

function prepared(change: Partial<PreparedEpoch> = {}): PreparedEpoch {
  return {
    keyId,
    epoch: 1,
    name: 'treasury',
    scheme: 'ed25519',
    publicPackage: ascii('public package'),
    share: new Secret(shareBytes.slice()),
    ready,
    createdAt: 1_700_000_000_000,
    ...change,
  };
}

/** Stands for share·G against the verifying share: this file's shares belong to the package `public package`. */
const check = (share: Secret, publicPackage: Uint8Array): void => {
  if (!share.use((bytes) => equal(bytes, shareBytes)) || !equal(publicPackage, ascii('public package')))
    throw new Error('the share does not fit');
};
const anything = (): void => {};

const open = async (store: Store): Promise<KeyRepository> => KeyRepository.open(await keyring(store));
const stateOf = (keys: KeyRepository): string | undefined => keys.byName('treasury')?.epochs[0]?.state;

describe('an epoch', () => {
  test('goes from prepared over certified to active, and is found again in each state', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.prepare(prepared(), check);
    expect(keys.get(keyId)).toMatchObject({ name: 'treasury', scheme: 'ed25519', frozen: false, current: undefined });
    expect((await open(store)).get(keyId)).toEqual(keys.get(keyId));
    expect(stateOf(keys)).toBe('prepared');

    await keys.certify(keyId, 1, ready, certificate);
    expect(keys.get(keyId)?.current).toMatchObject({ epoch: 1, state: 'certified', certificate });
    expect((await open(store)).list()).toEqual(keys.list());

    await keys.activate(keyId, 1);
    expect(keys.get(keyId)?.current).toMatchObject({ epoch: 1, state: 'active', certificate });
    expect((await open(store)).list()).toEqual(keys.list());
    using share = await keys.share(keyId, 1);
    expect(share.use((bytes) => bytes.slice())).toEqual(shareBytes);
  });

  describe('keeps what was set up with other parties', () => {
    const secretOf = (text: string): Secret => new Secret(seeded(ascii(text)).bytes(9_000));
    const bytesOf = (secret: Secret | undefined): Uint8Array | undefined => secret?.use((bytes) => bytes.slice());
    const kept = async (repository: KeyRepository, party: number): Promise<Uint8Array | undefined> => {
      using secret = await repository.material(keyId, 1, party);
      return bytesOf(secret);
    };
    const partiesIn = (repository: KeyRepository) => repository.get(keyId)?.epochs[0]?.material;
    const material = new Map([2, 5].map((party) => [party, secretOf(`material canary ${party}`)]));

    test('beside the share, each under the same data key', async () => {
      const store = new MemoryStore();
      const keys = await open(store);
      await keys.prepare(prepared({ material }), check);
      for (const repository of [keys, await open(store)]) {
        for (const [party, secret] of material) expect(await kept(repository, party)).toEqual(bytesOf(secret));
        expect(await kept(repository, 3)).toBeUndefined();
        expect(partiesIn(repository)).toEqual([2, 5]);
      }
      // The same epoch again, with other material or none, is another epoch.
      const others = [
        undefined,
        new Map([[2, secretOf('material canary 2')]]),
        new Map([...material, [6, secretOf('x')]]),
        new Map([...material, [5, secretOf('x')]]),
      ];
      for (const other of others) {
        await expect(keys.prepare(prepared({ material: other }), check)).rejects.toMatchObject({
          code: 'epoch-not-new',
        });
      }
      const without = await open(new MemoryStore());
      await without.prepare(prepared(), check);
      expect([await kept(without, 2), partiesIn(without)]).toEqual([undefined, []]);
      const place = (await collect(store.entries(''))).find(([key]) => key.startsWith('material/'));
      if (place === undefined) throw new Error('the material has a record of its own');
      const [key, record] = place;
      await store.batch([{ type: 'put', key, value: record.with(60, (record[60] as number) ^ 1) }]);
      await expect(open(store)).rejects.toMatchObject({ code: 'record-damaged', place: key });
    });

    test('until it is replaced, or dropped: then it is gone from the disk, whatever else fails', async () => {
      const store = new MemoryStore();
      const keys = await open(store);
      await keys.prepare(prepared({ material }), check);
      await keys.certify(keyId, 1, ready, certificate);
      await keys.replaceMaterial(keyId, 1, 2, secretOf('new'));
      await keys.replaceMaterial(keyId, 1, 3, secretOf('first'));
      await keys.dropMaterial(keyId, 1, [5, 7]);
      await keys.activate(keyId, 1);
      for (const reopen of [async () => keys, async () => open(store.crash())]) {
        const repository = await reopen();
        expect(partiesIn(repository)).toEqual([2, 3]);
        expect(await Promise.all([2, 3, 5].map(async (party) => kept(repository, party)))).toEqual([
          bytesOf(secretOf('new')),
          bytesOf(secretOf('first')),
          undefined,
        ]);
      }
    });

    test('and counts what was dropped as gone at once, even if the disk fails', async () => {
      const store = new MemoryStore();
      const keys = await open(store);
      await keys.prepare(prepared({ material }), check);
      store.failWrite(1);
      await expect(keys.dropMaterial(keyId, 1, [2])).rejects.toMatchObject({ code: 'store-failed' });
      expect(partiesIn(keys)).toEqual([5]);
    });
  });

  test('does not skip a state, nor go back', async () => {
    const keys = await open(new MemoryStore());
    await expect(keys.certify(keyId, 1, ready, certificate)).rejects.toMatchObject({ code: 'unknown-key' });
    await keys.prepare(prepared(), check);
    await expect(keys.certify(keyId, 2, ready, certificate)).rejects.toMatchObject({ code: 'unknown-epoch' });
    await expect(keys.activate(keyId, 1)).rejects.toMatchObject({ code: 'invalid-transition' });
    await keys.certify(keyId, 1, ready, certificate);
    await keys.activate(keyId, 1);
    await keys.activate(keyId, 1);
    await keys.certify(keyId, 1, ready, certificate);
    await keys.prepare(prepared(), check);
    expect(stateOf(keys)).toBe('active');
  });

  test('is certified for the statement that was prepared, and keeps its first certificate', async () => {
    const keys = await open(new MemoryStore());
    await keys.prepare(prepared(), check);
    const other = new Uint8Array(32).fill(0x56);
    await expect(keys.certify(keyId, 1, other, certificate)).rejects.toMatchObject({ code: 'certificate-differs' });
    expect(stateOf(keys)).toBe('prepared');
    await keys.certify(keyId, 1, ready, certificate);
    await expect(keys.certify(keyId, 1, other, certificate)).rejects.toMatchObject({ code: 'certificate-differs' });
    await keys.certify(keyId, 1, ready, ascii('the same READYs in another order'));
    expect(keys.get(keyId)?.current?.certificate).toEqual(certificate);
  });

  test('of the highest number wins once it is certified, whatever the order', async () => {
    const keys = await open(new MemoryStore());
    for (const epoch of [1, 4, 9]) await keys.prepare(prepared({ epoch }), check);
    await keys.certify(keyId, 4, ready, certificate);
    expect(keys.get(keyId)?.current?.epoch).toBe(4);
    await keys.certify(keyId, 1, ready, certificate);
    expect(keys.get(keyId)?.current?.epoch).toBe(4);
    await keys.certify(keyId, 9, ready, certificate);
    expect(keys.get(keyId)?.current?.epoch).toBe(9);
  });

  test.each<[string, Partial<PreparedEpoch>]>([
    ['statement', { ready: new Uint8Array(32) }],
    ['public package', { publicPackage: ascii('another') }],
    ['share', { share: new Secret(new Uint8Array(32)) }],
  ])('is not prepared twice with another %s: one READY per epoch', async (_what, change) => {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.prepare(prepared(), anything);
    const before = await collect(store.entries(''));
    await keys.prepare(prepared(), anything);
    await expect(keys.prepare(prepared(change), anything)).rejects.toMatchObject({ code: 'epoch-not-new' });
    expect(await collect(store.entries(''))).toEqual(before);
  });

  test('is above every earlier one', async () => {
    const keys = await open(new MemoryStore());
    await keys.prepare(prepared({ epoch: 5 }), check);
    await expect(keys.prepare(prepared({ epoch: 4 }), check)).rejects.toMatchObject({ code: 'epoch-not-new' });
    await keys.prepare(prepared({ epoch: 7 }), check);
    expect(keys.get(keyId)?.epochs.map(({ epoch }) => epoch)).toEqual([5, 7]);
  });

  test('is not prepared without end while none is certified', async () => {
    const keys = await open(new MemoryStore());
    for (let epoch = 1; epoch <= limits.uncertifiedEpochs; epoch++) await keys.prepare(prepared({ epoch }), check);
    await expect(keys.prepare(prepared({ epoch: 9 }), check)).rejects.toMatchObject({ code: 'too-many-attempts' });
    await keys.certify(keyId, 3, ready, certificate);
    await keys.prepare(prepared({ epoch: 9 }), check);
  });

  test('whose share does not fit is not kept', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    const attempt = keys.prepare(prepared({ share: new Secret(new Uint8Array(32)) }), check);
    await expect(attempt).rejects.toThrow('does not fit');
    expect(keys.list()).toEqual([]);
    expect(await collect(store.entries('shares/'))).toEqual([]);
  });

  test('is checked again as the disk gives it back', async () => {
    let checks = 0;
    const keys = await open(new MemoryStore());
    const secondTimeBad = (): void => {
      checks += 1;
      if (checks === 2) throw new Error('the share does not fit');
    };
    await expect(keys.prepare(prepared(), secondTimeBad)).rejects.toThrow('does not fit');
  });

  test('that a lying disk did not keep is not prepared', async () => {
    const store = new MemoryStore();
    const unlocked = await keyring(store);
    const keys = await KeyRepository.open(unlocked);
    const batch = store.batch.bind(store);
    const withoutShare = (operations: readonly StoreOperation[]): Promise<void> =>
      batch(operations.filter(({ key }) => !key.startsWith('shares/')));
    Object.assign(store, { batch: withoutShare });
    await expect(keys.prepare(prepared(), check)).rejects.toMatchObject({ code: 'record-damaged', reason: 'missing' });
  });
});

describe('a key', () => {
  test('never shares its name, nor changes it or its scheme', async () => {
    const keys = await open(new MemoryStore());
    await keys.prepare(prepared(), check);
    const other = new Uint8Array(32).fill(0xbb);
    await expect(keys.prepare(prepared({ keyId: other }), check)).rejects.toMatchObject({ code: 'name-taken' });
    await expect(keys.prepare(prepared({ epoch: 2, name: 'x' }), check)).rejects.toMatchObject({ code: 'name-taken' });
    const taproot = prepared({ epoch: 2, scheme: 'taproot' });
    await expect(keys.prepare(taproot, check)).rejects.toMatchObject({ code: 'scheme-differs' });
    expect(keys.list()).toHaveLength(1);
  });

  test('is claimed once when two ceremonies end at the same time', async () => {
    const keys = await open(new MemoryStore());
    const ids = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
    const claims = await Promise.allSettled(ids.map((id) => keys.prepare(prepared({ keyId: id }), check)));
    expect(claims.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  test('stays frozen over a restart, and thaws', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    await expect(keys.freeze(keyId, true)).rejects.toMatchObject({ code: 'unknown-key' });
    await keys.prepare(prepared(), check);
    await keys.freeze(keyId, true);
    await keys.prepare(prepared({ epoch: 2 }), check);
    const reopened = await open(store);
    expect(reopened.get(keyId)?.frozen).toBe(true);
    await reopened.freeze(keyId, false);
    expect((await open(store)).get(keyId)?.frozen).toBe(false);
  });
});

describe('damage', () => {
  async function twoKeys(): Promise<MemoryStore> {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.prepare(prepared(), check);
    await keys.prepare(prepared({ epoch: 2 }), check);
    await keys.prepare(prepared({ keyId: new Uint8Array(32).fill(0xbb), name: 'other' }), check);
    return store;
  }

  test.each(['keys/', 'epochs/', 'shares/', 'data-keys/'])(
    'of any record under %s shows when opening',
    async (prefix) => {
      const store = await twoKeys();
      for (const [key, value] of await collect(store.entries(prefix))) {
        const damaged = value.slice();
        damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
        await store.batch([{ type: 'put', key, value: damaged }]);
        await expect(open(store)).rejects.toMatchObject({ code: 'record-damaged', place: key });
        await store.batch([{ type: 'put', key, value }]);
      }
    },
  );

  test.each(['keys/', 'shares/', 'data-keys/'])('by loss of any record under %s shows when opening', async (prefix) => {
    const store = await twoKeys();
    for (const [key, value] of await collect(store.entries(prefix))) {
      await store.batch([{ type: 'delete', key }]);
      await expect(open(store)).rejects.toMatchObject({ code: 'record-damaged', place: key, reason: 'missing' });
      await store.batch([{ type: 'put', key, value }]);
    }
  });

  test('by swapping the shares of two keys, or two epochs, shows when opening', async () => {
    const store = await twoKeys();
    const shares = await collect(store.entries('shares/'));
    for (const [a, one] of shares) {
      for (const [b, two] of shares.filter(([other]) => other > a)) {
        await store.batch([
          { type: 'put', key: a, value: two },
          { type: 'put', key: b, value: one },
        ]);
        await expect(open(store)).rejects.toMatchObject({ code: 'record-damaged' });
        await store.batch([
          { type: 'put', key: a, value: one },
          { type: 'put', key: b, value: two },
        ]);
      }
    }
    await expect(open(store)).resolves.toBeDefined();
  });
});

test('whichever write fails, what was acknowledged is there, and nothing by halves', async () => {
  const order = ['none', 'prepared', 'certified', 'active'];
  const writes = await failingAtEachWrite(
    async (store, acknowledged) => {
      const keys = await open(store);
      await keys.prepare(prepared(), check);
      acknowledged.push('prepared');
      await keys.certify(keyId, 1, ready, certificate);
      acknowledged.push('certified');
      await keys.activate(keyId, 1);
      acknowledged.push('active');
    },
    async (store, acknowledged) => {
      const keys = await open(store);
      const found = stateOf(keys) ?? 'none';
      expect(order.indexOf(found)).toBeGreaterThanOrEqual(order.indexOf(acknowledged.at(-1) ?? 'none'));
      if (found !== 'none') (await keys.share(keyId, 1)).wipe();
      else expect(await collect(store.entries('shares/'))).toEqual([]);
      await keys.prepare(prepared(), check);
      await keys.certify(keyId, 1, ready, certificate);
      await keys.activate(keyId, 1);
      expect(stateOf(await open(store))).toBe('active');
    },
  );
  expect(writes).toBe(4);
});

test('on a real disk, the share is nowhere in the files, in no encoding', async () => {
  const folder = await temporaryFolder();
  const scan = async (): Promise<Buffer> => {
    const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file))));
    const all = Buffer.concat(files);
    for (const canary of [shareBytes, toHex(shareBytes), Buffer.from(shareBytes).toString('base64'), 'treasury'])
      expect(all.includes(canary)).toBe(false);
    return all;
  };
  const store = await openDatabase(folder);
  const keys = await KeyRepository.open(await keyring(store, sealer('disk')));
  await keys.prepare(prepared(), check);
  await keys.certify(keyId, 1, ready, certificate);
  const sealed = (await store.get(`shares/${toHex(keyId)}/0000000001`)) as Uint8Array;
  await store.close();
  expect((await scan()).includes(sealed)).toBe(true);

  // Opening moves the records from the log into a table.
  const reopened = await openDatabase(folder);
  using share = await (await open(reopened)).share(keyId, 1);
  expect(share.use((bytes) => equal(bytes, shareBytes))).toBe(true);
  await reopened.close();
  expect((await scan()).includes(sealed)).toBe(true);
});
