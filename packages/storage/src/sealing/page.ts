import { equal, wire } from '@quorate/protocol';
import { limits } from '../limits.ts';
import type { Standing } from './counter.ts';

/** What the manifest's records hold; `manifest.ts` says what for. */
interface RootRecord extends Standing, Record<string, unknown> {
  readonly version: number;
}

interface PageRecord extends Record<string, unknown> {
  readonly version: number;
  readonly count: number;
  readonly sum: Uint8Array;
  /** Where each record counts by itself, which there are. */
  readonly listed: readonly Listed[];
}

interface Listed {
  readonly place: string;
  readonly digest: Uint8Array;
}

export const formatVersion = 1;
export const manifestPlace = 'manifest';

export const rootCodec: wire.Codec<RootRecord> = wire.struct<RootRecord>({
  version: wire.version(formatVersion),
  counter: wire.u48,
  chain: wire.fixed(32),
  pages: wire.u32,
  sum: wire.fixed(32),
});

export const pageCodec: wire.Codec<PageRecord> = wire.struct<PageRecord>({
  version: wire.version(formatVersion),
  count: wire.u48,
  sum: wire.fixed(32),
  listed: wire.list(wire.struct({ place: wire.text(limits.placeCharacters), digest: wire.fixed(32) }), limits.listed),
});

/** The records of one group: how many, and the sum of their digests. */
export interface Page {
  count: number;
  readonly sum: Uint8Array;
  /** The digest of count and sum: what the root sums up. */
  digest: Uint8Array;
  /** Of every record the digest; of a ledger nothing, since its records are never changed nor removed. */
  readonly members: Map<string, Uint8Array> | undefined;
  state: 'verified' | 'broken' | 'unchecked';
}

/** What a scan finds of a group. */
export interface Found {
  count: number;
  readonly sum: Uint8Array;
  readonly members: Map<string, Uint8Array>;
}

/** Whether the records of a group may change, and each is known by its digest. */
export function isKept(group: string): boolean {
  return group === 'node' || group.startsWith('key/') || isListed(group);
}

/** Whether the page lists its records, so that one of them that is damaged is known from the others. */
export function isListed(group: string): boolean {
  return group.startsWith('pairs/');
}

export function sameSum(
  a: { readonly count: number; readonly sum: Uint8Array },
  b: { readonly count: number; readonly sum: Uint8Array },
): boolean {
  return a.count === b.count && equal(a.sum, b.sum);
}

export function pagePlace(group: string): string {
  return `pages/${group}`;
}

/** Adds `other` to a sum, or takes it away. */
export function xor(into: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) ^ (other[i] as number);
}
