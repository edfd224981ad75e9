import type { Clock } from '../clock.ts';
import { NodeError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Network, type PeerId, type PeerStatus, PeerUnavailable, type Topic } from './network.ts';

/** Something on its way: a frame, or an announcement if it has a topic. */
export interface Parcel {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly payload: Uint8Array;
  readonly topic: Topic | undefined;
}

/** What becomes of a parcel; the default is to arrive once, after the hub's latency. */
export interface Fate {
  readonly drop?: boolean;
  /** Milliseconds more than usual. What one peer sends to another stays in order, as on a stream: the rest waits too. */
  readonly delay?: number;
  /** How many times it arrives. */
  readonly copies?: number;
}

export interface MemoryHubOptions {
  readonly clock: Clock;
  readonly members: readonly { readonly peer: PeerId; readonly name: string }[];
  /** One way, milliseconds; default 1. */
  readonly latency?: number;
}

/**
 * Several nodes in one process: the same door as the real network, deterministic on a simulated clock, and with faults.
 * Whoever joins is connected to all that are there and not partitioned away.
 */
export class MemoryHub {
  readonly clock: Clock;
  readonly latency: number;
  readonly members: ReadonlyMap<PeerId, string>;
  readonly #nodes = new Map<PeerId, MemoryNetwork>();
  /** When the last parcel of each ordered pair arrives. */
  readonly #arrivals = new Map<string, number>();
  #groups: readonly (readonly PeerId[])[] | undefined;
  #severed: { readonly pair: readonly PeerId[]; readonly until: number }[] = [];
  /** Decides about each parcel; replace it at will. */
  fate: (parcel: Parcel) => Fate | undefined = () => undefined;

  constructor({ clock, members, latency = 1 }: MemoryHubOptions) {
    this.clock = clock;
    this.latency = latency;
    this.members = new Map(members.map(({ peer, name }) => [peer, name]));
  }

