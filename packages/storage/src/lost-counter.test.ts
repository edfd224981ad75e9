import { Secret } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, keyFileRoot, owner, sealer } from '../test/fixtures.ts';
import { fill } from '../test/node-data.ts';
import { AuditLog } from './audit/log.ts';
import { examine } from './doctor.ts';
import { acceptLostCounter } from './lost-counter.ts';
import { MemoryStore } from './memory.ts';
import { openKeyring } from './sealing/hierarchy.ts';

const open = async (store: MemoryStore) => openKeyring(store, keyFileRoot(), owner, sealer());
const accept = async (store: MemoryStore) => acceptLostCounter(store, keyFileRoot(), owner, sealer('accept'), 77);

async function lived(seen?: (store: MemoryStore) => Promise<void>): Promise<MemoryStore> {
  const store = new MemoryStore();
  await fill(store, async () => seen?.(store));
  return store;
}

describe('a lost counter', () => {
  test.each([
    ['gone', undefined],
    ['empty', new Uint8Array(0)],
    ['damaged', new Uint8Array(300).fill(7)],
  ])(
    'that is %s is accepted once an operator says so, and the audit log says that, first of all',
    async (_how, file) => {
      const store = await lived();
      if (file === undefined) store.beside.files.delete('counter');
      else store.beside.files.set('counter', file);
      await expect(open(store)).rejects.toMatchObject({ code: 'counter-missing' });
      expect(await examine(store, keyFileRoot(), owner, sealer('doctor'))).toMatchObject([
        { code: 'counter-missing', remedy: expect.stringContaining('--accept-lost-counter') },
      ]);
      store.failWrite(1);
      await expect(accept(store)).rejects.toMatchObject({ code: 'audit-dead' });
      const again = store.crash();
      await expect(open(again)).rejects.toMatchObject({ code: 'counter-missing' });

      expect(await accept(again)).toBe(true);
      const keyring = await open(again);
      const entries = await collect((await AuditLog.open(keyring.records)).entries());
      expect(entries.at(-1)).toMatchObject({
        kind: 'lost-counter-accepted',
        time: 77,
        fields: { counter: expect.any(Number) },
      });
      // From here on an older store shows again.
      const now = new Map(await collect(again.entries('')));
      await keyring.records.put('boot', 'boot', new Uint8Array(9));
      await expect(open(new MemoryStore(now, again.beside.files))).rejects.toMatchObject({ code: 'rolled-back' });
    },
  );

  test('that is not lost is left as it is', async () => {
    const store = await lived();
    const before = [await collect(store.entries('')), new Map(store.beside.files)];
    expect(await accept(store)).toBe(false);
    expect([await collect(store.entries('')), store.beside.files]).toEqual(before);
  });

  test('does not stand for one that shows a rollback, nor for damage or another root', async () => {
    let old: ReadonlyMap<string, Uint8Array> = new Map();
    const store = await lived(async (one) => {
      if (old.size === 0) old = new Map(await collect(one.entries('')));
    });
    await expect(accept(new MemoryStore(old, store.beside.files))).rejects.toMatchObject({ code: 'rolled-back' });
    const damaged = store.kill();
    damaged.beside.files.delete('counter');
    await damaged.batch([{ type: 'delete', key: 'boot' }]);
    await expect(accept(damaged)).rejects.toMatchObject({ code: 'record-damaged' });
    const other = { type: 'key-file', key: new Secret(new Uint8Array(32).fill(9)) } as const;
    await expect(acceptLostCounter(store.kill(), other, owner, sealer(), 1)).rejects.toMatchObject({
      code: 'wrong-key-file',
    });
  });
});
