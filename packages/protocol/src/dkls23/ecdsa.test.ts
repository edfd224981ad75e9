import { createPublicKey, createSign, generateKeyPairSync, verify } from 'node:crypto';
import { secp256k1 as noble } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import { vectors } from '../../../../test/support/vectors.ts';
import { libsecp256k1 } from '../../native/index.ts';
import { ascii, concat, fromHex, toBytesBE, toHex } from '../bytes.ts';
import { liftX } from '../derivation/taproot.ts';
import { EncodingError, type Group, type Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { sha256 } from '../primitives/hash.ts';
import { randomScalar, seeded } from '../random.ts';
import { primeField } from '../sharing/field.ts';
import {
  decodeCompact,
  decodeDer,
  type EcdsaSignature,
  encodeCompact,
  encodeDer,
  isLow,
  recoverKey,
  signatureOf,
  verifyEcdsa,
  verifyRecoverable,
} from './ecdsa.ts';

const { order } = secp256k1;
const groups: readonly Group[] = [secp256k1, toy, ...[libsecp256k1()].filter((group) => group !== undefined)];

/** Textbook ECDSA. */
function sign(group: Group, key: bigint, digest: Uint8Array, nonce: bigint): EcdsaSignature {
  const field = primeField(group.order);
  const point = group.multiplyBase(nonce);
  const { r } = signatureOf(group, point, 1n);
  const z = BigInt(`0x${toHex(digest.subarray(0, 32))}`);
  return signatureOf(group, point, field.multiply(field.invert(nonce), z + r * key));
}

function samples(group: Group, count: number) {
  const random = seeded(ascii(`ecdsa ${group.backend}`));
  return Array.from({ length: count }, () => {
    const key = randomScalar(random, group.order);
    const digest = random.bytes(32);
    return {
      point: group.multiplyBase(key),
      digest,
      signature: sign(group, key, digest, randomScalar(random, group.order)),
    };
  });
}

describe.each(groups.map((group) => [group.backend, group] as const))('signatures over %s', (_name, group) => {
  it('have the low s, verify, and give back the key', () => {
    for (const { point, digest, signature } of samples(group, 20)) {
      expect(isLow(group, signature.s)).toBe(true);
      expect(verifyEcdsa(group, point, digest, signature)).toBe(true);
      expect(verifyRecoverable(group, point, digest, signature)).toBe(true);
      expect(group.equals(recoverKey(group, digest, signature) as Point, point)).toBe(true);
    }
  });

  it('fail with one thing changed', () => {
    const [{ point, digest, signature }, other] = samples(group, 2) as [
      ReturnType<typeof samples>[0],
      ReturnType<typeof samples>[0],
    ];
    const { r, s, recovery } = signature;
    const fails = (key: Point, message: Uint8Array, changed: EcdsaSignature): void => {
      expect(verifyEcdsa(group, key, message, changed)).toBe(false);
      expect(verifyRecoverable(group, key, message, changed)).toBe(false);
      const recovered = recoverKey(group, message, changed);
      expect(recovered !== undefined && group.equals(recovered, key)).toBe(false);
    };
    fails(other.point, digest, signature);
    fails(point, other.digest, signature);
    fails(point, digest, { ...signature, r: (r + 1n) % group.order });
    fails(point, digest, { ...signature, s: (s + 1n) % group.order });
    for (const outside of [0n, group.order, group.order + 1n, -1n]) {
      fails(point, digest, { ...signature, r: outside });
      fails(point, digest, { ...signature, s: outside });
    }
    // What verifies and yet is not what we give out: the other s, another recovery id.
    const high = { r, s: group.order - s, recovery: recovery ^ 1 };
    expect(verifyEcdsa(group, point, digest, high)).toBe(true);
    expect(verifyRecoverable(group, point, digest, high)).toBe(false);
    expect(verifyRecoverable(group, point, digest, { ...high, recovery })).toBe(false);
    for (const wrong of [recovery ^ 1, recovery ^ 2, recovery ^ 3, recovery + 4]) {
      expect(verifyRecoverable(group, point, digest, { r, s, recovery: wrong })).toBe(false);
      const recovered = recoverKey(group, digest, { r, s, recovery: wrong });
      expect(recovered !== undefined && group.equals(recovered, point)).toBe(false);
    }
  });
});

describe('signatures', () => {
  it('are what noble and OpenSSL verify, and theirs are what we do', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const { x, y } = publicKey.export({ format: 'jwk' });
    const [rawX, rawY] = [Buffer.from(x as string, 'base64url'), Buffer.from(y as string, 'base64url')];
    const point = secp256k1.decodePoint(concat(Uint8Array.of(2 + ((rawY.at(-1) as number) & 1)), rawX));
    for (let i = 0; i < 10; i++) {
      const message = Uint8Array.of(i);
      const theirs = decodeDer(secp256k1, createSign('sha256').update(message).sign(privateKey));
      expect(verifyEcdsa(secp256k1, point, sha256(message), theirs)).toBe(true);
    }
    for (const { point: key, digest, signature } of samples(secp256k1, 10)) {
      const encoded = secp256k1.encodePoint(key);
      expect(noble.verify(encodeCompact(signature), digest, encoded, { prehash: false })).toBe(true);
      const recovered = noble.Signature.fromBytes(
        concat(Uint8Array.of(signature.recovery), encodeCompact(signature)),
        'recovered',
      );
      expect(toHex(recovered.recoverPublicKey(digest).toBytes())).toBe(toHex(encoded));
    }
  });

  it('verify in OpenSSL, which hashes the message itself', () => {
    const random = seeded(ascii('openssl'));
    for (let i = 0; i < 10; i++) {
      const key = randomScalar(random, order);
      const message = random.bytes(i);
      const signature = sign(secp256k1, key, sha256(message), randomScalar(random, order));
      const uncompressed = noble.Point.BASE.multiply(key).toBytes(false);
      const jwk = {
        kty: 'EC',
        crv: 'secp256k1',
        x: Buffer.from(uncompressed.subarray(1, 33)).toString('base64url'),
        y: Buffer.from(uncompressed.subarray(33)).toString('base64url'),
      };
      const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
      expect(verify('sha256', message, publicKey, encodeDer(signature))).toBe(true);
      expect(verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, encodeCompact(signature))).toBe(
        true,
      );
    }
  });

  it('tell a nonce whose x is not below the order', () => {
    // Nobody knows the logarithm of such a nonce, but with a key to fit the signature verifies all the same.
    const above = Array.from({ length: 20 }, (_, i) => order + 1n + BigInt(i)).flatMap((x) => {
      try {
        return [liftX(secp256k1, toBytesBE(x, 32))];
      } catch {
        return [];
      }
    });
    expect(above.length).toBeGreaterThan(2);
    const digest = sha256(ascii('overflow'));
    for (const [i, point] of above.entries()) {
      const signature = signatureOf(secp256k1, i % 2 === 0 ? point : secp256k1.negate(point), 5n);
      expect(signature.recovery).toBe(2 + (i % 2));
      expect(signature.r <= 20n).toBe(true);
      const key = recoverKey(secp256k1, digest, signature) as Point;
      expect(verifyEcdsa(secp256k1, key, digest, signature)).toBe(true);
      expect(verifyRecoverable(secp256k1, key, digest, signature)).toBe(true);
      expect(noble.verify(encodeCompact(signature), digest, secp256k1.encodePoint(key), { prehash: false })).toBe(true);
    }
    // Where x + q is no field element at all.
    const large = { r: order - 1n, s: 5n, recovery: 2 };
    expect(recoverKey(secp256k1, digest, large)).toBeUndefined();
  });

  it('are of the leftmost 256 bits of a longer digest', () => {
    const key = 5n;
    const digest = sha256(ascii('long'));
    const signature = sign(secp256k1, key, digest, 9n);
    const point = secp256k1.multiplyBase(key);
    expect(verifyEcdsa(secp256k1, point, concat(digest, digest), signature)).toBe(true);
    expect(verifyEcdsa(secp256k1, point, concat(sha256(digest), digest), signature)).toBe(false);
  });

  it('cannot be of a nonce or a key at infinity', () => {
    // u₁G + u₂Q = 0 for Q = -zr⁻¹G; and the key that r, s and z of the same signature give is the identity if sR = zG.
    const digest = toBytesBE(7n, 32);
    const field = primeField(order);
    const key = secp256k1.multiplyBase(field.multiply(-7n, field.invert(3n)));
    expect(verifyEcdsa(secp256k1, key, digest, { r: 3n, s: 5n })).toBe(false);
    const { r, s, recovery } = signatureOf(secp256k1, secp256k1.multiplyBase(7n), 1n);
    expect(recoverKey(secp256k1, digest, { r, s, recovery })).toBeUndefined();
  });
});

