import { expect, test } from 'vitest';
import { keyring } from '../../test/fixtures.ts';
import { MemoryStore } from '../memory.ts';
import { BanLedger } from './bans.ts';

const node = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);
const ban = { node, session: new Uint8Array(32).fill(9), time: 1_700_000_000_000 };

const open = async (store: MemoryStore): Promise<BanLedger> => await BanLedger.open((await keyring(store)).records);

test('a ban outlives the process, and the first one stays', async () => {
  const store = new MemoryStore();
  const bans = await open(store);
  expect([bans.has(node), bans.list()]).toEqual([false, []]);
  await bans.ban(ban);
  await bans.ban({ ...ban, time: 5 });
  for (const ledger of [bans, await open(store)]) {
    expect([ledger.has(node), ledger.has(other), ledger.list()]).toEqual([true, false, [ban]]);
  }
});

test('a ban is lifted on disk, or not at all', async () => {
  const store = new MemoryStore();
  const bans = await open(store);
  await bans.ban(ban);
  await bans.ban({ ...ban, node: other });
  await bans.lift(node);
  for (const reopen of [async () => bans, async () => open(store.crash())]) {
    const ledger = await reopen();
    expect([ledger.has(node), ledger.has(other)]).toEqual([false, true]);
  }

  const failing = new MemoryStore();
  const unlucky = await open(failing);
  await unlucky.ban(ban);
  failing.failWrite(1);
  await expect(unlucky.lift(node)).rejects.toMatchObject({ code: 'store-failed' });
  expect(unlucky.has(node)).toBe(true);
});

test('a ban is on disk when it is acknowledged, and counts even when the disk fails', async () => {
  const store = new MemoryStore();
  const bans = await open(store);
  await bans.ban(ban);
  expect((await open(store.crash())).has(node)).toBe(true);

  const failing = new MemoryStore();
  const unlucky = await open(failing);
  failing.failWrite(1);
  await expect(unlucky.ban(ban)).rejects.toMatchObject({ code: 'store-failed' });
  expect(unlucky.has(node)).toBe(true);
});
