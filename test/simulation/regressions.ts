import type { Case } from './plan.ts';

/** A run that violated an invariant once, and what was wrong. */
export interface Regression {
  readonly was: string;
  readonly run: Case;
}

const toy = { isReal: false, without: [], mute: [] } as const;

export const regressions: readonly Regression[] = [
  {
    was: 'READY was said while the second copy was still being written, when the READY of a faster member came in',
    run: { ...toy, protocol: 'keygen', seed: 9 },
  },
  {
    was: 'members kept proposals of refreshes that others had declined, and declined each other for ever',
    run: { ...toy, protocol: 'refresh', seed: 62 },
  },
];
