import { type Secret, wipe } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { Store } from '../store.ts';
import { checkVersion } from './errors.ts';
import { places } from './places.ts';
import { type Owner, openRecord, type Sealer } from './record.ts';

/**
 * Refuses a store in which a newer version wrote, before anything is written: opens what says of itself in which format it is, and looks
 * at that byte alone. Whatever does not open is somebody else's concern. Of ledgers and the audit log, which grow, some are
 * looked at; any other is refused when it is read.
 * @throws {VersionError} @throws {StoreError}
 */
export async function checkVersions(store: Store, { aead }: Sealer, owner: Owner, storeKey: Secret): Promise<void> {
  const versioned = places.filter(({ version }) => version !== undefined);
  const grows = (prefix: string, room: string): boolean => room === 'ledger' || prefix === 'audit/';
  let left: number = limits.versionScan;
  for (const { prefix, kind, room, version } of versioned) {
    for await (const [place, sealed] of store.entries(prefix)) {
      if (grows(prefix, room) && left-- <= 0) break;
      const opened = openRecord(aead, storeKey, { ...owner, place, kind }, sealed);
      if ('failure' in opened) continue;
      checkVersion(place, opened.plaintext, version);
      wipe(opened.plaintext);
    }
  }
}
