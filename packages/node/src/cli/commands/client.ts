import { resolve } from 'node:path';
import { toHex } from '@quorate/protocol';
import { createClientKey, readClientKey } from '../client-key.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';

export const addClient: AddCommand = (program, act) => {
  const client = program.command('client').description('the keys with which clients sign their orders');
  client
    .command('new')
    .description('make a client’s key file; print what to add to every node’s clients')
    .requiredOption('--out <file>', 'the file to make: Ed25519, PKCS #8 in PEM, mode 0600')
    .option('--name <name>', 'the client’s name in node.yaml', 'client')
    .action(act(create));
  client
    .command('show')
    .description('print the public key in a client’s key file, and what to add to every node’s clients')
    .argument('<file>', 'the key file')
    .option('--name <name>', 'the client’s name in node.yaml', 'client')
    .action(act(show));
};

interface ClientOptions {
  readonly name: string;
}

async function create(context: Context, { out, name }: ClientOptions & { readonly out: string }): Promise<ExitCode> {
  checkName(name);
  const file = resolve(out);
  print(context, file, name, createClientKey(file));
  context.say('\nPut these lines into node.yaml on every node, in place of `clients: []`, and restart it.');
  context.say(`${file} is the client's private key: whoever can read it may ask what the client may ask.`);
  return exits.ok;
}

async function show(context: Context, given: string, { name }: ClientOptions): Promise<ExitCode> {
  checkName(name);
  const file = resolve(given);
  print(context, file, name, readClientKey(file).publicKey);
  return exits.ok;
}

function print(context: Context, file: string, name: string, key: Uint8Array): void {
  const publicKey = toHex(key);
  const lines = `clients:
  - name: ${name}
    publicKey: '${publicKey}'
    rights:
      - {keys: ['*'], purposes: ['*'], actions: [sign]}`;
  context.print({ file, name, publicKey, configLines: lines }, () => lines);
}

function checkName(name: string): void {
  if (!/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/.test(name)) {
    throw new CliError('usage', '--name: not a name; use 1 to 63 of a-z, 0-9, hyphen, dot, underscore');
  }
}
