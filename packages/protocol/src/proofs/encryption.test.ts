import { assert, constantFrom, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascii } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { pureAead } from '../primitives/aead.ts';
import { seeded } from '../random.ts';
import { decode, encode } from '../wire/codec.ts';
import { openingCodec, openRevealed, openSealed, reveal, type SealContext, sealedCodec, sealTo } from './encryption.ts';

const context: SealContext = { session: ascii('session one'), from: 1, to: 2, label: 'share' };
const otherContexts: readonly SealContext[] = [
  { ...context, session: ascii('session two') },
  { ...context, from: 3 },
  { ...context, to: 3 },
  { ...context, label: 'other' },
];
const randomness = seeded(ascii('seals'));

describe.each([toy, secp256k1, ed25519])('sealed shares over $name', (group: Group) => {
  const receiveSecret = 123456789n;
  const receiveKey = group.multiplyBase(receiveSecret);
  const plaintext = ascii('thirty-two bytes of secret share');
  const seal = (where = context) => sealTo(group, pureAead, where, receiveKey, plaintext, randomness);
  const open = (where: SealContext, sealed: ReturnType<typeof seal>) =>
    openSealed(group, pureAead, where, receiveSecret, sealed);
  const shift = (point: Point): Point => group.add(point, group.generator);

  it('open for their recipient, after the wire too', () => {
    assert(
      property(uint8Array({ maxLength: 50 }), (secret) => {
        const codec = sealedCodec(group, secret.length);
        const sealed = sealTo(group, pureAead, context, receiveKey, secret, randomness);
        expect(open(context, decode(codec, encode(codec, sealed)))).toEqual(secret);
      }),
      { numRuns: group === toy ? 50 : 2 },
    );
  });

  it('open for nobody else and nowhere else', () => {
    const sealed = seal();
    expect(openSealed(group, pureAead, context, receiveSecret + 1n, sealed)).toBeUndefined();
    for (const other of otherContexts) {
      expect(open(other, sealed)).toBeUndefined();
      expect(reveal(group, other, receiveSecret, receiveKey, sealed, randomness)).toBeUndefined();
    }
    const { ephemeral, proof, ciphertext } = sealed;
    expect(open(context, { ...sealed, ephemeral: shift(ephemeral) })).toBeUndefined();
    expect(open(context, { ...sealed, proof: { ...proof, commitment: shift(proof.commitment) } })).toBeUndefined();
    expect(open(context, { ...sealed, proof: { ...proof, response: proof.response ^ 1n } })).toBeUndefined();
    for (let i = 0; i < ciphertext.length; i += 7) {
      const forged = ciphertext.with(i, (ciphertext[i] as number) ^ 1);
      expect(open(context, { ...sealed, ciphertext: forged })).toBeUndefined();
    }
  });

  it('never look alike, even under a generator that repeats itself, unless everything is the same', () => {
    const of = (where: SealContext, secret: Uint8Array) =>
      group.encodePoint(sealTo(group, pureAead, where, receiveKey, secret, seeded(ascii('again'))).ephemeral).join();
    const all = [
      of(context, plaintext),
      of(context, ascii('other')),
      ...otherContexts.map((one) => of(one, plaintext)),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it('open for everybody once their recipient reveals them', () => {
    const sealed = seal();
    const opening = reveal(group, context, receiveSecret, receiveKey, sealed, randomness);
    if (opening === undefined) throw new Error('an honest share can be revealed');
    const codec = openingCodec(group);
    const received = decode(codec, encode(codec, opening));
    const judge = (one: typeof opening, where = context) =>
      openRevealed(group, pureAead, where, receiveKey, sealed, one);
    expect(judge(received)).toEqual({ valid: true, plaintext });
    const invalid = { valid: false, plaintext: undefined };
    const { shared, proof } = opening;
    expect(judge({ ...opening, shared: shift(shared) })).toEqual(invalid);
    expect(judge({ shared, proof: { ...proof, response: proof.response ^ 1n } })).toEqual(invalid);
    expect(judge({ shared, proof: { ...proof, keyCommitment: shift(proof.keyCommitment) } })).toEqual(invalid);
    expect(judge({ shared, proof: { ...proof, productCommitment: shift(proof.productCommitment) } })).toEqual(invalid);
    expect(openRevealed(group, pureAead, context, shift(receiveKey), sealed, opening)).toEqual(invalid);
    expect(openRevealed(group, pureAead, context, receiveKey, sealed, undefined)).toEqual(invalid);
  });

  it('convict a dealer whose ciphertext does not open', () => {
    const sealed = { ...seal(), ciphertext: new Uint8Array(48) };
    expect(open(context, sealed)).toBeUndefined();
    const opening = reveal(group, context, receiveSecret, receiveKey, sealed, randomness);
    expect(opening).toBeDefined();
    const verdict = openRevealed(group, pureAead, context, receiveKey, sealed, opening);
    expect(verdict).toEqual({ valid: true, plaintext: undefined });
  });

  it('cannot be stolen by sending another dealer’s ephemeral key, as it is or shifted', () => {
    assert(
      property(constantFrom('copied', 'shifted'), (how) => {
        const honest = seal();
        const thief: SealContext = { ...context, from: 3 };
        const ephemeral = how === 'copied' ? honest.ephemeral : shift(honest.ephemeral);
        const theft = { ...honest, ephemeral, ciphertext: new Uint8Array(48) };
        expect(open(thief, theft)).toBeUndefined();
        expect(reveal(group, thief, receiveSecret, receiveKey, theft, randomness)).toBeUndefined();
        const verdict = openRevealed(group, pureAead, thief, receiveKey, theft, undefined);
        expect(verdict).toEqual({ valid: true, plaintext: undefined });
      }),
      { numRuns: 4 },
    );
  });
});
