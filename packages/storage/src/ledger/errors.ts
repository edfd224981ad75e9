/**
 * - `request-conflict`: the request id is taken by another body.
 * - `request-unknown`: no such request was registered.
 * - `request-damaged`: what was asked under this id, or what was answered, can no longer be read. It is answered no more: a second
 *   answer might differ from the first.
 * - `session-spent`: the session's nonces are used up; no share may be computed from them again.
 */
export type LedgerErrorCode = 'request-conflict' | 'request-unknown' | 'request-damaged' | 'session-spent';

export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly code: LedgerErrorCode;

  constructor(code: LedgerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
