/** Every error code of the node. Codes are stable: scripts and clients switch on them, and each is mapped once to an exit code. */
export type NodeErrorCode =
  /** The peer is not connected, or went away before the frame was handed over. */
  | 'peer-unavailable'
  /** A frame is larger than the wire allows. */
  | 'frame-too-large'
  /** The configuration cannot be used as it is. */
  | 'config-invalid'
  /** The roster cannot be used as it is. */
  | 'roster-invalid'
  /** A key or PeerId is not an Ed25519 one, or does not parse. */
  | 'identity-invalid'
  /** The addresses to listen on cannot be bound. */
  | 'listen-failed'
  /** The process is set up so that others could read its memory. */
  | 'exposed';

/** What the node throws on purpose. The message says what happened and what to do next. */
export class NodeError extends Error {
  override readonly name: string = 'NodeError';
  readonly code: NodeErrorCode;

  constructor(code: NodeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
