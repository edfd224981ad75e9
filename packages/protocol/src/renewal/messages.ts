import { type Verdict, verdictCodec } from '../dealing/verdicts.ts';
import type { Group, Point } from '../groups/group.ts';
import { type Sealed, sealedCodec } from '../proofs/encryption.ts';
import { type SchnorrProof, schnorrProofCodec } from '../proofs/schnorr.ts';
import type { RoundSpec } from '../protocol.ts';
import { type Codec, choice, fixed, mapped, point, struct, vector, version, versioned } from '../wire/codec.ts';

/** Round 1, to all. Who does not deal says nothing, so that its next message can echo what the dealers said. */
export type Deal = Nothing | { readonly type: 'deal'; readonly value: Commitments };

export interface Commitments {
  /** The dealer's polynomial in the exponent, without its constant: exactly t′ − 1 points, none the identity. */
  readonly coefficients: readonly Point[];
  /** That the dealer knows every one of them. */
  readonly proof: SchnorrProof;
}

/** Round 1, to each: f(recipient) from dealers to members, in the group's scalar encoding; else nothing. */
export type Portion = Nothing | { readonly type: 'share'; readonly value: Sealed };

export interface Nothing {
  readonly type: 'nothing';
  readonly value: Uint8Array;
}

export const nothing: Nothing = { type: 'nothing', value: new Uint8Array(0) };

const RENEWAL_VERSION = 1;

/** The place of each round in the ceremony. */
export const roundIndex = { deal: 0, verdict: 1, return: 2 } as const;

/** The formats of a renewal whose new threshold is `threshold`. */
export interface RenewalFormats {
  readonly deal: RoundSpec<Deal, Portion> & { readonly broadcast: Codec<Deal>; readonly direct: Codec<Portion> };
  readonly verdict: RoundSpec<Verdict, never> & { readonly broadcast: Codec<Verdict> };
  /** Says nothing: it exists to carry the echo of the verdicts. */
  readonly return: RoundSpec<object, never> & { readonly broadcast: Codec<object> };
}

export function renewalFormats(group: Group, threshold: number): RenewalFormats {
  const commitments = struct({
    coefficients: vector(point(group), threshold - 1),
    proof: schnorrProofCodec(group),
  });
  return {
    deal: {
      label: 'deal',
      broadcast: message(choice({ nothing: fixed(0), deal: commitments }) as Codec<Deal>),
      direct: portionCodec(group),
    },
    verdict: { label: 'verdict', broadcast: message(verdictCodec(group)) },
    return: { label: 'return', broadcast: versioned<object>(RENEWAL_VERSION, {}) },
  };
}

/** The rounds of a renewal, for a court and for tests that attack every field. */
export function renewalRounds(group: Group, threshold: number): readonly RoundSpec[] {
  const formats = renewalFormats(group, threshold);
  return [formats.deal, formats.verdict, formats.return] as readonly RoundSpec[];
}

export function portionCodec(group: Group): Codec<Portion> {
  return message(choice({ nothing: fixed(0), share: sealedCodec(group, group.scalarBytes) }) as Codec<Portion>);
}

/** A value behind the version byte. */
export function message<T>(value: Codec<T>): Codec<T> {
  return mapped(
    struct({ version: version(RENEWAL_VERSION), message: value }),
    (said: T) => ({ version: RENEWAL_VERSION, message: said }),
    (wrapped) => wrapped.message,
  );
}
