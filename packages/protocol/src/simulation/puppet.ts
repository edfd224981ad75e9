import { EncodingError } from '../groups/group.ts';
import type { NodeKey } from '../primitives/signatures.ts';
import { Abort, type Inbox, type Party, type Protocol, type Round, type Signed } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { accusationsCodec, admit, type Court, echoLength } from '../session/court.ts';
import {
  bodyDigest,
  decodeEnvelope,
  type EchoEntry,
  type Envelope,
  emptyTranscript,
  extendTranscript,
  type MessageClass,
  type Slot,
  sealEnvelope,
} from '../session/envelope.ts';
import type { Outgoing } from '../session/session.ts';
import { encode } from '../wire/codec.ts';
import type { Adversary, Change, Sent } from './adversary.ts';
import { type Actor, type GuardRecord, guard, type Outcome } from './honest.ts';

type Kind = 'broadcast' | 'direct';
interface Message {
  readonly envelope: Envelope;
  readonly frame: Uint8Array;
}

/**
 * A corrupted party: it runs the honest protocol, but over a wire of its own that checks nothing, never gives up and lets
 * the adversary decide over each message. Once it has lied, it goes on consistently: its echo and its transcript hold what
 * it told the others (the first of them, if it told them different things).
 */
export class Puppet<T> implements Actor<T> {
  readonly party: Party;
  readonly guards: GuardRecord[] = [];
  readonly #court: Court;
  readonly #key: NodeKey;
  readonly #protocol: Protocol<T>;
  readonly #adversary: Adversary | undefined;
  readonly #random: Randomness;
  readonly #history: readonly Sent[];
  readonly #received = new Map<string, Message>();
  readonly #own = new Map<number, { entry: EchoEntry; signed: Signed }>();
  #transcript: Uint8Array;
  #round: Round | undefined;
  #index = -1;
  #end: Outcome<T> | undefined;

  constructor(
    court: Court,
    party: Party,
    key: NodeKey,
    protocol: Protocol<T>,
    adversary: Adversary | undefined,
    random: Randomness,
    history: readonly Sent[],
  ) {
    this.party = party;
    this.#court = court;
    this.#key = key;
    this.#protocol = protocol;
    this.#adversary = adversary;
    this.#random = random;
    this.#history = history;
    this.#transcript = emptyTranscript(court.sid);
  }

  start(): readonly Outgoing[] {
    return this.#resume(() => this.#protocol.next(undefined as never));
  }

