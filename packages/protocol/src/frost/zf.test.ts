import { assert, integer, property, string } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { vectors } from '../../../../test/support/vectors.ts';
import { fromBytesBE, fromHex, toBytesBE, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import type { PublicPackage } from '../keys.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { split } from '../sharing/shamir.ts';
import { type Ciphersuite, suiteOf } from './ciphersuite.ts';
import { outputKey } from './frost.ts';
import { combineZfKeyPackages, decodeZfKeyPackage, encodeZfPackages, ZfError, type ZfKeyPackage } from './zf.ts';
import { splitShare } from './zf-share.ts';

const groups = { ed25519, secp256k1 };
const schemes = ['ed25519', 'taproot'] as const;
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (secret: Secret): string => secret.use((bytes) => new TextDecoder().decode(bytes));

/** What the tests of frost-core decode: 42 is who, the key is 1, and so is not what the share shows. */
const samples = {
  ed25519: {
    header: { version: 0, ciphersuite: 'FROST-ED25519-SHA512-v1' },
    identifier: `2a${'00'.repeat(31)}`,
    signing_share: '498d4e9311420c903913a56c94a694b8aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0a',
    verifying_share: `58${'66'.repeat(31)}`,
    verifying_key: `58${'66'.repeat(31)}`,
    min_signers: 2,
  },
  taproot: {
    header: { version: 0, ciphersuite: 'FROST-secp256k1-SHA256-TR-v1' },
    identifier: `${'00'.repeat(31)}2a`,
    signing_share: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa9d1c9e899ca306ad27fe1945de0242b81',
    verifying_share: '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    verifying_key: '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    min_signers: 2,
  },
};

/** The sample with the verifying share that its signing share has. */
function sampleOf(scheme: 'ed25519' | 'taproot') {
  const { group } = suiteOf(scheme, groups);
  const share = group.decodeScalar(fromHex(samples[scheme].signing_share));
  return { ...samples[scheme], verifying_share: toHex(group.encodePoint(group.multiplyBase(share))) };
}

interface Key {
  readonly suite: Ciphersuite;
  readonly publicPackage: PublicPackage;
  readonly shares: readonly bigint[];
}

function keyOf(scheme: 'ed25519' | 'taproot' | 'ecdsa', seed: string, threshold = 2, n = 3): Key {
  const suite = suiteOf(scheme, groups);
  const { group } = suite;
  const randomness = seeded(bytesOf(seed));
  const secret = group.reduceScalar(randomness.bytes(48));
  const ids = Array.from({ length: n }, (_, i) => BigInt(i + 1));
  const shares = split(primeField(group.order), secret, threshold, ids, randomness).map(({ value }) => value);
  const empty = new Uint8Array(32);
  const publicPackage: PublicPackage = {
    scheme,
    keyId: empty,
    name: 'treasury',
    purpose: 'general',
    epoch: 1,
    baseEpoch: 0,
    threshold,
    members: ids.map((id) => ({ party: Number(id), node: empty })),
    groupKey: group.multiplyBase(secret),
    verifyingShares: shares.map((share) => group.multiplyBase(share)),
    chainCode: empty,
    tweak: { type: scheme === 'taproot' ? 'key-path-only' : 'none', value: new Uint8Array(0) },
    policyHash: empty,
    transcript: empty,
  };
  return { suite, publicPackage, shares };
}

const secretOf = (value: bigint): Secret => new Secret(toBytesBE(value, 32));

function packagesOf({ publicPackage, shares, suite }: Key) {
  return publicPackage.members.map(({ party }, i) =>
    encodeZfPackages(suite, publicPackage, party, secretOf(shares[i] as bigint)),
  );
}

function decodedOf(key: Key): ZfKeyPackage[] {
  return packagesOf(key).map(({ keyPackage }) => keyPackage.use((bytes) => decodeZfKeyPackage(key.suite, bytes)));
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof ZfError ? error.code : String(error);
  }
}

