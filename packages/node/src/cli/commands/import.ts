import { type Scheme, type Secret, schemes } from '@quorate/protocol';
import { type Command, Option } from 'commander';
import type { Act, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { readKeyPackages } from '../key-packages.ts';
import { type KeyFormat, keyFormats, readPrivateKey } from '../private-key.ts';
import { printProgress, watch } from '../progress.ts';
import { names, parties } from './keygen.ts';

interface ImportOptions {
  readonly scheme: Scheme;
  readonly fromFile: readonly string[];
  readonly format?: KeyFormat;
  readonly publicKey: string;
  readonly threshold?: number;
  readonly members?: readonly string[];
  readonly purpose?: string;
  readonly allowLowThreshold?: true;
}

/** Adds `keys import`. */
export function addImport(keys: Command, act: Act): void {
  keys
    .command('import')
    .description('shares out a private key that this machine knows; it stays worth only as much as its past')
    .argument('<name>', "the key's new name; names are never used again")
    .addOption(new Option('--scheme <scheme>', 'what the key signs with').choices(schemes).makeOptionMandatory())
    .requiredOption(
      '--from-file <file>',
      'the private key, in a file of mode 0600; with --format zf a KeyPackage, as often as there are',
      (path: string, paths: readonly string[] | undefined) => [...(paths ?? []), path],
    )
    .requiredOption('--public-key <hex>', 'the public key that it must have, as `keys show` would print it')
    .addOption(
      new Option('--format <format>', 'what is in the file (default: seed for ed25519, else scalar)').choices(
        keyFormats,
      ),
    )
    .option('--threshold <parties>', 'how many must sign (default: the configuration’s, else a majority)', parties)
    .option(
      '--members <names>',
      'the nodes that hold it, this one among them (default: the configuration’s, else all)',
      names,
    )
    .option('--purpose <purpose>', 'what it may be used for')
    .option('--allow-low-threshold', 'accept that fewer than a majority of the parties can sign')
    .action(act(importKey));
}

async function importKey(
  context: Context,
  name: string,
  { fromFile, format, scheme, ...options }: ImportOptions,
): Promise<ExitCode> {
  const { threshold, ...key } = readKey(fromFile, scheme, format, options.publicKey);
  using secret = key.secret;
  const node = context.node();
  const order = { name, scheme, ...options, threshold: options.threshold ?? threshold };
  const ceremony = await watch(node, async () => await node.importKey(order, secret), printProgress(context));
  context.say(
    `${name} was known to one machine, and is worth as much as that machine's past: destroy every copy, and move to a new key when ` +
      'you can. It signs once its shares have been dealt anew, in some seconds, when all members are connected.',
  );
  const { proposal, result } = ceremony;
  if (proposal?.trade !== undefined) context.say(proposal.trade);
  context.print(ceremony, () => (result?.type === 'key' ? result.publicKey : ceremony.id));
  return exits.ok;
}

/** The private key, and how many of its parties had to sign, if it had some. */
function readKey(
  paths: readonly string[],
  scheme: Scheme,
  given: KeyFormat | undefined,
  publicKey: string,
): { readonly secret: Secret; readonly threshold?: number } {
  const format = given ?? (scheme === 'ed25519' ? 'seed' : 'scalar');
  if (format === 'zf') return readKeyPackages(paths, scheme, publicKey);
  const [path, another] = paths;
  if (path === undefined || another !== undefined)
    throw new CliError('usage', `--format ${format} is of one file: say --from-file once`);
  return { secret: readPrivateKey(path, scheme, format) };
}
