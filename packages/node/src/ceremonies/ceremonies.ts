import { EncodingError, equal, keyIdOf, kinds } from '@quorate/protocol';
import type { KeyInfo } from '@quorate/storage';
import { acceptWith } from '../ceremony-words.ts';
import { rendezvous } from '../coordination/election.ts';
import { failStop } from '../fail-stop.ts';
import { limits } from '../limits.ts';
import { publicKeyOf } from '../network/identity.ts';
import type { Network, PeerId } from '../network/network.ts';
import { type CeremonyView, type RefreshView, type RepairOrder, ServiceError } from '../service.ts';
import { Activations } from './activations.ts';
import { Admission, type Admitted, idOf, isOutdone, isRefreshing, isRival, type Kind, kindOf } from './admission.ts';
import { Book } from './book.ts';
import { type CeremonyEvent, isOver, transition } from './ceremony.ts';
import { Declines } from './declines.ts';
import { Early } from './early.ts';
import type { Entry } from './entry.ts';
import { EpochChanges } from './epoch-changes.ts';
import { NumberTaken } from './epoch-numbers.ts';
import { exportProposal } from './exports.ts';
import { decodeFrame, encodeFrame, type FrameOf, type NodeFrame } from './frames.ts';
import { PairUpkeep } from './pair-upkeep.ts';
import { Refill } from './presigning/refill.ts';
import { RefreshSchedule } from './refresh-schedule.ts';
import { Registrations } from './registrations.ts';
import { Repairs } from './repairs.ts';
import { ReshareTask } from './reshare.ts';
import { Reshares } from './reshares.ts';
import { Results } from './results.ts';
import { Seats } from './seats.ts';
import { Sessions } from './sessions.ts';
import { SignTask } from './sign.ts';
import type { Task, Workshop } from './task.ts';

export interface CeremoniesOptions {
  readonly workshop: Workshop;
  readonly network: Network;
  peerOf(node: Uint8Array): PeerId;
  /** A durable step or a protocol failed in a way that must not be survived. */
  fatal(error: unknown): void;
}

/**
 * Every ceremony of this node, and the frames about them. The decisions are in `ceremony.ts` (what a member does),
 * `coordination/` (what a coordinator does) and the tasks (what is allowed); requests come in through `admission.ts` and
 * are carried out in `sessions.ts`. This file brings them together.
 */
export class Ceremonies {
  readonly #workshop: Workshop;
  readonly #network: Network;
  readonly #options: CeremoniesOptions;
  readonly #book: Book;
  /** Orders for keys whose certificate is on its way, by the key's name. */
  readonly #earlyRequests: Early<FrameOf<'request'>>;
  readonly #seats: Seats;
  readonly #admission: Admission;
  readonly #sessions: Sessions;
  readonly #registrations: Registrations;
  readonly #results: Results;
  readonly #declines: Declines;
  readonly #epochChanges: EpochChanges;
  readonly #activations: Activations;
  readonly #pairs: PairUpkeep;
  readonly #refreshes: RefreshSchedule;
  readonly #reshares: Reshares;
  readonly #repairs: Repairs;
  readonly #refill: Refill;
  #closing = false;

