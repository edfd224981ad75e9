import { equal, toHex } from '@quorate/protocol';
import type { EpochInfo } from '@quorate/storage';
import type { PeerId } from '../network/network.ts';
import { ServiceError } from '../service.ts';
import type { Book } from './book.ts';
import type { CeremonyEvent } from './ceremony.ts';
import type { Entry } from './entry.ts';
import { epochOf, headerOf } from './packages.ts';
import { RefreshTask } from './refresh.ts';
import { ReshareTask } from './reshare.ts';
import type { Seats } from './seats.ts';
import { SignTask } from './sign.ts';
import type { Task, Workshop } from './task.ts';

interface EpochChangesPort {
  readonly book: Book;
  readonly seats: Seats;
  peerOf(node: Uint8Array): PeerId;
  /** In which order the members of a task are asked to coordinate. */
  orderOf(task: Task): readonly PeerId[];
  apply(entry: Entry, event: CeremonyEvent): void;
  decline(entry: Entry, reason: string): void;
  /** Passes the request on. */
  spread(entry: Entry, peers: readonly PeerId[]): void;
  /** What was registered for the task that the entry had is void; it is registered for the one that it has. */
  registerAnew(entry: Entry, moved: () => void): void;
}

/** What another epoch of a key, once it is in use or about to be made, means for the ceremonies that are open. */
export class EpochChanges {
  readonly #workshop: Workshop;
  readonly #port: EpochChangesPort;

  constructor(workshop: Workshop, port: EpochChangesPort) {
    this.#workshop = workshop;
    this.#port = port;
  }

  /** Ends what made the epoch, and what it overtakes, and carries orders over to it. */
  taken(keyId: Uint8Array, epoch: number): void {
    const { book } = this.#port;
    const info = epochOf(this.#workshop.keys.get(keyId), epoch);
    for (const entry of book.entries.values())
      if (makes(entry, keyId, epoch) && info !== undefined && comesTo(entry, info)) this.#finish(entry);
    this.#workshop.presignatures.moveTo(keyId, epoch);
    this.#workshop.standings.renew();
    for (const entry of book.open()) {
      const { task } = entry;
      if (isOvertaken(entry, keyId, epoch)) this.#overtake(entry, `epoch ${epoch} took the place of this attempt`);
      if (task instanceof SignTask && equal(task.keyId, keyId) && task.epoch < epoch) this.#move(entry, task);
    }
  }

  /** Another attempt than the one that this node took part in is certified under its number. */
  superseded(keyId: Uint8Array, epoch: number): void {
    const reason = `another attempt was certified as epoch ${epoch}`;
    for (const entry of this.#port.book.open())
      if (makes(entry, keyId, epoch)) this.#port.apply(entry, { type: 'cancel', code: 'conflict', reason });
  }

  #finish(entry: Entry): void {
    const { epoch, keyId } = entry.task;
    const publicKey = toHex(this.#workshop.publicKeyOf(keyId, epoch));
    this.#port.apply(entry, { type: 'finished', result: { type: 'key', publicKey, epoch } });
  }

  /**
   * This node has accepted a reshare, or begins it: what refreshes the key meanwhile ends, unless it is prepared. The number of one
   * that is prepared first may be the higher one, and its last READY be withheld: then nothing comes of either.
   */
  reshares({ task }: Entry): void {
    if (!(task instanceof ReshareTask)) return;
    for (const entry of this.#port.book.open()) {
      if (!(entry.task instanceof RefreshTask) || !equal(entry.task.keyId, task.keyId) || isPrepared(entry)) continue;
      const reason = 'a reshare takes the place of this attempt';
      this.#overtake(entry, reason);
      this.#port.decline(entry, reason);
    }
  }

  #overtake(entry: Entry, reason: string): void {
    this.#port.apply(entry, { type: 'cancel', code: 'conflict', reason });
    if (entry.task.kind !== 'renew' || entry.task instanceof ReshareTask) this.#port.decline(entry, reason);
  }

  /** Carries an order over to the epoch in use: whoever asked need not know that there are epochs. */
  #move(entry: Entry, task: SignTask): void {
    const { apply, orderOf, peerOf, registerAnew, seats, spread } = this.#port;
    const known = [...seats.others(task).values()];
    // Who joined the committee does not know it.
    const heirs = task.heirs().map(peerOf);
    spread(
      entry,
      heirs.filter((peer) => !known.includes(peer)),
    );
    try {
      entry.task = task.renewed();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      // This node left the committee, or froze the key: others go on, and whoever asked here is told.
      const code = error.code === 'not-member' ? 'moved' : 'denied';
      return apply(entry, { type: 'cancel', code, reason: error.message });
    }
    registerAnew(entry, () => apply(entry, { type: 'moved', order: orderOf(entry.task) }));
  }
}

/** Whether the epoch comes of it. */
function makes(entry: Entry, keyId: Uint8Array, epoch: number): boolean {
  const { task } = entry;
  const isMaking = task.effect === 'makes' || task.effect === 'renews';
  const isIt = isMaking && equal(task.keyId, keyId) && task.epoch === epoch;
  return isIt && (!(task instanceof ReshareTask) || isDealt(entry));
}

/** Whether the certified epoch is what was to come of it, and not another attempt that has its number. */
function comesTo({ task }: Entry, { publicPackage }: EpochInfo): boolean {
  return task.comesTo?.(headerOf(publicPackage)) ?? true;
}

/**
 * Whether it overtakes a renewal of the key that it is in a new epoch: what would be dealt from is in use no more, whatever its
 * number. Of one that is prepared with a higher number the certificate decides.
 */
function isOvertaken(entry: Entry, keyId: Uint8Array, epoch: number): boolean {
  const { task } = entry;
  const depends = task.effect === 'renews' || task.effect === 'reveals';
  if (!depends || !equal(task.keyId, keyId)) return false;
  if (task.base === undefined || task.epoch < epoch) return task.epoch < epoch;
  return task.base !== epoch && (task.epoch === epoch || !isPrepared(entry));
}

/** Whether a renewal is on the disk: then it may be certified at any time. */
function isPrepared({ ceremony: { state } }: Entry): boolean {
  return state.name === 'confirming';
}

/** Whether a reshare has come so far that it may be certified. */
function isDealt({ ceremony: { state } }: Entry): boolean {
  return state.name === 'running' || state.name === 'confirming';
}
