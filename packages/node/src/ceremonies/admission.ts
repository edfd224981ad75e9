import { type CeremonyKind, equal, hash, kinds, toHex } from '@quorate/protocol';
import { limits } from '../limits.ts';
import { PeerBudgets } from '../network/budget.ts';
import type { PeerId } from '../network/network.ts';
import { preparations } from '../policy/preparation.ts';
import { refreshProposals, renewals } from '../policy/refresh-proposal.ts';
import { reshareProposals } from '../policy/reshare-proposal.ts';
import { ServiceError } from '../service.ts';
import { tags } from '../tags.ts';
import { isOver } from './ceremony.ts';
import type { Entry } from './entry.ts';
import { ExportTask } from './export.ts';
import { ImportTask } from './import.ts';
import { KeygenTask } from './keygen.ts';
import { PairsTask } from './pairs.ts';
import { PresignTask } from './presigning/presign.ts';
import { keyIn } from './proposals.ts';
import { RefreshTask } from './refresh.ts';
import { RepairTask } from './repair.ts';
import { ReshareTask } from './reshare.ts';
import { SignTask } from './sign.ts';
import type { Task, Workshop } from './task.ts';

/** A request that this node examined by its own rules; a signature, if it was answered before. */
export interface Admitted {
  readonly task: Task;
  readonly answer?: Uint8Array | undefined;
}

/** The ceremonies that requests begin. */
export type Kind = CeremonyKind;
const tasks: Readonly<Record<Kind, TaskKind>> = {
  keygen: KeygenTask,
  sign: SignTask,
  pairs: PairsTask,
  presign: PresignTask,
  renew: {
    admit: async (body, ...rest) => await renewalOf(body).admit(body, ...rest),
    idOf: (body) => renewalOf(body).idOf(body),
  },
  repair: RepairTask,
  import: ImportTask,
  export: ExportTask,
};

interface TaskKind {
  /** Checks a request by this node's own rules. @throws {ServiceError} when it refuses */
  admit(
    body: Uint8Array,
    from: string,
    workshop: Workshop,
    resharedBy: (key: string) => Uint8Array | undefined,
  ): Promise<Admitted>;
  /** The id of an encoded request, if it is one. */
  idOf(body: Uint8Array): Uint8Array | undefined;
}

/** Which key a proposal is about that anybody may make again and again: each costs work and an audit record, and leaves a trace. */
const keysOf: Partial<Readonly<Record<Kind, (body: Uint8Array) => string | undefined>>> = {
  renew: (body) => (body[1] === renewals.reshare ? keyIn(reshareProposals, body) : keyIn(refreshProposals, body)),
  pairs: (body) => keyIn(preparations, body),
};

/** Which of the two a proposal is, by the byte after its version. */
function renewalOf(body: Uint8Array): TaskKind {
  return body[1] === renewals.reshare ? ReshareTask : RefreshTask;
}

/** Where requests come in: each is examined once, however many peers bring it, and only as many as there is room for. */
export class Admission {
  readonly #workshop: Workshop;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #open: (admitted: Admitted) => Entry;
  /** Under way, by the hash of the body: several peers bring the same request at once. */
  readonly #underWay = new Map<string, Promise<Entry>>();
  readonly #refusals: PeerBudgets;
  readonly #proposals: PeerBudgets;
  readonly #renewals: PeerBudgets;
  /** Presignings need no client: a member could keep the others busy with them. */
  readonly #presignings: PeerBudgets;
  /** Whoever has a member's node key could have its share given back again and again. */
  readonly #repairs: PeerBudgets;
  readonly #unheard = new Map<PeerId, number>();

  /** @param open makes an entry of a request that was admitted */
  constructor(workshop: Workshop, entries: ReadonlyMap<string, Entry>, open: (admitted: Admitted) => Entry) {
    this.#workshop = workshop;
    this.#entries = entries;
    this.#open = open;
    const { clock, config } = workshop;
    this.#refusals = new PeerBudgets(clock, limits.refusalsPerSecond, limits.refusalsBurst);
    this.#proposals = new PeerBudgets(clock, limits.proposalsPerSecond, limits.proposalsBurst);
    this.#renewals = new PeerBudgets(clock, renewalsPerSecond(config.refreshInterval), limits.renewalsBurst);
    this.#presignings = new PeerBudgets(clock, limits.presigningsPerSecond, limits.presigningsBurst);
    this.#repairs = new PeerBudgets(clock, limits.repairsPerSecond, limits.repairsBurst);
  }

