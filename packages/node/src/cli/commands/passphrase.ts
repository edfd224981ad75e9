import { resolve } from 'node:path';
import { systemRandomness } from '../../entropy.ts';
import { changeHomeRoot } from '../../home.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';

interface PassphraseOptions {
  readonly passphraseFile?: string;
  readonly keyFile?: string;
}

export const addPassphrase: AddCommand = (program, act) => {
  program
    .command('passphrase')
    .description('have the store of a node that is stopped opened by another passphrase, or key file')
    .option('--passphrase-file <file>', 'a file with the new passphrase: 12 characters or more')
    .option('--key-file <file>', 'the new key file, made if missing')
    .action(act(passphrase));
};

async function passphrase(context: Context, { passphraseFile, keyFile }: PassphraseOptions): Promise<ExitCode> {
  const file = passphraseFile ?? keyFile;
  if (file === undefined || (passphraseFile !== undefined && keyFile !== undefined))
    throw new CliError('usage', 'give --passphrase-file or --key-file: what is to open the store from now on');
  const path = resolve(file);
  const config = context.config();
  const root = keyFile === undefined ? { passphraseFile: path } : { keyFile: path };
  await changeHomeRoot(config, root, systemRandomness);
  const line = `root: {${Object.keys(root)[0]}: ${JSON.stringify(path)}}`;
  context.print({ config: context.configPath, root }, () => line);
  context.say(`The store is opened by the new one only. Put the line above into ${context.configPath}, in place of the old one.
A copy of the data folder that was made before is still opened by the old one: destroy it if that is known to others.`);
  return exits.ok;
}
