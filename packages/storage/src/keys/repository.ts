import { compare, equal, fromHex, Secret, toHex, wire } from '@quorate/protocol';
import { decodeRecord, IntegrityError } from '../sealing/errors.ts';
import { dataKeyPlace, type Keyring } from '../sealing/hierarchy.ts';
import type { StoreOperation } from '../store.ts';
import { Turns } from '../turns.ts';
import { Copies } from './copies.ts';
import { Entries } from './entries.ts';
import {
  certificateOf,
  checkIsNext,
  type Entry,
  type Epoch,
  info,
  isGivenUpFor,
  isKept,
  isOvertaken,
  type KeyInfo,
  retired,
} from './entry.ts';
import { KeyError } from './errors.ts';
import type { Finding } from './finding.ts';
import { Materials } from './materials.ts';
import { copyName, epochPlace, keyPlace, materialPlace, sharePlace } from './places.ts';
import type { Material, OutsideEpoch, PreparedEpoch, RepairedEpoch, ShareCheck } from './prepared.ts';
import { type EpochRecord, type EpochState, epochCodec, keyCodec, keyRecordVersion } from './record.ts';
import { readable, salvage } from './salvage.ts';

/**
 * The keys of this node and their epochs. What is public is held in memory, and changes there only after it has changed on
 * disk; shares are opened when they are needed. Every method may reject with `IntegrityError` or `StoreError`.
 */
export class KeyRepository {
  readonly materials: Materials;
  readonly #keyring: Keyring;
  readonly #copies: Copies;
  readonly #findings: Finding[] = [];
  readonly #entries = new Entries();
  readonly #turns = new Turns();
  /** Epochs that have no second copy because they are just being made. */
  readonly #isUncopied = new Set<string>();

  private constructor(keyring: Keyring) {
    this.#keyring = keyring;
    this.materials = new Materials(keyring, this.#entries, this.#turns);
    this.#copies = new Copies(keyring);
  }

  /**
   * Reads all keys, and opens every secret once, so that damage shows at the start and not at the first signature. What the
   * second copies can repair is repaired; a key that stays damaged is quarantined and keeps no other from being used.
   * @throws {VersionError} before anything is written
   */
  static async open(keyring: Keyring): Promise<KeyRepository> {
    const repository = new KeyRepository(keyring);
    for (const place of keyring.manifest.restored()) repository.#findings.push({ kind: 'manifest-restored', place });
    await repository.#copies.checkVersions();
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
   * @param expect throws if it may not be kept any more; asked in turn with all that changes keys, and not when it is repeated
   * @throws {KeyError} `name-taken`, `scheme-differs`, `epoch-not-new`, `too-many-attempts`
   */
  async prepare(prepared: PreparedEpoch, check: ShareCheck, expect?: () => void): Promise<void> {
    const { keyId, epoch, publicPackage, share } = prepared;
    check(share, publicPackage);
    await this.#turns.take('keys', async () => {
      const entry = this.#entries.entryFor(prepared);
      const known = entry.epochs.get(epoch);
      if (known !== undefined && !isKept(known.record))
        throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${prepared.name} is ${known.record.state.type}`);
      if (known === undefined) {
        expect?.();
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
      const [entry, { record }] = this.#entries.epoch(keyId, epoch);
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
      const [entry, { record }] = this.#entries.epoch(keyId, epoch);
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
   * @param expect as {@link prepare}
   * @throws {KeyError} `epoch-not-new`, `too-many-attempts`, `name-taken`, `scheme-differs`
   */
  async approve(outside: OutsideEpoch, expect?: () => void): Promise<void> {
    await this.#turns.take('keys', async () => {
      const { epoch, name, ready } = outside;
      const entry = this.#entries.entryFor(outside);
      const known = entry.epochs.get(epoch)?.record;
      if (known?.state.type === 'approved' && equal(known.statement, ready)) return;
      if (known !== undefined)
        throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${name} is there with other content`);
      expect?.();
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
      const known = this.#entries.entryFor(outside).epochs.get(epoch)?.record;
      if (known?.state.type === 'elsewhere') return;
      if (known !== undefined && !isGivenUpFor(ready, known))
        throw new KeyError('epoch-not-new', `this node has a share of epoch ${epoch} of the key ${name}`);
      if (known !== undefined && known.state.type !== 'approved') await this.#destroy(keyId, epoch);
      const entry = this.#entries.entryFor(outside);
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
      const [entry, { record }] = this.#entries.epoch(keyId, epoch);
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
      const entry = this.#entries.find(keyId);
      if (entry?.quarantined === undefined) {
        const whole = this.#entries.entryFor(repaired);
        if ((info(whole).current?.epoch ?? 0) > epoch)
          throw new KeyError('epoch-retired', `a higher epoch than ${epoch} of the key ${repaired.name} is in use`);
      }
      const { records } = this.#keyring;
      const salvaged = await salvage(this.#keyring, this.#copies, repaired);
      await records.batch(salvaged, { afresh: `key/${toHex(keyId)}` });
      await records.purge(salvaged.filter(({ type }) => type === 'delete'));
      this.#isUncopied.add(copyName(keyId, epoch));
      this.#entries.delete(keyId);
      await this.#load(toHex(keyId));
      await this.#checkKept(keyId, repaired, check);
    });
  }

