import { ascii, u16 } from '../bytes.ts';
import type { Group, Point } from '../groups/group.ts';
import { type Aead, aeadOverhead } from '../primitives/aead.ts';
import type { Party } from '../protocol.ts';
import { hedged, type Randomness, randomScalar } from '../random.ts';
import { Secret, wipe } from '../secret.ts';
import { tags } from '../tags.ts';
import { hash512, list } from '../transcript.ts';
import { type Codec, fixed, point, struct } from '../wire/codec.ts';
import type { ProofContext } from './context.ts';
import { type DleqProof, dleqProofCodec, proveDleq, verifyDleq } from './dleq.ts';
import { proveSchnorr, type SchnorrProof, schnorrProofCodec, verifySchnorr } from './schnorr.ts';

/**
 * Encryption that its recipient can open for everybody: a dealer's share stays secret while nobody complains, and a
 * complaint proves what had been sent. ElGamal key agreement with a fresh dealer key per recipient, then an AEAD.
 *
 * The dealer proves that it knows its ephemeral key. Without that it could copy or shift the one of an honest dealer,
 * send nonsense under it, and let the recipient's complaint reveal the honest dealer's share.
 */
export interface Sealed {
  /** R = r·G */
  readonly ephemeral: Point;
  readonly proof: SchnorrProof;
  readonly ciphertext: Uint8Array;
}

/** From whom, to whom, in which session, and what for. */
export interface SealContext {
  readonly session: Uint8Array;
  readonly from: Party;
  readonly to: Party;
  readonly label: string;
}

/** What a complaint reveals: S = e·R, and the proof that S belongs to R as the receive key E = e·G does to G. */
export interface Opening {
  readonly shared: Point;
  readonly proof: DleqProof;
}

/** @param plaintextBytes the exact length of what was sealed */
export function sealedCodec(group: Group, plaintextBytes: number): Codec<Sealed> {
  return struct({
    ephemeral: point(group),
    proof: schnorrProofCodec(group),
    ciphertext: fixed(plaintextBytes + aeadOverhead),
  });
}

export function openingCodec(group: Group): Codec<Opening> {
  return struct({ shared: point(group), proof: dleqProofCodec(group) });
}

/** Seals `plaintext` to the holder of `receiveKey`. */
export function sealTo(
  group: Group,
  aead: Aead,
  context: SealContext,
  receiveKey: Point,
  plaintext: Uint8Array,
  randomness: Randomness,
): Sealed {
  using hedge = new Secret(plaintext.slice());
  const parts = [group.encodePoint(receiveKey), associated(context)];
  const ephemeralSecret = randomScalar(hedged(randomness, hedge, ascii(tags.encryptionKey), ...parts), group.order);
  const ephemeral = group.multiplyBase(ephemeralSecret);
  const shared = group.multiply(receiveKey, ephemeralSecret);
  const proof = proveSchnorr(group, dealerContext(context), ephemeralSecret, ephemeral, randomness);
  const ciphertext = withKey(group, context, ephemeral, receiveKey, shared, (key, nonce) =>
    aead.seal(key, nonce, associated(context), plaintext),
  );
  return { ephemeral, proof, ciphertext };
}

/** The plaintext, or undefined if the dealer cheated: then {@link reveal} shows everybody. */
export function openSealed(
  group: Group,
  aead: Aead,
  context: SealContext,
  receiveSecret: bigint,
  sealed: Sealed,
): Uint8Array | undefined {
  if (!verifySealed(group, context, sealed)) return undefined;
  const receiveKey = group.multiplyBase(receiveSecret);
  return decrypt(group, aead, context, receiveKey, sealed, group.multiply(sealed.ephemeral, receiveSecret));
}

/**
 * The recipient's opening of what it was sent, for a complaint. Undefined if the dealer did not prove its ephemeral key:
 * that convicts it already, and opening might reveal what somebody else sealed.
 */
export function reveal(
  group: Group,
  context: SealContext,
  receiveSecret: bigint,
  receiveKey: Point,
  sealed: Sealed,
  randomness: Randomness,
): Opening | undefined {
  if (!verifySealed(group, context, sealed)) return undefined;
  const shared = group.multiply(sealed.ephemeral, receiveSecret);
  const statement = { key: receiveKey, base: sealed.ephemeral, product: shared };
  return { shared, proof: proveDleq(group, recipientContext(context), receiveSecret, statement, randomness) };
}

/**
 * What a third party learns from a complaint. If `valid`, the plaintext is what the dealer sealed, and if it is
 * undefined, the dealer sealed nothing that opens: dealer's fault. If not `valid`, the complaint itself is false.
 */
export function openRevealed(
  group: Group,
  aead: Aead,
  context: SealContext,
  receiveKey: Point,
  sealed: Sealed,
  opening: Opening | undefined,
): { readonly valid: boolean; readonly plaintext: Uint8Array | undefined } {
  if (!verifySealed(group, context, sealed)) return { valid: true, plaintext: undefined };
  if (opening === undefined) return { valid: false, plaintext: undefined };
  const statement = { key: receiveKey, base: sealed.ephemeral, product: opening.shared };
  if (!verifyDleq(group, recipientContext(context), statement, opening.proof)) {
    return { valid: false, plaintext: undefined };
  }
  return { valid: true, plaintext: decrypt(group, aead, context, receiveKey, sealed, opening.shared) };
}

/** Whether the dealer proved that it knows its ephemeral key, for this recipient and purpose. */
function verifySealed(group: Group, context: SealContext, { ephemeral, proof }: Sealed): boolean {
  return verifySchnorr(group, dealerContext(context), ephemeral, proof);
}

function decrypt(
  group: Group,
  aead: Aead,
  context: SealContext,
  receiveKey: Point,
  { ephemeral, ciphertext }: Sealed,
  shared: Point,
): Uint8Array | undefined {
  return withKey(group, context, ephemeral, receiveKey, shared, (key, nonce) =>
    aead.open(key, nonce, associated(context), ciphertext),
  );
}

function withKey<T>(
  group: Group,
  context: SealContext,
  ephemeral: Point,
  receiveKey: Point,
  shared: Point,
  use: (key: Uint8Array, nonce: Uint8Array) => T,
): T {
  const points = [ephemeral, receiveKey, shared].map((one) => group.encodePoint(one));
  const material = hash512(tags.encryptionKey, ascii(group.name), associated(context), ...points);
  try {
    return use(material.subarray(0, 32), material.subarray(32, 44));
  } finally {
    wipe(material, ...points);
  }
}

function associated({ session, from, to, label }: SealContext): Uint8Array {
  return list([session, u16(from), u16(to), ascii(label)]);
}

function dealerContext({ session, from, to, label }: SealContext): ProofContext {
  return { session, party: from, label: `${label}/sealed for ${to}` };
}

function recipientContext({ session, from, to, label }: SealContext): ProofContext {
  return { session, party: to, label: `${label}/opening of ${from}` };
}
