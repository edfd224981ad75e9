import { assert, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type DealtKey, dealKey } from '../../../../test/support/dealt-key.ts';
import { shareOf } from '../../../../test/support/signing.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { SecretWiped, secretScalar } from '../index.ts';
import type { KeyShare, Tweak } from '../keys.ts';
import { type Randomness, seeded } from '../random.ts';
import { ed25519Suite, suiteOf, taprootSuite, toySuite } from './ciphersuite.ts';
import { bindingFactors, IdentityCommitment, outputKey, prepare, signingKey, signShare, verifyShare } from './frost.ts';
import { type Commitment, commit, NonceError, Nonces, noncePurpose } from './nonces.ts';
import { type SignInput, SignInputError, sign } from './sign.ts';
import { verifySignature } from './verify.ts';

const suite = toySuite(toy);
const sid = new Uint8Array(32).fill(1);
const message = new Uint8Array([1, 2, 3]);
const none: Tweak = { type: 'none', value: new Uint8Array(0) };
/** A generator that is stuck. */
const stuck: Randomness = { bytes: (length) => new Uint8Array(length).fill(7) };

function deal(epoch = 1, tweak: Tweak = none): DealtKey {
  return dealKey({
    group: toy,
    scheme: 'ed25519',
    threshold: 3,
    parties: [1, 2, 3, 4, 5],
    seed: Uint8Array.of(epoch),
    epoch,
    tweak,
  });
}

const key = deal();

function input(change: Partial<SignInput> = {}): SignInput {
  return { suite, share: shareOf(key, 2), signers: [1, 2, 5], message, sid, randomness: seeded(sid), ...change };
}

/** Why the input is refused before a word is said; undefined if it is not. */
function refusal(change: Partial<SignInput>): string | undefined {
  const protocol = sign(input(change));
  try {
    protocol.next(undefined as never);
    protocol.return(undefined as never);
    return undefined;
  } catch (error) {
    if (error instanceof SignInputError) return error.reason;
    throw error;
  }
}

describe('what may be signed', () => {
  it('wants signers of this key, ascending, ourselves among them, as many as the threshold', () => {
    expect(refusal({})).toBeUndefined();
    expect(refusal({ signers: [1, 2, 3, 4, 5] })).toBeUndefined();
    for (const signers of [
      [1, 2],
      [],
      [1, 3, 4],
      [1, 2, 6],
      [0, 1, 2],
      [2, 1, 5],
      [1, 2, 2],
      [1, 1, 2, 5],
      [1, 2, 3, 4, 5, 6],
    ]) {
      expect(refusal({ signers }), signers.join()).toBe('signers');
    }
  });

  it('wants the share of this epoch', () => {
    const late = deal(2);
    const stale: KeyShare = { ...shareOf(key, 2), publicPackage: late.publicPackage };
    expect(refusal({ share: stale })).toBe('share');
    expect(refusal({ share: { ...shareOf(key, 2), secret: secretScalar(0n, 32) } })).toBe('share');
  });

  it('wants a suite of the scheme, and no tweak where there is none', () => {
    expect(refusal({ suite: taprootSuite(toy) })).toBe('scheme');
    const tweaked = deal(1, { type: 'key-path-only', value: new Uint8Array(0) });
    expect(refusal({ share: shareOf(tweaked, 2) })).toBe('tweak');
  });

  it('limits messages to 64 KiB', () => {
    const lengths = [0, 1, 31, 32, 33, 65_535, 65_536, 65_537];
    const allowed = (change: Partial<SignInput>): number[] =>
      lengths.filter((length) => refusal({ ...change, message: new Uint8Array(length) }) === undefined);
    expect(allowed({})).toEqual([0, 1, 31, 32, 33, 65_535, 65_536]);
    const taproot = dealKey({ group: toy, scheme: 'taproot', threshold: 3, parties: [1, 2, 5], seed: sid });
    expect(allowed({ suite: taprootSuite(toy), share: shareOf(taproot, 2) })).toEqual([
      0, 1, 31, 32, 33, 65_535, 65_536,
    ]);
    expect(refusal({ message: new Uint8Array(65_537) })).toBe('message');
    expect(ed25519Suite(ed25519).maxMessage).toBe(suite.maxMessage);
  });
});

