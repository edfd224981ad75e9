import { equal, Secret, toHex, wire } from '@quorate/protocol';
import type { Annex } from '../annex.ts';
import type { Store, StoreOperation } from '../store.ts';
import { decodeRecord, IntegrityError, isLater, UnlockError, VersionError } from './errors.ts';
import { headerCodec, headerPlace, headerVersion, type RootDescription } from './header.ts';
import { Manifest } from './manifest.ts';
import {
  checkLength,
  defaultKdfParameters,
  type Kdf,
  type KdfParameters,
  passphraseKey,
  systemKdf,
} from './passphrase.ts';
import { type Owner, openRecord, type Sealer, sealRecord } from './record.ts';
import { SealedStore } from './sealed-store.ts';

/**
 * What unlocks a store. The hierarchy below it:
 *
 *   root (passphrase or key file)  opens  the store key (random, in the header)
 *   store key                      opens  every record, and the data key of each epoch of each key
 *   data key                       opens  that epoch's share: deleting the data key shreds the epoch
 *
 * Changing the root seals the store key anew and touches nothing else.
 */
export type Root =
  | { readonly type: 'passphrase'; readonly passphrase: Secret }
  | { readonly type: 'key-file'; readonly key: Secret };

/** How a passphrase is stretched; the defaults are right outside tests. */
export interface Stretching {
  readonly parameters?: KdfParameters;
  readonly kdf?: Kdf;
}

/** Whose store it has to be. `node` may be left out by whoever learns from the store which node it is. */
export interface ExpectedOwner {
  readonly network: Uint8Array;
  readonly node?: Uint8Array;
}

/** An unlocked store. Close it to wipe the store key; the {@link Store} stays open. */
export class Keyring {
  readonly owner: Owner;
  /** Everything but the shares. */
  readonly records: SealedStore;
  /** Which records there should be. */
  readonly manifest: Manifest;
  /** Where the second copies are; undefined where there are none. */
  readonly annex: Annex | undefined;
  readonly #sealer: Sealer;
  readonly #storeKey: Secret;

  constructor(store: Store, sealer: Sealer, owner: Owner, storeKey: Secret, manifest: Manifest) {
    this.owner = owner;
    this.records = new SealedStore(store, sealer, owner, storeKey, manifest);
    this.manifest = manifest;
    this.annex = store.annex;
    this.#sealer = sealer;
    this.#storeKey = storeKey;
  }

  /** A fresh data key for one epoch of a key, and the operation that keeps it. The caller wipes the key. */
  newDataKey(keyId: Uint8Array, epoch: number): { readonly key: Secret; readonly operation: StoreOperation } {
    const bytes = this.#sealer.randomness.bytes(32);
    return { key: new Secret(bytes), operation: this.records.seal(dataKeyPlace(keyId, epoch), 'data-key', bytes) };
  }

  /** The data key of an epoch, which the caller wipes. @throws {IntegrityError} if it is missing or damaged */
  async dataKey(keyId: Uint8Array, epoch: number): Promise<Secret> {
    const place = dataKeyPlace(keyId, epoch);
    const bytes = await this.records.get(place, 'data-key');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    return new Secret(bytes);
  }

  close(): void {
    this.manifest.close();
    this.#storeKey.wipe();
  }
}

/**
 * Makes the header of an empty store, with a fresh store key.
 * @throws {UnlockError} `already-initialised`, `kdf-out-of-bounds`, `passphrase-too-short`
 * @throws {IntegrityError} if there are records but no header, or something beside the store that was written with it
 */
export async function createKeyring(
  store: Store,
  root: Root,
  owner: Owner,
  sealer: Sealer,
  stretching: Stretching = {},
): Promise<Keyring> {
  checkNewRoot(root);
  if ((await store.get(headerPlace)) !== undefined)
    throw new UnlockError('already-initialised', 'this store is initialised already: a node lives here');
  if (await isUsed(store)) throw new IntegrityError(headerPlace, 'missing');
  const storeKey = new Secret(sealer.randomness.bytes(32));
  const manifest = await Manifest.create(store, sealer, owner, storeKey);
  await putHeader(store, manifest, root, owner, storeKey, sealer, stretching);
  return new Keyring(store, sealer, owner, storeKey, manifest);
}

/**
 * Unlocks a store, and checks it against its manifest. What is damaged of single keys is left to `KeyRepository`.
 * @throws {UnlockError} @throws {VersionError} @throws {IntegrityError} @throws {RollbackError} @throws {StoreError}
 */
export async function openKeyring(
  store: Store,
  root: Root,
  expected: ExpectedOwner,
  sealer: Sealer,
  stretching: Stretching = {},
): Promise<Keyring> {
  const { owner, storeKey } = await unlock(store, root, expected, sealer, stretching);
  return new Keyring(store, sealer, owner, storeKey, await Manifest.open(store, sealer, owner, storeKey));
}

/** As {@link openKeyring}, where the counter's file is gone: whether the store is an older copy is not known then. */
export async function openKeyringUncounted(
  store: Store,
  root: Root,
  expected: ExpectedOwner,
  sealer: Sealer,
): Promise<Keyring> {
  const { owner, storeKey } = await unlock(store, root, expected, sealer, {});
  return new Keyring(store, sealer, owner, storeKey, await Manifest.open(store, sealer, owner, storeKey, 'accept'));
}

