import type { Party } from '../protocol.ts';
import { type Codec, fixed, mapped, struct, u16, u48, version } from '../wire/codec.ts';

/**
 * "I hold the certificate of this epoch, durably, and use it." Counted by whoever wants to shred an older epoch. Unsigned:
 * the channel says who speaks, and nobody passes it on.
 */
export interface Activated {
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly epoch: number;
  readonly party: Party;
  /** The transcript of the public package, 32 bytes. */
  readonly transcript: Uint8Array;
}

export const ACTIVATED_VERSION = 1;

const wireCodec = struct({
  version: version(ACTIVATED_VERSION),
  keyId: fixed(32),
  epoch: u48,
  party: u16,
  transcript: fixed(32),
});

export const activatedCodec: Codec<Activated> = mapped(
  wireCodec,
  (activated: Activated) => ({ ...activated, version: ACTIVATED_VERSION }),
  ({ version: _, ...activated }) => activated,
);
