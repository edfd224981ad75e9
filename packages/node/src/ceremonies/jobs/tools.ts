import type { Randomness } from '@quorate/protocol';
import type { Tools } from '../../tools.ts';

/** What jobs work with. */
export type JobTools = Tools & { readonly randomness: Randomness };
