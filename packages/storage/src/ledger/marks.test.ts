import { ascii, concat, toHex, u64 } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { failingAtEachWrite, keyring } from '../../test/fixtures.ts';
import { MemoryStore } from '../memory.ts';
import { type Doubt, MarkLedger, type OwnMark, type Standing, type Verdict } from './marks.ts';

const node = new Uint8Array(32).fill(1);
const keyId = new Uint8Array(32).fill(2);
const at = (starts: number, random: number, counter: number): Standing => ({
  bootEpoch: concat(u64(starts), new Uint8Array(16).fill(random)),
  counter,
  statement: ascii(`${starts} ${random} ${counter}, signed`),
});

const open = async (store: MemoryStore): Promise<MarkLedger> => MarkLedger.open((await keyring(store)).records);

test("a peer's mark only rises, over restarts too", async () => {
  const store = new MemoryStore();
  let ledger = await open(store);
  expect(ledger.standingOf(node)).toBeUndefined();
  const said: [Standing, Verdict, Standing][] = [
    [at(300, 7, 5), 'ahead', at(300, 7, 5)],
    [at(300, 7, 5), 'same', at(300, 7, 5)],
    [at(300, 7, 4), 'behind', at(300, 7, 5)],
    [at(300, 8, 9), 'cloned', at(300, 7, 5)],
    [at(300, 7, 6), 'ahead', at(300, 7, 6)],
    [at(299, 9, 99), 'behind', at(300, 7, 6)],
    [at(301, 9, 0), 'ahead', at(301, 9, 0)],
  ];
  for (const [standing, verdict, kept] of said) {
    expect(await ledger.observe(node, standing)).toBe(verdict);
    expect(ledger.standingOf(node)).toEqual(kept);
    ledger = await open(store);
    expect(ledger.standingOf(node)).toEqual(kept);
  }
  expect(ledger.peers()).toEqual([[node, at(301, 9, 0)]]);
});

test('of two statements at once the higher one stays', async () => {
  const ledger = await open(new MemoryStore());
  await Promise.all([3, 9, 5].map(async (counter) => ledger.observe(node, at(1, 1, counter))));
  expect(ledger.standingOf(node)?.counter).toBe(9);
});

test("a key's mark only rises", async () => {
  const store = new MemoryStore();
  const ledger = await open(store);
  expect(ledger.epochOf(keyId)).toBe(0);
  await Promise.all([3, 9, 5].map(async (epoch) => ledger.raise(keyId, epoch)));
  await ledger.raise(keyId, 8);
  expect(ledger.floor()).toBe(0);
  for (const epoch of [4, 2]) await ledger.raiseFloor(epoch);
  for (const found of [ledger, await open(store.crash())])
    expect([found.epochOf(keyId), found.floor()]).toEqual([9, 4]);
});

test('a doubt, and what a node knows of itself, are kept over restarts, and end only when they are ended', async () => {
  const store = new MemoryStore();
  let ledger = await open(store);
  expect([ledger.doubtOf(node), ledger.own()]).toEqual([undefined, { state: 'well', lives: [], evidence: ascii('') }]);
  const doubt: Doubt = { instances: [at(1, 1, 0).bootEpoch], twin: true, statements: [ascii('one'), ascii('other')] };
  const states = ['recovering', 'suspended', 'resolved', 'well'] as const;
  for (const state of states) {
    const own: OwnMark = { state, lives: [{ bootEpoch: at(2, 2, 0).bootEpoch, counter: 7 }], evidence: ascii('shown') };
    await Promise.all([ledger.doubt(node, doubt), ledger.keepOwn(own)]);
    ledger = await open(store);
    expect([ledger.doubtOf(node), ledger.own()]).toEqual([doubt, own]);
  }
  const ended = ledger.doubt(node, undefined);
  // It counts at once.
  expect(ledger.doubtOf(node)).toBeUndefined();
  await ended;
  expect((await open(store.crash())).doubtOf(node)).toBeUndefined();
});

test('a mark that was acknowledged is there, whichever write fails', async () => {
  await failingAtEachWrite(
    async (store, acknowledged) => {
      const ledger = await open(store);
      for (const counter of [1, 2]) {
        await ledger.observe(node, at(1, 1, counter));
        await ledger.raise(keyId, counter);
        acknowledged.push(`${counter}`);
      }
    },
    async (store, acknowledged) => {
      const [ledger, least] = [await open(store), Number(acknowledged.at(-1) ?? 0)];
      expect(ledger.epochOf(keyId)).toBeGreaterThanOrEqual(least);
      expect(ledger.standingOf(node)?.counter ?? 0).toBeGreaterThanOrEqual(least);
    },
  );
});

test('marks are laid out as documented', async () => {
  const { records } = await keyring(new MemoryStore());
  const ledger = await MarkLedger.open(records);
  await ledger.observe(node, at(1, 2, 3));
  await ledger.raise(keyId, 4);
  await ledger.doubt(node, { instances: [at(1, 2, 0).bootEpoch], twin: true, statements: [ascii('a'), ascii('b')] });
  await ledger.keepOwn({
    state: 'suspended',
    lives: [{ bootEpoch: at(1, 2, 0).bootEpoch, counter: 3 }],
    evidence: ascii('c'),
  });
  const names = [`peers/${toHex(node)}`, `keys/${toHex(keyId)}`, `doubts/${toHex(node)}`, 'own'];
  const places = names.map((name) => `marks/${name}`);
  const found = await Promise.all(places.map(async (place) => records.get(place, 'mark')));
  await expect(found.map((bytes) => toHex(bytes as Uint8Array)).join('\n')).toMatchFileSnapshot('golden/marks.hex');
});
