import { openSync } from 'node:fs';
import { KeyFileError } from '@quorate/storage';

/** A new file of mode 0600, opened before anything is asked of others: one that cannot be made must not cost a key. @throws {KeyFileError} */
export function createPrivately(path: string): number {
  try {
    return openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
      ? new KeyFileError('key-file-exists', `${path} exists: name a new file`, cause)
      : new KeyFileError(
          'key-file-unreadable',
          `${path} cannot be created: is there such a folder, for this user?`,
          cause,
        );
  }
}
