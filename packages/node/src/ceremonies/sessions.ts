import {
  type dkls23,
  equal,
  InputError,
  keyIdOf,
  kinds,
  type Party,
  type Secret,
  type Start,
  sessionId,
  toHex,
} from '@quorate/protocol';
import { KeyError, type OpenCheck } from '@quorate/storage';
import { publicKeyOf } from '../network/identity.ts';
import type { PeerId } from '../network/network.ts';
import { ServiceError } from '../service.ts';
import { type CeremonyEvent, isOver } from './ceremony.ts';
import { Early } from './early.ts';
import type { Entry } from './entry.ts';
import type { Host } from './host.ts';
import { PeerLocks } from './peer-locks.ts';
import { type Ending, Run } from './runner.ts';
import type { Seats } from './seats.ts';
import type { Task, TaskOutcome, TaskSession, Workshop } from './task.ts';

export interface SessionsPort {
  readonly self: PeerId;
  readonly seats: Seats;
  sendEnvelope(peer: PeerId, envelope: Uint8Array): void;
  apply(entry: Entry, event: CeremonyEvent): void;
  /** Tells the others that this node takes no part any more. */
  decline(entry: Entry, reason: string): void;
  /** The key epoch of this keygen is on disk. */
  prepared(entry: Entry): void;
  /** The signature of this request is recorded. */
  signed(entry: Entry, signers: readonly Party[]): void;
  /** These were silent, or cheated. */
  suspect(peers: readonly PeerId[]): void;
  /** Drops everything that is set up with a node. */
  forget(node: Uint8Array): Promise<void>;
  /** Makes durable that what this check depended on is not used again. If that fails, the node stops. */
  burnAfter(check: OpenCheck): Promise<void>;
  /** With whom this node sits together has changed: registrations say it. */
  reseat(): void;
}

type Broke = CeremonyEvent & { readonly type: 'broke' };

/** The sessions that this node is in: each begins with a Start, is fed with envelopes, and ends in an event of its ceremony. */
export class Sessions {
  readonly #workshop: Workshop;
  readonly #port: SessionsPort;
  readonly #entries = new Map<string, Entry>();
  readonly #early: Early<Uint8Array>;
  readonly #locks = new PeerLocks();

  constructor(workshop: Workshop, port: SessionsPort) {
    this.#workshop = workshop;
    this.#port = port;
    this.#early = new Early(workshop.clock);
  }

  get isOpen(): boolean {
    return this.#entries.size > 0;
  }

  /** Takes part to the end. Rejects when a bug or a dead disk must stop the node. */
  async run(
    entry: Entry,
    start: Start,
    receiveSecret: Secret | undefined,
    presignature: dkls23.Presignature | undefined,
  ): Promise<void> {
    // The key may move on to another epoch while this session lasts: it is for this one.
    const { task } = entry;
    const me = this.#port.seats.partyOf(task, this.#port.self) as Party;
    const session: TaskSession = { start, sid: sessionId(start), me, presignature };
    const host = await this.#host(entry, task, session, receiveSecret);
    if (host === undefined) return;
    if (isOver(entry.ceremony)) return host.close();
    const apart = task.apart.filter((party) => start.participants.some((one) => one.party === party));
    if (apart.length > 0) {
      // Another session banned them while this one was prepared, or what was set up with them is gone.
      host.close();
      return this.#broken(entry, apart, 'this node shares nothing to multiply with');
    }
    const court = this.#court(entry, task, start);
    if (court === undefined) return host.close();
    const ending = await this.#play(entry, task, session, host, court);
    const proof = ending.type === 'done' ? task.proof?.(ending.result, session) : undefined;
    if (proof === undefined) return await this.#ended(entry, task, ending, session);
    const participants = start.participants.filter(({ party }) => proof.parties.includes(party));
    const second = { ...session, start: { ...start, participants }, sid: proof.sid };
    const proven = await this.#play(entry, task, second, proof.host, proof.court);
    if (proven.type !== 'done') proof.discard();
    const outcome = proven.type === 'done' ? { ...proven, result: proof.join(proven.result) } : proven;
    await this.#ended(entry, task, outcome, session);
  }

