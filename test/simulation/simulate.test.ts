import { describe, expect, test } from 'vitest';
import type { Case, ProtocolName } from './plan.ts';
import { commandOf, protocols } from './plan.ts';
import { runAll } from './pool.ts';
import { regressions } from './regressions.ts';
import { complaintOf, Tally } from './tally.ts';

/** Seeds of each protocol in toy cryptography; `simulate.long.test.ts` runs a hundred times as many. */
const seeds = 2_000;

/** What must happen in some run of a protocol: else the runs say little. */
const sometimes: Readonly<Record<ProtocolName, readonly string[]>> = {
  keygen: ['crash in a session (keygen)', 'failed: cheated (keygen)', 'torn batch', 'blame on the disk', 'fail-stop'],
  sign: ['crash in a session (sign)', 'another attempt (sign)', 'blame on the disk', 'share-restored', 'copy-restored'],
  refresh: ['crash between prepare and certificate', 'shredded', 'failed: cheated (renew)', 'destroyed by a bit flip'],
  mixed: [
    'flapping partition',
    'one-way partition',
    'clock jump',
    'crash in a session (renew)',
    'failed: denied (renew)',
  ],
};

async function complaintsOf(
  cases: Iterable<Case>,
): Promise<{ readonly tally: Tally; readonly complaints: readonly string[] }> {
  const tally = new Tally();
  const complaints: string[] = [];
  await runAll(cases, 2, (result) => {
    tally.add(result);
    const complaint = complaintOf(result);
    if (complaint !== undefined) complaints.push(`${complaint}\n${commandOf(result.case)}`);
    return complaints.length >= 5 ? 'stop' : undefined;
  });
  return { tally, complaints };
}

function* cases(count: number, more: Partial<Case> & Pick<Case, 'protocol'>): Generator<Case> {
  for (let seed = 0; seed < count; seed++) yield { isReal: false, without: [], mute: [], ...more, seed };
}

const long = 20 * 60_000;

describe('whole committees under simulation', () => {
  test.for(protocols)('%s: no seed violates anything, and rare things happen', { timeout: long }, async (protocol) => {
    const { complaints, tally } = await complaintsOf(cases(seeds, { protocol }));
    expect(complaints).toEqual([]);
    expect(tally.runs).toBe(seeds);
    const missed = sometimes[protocol].filter((what) => !tally.reached.has(what));
    expect(missed).toEqual([]);
  });

  test('with real FROST', { timeout: long }, async () => {
    const each = protocols.flatMap((protocol) => [...cases(50, { protocol, isReal: true })]);
    expect((await complaintsOf(each)).complaints).toEqual([]);
  });

  test('what failed once fails no more', { timeout: long }, async () => {
    expect((await complaintsOf(regressions.map(({ run }) => run))).complaints).toEqual([]);
  });
});
