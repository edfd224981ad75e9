import { limits } from '../../limits.ts';
import type { AuditView } from '../../service.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { table, time } from '../text.ts';

type Entries = AuditView['entries'];

export const addAudit: AddCommand = (program, act) => {
  program
    .command('audit')
    .description('what this node decided and did, oldest first')
    .option('--last <n>', 'the newest so many entries', readNumber, 50)
    .option('--after <sequence>', 'instead: all entries after this one', readNumber)
    .action(act(audit));
};

async function audit(context: Context, options: { last: number; after?: number }): Promise<ExitCode> {
  const { entries, head } = await pages(context, options);
  context.print({ entries, head }, () =>
    table([
      ['ENTRY', 'TIME', 'WHAT', ''],
      ...entries.map((entry) => [String(entry.sequence), time(entry.time), entry.kind, said(entry)]),
    ]),
  );
  return exits.ok;
}

/** As many as are asked for, page by page, up to what was the newest entry when the first was asked for. */
async function pages(context: Context, { after, last }: { last: number; after?: number }): Promise<AuditView> {
  const node = context.node();
  const { head } = await node.audit({ most: 1 });
  const entries: Entries[number][] = [];
  for (let next = after ?? Math.max(0, head.sequence - last); next < head.sequence; ) {
    const page = await node.audit({ after: next, most: Math.min(head.sequence - next, limits.auditPage) });
    entries.push(...page.entries);
    next = page.entries.at(-1)?.sequence ?? head.sequence;
  }
  return { entries, head };
}

function said({ fields }: Entries[number]): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function readNumber(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new CliError('usage', `${text}: a whole number is needed`);
  return Number(text);
}
