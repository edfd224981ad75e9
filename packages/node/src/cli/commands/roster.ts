import { resolve } from 'node:path';
import { toHex } from '@quorate/protocol';
import { loadRoster } from '../../config/roster.ts';
import { rosterHash } from '../../network/roster.ts';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { table } from '../text.ts';

export const addRoster: AddCommand = (program, act) => {
  const roster = program.command('roster').description("the network's members");
  roster
    .command('check')
    .description('read a roster file and say what is wrong in it, with line and remedy')
    .argument('[file]', "the file (default: the configuration's)")
    .action(act(check));
  roster.command('show').description('the roster that the running node has in force').action(act(show));
};

async function check(context: Context, given: string | undefined): Promise<ExitCode> {
  const file = given === undefined ? context.config().roster : resolve(given);
  const roster = loadRoster(file);
  const hash = toHex(rosterHash(roster));
  const members = roster.members.map(({ name, peer, addresses }) => ({ name, peerId: peer, addresses }));
  context.print({ valid: true, file, hash, members }, () => `${file}: ${members.length} members, hash ${hash}`);
  return exits.ok;
}

async function show(context: Context): Promise<ExitCode> {
  const members = await context.node().roster();
  context.print({ members }, () =>
    table([
      ['NAME', 'PEER ID', 'REGION', 'ADDRESSES'],
      ...members.map(({ name, peerId, region, addresses }) => [name, peerId, region ?? '-', addresses.join(' ')]),
    ]),
  );
  return exits.ok;
}
