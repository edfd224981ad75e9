import { toHex } from '@quorate/protocol';
import type { PeerId } from '../network/network.ts';
import type { Book } from './book.ts';
import { type CeremonyEvent, isOver } from './ceremony.ts';
import { Early } from './early.ts';
import type { Entry } from './entry.ts';
import { type FrameOf, MAX_REASON, type NodeFrame } from './frames.ts';
import type { Seats } from './seats.ts';
import type { Workshop } from './task.ts';

export interface DeclinesPort {
  readonly seats: Seats;
  readonly book: Book;
  send(peer: PeerId, frame: NodeFrame): void;
  apply(entry: Entry, event: CeremonyEvent): void;
  changed(entry: Entry): void;
}

/** Who will not take part, and why. Advice: when enough say so, it cannot work. */
export class Declines {
  readonly #workshop: Workshop;
  readonly #port: DeclinesPort;
  /** What was declined while it was still being looked at here, by request id. */
  readonly #early: Early<FrameOf<'declined'>>;

  constructor(workshop: Workshop, port: DeclinesPort) {
    this.#workshop = workshop;
    this.#port = port;
    this.#early = new Early(workshop.clock);
  }

  /** The request is known here from now on. */
  known({ id }: Entry): void {
    for (const { peer, item } of this.#early.take(id)) this.receive(peer, item);
  }

  /** This node will not take part in a request, or no longer: all its members are told, and what it was told of numbers. */
  tell({ task, told }: Entry, reason: string): void {
    for (const peer of this.#port.seats.others(task).values()) this.send(peer, task.id, reason, told);
  }

  /** @param highest the number that one proposed must be above, if that is why; else zero */
  send(peer: PeerId, request: Uint8Array, reason: string, highest = 0): void {
    this.#port.send(peer, { type: 'declined', value: { request, reason: printable(reason), highest } });
  }

  receive(peer: PeerId, { request, reason, highest }: FrameOf<'declined'>): void {
    const entry = this.#port.book.entries.get(toHex(request));
    if (entry === undefined)
      return this.#early.keep(peer, toHex(request), { request, reason, highest }, request.length + reason.length);
    if (this.#port.seats.partyOf(entry.task, peer) === undefined) return;
    // Whoever declined before it.
    entry.told = Math.max(entry.told, highest);
    if (isOver(entry.ceremony)) return;
    entry.declined.set(peer, printable(reason));
    const { kind, members, need } = entry.task;
    const { name } = entry.ceremony.state;
    // A session ends by itself; whoever cheats in it must not get away by declining, and who leaves a committee may not be needed.
    const isUnderWay = name === 'confirming' || (name === 'running' && kind !== 'sign');
    if (members.length - entry.declined.size >= need || isUnderWay) return this.#port.changed(entry);
    const reasons = this.#reasons(entry);
    this.#port.apply(entry, { type: 'cancel', code: 'denied', reason: `${tooMany}${reasons}` });
    // Those whom nobody told would wait for this one, and begin no other.
    this.tell(entry, `${tooMany}${reasons}`);
  }

  /** Who declines, and why. Who gave up because others declined passed on what they said: that is not its own reason. */
  #reasons({ declined }: Entry): string {
    const each = [...declined].map(([peer, why]) =>
      why.startsWith(tooMany) ? why.slice(tooMany.length) : `${this.#workshop.nameOfPeer(peer)}: ${why}`,
    );
    return [...new Set(each)].join('; ');
  }
}

const tooMany = 'too many members decline: ';

/** What may stand in a frame's or a view's reason: printable ASCII, short; what is cut says so. */
function printable(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return plain.length <= MAX_REASON ? plain : `${plain.slice(0, MAX_REASON - 4)} ...`;
}
