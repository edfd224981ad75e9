import {
  type dkls23,
  type Party,
  type Registration,
  type Secret,
  type Start,
  toHex,
  verifyRegistration,
} from '@quorate/protocol';
import { Coordinator } from '../coordination/coordinator.ts';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import type { Book } from './book.ts';
import { type CeremonyEvent, isOver } from './ceremony.ts';
import { Early } from './early.ts';
import type { Entry } from './entry.ts';
import type { FrameOf, NodeFrame } from './frames.ts';
import { isFor, orderOf, refusalOf, registerFor } from './registering.ts';
import type { Seats } from './seats.ts';
import type { Workshop } from './task.ts';

export interface RegistrationsPort {
  readonly self: PeerId;
  readonly seats: Seats;
  readonly book: Book;
  peerOf(node: Uint8Array): PeerId;
  /** Connected members, oneself included. */
  live(): ReadonlySet<PeerId>;
  send(peer: PeerId, frame: NodeFrame): void;
  apply(entry: Entry, event: CeremonyEvent): void;
  /** A member asks to take part in what is over: it is told what came of it. */
  answer(entry: Entry, peer: PeerId): void;
  /** The session begins. */
  begin(entry: Entry, start: Start, receiveSecret?: Secret, presignature?: dkls23.Presignature): void;
}

/**
 * How a request that this node approved becomes a session: the node registers with a coordinator, is the coordinator when it is
 * asked to, and joins the Start that lists its latest registration.
 */
export class Registrations {
  readonly #workshop: Workshop;
  readonly #port: RegistrationsPort;
  readonly #coordinator: Coordinator;
  /** For requests, or epochs of their keys, of which this node will hear in a moment. */
  readonly #early: Early<Registration>;
  readonly #suspected = new Map<PeerId, number>();

