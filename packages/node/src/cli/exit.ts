import type { KeyFileErrorCode, StoreErrorCode, UnlockErrorCode } from '@quorate/storage';
import type { NodeErrorCode } from '../errors.ts';
import type { TransportErrorCode } from '../http/problem.ts';
import type { SocketErrorCode } from '../http/socket.ts';
import type { CeremonyView, FailureCode, ServiceErrorCode } from '../service.ts';

/** What scripts switch on; docs/cli.md lists them. */
export const exits = { ok: 0, failed: 1, usage: 2, denied: 3, pending: 4, noQuorum: 5, integrity: 6 } as const;

export type ExitCode = (typeof exits)[keyof typeof exits];

export type CliErrorCode =
  | 'usage'
  | 'declined'
  | 'secret-on-command-line'
  | 'client-key-invalid'
  | 'private-key-invalid'
  | 'signature-invalid';

/** The command line asks for something that cannot be done as it is written. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A ceremony that this command began came to nothing. */
export class CeremonyFailed extends Error {
  override readonly name = 'CeremonyFailed';
  readonly code: FailureCode;
  readonly ceremony: CeremonyView;

  constructor(ceremony: CeremonyView, failure: NonNullable<CeremonyView['failure']>) {
    const culprits = failure.culprits.map(({ name, code }) => `${name} (${code})`);
    const who = [
      ...(culprits.length > 0 ? [`cheated, with proof: ${culprits.join(', ')}`] : []),
      ...(failure.suspects.length > 0 ? [`silent or unreachable: ${failure.suspects.join(', ')}`] : []),
    ];
    super([`the ${ceremony.kind} failed: ${failure.reason}`, ...who].join('; '));
    this.code = failure.code;
    this.ceremony = ceremony;
  }
}

export type Code =
  | CliErrorCode
  | FailureCode
  | KeyFileErrorCode
  | NodeErrorCode
  | ServiceErrorCode
  | SocketErrorCode
  | StoreErrorCode
  | TransportErrorCode
  | UnlockErrorCode
  | 'file-unreadable'
  | 'node-silent'
  | 'record-damaged'
  | 'newer-version'
  | 'audit-broken'
  | 'rolled-back'
  | 'counter-missing';

const { failed, usage, denied, noQuorum, integrity } = exits;

/** The only place that knows which exit code an error has. */
export const exitOf: Readonly<Record<Code, ExitCode>> = {
  // The command line, a file that a person wrote, or a name in them.
  usage,
  'secret-on-command-line': usage,
  'client-key-invalid': usage,
  'private-key-invalid': usage,
  'file-unreadable': usage,
  'config-invalid': usage,
  'roster-invalid': usage,
  'identity-invalid': usage,
  'key-file-exists': usage,
  'key-file-unreadable': usage,
  'key-file-exposed': usage,
  'key-file-malformed': usage,
  'wrong-passphrase': usage,
  'wrong-key-file': usage,
  'other-root': usage,
  'other-network': usage,
  'other-node': usage,
  'not-initialised': usage,
  'already-initialised': usage,
  'passphrase-too-short': usage,
  exposed: usage,
  'socket-exposed': usage,
  'socket-unusable': usage,
  invalid: usage,
  'key-unknown': usage,
  'not-member': usage,
  'peer-unknown': usage,
  'not-banned': usage,
  'not-suspended': usage,
  'name-taken': usage,
  'ceremony-unknown': usage,
  'request-conflict': usage,
  conflict: usage,
  moved: usage,
  'not-waiting': usage,
  'frame-too-large': usage,
  // Somebody decided against it, or it is too late.
  denied,
  cancelled: denied,
  declined: denied,
  expired: denied,
  // Too few members answered, or answered in time.
  'no-quorum': noQuorum,
  timeout: noQuorum,
  'peer-unavailable': noQuorum,
  // What should be true is not: data, a signature, a member.
  integrity,
  'wrong-key': integrity,
  cheated: integrity,
  'record-damaged': integrity,
  'newer-version': integrity,
  'audit-broken': integrity,
  'rolled-back': integrity,
  'store-damaged': integrity,
  suspended: integrity,
  'counter-missing': integrity,
  'kdf-out-of-bounds': integrity,
  'signature-invalid': integrity,
  // The machine, the node or the way to it.
  'node-silent': failed,
  'listen-failed': failed,
  'socket-in-use': failed,
  'store-locked': failed,
  'store-unavailable': failed,
  'store-failed': failed,
  'store-closed': failed,
  busy: failed,
  stopping: failed,
  stopped: failed,
  'not-found': failed,
  'method-not-allowed': failed,
  'body-too-large': failed,
  'media-type': failed,
  'bad-request': failed,
  internal: failed,
};

/** The stable code of whatever was thrown; `internal` for what nobody foresaw. */
export function codeOf(error: unknown): Code {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && Object.hasOwn(exitOf, code) ? (code as Code) : 'internal';
}
