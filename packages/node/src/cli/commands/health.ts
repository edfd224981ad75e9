import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { printable, table } from '../text.ts';

export const addHealth: AddCommand = (program, act) => {
  program
    .command('health')
    .description('whether the node can take part, and have something signed with each key now')
    .action(act(health));
};

async function health(context: Context): Promise<ExitCode> {
  const view = await context.node().health();
  context.print(view, () => {
    const head = view.ready
      ? context.style('green', 'ready')
      : context.style('red', `not ready: ${view.reasons.map(printable).join('; ')}`);
    const keys = view.keys.map(({ name, threshold, parties, online, signable, problem }) => [
      name,
      parties === 0 ? '-' : `${threshold} of ${parties}`,
      parties === 0 ? '-' : String(online),
      signable ? 'yes' : `NO${problem === undefined ? '' : `: ${problem}`}`,
    ]);
    return keys.length === 0 ? head : `${head}\n${table([['KEY', 'THRESHOLD', 'ONLINE', 'CAN SIGN'], ...keys])}`;
  });
  return view.ready ? exits.ok : exits.failed;
}
