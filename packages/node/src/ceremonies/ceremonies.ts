import {
  EncodingError,
  equal,
  faultOf,
  hash,
  hedged,
  kinds,
  type Member,
  type Party,
  type Registration,
  randomScalar,
  register,
  Secret,
  type Start,
  secretScalar,
  sessionId,
  toHex,
  verifyRegistration,
} from '@quorate/protocol';
import { Coordinator } from '../coordination/coordinator.ts';
import { rendezvous } from '../coordination/election.ts';
import { limits } from '../limits.ts';
import { Budget } from '../network/budget.ts';
import type { Network, PeerId } from '../network/network.ts';
import { type CeremonyView, ServiceError } from '../service.ts';
import { tags } from '../tags.ts';
import { Activations } from './activations.ts';
import { type CeremonyEvent, isOver, propose, transition } from './ceremony.ts';
import { Early } from './early.ts';
import { type Entry, viewOf } from './entry.ts';
import { decodeFrame, encodeFrame, MAX_REASON, type NodeFrame } from './frames.ts';
import type { Host } from './host.ts';
import { KeygenTask } from './keygen.ts';
import { type Ending, Run } from './runner.ts';
import { SignTask } from './sign.ts';
import type { Task, TaskSession, Workshop } from './task.ts';

export interface CeremoniesOptions {
  readonly workshop: Workshop;
  readonly network: Network;
  peerOf(node: Uint8Array): PeerId;
  /** A durable step or a protocol failed in a way that must not be survived. */
  fatal(error: unknown): void;
}

type FrameOf<K extends NodeFrame['type']> = Extract<NodeFrame, { readonly type: K }>['value'];

/**
 * Every ceremony of this node: takes requests in, checks them, registers, runs sessions, records results. The decisions
 * are in `ceremony.ts` (what a member does), `coordination/` (what a coordinator does) and the tasks (what is allowed);
 * this file carries out.
 */
export class Ceremonies {
  readonly #workshop: Workshop;
  readonly #network: Network;
  readonly #options: CeremoniesOptions;
  readonly #entries = new Map<string, Entry>();
  /** Admissions under way, by the hash of the body: several peers bring the same request at once. */
  readonly #admissions = new Map<string, Promise<Entry>>();
  readonly #sessions = new Map<string, Entry>();
  readonly #earlyEnvelopes: Early<Uint8Array>;
  readonly #earlyRegistrations: Early<Registration>;
  /** Orders for keys whose certificate is on its way, by the key's name. */
  readonly #earlyRequests: Early<FrameOf<'request'>>;
  readonly #refusals = new Map<PeerId, Budget>();
  readonly #unheard = new Map<PeerId, number>();
  readonly #suspected = new Map<PeerId, number>();
  readonly #coordinator: Coordinator;
  readonly #activations: Activations;
  readonly #followers = new Set<(ceremony: CeremonyView) => void>();
  #closing = false;

