import { compare, equal, fromHex, Secret, toHex, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { Keyring } from '../sealing/hierarchy.ts';
import { decodeRecord, IntegrityError } from '../sealing/errors.ts';
import { Turns } from '../turns.ts';
import { KeyError } from './errors.ts';
import { type EpochRecord, type EpochState, epochCodec, type KeyRecord, keyCodec, keyRecordVersion } from './record.ts';

/** What a ceremony made, to be kept before READY is signed. */
export interface PreparedEpoch {
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  /** The attempt's number, above every earlier one of this key. */
  readonly epoch: number;
  readonly name: string;
  readonly scheme: string;
  readonly publicPackage: Uint8Array;
  /** Stays the caller's. */
  readonly share: Secret;
  /** What was set up with each other party, where the scheme needs that (ECDSA); stays the caller's. */
  readonly material?: Material | undefined;
  /** The digest, 32 bytes, of the READY statement. Keeping it here before READY is signed makes it the only one. */
  readonly ready: Uint8Array;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What was set up with other parties of an epoch, by party. */
export type Material = ReadonlyMap<number, Secret>;

/** Throws if the share does not belong to the public package: share·G against the verifying share. */
export type ShareCheck = (share: Secret, publicPackage: Uint8Array) => void;

/** One sharing of a key, as far as it is public. */
export interface EpochInfo {
  readonly epoch: number;
  readonly state: EpochState['type'];
  readonly createdAt: number;
  readonly publicPackage: Uint8Array;
  readonly ready: Uint8Array;
  /** Undefined while PREPARED. */
  readonly certificate: Uint8Array | undefined;
  /** The parties with whom something is set up, ascending. */
  readonly material: readonly number[];
}

export interface KeyInfo {
  readonly keyId: Uint8Array;
  readonly name: string;
  readonly scheme: string;
  /** The operator forbids signing; whoever signs asks. */
  readonly frozen: boolean;
  /** Lowest first. */
  readonly epochs: readonly EpochInfo[];
  /** The highest certified epoch: the one to use. Undefined until there is one. */
  readonly current: EpochInfo | undefined;
}

interface Entry {
  readonly keyId: Uint8Array;
  readonly record: KeyRecord;
  readonly epochs: ReadonlyMap<number, Epoch>;
}

interface Epoch {
  readonly record: EpochRecord;
  /** The parties with whom something is set up. */
  readonly material: ReadonlySet<number>;
}

/**
 * The keys of this node and their epochs. What is public is held in memory, and changes there only after it has changed on
 * disk; shares are opened when they are needed. Every method may reject with `IntegrityError` or `StoreError`.
 */
export class KeyRepository {
  readonly #keyring: Keyring;
  readonly #entries = new Map<string, Entry>();
  readonly #turns = new Turns();

  private constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** Reads all keys, and opens every secret once, so that damage shows at the start and not at the first signature. */
  static async open(keyring: Keyring): Promise<KeyRepository> {
    const repository = new KeyRepository(keyring);
    const entries = repository.#entries;
    for await (const [place, bytes] of keyring.records.entries('keys/', 'key')) {
      const id = place.slice('keys/'.length);
      entries.set(id, { keyId: fromHex(id), record: decodeRecord(place, keyCodec, bytes), epochs: new Map() });
    }
    for await (const [place, bytes] of keyring.records.entries('epochs/', 'epoch')) {
      const [, id = '', number] = place.split('/');
      const entry = entries.get(id);
      if (entry === undefined) throw new IntegrityError(`keys/${id}`, 'missing');
      const epoch = Number(number);
      const record = decodeRecord(place, epochCodec, bytes);
      entries.set(id, withEpoch(entry, epoch, { record, material: new Set() }));
      (await repository.share(entry.keyId, epoch)).wipe();
      await repository.#findMaterial(entry.keyId, epoch);
    }
    return repository;
  }

  /**
   * Makes the epoch PREPARED: keeps share and public package in one synced batch, reads both back and checks them. Only
   * then may READY be signed. Repeating it with the same content is harmless.
   * @throws {KeyError} `name-taken`, `scheme-differs`, `epoch-not-new`, `too-many-attempts`
   */
  async prepare(prepared: PreparedEpoch, check: ShareCheck): Promise<void> {
    const { keyId, epoch, publicPackage, share } = prepared;
    check(share, publicPackage);
    await this.#turns.take('keys', async () => {
      const entry = this.#entryFor(prepared);
      if (!entry.epochs.has(epoch)) {
        checkIsNext(entry, epoch);
        await this.#keep(entry, prepared);
      }
      await this.#checkKept(keyId, prepared, check);
    });
  }

  /**
   * Makes the epoch CERTIFIED, synced: from here on it may be used. `statement` is what the certificate, which the caller
   * has verified, certifies. Repeating it is harmless; the first certificate stays.
   * @throws {KeyError} `certificate-differs`, `unknown-key`, `unknown-epoch`
   */
  async certify(keyId: Uint8Array, epoch: number, statement: Uint8Array, certificate: Uint8Array): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record }] = this.#epoch(keyId, epoch);
      if (!equal(record.statement, statement))
        throw new KeyError('certificate-differs', 'the certificate is for another statement than the one prepared');
      if (record.state.type !== 'prepared') return;
      await this.#moveTo(entry, epoch, { ...record, state: { type: 'certified', value: certificate } });
    });
  }

  /** Makes the epoch ACTIVE. @throws {KeyError} `invalid-transition` while PREPARED, `unknown-key`, `unknown-epoch` */
  async activate(keyId: Uint8Array, epoch: number): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record }] = this.#epoch(keyId, epoch);
      const { state } = record;
      if (state.type === 'prepared') throw new KeyError('invalid-transition', `epoch ${epoch} has no certificate`);
      if (state.type === 'active') return;
      await this.#moveTo(entry, epoch, { ...record, state: { type: 'active', value: state.value } });
    });
  }

  /** Forbids signing with the key, or allows it again. @throws {KeyError} `unknown-key` */
  async freeze(keyId: Uint8Array, frozen: boolean): Promise<void> {
    await this.#turns.take('keys', async () => {
      const entry = this.#entry(keyId);
      const record = { ...entry.record, frozen: frozen ? 1 : 0 };
      await this.#keyring.records.put(keyPlace(keyId), 'key', wire.encode(keyCodec, record));
      this.#entries.set(toHex(keyId), { ...entry, record });
    });
  }

  get(keyId: Uint8Array): KeyInfo | undefined {
    const entry = this.#entries.get(toHex(keyId));
    return entry === undefined ? undefined : info(entry);
  }

  byName(name: string): KeyInfo | undefined {
    return this.list().find((key) => key.name === name);
  }

  /** By key id. */
  list(): readonly KeyInfo[] {
    return [...this.#entries.values()].sort((a, b) => compare(a.keyId, b.keyId)).map(info);
  }

  /** The share of an epoch in whatever state, which the caller wipes. @throws {IntegrityError} if missing or damaged */
  async share(keyId: Uint8Array, epoch: number): Promise<Secret> {
    this.#epoch(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const place = sharePlace(keyId, epoch);
    const bytes = await this.#keyring.records.withKey(dataKey).get(place, 'share');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    return new Secret(bytes);
  }

  /**
   * What was set up with another party of an epoch, which the caller wipes; undefined if there is nothing.
   * @throws {IntegrityError} if damaged
   */
  async material(keyId: Uint8Array, epoch: number, party: number): Promise<Secret | undefined> {
    this.#epoch(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const bytes = await this.#keyring.records.withKey(dataKey).get(materialPlace(keyId, epoch, party), 'material');
    return bytes === undefined ? undefined : new Secret(bytes);
  }

  /** Puts what was newly set up with a party in the place of what there was, synced and read back. */
  async replaceMaterial(keyId: Uint8Array, epoch: number, party: number, material: Secret): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record, material: parties }] = this.#epoch(keyId, epoch);
      using dataKey = await this.#keyring.dataKey(keyId, epoch);
      const records = this.#keyring.records.withKey(dataKey);
      const place = materialPlace(keyId, epoch, party);
      await material.use(async (bytes) => records.put(place, 'material', bytes));
      this.#set(entry, epoch, { record, material: new Set([...parties, party]) });
    });
  }

  /**
   * Forgets what was set up with these parties, synced: nothing is multiplied with it any more, whatever the disk does. The
   * key cannot sign with them until something new is set up.
   */
  async dropMaterial(keyId: Uint8Array, epoch: number, parties: readonly number[]): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record, material }] = this.#epoch(keyId, epoch);
      const dropped = parties.filter((party) => material.has(party));
      if (dropped.length === 0) return;
      this.#set(entry, epoch, { record, material: new Set([...material].filter((party) => !dropped.includes(party))) });
      const places = dropped.map((party) => materialPlace(keyId, epoch, party));
      await this.#keyring.records.batch(places.map((key) => ({ type: 'delete', key })));
    });
  }

  /** The key, perhaps a new one, if name and scheme are its own. */
  #entryFor({ keyId, name, scheme }: Pick<PreparedEpoch, 'keyId' | 'name' | 'scheme'>): Entry {
    const record = { version: keyRecordVersion, name, scheme, frozen: 0 };
    const entry = this.#entries.get(toHex(keyId)) ?? { keyId, record, epochs: new Map() };
    const owner = [...this.#entries.values()].find(({ record }) => record.name === name);
    if (entry.record.name !== name || (owner !== undefined && !equal(owner.keyId, keyId)))
      throw new KeyError(
        'name-taken',
        `the name ${name} is taken, or the key has another name: names are never reused`,
      );
    if (entry.record.scheme !== scheme)
      throw new KeyError('scheme-differs', `the key ${name} is of scheme ${entry.record.scheme}`);
    return entry;
  }

  async #keep(entry: Entry, prepared: PreparedEpoch): Promise<void> {
    const { keyId, epoch, publicPackage, share, ready, createdAt } = prepared;
    const material: Material = prepared.material ?? new Map();
    const { records } = this.#keyring;
    const record: EpochRecord = {
      version: keyRecordVersion,
      createdAt,
      publicPackage,
      statement: ready,
      state: { type: 'prepared', value: {} },
    };
    const dataKey = this.#keyring.newDataKey(keyId, epoch);
    using key = dataKey.key;
    await records.batch([
      dataKey.operation,
      share.use((bytes) => records.withKey(key).seal(sharePlace(keyId, epoch), 'share', bytes)),
      ...[...material].map(([party, secret]) =>
        secret.use((bytes) => records.withKey(key).seal(materialPlace(keyId, epoch, party), 'material', bytes)),
      ),
      records.seal(epochPlace(keyId, epoch), 'epoch', wire.encode(epochCodec, record)),
      records.seal(keyPlace(keyId), 'key', wire.encode(keyCodec, entry.record)),
    ]);
    this.#set(entry, epoch, { record, material: new Set(material.keys()) });
  }

  /** Trusts nothing but the disk: the public part, then the share, read back and compared with what was meant. */
  async #checkKept(keyId: Uint8Array, prepared: PreparedEpoch, check: ShareCheck): Promise<void> {
    const { epoch, publicPackage, ready } = prepared;
    const place = epochPlace(keyId, epoch);
    const bytes = await this.#keyring.records.get(place, 'epoch');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    const kept = decodeRecord(place, epochCodec, bytes);
    using share = await this.share(keyId, epoch);
    const sameShare = share.use((a) => prepared.share.use((b) => equal(a, b)));
    const sameMaterial = await this.#keeps(keyId, epoch, prepared.material ?? new Map());
    if (!sameShare || !sameMaterial || !equal(kept.publicPackage, publicPackage) || !equal(kept.statement, ready))
      throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${prepared.name} is there with other content`);
    check(share, kept.publicPackage);
  }

  /** Whether what is set up in an epoch, on disk, is exactly this. */
  async #keeps(keyId: Uint8Array, epoch: number, expected: Material): Promise<boolean> {
    const [, { material }] = this.#epoch(keyId, epoch);
    if (material.size !== expected.size) return false;
    for (const [party, secret] of expected) {
      using kept = await this.material(keyId, epoch, party);
      if (kept?.use((a) => secret.use((b) => equal(a, b))) !== true) return false;
    }
    return true;
  }

  /** Opens everything that is set up in an epoch once, and remembers with whom. */
  async #findMaterial(keyId: Uint8Array, epoch: number): Promise<void> {
    const [entry, { record }] = this.#epoch(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const found = new Set<number>();
    const records = this.#keyring.records.withKey(dataKey);
    for await (const [place, bytes] of records.entries(`${materialsPlace(keyId, epoch)}/`, 'material')) {
      bytes.fill(0);
      found.add(Number(place.slice(place.lastIndexOf('/') + 1)));
    }
    this.#set(entry, epoch, { record, material: found });
  }

  async #moveTo(entry: Entry, epoch: number, record: EpochRecord): Promise<void> {
    await this.#keyring.records.put(epochPlace(entry.keyId, epoch), 'epoch', wire.encode(epochCodec, record));
    const { material } = entry.epochs.get(epoch) as Epoch;
    this.#set(entry, epoch, { record, material });
  }

  #set(entry: Entry, epoch: number, value: Epoch): void {
    this.#entries.set(toHex(entry.keyId), withEpoch(entry, epoch, value));
  }

  #entry(keyId: Uint8Array): Entry {
    const entry = this.#entries.get(toHex(keyId));
    if (entry === undefined) throw new KeyError('unknown-key', `no key ${toHex(keyId)} on this node`);
    return entry;
  }

  #epoch(keyId: Uint8Array, epoch: number): readonly [Entry, Epoch] {
    const entry = this.#entry(keyId);
    const found = entry.epochs.get(epoch);
    if (found === undefined)
      throw new KeyError('unknown-epoch', `no epoch ${epoch} of the key ${entry.record.name} on this node`);
    return [entry, found];
  }
}

function checkIsNext({ record, epochs }: Entry, epoch: number): void {
  const highest = Math.max(-1, ...epochs.keys());
  if (epoch <= highest)
    throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${record.name} is not above ${highest}`);
  const isCertified = ([, epoch]: readonly [number, Epoch]): boolean => epoch.record.state.type !== 'prepared';
  const certified = Math.max(-1, ...[...epochs].filter(isCertified).map(([number]) => number));
  const open = [...epochs.keys()].filter((number) => number > certified).length;
  if (open >= limits.uncertifiedEpochs)
    throw new KeyError(
      'too-many-attempts',
      `${open} attempts at the key ${record.name} were never certified: find out why`,
    );
}

