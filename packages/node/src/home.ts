import { ascii, concat, hedged, type Randomness, Secret, u64 } from '@quorate/protocol';
import { nativeAead } from '@quorate/protocol/native';
import {
  AuditLog,
  acceptLostCounter,
  BanLedger,
  BlameLedger,
  changeRoot,
  checkNewRoot,
  countBoot,
  createKeyFile,
  createKeyring,
  type Diagnosis,
  examine,
  KeyFileError,
  KeyRepository,
  type Keyring,
  MarkLedger,
  ofDatabase,
  openDatabase,
  openKeyring,
  RequestLedger,
  type Root,
  raiseBoot,
  readKeyFile,
  SessionLedger,
  type Store,
  StoreDamage,
  traceOf,
  UnlockError,
  type Unwanted,
} from '@quorate/storage';
import type { Config } from './config/config.ts';
import { NodeError } from './errors.ts';
import { type Files, FileUnreadable, systemFiles } from './files.ts';
import { limits } from './limits.ts';
import { identityOf } from './network/identity.ts';
import type { PeerId } from './network/network.ts';

/** Everything a node keeps, unlocked. */
export interface Home {
  readonly store: Store;
  readonly keyring: Keyring;
  /** The identity's Ed25519 seed, 32 bytes. */
  readonly seed: Secret;
  /** Counter ‖ 16 random bytes, fresh with every opening, and when it is renewed. */
  readonly bootEpoch: Uint8Array;
  /** Takes a boot epoch with this counter, which must be above every one before; synced. */
  renewBoot(counter: number): Promise<void>;
  readonly keys: KeyRepository;
  readonly requests: RequestLedger;
  readonly sessions: SessionLedger;
  readonly blames: BlameLedger;
  readonly bans: BanLedger;
  readonly marks: MarkLedger;
  readonly audit: AuditLog;
  /** Wipes what was unlocked and releases the folder. */
  close(): Promise<void>;
}

type HomeConfig = Pick<Config, 'data' | 'root' | 'networkId'>;

const identityPlace = 'identity';

/**
 * Refuses what a new node cannot be made with, or where, before anything is made of it.
 * @throws {UnlockError} `already-initialised`, `passphrase-too-short` @throws {KeyFileError} @throws {FileUnreadable}
 */
export async function checkNewHome(config: HomeConfig, files: Files = systemFiles): Promise<void> {
  const trace = traceOf(storeIn(config), config.data);
  if (trace !== undefined) throw new UnlockError('already-initialised', `${trace} ${taken}`);
  if (isMissing(config.root, files)) return;
  using root = await rootOf(config, files);
  checkNewRoot(root.root);
}

const taken =
  'shows that a node lives in this folder, or did: put its node.yaml back (and what else is missing, from a copy of the whole folder), ' +
  'or choose another --data for a new node. If all that ever ran here was a `quorate init` that was cut short, remove the folder first';

/** Makes a node's store with a fresh identity, and its key file if that is missing. Errors as {@link checkNewHome}. */
export async function createHome(
  config: HomeConfig,
  randomness: Randomness,
  files: Files = systemFiles,
): Promise<PeerId> {
  await checkNewHome(config, files);
  using root = await newRootOf(config, randomness, files);
  const store = await openStore(config, 'make');
  try {
    const unlocking = root.root.type === 'key-file' ? root.root.key : root.root.passphrase;
    using seed = new Secret(hedged(randomness, unlocking, ascii(identityPlace)).bytes(32));
    const identity = identityOf(seed);
    const owner = { network: config.networkId, node: identity.publicKey };
    const keyring = await createKeyring(store, root.root, owner, { aead: nativeAead, randomness });
    await seed.use(async (bytes) => keyring.records.put(identityPlace, 'identity', bytes));
    keyring.close();
    return identity.peer;
  } finally {
    await store.close();
  }
}

/** Unlocks a node's store and counts the start. @throws {UnlockError} @throws {VersionError} @throws {IntegrityError} @throws {StoreError} */
export async function openHome(config: HomeConfig, randomness: Randomness, files: Files = systemFiles): Promise<Home> {
  const unlocked = await unlock(config, randomness, files);
  try {
    return await homeOf(unlocked, randomness);
  } catch (error) {
    await unlocked.store.close();
    throw error;
  }
}

/** What is kept in a store once it is unlocked; counts the start. @throws {IntegrityError} @throws {StoreError} */
export async function homeOf(
  { store, keyring, seed }: Pick<Home, 'store' | 'keyring' | 'seed'>,
  randomness: Randomness,
): Promise<Home> {
  const { records } = keyring;
  const bootEpochOf = (counter: number): Uint8Array => concat(u64(counter), randomness.bytes(16));
  // What a newer version wrote is refused before the start is counted, which writes.
  const [bans, marks, audit] = [
    await BanLedger.open(records),
    await MarkLedger.open(records),
    await AuditLog.open(records),
  ];
  const keys = await KeyRepository.open(keyring);
  let bootEpoch = bootEpochOf(await countBoot(records));
  return {
    store,
    keyring,
    seed,
    get bootEpoch() {
      return bootEpoch;
    },
    async renewBoot(counter) {
      await raiseBoot(records, counter);
      bootEpoch = bootEpochOf(counter);
    },
    keys,
    requests: new RequestLedger(records),
    sessions: new SessionLedger(records),
    blames: new BlameLedger(records),
    bans,
    marks,
    audit,
    async close() {
      seed.wipe();
      keyring.close();
      await store.close();
    },
  };
}

