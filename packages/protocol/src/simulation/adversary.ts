import type { Party } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import type { EchoEntry, MessageClass, Slot } from '../session/envelope.ts';

/** A frame on its way, and the peer that sends it. */
export interface Sent {
  readonly from: Party;
  readonly to: Party;
  readonly frame: Uint8Array;
}

/** What may be rewritten in a message; what is absent stays. */
export interface Change {
  readonly payload?: Uint8Array;
  readonly echo?: readonly EchoEntry[];
  readonly slot?: Partial<Slot>;
}

/** One message of a corrupted party to one recipient, about to be sent. A broadcast is offered once per recipient. */
export interface Move {
  readonly round: number;
  readonly label: string;
  readonly class: MessageClass;
  readonly from: Party;
  /** The recipient, also of a broadcast (whose slot says zero). */
  readonly to: Party;
  readonly payload: Uint8Array;
  readonly echo: readonly EchoEntry[];
  readonly slot: Slot;
  readonly random: Randomness;
  /** Every frame sent so far, by whomever. */
  readonly history: readonly Sent[];
  /** This message with changes, signed with the sender's key: any message at all. */
  seal(change: Change): Uint8Array;
}

/** What becomes of the message. Frames are sent as they are, over the corrupted party's own connection. */
export type Reply =
  | { readonly type: 'keep' }
  | { readonly type: 'withhold' }
  | ({ readonly type: 'replace' } & Change)
  | { readonly type: 'frames'; readonly frames: readonly Uint8Array[] };

/** Decides over every message of the corrupted parties, which otherwise run the honest code. */
export type Adversary = (move: Move) => Reply;
