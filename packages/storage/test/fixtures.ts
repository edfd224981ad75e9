import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ascii, pureAead, Secret, seeded } from '@quorate/protocol';
import { onTestFinished } from 'vitest';
import {
  AuditError,
  createKeyring,
  type Keyring,
  MemoryStore,
  type Owner,
  openKeyring,
  type Root,
  type Sealer,
  type Store,
  StoreError,
} from '../src/index.ts';

export const owner: Owner = { network: ascii('testnet'), node: ascii('node-1') };

/** A sealer whose salts repeat from run to run. */
export function sealer(seed = 'fixtures'): Sealer {
  return { aead: pureAead, randomness: seeded(ascii(seed)) };
}

export function keyFileRoot(byte = 7): Root {
  return { type: 'key-file', key: new Secret(new Uint8Array(32).fill(byte)) };
}

/** The keyring of `store`, made when there is none. */
export async function keyring(store: Store, by: Sealer = sealer(), root: Root = keyFileRoot()): Promise<Keyring> {
  const exists = (await store.get('header')) !== undefined;
  return exists ? await openKeyring(store, root, owner, by) : await createKeyring(store, root, owner, by);
}

/** A folder that is gone when the test is over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Every byte of every file under a folder. */
export async function contentsOf(folder: string): Promise<Buffer> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  return Buffer.concat(await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name)))));
}

/** `bytes` with one bit flipped. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const out = new Uint8Array(bytes);
  out[bit >> 3] = (out[bit >> 3] as number) ^ (1 << (bit & 7));
  return out;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

/**
 * Runs `scenario` on a fresh store once for every write it makes, with that write failing, and once more without; hands
 * `check` the store as it is found after the power cut, and what was acknowledged before the failure.
 */
export async function failingAtEachWrite(
  scenario: (store: MemoryStore, acknowledged: string[]) => Promise<void>,
  check: (store: MemoryStore, acknowledged: readonly string[]) => Promise<void>,
): Promise<number> {
  let writes = 0;
  for (const applied of [false, true]) {
    for (let failed = true, nth = 1; failed; nth++) {
      const store = new MemoryStore();
      const acknowledged: string[] = [];
      store.failWrite(nth, { applied });
      const failure = await scenario(store, acknowledged).then(
        () => undefined,
        (error: unknown) => error,
      );
      await check(store.crash(), acknowledged);
      if (failure !== undefined && !(failure instanceof StoreError || failure instanceof AuditError)) {
        throw new Error('failed with another error than the store gave', { cause: failure });
      }
      failed = failure !== undefined;
      writes = nth - 1;
    }
  }
  return writes;
}