describe('encodings', () => {
  it('are read back, and only exactly so', () => {
    for (const { signature } of samples(secp256k1, 50)) {
      const { r, s } = signature;
      for (const pair of [
        signature,
        { r, s: order - s },
        { r: 1n, s: 127n },
        { r: 128n, s: 255n },
        { r: 256n, s: order - 1n },
      ]) {
        const der = encodeDer(pair);
        expect(decodeDer(secp256k1, der)).toEqual({ r: pair.r, s: pair.s });
        expect(decodeCompact(secp256k1, encodeCompact(pair))).toEqual({ r: pair.r, s: pair.s });
        expect(toHex(der)).toBe(toHex(new noble.Signature(pair.r, pair.s).toBytes('der')));
        for (const wrong of [der.subarray(1), der.subarray(0, -1), concat(der, Uint8Array.of(0)), new Uint8Array(0)]) {
          expect(() => decodeDer(secp256k1, wrong)).toThrow(EncodingError);
        }
      }
    }
  });

  it.each([
    ['zero r', '3006020100020101'],
    ['zero s', '3006020101020100'],
    ['a negative integer', '3006020181020101'],
    ['a padded integer', '300702020001020101'],
    ['a long-form length', '308106020101020101'],
    ['another tag', '3106020101020101'],
    ['another integer tag', '3006030101020101'],
    ['r beyond the order', `3026022100${toHex(toBytesBE(order, 32))}020101`],
    ['far too many bytes', `30${'ff'.repeat(100)}`],
  ])('refuse %s', (_name, hex) => {
    expect(() => decodeDer(secp256k1, fromHex(hex))).toThrow(EncodingError);
  });

  it('refuse what is too long unread', () => {
    expect(() => decodeDer(secp256k1, new Uint8Array(73))).toThrow('over 72 bytes');
  });

  it.each([0n, order])('refuse the compact r or s %i', (value) => {
    const [bad, good] = [toBytesBE(value, 32), toBytesBE(1n, 32)];
    expect(() => decodeCompact(secp256k1, concat(bad, good))).toThrow(EncodingError);
    expect(() => decodeCompact(secp256k1, concat(good, bad))).toThrow(EncodingError);
    expect(() => decodeCompact(secp256k1, concat(good, good, Uint8Array.of(0)))).toThrow(EncodingError);
    expect(() => decodeCompact(secp256k1, good)).toThrow(EncodingError);
  });
});

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
    }[];
  }[];
}

