import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat, equal, fromBytesBE, toBytesBE, toHex } from '../bytes.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { hmac, sha512 } from '../primitives/hash.ts';
import { DerivationError, derive, parsePath } from './bip32.ts';

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** An extended public key as BIP-32 writes it: version 4, depth 1, fingerprint 4, index 4, chain code 32, key 33. */
function readXpub(text: string): { readonly chainCode: Uint8Array; readonly key: Uint8Array } {
  const value = Array.from(text).reduce((sum, digit) => sum * 58n + BigInt(ALPHABET.indexOf(digit)), 0n);
  const bytes = toBytesBE(value, 82);
  const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();
  expect(equal(sha256(sha256(bytes.subarray(0, 78))).subarray(0, 4), bytes.subarray(78))).toBe(true);
  return { chainCode: bytes.slice(13, 45), key: bytes.slice(45, 78) };
}

/** The steps of test vectors 1 and 2 that are not hardened. Vectors 3 to 5 have none. */
const steps = [
  [
    'xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw',
    'm/1',
    'xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ',
  ],
  [
    'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5',
    'm/2',
    'xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV',
  ],
  [
    'xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5',
    'm/2/1000000000',
    'xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy',
  ],
  [
    'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB',
    'm/0',
    'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH',
  ],
  [
    'xpub6ASAVgeehLbnwdqV6UKMHVzgqAG8Gr6riv3Fxxpj8ksbH9ebxaEyBLZ85ySDhKiLDBrQSARLq1uNRts8RuJiHjaDMBU4Zn9h8LZNnBC5y4a',
    'm/1',
    'xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DCWh89LojfZ537wTfunKau47EL2dhHKon',
  ],
  [
    'xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL',
    'm/2',
    'xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEgAtqt',
  ],
] as const;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof DerivationError) return error.code;
    throw error;
  }
  return 'none';
}

describe('derivation of public keys', () => {
  it.each(steps)('agrees with BIP-32: %s %s', (parent, path, child) => {
    const { chainCode, key } = readXpub(parent);
    const root = secp256k1.decodePoint(key);
    const derived = derive(secp256k1, root, chainCode, parsePath(path));
    const expected = readXpub(child);
    expect(toHex(secp256k1.encodePoint(derived.key))).toBe(toHex(expected.key));
    expect(toHex(derived.chainCode)).toBe(toHex(expected.chainCode));
    const moved = secp256k1.add(root, secp256k1.multiplyBase(derived.tweak));
    expect(secp256k1.equals(moved, derived.key)).toBe(true);
  });

  it('of the root is the root', () => {
    const chainCode = new Uint8Array(32).fill(1);
    expect(derive(secp256k1, secp256k1.generator, chainCode, parsePath('m'))).toEqual({
      key: secp256k1.generator,
      chainCode,
      tweak: 0n,
    });
  });

  it('has no key where the hash is not below the order, or takes the key to the identity', () => {
    // Below the order of the toy group one hash in 2^195 is.
    expect(codeOf(() => derive(toy, toy.generator, new Uint8Array(32), [0]))).toBe('no-key');
    const chainCode = new Uint8Array(32);
    // A group in which every point encodes alike, so that the key can be chosen after the hash.
    const encoded = secp256k1.encodePoint(secp256k1.generator);
    const left = fromBytesBE(hmac(sha512, chainCode, concat(encoded, new Uint8Array(4))).subarray(0, 32));
    const blind = { ...secp256k1, encodePoint: () => encoded };
    expect(codeOf(() => derive(blind, secp256k1.negate(secp256k1.multiplyBase(left)), chainCode, [0]))).toBe('no-key');
  });

  it('refuses hardened indices', () => {
    expect(codeOf(() => derive(secp256k1, secp256k1.generator, new Uint8Array(32), [2 ** 31]))).toBe('hardened');
  });
});

describe('paths', () => {
  it('are read', () => {
    expect(parsePath('m')).toEqual([]);
    expect(parsePath('m/44/60/0/0/7')).toEqual([44, 60, 0, 0, 7]);
    expect(parsePath('m/2147483647')).toEqual([2 ** 31 - 1]);
  });

  it.each(["m/44'/60", 'm/0h', 'm/1/0H', 'm/2147483648', 'm/9999999999'])('must not be hardened: %s', (path) => {
    expect(codeOf(() => parsePath(path))).toBe('hardened');
  });

  it.each([
    '',
    'M',
    'm/',
    '/0',
    'm//0',
    'm/00',
    'm/01',
    'm/-1',
    'm/1.5',
    'm/1e3',
    ' m/0',
    'm/0 ',
    'm/x',
    "m/'",
    '44/60',
    `m${'/0'.repeat(256)}`,
  ])('must be paths: "%s"', (path) => {
    expect(codeOf(() => parsePath(path))).toBe('path');
  });
});
