import {
  Abort,
  type Blame,
  type Court,
  hash,
  type Inbox,
  list,
  type NodeKey,
  type Outgoing,
  type Party,
  Session,
} from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { tags } from '../tags.ts';
import { endsItsSession, type Host, type Progress, ThreadDied } from './host.ts';

/** How a session ended at this member. */
export type Ending<T> =
  | { readonly type: 'done'; readonly result: T }
  /** Somebody cheated, and here is the evidence. */
  | { readonly type: 'cheated'; readonly blames: readonly Blame[] }
  /** Nothing came from `missing` in time, or they gave up. Nobody is to blame. */
  | { readonly type: 'silent'; readonly round: string; readonly missing: readonly Party[] }
  /** These failed a check that depends on our secrets. The ban is on disk. */
  | { readonly type: 'banned'; readonly parties: readonly Party[] }
  /** What it was computed by, or with, is gone at this member, for `reason`. It is no other's fault. */
  | { readonly type: 'lost'; readonly reason: string; readonly cause?: unknown }
  | { readonly type: 'left' };

export interface RunOptions<T> {
  readonly court: Court;
  readonly me: Party;
  readonly key: NodeKey;
  readonly host: Host<T>;
  readonly clock: Clock;
  /** Milliseconds for one round, and for all of them. */
  readonly deadlines: { readonly round: number; readonly session: number };
  send(to: Party, frame: Uint8Array): void;
  /** Records `{sid, round, digest}` durably; rejects if that round was answered before. */
  spend(round: string, digest: Uint8Array): Promise<void>;
  /** The check of a guarded round is over, and its outcome durable. Nobody waits for that to be written. */
  answered(round: string): void;
  /**
   * The thread died in a guarded round: nobody knows what the others learn of its check. Makes durable that nothing which the
   * check depended on is used again, or rejects.
   */
  unanswered(round: string): Promise<void>;
  /** Makes durable that these are never answered again; rejects if it cannot. */
  ban(parties: readonly Party[]): Promise<void>;
  /**
   * Around a guarded step, from before its secrets are spent until what came of it is durable: whoever holds the same
   * peers waits, so that no peer ever sees two checks answered at once. May reject: then the step is not taken.
   */
  guard<R>(step: () => Promise<R>): Promise<R>;
  onRound(label: string): void;
}

/**
 * Drives one protocol over the network: sends what it says, brings what the others say, keeps the deadlines. It ends by
 * result, by abort or by deadline; it never hangs, and it is never resumed.
 */
export class Run<T> {
  readonly #options: RunOptions<T>;
  readonly #session: Session;
  #label = 'start';
  #settle: ((ending: Ending<T>) => void) | undefined;
  #arrived: (() => void) | undefined;
  #cancelRound = (): void => undefined;

  constructor(options: RunOptions<T>) {
    this.#options = options;
    this.#session = new Session(options.court, options.me, options.key);
  }

