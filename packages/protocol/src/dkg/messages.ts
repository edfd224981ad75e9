import type { Group, Point } from '../groups/group.ts';
import { type Opening, openingCodec, type Sealed, sealedCodec } from '../proofs/encryption.ts';
import { type SchnorrProof, schnorrProofCodec } from '../proofs/schnorr.ts';
import type { Party, RoundSpec } from '../protocol.ts';
import { bytes, type Codec, choice, fixed, mapped, point, struct, u16, vector, version } from '../wire/codec.ts';

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

/** Round 4. */
export type Verdict =
  /** Hash of the public outcome, 32 bytes. */
  | { readonly type: 'confirmation'; readonly value: Uint8Array }
  | { readonly type: 'complaint'; readonly value: Complaint };

/** Everything that convinces a third party that a dealer dealt a bad share. */
export interface Complaint {
  readonly dealer: Party;
  /** The dealer's signed envelope of round 2. */
  readonly reveal: Uint8Array;
  /** The dealer's signed envelope of round 3, to whom it was sent. */
  readonly share: Uint8Array;
  /** Nothing where the dealer did not prove its ephemeral key: that convicts it already. */
  readonly opening:
    | { readonly type: 'none'; readonly value: Uint8Array }
    | { readonly type: 'opening'; readonly value: Opening };
}

const DKG_VERSION = 1;
/** An envelope of a hundred parties: 10 KiB of echo, 4 KiB of coefficients. */
const MAX_ENVELOPE = 16 * 1024;

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
  const complaint: Codec<Complaint> = struct({
    dealer: u16,
    reveal: bytes(MAX_ENVELOPE),
    share: bytes(MAX_ENVELOPE),
    opening: choice({ none: fixed(0), opening: openingCodec(group) }) as Codec<Complaint['opening']>,
  });
  const verdict = choice({ confirmation: fixed(32), complaint }) as Codec<Verdict>;
  const reveal = {
    coefficients: vector(point(group), threshold),
    proof: schnorrProofCodec(group),
    chainCode: fixed(32),
    blinder: fixed(32),
  };
  const inVerdict = struct({ version: version(DKG_VERSION), verdict });
  return {
    commit: { label: 'commit', broadcast: versioned<Commit>({ commitment: fixed(32) }) },
    reveal: { label: 'reveal', broadcast: versioned<Reveal>(reveal) },
    shares: { label: 'shares', direct: versioned<Share>({ sealed: sealedCodec(group, group.scalarBytes) }) },
    verdict: {
      label: 'verdict',
      broadcast: mapped(
        inVerdict,
        (value: Verdict) => ({ version: DKG_VERSION, verdict: value }),
        (message) => message.verdict,
      ),
    },
    return: { label: 'return', broadcast: versioned<object>({}) },
  };
}

/** The rounds of a key generation, for a court and for tests that attack every field. */
export function dkgRounds(group: Group, threshold: number): readonly RoundSpec[] {
  const formats = dkgFormats(group, threshold);
  return [formats.commit, formats.reveal, formats.shares, formats.verdict, formats.return] as readonly RoundSpec[];
}

/** A struct behind the version byte. */
function versioned<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const inner = struct({ version: version(DKG_VERSION), ...fields }) as Codec<T & { readonly version: number }>;
  return mapped(
    inner,
    (value: T) => ({ ...value, version: DKG_VERSION }),
    ({ version: _, ...value }) => value as unknown as T,
  );
}