describe('Wycheproof', () => {
  const bitcoin = (key: Point, digest: Uint8Array, bytes: Uint8Array): boolean => {
    const pair = decodeDer(secp256k1, bytes);
    return isLow(secp256k1, pair.s) && verifyEcdsa(secp256k1, key, digest, pair);
  };
  /** Takes either s. */
  const der = (key: Point, digest: Uint8Array, bytes: Uint8Array): boolean =>
    verifyEcdsa(secp256k1, key, digest, decodeDer(secp256k1, bytes));
  const p1363 = (key: Point, digest: Uint8Array, bytes: Uint8Array): boolean =>
    verifyEcdsa(secp256k1, key, digest, decodeCompact(secp256k1, bytes));

  it.each([
    ['bitcoin_', 463, bitcoin],
    ['', 476, der],
    ['p1363_', 252, p1363],
  ] as const)('agrees: %s', (name, count, check) => {
    const file = vectors(`wycheproof/ecdsa_secp256k1_sha256_${name}test.json`) as Wycheproof | undefined;
    if (file === undefined) return;
    const wrong: number[] = [];
    let tests = 0;
    for (const { publicKey, tests: cases } of file.testGroups) {
      const raw = fromHex(publicKey.uncompressed);
      const key = secp256k1.decodePoint(concat(Uint8Array.of(2 + ((raw[64] as number) & 1)), raw.subarray(1, 33)));
      for (const { tcId, msg, sig, result } of cases) {
        tests++;
        let verified = false;
        try {
          verified = check(key, sha256(fromHex(msg)), fromHex(sig));
        } catch (error) {
          expect(error).toBeInstanceOf(EncodingError);
        }
        if (verified !== (result === 'valid')) wrong.push(tcId);
      }
    }
    expect(wrong).toEqual([]);
    expect(tests).toBe(count);
  });
});