  /** Runs to the end. Rejects on a bug only. */
  async run(): Promise<Ending<T>> {
    const { clock, deadlines, host } = this.#options;
    const ended = new Promise<Ending<T>>((resolve) => {
      this.#settle = resolve;
    });
    const cancel = clock.after(deadlines.session, () => this.#silent());
    try {
      return await Promise.race([ended, this.#drive()]);
    } catch (error) {
      if (!endsItsSession(error)) throw error;
      this.lose(error.message, error instanceof ThreadDied ? error.cause : error);
      return await ended;
    } finally {
      cancel();
      this.#cancelRound();
      this.#settle = undefined;
      host.close();
    }
  }

  /** A frame of this session from the peer that plays `from`. */
  receive(from: Party, frame: Uint8Array): void {
    if (this.#settle === undefined) return;
    this.#attempt(() => {
      if (this.#session.receive(from, frame) === 'accepted') this.#arrived?.();
    });
  }

  /** Ends the session because its outcome is not wanted any more; the others are told. */
  leave(): void {
    this.#leave({ type: 'left' });
  }

  /** Ends the session as if the others had fallen silent: another attempt may follow, without whom we ban by now. */
  giveUp(): void {
    this.#silent();
  }

  /** Ends the session for want of something at this member; the others are told that it leaves. */
  lose(reason: string, cause?: unknown): void {
    this.#leave({ type: 'lost', reason, cause });
  }

  async #drive(): Promise<Ending<T>> {
    const { clock, deadlines, host, onRound } = this.#options;
    let progress = await host.next(undefined);
    for (;;) {
      if (this.#settle === undefined) return { type: 'left' };
      if (progress.type === 'result') return { type: 'done', result: progress.result };
      if (progress.type === 'abort') return this.#aborted(progress.abort);
      const { round } = progress;
      this.#label = round.label;
      onRound(round.label);
      try {
        this.#sendAll(this.#session.open(round));
      } catch (error) {
        if (error instanceof Abort) return this.#aborted(error);
        throw error;
      }
      const opened = clock.monotonic();
      const inbox = await this.#complete();
      // After a standstill, what was waiting to be read may come before the timers: the round is over all the same.
      const late = (): boolean => this.#settle === undefined || clock.monotonic() - opened > deadlines.round;
      const next = round.guarded
        ? await this.#guarded(round.label, inbox, late)
        : late()
          ? 'late'
          : await host.next(inbox);
      if (next === 'late') {
        this.#silent();
        return { type: 'left' };
      }
      progress = next;
    }
  }

  /** One-time secrets are spent on disk before the step that uses them, and a ban is on disk before anything is said. */
  async #guarded(label: string, inbox: Inbox, late: () => boolean): Promise<Progress<T> | 'late'> {
    const { answered, ban, guard, spend } = this.#options;
    return await guard(async () => {
      await spend(label, inboxDigest(inbox));
      const progress = late() ? 'late' : await this.#answer(label, inbox);
      if (progress !== 'late' && progress.type === 'abort' && progress.abort.bans.length > 0) {
        await ban(progress.abort.bans);
      }
      answered(label);
      return progress;
    });
  }

  async #answer(label: string, inbox: Inbox): Promise<Progress<T>> {
    const { host, unanswered } = this.#options;
    try {
      return await host.next(inbox);
    } catch (error) {
      // While the peers are held: no other check of theirs is answered before this is durable.
      if (endsItsSession(error)) await unanswered(label);
      throw error;
    }
  }

  /** Resolves with the inbox once nothing is missing; the deadlines end the session otherwise. */
  async #complete(): Promise<Inbox> {
    const { clock, deadlines } = this.#options;
    this.#cancelRound = clock.after(deadlines.round, () => this.#silent());
    try {
      for (;;) {
        const inbox = this.#session.inbox();
        if (inbox !== undefined) return inbox;
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      }
    } finally {
      this.#cancelRound();
      this.#arrived = undefined;
    }
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
      this.#end(this.#aborted(error));
    }
  }

  #aborted(abort: Abort): Ending<T> {
    if (abort.informant === undefined) this.#sendAll(this.#session.leave(abort));
    if (abort.bans.length > 0) return { type: 'banned', parties: abort.bans };
    if (abort.blames.length > 0) return { type: 'cheated', blames: abort.blames };
    const missing = this.#session.missing();
    const gone = missing.length === 0 && abort.informant !== undefined ? [abort.informant] : missing;
    return { type: 'silent', round: abort.round, missing: gone };
  }

  #silent(): void {
    this.#leave({ type: 'silent', round: this.#label, missing: this.#session.missing() });
  }

  /** The others are told, and of nobody. */
  #leave(ending: Ending<T>): void {
    if (this.#settle === undefined) return;
    this.#sendAll(this.#session.leave(new Abort(this.#label, [])));
    this.#end(ending);
  }

  /** The first end is the end: from here on nothing is said, not even of a cheat, since nobody would write it down. */
  #end(ending: Ending<T>): void {
    this.#settle?.(ending);
    this.#settle = undefined;
  }

  #sendAll(outgoing: readonly Outgoing[]): void {
    for (const { to, frame } of outgoing) this.#options.send(to, frame);
  }
}

/** H(inbox): what a guarded round's one-time secrets are used for. */
function inboxDigest({ transcript, directs }: Inbox): Uint8Array {
  const payloads = [...directs].sort(([a], [b]) => a - b).map(([, { payload }]) => payload);
  return hash(tags.inbox, transcript, list(payloads));
}
