import { open } from 'node:fs/promises';
import { type Randomness, Secret, wipe } from '@quorate/protocol';

/**
 * - `key-file-exists`: never overwritten, since it may be the only way into a store.
 * - `key-file-unreadable`: missing, or this user may not read it.
 * - `key-file-exposed`: others may read or replace it.
 * - `key-file-malformed`: not a key.
 */
export type KeyFileErrorCode = 'key-file-exists' | 'key-file-unreadable' | 'key-file-exposed' | 'key-file-malformed';

export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly code: KeyFileErrorCode;

  constructor(code: KeyFileErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const keyBytes = 32;
const newline = 0x0a;

/** Writes a fresh 32-byte key to `path` as a line of hexadecimal, mode 0600, synced. @throws {KeyFileError} */
export async function createKeyFile(path: string, randomness: Randomness): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    throw hasCode(cause, 'EEXIST')
      ? new KeyFileError('key-file-exists', `${path} exists: move it away, or use it`, cause)
      : new KeyFileError('key-file-unreadable', `${path} cannot be created`, cause);
  });
  const key = randomness.bytes(keyBytes);
  const line = Uint8Array.of(...[...key].flatMap((byte) => [digit(byte >> 4), digit(byte & 15)]), newline);
  try {
    await file.writeFile(line);
    await file.sync();
  } finally {
    wipe(key, line);
    await file.close();
  }
}

/** The key in the file at `path`: 64 hexadecimal digits and at most one newline, or 32 raw bytes. @throws {KeyFileError} */
export async function readKeyFile(path: string): Promise<Secret> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw new KeyFileError(
      'key-file-unreadable',
      `${path} cannot be read: does it exist, and is it this user's?`,
      cause,
    );
  });
  const buffer = new Uint8Array(2 * keyBytes + 2);
  try {
    const { uid, mode } = await file.stat();
    if (process.geteuid !== undefined && !isPrivate({ uid, mode }, process.geteuid()))
      throw new KeyFileError(
        'key-file-exposed',
        `${path} is open to other users: chown it to this user and chmod 600 it`,
      );
    const { bytesRead } = await file.read(buffer);
    const key = parseKey(buffer.subarray(0, bytesRead));
    if (key === undefined)
      throw new KeyFileError('key-file-malformed', `${path} is not a key: 64 hexadecimal digits, or 32 bytes`);
    return new Secret(key);
  } finally {
    wipe(buffer);
    await file.close();
  }
}

/**
 * Whether a file is fit to hold a key for the user `self`: its own, and open to nobody else; or root's, and writable by
 * nobody else, which is how container runtimes mount secrets for an unprivileged user.
 */
export function isPrivate({ uid, mode }: { readonly uid: number; readonly mode: number }, self: number): boolean {
  return uid === self ? (mode & 0o077) === 0 : uid === 0 && (mode & 0o022) === 0;
}

function parseKey(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === keyBytes) return bytes.slice();
  const digits = bytes.at(-1) === newline ? bytes.subarray(0, -1) : bytes;
  if (digits.length !== 2 * keyBytes) return undefined;
  const key = new Uint8Array(keyBytes);
  for (let i = 0; i < keyBytes; i++) {
    const high = nibble(digits[2 * i] as number);
    const low = nibble(digits[2 * i + 1] as number);
    if (high < 0 || low < 0) return undefined;
    key[i] = high * 16 + low;
  }
  return key;
}

/** The character code of a hexadecimal digit: no strings here, since a string cannot be wiped. */
function digit(value: number): number {
  return value + (value < 10 ? 0x30 : 0x57);
}

function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
