import { systemRandomness } from '../../entropy.ts';
import { examineHome } from '../../home.ts';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { printable } from '../text.ts';

export const addDoctor: AddCommand = (program, act) => {
  program
    .command('doctor')
    .description('look through the store of a node that is stopped, and say what is damaged and what to do')
    .action(act(doctor));
};

async function doctor(context: Context): Promise<ExitCode> {
  const config = context.config();
  const findings = await examineHome(config, systemRandomness);
  context.print({ healthy: findings.length === 0, findings }, () =>
    findings.length === 0
      ? `${config.data}: every record is there, is the newest, and opens`
      : findings
          .map(({ place, ...rest }) => printable(`${place}: ${Object.values(asText(rest)).join('. ')}`))
          .join('\n'),
  );
  return findings.length === 0 ? exits.ok : exits.integrity;
}

function asText({ problem, meaning, remedy }: Record<'problem' | 'meaning' | 'remedy', string>): readonly string[] {
  return [problem, `It means: ${meaning}`, `Do: ${remedy}`];
}
