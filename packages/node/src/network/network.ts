import { NodeError } from '../errors.ts';

/** The text of a libp2p peer id (`12D3KooW…`): it holds the Ed25519 public key of the node. */
export type PeerId = string;

/** What is known of a member of the roster, from its own mouth unless said otherwise. */
export interface PeerStatus {
  readonly peer: PeerId;
  /** Its name in our roster. */
  readonly name: string;
  /** Hello verified both ways. It says nothing about whether the peer is honest or ready for work. */
  readonly connected: boolean;
  /** Wall clock of the admission, milliseconds; undefined while not connected. */
  readonly since: number | undefined;
  /** Milliseconds, measured by us; undefined until the first ping came back. */
  readonly roundTrip: number | undefined;
  /** Software version. */
  readonly version: string | undefined;
  /** u64 counter ‖ 16 random bytes, signed over our challenge. Another one at the same peer means a restart, or a clone. */
  readonly bootEpoch: Uint8Array | undefined;
  /** The hash of the peer's roster: another than ours is a warning, never a refusal. */
  readonly rosterHash: Uint8Array | undefined;
  /** Its wall clock minus ours, milliseconds, give or take half a round trip. */
  readonly clockSkew: number | undefined;
  /** Why the peer is not admitted although it could be reached, e.g. `format version 2, ours is 1`; says what to do. */
  readonly refused: string | undefined;
}

/** A topic on which members announce. Announcements are advice: nothing may be decided by them alone. */
export type Topic = 'presence' | 'requests';

/**
 * The door to the other members. The real one wraps libp2p, the simulated one (`memory.ts`) one process. Nobody is
 * admitted before both `onFrame` and `onPeer` have been called, so that nothing is missed at start.
 */
export interface Network {
  readonly self: PeerId;
  /** Every other member of the roster, connected or not. */
  peers(): ReadonlyMap<PeerId, PeerStatus>;
  /**
   * Resolves when the frame was handed to the connection within its budgets, which does not mean that it arrived.
   * @throws {PeerUnavailable} if the peer is not connected or goes away; {NodeError} `frame-too-large`
   */
  send(peer: PeerId, frame: Uint8Array): Promise<void>;
  /** `handler` runs synchronously; the sender is the one whom the connection authenticated. At most one handler. */
  onFrame(handler: (peer: PeerId, frame: Uint8Array) => void): void;
  /** A peer was admitted (true) or lost (false). */
  onPeer(handler: (peer: PeerId, connected: boolean) => void): void;
  /** Tells all members, signed, without any promise of delivery. @throws {NodeError} `frame-too-large` */
  announce(topic: Topic, payload: Uint8Array): void;
  /** At most one handler per topic. */
  onAnnouncement(topic: Topic, handler: (peer: PeerId, payload: Uint8Array) => void): void;
  close(): Promise<void>;
}

/** The peer cannot be reached now. Nobody is to blame: the network may be. */
export class PeerUnavailable extends NodeError {
  override readonly name = 'PeerUnavailable';
  readonly peer: PeerId;

  constructor(peer: PeerId, why: string) {
    super('peer-unavailable', `${peer} cannot be reached: ${why}; see \`quorate peers\``);
    this.peer = peer;
  }
}
