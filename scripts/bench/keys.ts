import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Testnet, TestnetNode } from '../testnet/testnet.ts';
import { processUse } from './machine.ts';
import { type BenchScheme, keyOf } from './network.ts';
import { rounded, table } from './samples.ts';

/** A node of three that holds so many keys of a scheme, right after its start: memory in MiB, start in milliseconds, disk in bytes. */
export interface KeysResult {
  readonly scheme: BenchScheme;
  readonly keys: number;
  readonly residentMiB: number;
  /** From the start of the process until its socket answers. */
  readonly start: number;
  readonly bytesPerKey: number;
}

/** Makes keys, and starts one node anew with each of `counts`, ascending. */
export async function benchKeys(
  net: Testnet,
  scheme: BenchScheme,
  counts: readonly number[],
  say: (text: string) => void,
): Promise<readonly KeysResult[]> {
  const node = net.node('carol');
  const results: KeysResult[] = [];
  const empty = await bytesIn(node.data);
  let made = 0;
  for (const keys of counts) {
    say(`keys: ${keys} of ${scheme}, ${net.nodes.length} nodes`);
    for (; made < keys; made++) await keyOf(net, `bench-keys-${made}`, scheme);
    await net.signal(node, 'SIGTERM');
    const began = performance.now();
    await net.startNode(node);
    while ((await node.client.status().catch(() => undefined)) === undefined) await new Promise(setImmediate);
    const start = rounded(performance.now() - began);
    await net.untilConnected(node, net.nodes.length - 1);
    const bytes = await bytesIn(node.data);
    const bytesPerKey = keys === 0 ? 0 : Math.round((bytes - empty) / keys);
    results.push({ scheme, keys, residentMiB: residentOf(node), start, bytesPerKey });
  }
  return results;
}

export function keysTable(results: readonly KeysResult[]): string {
  return table(
    ['keys', 'RSS MiB', 'start ms', 'bytes a key'],
    results.map(({ scheme, keys, residentMiB, start, bytesPerKey }) => [
      `${keys} ${scheme}`,
      residentMiB,
      start,
      bytesPerKey,
    ]),
  );
}

function residentOf({ process }: TestnetNode): number {
  return processUse(process?.pid ?? 0).residentMiB;
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ name, parentPath }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
