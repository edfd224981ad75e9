import { ed25519, frost, type Scheme, secp256k1, toHex } from '@quorate/protocol';
import { nativeEd25519 } from '@quorate/protocol/native';
import { Option } from 'commander';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { addMessageOptions, type MessageOptions, readHex, readMessage } from '../message.ts';

type VerifiableScheme = Exclude<Scheme, 'ecdsa'>;

interface VerifyOptions extends MessageOptions {
  readonly key?: string;
  readonly scheme?: VerifiableScheme;
  readonly publicKey?: string;
  readonly signature: string;
}

export const addVerify: AddCommand = (program, act) => {
  addMessageOptions(program.command('verify'))
    .description('check a signature: as OpenSSL does for ed25519, as BIP-340 says for taproot (exit code 6: not valid)')
    .addOption(new Option('--scheme <scheme>', 'what the key signs with').choices(['ed25519', 'taproot']))
    .option('--public-key <bytes>', 'the public key, as hexadecimal; needs no running node')
    .option('--key <name>', 'the key, by its name at the running node; instead of --scheme and --public-key')
    .requiredOption('--signature <bytes>', 'the signature, as hexadecimal')
    .action(act(verify));
};

async function verify(context: Context, options: VerifyOptions): Promise<ExitCode> {
  const message = readMessage(options);
  const signature = readHex('--signature', options.signature);
  const { scheme, publicKey } = await publicKeyFor(context, options);
  const valid = verifiers[scheme](publicKey, message, signature);
  context.print({ valid, scheme, publicKey: toHex(publicKey) }, () =>
    valid ? context.style('green', 'valid') : context.style('red', 'NOT valid'),
  );
  return valid ? exits.ok : exits.integrity;
}

type Verifier = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

const verifiers: Readonly<Record<VerifiableScheme, Verifier>> = {
  ed25519: (publicKey, message, signature) => nativeEd25519.verify(publicKey, message, signature),
  taproot: (publicKey, message, signature) =>
    frost.verifySignature(frost.suiteOf('taproot', { ed25519, secp256k1 }), publicKey, message, signature),
};

async function publicKeyFor(
  context: Context,
  { key, scheme, publicKey }: VerifyOptions,
): Promise<{ readonly scheme: VerifiableScheme; readonly publicKey: Uint8Array }> {
  if (key !== undefined && scheme === undefined && publicKey === undefined) {
    const view = await context.node().key(key);
    if (view.scheme === 'ecdsa')
      throw new CliError('usage', `${key} is an ecdsa key: this version cannot verify those`);
    return { scheme: view.scheme, publicKey: readHex('public key', view.publicKey) };
  }
  if (key === undefined && scheme !== undefined && publicKey !== undefined) {
    return { scheme, publicKey: readHex('--public-key', publicKey) };
  }
  throw new CliError('usage', 'say under which key: --key <name>, or --scheme <scheme> with --public-key <hex>');
}