/** Looks through the store of a node that is stopped. @throws {UnlockError} @throws {StoreError} */
export async function examineHome(
  config: HomeConfig,
  randomness: Randomness,
  unwanted: Unwanted,
  files: Files = systemFiles,
): Promise<readonly Diagnosis[]> {
  const store = await openStore(config).catch((error: unknown) => {
    if (error instanceof StoreDamage) return ofDatabase(error);
    throw error;
  });
  if ('remedy' in store) return [store];
  try {
    using root = await currentRoot(config, files);
    const sealer = { aead: nativeAead, randomness };
    return await examine(store, root.root, { network: config.networkId }, sealer, unwanted);
  } finally {
    await store.close();
  }
}

/** Takes the store of a node that is stopped for the newest, though its counter is lost: see `acceptLostCounter`. */
export async function acceptLostCounterOf(
  config: HomeConfig,
  randomness: Randomness,
  now: number,
  files: Files = systemFiles,
): Promise<boolean> {
  const store = await openStore(config);
  try {
    using root = await currentRoot(config, files);
    const sealer = { aead: nativeAead, randomness };
    return await acceptLostCounter(store, root.root, { network: config.networkId }, sealer, now);
  } finally {
    await store.close();
  }
}

/**
 * Has the store of a node that is stopped opened by another root from now on. A key file that is missing is made, once the old root
 * has opened the store.
 * @throws {UnlockError} @throws {IntegrityError} @throws {StoreError} @throws {KeyFileError} @throws {FileUnreadable}
 */
export async function changeHomeRoot(
  config: HomeConfig,
  to: Config['root'],
  randomness: Randomness,
  files: Files = systemFiles,
): Promise<void> {
  using from = await currentRoot(config, files);
  using stack = new DisposableStack();
  const next = async (): Promise<Root> => stack.use(await newRootOf({ ...config, root: to }, randomness, files)).root;
  const known = isMissing(to, files) ? undefined : await next();
  if (known !== undefined) checkNewRoot(known);
  const store = await openStore(config);
  try {
    const sealer = { aead: nativeAead, randomness };
    await changeRoot(store, from.root, async () => known ?? (await next()), { network: config.networkId }, sealer);
  } finally {
    await store.close();
  }
}

async function unlock(
  config: HomeConfig,
  randomness: Randomness,
  files: Files,
): Promise<{ readonly store: Store; readonly keyring: Keyring; readonly seed: Secret }> {
  const store = await openStore(config);
  try {
    using root = await currentRoot(config, files);
    const keyring = await openKeyring(
      store,
      root.root,
      { network: config.networkId },
      { aead: nativeAead, randomness },
    );
    const seed = await keyring.records.get(identityPlace, 'identity');
    if (seed === undefined)
      throw new NodeError('identity-invalid', 'this folder holds no identity; `quorate init` makes one');
    return { store, keyring, seed: new Secret(seed) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The root of the key hierarchy: a key file, or a passphrase from a file as protected as one. */
async function rootOf({ root }: HomeConfig, files: Files): Promise<Disposable & { readonly root: Root }> {
  if ('keyFile' in root) {
    const key = await readKeyFile(root.keyFile);
    return { root: { type: 'key-file', key }, [Symbol.dispose]: () => key.wipe() };
  }
  const passphrase = new Secret(withoutNewline(files.readPrivate(root.passphraseFile, limits.passphraseBytes)));
  return { root: { type: 'passphrase', passphrase }, [Symbol.dispose]: () => passphrase.wipe() };
}

/** As {@link rootOf}, of a store that it opens already. */
async function currentRoot(config: HomeConfig, files: Files): ReturnType<typeof rootOf> {
  try {
    return await rootOf(config, files);
  } catch (error) {
    const how = '`root:` in node.yaml names it; if it is lost, put your copy of it back: nothing else opens the store';
    if (error instanceof FileUnreadable) throw new FileUnreadable(error.path, `${error.reason}; ${how}`);
    if (error instanceof KeyFileError && error.code === 'key-file-unreadable')
      throw new KeyFileError(error.code, `${error.message} ${how}`, error);
    throw error;
  }
}

/** As {@link rootOf}; a key file is made if it is missing. */
async function newRootOf(config: HomeConfig, randomness: Randomness, files: Files): ReturnType<typeof rootOf> {
  if (isMissing(config.root, files)) await createKeyFile(config.root.keyFile, randomness);
  return await rootOf(config, files);
}

function isMissing(root: Config['root'], files: Files): root is { readonly keyFile: string } {
  return 'keyFile' in root && files.stamp(root.keyFile) === undefined;
}

function withoutNewline(line: Uint8Array): Uint8Array {
  const end = line.at(-1) === 0x0a ? (line.at(-2) === 0x0d ? -2 : -1) : line.length;
  const kept = line.slice(0, end);
  line.fill(0);
  return kept;
}

/** The database, with the counter and the second copies beside it. Only a new node's is made. */
async function openStore(config: HomeConfig, absent: 'make' | 'refuse' = 'refuse'): Promise<Store> {
  return await openDatabase(storeIn(config), config.data, absent);
}

function storeIn({ data }: HomeConfig): string {
  return `${data}/store`;
}