  /**
   * The ceremony of a request.
   * @param peer who sent it; undefined when it was submitted at this node
   * @throws {ServiceError} when this node refuses it
   */
  async admit(kind: Kind, body: Uint8Array, peer: PeerId | undefined): Promise<Entry> {
    this.#workshop.standings.expectWell();
    const id = idOf(kind, body);
    const known = id === undefined ? undefined : this.#entries.get(toHex(id));
    if (known !== undefined && equal(known.task.body, body) && !mayRetry(known, peer)) return known;
    const fingerprint = toHex(hash(tags.admission, Uint8Array.of(kinds[kind]), body));
    const admission = this.#underWay.get(fingerprint) ?? this.#examine(kind, body, peer);
    this.#underWay.set(fingerprint, admission);
    try {
      return await admission;
    } finally {
      this.#underWay.delete(fingerprint);
    }
  }

  /** Whether requests of `peer` are listened to. */
  hears(peer: PeerId): boolean {
    return (this.#unheard.get(peer) ?? 0) <= this.#workshop.clock.monotonic();
  }

  /** Every refusal is an audit record: a peer that earns too many is not heard for a while. */
  refused(peer: PeerId): void {
    const { clock, log } = this.#workshop;
    if (this.#refusals.spend(peer)) return;
    this.#unheard.set(peer, clock.monotonic() + limits.unheard);
    log.warn('a peer sends too many requests that are refused', { peer });
  }

  async #examine(kind: Kind, body: Uint8Array, peer: PeerId | undefined): Promise<Entry> {
    if (peer !== undefined) this.#spend(kind, body, peer);
    const from = peer === undefined ? 'local' : this.#workshop.nameOfPeer(peer);
    const admitted: Admitted = await tasks[kind].admit(body, from, this.#workshop, (key) => this.#resharedBy(key));
    // While it was looked at, this node may have been shown that it was put back or runs twice.
    this.#workshop.standings.expectWell();
    const existing = this.#entries.get(toHex(admitted.task.id));
    if (existing !== undefined && !mayRetry(existing, peer)) return existing;
    this.#checkRoom(admitted.task);
    return this.#open(admitted);
  }

  /** Who proposed the reshare that the epoch of a key in use came of, if it came of one in this life of the node. */
  #resharedBy(name: string): Uint8Array | undefined {
    const epoch = this.#workshop.keys.byName(name)?.current?.epoch;
    const reshared = [...this.#entries.values()].flatMap(({ ceremony, task }) =>
      ceremony.state.name === 'done' && task instanceof ReshareTask ? task : [],
    );
    return reshared.find((task) => task.keyName === name && task.epoch === epoch)?.proposer;
  }

  /** Before anything is done or written down for a peer. */
  #spend(kind: Kind, body: Uint8Array, peer: PeerId): void {
    if (kind === 'presign' && !this.#presignings.spend(peer))
      throw new ServiceError('busy', 'this member proposes too many presignings');
    if (kind === 'repair' && !this.#repairs.spend(peer))
      throw new ServiceError('busy', 'this member asks for too many repairs');
    if (kind === 'sign' || kind === 'presign') return;
    if (!this.#proposals.spend(peer)) throw new ServiceError('busy', 'this member proposes too much');
    const name = keysOf[kind]?.(body);
    const key = name === undefined ? undefined : this.#workshop.keys.byName(name);
    if (key !== undefined && !this.#renewals.spend(`${kind}/${peer}/${key.name}`))
      throw new ServiceError('busy', `this member has shares of ${key.name} dealt anew too often`);
  }

  #checkRoom(task: Task): void {
    const open = [...this.#entries.values()].filter((entry) => !isOver(entry.ceremony));
    const ofKey = open.filter((entry) => entry.task.keyName === task.keyName);
    const waiting = open.filter(({ ceremony }) => ceremony.state.name === 'confirming');
    if (open.length - waiting.length >= limits.openInAll || ofKey.length >= limits.openPerKey) {
      throw new ServiceError('busy', 'too many requests are open; wait for some of them');
    }
    // One that is prepared here may never be certified, because others have failed: the next one overtakes it.
    const now = this.#workshop.clock.now();
    if (task.kind === 'renew' && ofKey.some((one) => hinders(one, task, now) && !isOutdone(one, task))) {
      throw new ServiceError('busy', `the shares of ${task.keyName} are being dealt anew`);
    }
    if (
      task.kind === 'presign' &&
      ofKey.filter((entry) => entry.task.kind === 'presign').length >= limits.openPresignings
    ) {
      throw new ServiceError('busy', `presignings of ${task.keyName} are under way`);
    }
    if (task.effect === 'makes' && ofKey.some((entry) => entry.task.effect === 'makes')) {
      throw new ServiceError('name-taken', `a key ${task.keyName} is being made`);
    }
    if (open.some((entry) => isRival(entry, task) && !yields(entry, task))) {
      throw new ServiceError('busy', `the same is being done for ${task.keyName} already`);
    }
    // What only waits for READY may do so for ever, and its proposer is perhaps not who withholds it.
    const ofProposer = (entries: readonly Entry[]): number =>
      entries.filter((entry) => isProposedBy(entry.task, task)).length;
    const withheld = ofProposer(waiting);
    if (ofProposer(open) - withheld >= limits.openPerProposer || withheld >= limits.withheldPerProposer) {
      const reason = 'this member proposed other keys that are still being made; wait for some of them';
      throw new ServiceError('busy', reason);
    }
  }
}

/** How many renewals of a key a peer may propose: all that are due, where one a day is not often enough. @param refreshInterval seconds; 0: none */
export function renewalsPerSecond(refreshInterval: number): number {
  return Math.max(limits.renewalsPerSecond, refreshInterval === 0 ? 0 : 1 / refreshInterval);
}

/** The request id of an encoded request, if it is one. */
export function idOf(kind: Kind, body: Uint8Array): Uint8Array | undefined {
  return tasks[kind].idOf(body);
}

/** Which ceremony a number on the wire stands for, if requests begin it. */
export function kindOf(number: number): Kind | undefined {
  return (Object.keys(tasks) as Kind[]).find((kind) => kinds[kind] === number);
}

/**
 * A request that failed may be tried again by whoever sends it again; what the operator cancelled, only from here. So what failed in
 * its only session, for nobody would join another. And a repair: whoever lost its share asks anew, and what still goes around of an
 * earlier attempt must not take the newer one's place.
 */
function mayRetry({ ceremony: { state }, task }: Entry, peer: PeerId | undefined): boolean {
  if (state.name !== 'failed') return false;
  const isSpent = task.kind === 'repair' || (task.kind !== 'sign' && state.participants.length > 0);
  return peer === undefined || (state.code !== 'cancelled' && !isSpent);
}

/**
 * Whether shares are being dealt anew, and not yet prepared. One that operators are shown may wait for them for long: that
 * hinders nothing.
 */
export function isRefreshing({ ceremony, task }: Entry): boolean {
  if (task.kind !== 'renew' || isOver(ceremony) || ceremony.state.name === 'confirming') return false;
  return ceremony.state.name === 'running' || task.shown === undefined;
}

/**
 * Whether a renewal must wait for another. A reshare is what operators want, perhaps without a member that deals without end: it
 * waits for no refresh, nor for a reshare whose proposer it leaves out (which of the two is prepared first, goes on), and where it was
 * accepted, or waits for its certificate, whom it leaves out refreshes nothing meanwhile, for an hour.
 */
function hinders(other: Entry, newer: Task, now: number): boolean {
  const { ceremony, task } = other;
  if (!(task instanceof ReshareTask)) return isRefreshing(other) && !(newer instanceof ReshareTask);
  if (newer instanceof ReshareTask) return isRefreshing(other) && !newer.leavesOut(task.proposer);
  const { name } = ceremony.state;
  const isPending = name === 'accepted' || (name === 'confirming' && now < task.expires);
  return isRefreshing(other) || (isPending && newer.proposer !== undefined && task.leavesOut(newer.proposer));
}

/** Whether one waits for nothing any more: its proposer has given it up, for it proposes another. */
export function isOutdone({ ceremony: { state }, task }: Entry, newer: Task): boolean {
  const waits = state.name === 'proposed' || state.name === 'accepted';
  return waits && task.isOutdoneBy?.(newer) === true;
}

/** Whether only one of the two may go on. */
export function isRival({ task }: Entry, newer: Task): boolean {
  return task !== newer && task.rival !== undefined && task.rival === newer.rival;
}

function yields({ ceremony, task }: Entry, newer: Task): boolean {
  return task.yieldsTo?.(newer, ceremony.state.name === 'running') === true;
}

function isProposedBy(task: Task, { effect, proposer }: Task): boolean {
  if (task.effect !== 'makes' || effect !== 'makes') return false;
  return task.proposer !== undefined && proposer !== undefined && equal(task.proposer, proposer);
}
