import { unwantedIn } from '../../ceremonies/certified.ts';
import { systemClock } from '../../clock.ts';
import { systemRandomness } from '../../entropy.ts';
import { acceptLostCounterOf, examineHome } from '../../home.ts';
import { nativeTools } from '../../tools.ts';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { printable } from '../text.ts';

const given =
  'Accepted, and written down in the audit log. If the store is an older copy all the same, this node has forgotten what it ' +
  'answered and whom it banned since; only what the other members remember of it can show that now.';

export const addDoctor: AddCommand = (program, act) => {
  program
    .command('doctor')
    .description('look through the store of a node that is stopped, and say what is damaged and what to do')
    .option(
      '--accept-lost-counter',
      'take the store for the newest though its counter is lost: that it is no older copy cannot be told here this once',
    )
    .action(act(doctor));
};

async function doctor(context: Context, options: { readonly acceptLostCounter?: boolean }): Promise<ExitCode> {
  const config = context.config();
  if (options.acceptLostCounter === true) {
    const accepted = await acceptLostCounterOf(config, systemRandomness, systemClock.now());
    context.print({ accepted }, () => (accepted ? given : 'The counter is there: nothing was to be accepted.'));
    return exits.ok;
  }
  const findings = await examineHome(config, systemRandomness, (key) =>
    unwantedIn(key, { config, tools: nativeTools() }),
  );
  context.print({ healthy: findings.length === 0, findings }, () =>
    findings.length === 0
      ? `${config.data}: every record is there, is the newest, and opens`
      : findings
          .map(({ key, place, ...rest }) => {
            const name = key === undefined ? '' : ` (of the key ${key})`;
            return printable(`${place}${name}: ${asText(rest).join('. ')}`);
          })
          .join('\n'),
  );
  return findings.length === 0 ? exits.ok : exits.integrity;
}

function asText({ problem, meaning, remedy }: Record<'problem' | 'meaning' | 'remedy', string>): readonly string[] {
  return [problem, `It means: ${meaning}`, `Do: ${remedy}`];
}