  /**
   * Does nothing with a key any more, of which `epoch` is not what it should be: until it is repaired, or this is opened again. What can
   * be wrong that the seals do not tell, the caller knows. @throws {KeyError} `unknown-key`, `quarantined`
   */
  quarantine(keyId: Uint8Array, epoch: number): void {
    const { epochs } = this.#entries.usable(keyId);
    this.#quarantine(keyId, new IntegrityError(epochPlace(keyId, epoch), 'unproven'), epochs);
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
      const entry = this.#entries.usable(keyId);
      const record = { ...entry.record, ...change };
      await this.#keyring.records.put(keyPlace(keyId), 'key', wire.encode(keyCodec, record));
      this.#entries.set({ ...entry, record });
    });
  }

  get(keyId: Uint8Array): KeyInfo | undefined {
    const entry = this.#entries.find(keyId);
    return entry === undefined ? undefined : info(entry);
  }

  byName(name: string): KeyInfo | undefined {
    return this.list().find((key) => key.name === name);
  }

  /** By key id. */
  list(): readonly KeyInfo[] {
    return this.#entries
      .all()
      .toSorted((a, b) => compare(a.keyId, b.keyId))
      .map(info);
  }

  /**
   * The share of an epoch, which the caller wipes. A damaged record is restored from the second copy.
   * @throws {KeyError} `epoch-retired` @throws {IntegrityError} if it is lost
   */
  async share(keyId: Uint8Array, epoch: number): Promise<Secret> {
    this.#entries.inUse(keyId, epoch);
    try {
      return await this.#readShare(keyId, epoch);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      // In turn, since the epoch may just be shredded: what is destroyed must not come back from the copy.
      return await this.#turns.take('keys', async () => {
        this.#entries.inUse(keyId, epoch);
        await this.#heal(keyId, epoch);
        return await this.#readShare(keyId, epoch);
      });
    }
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
    this.#entries.setEpoch(entry, epoch, { record, material: new Set(material.keys()) });
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
    const sameMaterial = await this.materials.keeps(keyId, epoch, prepared.material ?? new Map());
    if (!sameShare || !sameMaterial || !equal(kept.publicPackage, publicPackage) || !equal(kept.statement, ready))
      throw new KeyError('epoch-not-new', `epoch ${epoch} of the key ${prepared.name} is there with other content`);
    check(share, kept.publicPackage);
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
      const remains = new Map<number, Epoch>();
      for await (const { epoch, record } of readable(this.#keyring, fromHex(id))) {
        remains.set(epoch, { record, material: new Set() });
        // What was decided before the damage holds: a crash may have come between the record and the copy.
        if (record.state.type === 'shredded' && !(await this.#hasSecrets(fromHex(id), epoch)))
          await this.#copies.erase(fromHex(id), epoch);
      }
      this.#quarantine(fromHex(id), error, remains);
    }
  }

  #quarantine(keyId: Uint8Array, error: IntegrityError, remains: Entry['epochs']): void {
    const name = this.#entries.find(keyId)?.record.name ?? '';
    const record = { version: keyRecordVersion, name, scheme: '', frozen: 1, exported: 0 };
    this.#entries.set({ keyId, record, epochs: new Map(), quarantined: error, remains });
    this.#findings.push({ kind: 'key-quarantined', place: error.place, reason: error.reason });
  }

  /** Whether there is anything of an epoch that shredding destroys: an old record of it may have been put back. */
  async #hasSecrets(keyId: Uint8Array, epoch: number): Promise<boolean> {
    const { records } = this.#keyring;
    const kept = [dataKeyPlace(keyId, epoch), sharePlace(keyId, epoch)].map(async (place) => records.sealed(place));
    return (await Promise.all(kept)).some((sealed) => sealed !== undefined);
  }

  async #loadWhole(keyId: Uint8Array): Promise<void> {
    const { manifest, records } = this.#keyring;
    const group = `key/${toHex(keyId)}`;
    const place = keyPlace(keyId);
    const bytes = await records.get(place, 'key');
    if (bytes === undefined) throw new IntegrityError(place, 'missing');
    this.#entries.set({ keyId, record: decodeRecord(place, keyCodec, bytes), epochs: new Map() });
    for await (const [place, bytes] of records.entries(`epochs/${toHex(keyId)}/`, 'epoch')) {
      const record = decodeRecord(place, epochCodec, bytes);
      const epoch = Number(place.slice(place.lastIndexOf('/') + 1));
      this.#entries.setEpoch(this.#entries.entry(keyId), epoch, { record, material: new Set() });
    }
    const { epochs } = this.#entries.entry(keyId);
    const kept = [...epochs].filter(([, { record }]) => isKept(record));
    const shredded = [...epochs].filter(([, { record }]) => record.state.type === 'shredded');
    for (const [epoch] of kept) await this.#heal(keyId, epoch);
    // Only now: what was restored counts.
    const isWhole = !manifest.broken().includes(group) || (await manifest.recheck(group));
    for (const [epoch] of kept) this.#findings.push(...(await this.materials.load(keyId, epoch)));
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
    const [entry, { record, material }] = this.#entries.epoch(keyId, epoch);
    if (record.state.type !== 'shredded') {
      const certificate = certificateOf(record.state) ?? new Uint8Array(0);
      const shredded: EpochRecord = { ...record, state: { type: 'shredded', value: { erased: 0, certificate } } };
      // Before it is so on the disk: nobody must speak of a share that is not there. The parties are remembered until what was set up
      // with them is out of the files.
      this.#entries.setEpoch(entry, epoch, { record: shredded, material });
      await this.#keyring.records.batch([
        ...secretsOf(keyId, epoch, material),
        this.#keyring.records.seal(epochPlace(keyId, epoch), 'epoch', wire.encode(epochCodec, shredded)),
      ]);
    }
    await this.#erase(keyId, epoch);
  }

  /** Removes from copies and files what a shredded epoch had, and makes sure of it. */
  async #erase(keyId: Uint8Array, epoch: number): Promise<void> {
    const { records } = this.#keyring;
    const [entry, { record, material }] = this.#entries.epoch(keyId, epoch);
    const gone = secretsOf(keyId, epoch, material);
    await this.#copies.erase(keyId, epoch);
    await records.purge(gone);
    for (const { key } of gone)
      if ((await records.sealed(key)) !== undefined) throw new IntegrityError(key, 'contradiction');
    const certificate = certificateOf(record.state) ?? new Uint8Array(0);
    const erased: EpochRecord = { ...record, state: { type: 'shredded', value: { erased: 1, certificate } } };
    await this.#moveTo(entry, new Map([[epoch, erased]]));
    this.#entries.setEpoch(this.#entries.entry(keyId), epoch, { record: erased, material: new Set() });
  }

  /** Removes what was removed before, or is of no pair: nothing is done with it, and it must not lie about. */
  async #removeUnlisted(): Promise<void> {
    const places = this.#keyring.manifest.unlisted();
    if (places.length === 0) return;
    await this.#keyring.records.batch(places.map((key) => ({ type: 'delete', key })));
    for (const place of places) this.#findings.push({ kind: 'record-unknown', place });
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
      this.#entries.setEpoch(this.#entries.find(entry.keyId) ?? entry, epoch, { record, material });
    }
  }
}

/** What removes an epoch's secrets. */
function secretsOf(keyId: Uint8Array, epoch: number, parties: ReadonlySet<number>): readonly StoreOperation[] {
  const material = [...parties].map((party) => materialPlace(keyId, epoch, party));
  const places = [dataKeyPlace(keyId, epoch), sharePlace(keyId, epoch), ...material];
  return places.map((key) => ({ type: 'delete', key }));
}