/**
 * Seals the store key under another root, touches no other record, and removes from the files what the old root opens. A
 * copy of the folder that somebody made before is still opened by the old one.
 * @param to what opens it from now on, asked for once the old one has opened it: nothing is made in vain
 * @throws {UnlockError} `passphrase-too-short`, and as {@link openKeyring}
 */
export async function changeRoot(
  store: Store,
  from: Root,
  to: () => Promise<Root>,
  expected: ExpectedOwner,
  sealer: Sealer,
  stretching: Stretching = {},
): Promise<void> {
  const { owner, storeKey } = await unlock(store, from, expected, sealer, stretching);
  using _ = storeKey;
  const manifest = await Manifest.open(store, sealer, owner, storeKey);
  try {
    const next = await to();
    checkNewRoot(next);
    await store.purge([await putHeader(store, manifest, next, owner, storeKey, sealer, stretching)]);
  } finally {
    manifest.close();
  }
}

async function unlock(
  store: Store,
  root: Root,
  expected: ExpectedOwner,
  sealer: Sealer,
  { kdf = systemKdf }: Stretching,
): Promise<{ readonly owner: Owner; readonly storeKey: Secret }> {
  const bytes = await store.get(headerPlace);
  if (bytes === undefined) throw await missingHeader(store);
  if (isLater(bytes, headerVersion)) throw new VersionError(headerPlace, false);
  const header = decodeRecord(headerPlace, headerCodec, bytes);
  if (!equal(header.network, expected.network))
    throw new UnlockError('other-network', 'this store belongs to another network: check the configuration');
  if (expected.node !== undefined && !equal(header.node, expected.node))
    throw new UnlockError('other-node', 'this store belongs to another node: check the data folder');
  using rootKey = await deriveRoot(root, header.root, header.salt, kdf);
  const owner = { network: header.network, node: header.node };
  const opened = openRecord(sealer.aead, rootKey, storeKeyPlace(owner), header.storeKey);
  if ('plaintext' in opened) return { owner, storeKey: new Secret(opened.plaintext) };
  if (opened.failure !== 'other-key') throw new IntegrityError(headerPlace, opened.failure);
  throw root.type === 'passphrase'
    ? new UnlockError('wrong-passphrase', `the passphrase does not open this store; ${lastSet}`)
    : new UnlockError('wrong-key-file', `the key file does not open this store; ${lastSet}`);
}

const lastSet =
  '`root:` in node.yaml names the file, which must be the one that `quorate init` or, later, `quorate passphrase` was given: put a copy of that back';

/** What is to open a store from now on. @throws {UnlockError} `passphrase-too-short` */
export function checkNewRoot(root: Root): void {
  if (root.type === 'passphrase') checkLength(root.passphrase);
}

async function putHeader(
  store: Store,
  manifest: Manifest,
  root: Root,
  owner: Owner,
  storeKey: Secret,
  sealer: Sealer,
  { parameters = defaultKdfParameters(), kdf = systemKdf }: Stretching,
): Promise<StoreOperation> {
  const description: RootDescription = root.type === 'passphrase' ? parameters : { type: 'key-file', value: {} };
  const salt = sealer.randomness.bytes(16);
  using rootKey = await deriveRoot(root, description, salt, kdf);
  const sealed = storeKey.use((bytes) => sealRecord(sealer, rootKey, storeKeyPlace(owner), bytes));
  const header = wire.encode(headerCodec, {
    version: headerVersion,
    ...owner,
    root: description,
    salt,
    storeKey: sealed,
  });
  const operation = { type: 'put', key: headerPlace, value: header } as const;
  await manifest.commit([operation]);
  const found = await store.get(headerPlace);
  if (found === undefined || !equal(found, header)) throw new IntegrityError(headerPlace, 'contradiction');
  return operation;
}

async function deriveRoot(root: Root, description: RootDescription, salt: Uint8Array, kdf: Kdf): Promise<Secret> {
  if (root.type === 'key-file' && description.type === 'key-file') return root.key.clone();
  if (root.type === 'passphrase' && description.type !== 'key-file')
    return await passphraseKey(root.passphrase, description, salt, kdf);
  const [needed, setting] =
    description.type === 'key-file' ? ['key file', 'keyFile'] : ['passphrase', 'passphraseFile'];
  throw new UnlockError(
    'other-root',
    `this store is opened by a ${needed}: name it in node.yaml, \`root: {${setting}: <file>}\``,
  );
}

async function missingHeader(store: Store): Promise<Error> {
  if (await isUsed(store)) return new IntegrityError(headerPlace, 'missing');
  return new UnlockError(
    'not-initialised',
    'this store is empty: no node was made here; `quorate init` makes one, in a folder of its own',
  );
}

/** Whether anything was ever written: in the store, or beside it where it stays when the store is lost. */
async function isUsed(store: Store): Promise<boolean> {
  for await (const _ of store.entries('')) return true;
  const { annex } = store;
  return annex !== undefined && ((await annex.readCounter()) !== undefined || (await annex.copies()).length > 0);
}

function storeKeyPlace(owner: Owner): Owner & { readonly place: string; readonly kind: string } {
  return { ...owner, place: headerPlace, kind: 'store-key' };
}

/** Where the data key of an epoch is. */
export function dataKeyPlace(keyId: Uint8Array, epoch: number): string {
  return `data-keys/${toHex(keyId)}/${epoch.toString().padStart(10, '0')}`;
}