  constructor(workshop: Workshop, port: RegistrationsPort) {
    this.#workshop = workshop;
    this.#port = port;
    this.#early = new Early(workshop.clock);
    this.#coordinator = new Coordinator({
      clock: workshop.clock,
      peerOf: port.peerOf,
      isLive: (peer) => port.live().has(peer),
      isSuspected: (peer) => this.isSuspected(peer),
      begin: (start) => this.#sendStart(start),
      reassure: (request, registered, peers) => {
        this.#heard(port.book.entries.get(toHex(request)), registered);
        for (const peer of peers) port.send(peer, { type: 'waiting', value: { request, registered } });
      },
    });
  }

  /** The request is known here from now on, or is for another epoch: whoever was ahead of us is counted. */
  known(entry: Entry): void {
    for (const { peer, item } of this.#early.take(entry.id)) this.receive(peer, item);
  }

  /** What was gathered for the request is void. */
  forget({ task }: Entry): void {
    this.#coordinator.forget(task.id);
  }

  /** The node takes no part in the request any more. */
  leave(entry: Entry): void {
    entry.registration?.receiveSecret?.wipe();
    entry.registration = undefined;
    this.#workshop.presignatures.release(entry.task.id);
    this.forget(entry);
  }

  /** Whether a peer was silent a moment ago, or cheated. */
  isSuspected(peer: PeerId): boolean {
    return (this.#suspected.get(peer) ?? 0) > this.#workshop.clock.monotonic();
  }

  /** These failed a session: others are preferred for a while. */
  suspect(peers: readonly PeerId[]): void {
    const until = this.#workshop.clock.monotonic() + limits.suspicion;
    for (const peer of peers) this.#suspected.set(peer, until);
  }

  /** Registers anew; every earlier registration is void. */
  register(entry: Entry, coordinator: PeerId): void {
    const { task, ceremony } = entry;
    if (this.#hasExpired(entry)) return this.#port.apply(entry, { type: 'expired' });
    entry.registration?.receiveSecret?.wipe();
    const avoid = ceremony.avoid.flatMap((peer) => this.#port.seats.partyOf(task, peer) ?? []);
    entry.registration = registerFor(task, ceremony.registered, avoid, this.#workshop);
    this.ask(entry, coordinator);
  }

  /** Whether the registration in force does not say with whom this node sits now. */
  isOutdated({ registration, task }: Entry): boolean {
    return registration !== undefined && registration.value.apart.join() !== task.apart.join();
  }

  /** Hands the registration in force to a coordinator, and gives it some time to make something of it. */
  ask(entry: Entry, coordinator: PeerId): void {
    // The clock may have been behind when the request came, and put right since.
    if (this.#hasExpired(entry)) return this.#port.apply(entry, { type: 'expired' });
    const value = entry.registration?.value;
    if (value === undefined) return;
    entry.cancels.get('silence')?.();
    const patience = limits.coordinatorPatience * 2 ** entry.ceremony.stalled.length;
    this.#port.book.timer(entry, 'patience', patience, () => this.#port.apply(entry, { type: 'stalled' }));
    if (coordinator === this.#port.self) {
      this.receive(coordinator, value);
    } else {
      this.#expectCoordinator(entry);
      this.#port.send(coordinator, { type: 'registration', value });
    }
  }

  /** A member wants to be counted in. */
  receive(peer: PeerId, registration: Registration): void {
    const id = toHex(registration.request);
    const entry = this.#port.book.entries.get(id);
    if (entry === undefined) {
      this.#early.keep(peer, id, registration, 512);
      return;
    }
    const { task } = entry;
    if (isOver(entry.ceremony)) return this.#port.answer(entry, peer);
    if (registration.epoch > task.epoch) {
      // It has moved on to an epoch of which this node will hear in a moment.
      this.#early.keep(peer, id, registration, 512);
      return;
    }
    const { config, tools } = this.#workshop;
    const party = this.#port.seats.partyOf(task, peer);
    if (party === undefined || !isFor(registration, task, party, config.networkId)) return;
    if (!verifyRegistration(registration, tools.signatures)) return;
    const isOther = peer !== this.#port.self;
    if (isOther && this.#workshop.standings.doubts(registration.node, registration.bootEpoch)) return;
    this.#coordinator.registered(orderOf(task, config.networkId), party, registration);
  }

  /** Whoever sends it: a Start counts by what it lists, and each of our registrations is good for one. */
  start(peer: PeerId, start: Start): void {
    const entry = this.#port.book.entries.get(toHex(start.request));
    const registration = entry?.registration;
    if (entry === undefined || registration === undefined || entry.ceremony.state.name !== 'accepted') return;
    const fault = refusalOf(start, registration.value, entry.task, this.#workshop);
    if (fault !== undefined) {
      this.#workshop.log.warn('refused a start', { ceremony: entry.id, peer, fault });
      return;
    }
    entry.registration = undefined;
    // From here on it is this session's, or nobody's.
    const { presignatures } = this.#workshop;
    const presignature = presignatures.take(start.request, start.presignature);
    presignatures.release(start.request);
    entry.cancels.get('silence')?.();
    entry.cancels.get('patience')?.();
    const participants = start.participants.map(({ registration: { node } }) => this.#port.peerOf(node));
    this.#port.apply(entry, { type: 'started', participants });
    this.#port.begin(entry, start, registration.receiveSecret, presignature);
  }

  /** The coordinator is there. */
  waiting(peer: PeerId, { registered, request }: FrameOf<'waiting'>): void {
    const entry = this.#port.book.entries.get(toHex(request));
    if (entry?.ceremony.state.name !== 'accepted' || entry.ceremony.state.coordinator !== peer) return;
    this.#expectCoordinator(entry);
    this.#heard(entry, registered);
  }

  /** Who has said yes, as a coordinator tells it: to be shown, and for nothing else. */
  #heard(entry: Entry | undefined, registered: readonly Party[]): void {
    if (entry?.ceremony.state.name !== 'accepted') return;
    const known = entry.registered ?? new Set<Party>();
    const all = new Set([...known, ...registered]);
    if (entry.registered !== undefined && all.size === known.size) return;
    entry.registered = all;
    this.#port.book.changed(entry);
  }

  #hasExpired({ task }: Entry): boolean {
    return task.expires + limits.clockTolerance < this.#workshop.clock.now();
  }

  #expectCoordinator(entry: Entry): void {
    this.#port.book.timer(entry, 'silence', limits.coordinatorSilence, () =>
      this.#port.apply(entry, { type: 'stalled' }),
    );
  }

  #sendStart(start: Start): void {
    const entry = this.#port.book.entries.get(toHex(start.request));
    if (entry === undefined) return;
    for (const { party } of start.participants) {
      const peer = this.#port.seats.others(entry.task).get(party);
      if (peer !== undefined) this.#port.send(peer, { type: 'start', value: start });
      else this.start(this.#port.self, start);
    }
  }
}
