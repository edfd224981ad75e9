import type { CeremonyView, NodeClient } from '@quorate/node';
import { median } from './samples.ts';
import type { Signed } from './signer.ts';

/** Milliseconds from the order on, medians. */
export type Stages = Readonly<Record<string, number>>;

interface Seen {
  readonly at: number;
  readonly ceremony: CeremonyView;
}

/**
 * Follows the ceremonies of all nodes while `work` orders signatures: when each stage was reached, without a change to
 * the nodes. A stage counts when its last node has reported it, unless its name says otherwise.
 */
export async function watchStages(
  clients: readonly NodeClient[],
  work: () => Promise<readonly Signed[]>,
): Promise<Stages> {
  const seen = new Map<string, Seen[]>();
  const streams = await Promise.all(clients.map(async (client) => await client.events()));
  const reading = streams.map(async (stream) => {
    for await (const ceremony of stream) {
      const all = seen.get(ceremony.id) ?? [];
      all.push({ at: performance.now(), ceremony });
      seen.set(ceremony.id, all);
    }
  });
  const signed = await work();
  for (const stream of streams) stream[Symbol.dispose]();
  await Promise.allSettled(reading);

  const stages = signed.map((one) => stagesOf(one, seen.get(one.id) ?? []));
  // Each scheme has rounds of its own: what no signature reached is no stage of it.
  const names = Object.entries(stages[0] ?? {}).flatMap(([name, at]) => (Number.isFinite(at) ? [name] : []));
  return Object.fromEntries(names.map((name) => [name, median(stages.map((one) => one[name] as number))]));
}

function stagesOf({ began, taken, answered }: Signed, seen: readonly Seen[]): Stages {
  const when = (pick: (...times: number[]) => number, is: (ceremony: CeremonyView) => boolean): number =>
    pick(...seen.filter(({ ceremony }) => is(ceremony)).map(({ at }) => at)) - began;
  return {
    'order taken': taken - began,
    'first registered': when(Math.min, ({ state }) => state === 'accepted'),
    'first started': when(Math.min, ({ state }) => state === 'running'),
    started: when(Math.max, ({ state, round }) => state === 'running' && round === undefined),
    'commitments sent': when(Math.max, ({ round }) => round === 'commitments'),
    'answers sent': when(Math.max, ({ round }) => round === 'answers'),
    'shares sent': when(Math.max, ({ round }) => round === 'shares'),
    'first recorded': when(Math.min, ({ state }) => state === 'done'),
    answered: answered - began,
  };
}
