import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { equal, type Randomness, type Secret } from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { NodeError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../observe/log.ts';
import { remoteAddress } from './address.ts';
import { Announcements } from './announcements.ts';
import { mayReplace } from './boot-epochs.ts';
import { Channel, type Pulse } from './channel.ts';
import { dialAddresses, type Gate, gateOf } from './gate.ts';
import type { Hello } from './hello.ts';
import { createHost, type Host, startHost } from './host.ts';
import { type Identity, identityOf } from './identity.ts';
import { type Network, type PeerId, type PeerStatus, PeerUnavailable, type Topic } from './network.ts';
import { Redialer } from './reconnect.ts';
import { type Member, type Roster, rosterHash } from './roster.ts';

export interface MeshOptions {
  /** The node's Ed25519 seed; libp2p and OpenSSL keep copies. */
  readonly seed: Secret;
  readonly roster: Roster;
  readonly networkId: Uint8Array;
  /** Multiaddrs; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Software version, ASCII, at most 64 characters. */
  readonly version: string;
  /** u64 counter ‖ 16 random bytes, fresh at every start; read for each greeting, since a node may renew it. */
  readonly bootEpoch: Uint8Array;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly budgets?: { readonly bytesPerSecond: number; readonly framesPerSecond: number };
}

/** The real network, which follows its roster. */
export interface Mesh extends Network {
  /** The addresses on which we listen, with our PeerId. */
  readonly addresses: readonly string[];
  /** Puts another roster into force, on live connections too. */
  useRoster(roster: Roster): void;
}

export const protocolName = '/quorate/1.0.0';

/** Joins the network: listens, dials, and keeps one channel to each member. @throws {NodeError} `listen-failed` */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  return Libp2pMesh.open(options);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Libp2pMesh implements Mesh {
  readonly self: PeerId;
  readonly #options: MeshOptions;
  readonly #identity: Identity;
  readonly #host: Host;
  readonly #announcements: Announcements;
  readonly #redialer: Redialer;
  readonly #status = new Map<PeerId, Writable<PeerStatus>>();
  /** The admitted channel of each peer. */
  readonly #channels = new Map<PeerId, Channel>();
  /** The channel that is greeting. */
  readonly #greeting = new Map<PeerId, Channel>();
  readonly #connections = new Map<Channel, Connection>();
  readonly #hungUp = new WeakSet<Connection>();
  #members: ReadonlyMap<PeerId, Member> = new Map();
  #gate: Gate;
  #rosterHash: Uint8Array;
  #onFrame: ((peer: PeerId, frame: Uint8Array) => void) | undefined;
  #onPeer: ((peer: PeerId, connected: boolean) => void) | undefined;
  /** Streams that wait for somebody who would hear what is said on them. */
  #early: (() => void)[] = [];
  #closed = false;

  static async open(options: MeshOptions): Promise<Libp2pMesh> {
    const topics: readonly Topic[] = ['presence', 'requests'];
    let mesh: Libp2pMesh | undefined;
    const self = identityOf(options.seed).peer;
    const closedGate = gateOf({ members: [] }, self);
    const host = await createHost({ ...options, topics, gate: () => mesh?.gate ?? closedGate });
    mesh = new Libp2pMesh(options, host, topics);
    await startHost(host, options.listen);
    await mesh.#start();
    return mesh;
  }

  private constructor(options: MeshOptions, host: Host, topics: readonly Topic[]) {
    this.#options = options;
    this.#identity = identityOf(options.seed);
    this.self = this.#identity.peer;
    this.#host = host;
    this.#gate = gateOf(options.roster, this.self);
    this.#rosterHash = rosterHash(options.roster);
    this.#announcements = new Announcements(
      host.services.pubsub,
      topics,
      (peer) => this.#members.has(peer),
      options.clock,
    );
    this.#redialer = new Redialer(options.clock, options.randomness, async (peer) => this.#dial(peer));
  }

  get gate(): Gate {
    return this.#gate;
  }

  get addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map(String);
  }

  async #start(): Promise<void> {
    this.#host.addEventListener('connection:open', ({ detail }) => this.#opened(detail));
    this.#host.addEventListener('connection:close', ({ detail }) => this.#lost(detail.remotePeer.toString()));
    await this.#host.handle(protocolName, (stream, connection) => this.#incoming(stream, connection), {
      maxInboundStreams: 1,
      maxOutboundStreams: 1,
    });
    this.#announcements.start();
    this.useRoster(this.#options.roster);
    for (const connection of this.#host.getConnections()) this.#opened(connection);
  }

  peers(): ReadonlyMap<PeerId, PeerStatus> {
    return this.#status;
  }

  async send(peer: PeerId, frame: Uint8Array): Promise<void> {
    const channel = this.#channels.get(peer);
    if (channel === undefined) throw new PeerUnavailable(peer, 'it is not connected');
    return channel.send(frame);
  }

  onFrame(handler: (peer: PeerId, frame: Uint8Array) => void): void {
    this.#onFrame = handler;
    this.#beginEarly();
  }

  onPeer(handler: (peer: PeerId, connected: boolean) => void): void {
    this.#onPeer = handler;
    this.#beginEarly();
  }

  announce(topic: Topic, payload: Uint8Array): void {
    this.#announcements.publish(topic, payload);
  }

  onAnnouncement(topic: Topic, handler: (peer: PeerId, payload: Uint8Array) => void): void {
    this.#announcements.on(topic, handler);
  }

  useRoster(roster: Roster): void {
    this.#gate = gateOf(roster, this.self);
    this.#rosterHash = rosterHash(roster);
    const before = this.#members;
    this.#members = new Map(
      roster.members.filter(({ peer }) => peer !== this.self).map((member) => [member.peer, member]),
    );
    for (const connection of this.#host.getConnections()) {
      if (!this.#admits(connection)) this.#hangUp(connection, 'the roster does not admit it any more');
    }
    for (const peer of before.keys()) {
      if (this.#members.has(peer)) continue;
      this.#redialer.forget(peer);
      this.#channels.get(peer)?.close();
      this.#greeting.get(peer)?.close();
      this.#status.delete(peer);
    }
    for (const { peer, name } of this.#members.values()) {
      this.#status.set(peer, { ...(this.#status.get(peer) ?? unknownPeer(peer)), name });
      // One side dials, the lower PeerId, or both would end up with two connections.
      if (this.self < peer) this.#redialer.keep(peer);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#redialer.close();
    for (const channel of [...this.#channels.values(), ...this.#greeting.values()]) channel.close();
    await this.#host.stop();
  }

  async #dial(peer: PeerId): Promise<void> {
    const member = this.#members.get(peer);
    if (member === undefined) return;
    await this.#host.dial(dialAddresses(member).map((address) => multiaddr(address)));
  }

  #opened(connection: Connection): void {
    const peer = connection.remotePeer.toString();
    // A connection that we dialled went to an address of the roster; the allow-list is about who comes in.
    if (!this.#admits(connection)) return this.#hangUp(connection, 'not on the roster');
    if (this.#host.getConnections(connection.remotePeer).indexOf(connection) >= limits.connectionsPerPeer) {
      return this.#hangUp(connection, 'too many connections');
    }
    const cancel = this.#options.clock.after(limits.helloDeadline, () => {
      if (![...this.#connections.values()].includes(connection)) this.#hangUp(connection, 'nothing was said on it');
    });
    connection.addEventListener('close', cancel);
    if (this.self < peer && !this.#channels.has(peer) && !this.#greeting.has(peer)) void this.#open(connection);
  }

  /** Nobody is admitted before both handlers are there: no peer and no frame goes unnoticed at start. */
  #begin(stream: Stream, connection: Connection): void {
    if (this.#onFrame === undefined || this.#onPeer === undefined) {
      this.#early.push(() => this.#greet(stream, connection));
    } else this.#greet(stream, connection);
  }

  #beginEarly(): void {
    if (this.#onFrame === undefined || this.#onPeer === undefined) return;
    for (const begin of this.#early.splice(0)) queueMicrotask(begin);
  }

  #admits({ remotePeer, remoteAddr, direction }: Connection): boolean {
    const peer = remotePeer.toString();
    return direction === 'outbound' ? this.#members.has(peer) : this.#gate.admits(peer, remoteAddress(remoteAddr));
  }

  async #open(connection: Connection): Promise<void> {
    let stream: Stream;
    try {
      stream = await connection.newStream(protocolName, { maxOutboundStreams: 1 });
    } catch {
      return this.#hangUp(connection, 'it does not speak our protocol');
    }
    this.#begin(stream, connection);
  }

  #incoming(stream: Stream, connection: Connection): void {
    if (connection.remotePeer.toString() < this.self) this.#begin(stream, connection);
    else stream.abort(new Error('the lower PeerId opens the channel'));
  }

  #greet(stream: Stream, connection: Connection): void {
    const peer = connection.remotePeer.toString();
    if (this.#closed) return stream.abort(new Error('closing'));
    // The newest attempt is the one whose other end still lives.
    this.#greeting.get(peer)?.close();
    const { clock, randomness, networkId, version, bootEpoch } = this.#options;
    const channel: Channel = new Channel({
      stream,
      peer,
      identity: this.#identity,
      clock,
      randomness,
      networkId,
      version,
      bootEpoch,
      rosterHash: () => this.#rosterHash,
      budgets: this.#options.budgets ?? {
        bytesPerSecond: limits.peerBytesPerSecond,
        framesPerSecond: limits.peerFramesPerSecond,
      },
      events: {
        genuine: (hello) => this.#genuine(peer, hello),
        admitted: (hello) => this.#admitted(channel, hello),
        frame: (frame) => this.#onFrame?.(peer, frame),
        pulse: (pulse) => this.#pulse(channel, pulse),
        refused: (reason) => this.#refused(peer, reason),
        closed: () => this.#ended(channel),
      },
    });
    this.#greeting.set(peer, channel);
    this.#connections.set(channel, connection);
  }

  #genuine(peer: PeerId, hello: Hello): string | undefined {
    const live = this.#channels.has(peer) ? this.#status.get(peer)?.bootEpoch : undefined;
    if (mayReplace(hello.bootEpoch, live)) return undefined;
    return 'its operator decided for another instance of it, which is here: stop this one';
  }

  #admitted(channel: Channel, hello: Hello): void {
    const { peer } = channel;
    const { clock, log } = this.#options;
    this.#greeting.delete(peer);
    // A reconnection whose predecessor did not end yet.
    this.#channels.get(peer)?.close();
    this.#channels.set(peer, channel);
    this.#redialer.admitted(peer);
    this.#update(peer, {
      connected: true,
      since: clock.now(),
      version: hello.version,
      bootEpoch: hello.bootEpoch,
      rosterHash: hello.rosterHash,
      refused: undefined,
    });
    const sameRoster = equal(hello.rosterHash, this.#rosterHash);
    log.info('peer admitted', { peer, version: hello.version, sameRoster });
    this.#onPeer?.(peer, true);
  }

  #pulse({ peer }: Channel, { roundTrip, clockSkew, rosterHash: theirs }: Pulse): void {
    this.#update(peer, { roundTrip, clockSkew, rosterHash: theirs });
  }

  #refused(peer: PeerId, refused: string): void {
    this.#update(peer, { refused });
    this.#options.log.warn('peer refused', { peer, reason: refused });
  }

  #ended(channel: Channel): void {
    const { peer } = channel;
    const connection = this.#connections.get(channel);
    this.#connections.delete(channel);
    if (this.#greeting.get(peer) === channel) this.#greeting.delete(peer);
    if (this.#channels.get(peer) === channel) {
      this.#channels.delete(peer);
      this.#update(peer, { connected: false, since: undefined, roundTrip: undefined, clockSkew: undefined });
      this.#options.log.info('peer lost', { peer });
      if (!this.#closed) this.#onPeer?.(peer, false);
    }
    if (connection !== undefined) this.#hangUp(connection, 'the channel ended');
    this.#lost(peer);
  }

  #lost(peer: PeerId): void {
    if (!this.#closed && !this.#channels.has(peer) && !this.#greeting.has(peer)) this.#redialer.lost(peer);
  }

  #update(peer: PeerId, change: Partial<PeerStatus>): void {
    const known = this.#status.get(peer);
    if (known !== undefined) this.#status.set(peer, { ...known, ...change });
  }

  #hangUp(connection: Connection, why: string): void {
    // Its streams end first, and with them our channel, which hangs up too; libp2p does not bear a second abort.
    if (this.#hungUp.has(connection)) return;
    this.#hungUp.add(connection);
    try {
      connection.abort(new NodeError('peer-unavailable', why));
    } catch {
      // The other side was quicker.
    }
  }
}

function unknownPeer(peer: PeerId): PeerStatus {
  return {
    peer,
    name: peer,
    connected: false,
    since: undefined,
    roundTrip: undefined,
    version: undefined,
    bootEpoch: undefined,
    rosterHash: undefined,
    clockSkew: undefined,
    refused: undefined,
  };
}
