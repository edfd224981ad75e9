import { type BitcoinNetwork, bitcoinNetworks } from '@quorate/protocol';
import { Option } from 'commander';
import { shortId } from '../../ceremony-words.ts';
import type { KeyView } from '../../service.ts';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { readPath } from '../intent.ts';
import { printProgress, sayWhatIsReplaced, waitingFor, watch } from '../progress.ts';
import { fields, table, time } from '../text.ts';
import { addExport } from './export.ts';
import { addImport } from './import.ts';
import { names } from './keygen.ts';
import { addPackage } from './package.ts';
import { addReshare } from './reshare.ts';

export const addKeys: AddCommand = (program, act) => {
  const keys = program
    .command('keys')
    .alias('key')
    .description('the keys of which this node holds a share, held one, or has a damaged one')
    .action(act(list));
  keys.command('show').description('one key').argument('<name>', "the key's name").action(act(show));
  keys
    .command('addresses')
    .description('the public key and the addresses of a key, or of a child of an ecdsa key')
    .argument('<name>', "the key's name")
    .option('--path <path>', 'ecdsa: the child, by its BIP-32 path, such as m/44/60/0/0/7', readPath, 'm')
    .addOption(
      new Option('--bitcoin <network>', "ecdsa, taproot: the network of Bitcoin's addresses")
        .choices(bitcoinNetworks)
        .default('mainnet'),
    )
    .action(act(addresses));
  keys
    .command('refresh')
    .description('deals the shares of a key anew, now; the key and who holds it stay the same')
    .argument('<name>', "the key's name")
    .action(act(refresh));
  addImport(keys, act);
  addExport(keys, act);
  addPackage(keys, act);
  addReshare(keys, act);
  keys
    .command('repair')
    .description('has the share of a key that was lost here given back by other members; no other share changes')
    .argument('<name>', "the key's name")
    .option(
      '--public-key <hex>',
      'which key it is, as `keys show` prints it elsewhere; needed if nothing of it is left',
    )
    .option('--helpers <names>', 'who gives it back, separated by commas (default: some who are connected)', names)
    .option('--no-wait', 'return when the repair is proposed (exit code 4)')
    .action(act(repair));
  keys
    .command('freeze')
    .description(
      'this node uses its share for nothing, until it is thawed: it signs nothing, and nobody can refresh the key',
    )
    .argument('<name>', "the key's name")
    .action(act(async (context, name: string) => await setFrozen(context, name, true)));
  keys
    .command('thaw')
    .description('this node uses its share of the key again')
    .argument('<name>', "the key's name")
    .action(act(async (context, name: string) => await setFrozen(context, name, false)));
};

async function list(context: Context): Promise<ExitCode> {
  const keys = await context.node().keys();
  context.print({ keys }, () =>
    table([
      ['NAME', 'SCHEME', 'PURPOSE', 'THRESHOLD', 'EPOCH', 'STATE', 'PUBLIC KEY'],
      ...keys.map((key) =>
        key.state === 'quarantined'
          ? [key.name || shortId(key.keyId), '-', '-', '-', '-', key.state, '-']
          : [key.name, key.scheme, key.purpose, threshold(key), String(key.epoch), state(key), key.publicKey],
      ),
    ]),
  );
  return exits.ok;
}

async function show(context: Context, name: string): Promise<ExitCode> {
  print(context, await context.node().key(name));
  return exits.ok;
}

interface AddressesOptions {
  readonly path: string;
  readonly bitcoin: BitcoinNetwork;
}

async function addresses(context: Context, name: string, { path, bitcoin }: AddressesOptions): Promise<ExitCode> {
  const view = await context.node().addresses(name, path, bitcoin);
  context.print(view, () =>
    fields([
      ['path', view.path],
      ['public key', view.publicKey],
      ...(view.uncompressed === undefined ? [] : [['uncompressed', view.uncompressed] as const]),
      ...view.addresses.map(({ kind, address }) => [kind, address] as const),
    ]),
  );
  return exits.ok;
}

async function refresh(context: Context, name: string): Promise<ExitCode> {
  const node = context.node();
  const [ended] = await waitingFor(node, name, 'reshare');
  if (ended !== undefined)
    context.say(`a reshare of ${name} waits for operators (${shortId(ended.id)}): this refresh ends it`);
  await watch(node, async () => await node.refresh(name), printProgress(context));
  print(context, await node.key(name));
  return exits.ok;
}

interface RepairOptions {
  readonly publicKey?: string;
  readonly helpers?: readonly string[];
  readonly wait: boolean;
}

async function repair(context: Context, name: string, { wait, ...order }: RepairOptions): Promise<ExitCode> {
  const node = context.node();
  await sayWhatIsReplaced(context, name, 'repair');
  if (!wait) {
    const ceremony = await node.repair(name, order);
    context.print(ceremony, () => ceremony.id);
    return ceremony.result === undefined ? exits.pending : exits.ok;
  }
  await watch(node, async () => await node.repair(name, order), printProgress(context));
  print(context, await node.key(name));
  return exits.ok;
}

async function setFrozen(context: Context, name: string, frozen: boolean): Promise<ExitCode> {
  print(context, await context.node().freeze(name, frozen));
  return exits.ok;
}

function print(context: Context, key: KeyView): void {
  context.print(key, () =>
    fields([
      ['key', key.name],
      ['public key', key.publicKey],
      ['scheme', `${key.scheme}, tweak ${key.tweak}`],
      ['purpose', key.purpose],
      ['threshold', threshold(key)],
      ...(key.trade === undefined ? [] : [['which means', key.trade] as const]),
      ['parties', key.parties.map(({ party, name }) => `${party} ${name}`).join(', ')],
      ['state', `${state(key)}, epoch ${key.epoch}`],
      ...(key.scheme === 'ecdsa' ? [['presignatures', String(key.presignatures)] as const] : []),
      ['known since', time(key.knownSince)],
      ...(key.exported
        ? [['exported', 'the key, or the share here: whoever has the private key signs alone'] as const]
        : []),
      ...(key.imported
        ? [
            [
              'imported',
              'one machine knew it before: worth as much as its past; move to a new key when you can',
            ] as const,
          ]
        : []),
      ...(key.state === 'elsewhere'
        ? [
            [
              'held',
              `by the parties above, as of ${time(key.epochAt)}; what became of it since is not known here`,
            ] as const,
          ]
        : []),
      ...(key.repair === undefined
        ? []
        : [['needs repair', `${key.repair}; quorate keys repair ${key.name}`] as const]),
      ...refreshed(key),
      ['id', key.keyId],
    ]),
  );
}

function refreshed({ refresh }: KeyView): (readonly [string, string])[] {
  if (refresh === undefined) return [];
  const { dueAt, lastAt, problem } = refresh;
  const next = dueAt === undefined ? 'by nobody but operators: no interval is configured' : time(dueAt);
  return [
    ['dealt', time(lastAt)],
    ['next refresh', problem === undefined ? next : `${dueAt === undefined ? '' : `due ${next}: `}${problem}`],
  ];
}

function threshold(key: KeyView): string {
  return `${key.threshold} of ${key.parties.length}`;
}

function state(key: KeyView): string {
  return key.frozen ? `${key.state}, frozen here` : key.state;
}
