import { closeSync, fsyncSync, unlinkSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import type { Act, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { createPrivately } from '../new-file.ts';

interface PackageOptions {
  readonly toFile: string;
  readonly publicFile: string;
  readonly yes?: true;
}

/** Adds `keys package`. */
export function addPackage(keys: Command, act: Act): void {
  keys
    .command('package')
    .description("writes this node's share as other FROST software reads it: enough of them make the private key")
    .argument('<name>', "the key's name")
    .requiredOption('--to-file <file>', 'a new file, mode 0600, for the share: a KeyPackage')
    .requiredOption('--public-file <file>', 'a new file for what is public: a PublicKeyPackage')
    .option('--yes', 'do not ask')
    .action(act(packageKey));
}

async function packageKey(context: Context, name: string, options: PackageOptions): Promise<ExitCode> {
  const meaning = `whoever has as many of these as must sign has the private key of ${name}, and it counts as exported for ever`;
  await context.confirm(meaning, `Write the share of ${name} to a file?`, options.yes);
  const made: { readonly path: string; readonly file: number }[] = [];
  let written = false;
  try {
    for (const path of [options.toFile, options.publicFile]) made.push({ path, file: createPrivately(path) });
    const [secretFile, publicFile] = made.map(({ file }) => file) as [number, number];
    const { keyPackage, publicKeyPackage } = await context.node().keyPackage(name);
    using secret = keyPackage;
    secret.use((bytes) => writeSync(secretFile, bytes));
    writeSync(publicFile, publicKeyPackage);
    for (const { file } of made) fsyncSync(file);
    written = true;
    context.say(
      `whoever has as many of these as must sign has ${name}; the next refresh makes this one worthless, unless they are together ` +
        'before; the key counts as exported for ever',
    );
    const { publicFile: publicPath, toFile } = options;
    context.print({ name, file: toFile, publicFile: publicPath }, () => `written to ${toFile} and ${publicPath}`);
    return exits.ok;
  } finally {
    for (const { file, path } of made) {
      closeSync(file);
      if (!written) unlinkSync(path);
    }
  }
}
