import { concat } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { sha256 } from '../primitives/hash.ts';
import type { NodeKey, SignatureScheme } from '../primitives/signatures.ts';
import type { Party } from '../protocol.ts';
import { tags } from '../tags.ts';
import { hash, hashBy, list as hashList } from '../transcript.ts';
import { bytes, type Codec, decode, encode, fixed, list, mapped, struct, u8, u16, version } from '../wire/codec.ts';

/**
 * How a ceremony message travels: a fixed layout, no maps, signed by the sender's node key, so that it convinces others.
 *
 *   version ‖ network ‖ sid ‖ kind ‖ round ‖ class ‖ from ‖ to ‖ echo ‖ payload ‖ signature
 *
 * The signature covers the slot (everything up to `to`) and the digest of the body (echo and payload), so that a digest
 * and a signature are enough to show what somebody said, without showing it again: that is what an echo carries.
 */
export interface Envelope extends Slot {
  readonly echo: readonly EchoEntry[];
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** The place of a message in a session. One sender fills a slot once; two signatures in one slot are equivocation. */
export interface Slot {
  /** 32 bytes. */
  readonly network: Uint8Array;
  /** 32 bytes: H(Start). */
  readonly sid: Uint8Array;
  /** A member of {@link kinds}. */
  readonly kind: number;
  /** Counted from zero. */
  readonly round: number;
  readonly class: MessageClass;
  readonly from: Party;
  /** Zero for everybody. */
  readonly to: Party;
}

/** What one party says it received from one other in the round before. */
export interface EchoEntry {
  /** Digest of the body, 32 bytes. */
  readonly digest: Uint8Array;
  /** The sender's signature, 64 bytes. */
  readonly signature: Uint8Array;
}

export type MessageClass = 'broadcast' | 'direct' | 'abort';

/** Ceremonies, as they are numbered on the wire. */
export const kinds = {
  keygen: 1,
  sign: 2,
  /** Sets pairs of an ECDSA key up anew. */
  pairs: 3,
  /** Makes a presignature. */
  presign: 4,
  /** Shares a key anew: refresh, reshare, import; and the proof of life that follows. */
  renew: 5,
  /** Gives a member its lost share back. */
  repair: 6,
  /** Shares out a key that one member knows. */
  import: 7,
  /** Puts a private key together at one member. */
  export: 8,
} as const;
export type CeremonyKind = keyof typeof kinds;
export const ENVELOPE_VERSION = 1;
/** One message of a protocol, so that two of them fit an accusation of equivocation. */
export const MAX_MESSAGE: number = 320 * 1024;
/** What an abort carries; under the frame limit of the network. */
const MAX_PAYLOAD = 900 * 1024;
/** Parties of a key. */
export const MAX_PARTIES = 100;

const classes: readonly MessageClass[] = ['broadcast', 'direct', 'abort'];

const echoCodec: Codec<readonly EchoEntry[]> = list(struct({ digest: fixed(32), signature: fixed(64) }), MAX_PARTIES);

/** One byte; another value does not decode. */
const classCodec: Codec<MessageClass> = mapped(
  u8,
  (name: MessageClass) => classes.indexOf(name),
  (index) => {
    const name = classes[index];
    if (name === undefined) throw new EncodingError('unknown message class');
    return name;
  },
);

const wireCodec = struct({
  version: version(ENVELOPE_VERSION),
  network: fixed(32),
  sid: fixed(32),
  kind: u8,
  round: u8,
  class: classCodec,
  from: u16,
  to: u16,
  echo: echoCodec,
  payload: bytes(MAX_PAYLOAD),
  signature: fixed(64),
});

/** Signs a message and encodes it. @throws {EncodingError} when the message is too large */
export function sealEnvelope(
  slot: Slot,
  echo: readonly EchoEntry[],
  payload: Uint8Array,
  key: NodeKey,
): { readonly frame: Uint8Array; readonly entry: EchoEntry } {
  checkSize(slot.class, payload);
  const digest = bodyDigest(echo, payload, key.sha256);
  const signature = key.sign(slotMessage(slot, digest));
  const frame = encode(wireCodec, { ...slot, version: ENVELOPE_VERSION, echo, payload, signature });
  return { frame, entry: { digest, signature } };
}

/** Strict decoding; the signature is not looked at yet. @throws {EncodingError} */
export function decodeEnvelope(frame: Uint8Array): Envelope {
  const { version: _, ...envelope } = decode(wireCodec, frame);
  checkSize(envelope.class, envelope.payload);
  return envelope;
}

function checkSize(kind: MessageClass, payload: Uint8Array): void {
  if (kind !== 'abort' && payload.length > MAX_MESSAGE) throw new EncodingError(`over ${MAX_MESSAGE} bytes`);
}

/** Whether `entry` is what the owner of `publicKey` signed in `slot`. */
export function verifyEntry(
  slot: Slot,
  { digest, signature }: EchoEntry,
  publicKey: Uint8Array,
  signatures: SignatureScheme,
): boolean {
  return signatures.verify(publicKey, slotMessage(slot, digest), signature);
}

/** The digest that a body's signature covers. */
export function bodyDigest(
  echo: readonly EchoEntry[],
  payload: Uint8Array,
  compute: (message: Uint8Array) => Uint8Array = sha256,
): Uint8Array {
  return hashBy(compute, tags.body, encode(echoCodec, echo), payload);
}

/** What the transcript is before the first broadcast round. */
export function emptyTranscript(sid: Uint8Array): Uint8Array {
  return hash(tags.transcript, sid);
}

/** The transcript after a broadcast round, from the digests of its messages, ascending by party. */
export function extendTranscript(before: Uint8Array, round: number, digests: readonly Uint8Array[]): Uint8Array {
  return hash(tags.transcript, before, Uint8Array.of(round), hashList(digests));
}

function slotMessage(slot: Slot, digest: Uint8Array): Uint8Array {
  const header = concat(
    Uint8Array.of(ENVELOPE_VERSION),
    slot.network,
    slot.sid,
    Uint8Array.of(slot.kind, slot.round, classes.indexOf(slot.class)),
    encode(u16, slot.from),
    encode(u16, slot.to),
  );
  return hash(tags.envelope, header, digest);
}
