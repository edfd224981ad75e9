import type { NodeClient } from '../../http/client.ts';
import type { CeremonyView, ProposalView, SignatureForms } from '../../service.ts';
import type { AddCommand, Context } from '../context.ts';
import { CliError, type ExitCode, exits } from '../exit.ts';
import { progressLine } from '../progress.ts';
import { fields, shortId, table, time } from '../text.ts';

const idArgument = ['<id>', "the ceremony's id, or its first digits"] as const;

export const addCeremonies: AddCommand = (program, act) => {
  const ceremonies = program
    .command('ceremonies')
    .alias('ceremony')
    .description('the ceremonies that this node knows, newest first')
    .option('--follow', 'show every change from now on, until Ctrl-C or the node stops')
    .action(act(list));
  ceremonies
    .command('show')
    .description('one ceremony')
    .argument(...idArgument)
    .action(
      act(async (context, id: string) => await withOne(context, id, async (node, whole) => await node.ceremony(whole))),
    );
  ceremonies
    .command('accept')
    .description('let a ceremony that waits for this node’s operator go on here')
    .argument(...idArgument)
    .option('--public-key <bytes>', 'reshare: the public key, from somebody you trust; needed to join a committee')
    .action(act(accept));
  ceremonies
    .command('cancel')
    .description('withdraw this node from a ceremony that is not over')
    .argument(...idArgument)
    .action(
      act(async (context, id: string) => await withOne(context, id, async (node, whole) => await node.cancel(whole))),
    );
};

async function list(context: Context, { follow }: { readonly follow?: true }): Promise<ExitCode> {
  if (follow) return await followAll(context);
  const ceremonies = await context.node().ceremonies();
  context.print({ ceremonies }, () =>
    table([
      ['ID', 'KIND', 'KEY', 'STATE', 'UPDATED', 'PARTICIPANTS'],
      ...ceremonies.map((one) => [
        shortId(one.id),
        one.kind,
        one.key,
        state(one),
        time(one.updatedAt),
        one.participants.join(', ') || '-',
      ]),
    ]),
  );
  return exits.ok;
}

async function accept(context: Context, id: string, { publicKey }: { readonly publicKey?: string }): Promise<ExitCode> {
  return await withOne(context, id, async (node, whole) => await node.accept(whole, publicKey));
}

async function followAll(context: Context): Promise<ExitCode> {
  using events = await context.node().events();
  for await (const ceremony of events) {
    context.print(ceremony, () => `${time(ceremony.updatedAt)} ${shortId(ceremony.id)} ${progressLine(ceremony)}`);
    if (context.host.stdout.isClosed) break;
  }
  return exits.ok;
}

async function withOne(
  context: Context,
  id: string,
  act: (node: NodeClient, id: string) => Promise<CeremonyView>,
): Promise<ExitCode> {
  const node = context.node();
  const ceremony = await act(node, await wholeId(node, id));
  context.print(ceremony, () => describe(ceremony));
  return exits.ok;
}

/** The one known ceremony whose id begins so. */
async function wholeId(node: NodeClient, beginning: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(beginning)) return beginning;
  const found = (await node.ceremonies()).filter(({ id }) => id.startsWith(beginning));
  const [one] = found;
  if (one === undefined) throw new CliError('usage', 'no ceremony has such an id; `quorate ceremonies` lists them');
  if (found.length > 1)
    throw new CliError('usage', `${found.length} ceremonies have ids that begin so; give more digits`);
  return one.id;
}

function describe(ceremony: CeremonyView): string {
  const { result, failure } = ceremony;
  return fields([
    ['id', ceremony.id],
    ['what', `${ceremony.kind} ${ceremony.key}`],
    ['state', state(ceremony)],
    ...(ceremony.proposal === undefined ? [] : proposed(ceremony.proposal)),
    ['attempt', `${ceremony.attempt}, coordinator ${ceremony.coordinator ?? '-'}`],
    ['participants', ceremony.participants.join(', ') || '-'],
    ['begun', time(ceremony.createdAt)],
    ['updated', time(ceremony.updatedAt)],
    ...(result === undefined || result.type === 'material' ? [] : [['public key', result.publicKey] as const]),
    ...(result?.type === 'signature' ? formsOf(result) : []),
    ...(failure === undefined ? [] : [['reason', `${failure.code}: ${failure.reason}`] as const]),
    ...(failure === undefined || failure.culprits.length === 0
      ? []
      : [['culprits', failure.culprits.map(({ name, code }) => `${name} (${code})`).join(', ')] as const]),
    ...(failure === undefined || failure.suspects.length === 0
      ? []
      : [['suspects', failure.suspects.join(', ')] as const]),
  ]);
}

/** What an operator should know before accepting. */
function proposed({ proposer, scheme, purpose, threshold, trade, members, expires, reshare }: ProposalView) {
  return [
    ['proposed by', proposer],
    ['scheme', scheme],
    ['purpose', purpose],
    ...(reshare === undefined
      ? []
      : ([
          ['key', reshare.publicKey],
          ['held by', `${reshare.threshold} of ${reshare.members.join(', ')}`],
          ['joining', reshare.joining.join(', ') || '-'],
          ['leaving', reshare.leaving.join(', ') || '-'],
        ] as const)),
    ['threshold', `${threshold} of ${members.length}`],
    ...(trade === undefined ? [] : ([['which means', trade]] as const)),
    ['committee', members.join(', ')],
    ['until', time(expires)],
  ] as const;
}

/** The forms of a signature that there are. */
function formsOf({ signature, digest, recovery, der }: SignatureForms): (readonly [name: string, value: string])[] {
  return [
    ['signature', signature],
    ...(digest === undefined ? [] : [['digest', digest] as const]),
    ...(recovery === undefined ? [] : [['recovery', String(recovery)] as const]),
    ...(der === undefined ? [] : [['der', der] as const]),
  ];
}

function state({ state: name, round, needsAccept }: CeremonyView): string {
  if (needsAccept) return `${name}, waits for accept`;
  return name === 'running' && round !== undefined ? `${name} ${round}` : name;
}
