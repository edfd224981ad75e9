import {
  EncodingError,
  ed25519,
  fromHex,
  type Group,
  type Point,
  pureAead,
  pureEd25519,
  pureNodeKey,
  pureSymmetric,
  sha512,
} from '@quorate/protocol';
import { assert, bigInt, integer, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mixedOrder, nonCanonical, smallOrder } from '../../../test/support/ed25519-edge-cases.ts';
import { vectors } from '../../../test/support/vectors.ts';
import { nativeAead, nativeEd25519, nativeNodeKey, nativeSymmetric, sodiumEd25519 } from './index.ts';

const bytes = (length: number) => uint8Array({ minLength: length, maxLength: length });

describe('libsodium', () => {
  const native = sodiumEd25519();
  if (native === undefined) {
    console.warn('NOT TESTED against libsodium: sodium-native is not installed.');
    return;
  }
  const { order } = ed25519;
  const scalar = bigInt({ min: 0n, max: order - 1n });
  const both = [ed25519, native];
  const encoded = (group: Group, point: Point): string =>
    group.isIdentity(point) ? 'identity' : group.encodePoint(point).join();
  const agree = (compute: (group: Group) => Point): void => {
    const [pure, fast] = both.map((group) => encoded(group, compute(group)));
    expect(fast).toBe(pure);
  };
  const decodes = (group: Group, encoding: Uint8Array): boolean => {
    try {
      group.decodePoint(encoding);
      return true;
    } catch (error) {
      if (error instanceof EncodingError) return false;
      throw error;
    }
  };

  it('computes what noble computes', () => {
    assert(
      property(scalar, scalar, scalar, (a, b, c) => {
        agree((group) => group.multiplyBase(a));
        agree((group) => group.multiply(group.multiplyBase(b), a));
        agree((group) => group.add(group.multiplyBase(a), group.multiplyBase(b)));
        agree((group) => group.negate(group.multiplyBase(c)));
        const points = (group: Group) => [
          group.generator,
          group.multiplyBase(b),
          group.identity,
          group.multiplyBase(c),
        ];
        agree((group) => group.sumOfProducts(points(group), [a, c, b, 1n]));
      }),
      { numRuns: 100 },
    );
  });

  it('knows the identity where libsodium refuses it', () => {
    for (const group of both) {
      const P = group.multiplyBase(5n);
      for (const zero of [
        group.identity,
        group.multiplyBase(0n),
        group.multiply(P, 0n),
        group.multiply(group.identity, 3n),
        group.add(P, group.negate(P)),
        group.negate(group.identity),
        group.sumOfProducts([], []),
        group.sumOfProducts([P, P], [1n, order - 1n]),
      ]) {
        expect(group.isIdentity(zero)).toBe(true);
        expect(group.equals(zero, group.identity)).toBe(true);
        expect(() => group.encodePoint(zero)).toThrow(EncodingError);
        expect(group.equals(group.add(zero, P), P)).toBe(true);
      }
      expect(group.isIdentity(group.multiplyBase(order - 1n))).toBe(false);
    }
  });

  it('refuses what noble refuses', () => {
    const valid = ed25519.encodePoint(ed25519.generator);
    const wrongLength = [valid.slice(1), Uint8Array.of(...valid, 0)];
    for (const group of both) {
      expect(decodes(group, valid)).toBe(true);
      for (const encoding of [...[...smallOrder, ...nonCanonical, ...mixedOrder].map(fromHex), ...wrongLength]) {
        expect(decodes(group, encoding)).toBe(false);
      }
      for (const bad of [-1n, order]) {
        expect(() => group.multiplyBase(bad)).toThrow(RangeError);
        expect(() => group.multiply(group.generator, bad)).toThrow(RangeError);
        expect(() => group.sumOfProducts([group.multiplyBase(2n)], [bad])).toThrow(RangeError);
      }
      expect(() => group.sumOfProducts([group.generator], [])).toThrow(RangeError);
      expect(() => group.hasEvenY(group.generator)).toThrow(TypeError);
    }
    expect(() => native.add(native.generator, ed25519.generator)).toThrow(TypeError);
    assert(
      property(bytes(32), (encoding) => {
        expect(decodes(native, encoding)).toBe(decodes(ed25519, encoding));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps its points out of the hands of callers', () => {
    const point = native.multiplyBase(9n);
    const encoding = native.encodePoint(point);
    const decoded = native.decodePoint(encoding);
    encoding.fill(0);
    expect(native.equals(point, decoded)).toBe(true);
    expect(encoded(native, decoded)).toBe(encoded(ed25519, ed25519.multiplyBase(9n)));
  });

  it('encodes scalars and hashes to the group as noble does', () => {
    expect(native.encodeScalar(5n)).toEqual(ed25519.encodeScalar(5n));
    agree((group) => group.hashToGroup('quorate/test', Uint8Array.of(1)));
  });
});

describe('OpenSSL encryption', () => {
  const key = new Uint8Array(32).fill(3);
  const nonce = new Uint8Array(12).fill(4);

  it('is the same as noble’s', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), uint8Array(), (plaintext, aad) => {
        const sealed = nativeAead.seal(key, nonce, aad, plaintext);
        expect(sealed).toEqual(pureAead.seal(key, nonce, aad, plaintext));
        expect(nativeAead.open(key, nonce, aad, sealed)).toEqual(plaintext);
        const forged = sealed.with(sealed.length - 1, (sealed.at(-1) as number) ^ 1);
        for (const wrong of [forged, sealed.slice(1), sealed.slice(0, 15), new Uint8Array(0)]) {
          expect(nativeAead.open(key, nonce, aad, wrong)).toBeUndefined();
        }
      }),
    );
    expect(() => nativeAead.seal(key.slice(1), nonce, key, key)).toThrow(RangeError);
    expect(() => nativeAead.open(key, key, key, key)).toThrow(RangeError);
  });

  it('passes Wycheproof, as noble does', () => {
    const file = vectors('wycheproof/chacha20_poly1305_test.json') as WycheproofAead | undefined;
    for (const group of file?.testGroups ?? []) {
      if (group.ivSize !== 96) continue;
      for (const test of group.tests) {
        const [k, iv, aad, msg, ct] = [test.key, test.iv, test.aad, test.msg, `${test.ct}${test.tag}`].map(fromHex);
        for (const aead of [pureAead, nativeAead]) {
          const opened = aead.open(k as Uint8Array, iv as Uint8Array, aad as Uint8Array, ct as Uint8Array);
          expect(opened, `${aead.name} ${test.tcId}`).toEqual(test.result === 'valid' ? msg : undefined);
        }
      }
    }
  });
});

