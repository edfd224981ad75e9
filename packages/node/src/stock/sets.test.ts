import { concat, dkls23, hash, secp256k1, seeded } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { systemRandomness } from '../entropy.ts';
import { nativeTools } from '../tools.ts';
import { type ChooseSet, type CompleteSet, chooseSet, completeSet, type MadeSet, setsOf } from './sets.ts';

const tools = { ...nativeTools(), randomness: systemRandomness };
const { secp256k1: group } = tools.groups;
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
const context = { session: fill(1), alice: fill(2), bob: fill(3) };

/** Bob's key, and what both jobs start with. */
function begun(): { readonly choose: ChooseSet; readonly complete: Omit<CompleteSet, 'points'> } {
  const { secret, point } = dkls23.offerBaseOt(group, systemRandomness);
  const key = group.encodePoint(point);
  return {
    choose: { ...context, key, hedge: fill(4, 64) },
    complete: { ...context, key, keySecret: secret.use((bytes) => bytes.slice()) },
  };
}

const usable = (made: ReturnType<typeof chooseSet>): MadeSet => {
  if ('unusable' in made) throw new Error(made.unusable);
  return made;
};

describe('a set made ahead', () => {
  test('fits at both ends, and leaves nothing behind', () => {
    const { choose, complete } = begun();
    const alice = usable(chooseSet(choose, tools));
    const bob = usable(completeSet({ ...complete, points: alice.points }, tools));
    expect(alice.id).toEqual(bob.id);
    expect([choose.hedge, complete.keySecret]).toEqual([fill(0, 64), fill(0)]);

    const { asAlice } = setsOf(group, { asAlice: alice.half, asBob: undefined });
    const { asBob } = setsOf(group, { asAlice: undefined, asBob: bob.half });
    expect([...alice.half, ...bob.half].every((byte) => byte === 0)).toBe(true);
    expect([asAlice?.id, asBob?.id]).toEqual([alice.id, bob.id]);
    for (let i = 0; i < 128; i++) {
      const choice = asAlice?.choices.use((bits) => ((bits[i >> 3] as number) >> (i & 7)) & 1) as number;
      const theirs = asBob?.keys.use((all) => [0, 1].map((x) => all.slice(16 * (2 * i + x), 16 * (2 * i + x + 1))));
      const own = asAlice?.keys.use((all) => all.slice(16 * i, 16 * (i + 1)));
      expect(
        [theirs?.[0], theirs?.[1]].map((key) => Buffer.compare(key as Uint8Array, own as Uint8Array) === 0),
      ).toEqual([choice === 0, choice === 1]);
    }
  });

  test('differs with the node key although the generator stands still', () => {
    const { choose } = begun();
    const broken = (): typeof tools => ({ ...tools, randomness: seeded(fill(9)) });
    const [one, same, other] = [4, 4, 5].map((byte) =>
      usable(chooseSet({ ...choose, hedge: fill(byte, 64) }, broken())),
    ) as [MadeSet, MadeSet, MadeSet];
    expect(one.points).toEqual(same.points);
    expect(one.points).not.toEqual(other.points);
  });
});

describe('what a peer sends', () => {
  test('that is no key makes no set', () => {
    const { choose } = begun();
    for (const key of [fill(0, 33), fill(255, 33), concat(Uint8Array.of(2), fill(0))]) {
      expect(chooseSet({ ...choose, key }, tools)).toEqual({ unusable: 'the key is no point' });
    }
  });

  test('that is no point, or gives the identity, makes no set, and no trace of the key stays', () => {
    const { choose, complete } = begun();
    const { points } = usable(chooseSet(choose, tools));
    const withFirst = (first: Uint8Array): Uint8Array => concat(first, points.subarray(33));
    const sid = hash('quorate/v1/dkls23/base-ot/session', context.session, context.alice, context.bob);
    const message = concat(sid, Uint8Array.of(0, 0), points.subarray(33, 66));
    const hidden = secp256k1.hashToGroup('quorate/v1/dkls23/base-ot/hash-to-curve', message);
    const cancelling = secp256k1.encodePoint(secp256k1.negate(hidden));
    for (const [sent, unusable] of [
      [withFirst(fill(0, 33)), 'the points are none'],
      [withFirst(fill(255, 33)), 'the points are none'],
      [withFirst(cancelling), 'the points give the identity'],
    ] as const) {
      const keySecret = complete.keySecret.slice();
      expect(completeSet({ ...complete, keySecret, points: sent }, tools)).toEqual({ unusable });
      expect(keySecret).toEqual(fill(0));
    }
  });
});
