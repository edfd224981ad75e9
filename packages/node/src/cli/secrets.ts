import { CliError } from './exit.ts';

const secretOption =
  /^--?(?:passphrase|password|private-?key|secret|secret-?key|seed|mnemonic|root-?key|key-hex)(?:=|$)/i;

/**
 * Refuses options that would carry a secret, whatever the command, before anything else reads them.
 * @throws {CliError} `secret-on-command-line`, which does not repeat the secret
 */
export function refuseSecrets(args: readonly string[]): void {
  const end = args.indexOf('--');
  const given = args.slice(0, end < 0 ? args.length : end).find((arg) => secretOption.test(arg));
  if (given === undefined) return;
  throw new CliError(
    'secret-on-command-line',
    `${given.split('=', 1)[0]} would put a secret on the command line, where every process of this machine can read it and ` +
      'the shell keeps it; put it into a file with mode 0600 and name the file (--key-file, --passphrase-file, --client). ' +
      'If this one was real, replace it',
  );
}
