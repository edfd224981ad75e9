import type { Party, Randomness } from '@quorate/protocol';
import type { Tools } from '../../tools.ts';

/** What jobs work with. */
export type JobTools = Tools & { readonly randomness: Randomness };

/** What everybody needs in a session in which the others seal something to each. */
export interface Receiver {
  readonly network: Uint8Array;
  readonly sid: Uint8Array;
  readonly me: Party;
  /** Encoded points, in the order of the participants. */
  readonly receiveKeys: readonly Uint8Array[];
  /** Encoded scalar; the job wipes it. */
  readonly receiveSecret: Uint8Array;
}
