import { EncodingError, wire } from '@quorate/protocol';
import { placeInfo } from './places.ts';
import type { OpenFailure } from './record.ts';

/**
 * - `wrong-passphrase`, `wrong-key-file`: the root does not open the header (or the header's key part was altered).
 * - `other-root`: the store is opened by a passphrase and a key file was given, or the reverse.
 * - `kdf-out-of-bounds`: the header asks for a key derivation that is too weak or too expensive. Nothing was derived.
 * - `other-network`, `other-node`: the store belongs to somebody else.
 * - `not-initialised`, `already-initialised`: there is no header, or one already.
 * - `passphrase-too-short`: of a passphrase that is to open a store from now on. One that does so already is not measured.
 */
export type UnlockErrorCode =
  | 'wrong-passphrase'
  | 'wrong-key-file'
  | 'other-root'
  | 'kdf-out-of-bounds'
  | 'other-network'
  | 'other-node'
  | 'not-initialised'
  | 'already-initialised'
  | 'passphrase-too-short';

export class UnlockError extends Error {
  override readonly name = 'UnlockError';
  readonly code: UnlockErrorCode;

  constructor(code: UnlockErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Why a record is not what it should be. */
export type Damage = OpenFailure | 'missing' | 'contradiction' | 'outdated' | 'incomplete' | 'unproven';

const damages: Readonly<Record<Damage, string>> = {
  malformed: 'it is not a record',
  later: 'it is not a record, or a newer version of Quorate wrote it',
  'other-key': 'it was sealed for another place or under another key',
  altered: 'it was altered',
  missing: 'it is gone',
  contradiction: 'what is there is not what was put there',
  outdated: 'it is an older or a foreign version',
  incomplete: 'records are gone, or older ones or others are in their place',
  unproven: 'what certifies it convinces nobody who knows what it renews',
};

/**
 * A record is not what was put there: the disk altered or lost it, or somebody did. Names the place, or the group of records
 * if it is not known which; never the contents.
 */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';
  readonly code = 'record-damaged';
  readonly place: string;
  /** Without what to do. */
  readonly problem: string;
  readonly reason: Damage;

  constructor(place: string, reason: Damage) {
    const problem = `the record ${place} is damaged (${reason}: ${damages[reason]})`;
    super(`${problem}; stop the node and run \`quorate doctor\`, which says what to do`);
    this.place = place;
    this.problem = problem;
    this.reason = reason;
  }
}

/**
 * A newer version of Quorate wrote a record, or, where nothing authenticates the byte that says so, the record may be damaged instead.
 * Nobody here knows what it means: so nothing is written, repaired or put in quarantine, and the node does not start.
 */
export class VersionError extends Error {
  override readonly name = 'VersionError';
  readonly code = 'newer-version';
  readonly place: string;
  /** Without what to do. */
  readonly problem: string;
  readonly isCertain: boolean;

  constructor(place: string, isCertain: boolean) {
    const problem = `the record ${place} was written by a newer version of Quorate${isCertain ? '' : ', or it is damaged'}`;
    super(
      isCertain
        ? `${problem}: run that version`
        : `${problem}: if a newer version ran here, run that one; if none did, run \`quorate doctor\`, which says what to do`,
    );
    this.place = place;
    this.problem = problem;
    this.isCertain = isCertain;
  }
}

/** @param bytes what was sealed: its first byte is the writer's @throws {VersionError} */
export function checkVersion(place: string, bytes: Uint8Array, known: number | undefined): void {
  if (known !== undefined && isLater(bytes, known)) throw new VersionError(place, true);
}

/** Whether the byte that says in which format the rest is, is of a later one. */
export function isLater(bytes: Uint8Array, known: number): boolean {
  return (bytes[0] ?? 0) > known;
}

/**
 * What a record's bytes encode.
 * @throws {VersionError} if they are of a later format @throws {IntegrityError} if they are of none that this version knows
 */
export function decodeRecord<T>(place: string, codec: wire.Codec<T>, bytes: Uint8Array): T {
  checkVersion(place, bytes, placeInfo(place).version);
  try {
    return wire.decode(codec, bytes);
  } catch (error) {
    if (error instanceof EncodingError) throw new IntegrityError(place, 'malformed');
    throw error;
  }
}

/**
 * - `rolled-back`: the store is older than the counter beside it says, or it is another copy of itself.
 * - `counter-missing`: there is no counter beside the store that could be read, so nobody knows.
 */
export class RollbackError extends Error {
  override readonly name = 'RollbackError';
  readonly code: 'rolled-back' | 'counter-missing';
  /** Without what to do. */
  readonly problem: string;

  constructor(code: 'rolled-back' | 'counter-missing', store: number, counter?: number) {
    const problem =
      code === 'rolled-back'
        ? `ROLLED BACK: the store stands at ${store}, and stood at ${counter} before: it is an older copy`
        : 'the file `counter` beside the store is gone or damaged, so nobody can tell whether the store is an older copy';
    const instead =
      code === 'rolled-back'
        ? 'if there is none, do not start this node: what it answered and whom it banned since is forgotten; make a new node and have its place in each key given to it'
        : 'or, if you know that the store is the newest, say so with `quorate doctor --accept-lost-counter`';
    super(`${problem}. Put the newest copy of the whole data folder back; ${instead}. \`quorate doctor\` says more`);
    this.code = code;
    this.problem = problem;
  }
}
