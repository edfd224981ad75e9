import { closeSync, fsyncSync, unlinkSync, writeSync } from 'node:fs';
import { type Secret, toHex, wipe } from '@quorate/protocol';
import type { Command } from 'commander';
import type { Act, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { createPrivately } from '../new-file.ts';
import { printProgress, watch } from '../progress.ts';
import { names } from './keygen.ts';

interface ExportOptions {
  readonly toFile?: string;
  readonly stdout?: true;
  readonly helpers?: readonly string[];
  readonly yes?: true;
}

/** Adds `keys export`. */
export function addExport(keys: Command, act: Act): void {
  keys
    .command('export')
    .description('puts the private key together here: from then on whoever has it signs alone')
    .argument('<name>', "the key's name")
    .option('--to-file <file>', 'a new file, mode 0600, for the private key')
    .option('--stdout', 'print the private key')
    .option('--helpers <names>', 'whose shares are used, separated by commas (default: some who are connected)', names)
    .option('--yes', 'do not ask')
    .action(act(exportKey));
}

async function exportKey(
  context: Context,
  name: string,
  { helpers, stdout, toFile, yes }: ExportOptions,
): Promise<ExitCode> {
  if ((toFile === undefined) === (stdout === undefined))
    throw new CliError('usage', 'say where the private key goes: --to-file <file>, or --stdout');
  const meaning = `whoever has the private key of ${name} signs alone, for ever: no refresh changes that, and it counts as exported`;
  await context.confirm(meaning, `Put the private key of ${name} together here?`, yes);
  const node = context.node();
  const file = toFile === undefined ? undefined : createPrivately(toFile);
  let written = false;
  try {
    const { id } = await watch(node, async () => await node.exportKey(name, { helpers }), printProgress(context));
    using secret = await node.takeExported(id);
    if (file !== undefined) writeSecret(file, secret);
    written = true;
    context.say(
      `whoever has this key signs with ${name} alone, and no refresh changes that; it counts as exported for ever`,
    );
    context.print({ name, file: toFile, privateKey: stdout && secret.use(toHex) }, () =>
      stdout ? secret.use(toHex) : `written to ${toFile}`,
    );
    return exits.ok;
  } finally {
    if (file !== undefined) closeSync(file);
    if (!written && toFile !== undefined) unlinkSync(toFile);
  }
}

/** As `keys import` reads it: a scalar in hexadecimal. Byte by byte, since a text would stay in memory. */
function writeSecret(file: number, secret: Secret): void {
  const line = secret.use((bytes) => new Uint8Array(2 * bytes.length + 1).fill(0x0a));
  secret.use((bytes) => {
    for (const [i, byte] of bytes.entries()) {
      line[2 * i] = digitOf(byte >> 4);
      line[2 * i + 1] = digitOf(byte & 15);
    }
  });
  writeSync(file, line);
  fsyncSync(file);
  wipe(line);
}

function digitOf(nibble: number): number {
  return nibble < 10 ? 0x30 + nibble : 0x57 + nibble;
}
