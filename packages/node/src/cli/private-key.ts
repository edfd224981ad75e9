import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { ed25519, fromBytesBE, type Scheme, Secret, toBytesBE, wipe } from '@quorate/protocol';
import { systemFiles } from '../files.ts';
import { CliError } from './exit.ts';

/** A PEM file of one key has a few hundred bytes; other tools put comments around it. */
const maxBytes = 4_096;

/**
 * - `scalar`: 64 hexadecimal digits, big-endian: the logarithm of the public key.
 * - `seed`: 64 hexadecimal digits, the private key of RFC 8032, from whose hash the scalar is taken. Of Ed25519 only.
 * - `pem`: unencrypted PKCS #8, or SEC 1 of secp256k1, as `openssl` writes them.
 * - `zf`: key packages of other FROST software, in several files; see `key-packages.ts`.
 */
export const keyFormats = ['scalar', 'seed', 'pem', 'zf'] as const;
export type KeyFormat = (typeof keyFormats)[number];

/**
 * The private key in a file: its scalar, 32 bytes big-endian.
 * @throws {FileUnreadable} if others may read it {@link CliError} `private-key-invalid`, which repeats nothing of it
 */
export function readPrivateKey(path: string, scheme: Scheme, format: Exclude<KeyFormat, 'zf'>): Secret {
  const bytes = systemFiles.readPrivate(path, maxBytes);
  try {
    const key = format === 'pem' ? pemKey(bytes, scheme) : hexKey(bytes);
    const isSeed = scheme === 'ed25519' && format !== 'scalar';
    if (key === undefined || (format === 'seed' && !isSeed)) throw invalid(path, scheme, format);
    if (!isSeed) return new Secret(key);
    using seed = new Secret(key);
    return scalarOf(seed);
  } finally {
    wipe(bytes);
  }
}

/** RFC 8032 §5.1.5: the lower half of the seed's hash, some bits set; modulo the order, which leaves the public key as it is. */
function scalarOf(seed: Secret): Secret {
  const digest = seed.use((bytes) => createHash('sha512').update(bytes).digest());
  const low = digest.subarray(0, 32).toReversed();
  low[31] = (low[31] as number) & 0xf8;
  low[0] = ((low[0] as number) & 0x7f) | 0x40;
  const scalar = new Secret(toBytesBE(fromBytesBE(low) % ed25519.order, 32));
  wipe(digest, low);
  return scalar;
}

function hexKey(bytes: Uint8Array): Uint8Array | undefined {
  const end = bytes.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1;
  if (end !== 64) return undefined;
  const key = new Uint8Array(32);
  for (let i = 0; i < 32; i++) {
    const [high, low] = [digitOf(bytes[2 * i]), digitOf(bytes[2 * i + 1])];
    if (high === undefined || low === undefined) return undefined;
    key[i] = 16 * high + low;
  }
  return key;
}

/** Byte by byte: a text would stay in memory. */
function digitOf(byte = 0): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : undefined;
}

function pemKey(bytes: Uint8Array, scheme: Scheme): Uint8Array | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), format: 'pem' });
  } catch {
    return undefined;
  }
  const { asymmetricKeyDetails, asymmetricKeyType } = key;
  const fits =
    scheme === 'ed25519'
      ? asymmetricKeyType === 'ed25519'
      : asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'secp256k1';
  if (!fits) return undefined;
  const raw = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const found = new Uint8Array(32);
  found.set(raw, 32 - raw.length);
  wipe(raw);
  return found;
}

function invalid(path: string, scheme: Scheme, format: Exclude<KeyFormat, 'zf'>): CliError {
  const what = format === 'pem' ? 'an unencrypted PEM file of such a key' : '64 hexadecimal digits and nothing else';
  return new CliError(
    'private-key-invalid',
    `${path} holds no private key of ${scheme}: --format ${format} is ${what}`,
  );
}