  constructor(options: CeremoniesOptions) {
    const { workshop, network, peerOf } = options;
    this.#options = options;
    this.#workshop = workshop;
    this.#network = network;
    this.#seats = new Seats(network.self, peerOf);
    this.#book = new Book(workshop);
    this.#admission = new Admission(workshop, this.#book.entries, (admitted) => this.#open(admitted));
    this.#earlyRequests = new Early(workshop.clock);
    this.#results = new Results(workshop, {
      book: this.#book,
      seats: this.#seats,
      peerOf,
      send: (peer, frame) => this.#send(peer, frame),
      apply: (entry, event) => this.#apply(entry, event),
    });
    this.#declines = new Declines(workshop, {
      book: this.#book,
      seats: this.#seats,
      send: (peer, frame) => this.#send(peer, frame),
      apply: (entry, event) => this.#apply(entry, event),
      changed: (entry) => this.#changed(entry),
    });
    this.#sessions = new Sessions(workshop, {
      self: network.self,
      seats: this.#seats,
      sendEnvelope: (peer, value) => this.#send(peer, { type: 'envelope', value }),
      apply: (entry, event) => this.#apply(entry, event),
      decline: (entry, reason) => this.#declines.tell(entry, reason),
      prepared: ({ task }) => this.#activations.prepared(keyIdOf(workshop.config.networkId, task.keyName), task.epoch),
      signed: (entry, signers) => this.#results.tell(entry, signers),
      forget: async (node) => this.#pairs.forget(node),
      burnAfter: async (check) => this.#failStop(this.#pairs.burnAfter(check)),
      reseat: () => {
        for (const entry of this.#book.open())
          if (this.#registrations.isOutdated(entry)) this.#apply(entry, { type: 'reseated' });
      },
      suspect: (peers) => this.#registrations.suspect(peers),
    });
    this.#registrations = new Registrations(workshop, {
      self: network.self,
      seats: this.#seats,
      book: this.#book,
      peerOf,
      live: () => this.#live(),
      send: (peer, frame) => this.#send(peer, frame),
      apply: (entry, event) => this.#apply(entry, event),
      answer: (entry, peer) => this.#results.send(entry, peer),
      begin: (...session) => this.#inBackground(this.#sessions.run(...session)),
    });
    this.#epochChanges = new EpochChanges(workshop, {
      book: this.#book,
      seats: this.#seats,
      peerOf,
      orderOf: (task) => this.#orderOf(task),
      apply: (entry, event) => this.#apply(entry, event),
      decline: (entry, reason) => this.#declines.tell(entry, reason),
      spread: (entry, peers) => this.#spread(entry, peers),
      registerAnew: (entry, moved) => {
        this.#registrations.forget(entry);
        moved();
        this.#registrations.known(entry);
      },
    });
    const isOwn = ({ proposer }: Task): boolean => proposer !== undefined && equal(proposer, workshop.key.publicKey);
    this.#activations = new Activations(workshop, {
      send: (peer, frame) => this.#send(peer, frame),
      peerOf,
      active: ({ keyId, epoch }) => this.#keyActive(keyId, epoch),
      left: (keyId, epoch) => this.#keyActive(keyId, epoch),
      superseded: (keyId, epoch) => this.#epochChanges.superseded(keyId, epoch),
      fatal: (error) => options.fatal(error),
    });
    this.#refill = new Refill(workshop, {
      peerOf,
      live: () => this.#live(),
      busy: () => this.#book.open().length > 0,
      propose: async (body) => void (await this.submit('presign', body)),
    });
    this.#pairs = new PairUpkeep(workshop, {
      peerOf,
      isLive: (peer) => this.#live().has(peer),
      // What others propose, and perhaps never begin, hinders only those two.
      busy: () => this.#book.open().some(({ task }) => task.kind === 'pairs' && isOwn(task)),
      submit: async (body) => this.submit('pairs', body),
      fatal: (error) => options.fatal(error),
    });
    this.#reshares = new Reshares(workshop, {
      peerOf,
      isLive: (peer) => this.#live().has(peer),
      isSuspected: (peer) => this.#registrations.isSuspected(peer),
      told: (key) => this.#book.told(key),
      submit: async (body) => this.submit('renew', body),
    });
    this.#repairs = new Repairs(workshop, {
      send: (peer, frame) => this.#send(peer, frame),
      peerOf,
      live: () => this.#live(),
      submit: async (body) => this.submit('repair', body),
    });
    this.#refreshes = new RefreshSchedule(workshop, {
      peerOf,
      whyAway: (peer) => this.#whyAway(peer),
      told: (key) => this.#book.told(key),
      withholding: (keyId) => this.#activations.withholding(keyId),
      isOpen: (name) => this.#book.open().some((entry) => isRefreshing(entry) && entry.task.keyName === name),
      isAwaited: (name) => this.#book.open().some((entry) => isAwaited(entry) && entry.task.keyName === name),
      submit: async (body) => this.submit('renew', body),
      fatal: (error) => options.fatal(error),
    });
  }

  /** Begins to listen, and takes up what an earlier life of this node left unfinished. */
  async open(): Promise<void> {
    await this.#pairs.open();
    this.#network.onFrame((peer, bytes) => this.#receive(peer, bytes));
    this.#network.onPeer((peer, connected) => (connected ? this.#greet(peer) : this.#lost(peer)));
    this.#activations.open();
    this.#refreshes.open();
  }

  /** Leaves every session and ends what is open; nothing begins any more. */
  close(): void {
    this.#closing = true;
    this.#pairs.close();
    this.#refreshes.close();
    this.#repairs.close();
    this.#activations.close();
    this.#refill.close();
    for (const entry of this.#book.entries.values()) {
      this.#apply(entry, { type: 'cancel', code: 'stopped', reason: 'this node was stopped' });
    }
    this.#workshop.presignatures.close();
  }

  /** Takes a request in at this node and passes it on to the others. @throws {ServiceError} */
  async submit(kind: Kind, body: Uint8Array): Promise<CeremonyView> {
    if (this.#closing) throw new ServiceError('stopping', 'this node is stopping');
    const entry = await this.#failStop(this.#admission.admit(kind, body, undefined));
    this.#spread(entry, this.#seats.others(entry.task).values());
    return this.#book.view(entry);
  }

  list(): readonly CeremonyView[] {
    return this.#book.list();
  }

  get openCount(): number {
    return this.#book.open().length;
  }

  /** Whether a session runs: others wait for what this node computes. */
  get isBusy(): boolean {
    return this.#sessions.isOpen;
  }

  /** The ceremony once it is over, or as it is when the time is up. @throws {ServiceError} `ceremony-unknown` */
  async wait(id: string, milliseconds: number): Promise<CeremonyView> {
    return await this.#book.wait(id, milliseconds);
  }

  follow(seen: (ceremony: CeremonyView) => void): () => void {
    return this.#book.follow(seen);
  }

  /** The operator's yes. @throws {ServiceError} `ceremony-unknown`, `not-waiting`, `invalid`, `wrong-key` */
  async accept(id: string, publicKey?: string): Promise<CeremonyView> {
    const entry = this.#book.get(id);
    if (entry.ceremony.state.name !== 'proposed')
      throw new ServiceError('not-waiting', 'this ceremony does not wait for you');
    entry.task.confirm?.(publicKey);
    const { audit, clock } = this.#workshop;
    await this.#failStop(audit.append(clock.now(), 'accepted', { request: id, key: entry.task.keyName }));
    this.#apply(entry, { type: 'accept' });
    return this.#book.view(entry);
  }

  /** The operator's no, at any time. The others are told. @throws {ServiceError} `ceremony-unknown`, `not-waiting` */
  async cancel(id: string): Promise<CeremonyView> {
    const entry = this.#book.get(id);
    if (isOver(entry.ceremony)) throw new ServiceError('not-waiting', 'this ceremony is over');
    const { audit, clock } = this.#workshop;
    await this.#failStop(audit.append(clock.now(), 'cancelled', { request: id, key: entry.task.keyName }));
    this.#apply(entry, { type: 'cancel', code: 'cancelled', reason: 'cancelled by the operator of this node' });
    this.#declines.tell(entry, 'cancelled by its operator');
    return this.#book.view(entry);
  }

  /** Proposes a refresh of a key now. @throws {ServiceError} */
  async refresh(name: string): Promise<CeremonyView> {
    return await this.#refreshes.refresh(name);
  }

  get reshares(): Reshares {
    return this.#reshares;
  }

  /** Has the share of a key that was lost here given back. @throws {ServiceError} */
  async repair(name: string, order: RepairOrder): Promise<CeremonyView> {
    if (this.#closing) throw new ServiceError('stopping', 'this node is stopping');
    return await this.#repairs.repair(name, order);
  }

  /** Has a private key put together here. @throws {ServiceError} */
  async exportKey(name: string, helpers: readonly string[] | undefined): Promise<CeremonyView> {
    const port = { live: () => this.#live(), peerOf: this.#options.peerOf };
    return await this.submit('export', exportProposal(name, helpers, this.#workshop, port));
  }

  /** Why our share of a key needs a repair. */
  repairOf(keyId: Uint8Array): string | undefined {
    return this.#repairs.problemOf(keyId);
  }

  /** When a key is due for a refresh, and what keeps it from one. */
  refreshOf(key: KeyInfo): RefreshView | undefined {
    return this.#refreshes.view(key);
  }

  /** Sits with a banned node again, once everything with it is set up anew. */
  async lift(node: Uint8Array): Promise<void> {
    await this.#failStop(this.#sessions.lift(node, this.#options.peerOf(node)));
  }

  /** With how many keys something is set up with a node, and with how many it is missing. */
  pairsWith(node: Uint8Array): { readonly ready: number; readonly missing: number } {
    return this.#pairs.count(node);
  }

  /** This node takes part in nothing from now on, as its standing says: whatever is not certain yet ends, in the background, too. */
  suspend(reason: string): void {
    const uncertain = [...this.#book.entries.values()].filter(
      ({ ceremony }) => !isOver(ceremony) && ceremony.state.name !== 'confirming',
    );
    // All of them before the first word of it, which may show that a peer is gone: then others would be asked.
    for (const entry of uncertain) this.#apply(entry, { type: 'cancel', code: 'suspended', reason });
    for (const entry of uncertain) this.#declines.tell(entry, reason);
    this.#workshop.presignatures.close();
  }

  /** Nothing is left of what was set up with others. */
  async burn(): Promise<void> {
    this.#workshop.presignatures.close();
    await this.#pairs.burn();
  }

  /** A peer is not the one that it was: what was begun with it ends. */
  abandon(peer: PeerId): void {
    const node = publicKeyOf(peer);
    this.#workshop.presignatures.dropWith(node);
    this.#sessions.giveUpWith(peer);
  }

  /** A certificate that came outside of its ceremony. */
  certificate(peer: PeerId, value: Uint8Array): void {
    this.#activations.handle(peer, { type: 'certificate', value });
  }

  /** Shows a peer what certifies an epoch, outside of its ceremony. */
  show(peer: PeerId, value: Uint8Array): void {
    this.#send(peer, { type: 'certificate', value });
  }

  // ---- requests

  /** @throws {ServiceError} `stopping` */
  #open({ task, answer }: Admitted): Entry {
    if (this.#closing) throw new ServiceError('stopping', 'this node is stopping');
    for (const other of this.#book.open()) {
      if (isRival(other, task) || isOutdone(other, task)) {
        this.#apply(other, { type: 'cancel', code: 'conflict', reason: 'another proposal took its place' });
      }
    }
    const entry = this.#book.add(task, this.#orderOf(task));
    if (answer !== undefined) {
      this.#apply(entry, (task as SignTask).finished(answer, [], 0));
      return entry;
    }
    this.#book.timer(entry, 'expiry', task.expires - this.#workshop.clock.now() + limits.clockTolerance, () =>
      this.#apply(entry, { type: 'expired' }),
    );
    if (task.decision === 'auto') this.#apply(entry, { type: 'accept' });
    else this.#askOperator(entry);
    this.#registrations.known(entry);
    this.#declines.known(entry);
    return entry;
  }

  #askOperator(entry: Entry): void {
    this.#changed(entry);
    const { key, kind, id, proposal } = this.#book.view(entry);
    const fields = { ceremony: id, kind, key, proposer: proposal?.proposer, command: acceptWith({ id, proposal }) };
    this.#workshop.log.info('a ceremony waits for the operator of this node', fields);
  }

  #spread(entry: Entry, peers: Iterable<PeerId>): void {
    if (isOver(entry.ceremony)) return;
    const { kind, body } = entry.task;
    for (const peer of peers) this.#send(peer, { type: 'request', value: { kind: kinds[kind], body } });
  }

  // ---- the member's state machine

  #apply(entry: Entry, event: CeremonyEvent): void {
    const before = entry.ceremony;
    const { ceremony, effects } = transition(before, event, this.#live());
    if (ceremony === before) return;
    entry.ceremony = ceremony;
    const { name } = ceremony.state;
    if (name !== before.state.name && (name === 'accepted' || name === 'running')) this.#epochChanges.reshares(entry);
    for (const effect of effects) {
      if (effect.type === 'leave') this.#leave(entry);
      else if (effect.type === 'register') this.#registrations.register(entry, effect.coordinator);
      else this.#registrations.ask(entry, effect.coordinator);
    }
    this.#changed(entry);
  }

  #leave(entry: Entry): void {
    for (const cancel of entry.cancels.values()) cancel();
    entry.cancels.clear();
    entry.session?.run.leave();
    this.#registrations.leave(entry);
    this.#workshop.imports.drop(entry.task.id);
  }

  #keyActive(keyId: Uint8Array, epoch: number): void {
    this.#epochChanges.taken(keyId, epoch);
    this.#refreshes.stir(keyId);
    const name = this.#workshop.keys.get(keyId)?.name ?? '';
    for (const { peer, item } of this.#earlyRequests.take(name)) this.#inBackground(this.#onRequest(peer, item));
  }

  /** In which order the members are asked to coordinate. */
  #orderOf({ id, epoch, members }: Task): readonly PeerId[] {
    const nodes = members.map(({ node }) => node);
    return rendezvous('coordinator', id, epoch, nodes).map((node) => this.#options.peerOf(node));
  }

  // ---- frames

  #receive(peer: PeerId, bytes: Uint8Array): void {
    let frame: NodeFrame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
      this.#workshop.log.warn('dropped a frame that does not decode', { peer });
      return;
    }
    if (!this.#closing) this.#dispatch(peer, frame);
  }

  #dispatch(peer: PeerId, frame: NodeFrame): void {
    switch (frame.type) {
      case 'request':
        return this.#inBackground(this.#onRequest(peer, frame.value));
      case 'registration':
        return this.#registrations.receive(peer, frame.value);
      case 'start':
        return this.#registrations.start(peer, frame.value);
      case 'envelope':
        return this.#sessions.receive(peer, frame.value);
      case 'waiting':
        return this.#registrations.waiting(peer, frame.value);
      case 'declined':
        return this.#declines.receive(peer, frame.value);
      case 'result':
        return this.#inBackground(this.#results.receive(frame.value));
      case 'ready':
      case 'certificate':
      case 'activated':
        if (frame.type !== 'ready') this.#repairs.hear(peer, frame);
        return this.#activations.handle(peer, frame);
      case 'approval':
        return this.#activations.handle(peer, frame);
      case 'wanted':
        return this.#repairs.hear(peer, frame);
      case 'standing':
        return this.#workshop.standings.receive(peer, frame.value);
      case 'stock':
        return this.#workshop.stock.receive(peer, frame.value);
    }
  }

  async #onRequest(peer: PeerId, { kind, body }: FrameOf<'request'>): Promise<void> {
    const name = kindOf(kind);
    if (name === undefined || !this.#admission.hears(peer)) return;
    try {
      const entry = await this.#admission.admit(name, body, peer);
      const { state } = entry.ceremony;
      if (state.name === 'failed') this.#declines.send(peer, entry.task.id, state.reason, entry.told);
      this.#results.send(entry, peer);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#admission.refused(peer);
      const key = name === 'sign' ? SignTask.keyOf(body) : undefined;
      const held = key === undefined ? undefined : this.#workshop.keys.byName(key);
      const isOutside = error.code === 'key-unknown' || error.code === 'not-member';
      if (isOutside && key !== undefined && held !== undefined && !hasLeft(held)) {
        // The certificate came while the refusal was being recorded.
        if (held.current !== undefined) return await this.#onRequest(peer, { kind, body });
        // Our share is on disk and the certificate on its way: whoever sent this is a moment ahead.
        this.#earlyRequests.keep(peer, key, { kind, body }, body.length);
        return;
      }
      const request = idOf(name, body);
      const highest = error instanceof NumberTaken ? error.highest : 0;
      if (request !== undefined) this.#declines.send(peer, request, error.message, highest);
    }
  }

  // ---- peers

  #greet(peer: PeerId): void {
    // What was said in them went with the connection, and who comes now may be another instance: no second answer for it.
    this.#sessions.giveUpWith(peer);
    this.#workshop.standings.greet(peer);
    this.#workshop.stock.greet(peer);
    this.#activations.greet(peer);
    this.#refill.stir();
    for (const entry of this.#book.open()) {
      if (this.#seats.partyOf(entry.task, peer) === undefined) continue;
      // Without a second attempt, whoever died in the only session would wait for one, and begin nothing else meanwhile.
      const { name } = entry.ceremony.state;
      if (entry.task.kind !== 'sign' && (name === 'running' || name === 'confirming')) continue;
      this.#spread(entry, [peer]);
      this.#apply(entry, { type: 'joined', peer });
    }
  }

  #lost(peer: PeerId): void {
    this.#workshop.standings.lost(peer);
    this.#workshop.stock.lost(peer);
    // It may have restarted, and lost its part of them.
    this.#workshop.presignatures.dropWith(publicKeyOf(peer));
    for (const entry of this.#book.entries.values()) {
      if (isOver(entry.ceremony)) continue;
      const { state } = entry.ceremony;
      if (state.name === 'accepted' && state.coordinator === peer) this.#apply(entry, { type: 'stalled' });
    }
  }

  /** Why nothing can be done with a peer now, in a sentence about it. */
  #whyAway(peer: PeerId): string | undefined {
    if (this.#live().has(peer)) return undefined;
    const name = this.#workshop.nameOfPeer(peer);
    const isDoubted = this.#workshop.standings.isDoubted(peer);
    return isDoubted ? `${name} is doubted: it was rolled back, or runs twice` : `${name} is not connected`;
  }

  #live(): ReadonlySet<PeerId> {
    const connected = [...this.#network.peers().values()].filter(
      ({ connected, peer }) => connected && !this.#workshop.standings.isDoubted(peer),
    );
    return new Set([this.#network.self, ...connected.map(({ peer }) => peer)]);
  }

  /** Fire and forget: whoever is not there now is greeted when it comes, and silence is the deadlines' business. */
  #send(peer: PeerId, frame: NodeFrame): void {
    if (peer === this.#network.self) return;
    this.#network.send(peer, encodeFrame(frame)).catch((error: unknown) => {
      this.#workshop.log.debug('could not send', { peer, frame: frame.type, error });
    });
  }

  // ---- bookkeeping

  #changed(entry: Entry): void {
    this.#book.changed(entry);
    if (!isOver(entry.ceremony)) return;
    this.#workshop.standings.stir();
    this.#refreshes.ended(entry);
    this.#refillAfter(entry);
  }

  /** Whatever ends, signatures may be needed again. */
  #refillAfter({ ceremony: { avoid, state }, declined, task }: Entry): void {
    if (task.kind === 'presign')
      return this.#refill.ended(task.id, state.name === 'done', [...declined.keys(), ...avoid]);
    if (task instanceof SignTask && task.scheme === 'ecdsa' && state.name === 'done') {
      this.#refill.signed(task.keyId);
    }
    this.#refill.stir();
  }

  /** A bug or a dead disk in background work: nothing may go on as if nothing had happened. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.fatal(error));
  }

  /** As `#inBackground`, for work whose caller is told, too. */
  async #failStop<T>(work: Promise<T>): Promise<T> {
    return await failStop(work, (error) => this.#options.fatal(error));
  }
}

/** Whether it is a reshare that waits for operators, here or elsewhere. */
function isAwaited({ ceremony: { state }, task }: Entry): boolean {
  return task instanceof ReshareTask && (state.name === 'proposed' || state.name === 'accepted');
}

/** Whether a key is elsewhere, and this node is not about to join. */
function hasLeft({ epochs }: KeyInfo): boolean {
  return epochs.at(-1)?.state === 'elsewhere';
}
