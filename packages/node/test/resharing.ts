import { expect } from 'vitest';
import { limits } from '../src/limits.ts';
import type { CeremonyView, KeyView, ReshareOrder } from '../src/service.ts';
import { Committee } from './committee.ts';

export const three: readonly string[] = ['alice', 'bob', 'carol'];
export const heirs: readonly string[] = ['dave', 'erin', 'frank'];
export const seven: readonly string[] = [...three, ...heirs, 'grace'];

/** n nodes, of which the first `held` hold a key. */
export async function committeeWith(
  seed: string,
  n: number,
  held: number,
  key: { readonly scheme?: KeyView['scheme']; readonly threshold?: number } = {},
  settings: Parameters<typeof Committee.open>[2] = {},
): Promise<Committee> {
  const committee = await Committee.open(n, seed, settings);
  const members = seven.slice(0, held);
  const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519', ...key, members });
  await committee.until(() => members.every((name) => committee.ceremony(name, id)?.state === 'done'), 60_000);
  await committee.run(limits.refreshPause);
  return committee;
}

/** @param waiting those who know in the end how it ended */
export async function reshare(
  committee: Committee,
  at: string,
  order: ReshareOrder,
  waiting: readonly string[],
): Promise<CeremonyView> {
  const { id } = await committee.at(at).node.reshare('treasury', order);
  const isOver = (name: string): boolean => ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? '');
  await committee.until(() => waiting.every(isOver), 120_000);
  return committee.ceremony(at, id) as CeremonyView;
}

export function keyOf(committee: Committee, name: string) {
  return committee.at(name).home.keys.byName('treasury');
}

/** The epochs of the key at a member, and their states. */
export function statesOf(committee: Committee, name: string): readonly (readonly [number, string])[] {
  return keyOf(committee, name)?.epochs.map(({ epoch, state }) => [epoch, state] as const) ?? [];
}

/** No node stopped, and none holds anything against another. */
export function expectNobodyBlamed(committee: Committee): void {
  for (const { fatal, node } of committee.members.values()) {
    expect(fatal).toEqual([]);
    for (const { banned, blames } of node.peers()) expect([banned, blames]).toEqual([false, 0]);
  }
}
