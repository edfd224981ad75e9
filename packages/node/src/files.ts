import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isPrivate } from '@quorate/storage';

/** The door to files that people write: configuration, roster, key files. What the node keeps lives behind `Store`. */
export interface Files {
  /** The content, at most `maxBytes`. @throws {FileUnreadable} */
  read(path: string, maxBytes: number): Uint8Array;
  /** As `read`, of a file that holds a secret: refused when others may read or replace it. @throws {FileUnreadable} */
  readPrivate(path: string, maxBytes: number): Uint8Array;
  /** A text that changes when the file does (time and size), undefined while there is no such file. */
  stamp(path: string): string | undefined;
}

/** A file is missing, unreadable, not a file, or too long. */
export class FileUnreadable extends Error {
  override readonly name = 'FileUnreadable';
  readonly code = 'file-unreadable';
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}

export const systemFiles: Files = {
  read(path, maxBytes) {
    const size = attempt(path, () => statSync(path)).size;
    if (size > maxBytes) throw new FileUnreadable(path, `it has ${size} bytes, at most ${maxBytes} are read`);
    return new Uint8Array(attempt(path, () => readFileSync(path)));
  },
  readPrivate(path, maxBytes) {
    const owner = attempt(path, () => statSync(path));
    if (process.geteuid !== undefined && !isPrivate(owner, process.geteuid())) {
      throw new FileUnreadable(path, 'it is open to other users: chown it to this user and chmod 600 it');
    }
    return systemFiles.read(path, maxBytes);
  },
  stamp(path) {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? undefined : `${found.mtimeMs} ${found.size} ${found.ino}`;
  },
};

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a directory',
};

function attempt<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FileUnreadable(path, reasons[code] ?? code);
  }
}

/** `path`, which starts at the folder of `file` unless it is absolute, as an absolute path. */
export function pathFrom(file: string, path: string): string {
  return resolve(dirname(file), path);
}
