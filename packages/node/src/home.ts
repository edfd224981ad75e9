import { ascii, concat, hedged, type Randomness, Secret, u64 } from '@quorate/protocol';
import { nativeAead } from '@quorate/protocol/native';
import {
  AuditLog,
  acceptLostCounter,
  BanLedger,
  BlameLedger,
  changeRoot,
  countBoot,
  createKeyring,
  type Diagnosis,
  examine,
  KeyRepository,
  type Keyring,
  MarkLedger,
  openDatabase,
  openKeyring,
  RequestLedger,
  type Root,
  raiseBoot,
  readKeyFile,
  SessionLedger,
  type Store,
  type Unwanted,
} from '@quorate/storage';
import type { Config } from './config/config.ts';
import { NodeError } from './errors.ts';
import { type Files, systemFiles } from './files.ts';
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

/** Makes a node's store with a fresh identity. @throws {UnlockError} `already-initialised` @throws {KeyFileError} */
export async function createHome(
  config: HomeConfig,
  randomness: Randomness,
  files: Files = systemFiles,
): Promise<PeerId> {
  const store = await openStore(config);
  try {
    using root = await rootOf(config, files);
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
  const store = await openStore(config);
  try {
    using root = await rootOf(config, files);
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
    using root = await rootOf(config, files);
    const sealer = { aead: nativeAead, randomness };
    return await acceptLostCounter(store, root.root, { network: config.networkId }, sealer, now);
  } finally {
    await store.close();
  }
}

/**
 * Has the store of a node that is stopped opened by another root from now on.
 * @throws {UnlockError} @throws {IntegrityError} @throws {StoreError} @throws {KeyFileError}
 */
export async function changeHomeRoot(
  config: HomeConfig,
  to: Config['root'],
  randomness: Randomness,
  files: Files = systemFiles,
): Promise<void> {
  const store = await openStore(config);
  try {
    using from = await rootOf(config, files);
    using other = await rootOf({ ...config, root: to }, files);
    const sealer = { aead: nativeAead, randomness };
    await changeRoot(store, from.root, other.root, { network: config.networkId }, sealer);
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
    using root = await rootOf(config, files);
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

function withoutNewline(line: Uint8Array): Uint8Array {
  const end = line.at(-1) === 0x0a ? (line.at(-2) === 0x0d ? -2 : -1) : line.length;
  const kept = line.slice(0, end);
  line.fill(0);
  return kept;
}

/** The database, with the counter and the second copies beside it. */
async function openStore({ data }: HomeConfig): Promise<Store> {
  return await openDatabase(`${data}/store`, data);
}
