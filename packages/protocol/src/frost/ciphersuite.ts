import { ascii, concat, fromBytesBE } from '../bytes.ts';
import { liftX, taggedHash, xOnly } from '../derivation/taproot.ts';
import type { Group, Point } from '../groups/group.ts';
import { sha256, sha512 } from '../primitives/hash.ts';
import type { Groups, Scheme } from '../schemes.ts';
import { expandMessage } from './expand.ts';

/** A ciphersuite of RFC 9591 §6: a group, five hash functions, and how verifiers see points. */
export interface Ciphersuite {
  readonly contextString: string;
  /** The scheme of the keys that sign with it. */
  readonly scheme: Scheme;
  readonly group: Group;
  /** BIP-340: verifiers see only the x of a key and of a group commitment, and take the point of even y for it. */
  readonly evenY: boolean;
  /** The longest message that is signed, in bytes. */
  readonly maxMessage: number;
  /** rho: binding factors. */
  h1(input: Uint8Array): bigint;
  /** chal: challenges, as the scheme's verifiers compute them. */
  h2(input: Uint8Array): bigint;
  /** nonce. */
  h3(input: Uint8Array): bigint;
  /** msg. */
  h4(input: Uint8Array): Uint8Array;
  /** com. */
  h5(input: Uint8Array): Uint8Array;
  /** A key or a group commitment as verifiers see it. */
  encodePublic(point: Point): Uint8Array;
  /** Strict. @throws {EncodingError} */
  decodePublic(bytes: Uint8Array): Point;
}

/** Longer messages are hashed by whoever wants them signed. */
const MAX_MESSAGE = 64 * 1024;

/** The suite that signs for keys of `scheme`. */
export function suiteOf(scheme: Scheme, groups: Groups): Ciphersuite {
  switch (scheme) {
    case 'ed25519':
      return ed25519Suite(groups.ed25519);
    case 'taproot':
      return taprootSuite(groups.secp256k1);
    case 'ecdsa':
      return secp256k1Suite(groups.secp256k1);
  }
}

/** FROST(Ed25519, SHA-512), RFC 9591 §6.1: signatures are RFC 8032's. */
export function ed25519Suite(group: Group): Ciphersuite {
  return {
    ...sha512Suite('FROST-ED25519-SHA512-v1', group),
    // RFC 8032 has no prefix here.
    h2: (input) => group.reduceScalar(sha512(input)),
  };
}

/**
 * FROST(secp256k1, SHA-256), RFC 9591 §6.5. No verifier of ECDSA or BIP-340 takes its signatures: among the parties of
 * an ECDSA key they prove that all hold their shares.
 */
export function secp256k1Suite(group: Group): Ciphersuite {
  return sha256Suite('FROST-secp256k1-SHA256-v1', group);
}

/**
 * FROST for BIP-340: the hashes of §6.5 under the context string of ZF's frost-secp256k1-tr, the challenge of BIP-340,
 * points of even y. BIP-340 takes messages of any length; those of 32 bytes are what BIP-341 signs, so whoever lets
 * clients choose them lets them spend (the node asks for a right of its own).
 */
export function taprootSuite(group: Group): Ciphersuite {
  return {
    ...sha256Suite('FROST-secp256k1-SHA256-TR-v1', group),
    scheme: 'taproot',
    evenY: true,
    h2: (input) => fromBytesBE(taggedHash('BIP0340/challenge', input)) % group.order,
    encodePublic: (point) => xOnly(group, point),
    decodePublic: (bytes) => liftX(group, bytes),
  };
}

/** For simulations: signs as Ed25519 does, in the toy group. */
export function toySuite(group: Group): Ciphersuite {
  return sha512Suite('FROST-TOY-SHA512-v1', group);
}

function sha512Suite(contextString: string, group: Group): Ciphersuite {
  const toScalar = (tag: Uint8Array, input: Uint8Array): bigint => group.reduceScalar(sha512(concat(tag, input)));
  return suite('ed25519', contextString, group, sha512, toScalar);
}

/** Scalars by hash_to_field of RFC 9380 §5.2: 48 bytes, reduced. */
function sha256Suite(contextString: string, group: Group): Ciphersuite {
  const toScalar = (tag: Uint8Array, input: Uint8Array): bigint => group.reduceScalar(expandMessage(input, tag, 48));
  return suite('ecdsa', contextString, group, sha256, toScalar);
}

/** What the suites of §6 have in common: each hash is one function under a tag of its own. */
function suite(
  scheme: Scheme,
  contextString: string,
  group: Group,
  hash: (input: Uint8Array) => Uint8Array,
  toScalar: (tag: Uint8Array, input: Uint8Array) => bigint,
): Ciphersuite {
  const tag = (label: string): Uint8Array => ascii(contextString + label);
  return {
    contextString,
    scheme,
    group,
    evenY: false,
    maxMessage: MAX_MESSAGE,
    h1: (input) => toScalar(tag('rho'), input),
    h2: (input) => toScalar(tag('chal'), input),
    h3: (input) => toScalar(tag('nonce'), input),
    h4: (input) => hash(concat(tag('msg'), input)),
    h5: (input) => hash(concat(tag('com'), input)),
    encodePublic: (point) => group.encodePoint(point),
    decodePublic: (bytes) => group.decodePoint(bytes),
  };
}
