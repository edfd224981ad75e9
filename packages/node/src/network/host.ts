import { privateKeyFromRaw } from '@libp2p/crypto/keys';
import { type GossipSub, gossipsub, StrictSign } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { ConnectionGater, Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { concat, type Secret, wipe } from '@quorate/protocol';
import { createLibp2p } from 'libp2p';
import { NodeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../observe/log.ts';
import { remoteAddress } from './address.ts';
import type { Gate } from './gate.ts';
import { identityOf } from './identity.ts';
import { componentLogger } from './logging.ts';

export type Host = Libp2p<{ identify: Identify; pubsub: GossipSub }>;

export interface HostOptions {
  readonly seed: Secret;
  readonly listen: readonly string[];
  /** Asked anew for each connection: the roster may have changed. */
  readonly gate: () => Gate;
  readonly topics: readonly string[];
  readonly log: Log;
}

/**
 * A libp2p node: TCP, Noise, Yamux; identify and gossipsub, and no other protocol. Whoever the gate refuses is cut off before
 * multiplexing. Not started yet.
 */
export async function createHost({ seed, listen, gate, topics, log }: HostOptions): Promise<Host> {
  const { publicKey } = identityOf(seed);
  const raw = seed.use((bytes) => concat(bytes, publicKey));
  const privateKey = privateKeyFromRaw(raw);
  wipe(raw);
  return createLibp2p({
    privateKey,
    start: false,
    addresses: { listen: [...listen] },
    nodeInfo: { name: 'quorate', userAgent: 'quorate' },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    // Above 1 MiB the window outgrows what a paused stream may hold, and pausing resets it.
    streamMuxers: [
      yamux({
        streamOptions: { maxStreamWindowSize: 1_048_576, maxWriteBufferLength: 16_777_216 },
        maxInboundStreams: 16,
        maxOutboundStreams: 16,
      }),
    ],
    connectionGater: gater(gate),
    connectionManager: {
      maxConnections: limits.connections,
      inboundConnectionThreshold: limits.inboundPerSecond,
      maxIncomingPendingConnections: limits.connections,
      dialTimeout: limits.dialTimeout,
      reconnectRetries: 0,
    },
    // Our own pings measure, and one that is lost must not cost a connection.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ maxInboundStreams: 2, maxOutboundStreams: 2, maxMessageSize: 8_192 }),
      pubsub: gossipsub({
        globalSignaturePolicy: StrictSign,
        allowedTopics: [...topics],
        emitSelf: false,
        doPX: false,
        fallbackToFloodsub: false,
        // Members are known by name: many behind one address, as in a devnet, are not an attack.
        scoreParams: { IPColocationFactorWeight: 0 },
        allowPublishToZeroTopicPeers: true,
        maxInboundStreams: 2,
        maxOutboundStreams: 2,
        // An envelope of gossipsub, and several announcements in one, around ours.
        maxInboundDataLength: 16 * limits.announcementBytes,
        maxOutboundBufferSize: 1_048_576,
        decodeRpcLimits: {
          maxSubscriptions: 16,
          maxMessages: 16,
          maxIhaveMessageIDs: 512,
          maxIwantMessageIDs: 512,
          maxIdontwantMessageIDs: 512,
          maxControlMessages: 64,
          maxPeerInfos: 0,
        },
      }),
    },
    logger: componentLogger(log),
  });
}

/** Starts to listen. @throws {NodeError} `listen-failed` */
export async function startHost(host: Host, listen: readonly string[]): Promise<void> {
  try {
    await host.start();
  } catch (error) {
    await host.stop();
    throw new NodeError(
      'listen-failed',
      `cannot listen on ${listen.join(', ')}: is the port taken? change \`listen\``,
      {
        cause: error,
      },
    );
  }
}

function gater(gate: () => Gate): ConnectionGater {
  return {
    denyDialMultiaddr: (address) => !gate().mayDial(address.toString()),
    denyInboundConnection: ({ remoteAddr }) => !gate().admitsAddress(remoteAddress(remoteAddr)),
    denyInboundEncryptedConnection: (peer, { remoteAddr }) =>
      !gate().admits(peer.toString(), remoteAddress(remoteAddr)),
    denyInboundRelayReservation: () => true,
    denyOutboundRelayedConnection: () => true,
    denyInboundRelayedConnection: () => true,
  };
}
