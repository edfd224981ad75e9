import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { type NodeKey, wipe } from '@quorate/protocol';
import { KeyFileError } from '@quorate/storage';
import { systemFiles } from '../files.ts';
import { CliError } from './exit.ts';

/** A PKCS #8 file of an Ed25519 key has 119 bytes; other tools put comments around it. */
const maxBytes = 4_096;

/**
 * Makes a client's Ed25519 key in a new file, mode 0600, as unencrypted PKCS #8 in PEM (RFC 8410, RFC 7468): what
 * `openssl genpkey -algorithm ed25519` makes, and every language reads. @throws {KeyFileError}
 * @returns the public key, 32 bytes
 */
export function createClientKey(path: string): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writePrivately(path, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  return rawOf(publicKey);
}

/** The client key in a file. @throws {FileUnreadable} if others may read it {@link CliError} `client-key-invalid` */
export function readClientKey(path: string): NodeKey {
  const bytes = systemFiles.readPrivate(path, maxBytes);
  try {
    const key = parse(bytes, path);
    return { publicKey: rawOf(createPublicKey(key)), sign: (message) => new Uint8Array(sign(null, message, key)) };
  } finally {
    wipe(bytes);
  }
}

/** A new file, mode 0600, synced; never over another. */
function writePrivately(path: string, content: string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
      ? new KeyFileError('key-file-exists', `${path} exists: move it away, or use it`, cause)
      : new KeyFileError(
          'key-file-unreadable',
          `${path} cannot be created: is there such a folder, for this user?`,
          cause,
        );
  }
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function parse(bytes: Uint8Array, path: string): KeyObject {
  const invalid = `${path} is not a client key: an Ed25519 private key in PEM, without a passphrase; \`quorate client new\` makes one`;
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(bytes.buffer), format: 'pem' });
  } catch {
    throw new CliError('client-key-invalid', invalid);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new CliError('client-key-invalid', invalid);
  return key;
}

function rawOf(publicKey: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
}
