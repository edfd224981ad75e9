import { equal, toHex } from '@quorate/protocol';
import type { KeyInfo } from '@quorate/storage';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { type CeremonyView, ServiceError } from '../service.ts';
import { isOver, propose } from './ceremony.ts';
import { type Entry, viewOf } from './entry.ts';
import type { Task, Workshop } from './task.ts';

/** The ceremonies that this node knows: those that are open, and the last ones that are over. Whoever waits for one is told. */
export class Book {
  readonly #workshop: Workshop;
  readonly #entries = new Map<string, Entry>();
  readonly #followers = new Set<(ceremony: CeremonyView) => void>();

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** Takes a request in, in the place of an earlier attempt at it. @param order in which members are asked to coordinate */
  add(task: Task, order: readonly PeerId[]): Entry {
    const id = toHex(task.id);
    const { clock } = this.#workshop;
    const now = clock.now();
    const entry: Entry = {
      task,
      id,
      ceremony: propose(task.kind, order),
      since: clock.monotonic(),
      createdAt: now,
      updatedAt: now,
      declined: new Map(),
      told: 0,
      waiting: new Set(),
      cancels: new Map(),
      registration: undefined,
      session: undefined,
      recording: false,
    };
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#prune();
    return entry;
  }

  /** @throws {ServiceError} `ceremony-unknown` */
  get(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new ServiceError('ceremony-unknown', `this node knows no ceremony ${id}`);
    return entry;
  }

  /** Those that somebody waits for. */
  open(): readonly Entry[] {
    return [...this.#entries.values()].filter((entry) => !isOver(entry.ceremony) && !isInBackground(entry));
  }

  /** What somebody asked for, newest first. */
  list(): readonly CeremonyView[] {
    const asked = [...this.#entries.values()].filter((entry) => !isInBackground(entry));
    return asked.map((entry) => this.view(entry)).reverse();
  }

  /** The highest number of an epoch of a key that somebody who declined a renewal of the one in use says to know, or zero. */
  told({ current, keyId }: KeyInfo): number {
    const since = [...this.#entries.values()].filter(
      ({ task }) => task.kind === 'renew' && equal(task.keyId, keyId) && task.epoch > (current?.epoch ?? 0),
    );
    return Math.max(0, ...since.map(({ told }) => told));
  }

  view(entry: Entry): CeremonyView {
    return viewOf(entry, this.#workshop);
  }

  /** The ceremony once it is over, or as it is when the time is up. @throws {ServiceError} `ceremony-unknown` */
  async wait(id: string, milliseconds: number): Promise<CeremonyView> {
    const entry = this.get(id);
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
    return this.view(entry);
  }

  /** Calls `seen` for every change until the returned function is called. */
  follow(seen: (ceremony: CeremonyView) => void): () => void {
    this.#followers.add(seen);
    return () => void this.#followers.delete(seen);
  }

  /** Tells followers, and when it is over those who wait. */
  changed(entry: Entry): void {
    entry.updatedAt = this.#workshop.clock.now();
    if (!isInBackground(entry)) for (const seen of this.#followers) seen(this.view(entry));
    if (!isOver(entry.ceremony)) return;
    for (const wake of entry.waiting) wake();
    entry.waiting.clear();
  }

  /** Runs something later, unless the same is set anew or the ceremony is left before. */
  timer(entry: Entry, name: string, milliseconds: number, run: () => void): void {
    entry.cancels.get(name)?.();
    entry.cancels.set(name, this.#workshop.clock.after(milliseconds, run));
  }

  #prune(): void {
    let preparations = [...this.#entries.values()].filter(isInBackground).length;
    for (const [id, entry] of this.#entries) {
      if (preparations <= limits.rememberedPreparations) break;
      if (isInBackground(entry) && isOver(entry.ceremony)) {
        this.#entries.delete(id);
        preparations--;
      }
    }
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= limits.rememberedCeremonies) return;
      if (isOver(entry.ceremony)) this.#entries.delete(id);
    }
  }
}

/** Nobody asked for it, nobody waits for it. */
function isInBackground({ task }: Entry): boolean {
  return task.kind === 'presign';
}