describe('nonces', () => {
  const purpose = noncePurpose(input());
  const committed = (): { nonces: Nonces; commitments: readonly Commitment[] } => {
    const all = [1, 2, 5].map((party) => commit(suite, shareOf(key, party), purpose, seeded(Uint8Array.of(party))));
    return { nonces: all[1] as Nonces, commitments: all.map(({ commitment }) => commitment) };
  };
  const signOnce = ({ nonces, commitments }: ReturnType<typeof committed>, list = commitments, use = purpose): bigint =>
    signShare(prepare(suite, signingKey(suite, key.publicPackage), list, message), nonces, use, shareOf(key, 2).secret);

  it('sign once', () => {
    const once = committed();
    signOnce(once);
    expect(() => signOnce(once)).toThrow(new NonceError('spent'));
  });

  it('sign for the session, key, epoch, signers and message that they were made for', () => {
    const uses = [
      input({ sid: new Uint8Array(32) }),
      input({ share: { ...shareOf(key, 2), publicPackage: { ...key.publicPackage, keyId: new Uint8Array(32) } } }),
      input({ share: { ...shareOf(key, 2), publicPackage: { ...key.publicPackage, epoch: 9 } } }),
      input({ share: shareOf(key, 1) }),
      input({ signers: [2, 3, 5] }),
      input({ message: Uint8Array.of(1, 2, 4) }),
      input({ bootEpoch: new Uint8Array(24) }),
    ];
    for (const use of uses) {
      const once = committed();
      expect(() => signOnce(once, once.commitments, noncePurpose(use))).toThrow(
        new NonceError('made for another session'),
      );
      // Even a refusal spends them.
      expect(() => signOnce(once)).toThrow(new NonceError('spent'));
    }
  });

  it('sign next to their own commitment only: not left out, replaced or doubled', () => {
    const changes: ((list: readonly Commitment[]) => readonly Commitment[])[] = [
      ([a, , c]) => [a, c] as Commitment[],
      ([a, b, c]) => [a, { ...b, hiding: (a as Commitment).hiding }, c] as Commitment[],
      ([a, b, c]) => [a, { ...b, binding: (a as Commitment).binding }, c] as Commitment[],
    ];
    for (const change of changes) {
      const once = committed();
      expect(() => signOnce(once, change(once.commitments))).toThrow(NonceError);
      expect(() => signOnce(once)).toThrow(new NonceError('spent'));
    }
    const twice = committed();
    const mine = twice.commitments[1] as Commitment;
    expect(() => twice.nonces.consume(purpose, [mine, mine], toy)).toThrow(
      new NonceError('not once in the commitment list'),
    );
  });

  it('differ between sessions, messages and signers even when the generator is stuck', () => {
    const uses = [
      input(),
      input({ sid: new Uint8Array(32) }),
      input({ message: new Uint8Array(0) }),
      input({ signers: [2, 3, 5] }),
      input({ bootEpoch: new Uint8Array(24) }),
      input({ share: shareOf(key, 1) }),
      input({ share: { ...shareOf(key, 2), secret: secretScalar(5n, 32) } }),
    ];
    const points = uses.flatMap((use) => {
      const { hiding, binding } = commit(suite, use.share, noncePurpose(use), stuck).commitment;
      return [hiding, binding].map((point) => toy.encodePoint(point).join());
    });
    expect(new Set(points).size).toBe(2 * uses.length);
  });

  it('differ between two runs of the same session', () => {
    const randomness = seeded(sid);
    const points = [1, 2].map(() =>
      toy.encodePoint(commit(suite, shareOf(key, 2), purpose, randomness).commitment.hiding).join(),
    );
    expect(points[0]).not.toBe(points[1]);
  });

  it('are wiped when the driver lets go of the protocol', () => {
    const wipe = vi.spyOn(Nonces.prototype, 'wipe');
    const protocol = sign(input());
    protocol.next(undefined as never);
    expect(wipe).not.toHaveBeenCalled();
    protocol.return(undefined as never);
    expect(wipe).toHaveBeenCalledOnce();
    const nonces = wipe.mock.contexts[0] as Nonces;
    wipe.mockRestore();
    expect(() => nonces.consume(purpose, [nonces.commitment], toy)).toThrow(new NonceError('spent'));
  });

  it('are both wiped', () => {
    const [hiding, binding] = [secretScalar(3n, 32), secretScalar(4n, 32)];
    const commitment = { party: 2, hiding: toy.multiplyBase(3n), binding: toy.multiplyBase(4n) };
    new Nonces(commitment, purpose, hiding, binding).wipe();
    expect([hiding.wiped, binding.wiped]).toEqual([true, true]);
  });

  it('are never made from a wiped share', () => {
    const share = { ...shareOf(key, 2), secret: shareOf(key, 2).secret.clone() };
    share.secret.wipe();
    expect(() => sign(input({ share })).next(undefined as never)).toThrow(SecretWiped);
  });
});