  constructor(options: CeremoniesOptions) {
    const { workshop, network, peerOf } = options;
    this.#options = options;
    this.#workshop = workshop;
    this.#network = network;
    this.#earlyEnvelopes = new Early(workshop.clock);
    this.#earlyRegistrations = new Early(workshop.clock);
    this.#earlyRequests = new Early(workshop.clock);
    this.#coordinator = new Coordinator({
      clock: workshop.clock,
      peerOf,
      isLive: (peer) => this.#live().has(peer),
      isSuspected: (peer) => (this.#suspected.get(peer) ?? 0) > workshop.clock.monotonic(),
      begin: (start) => this.#sendStart(start),
      reassure: (request, registered, peers) => {
        for (const peer of peers) this.#send(peer, { type: 'waiting', value: { request, registered } });
      },
    });
    this.#activations = new Activations(workshop, {
      send: (peer, frame) => this.#send(peer, frame),
      peerOf,
      active: ({ keyId, epoch }) => this.#keyActive(keyId, epoch),
      fatal: (error) => options.fatal(error),
    });
  }

  /** Begins to listen, and takes up what an earlier life of this node left unfinished. */
  open(): void {
    this.#network.onFrame((peer, bytes) => this.#receive(peer, bytes));
    this.#network.onPeer((peer, connected) => (connected ? this.#greet(peer) : this.#lost(peer)));
    this.#activations.open();
  }

  /** Leaves every session and ends what is open; nothing begins any more. */
  close(): void {
    this.#closing = true;
    this.#activations.close();
    for (const entry of this.#entries.values()) {
      this.#apply(entry, { type: 'cancel', code: 'stopped', reason: 'this node was stopped' });
    }
  }

  /** Takes a request in at this node and passes it on to the others. @throws {ServiceError} */
  async submit(kind: 'keygen' | 'sign', body: Uint8Array): Promise<CeremonyView> {
    if (this.#closing) throw new ServiceError('stopping', 'this node is stopping');
    const entry = await this.#failStop(this.#admit(kind, body, undefined));
    this.#spread(entry, this.#others(entry.task));
    return this.#view(entry);
  }

  list(): readonly CeremonyView[] {
    return [...this.#entries.values()].map((entry) => this.#view(entry)).reverse();
  }

  get openCount(): number {
    return this.#openEntries().length;
  }

  /** @throws {ServiceError} `ceremony-unknown` */
  get(id: string): CeremonyView {
    return this.#view(this.#entry(id));
  }

  /** The ceremony once it is over, or as it is when the time is up. @throws {ServiceError} `ceremony-unknown` */
  async wait(id: string, milliseconds: number): Promise<CeremonyView> {
    const entry = this.#entry(id);
    if (!isOver(entry.ceremony) && milliseconds > 0) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          entry.waiting.delete(wake);
          resolve();
        };
        const cancel = this.#workshop.clock.after(milliseconds, wake);
        entry.waiting.add(wake);
      });
    }
    return this.#view(entry);
  }

  follow(seen: (ceremony: CeremonyView) => void): () => void {
    this.#followers.add(seen);
    return () => void this.#followers.delete(seen);
  }

  /** The operator's yes. @throws {ServiceError} `ceremony-unknown`, `not-waiting` */
  async accept(id: string): Promise<CeremonyView> {
    const entry = this.#entry(id);
    if (entry.ceremony.state.name !== 'proposed')
      throw new ServiceError('not-waiting', 'this ceremony does not wait for you');
    const { audit, clock } = this.#workshop;
    await this.#failStop(audit.append(clock.now(), 'accepted', { request: id, key: entry.task.keyName }));
    this.#apply(entry, { type: 'accept' });
    return this.#view(entry);
  }

  /** The operator's no, at any time. The others are told. @throws {ServiceError} `ceremony-unknown`, `not-waiting` */
  async cancel(id: string): Promise<CeremonyView> {
    const entry = this.#entry(id);
    if (isOver(entry.ceremony)) throw new ServiceError('not-waiting', 'this ceremony is over');
    const { audit, clock } = this.#workshop;
    await this.#failStop(audit.append(clock.now(), 'cancelled', { request: id, key: entry.task.keyName }));
    this.#apply(entry, { type: 'cancel', code: 'cancelled', reason: 'cancelled by the operator of this node' });
    this.#decline(entry, 'cancelled by its operator');
    return this.#view(entry);
  }

  // ---- requests

  /** @param peer who sent it; undefined when it was submitted at this node */
  async #admit(kind: 'keygen' | 'sign', body: Uint8Array, peer: PeerId | undefined): Promise<Entry> {
    const id = kind === 'sign' ? SignTask.idOf(body) : KeygenTask.idOf(body);
    const known = id === undefined ? undefined : this.#entries.get(toHex(id));
    if (known !== undefined && equal(known.task.body, body) && !mayRetry(known, peer)) return known;
    const fingerprint = toHex(hash(tags.admission, Uint8Array.of(kinds[kind]), body));
    const admission = this.#admissions.get(fingerprint) ?? this.#newEntry(kind, body, peer);
    this.#admissions.set(fingerprint, admission);
    try {
      return await admission;
    } finally {
      this.#admissions.delete(fingerprint);
    }
  }

  async #newEntry(kind: 'keygen' | 'sign', body: Uint8Array, peer: PeerId | undefined): Promise<Entry> {
    const from = peer === undefined ? 'local' : this.#workshop.nameOfPeer(peer);
    const { task, answer } = await this.#examine(kind, body, from);
    const id = toHex(task.id);
    const existing = this.#entries.get(id);
    if (existing !== undefined && !mayRetry(existing, peer)) return existing;
    if (this.#closing) throw new ServiceError('stopping', 'this node is stopping');
    this.#checkRoom(task);
    const now = this.#workshop.clock.now();
    const nodes = task.members.map(({ node }) => node);
    const order = rendezvous('coordinator', task.id, task.epoch, nodes).map((node) => this.#options.peerOf(node));
    const entry: Entry = {
      task,
      id,
      ceremony: propose(kind, order),
      since: this.#workshop.clock.monotonic(),
      createdAt: now,
      updatedAt: now,
      declined: new Map(),
      waiting: new Set(),
      cancels: new Map(),
      registration: undefined,
      session: undefined,
      recording: false,
    };
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#prune();
    if (answer !== undefined) {
      this.#apply(entry, (task as SignTask).finished(answer, [], 0));
      return entry;
    }
    this.#timer(entry, 'expiry', task.expires - now + limits.clockTolerance, () =>
      this.#apply(entry, { type: 'expired' }),
    );
    if (task.decision === 'auto') this.#apply(entry, { type: 'accept' });
    else this.#changed(entry);
    for (const { peer, item } of this.#earlyRegistrations.take(id)) this.#onRegistration(peer, item);
    return entry;
  }

  async #examine(
    kind: 'keygen' | 'sign',
    body: Uint8Array,
    from: string,
  ): Promise<{ readonly task: Task; readonly answer?: Uint8Array | undefined }> {
    return kind === 'sign'
      ? await SignTask.admit(body, from, this.#workshop)
      : await KeygenTask.admit(body, from, this.#workshop);
  }

  #checkRoom(task: Task): void {
    const open = this.#openEntries();
    const ofKey = open.filter((entry) => entry.task.keyName === task.keyName);
    if (open.length >= limits.openInAll || ofKey.length >= limits.openPerKey) {
      throw new ServiceError('busy', 'too many requests are open; wait for some of them');
    }
    if (task.kind === 'keygen' && ofKey.some((entry) => entry.task.kind === 'keygen')) {
      throw new ServiceError('name-taken', `a keygen of ${task.keyName} is under way`);
    }
    const proposed = open.filter((entry) => isProposedBy(entry.task, task));
    if (proposed.length >= limits.openPerProposer) {
      throw new ServiceError(
        'busy',
        'this member proposed other keys that are still being made; wait for some of them',
      );
    }
  }

  #spread(entry: Entry, peers: readonly PeerId[]): void {
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
    for (const effect of effects) {
      if (effect.type === 'leave') this.#leave(entry);
      else if (effect.type === 'register') this.#register(entry, effect.coordinator);
      else this.#ask(entry, effect.coordinator);
    }
    this.#changed(entry);
  }

  #leave(entry: Entry): void {
    for (const cancel of entry.cancels.values()) cancel();
    entry.cancels.clear();
    entry.registration?.receiveSecret?.wipe();
    entry.registration = undefined;
    entry.session?.run.leave();
    this.#coordinator.forget(entry.task.id);
  }

  #register(entry: Entry, coordinator: PeerId): void {
    const { task, ceremony } = entry;
    const { bootEpoch, clock, config, key, randomness } = this.#workshop;
    if (task.expires + limits.clockTolerance < clock.now()) {
      this.#apply(entry, { type: 'expired' });
      return;
    }
    entry.registration?.receiveSecret?.wipe();
    const nonce = randomness.bytes(32);
    const receive = this.#receiveKey(task, nonce);
    const value = register(
      {
        network: config.networkId,
        request: task.id,
        digest: task.digest,
        epoch: task.epoch,
        attempt: ceremony.registered,
        nonce,
        bootEpoch,
        receiveKey: receive?.key ?? new Uint8Array(0),
        avoid: ceremony.avoid.flatMap((peer) => this.#partyOf(task, peer) ?? []),
      },
      key,
    );
    entry.registration = { value, receiveSecret: receive?.secret };
    this.#ask(entry, coordinator);
  }

  /** Hands the registration in force to a coordinator, and gives it some time to make something of it. */
  #ask(entry: Entry, coordinator: PeerId): void {
    const value = entry.registration?.value;
    if (value === undefined) return;
    entry.cancels.get('silence')?.();
    const patience = limits.coordinatorPatience * 2 ** entry.ceremony.stalled.length;
    this.#timer(entry, 'patience', patience, () => this.#apply(entry, { type: 'stalled' }));
    if (coordinator === this.#network.self) {
      this.#onRegistration(coordinator, value);
    } else {
      this.#expectCoordinator(entry);
      this.#send(coordinator, { type: 'registration', value });
    }
  }

  #receiveKey(task: Task, nonce: Uint8Array): { readonly key: Uint8Array; readonly secret: Secret } | undefined {
    const group = task.receives;
    if (group === undefined) return undefined;
    const { bootEpoch, key, randomness } = this.#workshop;
    // A signature that is never sent: only the holder of the node key can predict it.
    using hedge = new Secret(key.sign(hash(tags.receiveKey, task.id, nonce)));
    const scalar = randomScalar(hedged(randomness, hedge, task.id, nonce, bootEpoch), group.order);
    return { key: group.encodePoint(group.multiplyBase(scalar)), secret: secretScalar(scalar, group.scalarBytes) };
  }

  #expectCoordinator(entry: Entry): void {
    this.#timer(entry, 'silence', limits.coordinatorSilence, () => this.#apply(entry, { type: 'stalled' }));
  }

  // ---- sessions

  async #begin(entry: Entry, start: Start, receiveSecret: Secret | undefined): Promise<void> {
    const { task } = entry;
    const { clock, config, key, sessions, tools } = this.#workshop;
    const sid = sessionId(start);
    const participants = start.participants.map(({ party }) => party);
    const me = this.#partyOf(task, this.#network.self) as Party;
    const session: TaskSession = { start, sid, me };
    const host = await this.#host(entry, session, receiveSecret);
    if (host === undefined) return;
    if (isOver(entry.ceremony)) return host.close();
    const peers = new Map(this.#peers(task).filter(([party]) => participants.includes(party)));
    const run = new Run<unknown>({
      court: {
        network: config.networkId,
        sid,
        kind: kinds[task.kind],
        parties: participants,
        keys: new Map(
          task.members.filter(({ party }) => participants.includes(party)).map(({ party, node }) => [party, node]),
        ),
        signatures: tools.signatures,
        ...task.court(start),
      },
      me,
      key,
      host,
      clock,
      deadlines: { round: task.roundDeadline, session: config.sessionTimeout * 1000 },
      send: (to, frame) => this.#send(peers.get(to) as PeerId, { type: 'envelope', value: frame }),
      spend: (round, digest) => sessions.spend({ sid, round, digest }),
      onRound: (label) => this.#apply(entry, { type: 'round', label }),
    });
    const parties = new Map([...peers].map(([party, peer]) => [peer, party]));
    entry.session = { run, parties };
    const place = toHex(sid);
    this.#sessions.set(place, entry);
    const ended = run.run();
    for (const { peer, item } of this.#earlyEnvelopes.take(place)) this.#toSession(entry, peer, item);
    try {
      await this.#ended(entry, await ended, session);
    } finally {
      this.#sessions.delete(place);
      if (entry.session?.run === run) entry.session = undefined;
    }
  }

  /** The protocol, ready to run, or undefined if this node may not take part any more: frozen meanwhile, or moved on. */
  async #host(
    entry: Entry,
    session: TaskSession,
    receiveSecret: Secret | undefined,
  ): Promise<Host<unknown> | undefined> {
    try {
      return await entry.task.host(
        session,
        receiveSecret?.use((bytes) => bytes.slice()),
      );
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const code = error.code === 'expired' ? 'expired' : 'denied';
      this.#apply(entry, { type: 'cancel', code, reason: error.message });
      this.#decline(entry, error.message);
      return undefined;
    } finally {
      receiveSecret?.wipe();
    }
  }

  async #ended(entry: Entry, ending: Ending<unknown>, session: TaskSession): Promise<void> {
    const { task } = entry;
    const peerOf = (party: Party): PeerId => this.#peers(task).find(([one]) => one === party)?.[1] as PeerId;
    entry.session = undefined;
    switch (ending.type) {
      case 'left':
        return;
      case 'done': {
        const elapsed = Math.round(this.#workshop.clock.monotonic() - entry.since);
        const outcome = await task.complete(ending.result, session, elapsed);
        if (outcome.type === 'prepared') {
          this.#apply(entry, { type: 'prepared' });
          const { keyId, epoch } = task as KeygenTask;
          this.#activations.prepared(keyId, epoch);
          return;
        }
        this.#apply(entry, outcome);
        this.#tellResult(
          entry,
          session.start.participants.map(({ party }) => party),
        );
        return;
      }
      case 'cheated': {
        const culprits = [...new Set(ending.blames.map(({ party }) => peerOf(party)))];
        await this.#recordBlames(entry, ending.blames, session);
        const names = ending.blames.map(({ party, code }) => `${this.#nameOf(task, party)} (${code})`).join(', ');
        this.#broke(entry, `somebody cheated: ${names}`, ending.blames, culprits, []);
        return;
      }
      case 'silent': {
        const suspects = ending.missing.map(peerOf);
        const names = ending.missing.map((party) => this.#nameOf(task, party)).join(', ');
        this.#broke(entry, `nothing came from ${names || 'the others'} in round ${ending.round}`, [], [], suspects);
        return;
      }
    }
  }

  #broke(
    entry: Entry,
    reason: string,
    blames: (CeremonyEvent & { readonly type: 'broke' })['blames'],
    culprits: readonly PeerId[],
    suspects: readonly PeerId[],
  ): void {
    const until = this.#workshop.clock.monotonic() + limits.suspicion;
    for (const peer of [...culprits, ...suspects]) this.#suspected.set(peer, until);
    this.#workshop.log.warn('a session broke', { ceremony: entry.id, key: entry.task.keyName, reason });
    this.#apply(entry, { type: 'broke', reason, blames, culprits, suspects });
  }

  async #recordBlames(
    { id, task }: Entry,
    blames: (CeremonyEvent & { readonly type: 'broke' })['blames'],
    { sid }: TaskSession,
  ): Promise<void> {
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

  /** Those who did not take part learn the signature from those who did. */
  #tellResult(entry: Entry, signers: readonly Party[]): void {
    for (const [party, peer] of this.#peers(entry.task)) {
      if (!signers.includes(party)) this.#sendResult(entry, peer);
    }
  }

  #sendResult({ ceremony: { state }, task }: Entry, peer: PeerId): void {
    if (state.name !== 'done' || state.result.type !== 'signature') return;
    const signers = state.participants.flatMap((one) => this.#partyOf(task, one) ?? []);
    const signature = Uint8Array.from(Buffer.from(state.result.signature, 'hex'));
    this.#send(peer, { type: 'result', value: { request: task.id, signature, signers } });
  }

  #keyActive(keyId: Uint8Array, epoch: number): void {
    for (const entry of this.#entries.values()) {
      const { task } = entry;
      if (!(task instanceof KeygenTask) || !equal(task.keyId, keyId) || task.epoch !== epoch) continue;
      const publicKey = this.#workshop.publicKeyOf(keyId, epoch);
      this.#apply(entry, { type: 'finished', result: { type: 'key', publicKey: toHex(publicKey), epoch } });
    }
    const name = this.#workshop.keys.get(keyId)?.name ?? '';
    for (const { peer, item } of this.#earlyRequests.take(name)) this.#inBackground(this.#onRequest(peer, item));
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
        return this.#onRegistration(peer, frame.value);
      case 'start':
        return this.#onStart(peer, frame.value);
      case 'envelope':
        return this.#onEnvelope(peer, frame.value);
      case 'waiting':
        return this.#onWaiting(peer, frame.value);
      case 'declined':
        return this.#onDeclined(peer, frame.value);
      case 'result':
        return this.#inBackground(this.#onResult(frame.value));
      case 'ready':
      case 'certificate':
      case 'activated':
        return this.#activations.handle(peer, frame);
    }
  }

  async #onRequest(peer: PeerId, { kind, body }: FrameOf<'request'>): Promise<void> {
    if (kind !== kinds.keygen && kind !== kinds.sign) return;
    const name = kind === kinds.keygen ? 'keygen' : 'sign';
    if ((this.#unheard.get(peer) ?? 0) > this.#workshop.clock.monotonic()) return;
    try {
      const entry = await this.#admit(name, body, peer);
      const { state } = entry.ceremony;
      if (state.name === 'failed') {
        this.#send(peer, { type: 'declined', value: { request: entry.task.id, reason: printable(state.reason) } });
      }
      this.#sendResult(entry, peer);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#countRefusal(peer);
      const key = name === 'sign' ? SignTask.keyOf(body) : undefined;
      if (error.code === 'key-unknown' && key !== undefined && this.#workshop.keys.byName(key) !== undefined) {
        // Our share is on disk and the certificate on its way: whoever sent this is a moment ahead.
        this.#earlyRequests.keep(peer, key, { kind, body }, body.length);
        return;
      }
      const request = name === 'keygen' ? KeygenTask.idOf(body) : SignTask.idOf(body);
      if (request === undefined) return;
      this.#send(peer, { type: 'declined', value: { request, reason: printable(error.message) } });
    }
  }

  /** Every refusal is an audit record: a peer that earns too many is not heard for a while. */
  #countRefusal(peer: PeerId): void {
    const { clock, log } = this.#workshop;
    const budget = this.#refusals.get(peer) ?? new Budget(clock, limits.refusalsPerSecond, limits.refusalsBurst);
    this.#refusals.set(peer, budget);
    if (budget.spend(1)) return;
    this.#unheard.set(peer, clock.monotonic() + limits.unheard);
    log.warn('a peer sends too many requests that are refused', { peer });
  }

  #onRegistration(peer: PeerId, registration: Registration): void {
    const id = toHex(registration.request);
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      this.#earlyRegistrations.keep(peer, id, registration, 512);
      return;
    }
    const { task } = entry;
    if (isOver(entry.ceremony)) return this.#sendResult(entry, peer);
    const party = this.#partyOf(task, peer);
    const member = task.members.find((one) => one.party === party);
    const fits =
      member !== undefined &&
      equal(member.node, registration.node) &&
      equal(registration.digest, task.digest) &&
      registration.epoch === task.epoch &&
      equal(registration.network, this.#workshop.config.networkId);
    if (party === undefined || !fits || !verifyRegistration(registration, this.#workshop.tools.signatures)) return;
    const turns = rendezvous(
      'signer',
      task.id,
      task.epoch,
      task.members.map(({ node }) => node),
    );
    this.#coordinator.registered(
      {
        network: registration.network,
        kind: kinds[task.kind],
        request: task.id,
        digest: task.digest,
        epoch: task.epoch,
        need: task.need,
        members: task.members,
        turns: turns.map((node) => task.members.find((one) => equal(one.node, node))?.party as Party),
      },
      party,
      registration,
    );
  }

  #sendStart(start: Start): void {
    const entry = this.#entries.get(toHex(start.request));
    if (entry === undefined) return;
    for (const { party } of start.participants) {
      const peer = this.#peers(entry.task).find(([one]) => one === party)?.[1];
      if (peer !== undefined) this.#send(peer, { type: 'start', value: start });
      else this.#onStart(this.#network.self, start);
    }
  }

  /** Whoever sends it: a Start counts by what it lists, and each of our registrations is good for one. */
  #onStart(peer: PeerId, start: Start): void {
    const entry = this.#entries.get(toHex(start.request));
    const registration = entry?.registration;
    if (entry === undefined || registration === undefined || entry.ceremony.state.name !== 'accepted') return;
    const { task } = entry;
    const own = start.participants.find(({ registration: { node } }) => equal(node, this.#workshop.key.publicKey));
    const fault =
      own === undefined || !equal(own.registration.nonce, registration.value.nonce)
        ? 'it does not list our latest registration'
        : start.kind !== kinds[task.kind] || !equal(start.digest, task.digest) || start.epoch !== task.epoch
          ? 'it is for something else'
          : start.participants.length < task.need || (task.kind === 'keygen' && start.participants.length !== task.need)
            ? 'too few take part'
            : faultOf(start, membersOf(task), this.#workshop.tools.signatures, task.receives);
    if (fault !== undefined) {
      this.#workshop.log.warn('refused a start', { ceremony: entry.id, peer, fault });
      return;
    }
    entry.registration = undefined;
    entry.cancels.get('silence')?.();
    entry.cancels.get('patience')?.();
    const participants = start.participants.map(({ registration: { node } }) => this.#options.peerOf(node));
    this.#apply(entry, { type: 'started', participants });
    this.#inBackground(this.#begin(entry, start, registration.receiveSecret));
  }

  #onEnvelope(peer: PeerId, envelope: Uint8Array): void {
    // Version, network, session: the layout of envelopes is fixed.
    const sid = toHex(envelope.subarray(33, 65));
    const entry = this.#sessions.get(sid);
    if (entry === undefined) this.#earlyEnvelopes.keep(peer, sid, envelope, envelope.length);
    else this.#toSession(entry, peer, envelope);
  }

  #toSession({ session }: Entry, peer: PeerId, envelope: Uint8Array): void {
    const party = session?.parties.get(peer);
    if (party !== undefined) session?.run.receive(party, envelope);
  }

  #onWaiting(peer: PeerId, { request }: FrameOf<'waiting'>): void {
    const entry = this.#entries.get(toHex(request));
    if (entry?.ceremony.state.name === 'accepted' && entry.ceremony.state.coordinator === peer)
      this.#expectCoordinator(entry);
  }

  /** Advice: a member says that it will not take part. Enough of them, and it cannot work. */
  #onDeclined(peer: PeerId, { request, reason }: FrameOf<'declined'>): void {
    const entry = this.#entries.get(toHex(request));
    if (entry === undefined || isOver(entry.ceremony) || this.#partyOf(entry.task, peer) === undefined) return;
    entry.declined.set(peer, printable(reason));
    const { members, need } = entry.task;
    if (members.length - entry.declined.size >= need || entry.ceremony.state.name === 'confirming')
      return this.#changed(entry);
    const reasons = [...entry.declined].map(([one, why]) => `${this.#workshop.nameOfPeer(one)}: ${why}`).join('; ');
    this.#apply(entry, { type: 'cancel', code: 'denied', reason: `too many members decline: ${reasons}` });
  }

  async #onResult({ request, signature, signers }: FrameOf<'result'>): Promise<void> {
    const entry = this.#entries.get(toHex(request));
    if (entry === undefined || isOver(entry.ceremony) || !(entry.task instanceof SignTask)) return;
    // Every signer tells it.
    if (entry.recording || !entry.task.answers(signature)) return;
    entry.recording = true;
    const elapsed = Math.round(this.#workshop.clock.monotonic() - entry.since);
    const claimed = entry.task.members.filter(({ party }) => signers.includes(party));
    const parties = claimed.map(({ party }) => party);
    const participants = claimed.map(({ node }) => this.#options.peerOf(node));
    this.#apply(entry, { ...(await entry.task.record(signature, parties, elapsed)), participants });
  }

  // ---- peers

  #greet(peer: PeerId): void {
    this.#activations.greet(peer);
    for (const entry of this.#openEntries()) {
      if (this.#partyOf(entry.task, peer) === undefined) continue;
      this.#spread(entry, [peer]);
      this.#apply(entry, { type: 'joined', peer });
    }
  }

  #lost(peer: PeerId): void {
    for (const entry of this.#openEntries()) {
      const { state } = entry.ceremony;
      if (state.name === 'accepted' && state.coordinator === peer) this.#apply(entry, { type: 'stalled' });
    }
  }

  #live(): ReadonlySet<PeerId> {
    const connected = [...this.#network.peers().values()].filter((peer) => peer.connected);
    return new Set([this.#network.self, ...connected.map(({ peer }) => peer)]);
  }

  /** The other members of a task's committee. */
  #peers({ members }: Task): readonly (readonly [Party, PeerId])[] {
    return members
      .map(({ party, node }) => [party, this.#options.peerOf(node)] as const)
      .filter(([, peer]) => peer !== this.#network.self);
  }

  #others(task: Task): readonly PeerId[] {
    return this.#peers(task).map(([, peer]) => peer);
  }

  #partyOf({ members }: Task, peer: PeerId): Party | undefined {
    return members.find(({ node }) => this.#options.peerOf(node) === peer)?.party;
  }

  #nameOf({ members }: Task, party: Party): string {
    const node = members.find((member) => member.party === party)?.node;
    return node === undefined ? `party ${party}` : this.#workshop.nameOf(node);
  }

  /** Fire and forget: whoever is not there now is greeted when it comes, and silence is the deadlines' business. */
  #send(peer: PeerId, frame: NodeFrame): void {
    if (peer === this.#network.self) return;
    this.#network.send(peer, encodeFrame(frame)).catch((error: unknown) => {
      this.#workshop.log.debug('could not send', { peer, frame: frame.type, error });
    });
  }

  #decline(entry: Entry, reason: string): void {
    for (const peer of this.#others(entry.task)) {
      this.#send(peer, { type: 'declined', value: { request: entry.task.id, reason: printable(reason) } });
    }
  }

  // ---- bookkeeping

  #openEntries(): readonly Entry[] {
    return [...this.#entries.values()].filter((entry) => !isOver(entry.ceremony));
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new ServiceError('ceremony-unknown', `this node knows no ceremony ${id}`);
    return entry;
  }

  #timer(entry: Entry, name: string, milliseconds: number, run: () => void): void {
    entry.cancels.get(name)?.();
    entry.cancels.set(name, this.#workshop.clock.after(milliseconds, run));
  }

  #changed(entry: Entry): void {
    entry.updatedAt = this.#workshop.clock.now();
    for (const seen of this.#followers) seen(this.#view(entry));
    if (!isOver(entry.ceremony)) return;
    for (const wake of entry.waiting) wake();
    entry.waiting.clear();
  }

  #view(entry: Entry): CeremonyView {
    return viewOf(entry, this.#workshop);
  }

  #prune(): void {
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= limits.rememberedCeremonies) return;
      if (isOver(entry.ceremony)) this.#entries.delete(id);
    }
  }

  /** A bug or a dead disk in background work: nothing may go on as if nothing had happened. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#options.fatal(error));
  }

  /** As `#inBackground`, for work whose caller is told, too. */
  async #failStop<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof ServiceError)) this.#options.fatal(error);
      throw error;
    }
  }
}

/** A request that failed may be tried again by whoever sends it again; what the operator cancelled, only from here. */
function mayRetry({ ceremony: { state } }: Entry, peer: PeerId | undefined): boolean {
  return state.name === 'failed' && (peer === undefined || state.code !== 'cancelled');
}

function isProposedBy(task: Task, other: Task): boolean {
  return (
    task instanceof KeygenTask && other instanceof KeygenTask && equal(task.proposal.proposer, other.proposal.proposer)
  );
}

function membersOf({ members }: Task): ReadonlyMap<Party, Uint8Array> {
  return new Map(members.map(({ party, node }: Member) => [party, node]));
}

/** What may stand in a frame's or a view's reason: printable ASCII, short. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, MAX_REASON);
}
