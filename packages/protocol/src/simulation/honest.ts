import type { NodeKey } from '../primitives/signatures.ts';
import type { Inbox } from '../protocol.ts';
import { Abort, type Party, type Protocol, type Round } from '../protocol.ts';
import type { Court } from '../session/court.ts';
import { type Outgoing, Session } from '../session/session.ts';
import { tags } from '../tags.ts';
import { hash, list } from '../transcript.ts';

/** How a simulated party ended. `waiting` is what the driver's deadline would end. */
export type Outcome<T> =
  | { readonly type: 'done'; readonly result: T }
  | { readonly type: 'aborted'; readonly abort: Abort }
  | { readonly type: 'waiting'; readonly missing: readonly Party[]; readonly round: string };

/** What a driver writes down before it resumes a guarded round. */
export interface GuardRecord {
  readonly sid: Uint8Array;
  readonly round: number;
  /** The hash of what the round brought. */
  readonly digest: Uint8Array;
}

/** One party of a simulated committee: frames in, frames out. */
export interface Actor<T> {
  readonly party: Party;
  readonly guards: readonly GuardRecord[];
  start(): readonly Outgoing[];
  receive(from: Party, frame: Uint8Array): readonly Outgoing[];
  outcome(): Outcome<T>;
  /** The driver lets go of the protocol, however far it came. */
  close(): void;
}

/** A party that runs the protocol over the real session, as the node's driver does. */
export class Honest<T> implements Actor<T> {
  readonly party: Party;
  readonly guards: GuardRecord[] = [];
  readonly #session: Session;
  readonly #sid: Uint8Array;
  readonly #protocol: Protocol<T>;
  #round: Round | undefined;
  #end: Outcome<T> | undefined;

  constructor(court: Court, party: Party, key: NodeKey, protocol: Protocol<T>) {
    this.party = party;
    this.#session = new Session(court, party, key);
    this.#sid = court.sid;
    this.#protocol = protocol;
  }

  start(): readonly Outgoing[] {
    return this.#unlessAborted(() => this.#follow(this.#protocol.next(undefined as never)));
  }

  receive(from: Party, frame: Uint8Array): readonly Outgoing[] {
    if (this.#end !== undefined) return [];
    return this.#unlessAborted(() => {
      this.#session.receive(from, frame);
      return this.#advance();
    });
  }

  outcome(): Outcome<T> {
    return this.#end ?? { type: 'waiting', missing: this.#session.missing(), round: this.#round?.label ?? 'start' };
  }

  close(): void {
    this.#protocol.return(undefined as T);
  }

  #advance(): readonly Outgoing[] {
    const inbox = this.#session.inbox();
    if (inbox === undefined) return [];
    if (this.#round?.guarded === true) guard(this.guards, this.#sid, this.#session.round, inbox);
    return this.#follow(this.#protocol.next(inbox));
  }

  #follow(step: IteratorResult<Round, T>): readonly Outgoing[] {
    if (step.done === true) {
      this.#end = { type: 'done', result: step.value };
      return [];
    }
    this.#round = step.value;
    const out = this.#session.open(step.value);
    return [...out, ...this.#advance()];
  }

  #unlessAborted(act: () => readonly Outgoing[]): readonly Outgoing[] {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
      this.#end = { type: 'aborted', abort: error };
      return this.#session.leave(error);
    }
  }
}

/** Writes the record, once per round. @throws {Error} when it is there already: a nonce would be spent twice */
export function guard(records: GuardRecord[], sid: Uint8Array, round: number, inbox: Inbox): void {
  if (records.some((record) => record.round === round)) throw new Error(`round ${round} was resumed twice`);
  const envelopes = [...inbox.broadcasts.values(), ...inbox.directs.values()].map(({ envelope }) => envelope);
  records.push({ sid, round, digest: hash(tags.simulation, inbox.transcript, list(envelopes)) });
}
