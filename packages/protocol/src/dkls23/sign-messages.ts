import type { Group, Point } from '../groups/group.ts';
import type { RoundSpec } from '../protocol.ts';
import { type Codec, fixed, point, scalar, versioned } from '../wire/codec.ts';
import type { Multiplication } from './products.ts';

/** Round 1, to all. */
export interface Commitment {
  /** n_i, 32 fresh bytes. */
  readonly nonce: Uint8Array;
  /** Com_i, 32 bytes. */
  readonly commitment: Uint8Array;
}

/** Round 1, as Bob, to each Alice. All but the offer is public, and compared before the offer is looked at. */
export interface Offer {
  /** sid0, 32 bytes. */
  readonly session: Uint8Array;
  readonly nonce: Uint8Array;
  /** Of the pair's set-up in this direction, 32 bytes. */
  readonly fingerprint: Uint8Array;
  readonly offer: Uint8Array;
}

/** What a commitment is to. */
export interface NonceOpening {
  /** R_i. */
  readonly point: Point;
  /** ρ_i, 32 bytes. */
  readonly blinding: Uint8Array;
}

/** Round 2, as Alice, to each Bob. */
export interface Answer extends NonceOpening {
  /** pk_i = sk_i G: her part of the key, with its share of zero. */
  readonly key: Point;
  /** Γᵘ = cᵘG and Γᵛ = cᵛG. */
  readonly nonceProduct: Point;
  readonly keyProduct: Point;
  /** ψ = φ_i − χ_ij. */
  readonly mask: bigint;
  readonly answer: Uint8Array;
}

/** Round 3: u and w, of which s is the quotient of the sums. */
export interface SignatureShare {
  readonly u: bigint;
  readonly w: bigint;
}

const SIGN_VERSION = 1;

type Broadcast<B> = RoundSpec<B, never> & { readonly broadcast: Codec<B> };

/** The formats of rounds 1 and 2. Both are guarded: what comes next answers a check, and spends the nonces. */
export interface PreparationFormats {
  readonly offers: RoundSpec<Commitment, Offer> & {
    readonly broadcast: Codec<Commitment>;
    readonly direct: Codec<Offer>;
  };
  readonly answers: RoundSpec<never, Answer> & { readonly direct: Codec<Answer> };
}

export function preparationFormats(group: Group, { offers, answers }: MessageFormats): PreparationFormats {
  return {
    offers: {
      label: 'offers',
      broadcast: versioned<Commitment>(SIGN_VERSION, { nonce: fixed(32), commitment: fixed(32) }),
      direct: versioned<Offer>(SIGN_VERSION, {
        session: fixed(32),
        nonce: fixed(32),
        fingerprint: fixed(32),
        offer: offers,
      }),
      guarded: true,
    },
    answers: {
      label: 'answers',
      direct: versioned<Answer>(SIGN_VERSION, {
        point: point(group),
        blinding: fixed(32),
        key: point(group),
        nonceProduct: point(group),
        keyProduct: point(group),
        mask: scalar(group),
        answer: answers,
      }),
      guarded: true,
    },
  };
}

/** The format of the last round. */
export function sharesFormat(group: Group): Broadcast<SignatureShare> {
  return {
    label: 'shares',
    broadcast: versioned<SignatureShare>(SIGN_VERSION, { u: scalar(group), w: scalar(group) }),
  };
}

/** What a signer says before its share of a presigned signature. */
export interface Lock {
  /** 32 fresh bytes: drawn after the use was settled, they move R to where nobody could expect it. */
  readonly nonce: Uint8Array;
  /** What the presignature is used for, 32 bytes. */
  readonly use: Uint8Array;
}

/** The first of the two online rounds. Guarded: what comes next spends the presignature. */
export function locksFormat(): Broadcast<Lock> {
  return {
    label: 'locks',
    broadcast: versioned<Lock>(SIGN_VERSION, { nonce: fixed(32), use: fixed(32) }),
    guarded: true,
  };
}

type MessageFormats = Pick<Multiplication, 'offers' | 'answers'>;

/** The rounds of a signing, for a court and for tests that attack every field. */
export function ecdsaRounds(group: Group, multiplication: MessageFormats): readonly RoundSpec[] {
  const { offers, answers } = preparationFormats(group, multiplication);
  return [offers, answers, sharesFormat(group)] as readonly RoundSpec[];
}

/** The rounds that make a presignature. */
export function presignRounds(group: Group, multiplication: MessageFormats): readonly RoundSpec[] {
  const { offers, answers } = preparationFormats(group, multiplication);
  return [offers, answers] as readonly RoundSpec[];
}

/** The rounds that use one. */
export function onlineRounds(group: Group): readonly RoundSpec[] {
  return [locksFormat(), sharesFormat(group)] as readonly RoundSpec[];
}
