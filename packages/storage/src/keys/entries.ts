import { equal, toHex } from '@quorate/protocol';
import { checkWhole, type Entry, type Epoch, isKept, withEpoch } from './entry.ts';
import { KeyError } from './errors.ts';
import type { PreparedEpoch } from './prepared.ts';
import { keyRecordVersion } from './record.ts';

/** The keys of this node, as they are held in memory. */
export class Entries {
  readonly #entries = new Map<string, Entry>();

  find(keyId: Uint8Array): Entry | undefined {
    return this.#entries.get(toHex(keyId));
  }

  all(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  set(entry: Entry): void {
    this.#entries.set(toHex(entry.keyId), entry);
  }

  delete(keyId: Uint8Array): void {
    this.#entries.delete(toHex(keyId));
  }

  /**
   * The key, perhaps a new one, if name and scheme are its own.
   * @throws {KeyError} `name-taken`, `scheme-differs`, `quarantined`
   */
  entryFor({ keyId, name, scheme }: Pick<PreparedEpoch, 'keyId' | 'name' | 'scheme'>): Entry {
    const record = { version: keyRecordVersion, name, scheme, frozen: 0, exported: 0 };
    const entry = this.find(keyId) ?? { keyId, record, epochs: new Map() };
    checkWhole(entry);
    const owner = this.all().find(({ record }) => record.name === name);
    if (entry.record.name !== name || (owner !== undefined && !equal(owner.keyId, keyId)))
      throw new KeyError(
        'name-taken',
        `the name ${name} is taken, or the key has another name: names are never reused`,
      );
    if (entry.record.scheme !== scheme)
      throw new KeyError('scheme-differs', `the key ${name} is of scheme ${entry.record.scheme}`);
    return entry;
  }

  setEpoch(entry: Entry, epoch: number, value: Epoch): void {
    this.set(withEpoch(entry, epoch, value));
  }

  /** @throws {KeyError} `unknown-key` */
  entry(keyId: Uint8Array): Entry {
    const entry = this.find(keyId);
    if (entry === undefined) throw new KeyError('unknown-key', `no key ${toHex(keyId)} on this node`);
    return entry;
  }

  /** A key that is not quarantined. @throws {KeyError} `unknown-key`, `quarantined` */
  usable(keyId: Uint8Array): Entry {
    const entry = this.entry(keyId);
    checkWhole(entry);
    return entry;
  }

  /** An epoch whose secrets may be used. @throws {KeyError} `epoch-retired`, and as {@link epoch} */
  inUse(keyId: Uint8Array, epoch: number): readonly [Entry, Epoch] {
    const found = this.epoch(keyId, epoch);
    const { type } = found[1].record.state;
    if (type === 'retiring' || !isKept(found[1].record))
      throw new KeyError('epoch-retired', `epoch ${epoch} of the key ${found[0].record.name} is ${type}`);
    return found;
  }

  /** @throws {KeyError} `unknown-epoch`, `unknown-key`, `quarantined` */
  epoch(keyId: Uint8Array, epoch: number): readonly [Entry, Epoch] {
    const entry = this.usable(keyId);
    const found = entry.epochs.get(epoch);
    if (found === undefined)
      throw new KeyError('unknown-epoch', `no epoch ${epoch} of the key ${entry.record.name} on this node`);
    return [entry, found];
  }
}
