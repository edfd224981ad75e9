import { EncodingError, keccak256, type Scheme, sha256, wire } from '@quorate/protocol';

/**
 * What a client wants signed, whole: never only its hash, where that can be helped. Every node derives the bytes to be
 * signed from the intent by itself, so that nobody between client and signers can swap one for the other.
 */
export type Intent =
  /** Signed as it is, by schemes that sign messages. */
  | { readonly type: 'message'; readonly value: Uint8Array }
  /** Hashed by every node, then signed, by schemes that sign hashes. */
  | { readonly type: 'hashed'; readonly value: { readonly hash: HashName; readonly message: Uint8Array } }
  /** 32 bytes that nobody here can tell the meaning of: signed blind. */
  | { readonly type: 'digest'; readonly value: Uint8Array };

export type HashName = 'sha256' | 'keccak256';

export const hashNames: readonly HashName[] = ['sha256', 'keccak256'];

/** Bytes of a message. Longer documents are hashed by whoever knows what they are. */
export const MAX_MESSAGE: number = 64 * 1024;

const hashes: Readonly<Record<HashName, (message: Uint8Array) => Uint8Array>> = { sha256, keccak256 };

const hashCodec: wire.Codec<HashName> = wire.mapped(
  wire.u8,
  (name: HashName) => hashNames.indexOf(name),
  (index) => {
    const name = hashNames[index];
    if (name === undefined) throw new EncodingError('unknown hash function');
    return name;
  },
);

export const intentCodec: wire.Codec<Intent> = wire.choice({
  message: wire.bytes(MAX_MESSAGE),
  hashed: wire.struct({ hash: hashCodec, message: wire.bytes(MAX_MESSAGE) }),
  digest: wire.fixed(32),
}) as wire.Codec<Intent>;

/** The bytes that the scheme signs for an intent, or why it signs none. */
export function payloadOf(
  scheme: Scheme,
  intent: Intent,
): { readonly payload: Uint8Array } | { readonly refusal: string } {
  if (scheme === 'ecdsa') {
    if (intent.type === 'digest') return { payload: intent.value };
    if (intent.type === 'hashed') return { payload: hashes[intent.value.hash](intent.value.message) };
    return { refusal: 'ECDSA signs hashes: say which one, sha256 or keccak256' };
  }
  if (intent.type === 'message') return { payload: intent.value };
  return { refusal: `${scheme} signs messages as they are: leave out the hash` };
}

/** The bytes of an intent that came from the client. */
export function contentOf(intent: Intent): Uint8Array {
  return intent.type === 'hashed' ? intent.value.message : intent.value;
}

/**
 * Whether signing these bytes is signing blind: a digest; 32 bytes under a Taproot key, which nobody can tell from the digest
 * of a Bitcoin transaction; and 32 bytes hashed by SHA-256 for ECDSA, since older Bitcoin transactions are hashed twice and
 * they may be the first hash. It takes the right `sign-raw`. Messages of any other length can never be one.
 */
export function isRaw(scheme: Scheme, intent: Intent): boolean {
  if (intent.type === 'digest') return true;
  const hashedTwice = intent.type === 'hashed' && intent.value.hash === 'sha256';
  return contentOf(intent).length === 32 && (scheme === 'taproot' || hashedTwice);
}
