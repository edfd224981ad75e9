import { kinds, type Party, type Registration, register, type Start, seeded } from '@quorate/protocol';
import { nativeNodeKey } from '@quorate/protocol/native';
import { expect, test } from 'vitest';
import { nativeTools } from '../tools.ts';
import { isFor, refusalOf } from './registering.ts';
import type { Task, Workshop } from './task.ts';

const random = seeded(new TextEncoder().encode('registering'));
const keys = [1, 2, 3].map((party) => ({ party, key: nativeNodeKey(random.bytes(32)) }));
const members = keys.map(({ party, key }) => ({ party, node: key.publicKey }));
const request = { network: random.bytes(32), request: random.bytes(32), digest: random.bytes(32), epoch: 1 };
const participants = keys.map(({ party, key }) => {
  const own = { attempt: 0, nonce: random.bytes(32), bootEpoch: random.bytes(24), receiveKey: new Uint8Array(0) };
  return {
    party,
    registration: register({ ...request, ...own, avoid: [], apart: [], presigned: { signers: [], ids: [] } }, key),
  };
});
const [ours, theirs] = participants.map(({ registration }) => registration) as [Registration, Registration];
const start: Start = { ...request, kind: kinds.sign, attempt: 0, presignature: new Uint8Array(0), participants };
const task = (apart: readonly Party[] = []): Task =>
  ({
    kind: 'sign',
    digest: request.digest,
    epoch: 1,
    need: 2,
    members,
    apart,
    receives: undefined,
  }) as unknown as Task;
const doubted: Uint8Array[] = [];
const standings = { doubts: (node: Uint8Array) => doubted.includes(node) };
const workshop = { standings, tools: nativeTools() } as unknown as Workshop;

test('a Start that seats a member whom this node banned is refused, and one that leaves it out is not', () => {
  expect(refusalOf(start, ours, task(), workshop)).toBeUndefined();
  expect(refusalOf(start, ours, task([2]), workshop)).toContain('banned member');
  const without = { ...start, participants: participants.filter(({ party }) => party !== 2) };
  expect(refusalOf(without, ours, task([2]), workshop)).toBeUndefined();
});

test('a Start that seats a node that was rolled back, or runs twice, is refused', () => {
  doubted.push(theirs.node);
  expect(refusalOf(start, ours, task(), workshop)).toContain('runs twice');
  doubted.length = 0;
});

test.for<[string, Partial<Registration>, Party | undefined]>([
  ['of a member in the seat of another', {}, 3],
  ['in a seat that there is not', {}, 4],
  ['without a seat', {}, undefined],
  ['for another body', { digest: new Uint8Array(32) }, 2],
  ['for another epoch', { epoch: 2 }, 2],
  ['in another network', { network: new Uint8Array(32) }, 2],
])('a registration %s is not for the task', ([, change, party]) => {
  expect(isFor(theirs, task(), 2, request.network)).toBe(true);
  expect(isFor({ ...theirs, ...change }, task(), party, request.network)).toBe(false);
});
