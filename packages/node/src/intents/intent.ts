import { type Scheme, wire } from '@quorate/protocol';

/**
 * What a client wants signed, whole: never only its hash. Every node derives the bytes to be signed from the intent by
 * itself, so that nobody between client and signers can swap one for the other.
 */
export type Intent = { readonly type: 'message'; readonly value: Uint8Array };

/** Bytes of a message. Longer documents are hashed by whoever knows what they are. */
export const MAX_MESSAGE: number = 64 * 1024;

export const intentCodec: wire.Codec<Intent> = wire.choice({ message: wire.bytes(MAX_MESSAGE) });

/** The bytes that the scheme signs for an intent. */
export function payloadOf(intent: Intent): Uint8Array {
  return intent.value;
}

/**
 * Whether signing these bytes is signing blind: 32 bytes under a Taproot key are indistinguishable from the digest of a
 * Bitcoin transaction. It takes the right `sign-raw`. BIP-340 messages of any other length can never be one.
 */
export function isRaw(scheme: Scheme, intent: Intent): boolean {
  return scheme !== 'ed25519' && intent.value.length === 32;
}
