import { dirname } from 'node:path';
import { Workspace } from '../../scripts/mutants/workspace.ts';
import { planted } from './planted.ts';

/** A planted bug is to be found within so many seeds. */
const seeds = 20_000;

interface Printed {
  readonly runs: number;
  readonly seconds: number;
  readonly failed: readonly { readonly seed: number; readonly complaint: string }[];
}

/** Plants each bug in a copy of the sources and simulates until it shows. @returns whether all were found */
export async function findPlanted(match: string, say: (line: string) => void): Promise<boolean> {
  const workspace = await Workspace.copyOf(dirname(dirname(import.meta.dirname)));
  const missed: string[] = [];
  try {
    for (const bug of planted.filter(({ file, why }) => `${file} ${why}`.includes(match))) {
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
  say(missed.length === 0 ? 'all were found' : `not found: ${missed.join('; ')}`);
  return missed.length === 0;
}
