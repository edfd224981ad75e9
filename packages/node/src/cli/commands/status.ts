import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { fields, printable, time } from '../text.ts';

export const addStatus: AddCommand = (program, act) => {
  program.command('status').description('who the node is and how it is').action(act(status));
};

async function status(context: Context): Promise<ExitCode> {
  const view = await context.node().status();
  context.print(view, () => {
    const { peers: links, roster, memory, eventLoop, stock } = view;
    const differing = roster.differing.length === 0 ? '' : `, differs at ${roster.differing.join(', ')}`;
    const lines = fields([
      ['node', `${view.name} (${view.peerId})`],
      ['network', view.network],
      ['version', `${view.version}, formats ${view.formatVersion}`],
      ['since', `${time(view.startedAt)}, boot epoch ${view.bootEpoch}`],
      ['listens on', view.listen.join(' ')],
      [
        'computes with',
        Object.entries(view.backends)
          .map(([group, library]) => `${group}: ${library}`)
          .join(', '),
      ],
      ['standing', view.standing.state],
      ['peers', `${links.connected} of ${links.total} connected`],
      ['keys', `${view.keys}, ${view.openCeremonies} ceremonies open`],
      ['stock', `ready for an ecdsa key with ${stock.ready} of ${stock.pairs} members`],
      ['roster', `${roster.hash}${differing}`],
      ['audit', `entry ${view.audit.sequence}, head ${view.audit.head}`],
      ['memory', `${Math.round(memory.residentBytes / 2 ** 20)} MiB, event loop p99 ${eventLoop.p99.toFixed(1)} ms`],
    ]);
    const warnings = view.warnings.map((warning) => context.style('yellow', `warning: ${printable(warning)}`));
    return [lines, ...warnings].join('\n');
  });
  return exits.ok;
}
