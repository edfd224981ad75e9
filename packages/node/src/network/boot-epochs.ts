import { bootCounter } from './hello.ts';

/**
 * Whether an instance of a peer may take the place of the one that is connected. Of two with one identity, the one that came last
 * is heard: it must be told what is held of it, and what it says decides whether anything is done with either (`standing/`). Only
 * one that its operator decided against, whose upper half of the boot counter is lower, stays out while the other is here.
 * @param live the boot epoch of the one that is connected, undefined when there is none
 */
export function mayReplace(shown: Uint8Array, live: Uint8Array | undefined): boolean {
  return live === undefined || bootCounter(shown) >> 32n >= bootCounter(live) >> 32n;
}
