import { equal } from '../bytes.ts';
import type { NodeKey } from '../primitives/signatures.ts';
import { Abort, type Blame, blame, type Inbox, type Party, type Round, type Signed } from '../protocol.ts';
import { accusationsOf, admit, type Court, digestOf, echoLength, echoOf, followed, judge } from './court.ts';
import {
  type EchoEntry,
  type Envelope,
  emptyTranscript,
  extendTranscript,
  type MessageClass,
  sealEnvelope,
  verifyEntry,
} from './envelope.ts';

/** A frame for one party. */
export interface Outgoing {
  readonly to: Party;
  readonly frame: Uint8Array;
}

/** Why a frame changed nothing. Silence, as far as blame goes: anybody on the way could have caused it. */
export type Verdict = 'accepted' | 'duplicate' | 'foreign' | 'misplaced';

/** One party's received messages of one round. */
type Received = Map<Party, Partial<Record<'broadcast' | 'direct', { envelope: Envelope; frame: Uint8Array }>>>;

/**
 * The wire side of one protocol run at one party: signs what the protocol says, admits what the others say, compares
 * echoes, and finds equivocation. Pure: bytes in, bytes out; it never waits and never resumes the protocol itself.
 *
 *   open(round) → frames to send;  receive(from, frame)…;  inbox() once nothing is missing;  open(next round)…
 *
 * `receive` and `open` throw {@link Abort} when somebody provably cheated.
 */
export class Session {
  readonly #court: Court;
  readonly #me: Party;
  readonly #key: NodeKey;
  #index = -1;
  #round: Round | undefined;
  #transcript: Uint8Array;
  #inbox: Inbox | undefined;
  /** By round: the current one and the next, whose messages may come early. */
  readonly #received = new Map<number, Received>();
  readonly #own = new Map<number, { entry: EchoEntry; signed: Signed }>();
  #label = 'start';

  constructor(court: Court, me: Party, key: NodeKey) {
    this.#court = court;
    this.#me = me;
    this.#key = key;
    this.#transcript = emptyTranscript(court.sid);
  }

  get others(): readonly Party[] {
    return this.#court.parties.filter((party) => party !== this.#me);
  }

  /** The index of the round that is open, from zero; -1 before the first. */
  get round(): number {
    return this.#index;
  }

  /** The protocol yielded `round`: returns its messages. @throws {Abort} if an early message turns out to be a lie */
  open(round: Round): readonly Outgoing[] {
    this.#checkSpec(round);
    const echo = this.#echo();
    this.#received.delete(this.#index - 1);
    this.#own.delete(this.#index - 1);
    this.#index++;
    this.#inbox = undefined;
    this.#round = round;
    this.#label = round.label;
    const out: Outgoing[] = [];
    if (round.broadcast !== undefined) {
      const { frame, entry } = this.#seal('broadcast', 0, echo, round.broadcast);
      this.#own.set(this.#index, { entry, signed: { payload: round.broadcast, envelope: frame } });
      for (const to of this.others) out.push({ to, frame });
    }
    for (const [to, payload] of round.direct ?? []) {
      const { frame } = this.#seal('direct', to, round.broadcast === undefined ? echo : [], payload);
      out.push({ to, frame });
    }
    for (const [, messages] of this.#received.get(this.#index) ?? []) {
      for (const message of Object.values(messages)) this.#checkEcho(message.envelope, message.frame);
    }
    return out;
  }

