import type { Testnet } from '../testnet/testnet.ts';
import { processUse } from './machine.ts';
import { rounded, table } from './samples.ts';

/** A node that nobody asks for anything. */
export interface IdleResult {
  readonly node: string;
  readonly residentMiB: number;
  /** Of one core, over the time of waiting. */
  readonly cpuPercent: number;
  readonly connectedPeers: number;
}

/** Leaves a freshly started testnet alone for `seconds`, then looks. */
export async function benchIdle(net: Testnet, seconds: number): Promise<readonly IdleResult[]> {
  const use = (): readonly ReturnType<typeof processUse>[] =>
    net.nodes.map(({ process }) => processUse(process?.pid ?? 0));
  const before = use();
  await new Promise((resolve) => void setTimeout(resolve, seconds * 1000));
  const after = use();
  return await Promise.all(
    net.nodes.map(async ({ name, client }, i) => ({
      node: name,
      residentMiB: after[i]?.residentMiB ?? 0,
      cpuPercent: rounded(((after[i]?.cpu ?? 0) - (before[i]?.cpu ?? 0)) / (seconds * 10)),
      connectedPeers: (await client.status()).peers.connected,
    })),
  );
}

export function idleTable(results: readonly IdleResult[]): string {
  return table(
    ['idle node', 'RSS MiB', 'cpu %', 'peers'],
    results.map(({ node, residentMiB, cpuPercent, connectedPeers }) => [node, residentMiB, cpuPercent, connectedPeers]),
  );
}
