import { assert, bigInt, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { seeded } from '../random.ts';
import { addCommitments, commit, evaluateCommitment, verifyShare } from './feldman.ts';
import { primeField } from './field.ts';
import { deal, pedersenBase, pedersenCommit, pedersenShare, verifyPedersenShare } from './pedersen.ts';
import { evaluate, randomPolynomial } from './polynomial.ts';

describe.each([toy, secp256k1, ed25519])('commitments over $name', (group: Group) => {
  const field = primeField(group.order);
  const runs = { numRuns: group === toy ? 100 : 3 };
  const scalar = bigInt({ min: 1n, max: group.order - 1n });
  const threshold = integer({ min: 1, max: 5 });

  it('check the shares of Feldman’s scheme, and accept no other', () => {
    assert(
      property(scalar, scalar, threshold, bigInt({ min: 1n, max: 100n }), (secret, off, t, id) => {
        const f = randomPolynomial(field, secret, t, seeded(ascii(`${secret}`)));
        const commitment = commit(group, f);
        const share = evaluate(field, f, id);
        expect(commitment).toHaveLength(t);
        expect(verifyShare(group, commitment, id, share)).toBe(true);
        expect(verifyShare(group, commitment, id, field.add(share, off))).toBe(false);
        if (t > 1) expect(verifyShare(group, commitment, id + 1n, share)).toBe(false);
        expect(group.equals(evaluateCommitment(group, commitment, id), group.multiplyBase(share))).toBe(true);
        expect(group.equals(evaluateCommitment(group, commitment, 0n), group.multiplyBase(secret))).toBe(true);
      }),
      runs,
    );
  });

  it('add as their polynomials do', () => {
    const [f, g] = [
      randomPolynomial(field, 3n, 3, seeded(ascii('f'))),
      randomPolynomial(field, 4n, 3, seeded(ascii('g'))),
    ];
    const sum = addCommitments(group, [commit(group, f), commit(group, g)]);
    expect(verifyShare(group, sum, 2n, field.add(evaluate(field, f, 2n), evaluate(field, g, 2n)))).toBe(true);
    expect(() => addCommitments(group, [sum, sum.slice(1)])).toThrow(RangeError);
    expect(addCommitments(group, [])).toEqual([]);
  });

  it('check the shares of Pedersen’s scheme, and accept no other', () => {
    const base = pedersenBase(group);
    assert(
      property(scalar, scalar, threshold, bigInt({ min: 1n, max: 100n }), (secret, off, t, id) => {
        const dealing = deal(group, base, secret, t, seeded(ascii(`${secret}`)));
        const share = pedersenShare(group, dealing, id);
        const { commitment } = dealing;
        const accepts = (one: typeof share): boolean => verifyPedersenShare(group, base, commitment, id, one);
        expect(commitment).toHaveLength(t);
        expect(accepts(share)).toBe(true);
        expect(accepts({ ...share, value: field.add(share.value, off) })).toBe(false);
        expect(accepts({ ...share, blinding: field.add(share.blinding, off) })).toBe(false);
        if (t > 1) expect(verifyPedersenShare(group, base, commitment, id + 1n, share)).toBe(false);
        const constant = { value: secret, blinding: dealing.blinding[0] as bigint };
        expect(group.equals(pedersenCommit(group, base, constant), commitment[0] ?? group.identity)).toBe(true);
      }),
      runs,
    );
  });

  it('hide the same secret under another blinding', () => {
    const base = pedersenBase(group);
    const [one, two] = ['one', 'two'].map((seed) => deal(group, base, 5n, 2, seeded(ascii(seed))).commitment[0]);
    expect(group.equals(one ?? group.identity, two ?? group.identity)).toBe(false);
    expect(group.equals(base, group.generator)).toBe(false);
  });
});
