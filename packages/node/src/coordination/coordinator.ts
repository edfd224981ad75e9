import { type Member, type Party, type Registration, type Start, toHex } from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { type Advice, type Gathering, type GatheringEvent, gather } from './gathering.ts';

/** What the coordinator needs of the request, and no more. */
export interface Order {
  readonly network: Uint8Array;
  readonly kind: number;
  readonly request: Uint8Array;
  readonly digest: Uint8Array;
  readonly epoch: number;
  readonly need: number;
  readonly members: readonly Member[];
  /** Parties in the request's order of turns. */
  readonly turns: readonly Party[];
}

const grace = { turn: limits.turnGrace, complaint: limits.complaintGrace };

export interface CoordinatorPort {
  readonly clock: Clock;
  peerOf(node: Uint8Array): PeerId;
  isLive(peer: PeerId): boolean;
  isSuspected(peer: PeerId): boolean;
  /** Sends a Start to each of its participants. */
  begin(start: Start): void;
  /** Tells `peers` that the coordinator is there, and who has registered. */
  reassure(request: Uint8Array, registered: readonly Party[], peers: readonly PeerId[]): void;
}

/** Runs the gatherings that this node coordinates: timers and messages around the pure `gather`. */
export class Coordinator {
  readonly #port: CoordinatorPort;
  readonly #open = new Map<string, { order: Order; gathering: Gathering; known: Set<PeerId>; stop: () => void }>();

  constructor(port: CoordinatorPort) {
    this.#port = port;
  }

  /** A verified registration of a member for a request that this node knows. */
  registered(order: Order, party: Party, registration: Registration): void {
    const id = toHex(order.request);
    const entry = this.#open.get(id) ?? this.#start(id, order);
    entry.known.add(this.#port.peerOf(registration.node));
    this.#feed(id, { type: 'registered', party, registration, now: this.#port.clock.monotonic() });
  }

  /** The request is over: nothing more to coordinate. */
  forget(request: Uint8Array): void {
    const id = toHex(request);
    this.#open.get(id)?.stop();
    this.#open.delete(id);
  }

  #start(id: string, order: Order) {
    const { network, kind, request, digest, epoch, need, turns } = order;
    const gathering: Gathering = {
      network,
      kind,
      request,
      digest,
      epoch,
      need,
      order: turns,
      registrations: new Map(),
      complaints: new Map(),
      attended: new Map(),
      enoughSince: undefined,
      attempt: 0,
    };
    let cancel = (): void => undefined;
    const beat = (): void => {
      cancel = this.#port.clock.after(limits.coordinatorHeartbeat, beat);
      const entry = this.#open.get(id);
      if (entry !== undefined) {
        this.#port.reassure(request, [...entry.gathering.registrations.keys()], [...entry.known]);
        this.#feed(id, { type: 'tick', now: this.#port.clock.monotonic() });
      }
    };
    const entry = { order, gathering, known: new Set<PeerId>(), stop: () => cancel() };
    this.#open.set(id, entry);
    cancel = this.#port.clock.after(limits.coordinatorHeartbeat, beat);
    return entry;
  }

  #feed(id: string, event: GatheringEvent): void {
    const entry = this.#open.get(id);
    if (entry === undefined) return;
    const { gathering, start } = gather(entry.gathering, event, this.#advice(entry.order), grace);
    const waits = gathering.enoughSince !== undefined && entry.gathering.enoughSince === undefined;
    entry.gathering = gathering;
    if (start !== undefined) this.#port.begin(start);
    else if (waits) {
      this.#port.clock.after(limits.turnGrace, () =>
        this.#feed(id, { type: 'tick', now: this.#port.clock.monotonic() }),
      );
    }
  }

  #advice({ members }: Order): Advice {
    const live = new Set<Party>();
    const suspected = new Set<Party>();
    for (const { party, node } of members) {
      const peer = this.#port.peerOf(node);
      if (this.#port.isLive(peer)) live.add(party);
      if (this.#port.isSuspected(peer)) suspected.add(party);
    }
    return { live, suspected };
  }
}
