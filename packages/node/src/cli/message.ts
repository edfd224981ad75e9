import { fromHex } from '@quorate/protocol';
import type { Command } from 'commander';
import { systemFiles } from '../files.ts';
import { MAX_MESSAGE } from '../intents/intent.ts';
import { CliError } from './exit.ts';

export interface MessageOptions {
  readonly message?: string;
  readonly hex?: string;
  readonly file?: string;
}

/** Gives a command the three ways to name a message. */
export function addMessageOptions(command: Command): Command {
  return command
    .option('--message <text>', 'the message, as UTF-8 text')
    .option('--hex <bytes>', 'the message, as hexadecimal')
    .option('--file <file>', `the message, as the content of a file (at most ${MAX_MESSAGE / 1024} KiB)`);
}

/** The message's bytes. @throws {CliError} {FileUnreadable} */
export function readMessage({ message, hex, file }: MessageOptions): Uint8Array {
  if ([message, hex, file].filter((given) => given !== undefined).length !== 1) {
    throw new CliError('usage', 'give the message once: --message <text>, --hex <bytes> or --file <file>');
  }
  const bytes =
    hex !== undefined
      ? readHex('--hex', hex)
      : file !== undefined
        ? systemFiles.read(file, MAX_MESSAGE)
        : new TextEncoder().encode(message);
  if (bytes.length > MAX_MESSAGE)
    throw new CliError('usage', `the message has more than ${MAX_MESSAGE} bytes; sign its hash`);
  return bytes;
}

/** Bytes from hexadecimal of either case. @throws {CliError} naming `option` */
export function readHex(option: string, text: string): Uint8Array {
  try {
    return fromHex(text);
  } catch {
    throw new CliError('usage', `${option}: not hexadecimal; give two digits for each byte`);
  }
}
