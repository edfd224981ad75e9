import type { Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import type { Secret } from '@quorate/protocol';
import type { Gate } from '../src/network/gate.ts';
import { createHost, type Host } from '../src/network/host.ts';
import { protocolName } from '../src/network/mesh.ts';
import { createLog } from '../src/observe/log.ts';

/** Anybody may be dialled, and may dial. */
const open: Gate = { admits: () => true, admitsAddress: () => true, mayDial: () => true };

/** A libp2p node with this identity that keeps none of our rules. Stop it. */
export async function rawHost(seed: Secret): Promise<Host> {
  const log = createLog('fatal', () => undefined);
  const host = await createHost({ seed, listen: [], gate: () => open, topics: [], log });
  await host.start();
  return host;
}

/** Connects, and opens a channel without a greeting. Rejects where the other side does not have it. */
export async function openChannel(host: Host, address: string): Promise<Stream> {
  const connection = await host.dial(multiaddr(address));
  return connection.newStream(protocolName);
}
