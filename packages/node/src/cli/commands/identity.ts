import type { StandingView } from '../../service.ts';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { printable } from '../text.ts';

export const addIdentity: AddCommand = (program, act) => {
  program
    .command('identity')
    .description('whether this node is the only one of its identity, and as far as it ever was')
    .action(act(show))
    .command('resolve')
    .description(
      'says that no other node runs with this identity: this one may rejoin once others have told it what they know',
    )
    .action(act(resolve));
};

async function show(context: Context): Promise<ExitCode> {
  const { standing } = await context.node().status();
  context.print(standing, () =>
    [
      standing.reason === undefined ? wellAs(standing) : `${standing.state}: ${printable(standing.reason)}`,
      ...(standing.state === 'well' ? [] : [`confirmed by: ${standing.confirmedBy.join(', ') || 'nobody yet'}`]),
      ...(standing.doubtedBy.length === 0 ? [] : [`doubted by: ${standing.doubtedBy.join(', ')}`]),
    ].join('\n'),
  );
  return exits.ok;
}

function wellAs({ doubtedBy }: StandingView): string {
  if (doubtedBy.length === 0) return 'well';
  return 'well by itself, but others sit in no session with it: stop other instances, then `quorate identity resolve`';
}

async function resolve(context: Context): Promise<ExitCode> {
  const standing = await context.node().resolve();
  context.print(
    standing,
    () => 'This node asks the others what they know of it; `quorate identity` shows when it is well.',
  );
  return exits.ok;
}