  receive(from: Party, frame: Uint8Array): readonly Outgoing[] {
    try {
      const envelope = decodeEnvelope(frame);
      const place = at(envelope.round, from, envelope.class);
      if (envelope.class !== 'abort' && !this.#received.has(place)) this.#received.set(place, { envelope, frame });
    } catch (error) {
      if (!(error instanceof EncodingError)) throw error;
    }
    return [];
  }

  /** Takes the next step, if it can: the simulator asks when it likes, so that an adversary can speak last. */
  advance(): readonly Outgoing[] {
    const round = this.#round;
    if (this.#end !== undefined || round === undefined || this.#missing(round).length > 0) return [];
    const inbox = this.#inbox(round);
    if (round.guarded) guard(this.guards, this.#court.sid, this.#index, inbox);
    return this.#resume(() => this.#protocol.next(inbox));
  }

  outcome(): Outcome<T> {
    if (this.#end !== undefined) return this.#end;
    const missing = this.#round === undefined ? [] : this.#missing(this.#round);
    return { type: 'waiting', missing, round: this.#round?.label ?? 'start' };
  }

  close(): void {
    this.#protocol.return(undefined as T);
  }

  #resume(step: () => IteratorResult<Round, T>): readonly Outgoing[] {
    try {
      const next = step();
      if (next.done !== true) return this.#open(next.value);
      this.#end = { type: 'done', result: next.value };
      return [];
    } catch (error) {
      if (!(error instanceof Abort)) throw error;
      this.#end = { type: 'aborted', abort: error };
      const evidence = error.blames.map((blame) => blame.evidence);
      return this.#offer('abort', this.#others, [], () => encode(accusationsCodec, evidence)).out;
    }
  }

  #open(round: Round): readonly Outgoing[] {
    const echo = this.#echo();
    this.#index++;
    this.#round = round;
    const out: Outgoing[] = [];
    const { broadcast, direct } = round;
    if (broadcast !== undefined) {
      const offered = this.#offer('broadcast', this.#others, this.#due('broadcast', echo), () => broadcast);
      this.#own.set(this.#index, { entry: offered.entry, signed: { payload: broadcast, envelope: offered.frame } });
      out.push(...offered.out);
    }
    if (direct !== undefined && direct.size > 0) {
      const recipients = [...direct.keys()];
      out.push(
        ...this.#offer('direct', recipients, this.#due('direct', echo), (to) => direct.get(to) as Uint8Array).out,
      );
    }
    return out;
  }

  /** Shows the adversary a message to each recipient. Returns what is sent, and the entry that stands for it in echoes. */
  #offer(
    kind: MessageClass,
    recipients: readonly Party[],
    echo: readonly EchoEntry[],
    payloadFor: (to: Party) => Uint8Array,
  ): { out: readonly Outgoing[]; entry: EchoEntry; frame: Uint8Array } {
    const out: Outgoing[] = [];
    let told: Message | undefined;
    for (const to of recipients) {
      for (const frame of this.#framesFor(kind, to, echo, payloadFor(to))) {
        out.push({ to, frame });
        told ??= this.#asOwn(frame, kind);
      }
    }
    const payload = payloadFor(recipients[0] as Party);
    const honest = sealEnvelope(this.#slot(kind, recipients[0] as Party), echo, payload, this.#key);
    if (told === undefined) return { out, ...honest };
    const { envelope, frame } = told;
    return {
      out,
      entry: { digest: bodyDigest(envelope.echo, envelope.payload), signature: envelope.signature },
      frame,
    };
  }

  #framesFor(kind: MessageClass, to: Party, echo: readonly EchoEntry[], payload: Uint8Array): readonly Uint8Array[] {
    const slot = this.#slot(kind, to);
    const seal = (change: Change): Uint8Array =>
      sealEnvelope({ ...slot, ...change.slot }, change.echo ?? echo, change.payload ?? payload, this.#key).frame;
    const reply = this.#adversary?.({
      round: slot.round,
      label: this.#round?.label ?? 'start',
      class: kind,
      from: this.party,
      to,
      payload,
      echo,
      slot,
      random: this.#random,
      history: this.#history,
      seal,
    }) ?? { type: kind === 'abort' ? 'withhold' : 'keep' };
    switch (reply.type) {
      case 'keep':
        return [seal({})];
      case 'withhold':
        return [];
      case 'replace':
        return [seal(reply)];
      case 'frames':
        return reply.frames;
    }
  }

  #slot(kind: MessageClass, to: Party): Slot {
    const { network, sid, kind: ceremony } = this.#court;
    const round = Math.max(this.#index, 0);
    return { network, sid, kind: ceremony, round, class: kind, from: this.party, to: kind === 'direct' ? to : 0 };
  }

  /** The frame as a message in the slot that is open, if that is what others take it for. */
  #asOwn(frame: Uint8Array, kind: MessageClass): Message | undefined {
    const envelope = admit(this.#court, frame);
    const own = envelope?.from === this.party && envelope.round === this.#index && envelope.class === kind;
    return own ? { envelope, frame } : undefined;
  }

  get #others(): readonly Party[] {
    return this.#court.parties.filter((party) => party !== this.party);
  }

  #due(kind: Kind, echo: readonly EchoEntry[]): readonly EchoEntry[] {
    return echoLength(this.#court, { round: this.#index, class: kind }) === 0 ? [] : echo;
  }

  #missing({ expects }: Round): readonly Party[] {
    const has = (party: Party, kind: Kind): boolean => this.#received.has(at(this.#index, party, kind));
    return this.#others.filter(
      (party) => (expects.broadcast && !has(party, 'broadcast')) || (expects.direct && !has(party, 'direct')),
    );
  }

  #echo(): readonly EchoEntry[] {
    if (this.#round?.expects.broadcast !== true) return [];
    return this.#court.parties.map((party) => {
      if (party === this.party) return (this.#own.get(this.#index) as { entry: EchoEntry }).entry;
      const { envelope } = this.#received.get(at(this.#index, party, 'broadcast')) as Message;
      return { digest: bodyDigest(envelope.echo, envelope.payload), signature: envelope.signature };
    });
  }

  #inbox({ expects }: Round): Inbox {
    const take = (kind: Kind): Map<Party, Signed> => {
      const out = new Map<Party, Signed>();
      for (const party of expects[kind] ? this.#court.parties : []) {
        const message = this.#received.get(at(this.#index, party, kind));
        if (message !== undefined) out.set(party, { payload: message.envelope.payload, envelope: message.frame });
        else if (kind === 'broadcast') out.set(party, (this.#own.get(this.#index) as { signed: Signed }).signed);
      }
      return out;
    };
    if (expects.broadcast) {
      const digests = this.#echo().map(({ digest }) => digest);
      this.#transcript = extendTranscript(this.#transcript, this.#index, digests);
    }
    return { broadcasts: take('broadcast'), directs: take('direct'), transcript: this.#transcript };
  }
}

function at(round: number, party: Party, kind: MessageClass): string {
  return `${round}/${party}/${kind}`;
}
