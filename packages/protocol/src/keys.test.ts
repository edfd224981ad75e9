import { assert, constantFrom, integer, property, record, uint8Array, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, equal } from './bytes.ts';
import { ed25519 } from './groups/ed25519.ts';
import { EncodingError, type Group } from './groups/group.ts';
import { secp256k1 } from './groups/secp256k1.ts';
import { toy } from './groups/toy.ts';
import {
  isName,
  keyIdOf,
  MAX_NAME,
  nameCodec,
  type PublicPackage,
  partyBytes,
  publicPackageCodec,
  schemeCodec,
  type Tweak,
  tweakCodec,
  verifyingShare,
} from './keys.ts';
import { tryDecode } from './protocol.ts';
import { schemes } from './schemes.ts';
import { mutationsOf } from './simulation/mutations.ts';
import { seededStream } from './simulation/seeds.ts';
import { decode, encode, text } from './wire/codec.ts';

const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

function example(group: Group, parties: readonly number[] = [1, 4, 7]): PublicPackage {
  return {
    scheme: group === ed25519 ? 'ed25519' : 'taproot',
    keyId: bytes(1),
    name: 'treasury',
    purpose: 'btc:mainnet',
    epoch: 3,
    baseEpoch: 2,
    threshold: 2,
    members: parties.map((party) => ({ party, node: concat(partyBytes(party), bytes(100).slice(2)) })),
    groupKey: group.multiplyBase(5n),
    verifyingShares: parties.map((party) => group.multiplyBase(BigInt(party))),
    chainCode: bytes(2),
    tweak: { type: 'none', value: new Uint8Array(0) },
    policyHash: bytes(3),
    transcript: bytes(4),
  };
}

describe.each([toy, ed25519, secp256k1])('a public package in $name', (group) => {
  const codec = publicPackageCodec(group);

  it('comes back as it was', () => {
    const value = example(group);
    const encoded = encode(codec, value);
    const back = decode(codec, encoded);
    expect(encode(codec, back)).toEqual(encoded);
    expect({ ...back, groupKey: 0, verifyingShares: 0 }).toEqual({ ...value, groupKey: 0, verifyingShares: 0 });
    expect(group.equals(back.groupKey, value.groupKey)).toBe(true);
    expect(group.equals(verifyingShare(back, 4), group.multiplyBase(4n))).toBe(true);
  });

  it('has one encoding: whatever else decodes is another package', () => {
    const encoded = encode(codec, example(group));
    const mutations = mutationsOf(codec, encoded, seededStream(1, 'package'));
    expect(mutations.length).toBeGreaterThan(50);
    for (const { name, payload } of mutations) {
      const value = tryDecode(codec, payload)?.value;
      if (value !== undefined) expect(encode(codec, value), name).toEqual(payload);
    }
  });
});

