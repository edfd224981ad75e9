import { ascii, concat, equal, hash, hkdf, hmac, Secret, sha256, u64, wipe, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { Store, StoreOperation } from '../store.ts';
import { tags } from '../tags.ts';
import { type Counter, lastStanding, openCounter, type Standing } from './counter.ts';
import { decodeRecord, IntegrityError, VersionError } from './errors.ts';
import {
  type Found,
  formatVersion,
  isKept,
  isListed,
  manifestPlace,
  type Page,
  pageCodec,
  pagePlace,
  rootCodec,
  sameSum,
  xor,
} from './page.ts';
import { groupOf, places, prefixesOf } from './places.ts';
import { isLaterRecord, type Owner, openRecord, type Sealer, sealRecord } from './record.ts';
import { checkVersions } from './versions.ts';

export interface Commitment {
  /** A key's group of which the operations say everything: what else is on the disk of it, they delete. */
  readonly afresh?: string;
}

/**
 * Which records there should be, and which version of each. A record by itself says that it was written here, and where; it
 * does not say that it is the newest, and one that is gone says nothing. So each batch carries, besides its changes:
 *
 *   digest = HMAC(key, place ‖ what names the version of the record: its first 65 bytes and its last 16)
 *   page   = seal(count, XOR of the digests of its group's records)             one for each group that changed
 *   root   = seal(counter, chain, number of pages, XOR of HMAC(key, group ‖ count ‖ sum of each page))
 *
 * What names a version: salt and key commitment, drawn anew with each sealing, and the cipher's tag.
 *
 * Why that is enough against whoever may delete, replay and exchange records but has no key: the digests are a PRF's, and the
 * attacker sees neither them nor their sums. Records other than those that were summed up have the same XOR with probability
 * 2^-256, for each set that is tried; a set is tried by starting the node. What a page says is in the root's sum. So all that passes is the records, pages and root of one earlier moment, all together, and that
 * shows in the counter beside the store. (If the digests could be seen, XOR would be a matter of linear algebra.)
 *
 * That is also why a page that is damaged can be made anew from the records, and the root be had from the counter: where they fit
 * together, they are the ones that were summed up, and where they do not, nothing is guessed.
 *
 * A newer version that seals records in another way says so in their first byte, which a bit of damage may do as well: what is counted
 * so was written so, and where the rest proves what the root or a page said, that was damaged.
 *
 * A batch costs as many sealed records of 150 bytes as it touches groups, and one more: no work grows with the store.
 */
export class Manifest {
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #owner: Owner;
  readonly #storeKey: Secret;
  readonly #digestKey: Secret;
  readonly #pages = new Map<string, Page>();
  readonly #sum = new Uint8Array(32);
  #number = 0;
  #chain: Uint8Array = new Uint8Array(32);
  #counter: Counter | undefined;
  /** Groups of which there are records and should be none. */
  readonly #strays = new Set<string>();
  /** Records of listed groups that are not on the list. */
  #unlisted: readonly string[] = [];
  /** Records that say of themselves that a later version sealed them, with their digests. */
  readonly #later = new Map<string, Uint8Array>();
  readonly #checks = new Map<string, Promise<void>>();
  /** The batches under way, by the places that they change. */
  readonly #writing = new Map<string, Promise<void>>();
  #dead: Error | undefined;
  /** What was damaged of the manifest itself, and made anew. */
  #restored: readonly string[] = [];

  private constructor(store: Store, sealer: Sealer, owner: Owner, storeKey: Secret) {
    this.#store = store;
    this.#sealer = sealer;
    this.#owner = owner;
    this.#storeKey = storeKey;
    const info = ascii(tags.manifest);
    this.#digestKey = storeKey.use((bytes) => new Secret(hkdf(sha256, bytes, undefined, info, 32)));
  }

  /** Of a store that has no records yet. */
  static async create(store: Store, sealer: Sealer, owner: Owner, storeKey: Secret): Promise<Manifest> {
    const manifest = new Manifest(store, sealer, owner, storeKey);
    manifest.#counter = await openCounter(store.annex, sealer, owner, storeKey);
    return manifest;
  }

  /**
   * Reads the manifest and checks the store against it; what is damaged of single keys is left to {@link broken}.
   * @throws {VersionError} @throws {RollbackError} @throws {IntegrityError}
   */
  static async open(
    store: Store,
    sealer: Sealer,
    owner: Owner,
    storeKey: Secret,
    lostCounter: 'refuse' | 'accept' = 'refuse',
  ): Promise<Manifest> {
    const manifest = new Manifest(store, sealer, owner, storeKey);
    try {
      await checkVersions(store, sealer, owner, storeKey);
      await manifest.#readRoot(lostCounter);
      await manifest.#checkKept();
      await manifest.#checkSmallLedgers();
      manifest.#checkLater();
    } catch (error) {
      manifest.close();
      throw error;
    }
    return manifest;
  }

  /** One more with each batch of this store. */
  get number(): number {
    return this.#number;
  }

  /** The groups of single keys, `key/<key id>`, of which something is missing, too much, or not the newest. */
  broken(): readonly string[] {
    const broken = [...this.#pages].filter(([, { state }]) => state === 'broken').map(([group]) => group);
    return [...broken, ...this.#strays];
  }

  /** How many records there should be of a group; undefined if there never was one. */
  countOf(group: string): number | undefined {
    return this.#pages.get(group)?.count;
  }

  /** The places of the root and of pages that were damaged, and were made anew from what proves them. */
  restored(): readonly string[] {
    return this.#restored;
  }

  /** The records that there should be of a group that lists them: each is whole or not by itself, which {@link read} says. */
  listed(group: string): readonly string[] {
    return [...(this.#pages.get(group)?.members?.keys() ?? [])];
  }

  /** Records that were removed, or are not this store's, and are there all the same. */
  unlisted(): readonly string[] {
    return this.#unlisted;
  }

  /**
   * Applies the operations and what keeps the manifest true, as one batch, synced: LevelDB does not sync the log that it leaves
   * for the next one, so a batch that was not synced may be lost where a later one is kept, and then the two contradict.
   * @throws {StoreError} @throws {IntegrityError}
   */
  async commit(operations: readonly StoreOperation[], { afresh }: Commitment = {}): Promise<void> {
    if (this.#dead !== undefined) throw this.#dead;
    if (afresh !== undefined) this.#renew(afresh);
    // Up to the batch without a pause: batches reach the store in the order in which the manifest counted them.
    const covered = this.#cover(operations);
    const standing = this.#standing();
    const written = this.#store.batch(covered);
    for (const { key } of operations) this.#writing.set(key, written);
    try {
      await written;
      this.#counter?.raise(standing);
    } catch (error) {
      this.#dead ??= error instanceof Error ? error : new Error('a batch failed', { cause: error });
      throw error;
    } finally {
      for (const { key } of operations) if (this.#writing.get(key) === written) this.#writing.delete(key);
    }
  }

  /**
   * The sealed bytes at `place` if they are what belongs there, undefined if nothing does.
   * @throws {IntegrityError} `missing`, `outdated`, `incomplete`
   */
  async read(place: string): Promise<Uint8Array | undefined> {
    for (;;) {
      const writing = this.#writing.get(place);
      const sealed = await this.#store.get(place);
      const damage = await this.#judge(place, sealed);
      if (damage === undefined) return sealed;
      // The manifest in memory may be ahead of the disk, or have been when this began.
      const changing = this.#writing.get(place) ?? writing;
      if (changing === undefined) throw new IntegrityError(place, damage);
      await changing;
    }
  }

  async #judge(place: string, sealed: Uint8Array | undefined): Promise<'missing' | 'outdated' | undefined> {
    const group = groupOf(place);
    if (group === undefined) return undefined;
    const page = this.#pages.get(group);
    if (page?.members !== undefined) {
      const expected = page.members.get(place);
      if (sealed === undefined) return expected === undefined ? undefined : 'missing';
      return expected !== undefined && equal(expected, this.#digest(place, sealed)) ? undefined : 'outdated';
    }
    if (sealed !== undefined) return page === undefined ? 'outdated' : undefined;
    // What is there opens or does not, and never had another version. What is not there may have been.
    if (page === undefined) return undefined;
    await this.#checkLedger(group, page);
    // A damaged filter or index of a table hides a record from who looks it up, and not from who walks by, as the check did.
    if (page.count > limits.ledgerWalk) return undefined;
    for await (const [found] of this.#store.entries(group))
      if (found === place && (await this.#store.get(place)) === undefined) return 'missing';
    return undefined;
  }

  /** Checks one key's group anew, after what was damaged in it was restored. @returns whether it is whole */
  async recheck(group: string): Promise<boolean> {
    const page = this.#pages.get(group);
    const found = (await this.#scan(prefixesOf(group))).get(group);
    if (page === undefined || found === undefined || !sameSum(page, found)) return false;
    page.members?.clear();
    for (const [place, digest] of found.members) page.members?.set(place, digest);
    page.state = 'verified';
    return true;
  }

  /** Checks every page that was not looked at yet. @returns the groups that are not whole */
  async checkAll(): Promise<readonly string[]> {
    const bad: string[] = [...this.#strays];
    for (const [group, { state }] of this.#pages) {
      if (state === 'broken') bad.push(group);
      if (state !== 'unchecked') continue;
      const found = (await this.#scan([group])).get(group);
      if (found === undefined || !sameSum(this.#pages.get(group) as Page, found)) bad.push(group);
    }
    return bad;
  }

  close(): void {
    this.#digestKey.wipe();
  }

  /** Counts a key's group from nothing: the batch that follows says what is in it. */
  #renew(group: string): void {
    this.#strays.delete(group);
    const page = this.#pages.get(group);
    if (page === undefined) return;
    page.members?.clear();
    page.count = 0;
    page.sum.fill(0);
    page.state = 'verified';
  }

  #cover(operations: readonly StoreOperation[]): readonly StoreOperation[] {
    const changes = operations.flatMap((operation) => {
      const group = groupOf(operation.key);
      return group === undefined ? [] : [{ operation, group, page: this.#page(group, operation) }];
    });
    // From here on nothing is refused: what is counted is written.
    for (const { operation, page } of changes) this.#account(page, operation);
    const touched = new Map(changes.map(({ group, page }) => [group, page]));
    const pages = [...touched].map(([group, page]) => this.#sealPage(group, page));
    this.#number += 1;
    this.#chain = hash(tags.chain, this.#chain, u64(this.#number), this.#sum);
    return [...operations, ...pages, this.#sealRoot()];
  }

  #standing(): Standing {
    return { counter: this.#number, chain: this.#chain, pages: this.#pages.size, sum: this.#sum.slice() };
  }

  #sealRoot(): StoreOperation {
    const root = wire.encode(rootCodec, { version: formatVersion, ...this.#standing() });
    return this.#seal(manifestPlace, 'manifest', root);
  }

  /** The page that counts an operation. @throws {IntegrityError} of a broken group @throws {RangeError} */
  #page(group: string, operation: StoreOperation): Page {
    const found = this.#pages.get(group);
    if (operation.type === 'delete' && !isKept(group))
      throw new RangeError(`nothing is removed from a ledger: ${operation.key}`);
    if (found?.state === 'broken' || this.#strays.has(group)) throw new IntegrityError(group, 'incomplete');
    const page: Page = found ?? {
      count: 0,
      sum: new Uint8Array(32),
      digest: new Uint8Array(32),
      members: isKept(group) ? new Map<string, Uint8Array>() : undefined,
      state: 'verified',
    };
    this.#pages.set(group, page);
    return page;
  }

  #account(page: Page, operation: StoreOperation): void {
    const { key: place } = operation;
    const old = page.members?.get(place);
    if (old !== undefined) {
      xor(page.sum, old);
      page.count -= 1;
      page.members?.delete(place);
    }
    if (operation.type === 'put') {
      const digest = this.#digest(place, operation.value);
      xor(page.sum, digest);
      page.count += 1;
      page.members?.set(place, digest);
    }
  }

  #sealPage(group: string, page: Page): StoreOperation {
    const { count, sum } = page;
    const place = pagePlace(group);
    const listed = isListed(group) ? [...(page.members ?? [])].map(([place, digest]) => ({ place, digest })) : [];
    const operation = this.#seal(
      place,
      'page',
      wire.encode(pageCodec, { version: formatVersion, count, sum: sum.slice(), listed }),
    );
    xor(this.#sum, page.digest);
    page.digest = this.#digestOfPage(group, page);
    xor(this.#sum, page.digest);
    return operation;
  }

  async #readRoot(lostCounter: 'refuse' | 'accept'): Promise<void> {
    const { annex } = this.#store;
    const [root, damage] = await this.#tryOpen(manifestPlace, 'manifest', rootCodec);
    const standing = root ?? (await lastStanding(annex, this.#sealer, this.#owner, this.#storeKey));
    if (standing === undefined) throw damage as Error;
    this.#number = standing.counter;
    this.#chain = standing.chain;
    // First of all: whatever else is found, an older store explains it.
    this.#counter = await openCounter(annex, this.#sealer, this.#owner, this.#storeKey, standing, lostCounter);
    const damaged = await this.#readPages(standing, damage);
    if (root !== undefined && damaged.length === 0) return;
    this.#restored = [...(root === undefined ? [manifestPlace] : []), ...damaged.map(pagePlace)];
    const pages = damaged.map((group) => this.#sealPage(group, this.#pages.get(group) as Page));
    await this.#store.batch([...pages, this.#sealRoot()]);
  }

  /** @returns the groups whose page was damaged, and is made anew. @throws {IntegrityError} if what is there proves nothing */
  async #readPages(root: Standing, doubt: Error | undefined): Promise<readonly string[]> {
    let damage: Error | undefined;
    const groups = new Set<string>();
    for await (const [place] of this.#store.entries('pages/')) {
      const group = place.slice('pages/'.length);
      groups.add(group);
      const [page, failure] = await this.#tryOpen(place, 'page', pageCodec);
      if (page !== undefined) this.#addPage(group, page.count, page.sum, page.listed);
      else damage ??= failure;
    }
    if (damage === undefined && this.#isSummedUp(root)) return [];
    // The records say what the pages said, if the root agrees: then they are all there, and the newest.
    const read = new Map(this.#pages);
    this.#pages.clear();
    this.#sum.fill(0);
    const found = await this.#scan(places.filter(({ room }) => room !== 'uncovered').map(({ prefix }) => prefix));
    for (const group of new Set([...groups, ...found.keys()])) {
      const { count = 0, sum = new Uint8Array(32), members = new Map<string, Uint8Array>() } = found.get(group) ?? {};
      const listed = isListed(group) ? [...members].map(([place, digest]) => ({ place, digest })) : [];
      this.#addPage(group, count, sum, listed);
    }
    if (!this.#isSummedUp(root)) throw doubt ?? damage ?? new IntegrityError('pages', 'incomplete');
    return [...this.#pages].flatMap(([group, page]) => {
      const before = read.get(group);
      return before !== undefined && sameSum(before, page) ? [] : [group];
    });
  }

  #addPage(
    group: string,
    count: number,
    sum: Uint8Array,
    listed: readonly { readonly place: string; readonly digest: Uint8Array }[],
  ): void {
    const digest = this.#digestOfPage(group, { count, sum });
    xor(this.#sum, digest);
    const members = isKept(group) ? new Map(listed.map((one) => [one.place, one.digest])) : undefined;
    this.#pages.set(group, { count, sum, digest, members, state: 'unchecked' });
  }

  #isSummedUp({ pages, sum }: Standing): boolean {
    return this.#pages.size === pages && equal(this.#sum, sum);
  }

  async #tryOpen<T>(
    place: string,
    kind: string,
    codec: wire.Codec<T>,
  ): Promise<readonly [T, undefined] | readonly [undefined, Error]> {
    try {
      const sealed = await this.#store.get(place);
      if (sealed === undefined) throw new IntegrityError(place, 'missing');
      // Damage, if the rest proves what it said.
      if (isLaterRecord(sealed)) return [undefined, new VersionError(place, false)];
      return [decodeRecord(place, codec, this.#open(place, kind, sealed)), undefined];
    } catch (error) {
      if (error instanceof IntegrityError) return [undefined, error];
      throw error;
    }
  }

  /** Everything but the ledgers: the node's records must be whole, a key that is not is broken. */
  async #checkKept(): Promise<void> {
    const kept = places.filter(({ room }) => room !== 'ledger' && room !== 'uncovered').map(({ prefix }) => prefix);
    const found = await this.#scan(kept);
    const [lists, others] = [
      [...found].filter(([group]) => isListed(group)),
      [...found].filter(([group]) => !isListed(group)),
    ];
    this.#unlisted = lists.flatMap(([group, { members }]) =>
      [...members.keys()].filter((place) => this.#pages.get(group)?.members?.has(place) !== true),
    );
    for (const [group] of others) if (!this.#pages.has(group)) this.#strays.add(group);
    for (const [group, page] of this.#pages) {
      if (isListed(group)) page.state = 'verified';
      if (page.members === undefined || isListed(group)) continue;
      const here = found.get(group) ?? { count: 0, sum: new Uint8Array(32), members: new Map<string, Uint8Array>() };
      for (const [place, digest] of here.members) page.members.set(place, digest);
      page.state = sameSum(page, here) ? 'verified' : 'broken';
    }
    if (!this.#pages.has('node')) throw new IntegrityError('pages/node', 'missing');
    if (this.#pages.get('node')?.state === 'broken') throw await this.#damageOfNode();
  }

  async #checkSmallLedgers(): Promise<void> {
    const ledgers = [...this.#pages].filter(([, { members }]) => members === undefined);
    const total = ledgers.reduce((sum, [, { count }]) => sum + count, 0);
    const strays = places.filter(({ room }) => room === 'ledger').map(({ prefix }) => prefix);
    if (total > limits.ledgerScan) return;
    const found = await this.#scan(strays);
    for (const group of new Set([...found.keys(), ...ledgers.map(([group]) => group)])) {
      const [page, here] = [this.#pages.get(group), found.get(group)];
      if (page === undefined || here === undefined || !sameSum(page, here))
        throw new IntegrityError(group, 'incomplete');
      page.state = 'verified';
    }
  }

  /** What the manifest counts is as it was written: no damage made it a later version's. */
  #checkLater(): void {
    for (const [place, digest] of this.#later) {
      const page = this.#pages.get(groupOf(place) as string);
      const counted = page?.members === undefined ? digest : page.members.get(place);
      if (page?.state === 'verified' && counted !== undefined && equal(counted, digest))
        throw new VersionError(place, true);
    }
  }

  /** Checks a page of a ledger once; whoever asks meanwhile waits. @throws {IntegrityError} */
  async #checkLedger(group: string, page: Page): Promise<void> {
    if (page.state === 'verified') return;
    const running = this.#checks.get(group) ?? this.#checkPage(group, page);
    this.#checks.set(group, running);
    await running;
  }

  async #checkPage(group: string, page: Page): Promise<void> {
    while (this.#writing.size > 0) await Promise.allSettled(this.#writing.values());
    // Nothing is under way, and the scan sees the store as it is at its first step, which is this one.
    const expected = { count: page.count, sum: page.sum.slice() };
    const found = (await this.#scan([group])).get(group);
    if (found === undefined || !sameSum(expected, found)) throw new IntegrityError(group, 'incomplete');
    page.state = 'verified';
  }

  /** Names a record of the node that does not open; if all do, one is missing or is an older one. */
  async #damageOfNode(): Promise<IntegrityError> {
    for (const { prefix, kind } of places.filter(({ room }) => room === 'node')) {
      for await (const [place, sealed] of this.#store.entries(prefix)) {
        if (kind === 'header') continue;
        const opened = openRecord(this.#sealer.aead, this.#storeKey, { ...this.#owner, place, kind }, sealed);
        if ('failure' in opened) return new IntegrityError(place, opened.failure);
        wipe(opened.plaintext);
      }
    }
    return new IntegrityError('node', 'incomplete');
  }

  async #scan(prefixes: readonly string[]): Promise<Map<string, Found>> {
    const groups = new Map<string, Found>();
    for (const prefix of prefixes) {
      for await (const [place, sealed] of this.#store.entries(prefix)) {
        const group = groupOf(place) as string;
        const digest = this.#digest(place, sealed);
        if (isLaterRecord(sealed)) this.#later.set(place, digest);
        const found = groups.get(group) ?? {
          count: 0,
          sum: new Uint8Array(32),
          members: new Map<string, Uint8Array>(),
        };
        found.count += 1;
        xor(found.sum, digest);
        if (isKept(group)) found.members.set(place, digest);
        groups.set(group, found);
      }
    }
    return groups;
  }

  #digestOfPage(group: string, { count, sum }: Pick<Page, 'count' | 'sum'>): Uint8Array {
    const content = concat(ascii(pagePlace(group)), Uint8Array.of(0), u64(count), sum);
    return this.#digestKey.use((key) => hmac(sha256, key, content));
  }

  #digest(place: string, sealed: Uint8Array): Uint8Array {
    const version = concat(sealed.subarray(0, 65), sealed.subarray(-16));
    return this.#digestKey.use((key) => hmac(sha256, key, concat(ascii(place), Uint8Array.of(0), version)));
  }

  #seal(place: string, kind: string, bytes: Uint8Array): StoreOperation & { readonly type: 'put' } {
    const value = sealRecord(this.#sealer, this.#storeKey, { ...this.#owner, place, kind }, bytes);
    return { type: 'put', key: place, value };
  }

  #open(place: string, kind: string, sealed: Uint8Array): Uint8Array {
    const opened = openRecord(this.#sealer.aead, this.#storeKey, { ...this.#owner, place, kind }, sealed);
    if ('failure' in opened) throw new IntegrityError(place, opened.failure);
    return opened.plaintext;
  }
}
