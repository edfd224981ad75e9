import { xOnlyPointAddTweak } from 'tiny-secp256k1';
import { describe, expect, it } from 'vitest';
import { vectors } from '../../../../test/support/vectors.ts';
import { fromHex, toBytesBE, toHex } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import type { Tweak } from '../keys.ts';
import { liftX, taprootKey, tapTweak, xOnly } from './taproot.ts';

interface WalletVectors {
  readonly scriptPubKey: readonly {
    readonly given: { readonly internalPubkey: string };
    readonly intermediary: {
      readonly merkleRoot: string | null;
      readonly tweak: string;
      readonly tweakedPubkey: string;
    };
  }[];
  readonly keyPathSpending: readonly {
    readonly inputSpending: readonly {
      readonly given: { readonly internalPrivkey: string; readonly merkleRoot: string | null };
      readonly intermediary: { readonly tweak: string; readonly tweakedPrivkey: string };
    }[];
  }[];
}

const { order } = secp256k1;
const none: Tweak = { type: 'none', value: new Uint8Array(0) };
const keyPathOnly: Tweak = { type: 'key-path-only', value: new Uint8Array(0) };
const scriptTree = (root: string): Tweak => ({ type: 'script-tree', value: fromHex(root) });
const tweakOf = (root: string | null): Tweak => (root === null ? keyPathOnly : scriptTree(root));

describe('Taproot keys', () => {
  it('agree with the first two wallet vectors of BIP-341', () => {
    const keys: [string, string | null, string][] = [
      [
        'd6889cb081036e0faefa3a35157ad71086b123b2b144b649798b494c300a961d',
        null,
        '53a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343',
      ],
      [
        '187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27',
        '5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21',
        '147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3',
      ],
    ];
    for (const [internal, root, output] of keys) {
      const key = taprootKey(secp256k1, liftX(secp256k1, fromHex(internal)), tweakOf(root));
      expect(toHex(xOnly(secp256k1, key.point))).toBe(output);
    }
  });

  it('agree with every wallet vector of BIP-341, the secret keys too', () => {
    const file = vectors('bips/bip-0341/wallet-test-vectors.json') as WalletVectors | undefined;
    for (const { given, intermediary } of file?.scriptPubKey ?? []) {
      const internal = liftX(secp256k1, fromHex(given.internalPubkey));
      const root = fromHex(intermediary.merkleRoot ?? '');
      expect(toHex(toBytesBE(tapTweak(secp256k1, internal, root), 32))).toBe(intermediary.tweak);
      const { point } = taprootKey(secp256k1, internal, tweakOf(intermediary.merkleRoot));
      expect(toHex(xOnly(secp256k1, point))).toBe(intermediary.tweakedPubkey);
    }
    for (const { given, intermediary } of file?.keyPathSpending.flatMap((spend) => spend.inputSpending) ?? []) {
      const secret = BigInt(`0x${given.internalPrivkey}`);
      const key = taprootKey(secp256k1, secp256k1.multiplyBase(secret), tweakOf(given.merkleRoot));
      const signing = (key.factor * secret + key.offset) % order;
      // BIP-341 leaves the parity of the output key to BIP-340's signer; we settle it at once.
      expect([
        intermediary.tweakedPrivkey,
        toHex(toBytesBE(order - BigInt(`0x${intermediary.tweakedPrivkey}`), 32)),
      ]).toContain(toHex(toBytesBE(signing, 32)));
    }
  });

  it('have the secret that they say, for every parity before and after the tweak', () => {
    const seen = new Set<string>();
    for (let secret = 1n; secret <= 24n; secret++) {
      const internal = secp256k1.multiplyBase(secret);
      for (const tweak of [none, keyPathOnly, scriptTree('ab'.repeat(32))]) {
        const { point, factor, offset } = taprootKey(secp256k1, internal, tweak);
        expect(secp256k1.hasEvenY(point)).toBe(true);
        expect(secp256k1.equals(secp256k1.multiplyBase((factor * secret + offset) % order), point)).toBe(true);
        const x = xOnly(secp256k1, internal);
        const t =
          tweak.type === 'none' ? new Uint8Array(32) : toBytesBE(tapTweak(secp256k1, internal, tweak.value), 32);
        const expected = xOnlyPointAddTweak(x, t);
        expect(toHex(xOnly(secp256k1, point))).toBe(toHex(expected?.xOnlyPubkey ?? new Uint8Array(0)));
        seen.add(`${tweak.type}, ${secp256k1.hasEvenY(internal)}, ${expected?.parity}`);
      }
    }
    expect(seen.size).toBe(2 + 4 + 4);
  });

  it('differ by tweak', () => {
    const internal = secp256k1.multiplyBase(7n);
    const keys = [none, keyPathOnly, scriptTree('00'.repeat(32)), scriptTree('01'.repeat(32))].map((tweak) =>
      toHex(xOnly(secp256k1, taprootKey(secp256k1, internal, tweak).point)),
    );
    expect(new Set(keys).size).toBe(4);
  });

  it('are lifted strictly', () => {
    const p = 'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f';
    for (const bad of [p, '00'.repeat(32), 'ff'.repeat(32), '01'.repeat(31), '02'.repeat(33)]) {
      expect(() => liftX(secp256k1, fromHex(bad))).toThrow(EncodingError);
    }
    const odd = toy.hasEvenY(toy.generator) ? toy.negate(toy.generator) : toy.generator;
    expect(() => liftX(toy, toy.encodePoint(odd))).toThrow(EncodingError);
  });

  it('do not exist for a tweak above the order, or one that undoes the key', () => {
    // The order of the toy group is so small that every tweak is above it.
    expect(() => taprootKey(toy, toy.generator, keyPathOnly)).toThrow('the tweak is not below the order');
    const internal = liftX(secp256k1, xOnly(secp256k1, secp256k1.generator));
    const undoing = { ...secp256k1, multiplyBase: () => secp256k1.negate(internal) };
    expect(() => taprootKey(undoing, internal, keyPathOnly)).toThrow(RangeError);
  });
});
