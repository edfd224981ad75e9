import { createHash } from 'node:crypto';

/** What an address says: on which network it is, and to what it pays. */
export interface SegwitAddress {
  readonly prefix: string;
  readonly version: number;
  readonly program: Uint8Array;
}

/** A decoder as BIP-173 and BIP-350 write it down, which shares no code with the encoder under test. */
export function decodeSegwit(address: string): SegwitAddress | undefined {
  const lower = address.toLowerCase();
  if (lower !== address && address.toUpperCase() !== address) return undefined;
  const end = lower.lastIndexOf('1');
  const prefix = lower.slice(0, end);
  const words = Array.from(lower.slice(end + 1), (letter) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(letter));
  if (!['bc', 'tb', 'bcrt'].includes(prefix) || address.length > 90 || words.includes(-1)) return undefined;
  const [version = 17, ...data] = words.slice(0, -6);
  if (version > 16 || polymod(prefix, words) !== (version === 0 ? 1 : 0x2bc830a3)) return undefined;
  const bits = data.map((word) => word.toString(2).padStart(5, '0')).join('');
  const bytes = bits.match(/.{8}/g) ?? [];
  const padding = bits.slice(8 * bytes.length);
  if (padding.length > 4 || padding.includes('1') || bytes.length < 2 || bytes.length > 40) return undefined;
  if (version === 0 && bytes.length !== 20 && bytes.length !== 32) return undefined;
  return { prefix, version, program: Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 2)) };
}

/** The remainder of BIP-173's checksum: 1 for a valid string of bech32. */
function polymod(prefix: string, words: readonly number[]): number {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
  return [...expanded, ...words].reduce((sum, word) => {
    const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
    const next = ((sum & 0x1ffffff) << 5) ^ word;
    return generators.reduce((mixed, generator, i) => ((sum >> (25 + i)) & 1 ? mixed ^ generator : mixed), next);
  }, 1);
}

/** The bytes of a base58 text, by arithmetic alone. */
export function decodeBase58(text: string): Uint8Array {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  const number = Array.from(text).reduce((sum, letter) => 58n * sum + BigInt(letters.indexOf(letter)), 0n);
  const hex = number === 0n ? '' : number.toString(16);
  const zeros = '00'.repeat(text.length - text.replace(/^1+/, '').length);
  return Uint8Array.from(Buffer.from(zeros + (hex.length % 2 === 1 ? `0${hex}` : hex), 'hex'));
}

/** What base58check protects; undefined if the checksum is another, or there is none. */
export function decodeBase58Check(text: string): Uint8Array | undefined {
  const bytes = decodeBase58(text);
  const payload = bytes.slice(0, -4);
  const hash = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest();
  return hash(hash(payload)).subarray(0, 4).equals(bytes.slice(-4)) ? payload : undefined;
}
