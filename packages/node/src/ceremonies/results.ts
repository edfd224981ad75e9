import { equal, type Party, toHex } from '@quorate/protocol';
import { publicKeyOf } from '../network/identity.ts';
import type { PeerId } from '../network/network.ts';
import { ServiceError } from '../service.ts';
import type { Book } from './book.ts';
import { type CeremonyEvent, isOver } from './ceremony.ts';
import type { Entry } from './entry.ts';
import type { FrameOf, NodeFrame } from './frames.ts';
import type { Seats } from './seats.ts';
import { SignTask } from './sign.ts';
import { recordOf } from './signing.ts';
import type { Workshop } from './task.ts';

export interface ResultsPort {
  readonly seats: Seats;
  readonly book: Book;
  peerOf(node: Uint8Array): PeerId;
  send(peer: PeerId, frame: NodeFrame): void;
  apply(entry: Entry, event: CeremonyEvent): void;
}

/** Signatures, told to those who did not take part in making them. */
export class Results {
  readonly #workshop: Workshop;
  readonly #port: ResultsPort;

  constructor(workshop: Workshop, port: ResultsPort) {
    this.#workshop = workshop;
    this.#port = port;
  }

  /** Those who did not take part learn the signature from those who did. */
  tell(entry: Entry, signers: readonly Party[]): void {
    for (const [party, peer] of this.#port.seats.others(entry.task)) {
      if (!signers.includes(party)) this.send(entry, peer);
    }
  }

  /** To members, and to those who joined the committee after that: clients may ask them for it, too. */
  send({ ceremony: { state }, task }: Entry, peer: PeerId): void {
    if (state.name !== 'done' || state.result.type !== 'signature' || !(task instanceof SignTask)) return;
    const isMember = this.#port.seats.partyOf(task, peer) !== undefined;
    if (!isMember && !task.heirs().some((node) => this.#port.peerOf(node) === peer)) return;
    // By node key: who hears of it may be in another epoch, where parties have other numbers.
    const signers = state.participants.map(publicKeyOf);
    const signature = recordOf(state.result);
    this.#port.send(peer, { type: 'result', value: { request: task.id, signature, signers } });
  }

  async receive({ request, signature, signers }: FrameOf<'result'>): Promise<void> {
    const entry = this.#port.book.entries.get(toHex(request));
    if (entry === undefined || isOver(entry.ceremony) || !(entry.task instanceof SignTask)) return;
    // Every signer tells it.
    if (entry.recording || !entry.task.answers(signature)) return;
    entry.recording = true;
    const elapsed = Math.round(this.#workshop.clock.monotonic() - entry.since);
    const seated = entry.task.members.filter(({ node }) => signers.some((one) => equal(one, node)));
    const parties = seated.map(({ party }) => party);
    const participants = this.#port.seats.peersOf(entry.task, parties);
    try {
      this.#port.apply(entry, { ...(await entry.task.record(signature, parties, elapsed)), participants });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#port.apply(entry, { type: 'cancel', code: 'integrity', reason: error.message });
    }
  }
}
