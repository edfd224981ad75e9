import type { Party } from '../protocol.ts';

/**
 * When an epoch's shares may be destroyed, after a later one is in use here. Pure. Every honest member of the later epoch
 * holds its share from before the certificate existed; what is waited for is that enough of them know of the certificate to
 * hand it on, so that one bad disk more does not take the key with it.
 */
export interface Retirement {
  /** How many members must know, oneself apart, when time alone does not decide: f + 1 = t of the later epoch. */
  readonly enough: number;
  /** The members of the later epoch, oneself apart: with all of them there is nothing to wait for. */
  readonly others: ReadonlySet<Party>;
  /** Who said, over an authenticated channel, that it uses the later epoch. */
  readonly activated: ReadonlySet<Party>;
}

/** @param others the members of the later epoch, oneself apart */
export function retire(others: readonly Party[], threshold: number): Retirement {
  return { enough: Math.min(threshold, others.length), others: new Set(others), activated: new Set() };
}

/** `party` uses the later epoch. Whoever says it twice counts once, and strangers do not count. */
export function heardActivated(retirement: Retirement, party: Party): Retirement {
  if (!retirement.others.has(party)) return retirement;
  return { ...retirement, activated: new Set([...retirement.activated, party]) };
}

/**
 * Whether the earlier epochs may be shredded: all others know, or enough of them and the grace period is over.
 * @param age how long ago the later epoch came into being here, by a reckoning that outlives restarts
 */
export function mayShred({ activated, enough, others }: Retirement, age: number, grace: number): boolean {
  if (activated.size === others.size) return true;
  return activated.size >= enough && age >= grace;
}
