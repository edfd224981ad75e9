import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex } from '@quorate/protocol';
import { openDatabase } from '@quorate/storage';
import { copyName, sharePlace } from '../../packages/storage/src/keys/places.ts';
import type { TestnetNode } from '../testnet/testnet.ts';

/** Takes the share of an epoch from a node that does not run: the record, and the second copy. @returns the record's place */
export async function destroyShare({ data }: TestnetNode, keyId: string, epoch: number): Promise<string> {
  const id = fromHex(keyId);
  const place = sharePlace(id, epoch);
  const store = await openDatabase(join(data, 'store'), data);
  try {
    await store.batch([{ type: 'delete', key: place }]);
  } finally {
    await store.close();
  }
  await rm(join(data, 'copies', copyName(id, epoch)));
  return place;
}

/** Whether a node, which may run, has second copies of shares of a key. */
export async function hasCopies({ data }: TestnetNode, keyId: string): Promise<boolean> {
  return (await readdir(join(data, 'copies'))).some((name) => name.startsWith(keyId));
}
