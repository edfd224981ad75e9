import { type Testnet, until } from '../testnet/testnet.ts';
import { keyOf, type Latency, latencyOf, threshold } from './network.ts';
import { table } from './samples.ts';
import { type Signed, Signer } from './signer.ts';

/** One client, one order after the other: bursts while there are presignatures, and then without, so that both meet the same machine. */
export interface PresignedResult {
  readonly presigned: Omit<Latency, 'cpu'>;
  readonly interactive: Omit<Latency, 'cpu'>;
  /** Milliseconds from the last signature until the pool was full again, median. */
  readonly refill: number;
}

/** The nodes' default is eight; the rest of a burst is left for orders that find none that all have. */
const pool = 8;
const burst = 6;

/** @param net of nodes that keep `pool` presignatures */
export async function benchPresigned(
  net: Testnet,
  signatures: number,
  say: (text: string) => void,
): Promise<PresignedResult> {
  const key = await keyOf(net, 'bench-presigned', 'ecdsa');
  const signer = await Signer.of(net, { ...key, scheme: 'ecdsa' });
  await signer.times(20);
  const presigned: Signed[] = [];
  const interactive: Signed[] = [];
  const refills: number[] = [];
  say(`presigned: ${signatures} signatures with presignatures, and as many without`);
  while (presigned.length < signatures) {
    const began = performance.now();
    await full(net, key.name);
    refills.push(performance.now() - began);
    presigned.push(...(await signer.times(burst)));
    await signer.times(pool - burst);
    interactive.push(...(await signer.times(burst)));
  }
  return {
    presigned: latencyOf(presigned, 0),
    interactive: latencyOf(interactive, 0),
    refill: latencyOf(
      refills.map((one) => ({ id: '', began: 0, taken: 0, answered: one })),
      0,
    ).p50,
  };
}

export function presignedTable({ presigned, interactive, refill }: PresignedResult): string {
  const rows = [
    ['sign ecdsa, presigned', presigned.runs, presigned.p50, presigned.p99],
    ['sign ecdsa, used up', interactive.runs, interactive.p50, interactive.p99],
  ];
  return [table(['', 'runs', 'p50 ms', 'p99 ms'], rows), `the pool is full again after ${refill} ms`].join('\n');
}

/** Waits until as many nodes as sign have a full pool. */
async function full(net: Testnet, name: string): Promise<void> {
  await until('full pools', 120, async () => {
    const keys = await Promise.all(net.nodes.map(async ({ client }) => await client.key(name)));
    return keys.filter(({ presignatures }) => presignatures >= pool).length >= threshold;
  });
}
