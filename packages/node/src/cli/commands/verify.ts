import { dkls23, EncodingError, ed25519, frost, type Scheme, schemes, secp256k1, toHex } from '@quorate/protocol';
import { nativeEd25519 } from '@quorate/protocol/native';
import { Option } from 'commander';
import { payloadOf } from '../../intents/intent.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { addIntentOptions, type IntentOptions, readHex, readIntent } from '../intent.ts';

interface VerifyOptions extends IntentOptions {
  readonly key?: string;
  readonly scheme?: Scheme;
  readonly publicKey?: string;
  readonly signature: string;
}

export const addVerify: AddCommand = (program, act) => {
  addIntentOptions(program.command('verify'))
    .description(
      'check a signature: ed25519 as OpenSSL does, taproot as BIP-340 says, ecdsa as SEC 1 says (exit code 6: not valid)',
    )
    .addOption(new Option('--scheme <scheme>', 'what the key signs with').choices(schemes))
    .option('--public-key <bytes>', 'the public key, as hexadecimal; needs no running node')
    .option('--key <name>', 'the key, by its name at the running node; instead of --scheme and --public-key')
    .requiredOption('--signature <bytes>', 'the signature, as hexadecimal; ecdsa: 64 bytes, or DER')
    .action(act(verify));
};

async function verify(context: Context, options: VerifyOptions): Promise<ExitCode> {
  const intent = readIntent(options);
  const signature = readHex('--signature', options.signature);
  const { scheme, publicKey } = await publicKeyFor(context, options);
  const signed = payloadOf(scheme, intent);
  if ('refusal' in signed) throw new CliError('usage', signed.refusal);
  const valid = verifiers[scheme](publicKey, signed.payload, signature);
  context.print({ valid, scheme, publicKey: toHex(publicKey) }, () =>
    valid ? context.style('green', 'valid') : context.style('red', 'NOT valid'),
  );
  return valid ? exits.ok : exits.integrity;
}

type Verifier = (publicKey: Uint8Array, payload: Uint8Array, signature: Uint8Array) => boolean;

const verifiers: Readonly<Record<Scheme, Verifier>> = {
  ed25519: (publicKey, message, signature) => nativeEd25519.verify(publicKey, message, signature),
  taproot: (publicKey, message, signature) =>
    frost.verifySignature(frost.suiteOf('taproot', { ed25519, secp256k1 }), publicKey, message, signature),
  ecdsa: (publicKey, digest, signature) => {
    try {
      const decode = signature.length === 64 ? dkls23.decodeCompact : dkls23.decodeDer;
      return dkls23.verifyEcdsa(secp256k1, secp256k1.decodePoint(publicKey), digest, decode(secp256k1, signature));
    } catch (error) {
      if (error instanceof EncodingError) return false;
      throw error;
    }
  },
};

async function publicKeyFor(
  context: Context,
  { key, path, scheme, publicKey }: VerifyOptions,
): Promise<{ readonly scheme: Scheme; readonly publicKey: Uint8Array }> {
  if (key !== undefined && scheme === undefined && publicKey === undefined) {
    const node = context.node();
    const view = await node.key(key);
    const named = path === undefined ? view : await node.addresses(key, path);
    return { scheme: view.scheme, publicKey: readHex('public key', named.publicKey) };
  }
  if (key === undefined && path === undefined && scheme !== undefined && publicKey !== undefined) {
    return { scheme, publicKey: readHex('--public-key', publicKey) };
  }
  throw new CliError(
    'usage',
    'say under which key: --key <name>, if it has children with --path, or --scheme <scheme> with --public-key <hex>',
  );
}