  /** A frame from the authenticated peer that plays `from`. @throws {Abort} */
  receive(from: Party, frame: Uint8Array): Verdict {
    const envelope = admit(this.#court, frame);
    if (envelope === undefined || envelope.from !== from || from === this.#me) return 'foreign';
    if (envelope.class === 'abort') this.#hear(envelope, frame);
    const { round, class: kind } = envelope as Envelope & { class: 'broadcast' | 'direct' };
    if (round < this.#index || round > this.#index + 1) return 'misplaced';
    if (this.#court.rounds[round]?.[kind] === undefined) return 'misplaced';
    if (kind === 'direct' && envelope.to !== this.#me) return 'misplaced';
    const messages = this.#messages(round, from);
    const before = messages[kind];
    if (before !== undefined) {
      if (equal(digestOf(before.envelope), digestOf(envelope))) return 'duplicate';
      throw this.#abort(blame(from, 'equivocation', [before.frame, frame]));
    }
    messages[kind] = { envelope, frame };
    if (round === this.#index) this.#checkEcho(envelope, frame);
    return 'accepted';
  }

  /** Whose messages of the open round have not come. */
  missing(): readonly Party[] {
    const expects = this.#round?.expects;
    if (expects === undefined) return [];
    const received = this.#received.get(this.#index);
    return this.others.filter((party) => {
      const messages = received?.get(party);
      return (
        (expects.broadcast && messages?.broadcast === undefined) || (expects.direct && messages?.direct === undefined)
      );
    });
  }

  /** What the open round brought, once nothing is missing. */
  inbox(): Inbox | undefined {
    const round = this.#round;
    if (this.#inbox !== undefined || round === undefined || this.missing().length > 0) return this.#inbox;
    const broadcasts = new Map<Party, Signed>();
    const directs = new Map<Party, Signed>();
    for (const party of this.#court.parties) {
      const own = party === this.#me ? this.#own.get(this.#index) : undefined;
      if (own !== undefined) broadcasts.set(party, own.signed);
      const messages = this.#received.get(this.#index)?.get(party);
      for (const kind of ['broadcast', 'direct'] as const) {
        const message = messages?.[kind];
        if (message === undefined || !round.expects[kind]) continue;
        (kind === 'broadcast' ? broadcasts : directs).set(party, {
          payload: message.envelope.payload,
          envelope: message.frame,
        });
      }
    }
    if (round.expects.broadcast) {
      const digests = this.#court.parties.map((party) => (this.#entry(this.#index, party) as EchoEntry).digest);
      this.#transcript = extendTranscript(this.#transcript, this.#index, digests);
    }
    this.#inbox = { broadcasts, directs, transcript: this.#transcript };
    return this.#inbox;
  }

  /** Tells the others why we stop: with evidence, or with none when we merely give up. */
  leave(abort: Abort): readonly Outgoing[] {
    const payload = accusationsOf(abort.blames.map(({ evidence }) => evidence));
    const { frame } = this.#seal('abort', 0, [], payload);
    return this.others.map((to) => ({ to, frame }));
  }

  /** The court judges by the rounds it was given: a protocol that runs others would have honest parties blamed. */
  #checkSpec(round: Round): void {
    const spec = this.#court.rounds[this.#index + 1];
    const { label, expects, broadcast, direct } = round;
    const agrees =
      spec?.label === label &&
      expects.broadcast === (spec.broadcast !== undefined) &&
      expects.direct === (spec.direct !== undefined) &&
      expects.broadcast === (broadcast !== undefined) &&
      (expects.direct ? this.others.every((party) => direct?.has(party)) : (direct?.size ?? 0) === 0);
    if (!agrees) throw new Error(`round ${label} is not the one that the session's court knows`);
  }

  #seal(kind: MessageClass, to: Party, echo: readonly EchoEntry[], payload: Uint8Array) {
    const { network, sid, kind: ceremony } = this.#court;
    const slot = { network, sid, kind: ceremony, round: Math.max(this.#index, 0), class: kind, from: this.#me, to };
    return sealEnvelope(slot, echo, payload, this.#key);
  }

  /** Somebody stops and says why. */
  #hear(envelope: Envelope, frame: Uint8Array): never {
    const said = followed(envelope.payload);
    if (said === undefined) throw new Abort(this.#label, [], envelope.from);
    const { accusations } = said;
    if (accusations?.every((evidence) => judge(this.#court, evidence)) !== true) {
      throw this.#abort(blame(envelope.from, 'false-accusation', [frame]));
    }
    throw new Abort(
      this.#label,
      accusations.map((evidence) => ({ party: evidence.accused, code: evidence.code, evidence })),
      envelope.from,
    );
  }

  /** Everything the sender says it received in the round before must be what we received. */
  #checkEcho(envelope: Envelope, frame: Uint8Array): void {
    const { from } = envelope;
    if (envelope.echo.length !== echoLength(this.#court, envelope))
      throw this.#abort(blame(from, 'false-echo', [frame]));
    if (envelope.echo.length === 0) return;
    for (const party of this.#court.parties) {
      const ours = this.#entry(this.#index - 1, party);
      const echoed = echoOf(this.#court, envelope, party);
      if (ours === undefined || echoed === undefined)
        throw new Error('a round was opened before its predecessor was complete');
      const theirs = echoed.entry;
      if (equal(ours.digest, theirs.digest) && equal(ours.signature, theirs.signature)) continue;
      const key = this.#court.keys.get(party) as Uint8Array;
      if (!verifyEntry(echoed.slot, theirs, key, this.#court.signatures)) {
        throw this.#abort(blame(from, 'false-echo', [frame]));
      }
      if (equal(ours.digest, theirs.digest)) continue;
      const direct = this.#received.get(this.#index - 1)?.get(party)?.broadcast?.frame;
      if (direct === undefined) throw new Error('a second signature of our own: the node key is in use elsewhere');
      throw this.#abort(blame(party, 'equivocation', [direct, frame]));
    }
  }

  /** What we received, or sent, as `party`'s broadcast of a round. */
  #entry(round: number, party: Party): EchoEntry | undefined {
    if (party === this.#me) return this.#own.get(round)?.entry;
    const envelope = this.#received.get(round)?.get(party)?.broadcast?.envelope;
    return envelope === undefined ? undefined : { digest: digestOf(envelope), signature: envelope.signature };
  }

  /** The echo of the open round, for the first message of the next. */
  #echo(): readonly EchoEntry[] {
    if (this.#round?.expects.broadcast !== true) return [];
    return this.#court.parties.map((party) => this.#entry(this.#index, party) as EchoEntry);
  }

  #messages(
    round: number,
    party: Party,
  ): Partial<Record<'broadcast' | 'direct', { envelope: Envelope; frame: Uint8Array }>> {
    const ofRound = this.#received.get(round) ?? new Map();
    this.#received.set(round, ofRound);
    const messages = ofRound.get(party) ?? {};
    ofRound.set(party, messages);
    return messages;
  }

  #abort(...blames: Blame[]): Abort {
    return new Abort(this.#label, blames);
  }
}
