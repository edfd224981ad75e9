import type { Command } from 'commander';
import type { ReshareOrder, ReshareView } from '../../service.ts';
import type { Act, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { printProgress, sayWhatIsReplaced, watch } from '../progress.ts';
import { fields, table } from '../text.ts';
import { names, parties } from './keygen.ts';

interface ReshareOptions extends ReshareOrder {
  readonly preview?: true;
  readonly yes?: true;
  readonly wait: boolean;
}

/** Adds `reshare` to the commands about keys. */
export function addReshare(keys: Command, act: Act): void {
  keys
    .command('reshare')
    .description('gives a key to another committee, or another threshold; the public key stays the same')
    .argument('<name>', "the key's name")
    .option('--members <names>', 'who holds it then, separated by commas (default: who holds it now)', names)
    .option('--threshold <parties>', 'how many must sign then (default: as many as now)', parties)
    .option('--allow-low-threshold', 'accept that fewer than a majority of the parties can sign')
    .option('--preview', 'show what would change, and change nothing')
    .option('--yes', 'do not ask')
    .option('--no-wait', 'return when it is proposed (exit code 4)')
    .action(act(reshare));
}

async function reshare(
  context: Context,
  name: string,
  { preview, wait, yes, ...order }: ReshareOptions,
): Promise<ExitCode> {
  const node = context.node();
  const view = await node.previewReshare(name, order);
  if (preview) {
    context.print(view, () => describe(view));
    return exitOf(view);
  }
  if (view.problems.length === 0) await context.confirm(describe(view), `Give ${view.key} to this committee?`, yes);
  await sayWhatIsReplaced(context, name, 'reshare');
  const ceremony = wait
    ? await watch(node, async () => await node.reshare(name, order), printProgress(context))
    : await node.reshare(name, order);
  const { result } = ceremony;
  context.print(ceremony, () => (result?.type === 'key' ? result.publicKey : ceremony.id));
  return result === undefined ? exits.pending : exits.ok;
}

/** What the command would exit with. */
function exitOf({ before, members, problems }: ReshareView): ExitCode {
  if (problems.length === 0) return exits.ok;
  const isAway = members.some(({ change, connected }) => change !== 'leaves' && !connected);
  return isAway || members.filter(({ deals }) => deals).length < before.threshold ? exits.noQuorum : exits.usage;
}

function describe(view: ReshareView): string {
  const { after, before, members, notes, problems } = view;
  const lines = [
    fields([
      ['key', view.key],
      ['public key', `${view.publicKey}, stays the same`],
      ['threshold', `${before.threshold} of ${before.parties} now, ${after.threshold} of ${after.parties} then`],
      ['epoch', `dealt from ${view.epoch}`],
    ]),
    '',
    table([
      ['NODE', 'CHANGE', 'DEALS', 'CONNECTED'],
      ...members.map(({ change, connected, deals, name }) => [
        name,
        change,
        deals ? 'yes' : '-',
        connected ? 'yes' : 'no',
      ]),
    ]),
    '',
    ...notes.map((note) => `- ${note}`),
    ...problems.map((problem) => `! ${problem}`),
  ];
  return lines.join('\n');
}
