import { dirname } from 'node:path';
import { Workspace } from '../../scripts/mutants/workspace.ts';
import { type Planted, planted } from './planted.ts';

/** A planted bug is to be found within so many seeds. */
const most = 20_000;

interface Printed {
  readonly runs: number;
  readonly seconds: number;
  readonly failed: readonly { readonly seed: number; readonly complaint: string }[];
}

/** Looks for those planted bugs of which `match` is part of the file or the reason. @returns whether all were found */
export async function findPlanted(match: string, say: (line: string) => void): Promise<boolean> {
  const missed = await missedOf(
    planted.filter(({ file, why }) => `${file} ${why}`.includes(match)),
    say,
  );
  say(missed.length === 0 ? 'all were found' : `not found: ${missed.join('; ')}`);
  return missed.length === 0;
}

/** Plants each bug in a copy of the sources and simulates until it shows. @returns why of each that did not */
export async function missedOf(
  bugs: readonly Planted[],
  say: (line: string) => void,
  seeds = most,
): Promise<readonly string[]> {
  const workspace = await Workspace.copyOf(dirname(dirname(import.meta.dirname)));
  const missed: string[] = [];
  try {
    for (const bug of bugs) {
      const { protocol, why } = bug;
      const options = ['--protocol', protocol, '--seeds', String(seeds), '--json', '--failures', '1'];
      const text = await workspace.prints(['--conditions=@quorate/source', 'test/simulation/main.ts', ...options], bug);
      // What does not even load says nothing: then the bug does not fit the sources any more.
      const { failed, runs, seconds }: Printed = text === '' ? { failed: [], runs: 0, seconds: 0 } : JSON.parse(text);
      const [first] = failed;
      if (first === undefined) missed.push(why);
      const found =
        first === undefined
          ? 'NOT FOUND'
          : `found by seed ${first.seed}, run ${runs}: ${first.complaint.slice(0, 120)}`;
      say(`${why} (${protocol}, ${seconds.toFixed(0)} s): ${found}`);
    }
  } finally {
    await workspace.dispose();
  }
  return missed;
}