function withEpoch(entry: Entry, epoch: number, value: Epoch): Entry {
  return { ...entry, epochs: new Map([...entry.epochs, [epoch, value]]) };
}

function info({ keyId, record, epochs }: Entry): KeyInfo {
  const all = [...epochs].sort(([a], [b]) => a - b).map(([epoch, kept]) => epochInfo(epoch, kept));
  return {
    keyId,
    name: record.name,
    scheme: record.scheme,
    frozen: record.frozen !== 0,
    epochs: all,
    current: all.findLast(({ certificate }) => certificate !== undefined),
  };
}

function epochInfo(epoch: number, { record, material }: Epoch): EpochInfo {
  const { createdAt, publicPackage, statement, state } = record;
  const certificate = state.type === 'prepared' ? undefined : state.value;
  const parties = [...material].sort((a, b) => a - b);
  return { epoch, state: state.type, createdAt, publicPackage, ready: statement, certificate, material: parties };
}

function keyPlace(keyId: Uint8Array): string {
  return `keys/${toHex(keyId)}`;
}

function epochPlace(keyId: Uint8Array, epoch: number): string {
  return `epochs/${toHex(keyId)}/${epoch.toString().padStart(10, '0')}`;
}

function sharePlace(keyId: Uint8Array, epoch: number): string {
  return `shares/${toHex(keyId)}/${epoch.toString().padStart(10, '0')}`;
}

function materialsPlace(keyId: Uint8Array, epoch: number): string {
  return `material/${toHex(keyId)}/${epoch.toString().padStart(10, '0')}`;
}

function materialPlace(keyId: Uint8Array, epoch: number, party: number): string {
  return `${materialsPlace(keyId, epoch)}/${party.toString().padStart(5, '0')}`;
}
