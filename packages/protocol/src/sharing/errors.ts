export type SharingErrorCode = 'identifiers' | 'threshold' | 'length' | 'inconsistent';

/** Shares or parameters from which nothing can be dealt or recovered. */
export class SharingError extends Error {
  override readonly name = 'SharingError';
  readonly code: SharingErrorCode;

  constructor(code: SharingErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
