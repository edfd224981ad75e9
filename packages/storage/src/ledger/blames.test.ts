import { ascii } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { keyring } from '../../test/fixtures.ts';
import { MemoryStore } from '../memory.ts';
import { type Blame, BlameLedger } from './blames.ts';

const blame: Blame = {
  session: new Uint8Array(32).fill(3),
  party: 2,
  node: new Uint8Array(32).fill(4),
  evidence: { code: 'bad-share', accused: 2, envelopes: [ascii('one'), ascii('two')], opening: ascii('opening') },
  time: 1_700_000_000_000,
};

const all = async (store: MemoryStore): Promise<Blame[]> => {
  const found: Blame[] = [];
  for await (const one of new BlameLedger((await keyring(store)).records).all()) found.push(one);
  return found;
};

test('keeps a verdict with its evidence, and the first of a kind', async () => {
  const store = new MemoryStore();
  const ledger = new BlameLedger((await keyring(store)).records);
  await ledger.record(blame);
  await ledger.record({ ...blame, time: 5 });
  expect(await all(store)).toEqual([blame]);
  await ledger.record({ ...blame, party: 3 });
  await ledger.record({ ...blame, evidence: { ...blame.evidence, code: 'malformed' } });
  await ledger.record({ ...blame, session: new Uint8Array(32) });
  expect(await all(store)).toHaveLength(4);
  expect(await all(store.crash())).toHaveLength(4);
});