  /** One session from its beginning to its end. */
  async #play(
    entry: Entry,
    task: Task,
    session: TaskSession,
    host: Host<unknown>,
    court: ReturnType<Task['court']>,
  ): Promise<Ending<unknown>> {
    const others = this.#port.seats.others(task);
    const run = this.#runOf(entry, task, session, host, others, court);
    const present = [...others].filter(([party]) => session.start.participants.some((one) => one.party === party));
    entry.session = { run, parties: new Map(present.map(([party, peer]) => [peer, party])) };
    const place = toHex(session.sid);
    this.#entries.set(place, entry);
    const ended = run.run();
    for (const { peer, item } of this.#early.take(place)) this.#hand(entry, peer, item);
    try {
      return await ended;
    } finally {
      this.#entries.delete(place);
      if (entry.session?.run === run) entry.session = undefined;
    }
  }

  receive(peer: PeerId, envelope: Uint8Array): void {
    // Version, network, session: the layout of envelopes is fixed.
    const sid = toHex(envelope.subarray(33, 65));
    const entry = this.#entries.get(sid);
    if (entry === undefined) this.#early.keep(peer, sid, envelope, envelope.length);
    else this.#hand(entry, peer, envelope);
  }

  #hand({ session }: Entry, peer: PeerId, envelope: Uint8Array): void {
    const party = session?.parties.get(peer);
    if (party !== undefined) session?.run.receive(party, envelope);
  }

  /** The protocol, ready to run, or undefined if this node may not take part any more: frozen meanwhile, or moved on. */
  async #host(
    entry: Entry,
    task: Task,
    session: TaskSession,
    receiveSecret: Secret | undefined,
  ): Promise<Host<unknown> | undefined> {
    try {
      const secret = receiveSecret?.use((bytes) => bytes.slice());
      return await task.host(session, secret);
    } catch (error) {
      const moved = error instanceof KeyError && error.code === 'epoch-retired';
      if (!(moved || error instanceof ServiceError)) throw error;
      if ((moved || error.code === 'expired') && task.kind === 'sign') {
        // The key moved on between Start and now: the order is carried out in the new epoch.
        this.#port.apply(entry, { type: 'broke', reason: error.message, blames: [], culprits: [], suspects: [] });
        return undefined;
      }
      const code = error.code === 'expired' || error.code === 'integrity' ? error.code : 'denied';
      this.#port.apply(entry, { type: 'cancel', code, reason: error.message });
      this.#port.decline(entry, error.message);
      return undefined;
    } finally {
      receiveSecret?.wipe();
      session.presignature?.wipe();
    }
  }

  /** What the session is judged by, or undefined if there can be none: what was proposed is impossible. */
  #court(entry: Entry, task: Task, start: Start): ReturnType<Task['court']> | undefined {
    try {
      return task.court(start);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#lost(entry, error.message, error);
      return undefined;
    }
  }

  #runOf(
    entry: Entry,
    task: Task,
    { start, sid, me }: TaskSession,
    host: Host<unknown>,
    peers: ReadonlyMap<Party, PeerId>,
    court: ReturnType<Task['court']>,
  ): Run<unknown> {
    const { clock, config, key, sessions, tools } = this.#workshop;
    const parties = start.participants.map(({ party }) => party);
    const seated = task.members.filter(({ party }) => parties.includes(party));
    const present = parties.flatMap((party) => peers.get(party) ?? []);
    // Whoever uses a presignature answers no check: nothing is burnt if this node dies in it.
    const multiplies = task.exclusive && start.presignature.length === 0;
    const check = multiplies
      ? {
          keyId: keyIdOf(config.networkId, task.keyName),
          epoch: task.epoch,
          parties: parties.filter((party) => party !== me),
        }
      : undefined;
    const run: Run<unknown> = new Run<unknown>({
      court: {
        network: config.networkId,
        sid,
        kind: kinds[task.kind],
        parties,
        keys: new Map(seated.map(({ party, node }) => [party, node])),
        signatures: tools.signatures,
        ...court,
      },
      me,
      key,
      host,
      clock,
      deadlines: { round: task.roundDeadline, session: config.sessionTimeout * 1000 },
      send: (to, frame) => this.#port.sendEnvelope(peers.get(to) as PeerId, frame),
      spend: async (round, digest) => sessions.spend({ sid, round, digest }, check),
      // If it cannot be written the store is dead, and whoever writes next is told.
      answered: (round) =>
        void (check === undefined ? undefined : sessions.answered(sid, round).catch(() => undefined)),
      unanswered: async (round) =>
        check === undefined ? undefined : this.#burnAfter({ ...check, sid, round }, present, run),
      ban: async (parties) => this.#ban(entry, parties, sid, run),
      guard: async (step) => (task.exclusive ? this.#locks.hold(present, step) : step()),
      onRound: (label) => this.#port.apply(entry, { type: 'round', label }),
    });
    return run;
  }

  /** @param task what the session was for: the key may have moved on meanwhile */
  async #ended(entry: Entry, task: Task, ending: Ending<unknown>, session: TaskSession): Promise<void> {
    entry.session = undefined;
    switch (ending.type) {
      case 'left':
        return;
      case 'done': {
        const elapsed = Math.round(this.#workshop.clock.monotonic() - entry.since);
        const outcome = await this.#complete(entry, task, ending.result, session, elapsed);
        if (outcome === undefined) return;
        this.#port.apply(entry, outcome);
        if (outcome.type === 'prepared') this.#port.prepared(entry);
        else {
          if (task.kind === 'pairs') this.#port.reseat();
          this.#port.signed(
            entry,
            session.start.participants.map(({ party }) => party),
          );
        }
        return;
      }
      case 'cheated': {
        const { blames } = ending;
        const parties = blames.map(({ party }) => party);
        await this.#recordBlames(entry, blames, session);
        const names = blames.map(({ party, code }) => `${this.#nameOf(entry, party)} (${code})`).join(', ');
        const culprits = this.#port.seats.peersOf(task, parties);
        this.#broke(entry, { type: 'broke', reason: `somebody cheated: ${names}`, blames, culprits, suspects: [] });
        return;
      }
      case 'banned':
        return this.#broken(entry, ending.parties, 'banned here for failing a check that depends on a secret:');
      case 'lost': {
        const { cause, reason } = ending;
        return this.#lost(entry, reason, cause);
      }
      case 'silent': {
        const names = ending.missing.map((party) => this.#nameOf(entry, party)).join(', ');
        const reason = `nothing came from ${names || 'the others'} in round ${ending.round}`;
        const suspects = this.#port.seats.peersOf(task, ending.missing);
        this.#broke(entry, { type: 'broke', reason, blames: [], culprits: [], suspects });
        return;
      }
    }
  }

  /** The session cannot begin at this member, or not go on. */
  #lost(entry: Entry, reason: string, cause: unknown): void {
    if (cause !== undefined) this.#workshop.log.error('a session was lost here', { ceremony: entry.id, error: cause });
    this.#broke(entry, { type: 'broke', reason, blames: [], culprits: [], suspects: [] });
  }

  /** The session cannot go on with these, of whom nothing can be shown to others. */
  #broken(entry: Entry, parties: readonly Party[], why: string): void {
    const names = parties.map((party) => this.#nameOf(entry, party)).join(', ');
    const suspects = this.#port.seats.peersOf(entry.task, parties);
    this.#broke(entry, { type: 'broke', reason: `${why} ${names}`, blames: [], culprits: [], suspects });
  }

  /**
   * Durable before anything is said; then every other session with them ends, whatever the key, and what was set up with them
   * is dropped.
   * @param run where they failed, which ends by itself; it may have ended, and another session of its entry be under way
   */
  async #ban(entry: Entry, parties: readonly Party[], sid: Uint8Array, run: Run<unknown>): Promise<void> {
    const { audit, bans, clock, stock } = this.#workshop;
    const { id, task } = entry;
    const nodes = task.members.filter(({ party }) => parties.includes(party)).map(({ node }) => node);
    for (const node of nodes) this.#workshop.presignatures.dropWith(node);
    for (const node of nodes) await bans.ban({ node, session: sid, time: clock.now() });
    for (const node of nodes) stock.drop(node);
    this.#workshop.standings.renew();
    for (const other of this.#entries.values()) {
      const seated = [...(other.session?.parties.values() ?? [])];
      const shared = other.task.members.some(
        ({ party, node }) => seated.includes(party) && nodes.some((banned) => equal(banned, node)),
      );
      const multiplies = other.task.exclusive || other.task.kind === 'pairs';
      if (other.session?.run !== run && multiplies && shared) other.session?.run.giveUp();
    }
    for (const node of nodes) {
      await audit.append(clock.now(), 'ban', { request: id, session: toHex(sid), node: toHex(node) });
      await this.#port.forget(node);
    }
    this.#port.reseat();
  }

  /**
   * As a restart would: nothing is multiplied any more with what was set up with these peers, nor with what was made of it,
   * before it is set up anew.
   * @param run that of the check, which ends by itself
   */
  async #burnAfter(check: OpenCheck, peers: readonly PeerId[], run: Run<unknown>): Promise<void> {
    await this.#port.burnAfter(check);
    for (const peer of peers) this.#workshop.presignatures.dropWith(publicKeyOf(peer), check.keyId);
    // They hold copies.
    for (const { session, task } of this.#entries.values()) {
      if (session?.run === run || !task.exclusive || !equal(task.keyId, check.keyId)) continue;
      if (peers.some((peer) => session?.parties.has(peer))) session?.run.lose('what it multiplied with was burnt');
    }
    this.#port.reseat();
  }

  /** Sessions with a peer have no end any more: it is not the one with whom they began. */
  giveUpWith(peer: PeerId): void {
    for (const { session } of this.#entries.values()) if (session?.parties.has(peer)) session.run.giveUp();
  }

  /**
   * The operator's decision to sit with a node again. Nothing is left of what it may have learnt something of before the ban is
   * gone; what it needs is set up anew.
   */
  async lift(node: Uint8Array, peer: PeerId): Promise<void> {
    const { audit, bans, clock } = this.#workshop;
    await this.#locks.hold([peer], async () => {
      await audit.append(clock.now(), 'ban-lifted', { node: toHex(node) });
      await this.#port.forget(node);
      await bans.lift(node);
    });
  }

  /** Records what came of it, or undefined if there is no place for it any more. */
  async #complete(
    entry: Entry,
    task: Task,
    result: unknown,
    session: TaskSession,
    elapsed: number,
  ): Promise<TaskOutcome | undefined> {
    try {
      return await task.complete(result, session, elapsed);
    } catch (error) {
      // Another attempt took the number, or there were too many: nothing is kept of this one.
      const late = error instanceof KeyError && ['epoch-not-new', 'too-many-attempts'].includes(error.code);
      if (!(late || error instanceof ServiceError)) throw error;
      this.#port.apply(entry, { type: 'cancel', code: 'conflict', reason: error.message });
      return undefined;
    }
  }

  #broke(entry: Entry, event: Broke): void {
    this.#port.suspect([...event.culprits, ...event.suspects]);
    // Nobody waits for what is prepared, and it is tried again.
    const level = entry.task.kind === 'presign' ? 'debug' : 'warn';
    this.#workshop.log[level]('a session broke', { ceremony: entry.id, key: entry.task.keyName, reason: event.reason });
    this.#port.apply(entry, event);
    // Who heard of no session waits for one that can never be: it was the only one.
    if (isOver(entry.ceremony) && entry.task.kind !== 'presign') this.#port.decline(entry, event.reason);
  }

  async #recordBlames({ id, task }: Entry, blames: Broke['blames'], { sid }: TaskSession): Promise<void> {
    const { audit, blames: store, clock } = this.#workshop;
    for (const { party, evidence } of blames) {
      const node = task.members.find((member) => member.party === party)?.node as Uint8Array;
      await store.record({ session: sid, party, node, evidence, time: clock.now() });
      await audit.append(clock.now(), 'blame', {
        request: id,
        session: toHex(sid),
        party,
        node: toHex(node),
        code: evidence.code,
      });
    }
  }

  #nameOf({ task }: Entry, party: Party): string {
    const node = task.members.find((member) => member.party === party)?.node;
    return node === undefined ? `party ${party}` : this.#workshop.nameOf(node);
  }
}