describe('OpenSSL’s AES and SHA-256', () => {
  it('are the same as noble’s', () => {
    assert(
      property(bytes(16), integer({ min: 0, max: 40 }), uint8Array({ maxLength: 200 }), (key, count, message) => {
        const blocks = new Uint8Array(16 * count).map((_, i) => message[i % message.length] ?? i);
        const encrypted = nativeSymmetric.aes128Blocks(key, blocks);
        expect(encrypted).toEqual(pureSymmetric.aes128Blocks(key, blocks));
        expect(encrypted.byteOffset % 4).toBe(0);
        expect(nativeSymmetric.sha256(message)).toEqual(pureSymmetric.sha256(message));
      }),
    );
  });

  it('take whole blocks and keys of 16 bytes', () => {
    for (const { aes128Blocks } of [nativeSymmetric, pureSymmetric]) {
      expect(() => aes128Blocks(new Uint8Array(32), new Uint8Array(16))).toThrow(RangeError);
      expect(() => aes128Blocks(new Uint8Array(16), new Uint8Array(17))).toThrow(RangeError);
    }
  });
});

describe('OpenSSL signatures', () => {
  const verdicts = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
    const [pure, native] = [pureEd25519, nativeEd25519].map((scheme) => scheme.verify(key, message, signature));
    expect(native).toBe(pure);
    return native === true;
  };

  it('are the same as noble’s', () => {
    assert(
      property(bytes(32), uint8Array(), (seed, message) => {
        const [pure, native] = [pureNodeKey(seed), nativeNodeKey(seed)];
        expect(native.publicKey).toEqual(pure.publicKey);
        expect(native.sign(message)).toEqual(pure.sign(message));
        expect(verdicts(pure.publicKey, message, pure.sign(message))).toBe(true);
        expect(verdicts(pure.publicKey, Uint8Array.of(...message, 0), pure.sign(message))).toBe(false);
      }),
      { numRuns: 20 },
    );
    assert(
      property(bytes(32), bytes(64), (key, signature) => {
        expect(verdicts(key, key, signature)).toBe(false);
      }),
    );
    expect(() => nativeNodeKey(new Uint8Array(31))).toThrow(RangeError);
  });

  it('are judged the same for keys that libraries differ on', () => {
    const accepted = new Map<string, number>();
    for (const key of [...mixedOrder, ...smallOrder, ...nonCanonical]) {
      // Signed by the part of prime order: whether the equation holds depends on the torsion part and the challenge.
      for (let i = 0; i < 16; i++) {
        const commitment = ed25519.encodePoint(ed25519.multiplyBase(7n + BigInt(i)));
        const signed = Uint8Array.of(...commitment, ...fromHex(key), i);
        const challenge = ed25519.reduceScalar(sha512(signed));
        const response = ed25519.encodeScalar((7n + BigInt(i) + challenge) % ed25519.order);
        const verdict = verdicts(fromHex(key), Uint8Array.of(i), Uint8Array.of(...commitment, ...response));
        if (verdict) accepted.set(key, (accepted.get(key) ?? 0) + 1);
      }
    }
    // Without the cofactor, a key of mixed order signs only when its order divides the challenge.
    expect([...accepted.keys()].every((key) => mixedOrder.includes(key))).toBe(true);
    expect(accepted.size).toBeGreaterThan(0);
    expect(Math.max(...accepted.values())).toBeLessThan(16);
  });

  it.each(['edge-cases.json', 'zip215.json'])('refuse the keys of small order in noble/ed25519/%s', (name) => {
    const cases = (vectors(`noble/ed25519/${name}`) ?? []) as readonly Record<string, string>[];
    for (const { message, pub_key: key, vk_bytes: otherKey, signature, sig_bytes: otherSignature } of cases) {
      const publicKey = key ?? otherKey ?? '';
      const verdict = verdicts(
        fromHex(publicKey),
        fromHex(message ?? '5a63617368'),
        fromHex(signature ?? otherSignature ?? ''),
      );
      expect(verdict && [...smallOrder, ...nonCanonical].includes(publicKey)).toBe(false);
    }
  });

  it('pass Wycheproof', () => {
    const file = vectors('wycheproof/ed25519_test.json') as WycheproofSignatures | undefined;
    for (const { publicKey, tests } of file?.testGroups ?? []) {
      for (const test of tests) {
        const verdict = verdicts(fromHex(publicKey.pk), fromHex(test.msg), fromHex(test.sig));
        expect(verdict, test.tcId).toBe(test.result === 'valid');
      }
    }
  });
});

interface WycheproofAead {
  readonly testGroups: readonly {
    readonly ivSize: number;
    readonly tests: readonly Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag' | 'result' | 'tcId', string>[];
  }[];
}

interface WycheproofSignatures {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly Record<'msg' | 'sig' | 'result' | 'tcId', string>[];
  }[];
}
