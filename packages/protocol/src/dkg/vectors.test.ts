import { describe, expect, it } from 'vitest';
import { parametersOf } from '../../../../test/support/key-generation.ts';
import { vectors } from '../../../../test/support/vectors.ts';
import { fromHex, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { commit, verifyShare } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { evaluate } from '../sharing/polynomial.ts';
import { publicOutcome } from './outcome.ts';

/** One participant of the Zcash Foundation's DKG vectors. */
interface Participant {
  readonly identifier: number;
  readonly signing_key: string;
  readonly coefficient: string;
  readonly vss_commitments: readonly string[];
  /** By sender. */
  readonly signing_shares: Readonly<Record<string, string>>;
  readonly signing_share: string;
  readonly verifying_share: string;
}

type Vectors = { readonly inputs: Readonly<Record<string, Participant>> & { readonly verifying_key: string } };

const suites = [
  { file: 'ed25519-vectors_dkg.json', group: ed25519, tweaked: false },
  { file: 'secp256k1-vectors_dkg.json', group: secp256k1, tweaked: false },
  // Its key and shares come out tweaked (BIP-341); what is dealt does not.
  { file: 'secp256k1-tr-vectors_dkg.json', group: secp256k1, tweaked: true },
];

describe.each(suites)('the DKG vectors of the Zcash Foundation: $file', ({ file, group, tweaked }) => {
  const found = vectors(`rfc9591-frost-zf/${file}`) as Vectors | undefined;
  it.runIf(found !== undefined)('make the same shares, verifying shares and key', () => {
    const { inputs } = found as Vectors;
    const participants = ['1', '2', '3'].map((id) => inputs[id] as Participant);
    const field = primeField(group.order);
    const scalar = (hex: string): bigint => group.decodeScalar(fromHex(hex));
    const dealt = participants.map(({ signing_key, coefficient }) => [scalar(signing_key), scalar(coefficient)]);
    participants.forEach(({ vss_commitments }, i) => {
      const points = commit(group, dealt[i] as readonly bigint[]);
      expect(points.map((point) => toHex(group.encodePoint(point)))).toEqual(vss_commitments);
    });

    const reveals = participants.map(({ vss_commitments }) => ({
      coefficients: vss_commitments.map((point) => group.decodePoint(fromHex(point))),
      proof: { commitment: group.generator, response: 0n },
      chainCode: new Uint8Array(32),
      blinder: new Uint8Array(32),
    }));
    const parameters = parametersOf({ seed: 1, group, threshold: 2, parties: 3 });
    const outcome = publicOutcome(parameters, reveals, new Uint8Array(32));
    participants.forEach(({ identifier, signing_shares, signing_share, verifying_share }, i) => {
      let sum = evaluate(field, dealt[i] as readonly bigint[], BigInt(identifier));
      for (const [from, hex] of Object.entries(signing_shares)) {
        const dealer = Number(from) - 1;
        const share = scalar(hex);
        expect(share).toBe(evaluate(field, dealt[dealer] as readonly bigint[], BigInt(identifier)));
        expect(verifyShare(group, reveals[dealer]?.coefficients ?? [], BigInt(identifier), share)).toBe(true);
        sum = field.add(sum, share);
      }
      if (tweaked) return;
      expect(toHex(group.encodeScalar(sum))).toBe(signing_share);
      expect(toHex(group.encodePoint(outcome?.verifyingShares[i] ?? group.identity))).toBe(verifying_share);
    });
    if (!tweaked) expect(toHex(group.encodePoint(outcome?.groupKey ?? group.identity))).toBe(inputs.verifying_key);
  });
});
