import { DerivationError, fromHex, parsePath } from '@quorate/protocol';
import { type Command, Option } from 'commander';
import { systemFiles } from '../files.ts';
import { type HashName, hashNames, type Intent, MAX_MESSAGE } from '../intents/intent.ts';
import { CliError } from './exit.ts';

export interface IntentOptions {
  readonly message?: string;
  readonly hex?: string;
  readonly file?: string;
  readonly hash?: HashName;
  readonly digest?: string;
  readonly path?: string;
}

/** Gives a command the ways to name what is signed, and under which child of the key. */
export function addIntentOptions(command: Command): Command {
  return command
    .option('--message <text>', 'the message, as UTF-8 text')
    .option('--hex <bytes>', 'the message, as hexadecimal')
    .option('--file <file>', `the message, as the content of a file (at most ${MAX_MESSAGE / 1024} KiB)`)
    .addOption(new Option('--hash <hash>', 'ecdsa: what the message is hashed with').choices(hashNames))
    .option('--digest <bytes>', 'ecdsa: 32 bytes to be signed as they are, instead of a message')
    .option('--path <path>', 'ecdsa: a child of the key by its BIP-32 path, such as m/44/60/0/0/7', readPath);
}

/** What is to be signed. @throws {CliError} {FileUnreadable} */
export function readIntent(options: IntentOptions): Intent {
  const { message, hex, file, hash, digest } = options;
  if ([message, hex, file, digest].filter((given) => given !== undefined).length !== 1) {
    throw new CliError(
      'usage',
      'give the message once: --message <text>, --hex <bytes> or --file <file>; or a --digest',
    );
  }
  if (digest === undefined) {
    const bytes = readMessage(options);
    return hash === undefined ? { type: 'message', value: bytes } : { type: 'hashed', value: { hash, message: bytes } };
  }
  if (hash !== undefined) throw new CliError('usage', '--digest is signed as it is: leave out --hash');
  const value = readHex('--digest', digest);
  if (value.length !== 32) throw new CliError('usage', '--digest: give 32 bytes, 64 hexadecimal digits');
  return { type: 'digest', value };
}

function readMessage({ message, hex, file }: IntentOptions): Uint8Array {
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

/** The path itself, if it is one. @throws {CliError} */
export function readPath(text: string): string {
  try {
    parsePath(text);
    return text;
  } catch (error) {
    if (error instanceof DerivationError) throw new CliError('usage', `--path: ${error.message}`);
    throw error;
  }
}

/** Bytes from hexadecimal of either case. @throws {CliError} naming `option` */
export function readHex(option: string, text: string): Uint8Array {
  try {
    return fromHex(text);
  } catch {
    throw new CliError('usage', `${option}: not hexadecimal; give two digits for each byte`);
  }
}
