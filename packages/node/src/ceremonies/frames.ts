import { MAX_PARTIES, type Registration, registrationCodec, type Start, startCodec, wire } from '@quorate/protocol';
import { type StandingMessage, standingMessageCodec } from '../standing/messages.ts';
import { type StockMessage, stockMessageCodec } from '../stock/messages.ts';

/**
 * What members say to each other besides the protocol's own messages. The channel authenticates the sender; whatever
 * must convince a third party carries its own signature.
 */
export type NodeFrame =
  /** A client's order or a member's proposal, whole, for the receiver to check by itself. */
  | { readonly type: 'request'; readonly value: { readonly kind: number; readonly body: Uint8Array } }
  /** To a coordinator: count me in. */
  | { readonly type: 'registration'; readonly value: Registration }
  /** From a coordinator: begin. */
  | { readonly type: 'start'; readonly value: Start }
  /** A protocol message: an envelope of the session named in it. */
  | { readonly type: 'envelope'; readonly value: Uint8Array }
  /** From a coordinator: I am here, these registered. */
  | {
      readonly type: 'waiting';
      readonly value: { readonly request: Uint8Array; readonly registered: readonly number[] };
    }
  /** I will not take part in this request: by policy, or no longer. Advice, not proof. */
  | {
      readonly type: 'declined';
      readonly value: {
        readonly request: Uint8Array;
        readonly reason: string;
        /** The highest number of an epoch of the key that I know or was told of, if the one proposed is not above it; else zero. */
        readonly highest: number;
      };
    }
  /** A signature, which speaks for itself. */
  | {
      readonly type: 'result';
      readonly value: {
        readonly request: Uint8Array;
        readonly signature: Uint8Array;
        /** Their node keys. Advice, not proof. */
        readonly signers: readonly Uint8Array[];
      };
    }
  /** A member's READY for a prepared key epoch. */
  | { readonly type: 'ready'; readonly value: Uint8Array }
  /** READY of all: the key epoch is certified. */
  | { readonly type: 'certificate'; readonly value: Uint8Array }
  /** The sender uses the key epoch. */
  | { readonly type: 'activated'; readonly value: Uint8Array }
  /** Send me the certificate of the epoch of this key that you use: my share of it may be lost. */
  | { readonly type: 'wanted'; readonly value: { readonly keyId: Uint8Array } }
  /** About how far sender and receiver are. */
  | { readonly type: 'standing'; readonly value: StandingMessage }
  /** About base transfers made ahead. */
  | { readonly type: 'stock'; readonly value: StockMessage }
  /** A leaving member wants the epoch that it dealt into. */
  | { readonly type: 'approval'; readonly value: Uint8Array };

/** What a frame of this type carries. */
export type FrameOf<K extends NodeFrame['type']> = Extract<NodeFrame, { readonly type: K }>['value'];

const FRAME_VERSION = 1;
const MAX_BODY = 128 * 1024;
const MAX_ENVELOPE = 1000 * 1024;
export const MAX_REASON = 500;

const request = wire.fixed(32);

const frameCodec = wire.struct({
  version: wire.version(FRAME_VERSION),
  frame: wire.choice({
    request: wire.struct({ kind: wire.u8, body: wire.bytes(MAX_BODY) }),
    registration: registrationCodec,
    start: startCodec,
    envelope: wire.bytes(MAX_ENVELOPE),
    waiting: wire.struct({ request, registered: wire.list(wire.u16, MAX_PARTIES) }),
    declined: wire.struct({ request, reason: wire.text(MAX_REASON), highest: wire.u48 }),
    result: wire.struct({ request, signature: wire.bytes(128), signers: wire.list(wire.fixed(32), MAX_PARTIES) }),
    ready: wire.bytes(MAX_BODY),
    certificate: wire.bytes(MAX_BODY),
    activated: wire.bytes(MAX_BODY),
    stock: stockMessageCodec,
    wanted: wire.struct({ keyId: wire.fixed(32) }),
    approval: wire.bytes(MAX_BODY),
    standing: standingMessageCodec,
  }),
});

export function encodeFrame(frame: NodeFrame): Uint8Array {
  return wire.encode(frameCodec, { version: FRAME_VERSION, frame });
}

/** Strict. @throws {EncodingError} */
export function decodeFrame(bytes: Uint8Array): NodeFrame {
  return wire.decode(frameCodec, bytes).frame;
}
