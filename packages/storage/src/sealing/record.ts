import {
  type Aead,
  ascii,
  concat,
  EncodingError,
  equal,
  hash,
  hkdf,
  hmac,
  type Randomness,
  type Secret,
  sha256,
  wipe,
  wire,
} from '@quorate/protocol';
import { limits } from '../limits.ts';
import { tags } from '../tags.ts';

/** What sealing needs from outside. */
export interface Sealer {
  readonly aead: Aead;
  readonly randomness: Randomness;
}

/** To whom the records of a store belong. */
export interface Owner {
  readonly network: Uint8Array;
  readonly node: Uint8Array;
}

/** Where a record belongs; it opens nowhere else. */
export interface Place extends Owner {
  /** Its full store key. */
  readonly place: string;
  /** What is in it: `share`, `audit`. */
  readonly kind: string;
}

interface SealedRecord extends Record<string, unknown> {
  readonly version: number;
  readonly salt: Uint8Array;
  readonly commitment: Uint8Array;
  readonly ciphertext: Uint8Array;
}

const formatVersion = 1;

const recordCodec: wire.Codec<SealedRecord> = wire.struct<SealedRecord>({
  version: wire.version(formatVersion),
  salt: wire.fixed(32),
  commitment: wire.fixed(32),
  ciphertext: wire.bytes(limits.recordBytes + 16),
});

/** Every record has an encryption key of its own, which seals one plaintext, so the nonce need not vary. */
const nonce: Uint8Array = new Uint8Array(12);

/**
 * Seals `plaintext` so that it opens at `at` and under `key` alone:
 *
 *   encryption key ‖ commitment = HKDF-SHA256(key, salt, info = binding, 64)      binding = H(network, node, place, kind)
 *   record = version ‖ salt ‖ commitment ‖ AEAD(encryption key, 0, version ‖ binding, plaintext)
 *
 * The commitment is there because ChaCha20-Poly1305 by itself can be made to open under two keys (partitioning oracles).
 * The salt is random, and hashed with key and plaintext so that a cloned machine, whose random bytes repeat, still never
 * seals two plaintexts under one key.
 */
export function sealRecord({ aead, randomness }: Sealer, key: Secret, at: Place, plaintext: Uint8Array): Uint8Array {
  if (plaintext.length > limits.recordBytes) throw new RangeError(`a record holds up to ${limits.recordBytes} bytes`);
  const binding = bind(at);
  const fresh = randomness.bytes(32);
  const salt = key.use((bytes) => hmac(sha256, bytes, concat(ascii(tags.salt), fresh, binding, sha256(plaintext))));
  const { encryptionKey, commitment } = derive(key, salt, binding);
  const ciphertext = aead.seal(encryptionKey, nonce, concat(Uint8Array.of(formatVersion), binding), plaintext);
  wipe(encryptionKey);
  return wire.encode(recordCodec, { version: formatVersion, salt, commitment, ciphertext });
}

/** Why a record did not open: not a record, perhaps a later version's, sealed under another key or for another place, or altered. */
export type OpenFailure = 'malformed' | 'later' | 'other-key' | 'altered';

/** The plaintext, or why there is none. The commitment is compared before anything is decrypted. */
export function openRecord(
  aead: Aead,
  key: Secret,
  at: Place,
  sealed: Uint8Array,
): { readonly plaintext: Uint8Array } | { readonly failure: OpenFailure } {
  const record = parse(sealed);
  if (record === undefined) return { failure: isLaterRecord(sealed) ? 'later' : 'malformed' };
  const binding = bind(at);
  const { encryptionKey, commitment } = derive(key, record.salt, binding);
  try {
    if (!equal(commitment, record.commitment)) return { failure: 'other-key' };
    const aad = concat(Uint8Array.of(formatVersion), binding);
    const plaintext = aead.open(encryptionKey, nonce, aad, record.ciphertext);
    return plaintext === undefined ? { failure: 'altered' } : { plaintext };
  } finally {
    wipe(encryptionKey);
  }
}

/** Whether it says of itself that a later version sealed it. Nothing but the manifest authenticates that. */
export function isLaterRecord(sealed: Uint8Array): boolean {
  return (sealed[0] ?? 0) > formatVersion;
}

function parse(sealed: Uint8Array): SealedRecord | undefined {
  try {
    return wire.decode(recordCodec, sealed);
  } catch (error) {
    if (error instanceof EncodingError) return undefined;
    throw error;
  }
}

function bind({ network, node, place, kind }: Place): Uint8Array {
  return hash(tags.record, Uint8Array.of(formatVersion), network, node, ascii(place), ascii(kind));
}

function derive(
  key: Secret,
  salt: Uint8Array,
  binding: Uint8Array,
): { readonly encryptionKey: Uint8Array; readonly commitment: Uint8Array } {
  const both = key.use((bytes) => hkdf(sha256, bytes, salt, binding, 64));
  return { encryptionKey: both.subarray(0, 32), commitment: both.slice(32) };
}
