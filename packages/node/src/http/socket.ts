import { lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

/**
 * - `socket-in-use`: a process answers at the path.
 * - `socket-unusable`: something else is at the path, or the folder does not allow a socket.
 * - `socket-exposed`: others could put their own socket in its place.
 */
export type SocketErrorCode = 'socket-in-use' | 'socket-unusable' | 'socket-exposed';

class SocketError extends Error {
  override readonly name = 'SocketError';
  readonly code: SocketErrorCode;

  constructor(code: SocketErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Listens on a Unix socket that only this user can connect to, at every moment: it is born with mode 0600. A folder that is
 * missing is made with mode 0700; the socket of a process that died is removed. @throws {SocketError}
 */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  prepareFolder(dirname(path));
  await removeStale(path);
  // Binding happens within `listen`, before it returns, so no other file is made under this mask.
  const mask = process.umask(0o177);
  const bound = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await bound.catch((cause: unknown) => {
    throw new SocketError(
      'socket-unusable',
      `${path} cannot be listened on (${codeOf(cause)}); set \`admin\` to another path`,
    );
  });
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SocketError(
      'socket-unusable',
      `${folder} cannot be made (${codeOf(cause)}); set \`admin\` to another path`,
      cause,
    );
  }
  const { mode, uid } = statSync(folder);
  if ((mode & 0o022) !== 0 || (uid !== 0 && uid !== process.geteuid?.())) {
    throw new SocketError(
      'socket-exposed',
      `other users may change ${folder}; chmod 700 it, or set \`admin\` to another path`,
    );
  }
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new SocketError('socket-unusable', `${path} is there and is not a socket; move it away`);
  }
  const refusal = await knock(path);
  if (refusal === undefined) {
    throw new SocketError('socket-in-use', `another process answers at ${path}; stop it first`);
  }
  if (refusal !== 'ECONNREFUSED') {
    throw new SocketError('socket-unusable', `${path} is there and cannot be connected to (${refusal}); move it away`);
  }
  unlinkSync(path);
}

/** Undefined if somebody answers, else the system's reason. */
async function knock(path: string): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(codeOf(error)));
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}
