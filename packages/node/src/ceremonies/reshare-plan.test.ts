import type { PublicPackage } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { dealersOf, type Plan, type Surroundings } from './reshare-plan.ts';

const nodes = [1, 2, 3, 4, 5].map((byte) => new Uint8Array(32).fill(byte));
const members = nodes.map((node, i) => ({ party: i + 1, node }));
const base = { members, threshold: 3 } as unknown as PublicPackage;
const among =
  (...parties: readonly number[]) =>
  (node: Uint8Array) =>
    parties.includes(node[0] as number);

function dealers(staying: readonly number[], around: Partial<Surroundings> = {}): readonly number[] {
  const plan: Plan = {
    base,
    nodes: nodes.filter(among(...staying)),
    threshold: 2,
    allowLowThreshold: false,
    isStuck: false,
  };
  const calm = {
    isSelf: among(5),
    isLive: () => true,
    isDoubted: () => false,
    isSuspected: () => false,
    nameOf: String,
    publicKey: '',
  };
  return dealersOf(plan, { ...calm, ...around });
}

test('who proposes a reshare deals, and then who stays, by their numbers', () => {
  expect(dealers([1, 2, 3, 4, 5])).toEqual([1, 2, 5]);
  expect(dealers([2, 3, 4, 5])).toEqual([2, 3, 5]);
});

test('who leaves deals only if those who stay are too few, whoever was silent a moment ago', () => {
  expect(dealers([2, 3, 5], { isSuspected: among(2, 3) })).toEqual([2, 3, 5]);
  expect(dealers([3, 5], { isSuspected: among(1) })).toEqual([2, 3, 5]);
  expect(dealers([3, 5], { isSuspected: among(1, 2) })).toEqual([3, 4, 5]);
});

test('who was silent a moment ago deals after the others that stay, and who is away does not', () => {
  expect(dealers([1, 2, 3, 4, 5], { isSuspected: among(1) })).toEqual([2, 3, 5]);
  expect(dealers([1, 2, 3, 4, 5], { isLive: among(4, 5) })).toEqual([4, 5]);
});
