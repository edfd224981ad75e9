import { describe, expect, it } from 'vitest';
import { rfc9591 } from '../../../../test/support/rfc9591.ts';
import { vectors } from '../../../../test/support/vectors.ts';
import { fromHex, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import type { Tweak } from '../keys.ts';
import { Secret } from '../secret.ts';
import { type Ciphersuite, ed25519Suite, secp256k1Suite, taprootSuite } from './ciphersuite.ts';
import { aggregate, bindingFactors, prepare, signingKey, signShare, verifyShare } from './frost.ts';
import { type Commitment, generateNonce, Nonces, secretToScalar } from './nonces.ts';
import { verifySignature } from './verify.ts';

interface Vector {
  readonly inputs: {
    readonly participant_list: readonly number[];
    readonly group_public_key?: string;
    readonly verifying_key_key?: string;
    readonly message: string;
    readonly participant_shares: readonly { readonly identifier: number; readonly participant_share: string }[];
  };
  readonly round_one_outputs: {
    readonly outputs: readonly {
      readonly identifier: number;
      readonly hiding_nonce_randomness: string;
      readonly binding_nonce_randomness: string;
      readonly hiding_nonce: string;
      readonly binding_nonce: string;
      readonly hiding_nonce_commitment: string;
      readonly binding_nonce_commitment: string;
      readonly binding_factor: string;
    }[];
  };
  readonly round_two_outputs: {
    readonly outputs: readonly { readonly identifier: number; readonly sig_share: string }[];
  };
  readonly final_output: { readonly sig: string };
}

const noTweak: Tweak = { type: 'none', value: new Uint8Array(0) };
const purpose = new Uint8Array(32);

const suites = {
  ed25519: ed25519Suite(ed25519),
  secp256k1: secp256k1Suite(secp256k1),
  taproot: taprootSuite(secp256k1),
};

function secretOf({ group }: Ciphersuite, encoded: string): Secret {
  return new Secret(group.name === 'ed25519' ? fromHex(encoded).reverse() : fromHex(encoded));
}

/** Computes every value that a vector gives from its inputs, and compares. @returns the signature */
function replay(suite: Ciphersuite, { inputs, round_one_outputs: one, round_two_outputs: two }: Vector) {
  const { group } = suite;
  const scalar = (value: bigint): string => toHex(group.encodeScalar(value));
  const message = fromHex(inputs.message);
  const groupKey = group.decodePoint(fromHex((inputs.group_public_key ?? inputs.verifying_key_key) as string));
  const key = signingKey(suite, { groupKey, tweak: noTweak });
  const shares = new Map(
    inputs.participant_shares.map(({ identifier, participant_share: share }) => [identifier, secretOf(suite, share)]),
  );
  const nonces = one.outputs.map((output) => {
    const share = shares.get(output.identifier) as Secret;
    const hiding = generateNonce(suite, share, fromHex(output.hiding_nonce_randomness));
    const binding = generateNonce(suite, share, fromHex(output.binding_nonce_randomness));
    expect([scalar(hiding), scalar(binding)]).toEqual([output.hiding_nonce, output.binding_nonce]);
    const commitment: Commitment = {
      party: output.identifier,
      hiding: group.multiplyBase(hiding),
      binding: group.multiplyBase(binding),
    };
    expect([commitment.hiding, commitment.binding].map((point) => toHex(group.encodePoint(point)))).toEqual([
      output.hiding_nonce_commitment,
      output.binding_nonce_commitment,
    ]);
    return new Nonces(commitment, purpose, secretOf(suite, output.hiding_nonce), secretOf(suite, output.binding_nonce));
  });
  expect(one.outputs.map(({ identifier }) => identifier)).toEqual(inputs.participant_list);
  const commitments = nonces.map(({ commitment }) => commitment);
  expect(bindingFactors(suite, key.point, commitments, message).map(scalar)).toEqual(
    one.outputs.map(({ binding_factor: factor }) => factor),
  );
  const signing = prepare(suite, key, commitments, message);
  const signatureShares = nonces.map((pair) => {
    const secret = shares.get(pair.commitment.party) as Secret;
    const share = signShare(signing, pair, purpose, secret);
    const verifyingShare = group.multiplyBase(secretToScalar(secret));
    expect(verifyShare(signing, pair.commitment.party, verifyingShare, share)).toBe(true);
    return share;
  });
  expect(signatureShares.map(scalar)).toEqual(two.outputs.map(({ sig_share: share }) => share));
  const signature = aggregate(signing, signatureShares);
  expect(verifySignature(suite, key.encoded, message, signature)).toBe(true);
  return toHex(signature);
}

describe('published vectors', () => {
  it('RFC 9591', () => {
    for (const name of ['ed25519', 'secp256k1'] as const) {
      expect(replay(suites[name], rfc9591[name])).toBe(rfc9591[name].final_output.sig);
    }
  });

  it.each([
    ['ed25519', 'rfc9591-cfrg/frost-ed25519-sha512.json'],
    ['ed25519', 'rfc9591-frost-zf/ed25519-vectors.json'],
    ['ed25519', 'rfc9591-frost-zf/ed25519-vectors-big-identifier.json'],
    ['secp256k1', 'rfc9591-cfrg/frost-secp256k1-sha256.json'],
    ['secp256k1', 'rfc9591-frost-zf/secp256k1-vectors.json'],
    ['secp256k1', 'rfc9591-frost-zf/secp256k1-vectors-big-identifier.json'],
    ['taproot', 'rfc9591-frost-zf/secp256k1-tr-vectors.json'],
    ['taproot', 'rfc9591-frost-zf/secp256k1-tr-vectors-big-identifier.json'],
  ] as const)('%s of %s', (name, path) => {
    const vector = vectors(path) as Vector | undefined;
    expect(vector && replay(suites[name], vector)).toBe(vector?.final_output.sig);
  });

  it('BIP-340 verification', () => {
    const text = vectors('bips/bip-0340/test-vectors.csv') as string | undefined;
    const rows = (text ?? '').trim().split(/\r?\n/).slice(1);
    for (const row of rows) {
      const [index, , publicKey, , message, signature, result] = row.split(',');
      const [key, signed, sig] = [publicKey, message, signature].map((hex) => fromHex(hex as string));
      const valid = verifySignature(suites.taproot, key as Uint8Array, signed as Uint8Array, sig as Uint8Array);
      expect(valid, `vector ${index}`).toBe(result === 'TRUE');
    }
    if (text !== undefined) expect(rows).toHaveLength(19);
  });
});
