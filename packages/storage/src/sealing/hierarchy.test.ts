import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, Secret, toHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import {
  collect,
  failingAtEachWrite,
  flipped,
  keyFileRoot,
  owner,
  sealer,
  temporaryFolder,
} from '../../test/fixtures.ts';
import { openDatabase } from '../database.ts';
import { MemoryStore } from '../memory.ts';
import { headerCodec, headerPlace, type RootDescription } from './header.ts';
import { changeRoot, createKeyring, openKeyring, type Root } from './hierarchy.ts';
import { defaultKdfParameters, type Kdf, type KdfParameters, passphraseKey, systemKdf } from './passphrase.ts';

/** The cheapest that the floor lets pass. */
const cheap: KdfParameters = { type: 'argon2id', value: { memory: 19 * 1024, passes: 2, parallelism: 1 } };

const passphrase = (text: string): Root => ({
  type: 'passphrase',
  passphrase: new Secret(new TextEncoder().encode(text)),
});

/** The real derivation, counted. */
function counted(): { readonly kdf: Kdf; readonly calls: () => number } {
  let calls = 0;
  return { kdf: (...args) => ((calls += 1), systemKdf(...args)), calls: () => calls };
}

async function alterHeader(store: MemoryStore, change: { root?: RootDescription; salt?: Uint8Array }): Promise<void> {
  const header = wire.decode(headerCodec, (await store.get(headerPlace)) as Uint8Array);
  const value = wire.encode(headerCodec, { ...header, ...change });
  await store.batch([{ type: 'put', key: headerPlace, value }]);
}

