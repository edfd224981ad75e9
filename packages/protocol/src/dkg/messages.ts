import { type Verdict, verdictCodec } from '../dealing/verdicts.ts';
import type { Group, Point } from '../groups/group.ts';
import { type Sealed, sealedCodec } from '../proofs/encryption.ts';
import { type SchnorrProof, schnorrProofCodec } from '../proofs/schnorr.ts';
import type { RoundSpec } from '../protocol.ts';
import { type Codec, fixed, mapped, point, struct, vector, version, versioned } from '../wire/codec.ts';

/** Round 1. */
export interface Commit {
  /** Hash of the reveal that follows, 32 bytes. */
  readonly commitment: Uint8Array;
}

/** Round 2. */
export interface Reveal {
  /** The dealer's polynomial in the exponent: exactly t points, none the identity. */
  readonly coefficients: readonly Point[];
  /** That the dealer knows every one of its coefficients. */
  readonly proof: SchnorrProof;
  /** Part of the chain code, 32 bytes. */
  readonly chainCode: Uint8Array;
  /** Hides the rest of the reveal in the commitment, 32 bytes. */
  readonly blinder: Uint8Array;
}

/** Round 3, to each other party. */
export interface Share {
  /** f(recipient), in the group's scalar encoding. */
  readonly sealed: Sealed;
}

const DKG_VERSION = 1;

/** The place of each round in the ceremony. */
export const roundIndex = { commit: 0, reveal: 1, shares: 2, verdict: 3, return: 4 } as const;

/** The formats of a key generation with threshold `t`. */
export interface DkgFormats {
  readonly commit: RoundSpec<Commit, never> & { readonly broadcast: Codec<Commit> };
  readonly reveal: RoundSpec<Reveal, never> & { readonly broadcast: Codec<Reveal> };
  readonly shares: RoundSpec<never, Share> & { readonly direct: Codec<Share> };
  readonly verdict: RoundSpec<Verdict, never> & { readonly broadcast: Codec<Verdict> };
  /** Says nothing: it exists to carry the echo of the verdicts. */
  readonly return: RoundSpec<object, never> & { readonly broadcast: Codec<object> };
}

export function dkgFormats(group: Group, threshold: number): DkgFormats {
  const reveal = {
    coefficients: vector(point(group), threshold),
    proof: schnorrProofCodec(group),
    chainCode: fixed(32),
    blinder: fixed(32),
  };
  const inVerdict = struct({ version: version(DKG_VERSION), verdict: verdictCodec(group) });
  return {
    commit: { label: 'commit', broadcast: versioned<Commit>(DKG_VERSION, { commitment: fixed(32) }) },
    reveal: { label: 'reveal', broadcast: versioned<Reveal>(DKG_VERSION, reveal) },
    shares: {
      label: 'shares',
      direct: versioned<Share>(DKG_VERSION, { sealed: sealedCodec(group, group.scalarBytes) }),
    },
    verdict: {
      label: 'verdict',
      broadcast: mapped(
        inVerdict,
        (value: Verdict) => ({ version: DKG_VERSION, verdict: value }),
        (message) => message.verdict,
      ),
    },
    return: { label: 'return', broadcast: versioned<object>(DKG_VERSION, {}) },
  };
}

/** The rounds of a key generation, for a court and for tests that attack every field. */
export function dkgRounds(group: Group, threshold: number): readonly RoundSpec[] {
  const formats = dkgFormats(group, threshold);
  return [formats.commit, formats.reveal, formats.shares, formats.verdict, formats.return] as readonly RoundSpec[];
}
