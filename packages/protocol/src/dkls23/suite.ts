import { secp256k1 } from '../groups/secp256k1.ts';

/** The parameters of the two-party multiplication (§1.2), under the names of the specification, and the sizes they give. */
export interface Suite {
  /** What every session hashes, so that two parameter sets never meet. ASCII. */
  readonly id: string;
  /** Statistical security λ_s: ξ grows by twice this, against what selective failure tells a cheating Alice of β. */
  readonly lambdaS: number;
  /** Check pads ρ. */
  readonly rho: number;
  /** Depth of the GGM trees, k: 2^k leaves a group. */
  readonly k: number;
  /** Oblivious transfers a multiplication, ξ = κ + 2λ_s. */
  readonly xi: number;
  /** Groups N = λ_c / k. */
  readonly groups: number;
  /** Leaves of a group, 2^k. */
  readonly leaves: number;
  /** Scalars an oblivious transfer carries, W = ℓ + ρ. */
  readonly width: number;
  /** A row of the matrix: ξ transfers and σ mask bits, in bytes. */
  readonly rowBytes: number;
  /** Bob's message: u ‖ x̃ ‖ h_T. */
  readonly requestBytes: number;
  /** Alice's message: ã ‖ η ‖ μ. */
  readonly answerBytes: number;
}

/** The order q of secp256k1, κ = 256 bits. */
export const order: bigint = secp256k1.order;
/** A scalar on the wire: big-endian. */
export const SCALAR_BYTES = 32;
const kappa = 256;

/** λ_c: base transfers, rows of the matrix and bits of Δ. As a column is then one AES block, TMMO can hash it. */
export const LAMBDA_C = 128;
/** σ: bits of the consistency check. Fiat–Shamir lets a cheat grind, so computational, not 40 or 80 (§1.2). */
const sigma = 128;
/** An element of GF(2^128), an AES block, a seed, Δ and a column of the matrix. */
export const BLOCK_BYTES = 16;
/** ℓ: what Alice multiplies at once, her share of the nonce and of the key. */
export const ELL = 2;

/** A parameter set. @param k a divisor of 128 */
export function suiteOf({ lambdaS, rho, k }: Pick<Suite, 'lambdaS' | 'rho' | 'k'>): Suite {
  const xi = kappa + 2 * lambdaS;
  const groups = LAMBDA_C / k;
  const width = ELL + rho;
  const rowBytes = (xi + sigma) / 8;
  return {
    id:
      `quorate/v1 DKLs23 secp256k1 lambda_c=${LAMBDA_C} lambda_s=${lambdaS} rho=${rho} k=${k} sigma=${sigma} ` +
      'SHA-256 SHA-512 AES-128-TMMO secp256k1_XMD:SHA-256_SSWU_RO_',
    lambdaS,
    rho,
    k,
    xi,
    groups,
    leaves: 2 ** k,
    width,
    rowBytes,
    requestBytes: groups * rowBytes + BLOCK_BYTES + 32,
    answerBytes: (xi * width + rho) * SCALAR_BYTES + 32,
  };
}

/** The one in use: suite A of the specification, with two pads, which conforms to the published formula. */
export const suiteA: Suite = suiteOf({ lambdaS: 80, rho: 2, k: 2 });
