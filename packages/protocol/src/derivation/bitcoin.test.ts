import { createHash } from 'node:crypto';
import { assert, bigInt, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase58Check, decodeSegwit } from '../../../../test/support/bitcoin-addresses.ts';
import { vectors } from '../../../../test/support/vectors.ts';
import { concat, fromBytesBE, fromHex, toHex } from '../bytes.ts';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { derive } from './bip32.ts';
import { bitcoinNetworks, p2pkh, p2tr, p2wpkh } from './bitcoin.ts';
import { uncompressed } from './sec1.ts';
import { liftX, taprootKey, xOnly } from './taproot.ts';

const publicKey = (secret: bigint): Uint8Array => secp256k1.encodePoint(secp256k1.multiplyBase(secret));
const one = publicKey(1n);

/** HASH160 by OpenSSL. */
function hash160(key: Uint8Array): Uint8Array {
  const inner = createHash('sha256').update(key).digest();
  return Uint8Array.from(createHash('ripemd160').update(inner).digest());
}

describe('P2WPKH addresses', () => {
  it.each([
    // The first two are BIP-173's examples.
    ['mainnet', 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
    ['testnet', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx'],
    ['regtest', 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'],
  ] as const)('of the generator, %s', (network, address) => {
    expect(p2wpkh(one, network)).toBe(address);
  });

  it('of the children of an account agree with BIP-84', () => {
    const account = decodeBase58Check(
      'zprvAdG4iTXWBoARxkkzNpNh8r6Qag3irQB8PzEMkAFeTRXxHpbF9z4QgEvBRmfvqWvGp42t42nvgGpNgYSJA9iefm1yYNZKEm7z6qUWCroSQnE',
    );
    const [chainCode, secret] = [account?.slice(13, 45), account?.slice(46)] as [Uint8Array, Uint8Array];
    const accountKey = secp256k1.multiplyBase(fromBytesBE(secret));
    for (const [path, key, address] of [
      [
        [0, 0],
        '0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c',
        'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu',
      ],
      [
        [0, 1],
        '03e775fd51f0dfb8cd865d9ff1cca2a158cf651fe997fdc9fee9c1d3b5e995ea77',
        'bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g',
      ],
      [
        [1, 0],
        '03025324888e429ab8e3dbaf1f7802648b9cd01e9b418485c5fa4c1b9b5700e1a6',
        'bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el',
      ],
    ] as const) {
      const child = secp256k1.encodePoint(derive(secp256k1, accountKey, chainCode, path).key);
      expect(toHex(child)).toBe(key);
      expect(p2wpkh(child, 'mainnet')).toBe(address);
    }
  });
});

describe('P2PKH addresses', () => {
  const known = fromHex('0250863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352');

  it.each([
    // The first is the example of the Bitcoin wiki, "Technical background of version 1 Bitcoin addresses".
    ['mainnet', known, '1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs'],
    ['mainnet', one, '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH'],
    ['testnet', one, 'mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r'],
    ['regtest', one, 'mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r'],
  ] as const)('are those that everybody knows, %s', (network, key, address) => {
    expect(p2pkh(key, network)).toBe(address);
  });
});

describe('P2TR addresses', () => {
  const outputKey = (internal: string, root: string | null): Uint8Array => {
    const tweak = { type: root === null ? 'key-path-only' : 'script-tree', value: fromHex(root ?? '') } as const;
    return xOnly(secp256k1, taprootKey(secp256k1, liftX(secp256k1, fromHex(internal)), tweak).point);
  };

  it.each([
    [
      'cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115',
      'a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c',
      'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
    ],
    [
      '83dfe85a3151d2517290da461fe2815591ef69f2b18a2ce63f01697a8b313145',
      'a82f29944d65b86ae6b5e5cc75e294ead6c59391a1edc5e016e3498c67fc7bbb',
      'bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh',
    ],
    [
      '399f1b2f4393f29a18c937859c5dd8a77350103157eb880f02e8c08214277cef',
      '882d74e5d0572d5a816cef0041a96b6c1de832f6f9676d9605c44d5e9a97d3dc',
      'bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7',
    ],
  ])('agree with BIP-86: internal key %s', (internal, output, address) => {
    expect(toHex(outputKey(internal, null))).toBe(output);
    expect(p2tr(fromHex(output), 'mainnet')).toBe(address);
  });

  it.each([
    [
      'mainnet',
      '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
    ],
    [
      'testnet',
      '000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
      'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
    ],
  ] as const)('agree with BIP-350, %s', (network, output, address) => {
    expect(p2tr(fromHex(output), network)).toBe(address);
  });

  it('agree with every wallet vector of BIP-341', () => {
    interface Wallet {
      readonly given: { readonly internalPubkey: string };
      readonly intermediary: { readonly merkleRoot: string | null };
      readonly expected: { readonly scriptPubKey: string; readonly bip350Address: string };
    }
    const file = vectors('bips/bip-0341/wallet-test-vectors.json') as { scriptPubKey: readonly Wallet[] } | undefined;
    for (const { given, intermediary, expected } of file?.scriptPubKey ?? []) {
      const key = outputKey(given.internalPubkey, intermediary.merkleRoot);
      expect(`5120${toHex(key)}`).toBe(expected.scriptPubKey);
      expect(p2tr(key, 'mainnet')).toBe(expected.bip350Address);
    }
  });
});

describe('Bitcoin addresses', () => {
  it('say to an independent decoder which network they are of, and what they pay to', () => {
    const segwit = { mainnet: 'bc', testnet: 'tb', regtest: 'bcrt' };
    assert(
      property(bigInt(1n, secp256k1.order - 1n), constantFrom(...bitcoinNetworks), (secret, network) => {
        const key = publicKey(secret);
        const prefix = segwit[network];
        expect(decodeSegwit(p2wpkh(key, network))).toEqual({ prefix, version: 0, program: hash160(key) });
        expect(decodeSegwit(p2tr(key.slice(1), network))).toEqual({ prefix, version: 1, program: key.slice(1) });
        const version = Uint8Array.of(network === 'mainnet' ? 0 : 0x6f);
        expect(decodeBase58Check(p2pkh(key, network))).toEqual(concat(version, hash160(key)));
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['no x of a point', concat(Uint8Array.of(2), new Uint8Array(31), Uint8Array.of(5))],
    ['uncompressed', uncompressed(one)],
    ['x-only', one.subarray(1)],
    ['nothing', new Uint8Array(0)],
  ])('exist for public keys only: %s', (_, bytes) => {
    expect(() => p2wpkh(bytes, 'mainnet')).toThrow(EncodingError);
    expect(() => p2pkh(bytes, 'mainnet')).toThrow(EncodingError);
  });

  it.each([
    ['no x of a point', concat(new Uint8Array(31), Uint8Array.of(5))],
    ['compressed', one],
    ['too short', Uint8Array.of(1)],
  ])('of Taproot exist for output keys only: %s', (_, bytes) => {
    expect(() => p2tr(bytes, 'mainnet')).toThrow(EncodingError);
  });
});

describe('the independent decoder', () => {
  const script = (address: string): string | undefined => {
    const decoded = decodeSegwit(address);
    if (decoded === undefined) return undefined;
    const { version, program } = decoded;
    return toHex(concat(Uint8Array.of(version === 0 ? 0 : 0x50 + version, program.length), program));
  };

  it.each([
    ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', '0014751e76e8199196d454941c45d1b3a323f1433bd6'],
    [
      'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7',
      '00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262',
    ],
    [
      'bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y',
      '5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6',
    ],
    ['BC1SW50QGDZ25J', '6002751e'],
    ['bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', '5210751e76e8199196d454941c45d1b3a323'],
    [
      'tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy',
      '0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
    ],
    [
      'tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c',
      '5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433',
    ],
    [
      'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
      '512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
    ],
  ])('reads what BIP-350 calls valid: %s', (address, expected) => {
    expect(script(address)).toBe(expected);
  });

  it.each([
    ['tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut', 'another human-readable part'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', 'bech32 for bech32m'],
    ['tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf', 'bech32 for bech32m'],
    ['BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL', 'bech32 for bech32m'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh', 'bech32m for bech32'],
    ['tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47', 'bech32m for bech32'],
    ['bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4', 'a character that is none'],
    ['BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R', 'an unknown version'],
    ['bc1pw5dgrnzv', 'a program of 1 byte'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav', 'a program of 41 bytes'],
    ['BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P', 'a length that version 0 does not have'],
    ['tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq', 'mixed case'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf', 'padding of more than 4 bits'],
    ['tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j', 'padding that is not zero'],
    ['bc1gmk9yu', 'no data'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'another checksum (BIP-173)'],
    ['tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv', 'padding that is not zero (BIP-173)'],
  ])('refuses what BIP-350 calls invalid: %s, %s', (address) => {
    expect(script(address)).toBeUndefined();
  });
});