describe('the mathematics', () => {
  const point = toy.multiplyBase(3n);
  const commitments = (seed: number): readonly Commitment[] =>
    [1, 2, 5].map((party) => ({
      party,
      hiding: toy.multiplyBase(BigInt(seed + party)),
      binding: toy.multiplyBase(BigInt(seed * 2 + party)),
    }));

  it('binding factors differ for any change in list, message or key', () => {
    assert(
      property(
        integer({ min: 1, max: 1_000_000 }),
        integer({ min: 0, max: 2 }),
        uint8Array(),
        uint8Array(),
        (seed, i, a, b) => {
          const list = commitments(seed);
          const one = list[i] as Commitment;
          const factors = bindingFactors(suite, point, list, a);
          expect(new Set(factors).size).toBe(3);
          const next = (of: typeof point): typeof point => toy.add(of, toy.generator);
          const changes = [
            bindingFactors(suite, toy.generator, list, a),
            bindingFactors(suite, point, list.with(i, { ...one, hiding: next(one.hiding) }), a),
            bindingFactors(suite, point, list.with(i, { ...one, binding: next(one.binding) }), a),
            bindingFactors(suite, point, list.with(i, { ...one, party: 7 }), a),
            bindingFactors(suite, point, list.toSpliced(i, 1), a),
            ...(a.join() === b.join() ? [] : [bindingFactors(suite, point, list, b)]),
          ];
          for (const changed of changes) expect(changed.some((factor) => factors.includes(factor))).toBe(false);
        },
      ),
      { seed: 1 },
    );
  });

  it('refuses commitments that cancel out', () => {
    const flat = { ...suite, h1: () => 1n };
    const [a, b] = commitments(4) as [Commitment, Commitment];
    const sum = [a.hiding, a.binding, b.hiding].reduce((x, y) => toy.add(x, y));
    const key = signingKey(suite, { groupKey: point, tweak: none });
    expect(() => prepare(flat, key, [a, { ...b, binding: toy.negate(sum) }], message)).toThrow(IdentityCommitment);
  });

  it('finds no share good of a party that did not commit', () => {
    const signing = prepare(suite, signingKey(suite, { groupKey: point, tweak: none }), commitments(9), message);
    expect(verifyShare(signing, 4, point, 1n)).toBe(false);
  });

  it('has one suite for each scheme', () => {
    const groups = { ed25519, secp256k1 };
    expect((['ed25519', 'taproot', 'ecdsa'] as const).map((scheme) => suiteOf(scheme, groups).scheme)).toEqual([
      'ed25519',
      'taproot',
      'ecdsa',
    ]);
  });
});

describe('verification', () => {
  const real = ed25519Suite(ed25519);
  const secret = 77n;
  const groupKey = ed25519.multiplyBase(secret);
  const publicKey = outputKey(real, { groupKey, tweak: none });
  const r = ed25519.multiplyBase(5n);
  const challenge = real.h2(new Uint8Array([...ed25519.encodePoint(r), ...publicKey, ...message]));
  const z = (5n + challenge * secret) % ed25519.order;
  const signature = new Uint8Array([...ed25519.encodePoint(r), ...ed25519.encodeScalar(z)]);

  it('accepts a signature and nothing near it', () => {
    expect(verifySignature(real, publicKey, message, signature)).toBe(true);
    for (let i = 0; i < 64; i += 7) {
      const bent = signature.with(i, (signature[i] as number) ^ 1);
      expect(verifySignature(real, publicKey, message, bent)).toBe(false);
    }
    for (const wrong of [
      signature.slice(1),
      signature.slice(0, 31),
      new Uint8Array(0),
      new Uint8Array([...signature, 0]),
    ]) {
      expect(verifySignature(real, publicKey, message, wrong)).toBe(false);
    }
    expect(verifySignature(real, publicKey, new Uint8Array(3), signature)).toBe(false);
  });

  it('is strict about keys and scalars', () => {
    const identity = new Uint8Array(32).with(0, 1);
    for (const bad of [identity, new Uint8Array(32), new Uint8Array(31), new Uint8Array(32).fill(255)]) {
      expect(verifySignature(real, bad, message, signature)).toBe(false);
    }
    // The same equation holds for z + order, which no strict verifier takes.
    const overflow = signature.slice();
    let rest = z + ed25519.order;
    for (let i = 32; i < 64; i++, rest >>= 8n) overflow[i] = Number(rest & 0xffn);
    expect(verifySignature(real, publicKey, message, overflow)).toBe(false);
  });
});
