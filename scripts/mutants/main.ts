import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mutant } from './mutant.ts';
import { rooms } from './rooms.ts';
import { Workspace } from './workspace.ts';

/*
 * npm run mutants [-- --only dkls23|frost|dkg|renewal|derivation|session|ceremonies|pairs|storage|network] [--list]
 *
 * Takes the checks of the lists away, one at a time and in a copy, and runs the tests that must notice. Ends with 1 when a
 * check could be deleted without a test failing.
 */
const { values: options } = parseArgs({
  options: { only: { type: 'string' }, list: { type: 'boolean', default: false } },
});
const root = dirname(dirname(import.meta.dirname));

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<boolean> {
  const chosen = Object.entries(rooms).filter(([name]) => options.only === undefined || name === options.only);
  if (chosen.length === 0) throw new Error(`--only ${options.only}: give one of ${Object.keys(rooms).join(', ')}`);
  if (options.list) {
    for (const [name, mutants] of chosen) for (const mutant of mutants) say(`${name}: ${nameOf(mutant)}`);
    return true;
  }
  const workspace = await Workspace.copyOf(root);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void workspace.dispose().then(() => process.exit(1)));
  }
  try {
    const survivors: Mutant[] = [];
    for (const [name, mutants] of chosen) survivors.push(...(await survivorsOf(workspace, name, mutants)));
    const total = chosen.flatMap(([, mutants]) => mutants).length;
    say(`${total} mutants, ${survivors.length} survived`);
    for (const survivor of survivors) say(`survived: ${nameOf(survivor)}\n  ${survivor.find}\n  → ${survivor.replace}`);
    return survivors.length === 0;
  } finally {
    await workspace.dispose();
  }
}

async function survivorsOf(workspace: Workspace, room: string, mutants: readonly Mutant[]): Promise<readonly Mutant[]> {
  const tests = [...new Set(mutants.flatMap((mutant) => mutant.tests))];
  if (!(await workspace.passes(tests))) throw new Error(`the tests of ${room} fail before anything is taken away`);
  const survivors: Mutant[] = [];
  for (const [i, mutant] of mutants.entries()) {
    const survived = await workspace.passes(mutant.tests, mutant);
    if (survived) survivors.push(mutant);
    say(`${survived ? 'SURVIVED' : 'killed'} ${room} ${i + 1}/${mutants.length}: ${nameOf(mutant)}`);
  }
  return survivors;
}

function nameOf({ file, why }: Mutant): string {
  return `${file}: ${why}`;
}

process.exitCode = (await main()) ? 0 : 1;
