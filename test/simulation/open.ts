import type { Case, ProtocolName } from './plan.ts';

/**
 * Seeds of `npm test` that are known to fail: something that was begun does not come to an end in the time that the simulator
 * gives it, in rare circumstances that nobody has mended yet. A test makes sure that each still fails: whatever mends one takes it off.
 */
const seeds: Readonly<Partial<Record<ProtocolName, readonly number[]>>> = {};

export const open: readonly Case[] = Object.entries(seeds).flatMap(([protocol, failing]) =>
  failing.map((seed) => ({ protocol: protocol as ProtocolName, seed, isReal: false, without: [], mute: [] })),
);

export function isOpen({ isReal, protocol, seed }: Case): boolean {
  return !isReal && seeds[protocol]?.includes(seed) === true;
}