  /** A node's network. A peer that joins again (a restart) must have closed before, unless it comes as a `twin` to the front. */
  join(
    peer: PeerId,
    {
      version = '0.0.0',
      bootEpoch = new Uint8Array(24),
      twin = false,
    }: Partial<Pick<MemoryNetwork, 'version' | 'bootEpoch'>> & { readonly twin?: boolean } = {},
  ): Network {
    if (!this.members.has(peer) || (this.#nodes.has(peer) && !twin))
      throw new RangeError(`${peer} is no member, or is there already`);
    const node = new MemoryNetwork(this, peer, version, bootEpoch);
    this.#toFront(node);
    return node;
  }

  /** Of several instances of one peer, this one is reached from now on; the others hear nothing. */
  front(network: Network): void {
    if (!(network instanceof MemoryNetwork)) throw new RangeError('not an instance that joined here');
    this.#toFront(network);
  }

  leave(node: Network): void {
    if (this.#nodes.get(node.self) === node) this.#nodes.delete(node.self);
    this.#relink();
  }

  #toFront(node: MemoryNetwork): void {
    const before = this.#nodes.get(node.self);
    for (const peer of this.members.keys()) if (before !== node) before?.link(peer, undefined);
    this.#nodes.set(node.self, node);
    this.#relink();
  }

  /** Cuts the network: only peers of the same group hear each other; who is in no group is alone. */
  partition(...groups: readonly (readonly PeerId[])[]): void {
    this.#groups = groups;
    this.#relink();
  }

  heal(): void {
    this.#groups = undefined;
    this.#relink();
  }

  /** Breaks the connection of two peers, with all that is on it; they connect again after so many milliseconds. */
  sever(a: PeerId, b: PeerId, milliseconds: number): void {
    this.#severed.push({ pair: [a, b], until: this.clock.monotonic() + milliseconds });
    this.#nodes.get(a)?.link(b, undefined);
    this.#nodes.get(b)?.link(a, undefined);
    this.clock.after(milliseconds, () => {
      this.#severed = this.#severed.filter(({ until }) => until > this.clock.monotonic());
      this.#relink();
    });
  }

  post(parcel: Parcel): void {
    const { drop = false, delay = 0, copies = 1 } = this.fate(parcel) ?? {};
    if (drop) return;
    const pair = `${parcel.from} ${parcel.to}`;
    const now = this.clock.monotonic();
    const due = Math.max(now + this.latency + delay, this.#arrivals.get(pair) ?? 0);
    this.#arrivals.set(pair, due);
    const link = this.#nodes.get(parcel.from)?.linkTo(parcel.to);
    for (let copy = 0; copy < copies; copy++) {
      this.clock.after(due - now, () => {
        // A connection that broke meanwhile took along what was on it.
        const receiver = this.#nodes.get(parcel.to);
        if (link === undefined || this.#nodes.get(parcel.from)?.linkTo(parcel.to) !== link) return;
        receiver?.receive({ ...parcel, payload: parcel.payload.slice() });
      });
    }
  }

  /** Brings every node's view in line with who is there and who can hear whom, after one latency. */
  #relink(): void {
    this.clock.after(this.latency, () => {
      for (const node of this.#nodes.values()) {
        for (const peer of this.members.keys()) {
          if (peer !== node.self) node.link(peer, this.#reaches(node.self, peer) ? this.#nodes.get(peer) : undefined);
        }
      }
    });
  }

  #reaches(from: PeerId, to: PeerId): boolean {
    const severed = this.#severed.some(
      ({ pair, until }) => pair.includes(from) && pair.includes(to) && until > this.clock.monotonic(),
    );
    return !severed && (this.#groups?.some((group) => group.includes(from) && group.includes(to)) ?? true);
  }
}

class MemoryNetwork implements Network {
  readonly self: PeerId;
  readonly version: string;
  readonly bootEpoch: Uint8Array;
  readonly #hub: MemoryHub;
  readonly #links = new Map<PeerId, { readonly other: MemoryNetwork; readonly since: number }>();
  readonly #announced = new Map<Topic, (peer: PeerId, payload: Uint8Array) => void>();
  #onFrame: (peer: PeerId, frame: Uint8Array) => void = () => undefined;
  #onPeer: (peer: PeerId, connected: boolean) => void = () => undefined;

  constructor(hub: MemoryHub, self: PeerId, version: string, bootEpoch: Uint8Array) {
    this.#hub = hub;
    this.self = self;
    this.version = version;
    this.bootEpoch = bootEpoch;
  }

  peers(): ReadonlyMap<PeerId, PeerStatus> {
    const others = [...this.#hub.members].filter(([peer]) => peer !== this.self);
    return new Map(others.map(([peer, name]) => [peer, this.#status(peer, name)]));
  }

  async send(peer: PeerId, frame: Uint8Array): Promise<void> {
    if (frame.length > limits.frameBytes) {
      throw new NodeError(
        'frame-too-large',
        `a frame of ${frame.length} bytes; at most ${limits.frameBytes} fit, split it`,
      );
    }
    if (!this.#links.has(peer)) throw new PeerUnavailable(peer, 'it is not connected');
    this.#hub.post({ from: this.self, to: peer, payload: frame.slice(), topic: undefined });
  }

  onFrame(handler: (peer: PeerId, frame: Uint8Array) => void): void {
    this.#onFrame = handler;
  }

  onPeer(handler: (peer: PeerId, connected: boolean) => void): void {
    this.#onPeer = handler;
  }

  announce(topic: Topic, payload: Uint8Array): void {
    if (payload.length > limits.announcementBytes) {
      throw new NodeError(
        'frame-too-large',
        `an announcement of ${payload.length} bytes; at most ${limits.announcementBytes} fit`,
      );
    }
    for (const peer of this.#links.keys())
      this.#hub.post({ from: this.self, to: peer, payload: payload.slice(), topic });
  }

  onAnnouncement(topic: Topic, handler: (peer: PeerId, payload: Uint8Array) => void): void {
    this.#announced.set(topic, handler);
  }

  async close(): Promise<void> {
    this.#links.clear();
    this.#hub.leave(this);
  }

  linkTo(peer: PeerId): object | undefined {
    return this.#links.get(peer);
  }

  /** Connects to `other`, or disconnects from whoever was there. */
  link(peer: PeerId, other: MemoryNetwork | undefined): void {
    const before = this.#links.get(peer);
    if (before?.other === other) return;
    if (before !== undefined) {
      this.#links.delete(peer);
      this.#onPeer(peer, false);
    }
    if (other !== undefined) {
      this.#links.set(peer, { other, since: this.#hub.clock.now() });
      this.#onPeer(peer, true);
    }
  }

  receive({ from, topic, payload }: Parcel): void {
    if (topic === undefined) this.#onFrame(from, payload);
    else this.#announced.get(topic)?.(from, payload);
  }

  #status(peer: PeerId, name: string): PeerStatus {
    const link = this.#links.get(peer);
    return {
      peer,
      name,
      connected: link !== undefined,
      since: link?.since,
      roundTrip: link === undefined ? undefined : 2 * this.#hub.latency,
      version: link?.other.version,
      bootEpoch: link?.other.bootEpoch,
      rosterHash: undefined,
      clockSkew: link === undefined ? undefined : 0,
      refused: undefined,
    };
  }
}
