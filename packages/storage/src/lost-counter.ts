import { AuditLog } from './audit/log.ts';
import { RollbackError } from './sealing/errors.ts';
import { type ExpectedOwner, openKeyring, openKeyringUncounted, type Root } from './sealing/hierarchy.ts';
import type { Sealer } from './sealing/record.ts';
import type { Store } from './store.ts';

/**
 * The operator of a node that is stopped takes its store for the newest, though the file that would show it is gone. This is in
 * the audit log before there is such a file again. Given up is that an older copy of the store would show here, this once: what
 * others remember of the node is all that is left to show it. A file that shows a rollback is never accepted.
 * @param now milliseconds since 1970
 * @returns whether it was lost
 * @throws {RollbackError} `rolled-back` @throws {UnlockError} @throws {IntegrityError} @throws {StoreError} @throws {AuditError}
 */
export async function acceptLostCounter(
  store: Store,
  root: Root,
  expected: ExpectedOwner,
  sealer: Sealer,
  now: number,
): Promise<boolean> {
  try {
    (await openKeyring(store, root, expected, sealer)).close();
    return false;
  } catch (error) {
    if (!(error instanceof RollbackError) || error.code !== 'counter-missing') throw error;
  }
  const keyring = await openKeyringUncounted(store, root, expected, sealer);
  try {
    const audit = await AuditLog.open(keyring.records);
    await audit.append(now, 'lost-counter-accepted', { counter: keyring.manifest.number });
    return true;
  } finally {
    keyring.close();
  }
}
