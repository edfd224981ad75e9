import { compare, equal, fromHex, Secret, toHex, wipe, wire } from '@quorate/protocol';
import { decodeRecord, IntegrityError } from '../sealing/errors.ts';
import { dataKeyPlace, type Keyring } from '../sealing/hierarchy.ts';
import type { StoreOperation } from '../store.ts';
import { Turns } from '../turns.ts';
import { Copies } from './copies.ts';
import {
  certificateOf,
  checkIsNext,
  checkWhole,
  type Entry,
  type Epoch,
  info,
  isGivenUpFor,
  isKept,
  isOvertaken,
  type KeyInfo,
  retired,
  withEpoch,
} from './entry.ts';
import { KeyError } from './errors.ts';
import { copyName, epochPlace, keyPlace, materialPlace, materialsPlace, sharePlace } from './places.ts';
import { type EpochRecord, type EpochState, epochCodec, keyCodec, keyRecordVersion } from './record.ts';
import { salvage } from './salvage.ts';

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

/** An epoch of which this node has no share. `ready` is the digest of its package. */
export type OutsideEpoch = Omit<PreparedEpoch, 'share' | 'material'>;

/** An epoch in use whose share was lost here, with the share that others gave back. */
export interface RepairedEpoch extends Omit<PreparedEpoch, 'material'> {
  /** What certifies the public package: the caller has verified it. */
  readonly certificate: Uint8Array;
}

/** What was set up with other parties of an epoch, by party. */
export type Material = ReadonlyMap<number, Secret>;

/** Throws if the share does not belong to the public package: share·G against the verifying share. */
export type ShareCheck = (share: Secret, publicPackage: Uint8Array) => void;

/** Something that was not as it should be, for the audit log. */
export interface Finding {
  /**
   * - `share-restored`: a record was lost or damaged, and put back from the second copy.
   * - `copy-restored`: the second copy was lost or damaged, or a crash kept it from being made.
   * - `copy-unknown`: there is a copy of an epoch that this node does not have. It is left alone.
   * - `record-unknown`: there is a record of no key: the disk altered where a record belongs.
   * - `manifest-restored`: the manifest's root or a page of it was damaged, and made anew from what proves it.
   * - `pair-quarantined`: what was set up with one party was damaged. It was removed, as if nothing had been set up: the key
   *   signs with others, and the two set up something new.
   * - `key-quarantined`: see {@link KeyInfo.quarantined}.
   */
  readonly kind:
    | 'share-restored'
    | 'copy-restored'
    | 'copy-unknown'
    | 'record-unknown'
    | 'manifest-restored'
    | 'pair-quarantined'
    | 'key-quarantined';
  /** The place of the record, or the name of the copy. */
  readonly place: string;
  /** Of damage that stays: what it is. */
  readonly reason?: string;
}

/**
 * The keys of this node and their epochs. What is public is held in memory, and changes there only after it has changed on
 * disk; shares are opened when they are needed. Every method may reject with `IntegrityError` or `StoreError`.
 */
export class KeyRepository {
  readonly #keyring: Keyring;
  readonly #copies: Copies;
  readonly #findings: Finding[] = [];
  readonly #entries = new Map<string, Entry>();
  readonly #turns = new Turns();
  /** Epochs that have no second copy because they are just being made. */
  readonly #isUncopied = new Set<string>();

  private constructor(keyring: Keyring) {
    this.#keyring = keyring;
    this.#copies = new Copies(keyring);
  }

