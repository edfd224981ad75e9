import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, parseConfig } from '../../config/config.ts';
import { systemRandomness } from '../../entropy.ts';
import { checkNewHome, createHome } from '../../home.ts';
import { parseAddress } from '../../network/address.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';

interface InitOptions {
  readonly name: string;
  readonly network: string;
  readonly listen: string;
  readonly announce?: string;
  readonly keyFile?: string;
  readonly passphraseFile?: string;
}

export const addInit: AddCommand = (program, act) => {
  program
    .command('init')
    .description('make the data folder of a new node: key file, identity, node.yaml; print its line for the roster')
    .requiredOption('--name <name>', "the node's name in the roster")
    .option('--network <name>', 'the name of the network, the same for all members', 'testnet')
    .option('--listen <multiaddr>', 'the address to listen on', '/ip4/0.0.0.0/tcp/4001')
    .option('--announce <multiaddr>', 'the address at which the others reach this node (default: this host, same port)')
    .option(
      '--key-file <file>',
      'the key file that unlocks the store, made if missing (default: root.key in the data folder)',
    )
    .option(
      '--passphrase-file <file>',
      'a file with the passphrase that unlocks the store, instead of a key file: 12 characters or more',
    )
    .action(act(init));
};

async function init(context: Context, options: InitOptions): Promise<ExitCode> {
  const data = context.dataFolder;
  const file = join(data, 'node.yaml');
  if (existsSync(file))
    throw new CliError('usage', `${file} exists: this folder has a node already; choose another --data`);
  const text = renderConfig(options);
  // Nothing is made before the configuration and the roster's line are known to be valid.
  const config = parseConfig(text, file);
  const address = options.announce ?? ownAddress(options.listen);
  if (parseAddress(address) === undefined) {
    throw new CliError(
      'usage',
      '--announce: not an address; write /ip4/<address>/tcp/<port>, or ip6, dns4, dns6 for ip4',
    );
  }
  await checkNewHome(config);
  makeFolder(data);
  const peerId = await createHome(config, systemRandomness);
  // Last: a folder with this file is a node's.
  writeFileSync(file, text, { flag: 'wx', mode: 0o600 });

  const { name, network } = options;
  const rosterLine = `  - {name: ${name}, peer: ${peerId}, addresses: [${quoted(address)}]}`;
  context.print({ data, config: file, name, network, peerId, address, rosterLine }, () => rosterLine);
  context.say(nextSteps(config, file));
  return exits.ok;
}

function makeFolder(data: string): void {
  if (!existsSync(data)) {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    chmodSync(data, 0o700);
  } else if ((statSync(data).mode & 0o022) !== 0) {
    throw new CliError('usage', `other users may change ${data}: chmod 700 it, or choose another --data`);
  }
}

/** A node that listens everywhere is reached by its host's name. */
function ownAddress(listen: string): string {
  const address = parseAddress(listen);
  const everywhere = address === undefined || ['0.0.0.0', '::'].includes(address.host);
  return everywhere ? `/dns4/${hostname().toLowerCase()}/tcp/${address?.port ?? 4001}` : listen;
}

function renderConfig({ name, network, listen, keyFile, passphraseFile }: InitOptions): string {
  if (keyFile !== undefined && passphraseFile !== undefined) {
    throw new CliError(
      'usage',
      'a store is unlocked by a key file or by a passphrase: leave out --key-file or --passphrase-file',
    );
  }
  const root =
    passphraseFile === undefined
      ? `keyFile: ${keyFile === undefined ? 'root.key' : quoted(resolve(keyFile))}`
      : `passphraseFile: ${quoted(resolve(passphraseFile))}`;
  return `# A Quorate node. \`quorate config check\` says what is wrong in this file and what is in force.
name: ${quoted(name)}
network: ${quoted(network)}
listen: [${quoted(listen)}]
# The members of the network: every node's line, the same file everywhere.
roster: roster.yaml
# What unlocks the store. Without it, and without a backup of it, this node's shares are lost.
root: {${root}}
# Who may ask for signatures; the same list in every node's file. \`quorate client new\` prints what to add.
clients: []
# What happens when a member proposes a new key: auto, ask (\`quorate ceremonies accept\`) or deny.
accept: {default: ask}
`;
}

/** Any text as a YAML scalar: JSON's strings are YAML's. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function nextSteps({ roster }: Config, file: string): string {
  return `
This node's identity and ${file} are made. Next:
 1. check the address in the line above, and put every member's line under \`members:\` in ${roster},
    the same file on every node (\`quorate roster check\`);
 2. keep a copy of what unlocks the store in another place than the data folder;
 3. \`quorate start\`.`;
}
