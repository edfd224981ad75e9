import { equal, type PublicPackage, type Secret, toHex } from '@quorate/protocol';
import { importedPolicy } from '../policy/import-proposal.ts';

/** Whether one machine knew the key before it came here. */
export function isImported({ policyHash }: Pick<PublicPackage, 'policyHash'>): boolean {
  return equal(policyHash, importedPolicy);
}

/** Whether the importer still knows all shares: nothing is signed with them before they are dealt anew. */
export function mustRefresh(publicPackage: Pick<PublicPackage, 'baseEpoch' | 'policyHash'>): boolean {
  return isImported(publicPackage) && publicPackage.baseEpoch === 0;
}

/** Keys on their way in or out, in memory only: each until it is taken, or dropped. */
export class PassingSecrets {
  readonly #secrets = new Map<string, Secret>();

  /** @param secret it is this pool's from now on */
  keep(request: Uint8Array, secret: Secret): void {
    this.#secrets.set(toHex(request), secret);
  }

  /** It is the caller's from now on, once. */
  take(request: Uint8Array): Secret | undefined {
    const secret = this.#secrets.get(toHex(request));
    this.#secrets.delete(toHex(request));
    return secret;
  }

  close(): void {
    for (const secret of this.#secrets.values()) secret.wipe();
    this.#secrets.clear();
  }

  drop(request: Uint8Array): void {
    this.take(request)?.wipe();
  }
}
