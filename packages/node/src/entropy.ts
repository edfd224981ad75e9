import { randomFillSync } from 'node:crypto';
import type { Randomness } from '@quorate/protocol';

/** The operating system's randomness. Secrets are drawn through `hedged` of the protocol package, never from here alone. */
export const systemRandomness: Randomness = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};
