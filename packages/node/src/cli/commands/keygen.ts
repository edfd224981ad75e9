import { type Scheme, schemes } from '@quorate/protocol';
import { Option } from 'commander';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { printProgress, watch } from '../progress.ts';

interface KeygenOptions {
  readonly scheme: Scheme;
  readonly threshold?: number;
  readonly members?: readonly string[];
  readonly purpose?: string;
  readonly allowLowThreshold?: true;
  readonly wait: boolean;
}

export const addKeygen: AddCommand = (program, act) => {
  program
    .command('keygen')
    .description('make a key that no one holds; print its public key')
    .argument('<name>', "the new key's name; names are never used again")
    .addOption(new Option('--scheme <scheme>', 'what the key signs with').choices(schemes).makeOptionMandatory())
    .option('--threshold <parties>', 'how many must sign (default: the configuration’s, else a majority)', parties)
    .option(
      '--members <names>',
      'the nodes that hold it, separated by commas (default: the configuration’s, else all)',
      names,
    )
    .option('--purpose <purpose>', 'what it may be used for')
    .option('--allow-low-threshold', 'accept that fewer than a majority of the parties can sign')
    .option('--no-wait', 'return when the key is proposed (exit code 4)')
    .action(act(keygen));
};

async function keygen(context: Context, name: string, { wait, ...options }: KeygenOptions): Promise<ExitCode> {
  const node = context.node();
  const order = { name, ...options };
  const ceremony = wait
    ? await watch(node, async () => await node.keygen(order), printProgress(context))
    : await node.keygen(order);
  const { proposal, result } = ceremony;
  if (proposal?.trade !== undefined) context.say(proposal.trade);
  context.print(ceremony, () => (result?.type === 'key' ? result.publicKey : ceremony.id));
  return result === undefined ? exits.pending : exits.ok;
}

/** @throws {CliError} `usage` */
export function parties(text: string): number {
  if (!/^(?:[2-9]|[1-9]\d{1,2})$/.test(text))
    throw new CliError('usage', `--threshold ${text}: give a number of parties, at least 2`);
  return Number(text);
}

/** Names separated by commas. */
export function names(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim());
}