describe('a public package', () => {
  const codec = publicPackageCodec(toy);
  const refused = (change: Partial<PublicPackage>): void => {
    expect(() => decode(codec, encode(codec, { ...example(toy), ...change }))).toThrow(EncodingError);
  };

  it('comes back as it was, whatever is in it', () => {
    const some = uint8Array({ minLength: 32, maxLength: 32 });
    const any = record({
      scheme: constantFrom(...schemes),
      keyId: some,
      name: constantFrom('a', 'A-1', 'x'.repeat(MAX_NAME)),
      epoch: integer({ min: 3, max: 2 ** 40 }),
      chainCode: some,
      tweak: constantFrom<Tweak>(
        { type: 'none', value: new Uint8Array(0) },
        { type: 'key-path-only', value: new Uint8Array(0) },
        { type: 'script-tree', value: bytes(9) },
      ),
    });
    const parties = uniqueArray(integer({ min: 1, max: 65535 }), { minLength: 2, maxLength: 9 });
    assert(
      property(any, parties, (fields, indices) => {
        const sorted = indices.sort((a, b) => a - b);
        const { tweak } = fields.scheme === 'taproot' ? fields : example(toy);
        const value = { ...example(toy, sorted), ...fields, tweak };
        expect(decode(codec, encode(codec, value))).toEqual(value);
      }),
    );
  });

  it('has its members in ascending order, each once, from one', () => {
    const { members } = example(toy);
    refused({ members: [...members].reverse() });
    refused({ members: members.map(({ node }) => ({ party: 1, node })) });
    refused({ members: members.map(({ node }, party) => ({ party, node })) });
  });

  it('has no node twice: nobody says READY for another', () => {
    const { members } = example(toy);
    refused({ members: members.map(({ party }) => ({ party, node: bytes(1) })) });
  });

  it('comes after the epoch that it was dealt from', () => {
    refused({ baseEpoch: 3 });
    refused({ baseEpoch: 4 });
    refused({ epoch: 0, baseEpoch: 0 });
  });

  it('is tweaked for Taproot only', () => {
    for (const scheme of ['ed25519', 'ecdsa'] as const) {
      refused({ scheme, tweak: { type: 'key-path-only', value: new Uint8Array(0) } });
      refused({ scheme, tweak: { type: 'script-tree', value: bytes(9) } });
    }
  });

  it('has as many verifying shares as members', () => {
    refused({ verifyingShares: example(toy).verifyingShares.slice(1) });
    refused({ members: example(toy).members.slice(1) });
  });

  it('has a threshold from two to the number of members', () => {
    for (const threshold of [0, 1, 4]) refused({ threshold });
    for (const threshold of [2, 3]) {
      expect(decode(codec, encode(codec, { ...example(toy), threshold })).threshold).toBe(threshold);
    }
  });

  it('has a verifying share for its members only', () => {
    expect(() => verifyingShare(example(toy), 2)).toThrow(RangeError);
  });

  it('is of version 1', () => {
    const encoded = encode(codec, example(toy));
    expect(encoded[0]).toBe(1);
    expect(() =>
      decode(
        codec,
        encoded.map((byte, i) => (i === 0 ? 2 : byte)),
      ),
    ).toThrow(EncodingError);
  });
});

describe('a name', () => {
  it.each(['a', 'A', '7', 'treasury', 'btc:mainnet', 'a.b_c@d:e-f', 'x'.repeat(MAX_NAME)])('may be %j', (name) => {
    expect(isName(name)).toBe(true);
    expect(decode(nameCodec, encode(nameCodec, name))).toBe(name);
  });

  it.each([
    '',
    '.',
    '..',
    '-x',
    '_x',
    ':',
    'a/b',
    'a\\b',
    'a b',
    'a\0',
    'a\n',
    'é',
    'e\u0301',
    '\u202Ea',
    '%2e',
    'x'.repeat(MAX_NAME + 1),
  ])('may not be %j', (name) => {
    expect(isName(name)).toBe(false);
    expect(() => decode(nameCodec, encode(text(100), name))).toThrow(EncodingError);
  });
});

describe('schemes and tweaks', () => {
  it('are the ones that exist', () => {
    for (const scheme of schemes) expect(decode(schemeCodec, encode(schemeCodec, scheme))).toBe(scheme);
    for (const other of ['', 'rsa', 'constructor', 'Ed25519']) {
      expect(() => decode(schemeCodec, encode(text(16), other))).toThrow(EncodingError);
    }
    expect(() => decode(tweakCodec, Uint8Array.of(3))).toThrow(EncodingError);
    expect(() => decode(tweakCodec, new Uint8Array(2))).toThrow(EncodingError);
    expect(() => decode(tweakCodec, Uint8Array.of(2, ...bytes(1).subarray(1)))).toThrow(EncodingError);
  });
});

describe('a key id', () => {
  it('depends on the network and the name, and tells them apart', () => {
    const ids = [keyIdOf(bytes(1), 'a'), keyIdOf(bytes(2), 'a'), keyIdOf(bytes(1), 'b'), keyIdOf(bytes(1), 'aa')];
    for (const [i, id] of ids.entries()) expect(ids.findIndex((other) => equal(other, id))).toBe(i);
    expect(keyIdOf(bytes(1), 'a')).toEqual(ids[0]);
    expect(partyBytes(258)).toEqual(Uint8Array.of(1, 2));
  });
});
