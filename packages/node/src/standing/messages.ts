import { wire } from '@quorate/protocol';
import { limits } from '../limits.ts';

/** What two nodes say about where they stand. The statements in it speak for themselves; the rest is the sender's word. */
export type StandingMessage =
  /** When a channel opens: this is what I hold of you, if anything. Where do you stand? */
  | { readonly type: 'held'; readonly value: Held }
  /** A statement of mine. */
  | { readonly type: 'said'; readonly value: Uint8Array }
  /** What you say contradicts what I hold: I sit in no session with you. */
  | { readonly type: 'doubted'; readonly value: Held }
  /** From a node that was rolled back: what do you know of me, and of these keys? */
  | { readonly type: 'asked'; readonly value: Asked }
  /** To it: a certificate of a later epoch of a key of yours. */
  | { readonly type: 'proof'; readonly value: { readonly nonce: Uint8Array; readonly certificate: Uint8Array } }
  /** To it, after the proofs: that is all that I know. */
  | { readonly type: 'told'; readonly value: Told };

export interface Held {
  /** Of the receiver's making: at most two. */
  readonly statements: readonly Uint8Array[];
  /** 1 if the sender heard two nodes of the receiver's identity side by side. */
  readonly twin: number;
}

export interface Told extends Held {
  readonly nonce: Uint8Array;
  /** 1 if another instance was heard so lately that it may still run: ask again. */
  readonly wait: number;
}

export interface Asked {
  readonly nonce: Uint8Array;
  /** 1 if its operator says that there is no second instance of it. */
  readonly resolved: number;
  /** The epoch that it uses of each key; 0 if it uses none. */
  readonly keys: readonly { readonly keyId: Uint8Array; readonly epoch: number }[];
}

const nonce = wire.fixed(32);
const held = {
  statements: wire.list(wire.bytes(limits.statementBytes), 2),
  twin: wire.u8,
};

export const standingMessageCodec: wire.Codec<StandingMessage> = wire.choice({
  held: wire.struct(held),
  said: wire.bytes(limits.statementBytes),
  doubted: wire.struct(held),
  asked: wire.struct({
    nonce,
    resolved: wire.u8,
    keys: wire.list(wire.struct({ keyId: wire.fixed(32), epoch: wire.u48 }), limits.askedKeys),
  }),
  proof: wire.struct({ nonce, certificate: wire.bytes(limits.certificateBytes) }),
  told: wire.struct({ ...held, nonce, wait: wire.u8 }),
});
