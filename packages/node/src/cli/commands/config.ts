import { toHex } from '@quorate/protocol';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { fields } from '../text.ts';

export const addConfig: AddCommand = (program, act) => {
  const config = program.command('config').description('the configuration');
  config
    .command('check')
    .description(
      'read node.yaml, environment and options; print what is in force, or what is wrong, with line and remedy',
    )
    .action(act(check));
};

async function check(context: Context): Promise<ExitCode> {
  // The configuration holds no secret: what unlocks the store is named by its path alone.
  const { networkId, ...rest } = context.config();
  const effective = { file: context.configPath, ...rest, networkId: toHex(networkId) };
  context.print(effective, () => fields(Object.entries(effective).map(([name, value]) => [name, valueText(value)])));
  return exits.ok;
}

function valueText(value: unknown): string {
  return value === undefined ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
}
