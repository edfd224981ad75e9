/**
 * - `wrong-passphrase`, `wrong-key-file`: the root does not open the header (or the header's key part was altered).
 * - `other-root`: the store is opened by a passphrase and a key file was given, or the reverse.
 * - `kdf-out-of-bounds`: the header asks for a key derivation that is too weak or too expensive. Nothing was derived.
 * - `other-network`, `other-node`: the store belongs to somebody else.
 * - `not-initialised`, `already-initialised`: there is no header, or one already.
 */
export type UnlockErrorCode =
  | 'wrong-passphrase'
  | 'wrong-key-file'
  | 'other-root'
  | 'kdf-out-of-bounds'
  | 'other-network'
  | 'other-node'
  | 'not-initialised'
  | 'already-initialised';

export class UnlockError extends Error {
  override readonly name = 'UnlockError';
  readonly code: UnlockErrorCode;

  constructor(code: UnlockErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
