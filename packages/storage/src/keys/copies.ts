import { EncodingError, equal, Secret, toHex, wipe, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { IntegrityError, isLater, VersionError } from '../sealing/errors.ts';
import { dataKeyPlace, type Keyring } from '../sealing/hierarchy.ts';
import { copyName, sharePlace } from './places.ts';

/** The sealed records without which an epoch's share is lost, the very bytes that are in the store. */
interface Copy extends Record<string, unknown> {
  readonly version: number;
  readonly dataKey: Uint8Array;
  readonly share: Uint8Array;
}

const copyVersion = 1;

const copyCodec: wire.Codec<Copy> = wire.struct<Copy>({
  version: wire.version(copyVersion),
  dataKey: wire.bytes(256),
  share: wire.bytes(limits.shareBytes + 256),
});

/** What was done about an epoch's secrets. */
export type Healed = 'nothing' | 'share-restored' | 'copy-restored';

/**
 * The second copy of each share, in a file of its own. A record that does not open is put back from the copy, and the copy
 * from the record: the very same bytes, so that the manifest, to which the restored record must answer, stays as it is. Two
 * that both open and differ are left alone: nothing here says which is right.
 */
export class Copies {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /**
   * Before anything is healed, since that would overwrite it: whether a newer version wrote a copy of an epoch that is here. Nothing
   * authenticates the byte that says so; where all but that byte is what the records say, it was damaged.
   * @throws {VersionError} @throws {StoreError}
   */
  async checkVersions(): Promise<void> {
    const { annex, records } = this.#keyring;
    for (const name of (await annex?.copies()) ?? []) {
      const file = await annex?.readCopy(name);
      // Whatever else lies in the folder may not even be the name of a record.
      const isOurs = /^[0-9a-f]{64}-[0-9]{10}$/.test(name);
      if (!isOurs || file === undefined || !isLater(file, copyVersion)) continue;
      const [epoch, dataKey, share] = await Promise.all(
        ['epochs', 'data-keys', 'shares'].map(async (prefix) => records.sealed(`${prefix}/${name.replace('-', '/')}`)),
      );
      if (epoch === undefined) continue;
      const none = new Uint8Array(0);
      const whole = wire.encode(copyCodec, { version: copyVersion, dataKey: dataKey ?? none, share: share ?? none });
      if (!equal(whole.subarray(1), file.subarray(1))) throw new VersionError(`copies/${name}`, false);
    }
  }

  /** Makes record and copy the same. @throws {IntegrityError} if neither opens, or both and they differ @throws {StoreError} */
  async heal(keyId: Uint8Array, epoch: number): Promise<Healed> {
    const { annex, records } = this.#keyring;
    const [dataKeyAt, shareAt] = [dataKeyPlace(keyId, epoch), sharePlace(keyId, epoch)];
    const file = await annex?.readCopy(copyName(keyId, epoch));
    const copy = file === undefined ? undefined : parse(file);
    const kept = { dataKey: await records.sealed(dataKeyAt), share: await records.sealed(shareAt) };

    const [dataKey, opened] = choose(dataKeyAt, kept.dataKey, copy?.dataKey, (sealed) =>
      records.unseal(dataKeyAt, 'data-key', sealed),
    );
    using key = new Secret(opened);
    const underKey = records.withKey(key);
    const [share, bytes] = choose(shareAt, kept.share, copy?.share, (sealed) =>
      underKey.unseal(shareAt, 'share', sealed),
    );
    wipe(bytes);

    const whole = wire.encode(copyCodec, { version: copyVersion, dataKey, share });
    const lost = [dataKey !== kept.dataKey ? dataKeyAt : [], share !== kept.share ? shareAt : []].flat();
    if (lost.includes(dataKeyAt)) await records.restore(dataKeyAt, dataKey);
    if (lost.includes(shareAt)) await records.restore(shareAt, share);
    const isCopied = annex === undefined || (file !== undefined && equal(file, whole));
    if (!isCopied) {
      await annex.writeCopy(copyName(keyId, epoch), whole);
      const found = await annex.readCopy(copyName(keyId, epoch));
      if (found === undefined || !equal(found, whole))
        throw new IntegrityError(`copies/${copyName(keyId, epoch)}`, 'contradiction');
    }
    return lost.length > 0 ? 'share-restored' : isCopied ? 'nothing' : 'copy-restored';
  }

  /** Erases the copy. Harmless if there is none. @throws {StoreError} */
  async erase(keyId: Uint8Array, epoch: number): Promise<void> {
    await this.#keyring.annex?.eraseCopy(copyName(keyId, epoch));
  }

  /** Erases the copies of a key's epochs, but of these. @throws {StoreError} */
  async eraseOthers(keyId: Uint8Array, epochs: readonly number[]): Promise<void> {
    const known = new Set(epochs.map((epoch) => copyName(keyId, epoch)));
    for (const name of await this.others(known))
      if (name.startsWith(`${toHex(keyId)}-`)) await this.#keyring.annex?.eraseCopy(name);
  }

  /** The names of copies that belong to none of these epochs. */
  async others(known: ReadonlySet<string>): Promise<readonly string[]> {
    return ((await this.#keyring.annex?.copies()) ?? []).filter((name) => !known.has(name));
  }
}

/** The one that opens, sealed and opened; the record's where it and the copy's are the same. */
function choose(
  place: string,
  record: Uint8Array | undefined,
  copy: Uint8Array | undefined,
  open: (sealed: Uint8Array) => Uint8Array | undefined,
): readonly [sealed: Uint8Array, opened: Uint8Array] {
  const fromRecord = record === undefined ? undefined : open(record);
  if (record !== undefined && copy !== undefined && equal(record, copy) && fromRecord !== undefined)
    return [record, fromRecord];
  const fromCopy = copy === undefined ? undefined : open(copy);
  if (fromRecord !== undefined && fromCopy !== undefined) {
    wipe(fromRecord, fromCopy);
    throw new IntegrityError(place, 'contradiction');
  }
  if (record !== undefined && fromRecord !== undefined) return [record, fromRecord];
  if (copy !== undefined && fromCopy !== undefined) return [copy, fromCopy];
  throw new IntegrityError(place, record === undefined ? 'missing' : 'altered');
}

function parse(file: Uint8Array): Copy | undefined {
  try {
    return wire.decode(copyCodec, file);
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}
