import { tryDecode, wire } from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import { bootEpochBytes } from './hello.ts';
import type { Network, PeerId } from './network.ts';

/** What a member last said of itself to everybody; through others too, if there is no direct connection. */
export interface Presence {
  readonly version: string;
  readonly bootEpoch: Uint8Array;
  /** Its wall clock when it spoke, milliseconds. */
  readonly time: number;
  /** Our monotonic clock when we heard it. */
  readonly heard: number;
}

/** Who has been heard of. Gossip is advice for people who look at status: the greeting of a connection is what counts. */
export interface Presences {
  heard(): ReadonlyMap<PeerId, Presence>;
  stop(): void;
}

const codec = wire.struct({
  format: wire.version(1),
  version: wire.text(64),
  bootEpoch: wire.fixed(bootEpochBytes),
  time: wire.u48,
});

/** Says every few seconds that we are here, and notes who else does. */
export function keepPresence(
  network: Network,
  clock: Clock,
  self: { readonly version: string; readonly bootEpoch: Uint8Array },
): Presences {
  const presences = new Map<PeerId, Presence>();
  network.onAnnouncement('presence', (peer, payload) => {
    const said = tryDecode(codec, payload)?.value;
    if (said === undefined || !network.peers().has(peer)) return;
    const { version, bootEpoch, time } = said;
    // Gossip may bring old words again.
    if (time <= (presences.get(peer)?.time ?? -1)) return;
    presences.set(peer, { version, bootEpoch, time, heard: clock.monotonic() });
  });
  let cancel = (): void => undefined;
  const speak = (): void => {
    network.announce(
      'presence',
      wire.encode(codec, { format: 1, ...self, time: Math.max(0, Math.round(clock.now())) }),
    );
    cancel = clock.after(limits.presenceInterval, speak);
  };
  speak();
  return { heard: () => presences, stop: () => cancel() };
}
