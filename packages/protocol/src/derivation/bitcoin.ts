import { base58check, bech32, bech32m } from '@scure/base';
import { concat } from '../bytes.ts';
import { ripemd160, sha256 } from '../primitives/hash.ts';
import { uncompressed } from './sec1.ts';

/** The chains of Bitcoin that write addresses differently; signet writes them as testnet does. */
export type BitcoinNetwork = 'mainnet' | 'testnet' | 'regtest';

export const bitcoinNetworks: readonly BitcoinNetwork[] = ['mainnet', 'testnet', 'regtest'];

/** How addresses start: of witness programs (BIP-173; SLIP-173 for regtest), and of key hashes (Bitcoin Core's chainparams.cpp). */
const prefixes: Readonly<Record<BitcoinNetwork, { readonly segwit: string; readonly keyHash: number }>> = {
  mainnet: { segwit: 'bc', keyHash: 0x00 },
  testnet: { segwit: 'tb', keyHash: 0x6f },
  regtest: { segwit: 'bcrt', keyHash: 0x6f },
};

/**
 * Where whoever signs ECDSA with a key is paid (P2WPKH, BIP-141): witness version 0 and the key's hash, in bech32 (BIP-173).
 * With a key at m/84'/… it is BIP-84's.
 * @param publicKey 33 bytes, compressed: such outputs are spent with no other form
 * @throws {EncodingError}
 */
export function p2wpkh(publicKey: Uint8Array, network: BitcoinNetwork): string {
  return bech32.encode(prefixes[network].segwit, [0, ...bech32.toWords(keyHash(publicKey))]);
}

/**
 * The same before there were witnesses (P2PKH), in base58 with a checksum; for senders that know nothing newer.
 * @param publicKey 33 bytes, compressed
 * @throws {EncodingError}
 */
export function p2pkh(publicKey: Uint8Array, network: BitcoinNetwork): string {
  return base58check(sha256).encode(concat(Uint8Array.of(prefixes[network].keyHash), keyHash(publicKey)));
}

/**
 * Where whoever signs for a Taproot output key is paid (P2TR, BIP-341, BIP-86): witness version 1 and the key itself, in
 * bech32m (BIP-350). No tweak is applied here.
 * @param outputKey 32 bytes: the x of the key after its tweak, under which signatures verify
 * @throws {EncodingError}
 */
export function p2tr(outputKey: Uint8Array, network: BitcoinNetwork): string {
  expectPoint(concat(Uint8Array.of(2), outputKey));
  return bech32m.encode(prefixes[network].segwit, [1, ...bech32m.toWords(outputKey)]);
}

/** HASH160 of a compressed public key, 20 bytes. @throws {EncodingError} */
function keyHash(publicKey: Uint8Array): Uint8Array {
  expectPoint(publicKey);
  return ripemd160(sha256(publicKey));
}

/** What is paid to the address of anything but a key is lost. @throws {EncodingError} */
function expectPoint(publicKey: Uint8Array): void {
  uncompressed(publicKey);
}
