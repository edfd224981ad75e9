import { equal, Secret, toHex, wipe } from '@quorate/protocol';
import { IntegrityError } from '../sealing/errors.ts';
import type { Keyring } from '../sealing/hierarchy.ts';
import type { Turns } from '../turns.ts';
import type { Entries } from './entries.ts';
import type { Finding } from './finding.ts';
import { materialPlace, materialsPlace } from './places.ts';
import type { Material } from './prepared.ts';

/** What was set up with the other parties of an epoch (ECDSA): a record each, which comes and goes by itself. */
export class Materials {
  readonly #keyring: Keyring;
  readonly #entries: Entries;
  readonly #turns: Turns;

  constructor(keyring: Keyring, entries: Entries, turns: Turns) {
    this.#keyring = keyring;
    this.#entries = entries;
    this.#turns = turns;
  }

  /**
   * What was set up with another party of an epoch, which the caller wipes; undefined if there is nothing.
   * @throws {KeyError} `epoch-retired` @throws {IntegrityError} if damaged
   */
  async get(keyId: Uint8Array, epoch: number, party: number): Promise<Secret | undefined> {
    this.#entries.inUse(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const bytes = await this.#keyring.records.withKey(dataKey).get(materialPlace(keyId, epoch, party), 'material');
    return bytes === undefined ? undefined : new Secret(bytes);
  }

  /** Puts what was newly set up with a party in the place of what there was, synced and read back. */
  async replace(keyId: Uint8Array, epoch: number, party: number, material: Secret): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record, material: parties }] = this.#entries.inUse(keyId, epoch);
      using dataKey = await this.#keyring.dataKey(keyId, epoch);
      const records = this.#keyring.records.withKey(dataKey);
      const place = materialPlace(keyId, epoch, party);
      await material.use(async (bytes) => records.put(place, 'material', bytes));
      this.#entries.setEpoch(entry, epoch, { record, material: new Set([...parties, party]) });
    });
  }

  /**
   * Forgets what was set up with these parties, synced: nothing is multiplied with it any more, whatever the disk does. The
   * key cannot sign with them until something new is set up.
   */
  async drop(keyId: Uint8Array, epoch: number, parties: readonly number[]): Promise<void> {
    await this.#turns.take('keys', async () => {
      const [entry, { record, material }] = this.#entries.epoch(keyId, epoch);
      const dropped = parties.filter((party) => material.has(party));
      if (dropped.length === 0) return;
      this.#entries.setEpoch(entry, epoch, {
        record,
        material: new Set([...material].filter((party) => !dropped.includes(party))),
      });
      const places = dropped.map((party) => materialPlace(keyId, epoch, party));
      await this.#keyring.records.batch(places.map((key) => ({ type: 'delete', key })));
    });
  }

  /** Whether what is set up in an epoch, on disk, is exactly this. */
  async keeps(keyId: Uint8Array, epoch: number, expected: Material): Promise<boolean> {
    const [, { material }] = this.#entries.epoch(keyId, epoch);
    if (material.size !== expected.size) return false;
    for (const [party, secret] of expected) {
      using kept = await this.get(keyId, epoch, party);
      if (kept?.use((a) => secret.use((b) => equal(a, b))) !== true) return false;
    }
    return true;
  }

  /** Opens everything that is set up in an epoch once, and remembers with whom; what is damaged is removed. */
  async load(keyId: Uint8Array, epoch: number): Promise<readonly Finding[]> {
    const [entry, { record }] = this.#entries.epoch(keyId, epoch);
    using dataKey = await this.#keyring.dataKey(keyId, epoch);
    const found = new Set<number>();
    const findings: Finding[] = [];
    const records = this.#keyring.records.withKey(dataKey);
    const places = this.#keyring.manifest.listed(`pairs/${toHex(keyId)}`);
    for (const place of places.filter((one) => one.startsWith(`${materialsPlace(keyId, epoch)}/`))) {
      try {
        wipe((await records.get(place, 'material')) ?? new Uint8Array(0));
        found.add(Number(place.slice(place.lastIndexOf('/') + 1)));
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        await this.#keyring.records.batch([{ type: 'delete', key: place }]);
        findings.push({ kind: 'pair-quarantined', place, reason: error.reason });
      }
    }
    this.#entries.setEpoch(entry, epoch, { record, material: found });
    return findings;
  }
}
