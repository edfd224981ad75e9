import type { AddCommand, Context } from '../context.ts';
import { type ExitCode, exits } from '../exit.ts';
import { table } from '../text.ts';

export const addPeers: AddCommand = (program, act) => {
  program.command('peers').description('the other members, as this node sees them').action(act(peers));
};

async function peers(context: Context): Promise<ExitCode> {
  const views = await context.node().peers();
  context.print({ peers: views }, () =>
    table([
      ['NAME', 'STATE', 'ROUND TRIP', 'CLOCK', 'VERSION', 'ROSTER', 'BLAMES', 'ECDSA', 'PEER ID'],
      ...views.map((peer) => [
        peer.name,
        peer.connected ? 'connected' : (peer.refused ?? 'away'),
        milliseconds(peer.roundTripMilliseconds),
        milliseconds(peer.clockSkewMilliseconds),
        peer.version ?? '-',
        peer.sameRoster === undefined ? '-' : peer.sameRoster ? 'same' : 'differs',
        String(peer.blames),
        peer.banned ? 'BANNED' : '-',
        peer.peerId,
      ]),
    ]),
  );
  return exits.ok;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value)} ms`;
}
