import { type Options, optionsOf } from './options.ts';
import { type Case, commandOf } from './plan.ts';
import { findPlanted } from './planted-run.ts';
import { runAll } from './pool.ts';
import { shrink } from './shrink.ts';
import { type Outcome, simulate } from './simulate.ts';
import { complaintOf, Tally } from './tally.ts';

/*
 * npm run simulate -- [--protocol <name>] [--seeds N] [--first S] [--workers W] [--real] [--scheme s] [--json] [--no-shrink]
 * npm run simulate -- --protocol <name> --seed S [--without class,…] [--mute first-last,…] --trace
 * npm run simulate -- --planted [--match text]
 *
 * Runs whole committees under deterministic simulation. Ends with 1 when an invariant was violated.
 */

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<boolean> {
  const options = optionsOf(process.argv.slice(2));
  if (options.planted !== undefined) return await findPlanted(options.planted, say);
  return options.trace ? await replay(options) : await search(options);
}

/** One seed, with everything that happens in it. */
async function replay({ cases, first }: Options): Promise<boolean> {
  let isWell = true;
  for (const one of cases) {
    const { hash, events, violation } = await simulate({ ...one, seed: first }, say);
    say(violation === undefined ? 'nothing is violated' : `VIOLATED ${violation.message}`);
    say(`trace ${hash}, ${events} events`);
    isWell &&= violation === undefined;
  }
  return isWell;
}

async function search(options: Options): Promise<boolean> {
  const tally = new Tally();
  const failed: { readonly run: Case; readonly outcome: Outcome | undefined; readonly complaint: string }[] = [];
  let shown = Date.now();
  await runAll(casesOf(options), options.workers, (result) => {
    tally.add(result);
    const complaint = complaintOf(result);
    if (complaint !== undefined) {
      failed.push({ run: result.case, outcome: 'broken' in result ? undefined : result.outcome, complaint });
      if (!options.json) say(`FAILED ${complaint}\n  ${commandOf(result.case)}`);
    }
    if (Date.now() - shown > 10_000 && !options.json) {
      shown = Date.now();
      say(`… ${tally.line()}`);
    }
    return failed.length >= options.failures ? 'stop' : undefined;
  });
  if (options.json)
    say(JSON.stringify({ ...tally.summary(), failed: failed.map(({ run, complaint }) => ({ ...run, complaint })) }));
  else say(tally.line());
  const [first] = failed;
  if (first?.outcome?.violation !== undefined && options.shrink && !options.json) {
    const least = await shrink(first.run, first.outcome, say);
    say(`shrunk: ${first.complaint.slice(0, 300)}\n  ${commandOf(least)}`);
  }
  return failed.length === 0;
}

function* casesOf({ cases, first, seeds }: Options): Generator<Case> {
  for (let seed = first; seed < first + seeds; seed++) for (const one of cases) yield { ...one, seed };
}

process.exitCode = (await main()) ? 0 : 1;
