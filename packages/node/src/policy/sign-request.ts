import { hash, nameCodec, wire } from '@quorate/protocol';
import { type Intent, intentCodec } from '../intents/intent.ts';
import { tags } from '../tags.ts';
import { type SignedFormat, signedFormat } from './signed.ts';

/**
 * A client's order to sign, signed by the client's own key. Every signer verifies it before it registers: no node, and no
 * coordinator, can ask for anything on its own. Its id is fixed by client and idempotency key: the same id with another
 * body is refused everywhere, and each node answers for ever with the first verified signature it recorded.
 */
export interface SignRequest {
  readonly network: Uint8Array;
  /** The key's name. */
  readonly key: string;
  /** What the signature is for; must be the key's own purpose. */
  readonly purpose: string;
  readonly intent: Intent;
  /** Which child of the key (BIP-32, not hardened): `m` for the key itself. */
  readonly path: string;
  /** Wall clock, milliseconds since 1970, after which no node begins. */
  readonly expires: number;
  /** The client's Ed25519 public key, 32 bytes. */
  readonly client: Uint8Array;
  /** Chosen by the client, 1 to 64 bytes: the same for every retry of the same order. */
  readonly idempotencyKey: Uint8Array;
  readonly signature: Uint8Array;
}

export const signRequests: SignedFormat<SignRequest, 'client'> = signedFormat(
  tags.signRequest,
  1,
  {
    network: wire.fixed(32),
    key: nameCodec,
    purpose: nameCodec,
    intent: intentCodec,
    path: wire.text(255),
    expires: wire.u48,
    client: wire.fixed(32),
    idempotencyKey: wire.bytes(64),
  },
  'client',
);

/** H(network, client, idempotency key), 32 bytes. */
export function requestId(request: Pick<SignRequest, 'network' | 'client' | 'idempotencyKey'>): Uint8Array {
  return hash(tags.requestId, request.network, request.client, request.idempotencyKey);
}
