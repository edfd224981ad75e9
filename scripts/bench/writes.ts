import { limits } from '../../packages/node/src/limits.ts';
import { Committee } from '../../packages/node/test/committee.ts';
import type { BenchScheme } from './network.ts';
import { median, table } from './samples.ts';

/**
 * Writes to the disk of one of three members, 2-of-3, on disks in memory: all are synced, but for the end of a check of ECDSA.
 * Medians over the members; the highest in brackets.
 */
export interface WritesResult {
  readonly scheme: BenchScheme;
  readonly ceremony: 'keygen' | 'sign' | 'refresh' | 'shredding';
  readonly median: number;
  readonly highest: number;
}

/** Virtual time in which late certificates and the like have come, and what is old is shredded: milliseconds. */
const settling = 20_000;

/** What each ceremony writes, its tail included. */
export async function benchWrites(say: (text: string) => void): Promise<readonly WritesResult[]> {
  const results: WritesResult[] = [];
  for (const scheme of ['ed25519', 'taproot', 'ecdsa'] as const) {
    say(`writes: ${scheme}`);
    const committee = await Committee.open(3, `writes ${scheme}`);
    const { node } = committee.at('alice');
    const counted = async (ceremony: WritesResult['ceremony'], act: () => Promise<unknown>): Promise<void> => {
      const before = new Map([...committee.members.values()].map(({ name, store }) => [name, store.writes]));
      await act();
      const writes = [...committee.members.values()].map(({ name, store }) => store.writes - (before.get(name) ?? 0));
      results.push({ scheme, ceremony, median: median(writes), highest: Math.max(...writes) });
    };
    await counted('keygen', async () => {
      await committee.key({ scheme, threshold: 2 });
      await committee.run(settling);
    });
    await counted('sign', async () => {
      const message = new TextEncoder().encode('writes');
      const hashed = { type: 'hashed', value: { hash: 'sha256', message } } as const;
      const { result } = await committee.sign(
        'alice',
        committee.order('writes', scheme === 'ecdsa' ? { intent: hashed } : {}),
      );
      if (result?.type !== 'signature') throw new Error('no signature');
      await committee.run(settling);
    });
    const isUsed = (epoch: number): boolean =>
      [...committee.members.values()].every(({ home }) => home.keys.byName('treasury')?.current?.epoch === epoch);
    await counted('refresh', async () => {
      await committee.run(limits.refreshPause);
      await node.refresh('treasury');
      await committee.until(() => isUsed(2), 120_000);
    });
    await counted('shredding', async () => await committee.run(settling));
  }
  return results;
}

export function writesTable(results: readonly WritesResult[]): string {
  return table(
    ['writes of a member', 'median', 'highest'],
    results.map(({ scheme, ceremony, median, highest }) => [`${ceremony} ${scheme}`, median, highest]),
  );
}
