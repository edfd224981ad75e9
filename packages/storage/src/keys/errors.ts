/**
 * - `unknown-key`, `unknown-epoch`: not here.
 * - `name-taken`: the name belongs to another key, or the key to another name. Names are never reused.
 * - `scheme-differs`: the key exists under another scheme.
 * - `epoch-not-new`: the epoch, or a higher one, is there with other content.
 * - `too-many-attempts`: too many epochs of this key were prepared and never certified.
 * - `certificate-differs`: the certificate is not for the statement that was prepared.
 * - `invalid-transition`: the epoch has not come that far.
 * - `epoch-retired`: the epoch was replaced by a higher one, or shredded: its secrets are of no more use.
 * - `quarantined`: something of the key is damaged; nothing is done with it until that is repaired.
 */
export type KeyErrorCode =
  | 'unknown-key'
  | 'unknown-epoch'
  | 'name-taken'
  | 'scheme-differs'
  | 'epoch-not-new'
  | 'too-many-attempts'
  | 'certificate-differs'
  | 'invalid-transition'
  | 'epoch-retired'
  | 'quarantined';

export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: KeyErrorCode;

  constructor(code: KeyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