  /**
   * Reads all keys, and opens every secret once, so that damage shows at the start and not at the first signature. What the
   * second copies can repair is repaired; a key that stays damaged is quarantined and keeps no other from being used.
   */
  static async open(keyring: Keyring): Promise<KeyRepository> {
    const repository = new KeyRepository(keyring);
    for (const place of keyring.manifest.restored()) repository.#findings.push({ kind: 'manifest-restored', place });
    for (const id of await repository.#ids()) await repository.#load(id);
    await repository.#removeUnlisted();
    const known = repository.list().flatMap(({ keyId, epochs }) => epochs.map(({ epoch }) => copyName(keyId, epoch)));
    const quarantined = repository.list().filter((key) => key.quarantined !== undefined);
    for (const name of await repository.#copies.others(new Set(known))) {
      if (!quarantined.some(({ keyId }) => name.startsWith(toHex(keyId))))
        repository.#findings.push({ kind: 'copy-unknown', place: `copies/${name}` });
    }
    return repository;
  }

  /** What was found and done since this was last asked, oldest first: to be audited by whoever knows the time. */
  takeFindings(): readonly Finding[] {
    return this.#findings.splice(0);
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
      const known = entry.epochs.get(epoch);
      if (known !== undefined && !isKept(known.record))
        throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${prepared.name} is ${known.record.state.type}`);
      if (known === undefined) {
        checkIsNext(entry, epoch);
        await this.#keep(entry, prepared);
      }
      // The second copy, before READY may be signed; again if it could not be written the first time.
      await this.#heal(keyId, epoch);
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
      // A READY that was held back may complete an epoch that was overtaken: then it is known, and not used.
      const type = isOvertaken(entry, epoch) ? 'retiring' : 'certified';
      await this.#moveTo(entry, new Map([[epoch, { ...record, state: { type, value: certificate } }]]));
    });
  }

  /**
   * Makes the epoch ACTIVE, and those below it that were certified RETIRING, in one synced batch. Harmless when repeated, and
   * for an epoch that was overtaken.
   * @throws {KeyError} `invalid-transition` while PREPARED, `unknown-key`, `unknown-epoch`
   */
  async activate(keyId: Uint8Array, epoch: number): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record }] = this.#epoch(keyId, epoch);
      const { state } = record;
      if (state.type === 'prepared') throw new KeyError('invalid-transition', `epoch ${epoch} has no certificate`);
      if (state.type !== 'certified') return;
      const active: EpochRecord = { ...record, state: { type: 'active', value: state.value } };
      await this.#moveTo(entry, new Map([[epoch, active], ...retired(entry.epochs, epoch)]));
    });
  }

  /**
   * Makes the epoch APPROVED, synced: this node dealt into it and has no share of it. Only then may the approval be signed.
   * Repeating it with the same content is harmless.
   * @throws {KeyError} `epoch-not-new`, `too-many-attempts`, `name-taken`, `scheme-differs`
   */
  async approve(outside: OutsideEpoch): Promise<void> {
    await this.#turns.take('keys', async () => {
      const { epoch, name, ready } = outside;
      const entry = this.#entryFor(outside);
      const known = entry.epochs.get(epoch)?.record;
      if (known?.state.type === 'approved' && equal(known.statement, ready)) return;
      if (known !== undefined)
        throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${name} is there with other content`);
      checkIsNext(entry, epoch);
      await this.#keepOutside(entry, outside, { type: 'approved', value: {} }, new Map());
    });
  }

  /**
   * Makes the epoch ELSEWHERE: certified, and this node has no share of it; its own below it that were certified are RETIRING, in
   * the same synced batch. The caller has verified that it follows them. What this node prepared under its number was another
   * attempt, which nothing can come of any more: its secrets are destroyed first. Harmless when repeated.
   * @throws {KeyError} `epoch-not-new`, `name-taken`, `scheme-differs`
   */
  async goElsewhere(outside: OutsideEpoch, certificate: Uint8Array): Promise<void> {
    await this.#turns.take('keys', async () => {
      const { epoch, keyId, name, ready } = outside;
      const known = this.#entryFor(outside).epochs.get(epoch)?.record;
      if (known?.state.type === 'elsewhere') return;
      if (known !== undefined && !isGivenUpFor(ready, known))
        throw new KeyError('epoch-not-new', `this node has a share of epoch ${epoch} of the key ${name}`);
      if (known !== undefined && known.state.type !== 'approved') await this.#destroy(keyId, epoch);
      const entry = this.#entryFor(outside);
      const state = { type: 'elsewhere', value: certificate } as const;
      await this.#keepOutside(entry, outside, state, retired(entry.epochs, epoch));
    });
  }

  /**
   * Destroys the secrets of an epoch that was overtaken: data key, share, set-ups and second copy, in the database's files
   * too. The caller knows that enough others use a higher one (R5). What is public stays. A crash in between is made up for at the next start;
   * harmless when repeated.
   * @throws {KeyError} `invalid-transition` unless a higher epoch is active, `unknown-key`, `unknown-epoch`
   */
  async shred(keyId: Uint8Array, epoch: number): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record }] = this.#epoch(keyId, epoch);
      if (record.state.type !== 'shredded' && (!isKept(record) || !isOvertaken(entry, epoch)))
        throw new KeyError('invalid-transition', `no epoch above ${epoch} of the key ${entry.record.name} is active`);
      await this.#destroy(keyId, epoch);
    });
  }

  /**
   * Takes an epoch in use whose share was lost here, synced, and read back; a quarantined key is whole again. Of its other epochs
   * stays what is whole: see `salvage.ts`. A crash in between leaves the key as damaged as it was, or repaired.
   * @param check is asked first: only a share that fits takes the place of another
   * @throws {KeyError} `name-taken`, `scheme-differs`, `epoch-retired` when a higher epoch is in use here
   */
  async repair(repaired: RepairedEpoch, check: ShareCheck): Promise<void> {
    const { keyId, epoch } = repaired;
    check(repaired.share, repaired.publicPackage);
    await this.#turns.take('keys', async () => {
      const entry = this.#entries.get(toHex(keyId));
      if (entry?.quarantined === undefined) {
        const whole = this.#entryFor(repaired);
        if ((info(whole).current?.epoch ?? 0) > epoch)
          throw new KeyError('epoch-retired', `a higher epoch than ${epoch} of the key ${repaired.name} is in use`);
      }
      // What it holds does not open, or is what is written now: two copies that differ would both be doubted.
      await this.#copies.erase(keyId, repaired.epoch);
      const afresh = { afresh: `key/${toHex(keyId)}` };
      await this.#keyring.records.batch(await salvage(this.#keyring, this.#copies, repaired), afresh);
      this.#isUncopied.add(copyName(keyId, epoch));
      this.#entries.delete(toHex(keyId));
      await this.#load(toHex(keyId));
      await this.#checkKept(keyId, repaired, check);
    });
  }

  /** Forbids signing with the key, or allows it again. @throws {KeyError} `unknown-key` */
  async freeze(keyId: Uint8Array, frozen: boolean): Promise<void> {
    await this.#change(keyId, { frozen: frozen ? 1 : 0 });
  }

  /** Remembers, for ever, that the private key was put together somewhere. @throws {KeyError} `unknown-key` */
  async markExported(keyId: Uint8Array): Promise<void> {
    await this.#change(keyId, { exported: 1 });
  }

  async #change(keyId: Uint8Array, change: { readonly frozen: number } | { readonly exported: number }): Promise<void> {
    await this.#turns.take('keys', async () => {
      const entry = this.#usable(keyId);
      const record = { ...entry.record, ...change };
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

  /**
   * The share of an epoch, which the caller wipes. A damaged record is restored from the second copy.
   * @throws {KeyError} `epoch-retired` @throws {IntegrityError} if it is lost
   */
  async share(keyId: Uint8Array, epoch: number): Promise<Secret> {
    this.#inUse(keyId, epoch);
    try {
      return await this.#readShare(keyId, epoch);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      // In turn, since the epoch may just be shredded: what is destroyed must not come back from the copy.
      return await this.#turns.take('keys', async () => {
        this.#inUse(keyId, epoch);
        await this.#heal(keyId, epoch);
        return await this.#readShare(keyId, epoch);
      });
    }
  }

  /**
   * What was set up with another party of an epoch, which the caller wipes; undefined if there is nothing.
   * @throws {KeyError} `epoch-retired` @throws {IntegrityError} if damaged
   */
  async material(keyId: Uint8Array, epoch: number, party: number): Promise<Secret | undefined> {
    this.#inUse(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const bytes = await this.#keyring.records.withKey(dataKey).get(materialPlace(keyId, epoch, party), 'material');
    return bytes === undefined ? undefined : new Secret(bytes);
  }

  /** Puts what was newly set up with a party in the place of what there was, synced and read back. */
  async replaceMaterial(keyId: Uint8Array, epoch: number, party: number, material: Secret): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record, material: parties }] = this.#inUse(keyId, epoch);
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
    const record = { version: keyRecordVersion, name, scheme, frozen: 0, exported: 0 };
    const entry = this.#entries.get(toHex(keyId)) ?? { keyId, record, epochs: new Map() };
    checkWhole(entry);
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
    this.#isUncopied.add(copyName(keyId, epoch));
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

  async #keepOutside(
    entry: Entry,
    { createdAt, epoch, keyId, publicPackage, ready }: OutsideEpoch,
    state: EpochState,
    retiring: ReadonlyMap<number, EpochRecord>,
  ): Promise<void> {
    const record = { version: keyRecordVersion, createdAt, publicPackage, statement: ready, state };
    const key = this.#keyring.records.seal(keyPlace(keyId), 'key', wire.encode(keyCodec, entry.record));
    await this.#moveTo(entry, new Map([[epoch, record], ...retiring]), [key]);
  }

  /** Trusts nothing but the disk: the public part, then the share, read back and compared with what was meant. */
  async #checkKept(keyId: Uint8Array, prepared: PreparedEpoch, check: ShareCheck): Promise<void> {
    const { epoch, publicPackage, ready } = prepared;
    const place = epochPlace(keyId, epoch);
    const bytes = await this.#keyring.records.get(place, 'epoch');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    const kept = decodeRecord(place, epochCodec, bytes);
    using share = await this.#readShare(keyId, epoch);
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

  /** Every key of which there is a record, or should be one. */
  async #ids(): Promise<ReadonlySet<string>> {
    const { manifest, records } = this.#keyring;
    const ids = new Set(manifest.broken().map((group) => group.slice('key/'.length)));
    for (const prefix of ['keys/', 'epochs/'])
      for await (const place of records.places(prefix)) ids.add(place.slice(prefix.length).split('/', 1)[0] as string);
    for (const id of ids) {
      if (/^[0-9a-f]{64}$/.test(id)) continue;
      ids.delete(id);
      this.#findings.push({ kind: 'record-unknown', place: `key/${id}` });
    }
    return ids;
  }

  async #load(id: string): Promise<void> {
    try {
      await this.#loadWhole(fromHex(id));
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      const name = this.#entries.get(id)?.record.name ?? '';
      const record = { version: keyRecordVersion, name, scheme: '', frozen: 1, exported: 0 };
      const remains = [...(this.#entries.get(id)?.epochs.values() ?? [])].map((epoch) => epoch.record.publicPackage);
      this.#entries.set(id, { keyId: fromHex(id), record, epochs: new Map(), quarantined: error, remains });
      this.#findings.push({ kind: 'key-quarantined', place: error.place, reason: error.reason });
    }
  }

  async #loadWhole(keyId: Uint8Array): Promise<void> {
    const { manifest, records } = this.#keyring;
    const group = `key/${toHex(keyId)}`;
    const place = keyPlace(keyId);
    const bytes = await records.get(place, 'key');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    this.#entries.set(toHex(keyId), { keyId, record: decodeRecord(place, keyCodec, bytes), epochs: new Map() });
    for await (const [place, bytes] of records.entries(`epochs/${toHex(keyId)}/`, 'epoch')) {
      const record = decodeRecord(place, epochCodec, bytes);
      const epoch = Number(place.slice(place.lastIndexOf('/') + 1));
      this.#set(this.#entry(keyId), epoch, { record, material: new Set() });
    }
    const { epochs } = this.#entry(keyId);
    const kept = [...epochs].filter(([, { record }]) => isKept(record));
    const shredded = [...epochs].filter(([, { record }]) => record.state.type === 'shredded');
    for (const [epoch] of kept) await this.#heal(keyId, epoch);
    // Only now: what was restored counts.
    const isWhole = !manifest.broken().includes(group) || (await manifest.recheck(group));
    for (const [epoch] of kept) await this.#findMaterial(keyId, epoch);
    if (!isWhole) throw new IntegrityError(group, 'incomplete');
    for (const [epoch, { record }] of shredded) {
      const copied = (await this.#keyring.annex?.readCopy(copyName(keyId, epoch))) !== undefined;
      if (copied || (record.state.type === 'shredded' && record.state.value.erased === 0))
        await this.#erase(keyId, epoch);
    }
  }

  async #readShare(keyId: Uint8Array, epoch: number): Promise<Secret> {
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const place = sharePlace(keyId, epoch);
    const bytes = await this.#keyring.records.withKey(dataKey).get(place, 'share');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    return new Secret(bytes);
  }

  async #heal(keyId: Uint8Array, epoch: number): Promise<void> {
    const isNew = this.#isUncopied.delete(copyName(keyId, epoch));
    const healed = await this.#copies.heal(keyId, epoch);
    if (healed !== 'nothing' && !(isNew && healed === 'copy-restored'))
      this.#findings.push({ kind: healed, place: sharePlace(keyId, epoch) });
  }

  /** Makes the epoch SHREDDED, synced, then makes sure of it; harmless when repeated. */
  async #destroy(keyId: Uint8Array, epoch: number): Promise<void> {
    const [entry, { record, material }] = this.#epoch(keyId, epoch);
    if (record.state.type !== 'shredded') {
      const certificate = certificateOf(record.state) ?? new Uint8Array(0);
      const shredded: EpochRecord = { ...record, state: { type: 'shredded', value: { erased: 0, certificate } } };
      await this.#keyring.records.batch([
        ...secretsOf(keyId, epoch, material),
        this.#keyring.records.seal(epochPlace(keyId, epoch), 'epoch', wire.encode(epochCodec, shredded)),
      ]);
      // The parties are remembered until what was set up with them is out of the files.
      this.#set(entry, epoch, { record: shredded, material });
    }
    await this.#erase(keyId, epoch);
  }

  /** Removes from copies and files what a shredded epoch had, and makes sure of it. */
  async #erase(keyId: Uint8Array, epoch: number): Promise<void> {
    const { records } = this.#keyring;
    const [entry, { record, material }] = this.#epoch(keyId, epoch);
    const gone = secretsOf(keyId, epoch, material);
    await this.#copies.erase(keyId, epoch);
    await records.purge(gone);
    for (const { key } of gone)
      if ((await records.sealed(key)) !== undefined) throw new IntegrityError(key, 'contradiction');
    const certificate = certificateOf(record.state) ?? new Uint8Array(0);
    const erased: EpochRecord = { ...record, state: { type: 'shredded', value: { erased: 1, certificate } } };
    await this.#moveTo(entry, new Map([[epoch, erased]]));
    this.#set(this.#entry(keyId), epoch, { record: erased, material: new Set() });
  }

  /** Removes what was removed before, or is of no pair: nothing is done with it, and it must not lie about. */
  async #removeUnlisted(): Promise<void> {
    const places = this.#keyring.manifest.unlisted();
    if (places.length === 0) return;
    await this.#keyring.records.batch(places.map((key) => ({ type: 'delete', key })));
    for (const place of places) this.#findings.push({ kind: 'record-unknown', place });
  }

  /** Opens everything that is set up in an epoch once, and remembers with whom; what is damaged is removed. */
  async #findMaterial(keyId: Uint8Array, epoch: number): Promise<void> {
    const [entry, { record }] = this.#epoch(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const found = new Set<number>();
    const records = this.#keyring.records.withKey(dataKey);
    const places = this.#keyring.manifest.listed(`pairs/${toHex(keyId)}`);
    for (const place of places.filter((one) => one.startsWith(`${materialsPlace(keyId, epoch)}/`))) {
      try {
        wipe((await records.get(place, 'material')) ?? new Uint8Array(0));
        found.add(Number(place.slice(place.lastIndexOf('/') + 1)));
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        await this.#keyring.records.batch([{ type: 'delete', key: place }]);
        this.#findings.push({ kind: 'pair-quarantined', place, reason: error.reason });
      }
    }
    this.#set(entry, epoch, { record, material: found });
  }

  /** Puts these epochs' records in one synced batch, and reads them back. */
  async #moveTo(
    entry: Entry,
    changed: ReadonlyMap<number, EpochRecord>,
    more: readonly StoreOperation[] = [],
  ): Promise<void> {
    const { records } = this.#keyring;
    const encoded = [...changed].map(
      ([epoch, record]) => [epochPlace(entry.keyId, epoch), wire.encode(epochCodec, record)] as const,
    );
    await records.batch([...more, ...encoded.map(([place, bytes]) => records.seal(place, 'epoch', bytes))]);
    for (const [place, bytes] of encoded) await records.verify(place, 'epoch', bytes);
    for (const [epoch, record] of changed) {
      const material = entry.epochs.get(epoch)?.material ?? new Set();
      this.#set(this.#entries.get(toHex(entry.keyId)) ?? entry, epoch, { record, material });
    }
  }

  #set(entry: Entry, epoch: number, value: Epoch): void {
    this.#entries.set(toHex(entry.keyId), withEpoch(entry, epoch, value));
  }

  #entry(keyId: Uint8Array): Entry {
    const entry = this.#entries.get(toHex(keyId));
    if (entry === undefined) throw new KeyError('unknown-key', `no key ${toHex(keyId)} on this node`);
    return entry;
  }

  #usable(keyId: Uint8Array): Entry {
    const entry = this.#entry(keyId);
    checkWhole(entry);
    return entry;
  }

  #inUse(keyId: Uint8Array, epoch: number): readonly [Entry, Epoch] {
    const found = this.#epoch(keyId, epoch);
    const { type } = found[1].record.state;
    if (type === 'retiring' || !isKept(found[1].record))
      throw new KeyError('epoch-retired', `epoch ${epoch} of the key ${found[0].record.name} is ${type}`);
    return found;
  }

  #epoch(keyId: Uint8Array, epoch: number): readonly [Entry, Epoch] {
    const entry = this.#usable(keyId);
    const found = entry.epochs.get(epoch);
    if (found === undefined)
      throw new KeyError('unknown-epoch', `no epoch ${epoch} of the key ${entry.record.name} on this node`);
    return [entry, found];
  }
}

/** What removes an epoch's secrets. */
function secretsOf(keyId: Uint8Array, epoch: number, parties: ReadonlySet<number>): readonly StoreOperation[] {
  const material = [...parties].map((party) => materialPlace(keyId, epoch, party));
  const places = [dataKeyPlace(keyId, epoch), sharePlace(keyId, epoch), ...material];
  return places.map((key) => ({ type: 'delete', key }));
}