describe('a keyring', () => {
  test.each([
    ['a key file', keyFileRoot()],
    ['a passphrase', passphrase('correct horse')],
  ])('is opened again by %s', async (_what, root) => {
    const store = new MemoryStore();
    const first = await createKeyring(store, root, owner, sealer(), { parameters: cheap });
    await first.records.put('bans/1', 'note', ascii('kept'));
    first.close();
    const second = await openKeyring(store, root, owner, sealer());
    expect(await second.records.get('bans/1', 'note')).toEqual(ascii('kept'));
    expect(second.owner).toEqual(owner);
    second.close();
  });

  test('is refused to another root, by name', async () => {
    const store = new MemoryStore();
    await createKeyring(store, passphrase('the right words'), owner, sealer(), { parameters: cheap });
    await expect(openKeyring(store, passphrase('wrong'), owner, sealer())).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({ code: 'other-root' });

    const other = new MemoryStore();
    await createKeyring(other, keyFileRoot(1), owner, sealer());
    await expect(openKeyring(other, keyFileRoot(2), owner, sealer())).rejects.toMatchObject({ code: 'wrong-key-file' });
    await expect(openKeyring(other, passphrase('x'), owner, sealer())).rejects.toMatchObject({ code: 'other-root' });
  });

  test('belongs to one network and node', async () => {
    const store = new MemoryStore();
    await createKeyring(store, keyFileRoot(), owner, sealer());
    const open = (expected: { network: Uint8Array; node?: Uint8Array }) =>
      openKeyring(store, keyFileRoot(), expected, sealer());
    await expect(open({ ...owner, network: ascii('mainnet') })).rejects.toMatchObject({ code: 'other-network' });
    await expect(open({ ...owner, node: ascii('node-2') })).rejects.toMatchObject({ code: 'other-node' });
    expect((await open({ network: owner.network })).owner.node).toEqual(owner.node);
  });

  test('is made once, in an empty store, and a lost header is not taken for one', async () => {
    const store = new MemoryStore();
    await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({ code: 'not-initialised' });
    const { records } = await createKeyring(store, keyFileRoot(), owner, sealer());
    await expect(createKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({
      code: 'already-initialised',
    });
    await records.put('boot', 'boot', ascii('1'));
    await store.batch([{ type: 'delete', key: headerPlace }]);
    await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({ code: 'record-damaged' });
    await expect(createKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({
      code: 'record-damaged',
    });
  });

  test('does not open with any bit of its header flipped', async () => {
    const store = new MemoryStore();
    await createKeyring(store, keyFileRoot(), owner, sealer());
    const good = (await store.get(headerPlace)) as Uint8Array;
    const saltAt = good.length - 4 - (1 + 32 + 32 + 4 + 32 + 16) - 16;
    for (let bit = 0; bit < 8 * good.length; bit++) {
      if (bit >> 3 >= saltAt && bit >> 3 < saltAt + 16) continue; // unused with a key file
      await store.batch([{ type: 'put', key: headerPlace, value: flipped(good, bit) }]);
      await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({
        code: expect.stringMatching(
          /^(newer-version|record-damaged|wrong-key-file|other-root|other-network|other-node)$/,
        ),
      });
    }
  });

  test('is laid out as documented', async () => {
    const store = new MemoryStore();
    await createKeyring(store, passphrase('correct horse'), owner, sealer(), { parameters: cheap });
    const header = toHex((await store.get(headerPlace)) as Uint8Array);
    await expect(header).toMatchFileSnapshot('golden/header.hex');
  });
});

describe('a passphrase that is quickly guessed', () => {
  const refused = { code: 'passphrase-too-short', message: expect.stringMatching(/at least 12 characters/) };

  test.each([
    ['is empty', ''],
    ['is white space', ' \t\r\n'.repeat(9)],
    ['has eleven characters', 'elevenlette'],
    ['has eleven characters between spaces', 'e l e v e n l e t t e'],
    ['has eleven characters in twenty bytes', 'äöüéèêåøéàl'],
  ])('and %s opens no store from now on; one that it opens already stays open', async (_how, text) => {
    const store = new MemoryStore();
    const attempt = createKeyring(store, passphrase(text), owner, sealer(), { parameters: cheap });
    await expect(attempt).rejects.toMatchObject(refused);
    expect(await collect(store.entries(''))).toEqual([]);

    (await createKeyring(store, keyFileRoot(), owner, sealer())).close();
    const before = [await collect(store.entries('')), new Map(store.beside.files)];
    const change = changeRoot(store, keyFileRoot(), async () => passphrase(text), owner, sealer('again'));
    await expect(change).rejects.toMatchObject(refused);
    expect([await collect(store.entries('')), store.beside.files]).toEqual(before);
    await expect(openKeyring(store, passphrase(text), owner, sealer())).rejects.toMatchObject({ code: 'other-root' });
  });

  test('but has twelve characters is taken', async () => {
    const store = new MemoryStore();
    const root = passphrase('twelvelétter');
    (await createKeyring(store, root, owner, sealer(), { parameters: cheap })).close();
    (await openKeyring(store, root, owner, sealer())).close();
  });
});

describe('a store that is empty', () => {
  test.each([
    ['a counter', async (store: MemoryStore) => store.beside.writeCounter(0, new Uint8Array(9))],
    ['a second copy', async (store: MemoryStore) => store.beside.writeCopy('a', new Uint8Array(9))],
  ])('is not taken for a new one where there is %s beside it', async (_what, write) => {
    const store = new MemoryStore();
    await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({ code: 'not-initialised' });
    await write(store);
    const before = new Map(store.beside.files);
    const damaged = { code: 'record-damaged', place: 'header', reason: 'missing' };
    await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject(damaged);
    await expect(createKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject(damaged);
    expect(await collect(store.entries(''))).toEqual([]);
    expect(store.beside.files).toEqual(before);
  });
});

describe('changing the root', () => {
  test('asks for the new one only once the old one has opened the store', async () => {
    const store = new MemoryStore();
    await createKeyring(store, keyFileRoot(1), owner, sealer());
    let asked = 0;
    const to = async (): Promise<Root> => ((asked += 1), keyFileRoot(2));
    for (const from of [keyFileRoot(3), passphrase('of another kind')])
      await expect(changeRoot(store, from, to, owner, sealer())).rejects.toMatchObject({ name: 'UnlockError' });
    expect(asked).toBe(0);
    await changeRoot(store, keyFileRoot(1), to, owner, sealer());
    expect(asked).toBe(1);
  });

  test('seals the store key anew and touches no other record', async () => {
    const store = new MemoryStore();
    const keyring = await createKeyring(store, keyFileRoot(), owner, sealer());
    await keyring.records.put('bans/1', 'note', ascii('kept'));
    const before = await store.get('bans/1');
    await changeRoot(store, keyFileRoot(), async () => passphrase('the newer words'), owner, sealer('again'), {
      parameters: cheap,
    });

    expect(await store.get('bans/1')).toEqual(before);
    await expect(openKeyring(store, keyFileRoot(), owner, sealer())).rejects.toMatchObject({ code: 'other-root' });
    const { records } = await openKeyring(store, passphrase('the newer words'), owner, sealer());
    expect(await records.get('bans/1', 'note')).toEqual(ascii('kept'));
  });

  test('leaves nothing in the files that the old root opens', async () => {
    const folder = await temporaryFolder();
    const store = await openDatabase(folder);
    (await createKeyring(store, keyFileRoot(1), owner, sealer())).close();
    const old = wire.decode(headerCodec, (await store.get(headerPlace)) as Uint8Array).storeKey.subarray(1, 65);
    const isThere = async (): Promise<boolean> => {
      const files = await Promise.all((await readdir(folder)).map(async (file) => readFile(join(folder, file))));
      return Buffer.concat(files).includes(old);
    };
    expect(await isThere()).toBe(true);
    await changeRoot(store, keyFileRoot(1), async () => keyFileRoot(2), owner, sealer('again'));
    expect(await isThere()).toBe(false);
    (await openKeyring(store, keyFileRoot(2), owner, sealer())).close();
    await store.close();
  });

  test('is not undone by putting the old header back', async () => {
    const store = new MemoryStore();
    (await createKeyring(store, keyFileRoot(1), owner, sealer())).close();
    const old = (await store.get(headerPlace)) as Uint8Array;
    await changeRoot(store, keyFileRoot(1), async () => keyFileRoot(2), owner, sealer('again'));
    await store.batch([{ type: 'put', key: headerPlace, value: old }]);
    await expect(openKeyring(store, keyFileRoot(1), owner, sealer())).rejects.toMatchObject({ code: 'record-damaged' });
  });

  test('leaves the old or the new root opening everything, whichever write fails', async () => {
    const opens = async (store: MemoryStore, byte: number): Promise<boolean> =>
      openKeyring(store, keyFileRoot(byte), owner, sealer('x')).then(
        async ({ records }) => (await records.get('bans/1', 'note')) !== undefined,
        () => false,
      );
    await failingAtEachWrite(
      async (store, acknowledged) => {
        const { records } = await createKeyring(store, keyFileRoot(1), owner, sealer());
        await records.put('bans/1', 'note', ascii('kept'));
        acknowledged.push('old');
        await changeRoot(store, keyFileRoot(1), async () => keyFileRoot(2), owner, sealer('again'));
        acknowledged.push('new');
      },
      async (store, acknowledged) => {
        const [old, now] = [await opens(store, 1), await opens(store, 2)];
        if (acknowledged.includes('old')) expect(old).not.toBe(now);
        if (acknowledged.includes('new')) expect(now).toBe(true);
      },
    );
  });

  test('takes the old root', async () => {
    const store = new MemoryStore();
    await createKeyring(store, keyFileRoot(1), owner, sealer());
    const attempt = changeRoot(store, keyFileRoot(2), async () => keyFileRoot(3), owner, sealer());
    await expect(attempt).rejects.toMatchObject({ code: 'wrong-key-file' });
    await expect(openKeyring(store, keyFileRoot(1), owner, sealer())).resolves.toBeDefined();
  });

  test.each([false, true])('leaves one root that opens when its write fails (applied: %s)', async (applied) => {
    const store = new MemoryStore();
    await createKeyring(store, keyFileRoot(1), owner, sealer());
    store.failWrite(1, { applied });
    const attempt = changeRoot(store, keyFileRoot(1), async () => keyFileRoot(2), owner, sealer());
    await expect(attempt).rejects.toMatchObject({ code: 'store-failed' });
    const opens = (byte: number) =>
      openKeyring(store.crash(), keyFileRoot(byte), owner, sealer()).then(
        () => true,
        () => false,
      );
    expect([await opens(1), await opens(2)]).toEqual([!applied, applied]);
  });
});

describe('a data key', () => {
  test('is kept under the store key, and gone when its record is', async () => {
    const store = new MemoryStore();
    const keyring = await createKeyring(store, keyFileRoot(), owner, sealer());
    const keyId = new Uint8Array(32).fill(9);
    const { key, operation } = keyring.newDataKey(keyId, 3);
    await keyring.records.batch([operation]);
    using kept = await keyring.dataKey(keyId, 3);
    expect(kept.use((a) => key.use((b) => toHex(a) === toHex(b)))).toBe(true);
    for (const [, value] of await collect(store.entries(''))) expect(toHex(value)).not.toContain(key.use(toHex));

    await keyring.records.batch([{ type: 'delete', key: operation.key }]);
    await expect(keyring.dataKey(keyId, 3)).rejects.toMatchObject({ code: 'record-damaged', reason: 'missing' });
  });
});

describe('a passphrase', () => {
  test.each<KdfParameters>([
    { type: 'argon2id', value: { memory: 19 * 1024 - 1, passes: 2, parallelism: 1 } },
    { type: 'argon2id', value: { memory: 8, passes: 3, parallelism: 1 } },
    { type: 'argon2id', value: { memory: 2 ** 20 + 1, passes: 3, parallelism: 1 } },
    { type: 'argon2id', value: { memory: 2 ** 16, passes: 1, parallelism: 1 } },
    { type: 'argon2id', value: { memory: 2 ** 16, passes: 17, parallelism: 1 } },
    { type: 'argon2id', value: { memory: 2 ** 16, passes: 3, parallelism: 0 } },
    { type: 'argon2id', value: { memory: 2 ** 16, passes: 3, parallelism: 5 } },
    { type: 'scrypt', value: { cost: 15, blockSize: 8, parallelism: 1 } },
    { type: 'scrypt', value: { cost: 21, blockSize: 8, parallelism: 1 } },
    { type: 'scrypt', value: { cost: 17, blockSize: 1, parallelism: 1 } },
    { type: 'scrypt', value: { cost: 17, blockSize: 8, parallelism: 200 } },
  ])('is not stretched by parameters out of bounds: %j', async (root) => {
    const store = new MemoryStore();
    await createKeyring(store, passphrase('the right words'), owner, sealer(), { parameters: cheap });
    const { kdf, calls } = counted();
    await openKeyring(store, passphrase('the right words'), owner, sealer(), { kdf });
    expect(calls()).toBe(1);
    await alterHeader(store, { root });
    const attempt = openKeyring(store, passphrase('the right words'), owner, sealer(), { kdf });
    await expect(attempt).rejects.toMatchObject({ code: 'kdf-out-of-bounds' });
    expect(calls()).toBe(1);
  });

  test('does not open under other parameters or another salt', async () => {
    const store = new MemoryStore();
    await createKeyring(store, passphrase('the right words'), owner, sealer(), { parameters: cheap });
    const original = wire.decode(headerCodec, (await store.get(headerPlace)) as Uint8Array);
    const dearer: KdfParameters = { type: 'argon2id', value: { memory: 19 * 1024, passes: 3, parallelism: 1 } };
    for (const change of [{ root: dearer }, { salt: flipped(original.salt, 5) }]) {
      await alterHeader(store, { root: original.root, salt: original.salt, ...change });
      const attempt = openKeyring(store, passphrase('the right words'), owner, sealer());
      await expect(attempt).rejects.toMatchObject({ code: 'wrong-passphrase' });
    }
  });

  test('is the same however its accents were typed', async () => {
    const derive = async (text: string) => {
      using secret = new Secret(new TextEncoder().encode(text));
      using derived = await passphraseKey(secret, cheap, new Uint8Array(16));
      return derived.use(toHex);
    };
    expect(await derive('caf\u00e9')).toBe(await derive('cafe\u0301'));
    expect(await derive('caf\u00e9')).not.toBe(await derive('cafe'));
  });

  test('is stretched as RFC 7914 and RFC 9106 say', async () => {
    // RFC 7914 §12 and RFC 9106 §5 use inputs (empty salts, extra fields) outside this seam: differential instead, with
    // the synchronous functions of node:crypto.
    const { argon2Sync, scryptSync } = await import('node:crypto');
    const salt = new Uint8Array(16).fill(3);
    const scrypt = await systemKdf(
      { type: 'scrypt', value: { cost: 16, blockSize: 8, parallelism: 1 } },
      ascii('p'),
      salt,
    );
    expect(toHex(scrypt)).toBe(toHex(scryptSync(ascii('p'), salt, 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 28 })));
    const argon2 = await systemKdf(cheap, ascii('p'), salt);
    const reference = { message: ascii('p'), nonce: salt, memory: 19 * 1024, passes: 2, parallelism: 1, tagLength: 32 };
    expect(toHex(argon2)).toBe(toHex(argon2Sync('argon2id', reference)));
  });

  test('is stretched with argon2id by default', () => {
    expect(defaultKdfParameters()).toEqual({ type: 'argon2id', value: { memory: 65536, passes: 3, parallelism: 1 } });
  });
});
