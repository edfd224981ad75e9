import type { PeerView } from '../../service.ts';
import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { table } from '../text.ts';

export const addPeers: AddCommand = (program, act) => {
  const command = program
    .command('peers')
    .alias('peer')
    .description('the other members, as this node sees them')
    .action(act(list));
  command
    .command('unban')
    .description('signs ECDSA with a banned member again, after everything with it was set up anew')
    .argument('<name>', "the member's name")
    .action(act(unban));
};

async function list(context: Context): Promise<ExitCode> {
  const views = await context.node().peers();
  context.print({ peers: views }, () =>
    table([
      ['NAME', 'STATE', 'ROUND TRIP', 'CLOCK', 'VERSION', 'ROSTER', 'BLAMES', 'ECDSA', 'PEER ID'],
      ...views.map((peer) => [
        peer.name,
        peer.doubted ? 'DOUBTED' : peer.connected ? 'connected' : (peer.refused ?? 'away'),
        milliseconds(peer.roundTripMilliseconds),
        milliseconds(peer.clockSkewMilliseconds),
        peer.version ?? '-',
        peer.sameRoster === undefined ? '-' : peer.sameRoster ? 'same' : 'differs',
        String(peer.blames),
        ecdsa(peer),
        peer.peerId,
      ]),
    ]),
  );
  return exits.ok;
}

async function unban(context: Context, name: string): Promise<ExitCode> {
  const peer = await context.node().unban(name);
  context.print(peer, () =>
    [
      `${peer.name} is not banned here any more.`,
      ...(peer.pairs.missing === 0
        ? []
        : [
            `What is needed to sign with it is set up anew${peer.connected ? '' : ' once it is connected'}, ` +
              `for ${peer.pairs.missing} keys: \`quorate peers\` shows how far it is.`,
          ]),
    ].join('\n'),
  );
  return exits.ok;
}

/** Whether ECDSA keys are signed with it: all of them, or how many. */
function ecdsa({ banned, pairs: { ready, missing } }: PeerView): string {
  if (banned) return 'BANNED';
  if (missing > 0) return `${ready} of ${ready + missing} keys`;
  return ready > 0 ? 'ready' : '-';
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value)} ms`;
}
