import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, equal, Secret, seeded, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import {
  collect,
  contentsOf,
  failingAtEachWrite,
  flipped,
  keyring,
  sealer,
  temporaryFolder,
} from '../../test/fixtures.ts';
import { openDatabase } from '../database.ts';
import { limits } from '../limits.ts';
import { MemoryStore } from '../memory.ts';
import type { Store, StoreOperation } from '../store.ts';
import type { OutsideEpoch, PreparedEpoch } from './prepared.ts';
import { KeyRepository } from './repository.ts';

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
/** An epoch of which this node has no share. */
const outside = (change: Partial<OutsideEpoch> = {}): OutsideEpoch => {
  const { share: _, material: __, ...rest } = prepared(change);
  return rest;
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
      using secret = await repository.materials.get(keyId, 1, party);
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
    });

    const place = (party: number): string => `material/${toHex(keyId)}/0000000001/0000${party}`;
    test.each(['altered', 'missing', 'outdated'])(
      'and loses no more than one pair to a record that is %s: what is left of it goes, for something new',
      async (reason) => {
        const store = new MemoryStore();
        const keys = await open(store);
        await keys.prepare(prepared({ material }), check);
        await keys.certify(keyId, 1, ready, certificate);
        const old = (await store.get(place(2))) as Uint8Array;
        await keys.materials.replace(keyId, 1, 2, secretOf('second'));
        const now = (await store.get(place(2))) as Uint8Array;
        const damage = { altered: flipped(now, 8 * 200), missing: undefined, outdated: old }[reason];
        await store.batch([
          damage === undefined ? { type: 'delete', key: place(2) } : { type: 'put', key: place(2), value: damage },
        ]);

        const found = await open(store);
        expect(found.takeFindings()).toEqual([{ kind: 'pair-quarantined', place: place(2), reason }]);
        expect(found.get(keyId)).toMatchObject({ quarantined: undefined, current: { epoch: 1, material: [5] } });
        expect(await Promise.all([2, 5].map(async (party) => kept(found, party)))).toEqual([
          undefined,
          bytesOf(secretOf('material canary 5')),
        ]);
        expect(await store.get(place(2))).toBeUndefined();

        const again = await open(store);
        expect([again.takeFindings(), partiesIn(again)]).toEqual([[], [5]]);
        await again.materials.replace(keyId, 1, 2, secretOf('third'));
        expect(await kept(await open(store), 2)).toEqual(bytesOf(secretOf('third')));
      },
    );

    test('and never takes back what was dropped, though somebody puts it there again', async () => {
      const store = new MemoryStore();
      const keys = await open(store);
      await keys.prepare(prepared({ material }), check);
      const burnt = (await store.get(place(2))) as Uint8Array;
      await keys.materials.drop(keyId, 1, [2]);
      await store.batch([{ type: 'put', key: place(2), value: burnt }]);
      await expect(kept(keys, 2)).rejects.toMatchObject({ code: 'record-damaged', reason: 'outdated' });
      const found = await open(store);
      expect(found.takeFindings()).toEqual([{ kind: 'record-unknown', place: place(2) }]);
      expect([await kept(found, 2), partiesIn(found)]).toEqual([undefined, [5]]);
      expect(await store.get(place(2))).toBeUndefined();
      expect((await open(store)).takeFindings()).toEqual([]);
    });

    test('until it is replaced, or dropped: then it is gone from the disk, whatever else fails', async () => {
      const store = new MemoryStore();
      const keys = await open(store);
      await keys.prepare(prepared({ material }), check);
      await keys.certify(keyId, 1, ready, certificate);
      await keys.materials.replace(keyId, 1, 2, secretOf('new'));
      await keys.materials.replace(keyId, 1, 3, secretOf('first'));
      await keys.materials.drop(keyId, 1, [5, 7]);
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
      await expect(keys.materials.drop(keyId, 1, [2])).rejects.toMatchObject({ code: 'store-failed' });
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

  test('is prepared or approved only if it still may be when its turn comes', async () => {
    const keys = await open(new MemoryStore());
    const expectNothingAbove = (epoch: number) => (): void => {
      if (keys.get(keyId)?.epochs.some((one) => one.epoch > epoch) === true) throw new Error('overtaken');
    };
    await keys.prepare(prepared(), check);
    const begun = [
      keys.prepare(prepared({ epoch: 2 }), check, expectNothingAbove(1)),
      keys.prepare(prepared({ epoch: 3 }), check, expectNothingAbove(1)),
      keys.approve(outside({ epoch: 4 }), expectNothingAbove(1)),
      // What is there already was promised.
      keys.prepare(prepared(), check, expectNothingAbove(1)),
    ];
    const outcomes = await Promise.allSettled(begun);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(keys.get(keyId)?.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  test('is not prepared without end while none is certified', async () => {
    const keys = await open(new MemoryStore());
    for (let epoch = 1; epoch <= limits.uncertifiedEpochs; epoch++) await keys.prepare(prepared({ epoch }), check);
    const next = { epoch: limits.uncertifiedEpochs + 1 };
    await expect(keys.prepare(prepared(next), check)).rejects.toMatchObject({ code: 'too-many-attempts' });
    expect(keys.get(keyId)?.attempts).toBe(limits.uncertifiedEpochs);
    await keys.certify(keyId, 3, ready, certificate);
    expect(keys.get(keyId)?.attempts).toBe(limits.uncertifiedEpochs - 3);
    await keys.prepare(prepared(next), check);
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
  const other = new Uint8Array(32).fill(0xbb);

  async function twoKeys(): Promise<MemoryStore> {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.prepare(prepared(), check);
    await keys.prepare(prepared({ epoch: 2 }), check);
    await keys.prepare(prepared({ keyId: other, name: 'other' }), check);
    expect(keys.takeFindings()).toEqual([]);
    return store;
  }

  const damaged = (value: Uint8Array): Uint8Array => flipped(value, 8 * value.length - 1);
  const sharesOf = async (keys: KeyRepository): Promise<void> => {
    for (const [id, epoch] of [
      [keyId, 1],
      [keyId, 2],
      [other, 1],
    ] as const) {
      using share = await keys.share(id, epoch);
      expect(share.use((bytes) => bytes.slice())).toEqual(shareBytes);
    }
  };

  test.each(['keys/', 'epochs/'])(
    'or loss of any record under %s quarantines its key, and no other',
    async (prefix) => {
      const store = await twoKeys();
      for (const [key, value] of await collect(store.entries(prefix))) {
        for (const now of [damaged(value), undefined]) {
          await store.batch([now === undefined ? { type: 'delete', key } : { type: 'put', key, value: now }]);
          const keys = await open(store);
          const hit = key.includes(toHex(other)) ? other : keyId;
          const whole = hit === other ? keyId : other;
          expect(keys.get(hit)).toMatchObject({
            quarantined: { code: 'record-damaged' },
            epochs: [],
            current: undefined,
          });
          expect(keys.get(whole)?.quarantined).toBeUndefined();
          expect(keys.list()).toHaveLength(2);
          expect(keys.takeFindings()).toMatchObject([{ kind: 'key-quarantined' }]);
          const refused = { code: 'quarantined' };
          await expect(keys.share(hit, 1)).rejects.toMatchObject(refused);
          await expect(keys.freeze(hit, false)).rejects.toMatchObject(refused);
          await expect(keys.certify(hit, 1, ready, certificate)).rejects.toMatchObject(refused);
          const again = prepared({ keyId: hit, epoch: 9, name: hit === other ? 'other' : 'treasury' });
          await expect(keys.prepare(again, check)).rejects.toMatchObject(refused);
          await keys
            .prepare(prepared({ keyId: whole, epoch: 3, name: whole === other ? 'other' : 'treasury' }), check)
            .catch((error: unknown) => expect(error).toMatchObject({ code: 'epoch-not-new' }));
        }
        await store.batch([{ type: 'put', key, value }]);
      }
    },
  );

  test.each(['shares/', 'data-keys/'])(
    'or loss of any record under %s is healed by its second copy',
    async (prefix) => {
      const store = await twoKeys();
      for (const [key, value] of await collect(store.entries(prefix))) {
        for (const now of [damaged(value), undefined]) {
          await store.batch([now === undefined ? { type: 'delete', key } : { type: 'put', key, value: now }]);
          const keys = await open(store);
          expect(keys.takeFindings()).toMatchObject([{ kind: 'share-restored' }]);
          expect(await store.get(key)).toEqual(value);
          await sharesOf(keys);
        }
      }
    },
  );

  test('or loss of any copy is healed by its records', async () => {
    const store = await twoKeys();
    expect(store.beside.files.size).toBe(4);
    for (const name of await store.beside.copies()) {
      const good = store.beside.files.get(name) as Uint8Array;
      for (const now of [damaged(good), good.subarray(0, 50), undefined]) {
        if (now === undefined) store.beside.files.delete(name);
        else store.beside.files.set(name, now);
        const keys = await open(store);
        expect(keys.takeFindings()).toMatchObject([{ kind: 'copy-restored' }]);
        expect(store.beside.files.get(name)).toEqual(good);
        await sharesOf(keys);
      }
    }
  });

  test('of the data key here and of the share there is healed too', async () => {
    const store = await twoKeys();
    const [[key, value]] = (await collect(store.entries('data-keys/'))) as [[string, Uint8Array]];
    const [name] = (await store.beside.copies()) as [string];
    await store.batch([{ type: 'put', key, value: damaged(value) }]);
    store.beside.files.set(name, damaged(store.beside.files.get(name) as Uint8Array));
    await sharesOf(await open(store));
    expect(await store.get(key)).toEqual(value);
  });

  test('that shows while the node runs is healed as well', async () => {
    const store = await twoKeys();
    const keys = await open(store);
    for (const [key, value] of await collect(store.entries('shares/')))
      await store.batch([{ type: 'put', key, value: damaged(value) }]);
    await sharesOf(keys);
    expect(keys.takeFindings()).toHaveLength(3);
    await sharesOf(await open(store));
  });

  test('of record and copy loses the share, and takes no other key with it', async () => {
    const store = await twoKeys();
    const [[key, value]] = (await collect(store.entries('shares/'))) as [[string, Uint8Array]];
    await store.batch([{ type: 'put', key, value: damaged(value) }]);
    const [name] = (await store.beside.copies()) as [string];
    store.beside.files.set(name, damaged(store.beside.files.get(name) as Uint8Array));
    const keys = await open(store);
    expect(keys.get(keyId)?.quarantined).toMatchObject({ place: key });
    expect(keys.get(other)?.quarantined).toBeUndefined();
  });

  test('is not guessed about: a record and a copy that both open and differ are left alone', async () => {
    const store = await twoKeys();
    const { records } = await keyring(store);
    const key = `data-keys/${toHex(keyId)}/0000000001`;
    const bytes = (await records.get(key, 'data-key')) as Uint8Array;
    // The same data key, sealed once more: as good as the first, and not what was put there.
    const again = records.seal(key, 'data-key', bytes);
    await store.batch([again]);
    const before = new Map(store.beside.files);
    const keys = await open(store);
    expect(keys.get(keyId)?.quarantined).toMatchObject({ place: key, reason: 'contradiction' });
    expect(store.beside.files).toEqual(before);
    expect(await store.get(key)).toEqual((again as { value: Uint8Array }).value);
  });

  test('is healed whole or not at all, whichever write fails, and then at the next start', async () => {
    const lost = [`shares/${toHex(keyId)}/0000000001`, `data-keys/${toHex(keyId)}/0000000002`];
    await failingAtEachWrite(
      async (store) => {
        const keys = await open(store);
        for (const epoch of [1, 2]) await keys.prepare(prepared({ epoch }), check);
        await keys.prepare(prepared({ keyId: other, name: 'other' }), check);
        await store.batch(lost.map((key) => ({ type: 'delete', key })));
        store.beside.files.delete(`${toHex(other)}-0000000001`);
        await open(store);
      },
      async (store) => {
        const keys = await open(store);
        for (const { epochs, keyId: id, quarantined } of keys.list()) {
          expect(quarantined).toBeUndefined();
          for (const { epoch } of epochs) (await keys.share(id, epoch)).wipe();
        }
        expect(await store.beside.copies()).toHaveLength(keys.list().flatMap(({ epochs }) => epochs).length);
      },
    );
  });

  test('by exchanging the shares of two keys, or two epochs, is undone', async () => {
    const store = await twoKeys();
    const shares = await collect(store.entries('shares/'));
    for (const [a, one] of shares) {
      for (const [b, two] of shares.filter(([other]) => other > a)) {
        await store.batch([
          { type: 'put', key: a, value: two },
          { type: 'put', key: b, value: one },
        ]);
        const keys = await open(store);
        expect(keys.takeFindings().map(({ kind }) => kind)).toEqual(['share-restored', 'share-restored']);
        await sharesOf(keys);
      }
    }
  });

  test('is not what a copy of an unknown epoch is: it is left alone, and told', async () => {
    const store = await twoKeys();
    const [name] = (await store.beside.copies()) as [string];
    const stranger = name.replace(/1$/, '7');
    store.beside.files.set(stranger, store.beside.files.get(name) as Uint8Array);
    const keys = await open(store);
    expect(keys.takeFindings()).toEqual([{ kind: 'copy-unknown', place: `copies/${stranger}` }]);
    expect(store.beside.files.has(stranger)).toBe(true);
  });
});

describe('an epoch that was overtaken', () => {
  const material = new Map([[2, new Secret(seeded(ascii('pair')).bytes(400))]]);

  async function overtaken(store: Store): Promise<KeyRepository> {
    const keys = await open(store);
    for (const epoch of [1, 2]) {
      await keys.prepare(prepared({ epoch, material }), check);
      await keys.certify(keyId, epoch, ready, certificate);
      await keys.activate(keyId, epoch);
    }
    return keys;
  }
  const statesOf = (keys: KeyRepository): readonly (readonly [number, string])[] =>
    (keys.get(keyId)?.epochs ?? []).map(({ epoch, state }) => [epoch, state]);

  test('retires: nothing is signed with it or dealt from it', async () => {
    const store = new MemoryStore();
    for (const keys of [await overtaken(store), await open(store)]) {
      expect(statesOf(keys)).toEqual([
        [1, 'retiring'],
        [2, 'active'],
      ]);
      expect(keys.get(keyId)).toMatchObject({ current: { epoch: 2 } });
      await expect(keys.share(keyId, 1)).rejects.toMatchObject({ code: 'epoch-retired' });
      await expect(keys.materials.get(keyId, 1, 2)).rejects.toMatchObject({ code: 'epoch-retired' });
      using pair = new Secret(new Uint8Array(9));
      await expect(keys.materials.replace(keyId, 1, 2, pair)).rejects.toMatchObject({ code: 'epoch-retired' });
      (await keys.share(keyId, 2)).wipe();
    }
  });

  test('retires in the very write in which the higher one becomes active', async () => {
    await failingAtEachWrite(
      async (store) => void (await overtaken(store)),
      async (store) => {
        const states = new Map(statesOf(await open(store)));
        expect(states.get(2) === 'active').toBe(states.get(1) === 'retiring');
      },
    );
  });

  test('retires at once if its certificate comes late, and activating it changes nothing', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    for (const epoch of [1, 2]) await keys.prepare(prepared({ epoch }), check);
    await keys.certify(keyId, 2, ready, certificate);
    await keys.activate(keyId, 2);
    expect(statesOf(keys)).toEqual([
      [1, 'prepared'],
      [2, 'active'],
    ]);
    await keys.certify(keyId, 1, ready, certificate);
    await keys.activate(keyId, 1);
    expect(statesOf(await open(store))).toEqual([
      [1, 'retiring'],
      [2, 'active'],
    ]);
    expect(keys.get(keyId)?.current?.epoch).toBe(2);
  });

  test('is shredded, and nothing else is', async () => {
    const store = new MemoryStore();
    const keys = await overtaken(store);
    for (const epoch of [2, 3])
      await expect(keys.shred(keyId, epoch)).rejects.toMatchObject({
        code: epoch === 2 ? 'invalid-transition' : 'unknown-epoch',
      });
    await keys.shred(keyId, 1);
    await keys.shred(keyId, 1);
    for (const found of [keys, await open(store)]) {
      const [first] = found.get(keyId)?.epochs ?? [];
      expect(first).toMatchObject({
        state: 'shredded',
        // For whoever missed it.
        certificate,
        material: [],
        publicPackage: ascii('public package'),
      });
      await expect(found.share(keyId, 1)).rejects.toMatchObject({ code: 'epoch-retired' });
      (await found.share(keyId, 2)).wipe();
      expect(found.takeFindings()).toEqual([]);
      // Its number never comes back.
      await expect(found.prepare(prepared({ epoch: 1 }), check)).rejects.toThrow();
    }
    const left = (await collect(store.entries(''))).map(([place]) => place).filter((place) => place.endsWith('1'));
    expect(left).toEqual([`epochs/${toHex(keyId)}/0000000001`]);
    expect(await store.beside.copies()).toEqual([`${toHex(keyId)}-0000000002`]);
  });

  test('that was only prepared can be shredded once a higher one is active', async () => {
    const keys = await open(new MemoryStore());
    for (const epoch of [1, 2]) await keys.prepare(prepared({ epoch }), check);
    await keys.certify(keyId, 2, ready, certificate);
    await expect(keys.shred(keyId, 1)).rejects.toMatchObject({ code: 'invalid-transition' });
    await keys.activate(keyId, 2);
    await keys.shred(keyId, 1);
    expect(statesOf(keys)).toEqual([
      [1, 'shredded'],
      [2, 'active'],
    ]);
  });

  test('is shredded or not, whichever write fails, and a start makes up for the rest', async () => {
    await failingAtEachWrite(
      async (store, acknowledged) => {
        const keys = await overtaken(store);
        await keys.shred(keyId, 1);
        acknowledged.push('shredded');
      },
      async (store, acknowledged) => {
        const keys = await open(store);
        const [, state] = statesOf(keys).find(([epoch]) => epoch === 1) ?? [];
        if (acknowledged.length > 0) expect(state).toBe('shredded');
        const secrets = ['data-keys/', 'shares/', 'material/'].map((one) => `${one}${toHex(keyId)}/0000000001`);
        const left = await Promise.all(secrets.map(async (place) => collect(store.entries(place))));
        const copies = (await store.beside.copies()).filter((name) => name.endsWith('1'));
        if (state === 'shredded') expect([...left.flat(), ...copies]).toEqual([]);
        else if (state !== undefined) expect(left.flat().length).toBe(3);
        expect(keys.list().every(({ quarantined }) => quarantined === undefined)).toBe(true);
      },
    );
  });

  test('is not healed while it is shredded', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    for (const epoch of [1, 2]) await keys.prepare(prepared({ epoch }), check);
    await keys.certify(keyId, 2, ready, certificate);
    await keys.activate(keyId, 2);
    const batch = store.batch.bind(store);
    const reads: Promise<unknown>[] = [];
    Object.assign(store, {
      // The records are gone, and in memory the epoch is still as it was.
      batch: async (operations: readonly StoreOperation[], options?: { sync?: boolean }) => {
        await batch(operations, options);
        if (operations.some(({ type }) => type === 'delete'))
          reads.push(keys.share(keyId, 1).catch((error: unknown) => error));
      },
    });
    await keys.shred(keyId, 1);
    expect(await Promise.all(reads)).toMatchObject([{ code: 'epoch-retired' }]);
    expect(await collect(store.entries(`shares/${toHex(keyId)}/0000000001`))).toEqual([]);
  });

  test('does not come back with its copy', async () => {
    const store = new MemoryStore();
    const keys = await overtaken(store);
    const name = `${toHex(keyId)}-0000000001`;
    const copy = store.beside.files.get(name) as Uint8Array;
    const shredding = keys.shred(keyId, 1);
    await expect(keys.share(keyId, 1)).rejects.toMatchObject({ code: 'epoch-retired' });
    await shredding;
    store.beside.files.set(name, copy);
    expect(statesOf(await open(store))).toEqual([
      [1, 'shredded'],
      [2, 'active'],
    ]);
    expect(store.beside.files.has(name)).toBe(false);
  });

  test('is in no file any more, neither in the log, nor in a table, nor in a copy', async () => {
    const data = await temporaryFolder();
    const openData = async (): Promise<Store> => openDatabase(join(data, 'store'), data);
    let store = await openData();
    await overtaken(store);
    const secret = ['data-keys/', 'shares/', 'material/'].map((one) => `${one}${toHex(keyId)}/0000000001`);
    const sealed = (await Promise.all(secret.map(async (place) => collect(store.entries(place))))).flat();
    expect(sealed).toHaveLength(3);
    const present = async (): Promise<number> => {
      const all = await contentsOf(data);
      // Salt and commitment: without them nothing is opened.
      return sealed.filter(([, value]) => all.includes(value.subarray(1, 65))).length;
    };
    expect(await present()).toBe(3);
    // Once in a table of its own, as after any restart.
    await store.close();
    store = await openData();
    const keys = await open(store);
    expect(await present()).toBe(3);
    await keys.shred(keyId, 1);
    expect(await present()).toBe(0);
    await store.close();
    expect(await present()).toBe(0);
    // And while the values are still in the log.
    store = await openData();
    const later = await open(store);
    await later.prepare(prepared({ epoch: 3 }), check);
    await later.certify(keyId, 3, ready, certificate);
    await later.activate(keyId, 3);
    const [[place, value]] = (await collect(store.entries(`data-keys/${toHex(keyId)}/0000000002`))) as [
      [string, Uint8Array],
    ];
    sealed.splice(0, 3, [place, value]);
    expect(await present()).toBe(1);
    await later.shred(keyId, 2);
    expect(await present()).toBe(0);
    (await later.share(keyId, 3)).wipe();
    await store.close();
  });
});

describe('a key whose committee changes', () => {
  /** Epoch 1 is in use here. */
  async function used(store: Store): Promise<KeyRepository> {
    const keys = await open(store);
    await keys.prepare(prepared(), check);
    await keys.certify(keyId, 1, ready, certificate);
    await keys.activate(keyId, 1);
    return keys;
  }
  const statesOf = (keys: KeyRepository) => keys.get(keyId)?.epochs.map(({ epoch, state }) => [epoch, state]);

  test('is in use until the epoch that this node approved is certified; then it is elsewhere, and can be shredded', async () => {
    const store = new MemoryStore();
    const keys = await used(store);
    await keys.approve(outside({ epoch: 2 }));
    await keys.approve(outside({ epoch: 2 }));
    for (const found of [keys, await open(store)]) {
      expect(statesOf(found)).toEqual([
        [1, 'active'],
        [2, 'approved'],
      ]);
      expect(found.get(keyId)?.current?.epoch).toBe(1);
      (await found.share(keyId, 1)).wipe();
      await expect(found.share(keyId, 2)).rejects.toMatchObject({ code: 'epoch-retired' });
      await expect(found.shred(keyId, 1)).rejects.toMatchObject({ code: 'invalid-transition' });
    }
    await keys.goElsewhere(outside({ epoch: 2 }), certificate);
    await keys.goElsewhere(outside({ epoch: 2 }), ascii('another'));
    for (const found of [keys, await open(store)]) {
      expect(statesOf(found)).toEqual([
        [1, 'retiring'],
        [2, 'elsewhere'],
      ]);
      expect(found.get(keyId)?.current).toBeUndefined();
      expect(found.get(keyId)?.epochs[1]?.certificate).toEqual(certificate);
      await expect(found.share(keyId, 1)).rejects.toMatchObject({ code: 'epoch-retired' });
      await expect(found.shred(keyId, 2)).rejects.toMatchObject({ code: 'invalid-transition' });
    }
    await keys.shred(keyId, 1);
    expect(statesOf(await open(store))).toEqual([
      [1, 'shredded'],
      [2, 'elsewhere'],
    ]);
  });

  test('promises one outcome of an epoch, as READY or as approval', async () => {
    const keys = await used(new MemoryStore());
    const refused = { code: 'epoch-not-new' };
    await expect(keys.approve(outside({ epoch: 1 }))).rejects.toMatchObject(refused);
    await keys.approve(outside({ epoch: 2 }));
    await expect(keys.approve(outside({ epoch: 2, ready: shareBytes }))).rejects.toMatchObject(refused);
    await expect(keys.prepare(prepared({ epoch: 2 }), check)).rejects.toMatchObject(refused);
    await keys.prepare(prepared({ epoch: 3 }), check);
    await expect(keys.approve(outside({ epoch: 3 }))).rejects.toMatchObject(refused);
    await expect(keys.goElsewhere(outside({ epoch: 3 }), certificate)).rejects.toMatchObject(refused);
  });

  test('takes the word of a certificate for another attempt than the one that it prepared under the number, of which nothing stays', async () => {
    const other = { epoch: 2, ready: shareBytes };
    const secrets = (store: MemoryStore) =>
      [...store.durable.keys(), ...store.beside.files.keys()].filter(
        (place) => /^(shares|data-keys|material)\/|^[0-9a-f]{64}-/.test(place) && place.endsWith('0000000002'),
      );
    await failingAtEachWrite(
      async (store, acknowledged) => {
        const keys = await used(store);
        await keys.prepare(prepared({ epoch: 2 }), check);
        expect(secrets(store)).toHaveLength(3);
        await keys.goElsewhere(outside(other), certificate);
        acknowledged.push('elsewhere');
      },
      async (store, acknowledged) => {
        const keys = await open(store);
        const state = statesOf(keys)?.[1]?.[1];
        if (acknowledged.length > 0) expect(state).toBe('elsewhere');
        if (state === 'elsewhere' || state === 'shredded') expect(secrets(store)).toEqual([]);
        if (state === undefined) return;
        // Told again, it goes on from wherever it stopped.
        await keys.goElsewhere(outside(other), certificate);
        expect(secrets(store)).toEqual([]);
        expect(statesOf(await open(store))).toEqual([
          [1, 'retiring'],
          [2, 'elsewhere'],
        ]);
      },
    );
  });

  test('gives up no epoch that was certified here for another under its number', async () => {
    const keys = await used(new MemoryStore());
    const refused = { code: 'epoch-not-new' };
    await expect(keys.goElsewhere(outside({ epoch: 1, ready: shareBytes }), certificate)).rejects.toMatchObject(
      refused,
    );
    await keys.prepare(prepared({ epoch: 2 }), check);
    await keys.certify(keyId, 2, ready, certificate);
    await expect(keys.goElsewhere(outside({ epoch: 2, ready: shareBytes }), certificate)).rejects.toMatchObject(
      refused,
    );
    await keys.activate(keyId, 2);
    await keys.shred(keyId, 1);
    await expect(keys.goElsewhere(outside({ epoch: 1, ready: shareBytes }), certificate)).rejects.toMatchObject(
      refused,
    );
    expect(statesOf(keys)).toEqual([
      [1, 'shredded'],
      [2, 'active'],
    ]);
  });

  test('comes back: who knows the epoch in use elsewhere prepares the next', async () => {
    const store = new MemoryStore();
    const keys = await open(store);
    await keys.goElsewhere(outside({ epoch: 4 }), certificate);
    await expect(keys.prepare(prepared({ epoch: 4 }), check)).rejects.toThrow();
    await keys.prepare(prepared({ epoch: 5 }), check);
    await keys.certify(keyId, 5, ready, certificate);
    await keys.activate(keyId, 5);
    expect(statesOf(await open(store))).toEqual([
      [4, 'elsewhere'],
      [5, 'active'],
    ]);
  });

  test('goes or stays, whichever write fails, and never by halves', async () => {
    await failingAtEachWrite(
      async (store, acknowledged) => {
        const keys = await used(store);
        await keys.goElsewhere(outside({ epoch: 2 }), certificate);
        acknowledged.push('elsewhere');
      },
      async (store, acknowledged) => {
        const found = statesOf(await open(store)) ?? [];
        const retiring = found.some(([, state]) => state === 'retiring');
        expect(found.some(([, state]) => state === 'elsewhere')).toBe(retiring);
        if (acknowledged.length > 0) expect(retiring).toBe(true);
      },
    );
  });
});

test('records and copies of keys are laid out as documented', async () => {
  let store = new MemoryStore();
  const keys = await open(store);
  const lines: string[] = [];
  const epoch = async (): Promise<void> => {
    const { records } = await keyring(store);
    lines.push(`epoch ${toHex((await records.get(`epochs/${toHex(keyId)}/0000000001`, 'epoch')) as Uint8Array)}`);
  };
  await keys.prepare(prepared(), check);
  lines.push(`copy ${toHex(store.beside.files.get(`${toHex(keyId)}-0000000001`) as Uint8Array)}`);
  await epoch();
  await keys.certify(keyId, 1, ready, certificate);
  await epoch();
  await keys.activate(keyId, 1);
  await epoch();
  await keys.prepare(prepared({ epoch: 2 }), check);
  await keys.certify(keyId, 2, ready, certificate);
  await keys.activate(keyId, 2);
  await epoch();
  await keys.shred(keyId, 1);
  await epoch();
  const other = await open((store = new MemoryStore()));
  await other.approve(outside({ epoch: 1 }));
  await epoch();
  await other.goElsewhere(outside({ epoch: 1 }), certificate);
  await epoch();
  await expect(lines.join('\n')).toMatchFileSnapshot('golden/key.txt');
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
      if (acknowledged.length > 0) expect(store.beside.files.has(`${toHex(keyId)}-0000000001`)).toBe(true);
      if (found !== 'none') (await keys.share(keyId, 1)).wipe();
      else expect(await collect(store.entries('shares/'))).toEqual([]);
      await keys.prepare(prepared(), check);
      await keys.certify(keyId, 1, ready, certificate);
      await keys.activate(keyId, 1);
      expect(stateOf(await open(store))).toBe('active');
    },
  );
  // The store's header, three of records, and one of the second copy.
  expect(writes).toBe(5);
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
