import * as crypto from 'node:crypto';
import { promisify } from 'node:util';
import { Secret, wipe } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { UnlockError } from './errors.ts';

/** RFC 9106. `memory` in KiB. */
export interface Argon2idParameters extends Record<string, unknown> {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** RFC 7914. `cost` is log2 N. */
export interface ScryptParameters extends Record<string, unknown> {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
}

/** How a passphrase becomes a key. Kept in the store's header, so that a store outlives today's choice. */
export type KdfParameters =
  | { readonly type: 'argon2id'; readonly value: Argon2idParameters }
  | { readonly type: 'scrypt'; readonly value: ScryptParameters };

/** Derives 32 bytes, off the main thread. */
export type Kdf = (parameters: KdfParameters, passphrase: Uint8Array, salt: Uint8Array) => Promise<Uint8Array>;

/** Argon2id at RFC 9106's second choice (64 MiB, 3 passes) where Node has it, else scrypt at N = 2^17: 0.3 to 0.8 s. */
export function defaultKdfParameters(): KdfParameters {
  return typeof crypto.argon2 === 'function'
    ? { type: 'argon2id', value: { memory: 2 ** 16, passes: 3, parallelism: 1 } }
    : { type: 'scrypt', value: { cost: 17, blockSize: 8, parallelism: 1 } };
}

/** OpenSSL's argon2id and scrypt. */
export const systemKdf: Kdf = async (parameters, passphrase, salt) => {
  const key = await derive(parameters, passphrase, salt);
  // A copy, since a Buffer's slice() would share its memory, and whoever wipes one would wipe the other.
  const out = new Uint8Array(key);
  wipe(key);
  return out;
};

async function derive(parameters: KdfParameters, passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
  if (parameters.type === 'argon2id') {
    const { memory, passes, parallelism } = parameters.value;
    const argon2 = promisify(crypto.argon2);
    return await argon2('argon2id', { message: passphrase, nonce: salt, memory, passes, parallelism, tagLength: 32 });
  }
  const { cost, blockSize, parallelism } = parameters.value;
  const options = { N: 2 ** cost, r: blockSize, p: parallelism, maxmem: 256 * 2 ** cost * blockSize };
  return await new Promise<Buffer>((resolve, reject) => {
    crypto.scrypt(passphrase, salt, 32, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/**
 * The key that `passphrase` (UTF-8, normalised to NFKD) stands for.
 * @throws {UnlockError} `kdf-out-of-bounds`, before anything is derived
 */
export async function passphraseKey(
  passphrase: Secret,
  parameters: KdfParameters,
  salt: Uint8Array,
  kdf: Kdf = systemKdf,
): Promise<Secret> {
  checkBounds(parameters);
  const normalised = passphrase.use((bytes) => Buffer.from(new TextDecoder().decode(bytes).normalize('NFKD'), 'utf8'));
  try {
    return new Secret(await kdf(parameters, normalised, salt));
  } finally {
    wipe(normalised);
  }
}

/**
 * Refuses a passphrase that is empty or quickly guessed, before it is the only thing between a stolen disk and its shares.
 * White space does not count; bytes are counted as they are, since a string of them could not be wiped.
 * @throws {UnlockError} `passphrase-too-short`
 */
export function checkLength(passphrase: Secret): void {
  const isCounted = (byte: number): boolean => byte > 0x20 && (byte & 0xc0) !== 0x80;
  const characters = passphrase.use((bytes) => bytes.filter(isCounted).length);
  if (characters >= limits.passphraseCharacters) return;
  const found = characters === 0 ? 'the passphrase is empty' : 'the passphrase is too short';
  throw new UnlockError(
    'passphrase-too-short',
    `${found}: put at least ${limits.passphraseCharacters} characters besides white space into its file, better five random words`,
  );
}

/**
 * The floor is OWASP's minimum (2025): whoever can alter the header must not be able to make the passphrase cheap to guess.
 * The ceiling is what a small machine can bear: the header must not be able to take the machine down either.
 */
function checkBounds(parameters: KdfParameters): void {
  const fits =
    parameters.type === 'argon2id'
      ? within(parameters.value.memory, 19 * 1024, 2 ** 20) && within(parameters.value.passes, 2, 16)
      : within(parameters.value.cost, 16, 20) && parameters.value.blockSize === 8;
  if (!fits || !within(parameters.value.parallelism, 1, 4))
    throw new UnlockError('kdf-out-of-bounds', `the header's ${parameters.type} parameters are out of bounds`);
}

function within(value: number, floor: number, ceiling: number): boolean {
  return Number.isSafeInteger(value) && value >= floor && value <= ceiling;
}
