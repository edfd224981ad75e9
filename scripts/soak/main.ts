import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Testnet } from '../testnet/testnet.ts';
import { type SoakResult, soak } from './soak.ts';

/*
 * npm run soak -- --minutes 10 [--nodes 5] [--seed 1] [--json]
 *
 * Node processes that sign all the time and renew their shares, hand keys over and give lost shares back, while they are killed and stopped
 * and the ways between them are cut. What must hold is checked from outside; the exit code is 1 if something did not. The seed decides which faults come when.
 * With --json the last line is one JSON object. The folder stays if something was wrong.
 */
const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    nodes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});

const began = performance.now();

/** Progress: on stdout for people, on stderr when stdout is for a program. */
function say(text: string): void {
  const seconds = Math.round((performance.now() - began) / 1000);
  (options.json ? process.stderr : process.stdout).write(`${String(seconds).padStart(5)} s  ${text}\n`);
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`--${name}: give a whole number from ${min} to ${max}`);
}

async function main(): Promise<void> {
  const nodes = wholeNumber('nodes', options.nodes, 3, 10);
  const seed = wholeNumber('seed', options.seed, 0, 2 ** 31);
  const minutes = Number(options.minutes);
  if (!(minutes >= 0 && minutes <= 100_000)) throw new Error('--minutes: give a number of minutes');
  const threshold = Math.max(2, Math.ceil((nodes + 1) / 2));
  const folder = await mkdtemp(join(tmpdir(), 'quorate-soak-'));
  say(`seed ${seed}: ${nodes} nodes, threshold ${threshold}, in ${folder}`);
  const net = await Testnet.create({ folder, nodes, config: soakConfig, say });
  process.once('SIGINT', () => void net.stop().then(() => process.exit(130)));
  const result = await soak({ net, threshold, seed, milliseconds: minutes * 60_000, say });
  say(summary(result));
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (result.violations.length > 0) {
    say(`the logs are in ${folder}; the same faults: npm run soak -- --minutes ${minutes} --seed ${seed}`);
    process.exitCode = 1;
  } else await rm(folder, { recursive: true, force: true });
}

/** Base transfers would be made ahead after each kill, which takes seconds of each node. */
const soakConfig = 'stock: 0\npresignatures: 4\nrefreshInterval: 60\nlog: {level: debug}\n';

function summary(result: SoakResult): string {
  const counted = (all: Readonly<Record<string, number>>): string =>
    Object.entries(all)
      .map(([name, count]) => `\n          ${String(count).padStart(6)}  ${name}`)
      .join('') || ' none';
  return [
    `over after ${result.minutes} minutes, ${result.storms} storms, seed ${result.seed}`,
    `  kills ${result.kills}, cuts ${result.cuts}, pauses ${result.pauses}`,
    `  orders done: ${result.orders.done}; failed:${counted(result.orders.failed)}`,
    `  sent to another member:${counted(result.sentElsewhere)}`,
    `  answered again: ${result.answeredAgain}; orders with two answers: ${result.twoAnswers}`,
    `  refreshes certified:${counted(result.refreshes)}`,
    `  reshares certified:${counted(result.reshares)}`,
    `  shares lost and repaired:${counted(result.repairs)}`,
    `  renewals and repairs failed:${counted(result.renewalsFailed)}`,
    `  longest gap while t nodes were connected: ${result.longestGap} ms`,
    `  highest memory of a node: ${result.highestResidentMiB} MiB`,
    `  secrets looked for in all files: ${result.secretsSearched}`,
    `  violations: ${result.violations.length}${result.violations.map((one) => `\n    ${one}`).join('')}`,
  ].join('\n');
}

await main();