describe('key packages of ZF', () => {
  it.each(schemes)('%s: the samples of frost-core are read, whatever their white space', (scheme) => {
    const suite = suiteOf(scheme, groups);
    for (const indent of [0, 2, '\t']) {
      const read = decodeZfKeyPackage(suite, bytesOf(`${JSON.stringify(sampleOf(scheme), null, indent)}\r\n`));
      expect(read).toMatchObject({ identifier: 42n, minSigners: 2 });
      const share = suite.group.encodeScalar(read.signingShare.use(fromBytesBE));
      expect(toHex(share)).toBe(samples[scheme].signing_share);
      expect(toHex(suite.group.encodePoint(read.verifyingKey))).toBe(samples[scheme].verifying_key);
    }
    // As it is, frost-core's sample is of a share that its verifying share does not show.
    expect(codeOf(() => decodeZfKeyPackage(suite, bytesOf(JSON.stringify(samples[scheme]))))).toBe('bad-share');
  });

  it.each(schemes)('%s: what is written is what frost-core writes, to the letter', (scheme) => {
    const { publicPackage, shares, suite } = keyOf(scheme, `letters ${scheme}`);
    const { keyPackage, publicKeyPackage } = encodeZfPackages(suite, publicPackage, 2, secretOf(shares[1] as bigint));
    const header = samples[scheme].header;
    const own = JSON.parse(textOf(keyPackage));
    const common = JSON.parse(publicKeyPackage);
    expect(Object.keys(own)).toEqual(Object.keys(samples[scheme]));
    expect(own).toMatchObject({ header, min_signers: 2, verifying_key: common.verifying_key });
    const id = (i: number): string => toHex(suite.group.encodeScalar(BigInt(i)));
    expect(own.identifier).toBe(id(2));
    expect(Object.keys(common)).toEqual(['header', 'verifying_shares', 'verifying_key', 'min_signers']);
    expect(common).toMatchObject({ header, min_signers: 2 });
    expect(Object.keys(common.verifying_shares)).toEqual([id(1), id(2), id(3)]);
    expect(common.verifying_shares[id(2)]).toBe(own.verifying_share);
  });

  test.each(schemes)('%s: packages of a quorum make the key that verifiers see', (scheme) => {
    assert(
      property(string(), integer({ min: 2, max: 4 }), integer({ min: 0, max: 2 }), (seed, threshold, more) => {
        const key = keyOf(scheme, seed, threshold, threshold + more);
        const { group, encodePublic } = key.suite;
        using secret = combineZfKeyPackages(key.suite, decodedOf(key).toReversed().slice(0, threshold));
        const found = encodePublic(group.multiplyBase(secret.use(fromBytesBE)));
        expect(toHex(found)).toBe(toHex(outputKey(key.suite, key.publicPackage)));
      }),
      { seed: 42, numRuns: 20 },
    );
  });

  it('reads the shares of the published vectors, which make the published key', () => {
    for (const [scheme, name] of [
      ['ed25519', 'ed25519'],
      ['taproot', 'secp256k1-tr'],
    ] as const) {
      const vector = vectors(`rfc9591-frost-zf/${name}-vectors.json`) as Published | undefined;
      if (vector === undefined) continue;
      const suite = suiteOf(scheme, groups);
      const { group } = suite;
      const packages = vector.inputs.participant_shares.slice(1).map(({ identifier, participant_share: share }) => ({
        header: samples[scheme].header,
        identifier: toHex(group.encodeScalar(BigInt(identifier))),
        signing_share: share,
        verifying_share: toHex(group.encodePoint(group.multiplyBase(group.decodeScalar(fromHex(share))))),
        verifying_key: vector.inputs.verifying_key_key,
        min_signers: Number(vector.config.MIN_PARTICIPANTS),
      }));
      const read = packages.map((one) => decodeZfKeyPackage(suite, bytesOf(JSON.stringify(one))));
      using secret = combineZfKeyPackages(suite, read);
      expect(toHex(group.encodeScalar(secret.use(fromBytesBE)))).toBe(vector.inputs.group_secret_key);
    }
  });

  describe.each(schemes)('%s: a package is refused', (scheme) => {
    const suite = suiteOf(scheme, groups);
    const good = sampleOf(scheme);
    const points = suite.group.pointBytes;
    const none = points === 33 ? '00'.repeat(33) : `01${'00'.repeat(31)}`;
    const order =
      points === 33 ? toHex(toBytesBE(suite.group.order, 32)) : toHex(toBytesBE(suite.group.order, 32).reverse());
    it.each<[string, string, unknown]>([
      ['with another field', 'malformed', { ...good, extra: 1 }],
      ['without one', 'malformed', { ...good, min_signers: undefined }],
      ['without a share', 'malformed', { ...good, signing_share: undefined }],
      ['with another field in its header', 'malformed', { ...good, header: { ...good.header, extra: 1 } }],
      ['without a header', 'malformed', { ...good, header: 0 }],
      [
        'of another ciphersuite',
        'ciphersuite',
        { ...good, header: { ...good.header, ciphersuite: 'FROST-RISTRETTO255-SHA512-v1' } },
      ],
      ['of another version', 'ciphersuite', { ...good, header: { ...good.header, version: 1 } }],
      ['for one signer', 'malformed', { ...good, min_signers: 1 }],
      ['for half a signer', 'malformed', { ...good, min_signers: 2.5 }],
      ['for too many', 'malformed', { ...good, min_signers: 65_536 }],
      ['with signers in words', 'malformed', { ...good, min_signers: '2' }],
      ['of nobody', 'encoding', { ...good, identifier: '00'.repeat(32) }],
      ['of an identifier above the order', 'encoding', { ...good, identifier: order }],
      ['of a short identifier', 'encoding', { ...good, identifier: '2a' }],
      ['with capitals', 'malformed', { ...good, verifying_key: good.verifying_key.replace('6', 'A') }],
      ['with a number for a point', 'malformed', { ...good, verifying_key: 1 }],
      ['with a share above the order', 'encoding', { ...good, signing_share: order }],
      ['with a short share', 'malformed', { ...good, signing_share: 'aa'.repeat(31) }],
      ['with capitals in its share', 'malformed', { ...good, signing_share: good.signing_share.toUpperCase() }],
      ['of the key that is no key', 'encoding', { ...good, verifying_key: none }],
      ['of a verifying share that is none', 'encoding', { ...good, verifying_share: none }],
      ['of a key off the curve', 'encoding', { ...good, verifying_key: 'ff'.repeat(points) }],
      ['of a key too short', 'encoding', { ...good, verifying_key: good.verifying_key.slice(2) }],
      ['whose share is another', 'bad-share', { ...good, verifying_share: good.verifying_key }],
    ])('%s', (_, code, value) => {
      expect(codeOf(() => decodeZfKeyPackage(suite, bytesOf(JSON.stringify(value))))).toBe(code);
    });

    it('with a field twice, in other forms, or as something else', () => {
      const text = JSON.stringify(good);
      const twice = text.replace('{', `{"signing_share":"${'ab'.repeat(32)}",`);
      const forms = [
        twice,
        text.replace('{', '{"min_signers":2,'),
        text.replace('"min_signers":2', '"min_signers":2.0'),
        text.replace('identifier', '\\u0069dentifier'),
        text.slice(0, -1),
        `[${text}]`,
        'null',
        '',
        `{"header":${text}}`,
      ];
      for (const form of forms) expect(codeOf(() => decodeZfKeyPackage(suite, bytesOf(form)))).toBe('malformed');
    });

    it('with a share in another place than its own', () => {
      const inner = { signing_share: 'ab'.repeat(32) };
      expect(splitShare(bytesOf(JSON.stringify({ inner, ...good })))).toBeUndefined();
    });

    it('and nothing of it is repeated', () => {
      const bad = JSON.stringify({ ...good, verifying_share: good.verifying_key });
      expect(() => decodeZfKeyPackage(suite, bytesOf(bad))).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(good.signing_share.slice(4, 12)) }),
      );
    });
  });

  it('of an ecdsa key there is none', () => {
    const { publicPackage, shares, suite } = keyOf('ecdsa', 'ecdsa');
    expect(codeOf(() => encodeZfPackages(suite, publicPackage, 1, secretOf(shares[0] as bigint)))).toBe('no-format');
    expect(codeOf(() => decodeZfKeyPackage(suite, bytesOf('{}')))).toBe('no-format');
  });

  it('of another share than the party has is not written', () => {
    const { publicPackage, shares, suite } = keyOf('ed25519', 'another');
    expect(codeOf(() => encodeZfPackages(suite, publicPackage, 1, secretOf(shares[1] as bigint)))).toBe('bad-share');
  });

  it('that do not belong together make no key', () => {
    const key = keyOf('ed25519', 'together');
    const [one, two] = decodedOf(key) as [ZfKeyPackage, ZfKeyPackage];
    const [, stranger] = decodedOf(keyOf('ed25519', 'other')) as [ZfKeyPackage, ZfKeyPackage];
    const combine = (...packages: ZfKeyPackage[]) => codeOf(() => combineZfKeyPackages(key.suite, packages));
    expect(combine(one, two)).toBeUndefined();
    expect(combine()).toBe('too-few');
    expect(combine(one)).toBe('too-few');
    expect(combine(one, one)).toBe('mismatch');
    expect(combine(one, stranger)).toBe('mismatch');
    expect(combine(one, { ...two, minSigners: 3 })).toBe('mismatch');
    expect(combine(one, { ...two, verifyingKey: stranger.verifyingKey })).toBe('mismatch');
    // Of the same key, of another epoch.
    expect(combine(one, { ...stranger, verifyingKey: one.verifyingKey })).toBe('mismatch');
  });
});

interface Published {
  readonly config: { readonly MIN_PARTICIPANTS: string };
  readonly inputs: {
    readonly group_secret_key: string;
    readonly verifying_key_key: string;
    readonly participant_shares: readonly { readonly identifier: number; readonly participant_share: string }[];
  };
}
