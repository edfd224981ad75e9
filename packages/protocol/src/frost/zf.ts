import { fromBytesBE, fromHex, toBytesBE, toHex } from '../bytes.ts';
import { EncodingError, type Point } from '../groups/group.ts';
import { type PublicPackage, verifyingShare } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { combine } from '../sharing/shamir.ts';
import type { Ciphersuite } from './ciphersuite.ts';
import { signingKey } from './frost.ts';
import { blankShare, hasOnly, isRecord, joinShare, splitShare } from './zf-share.ts';

/**
 * Key packages as the FROST crates of the Zcash Foundation write them: the serde JSON of frost-core, format version 0. Scalars and
 * points are lower-case hexadecimal, as the ciphersuite encodes them: an identifier is a scalar too, little-endian for Ed25519.
 * Of Taproot their packages hold the key that verifiers see, which `sign` of frost-secp256k1-tr takes as it is.
 */
export interface ZfPackages {
  /** `KeyPackage`, on one line: one party's share. Whoever takes it wipes it. */
  readonly keyPackage: Secret;
  /** `PublicKeyPackage` as of frost-core 3, on one line: everything that is public. */
  readonly publicKeyPackage: string;
}

/** A `KeyPackage`, checked by itself. */
export interface ZfKeyPackage {
  /** Any scalar but zero. */
  readonly identifier: bigint;
  /** Big-endian; whoever decoded it wipes it. */
  readonly signingShare: Secret;
  readonly verifyingKey: Point;
  readonly minSigners: number;
}

/**
 * - `no-format`: nobody else reads shares of this scheme.
 * - `malformed`: not the JSON of a key package, to the letter.
 * - `ciphersuite`: of another one, or of another format version.
 * - `encoding`: a value that is no scalar, or no point of the group; the identity.
 * - `bad-share`: the signing share is not that of the verifying share.
 * - `mismatch`: packages that do not belong together.
 * - `too-few`: fewer packages than must sign.
 */
export type ZfErrorCode = 'no-format' | 'malformed' | 'ciphersuite' | 'encoding' | 'bad-share' | 'mismatch' | 'too-few';

/** A key package that cannot be written or read; the message repeats nothing of it. */
export class ZfError extends Error {
  override readonly name = 'ZfError';
  readonly code: ZfErrorCode;

  constructor(code: ZfErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const formatVersion = 0;
const fieldNames = ['header', 'identifier', 'signing_share', 'verifying_share', 'verifying_key', 'min_signers'];

/**
 * The packages of one party of a key.
 * @param secret the party's share, big-endian; stays the caller's
 * @throws {ZfError} `no-format`, `bad-share`
 */
export function encodeZfPackages(
  suite: Ciphersuite,
  publicPackage: PublicPackage,
  party: Party,
  secret: Secret,
): ZfPackages {
  expectFormat(suite);
  const { group } = suite;
  const { factor, offset, point } = signingKey(suite, publicPackage);
  const field = primeField(group.order);
  const own = secret.use(fromBytesBE);
  if (!group.equals(group.multiplyBase(own), verifyingShare(publicPackage, party)))
    throw new ZfError('bad-share', 'the share does not belong to this epoch of the key');
  // What takes the shared key to the one that verifiers see takes each share along.
  const moved = (share: Point): string => {
    const scaled = group.multiply(share, factor);
    return toHex(group.encodePoint(offset === 0n ? scaled : group.add(scaled, group.multiplyBase(offset))));
  };
  const idOf = (one: Party): string => toHex(group.encodeScalar(BigInt(one)));
  const header = { version: formatVersion, ciphersuite: suite.contextString };
  const common = { verifying_key: toHex(group.encodePoint(point)), min_signers: publicPackage.threshold };
  const { members, verifyingShares } = publicPackage;
  const shares = members.map((member, i): [string, string] => [idOf(member.party), moved(verifyingShares[i] as Point)]);
  const text = JSON.stringify({
    header,
    identifier: idOf(party),
    signing_share: blankShare,
    verifying_share: moved(verifyingShare(publicPackage, party)),
    ...common,
  });
  using share = new Secret(group.encodeScalar(field.add(field.multiply(factor, own), offset)));
  return {
    keyPackage: joinShare(text, share),
    publicKeyPackage: JSON.stringify({ header, verifying_shares: Object.fromEntries(shares), ...common }),
  };
}

/**
 * A `KeyPackage` in a file. Strict: its fields and no others, once each.
 * @param bytes stay the caller's, who wipes them
 * @throws {ZfError} which repeats nothing of it
 */
export function decodeZfKeyPackage(suite: Ciphersuite, bytes: Uint8Array): ZfKeyPackage {
  expectFormat(suite);
  const { group } = suite;
  const parsed = splitShare(bytes);
  using share = parsed?.share;
  if (parsed === undefined || share === undefined || !hasOnly(parsed.fields, fieldNames))
    throw new ZfError('malformed', 'not the JSON of a key package, to the letter');
  const { fields } = parsed;
  checkHeader(suite, fields['header']);
  const { min_signers: minSigners } = fields;
  if (typeof minSigners !== 'number' || !Number.isInteger(minSigners) || minSigners < 2 || minSigners > 0xffff)
    throw new ZfError('malformed', 'min_signers is no number of signers');
  const identifier = scalarOf(suite, bytesOf(fields['identifier']));
  if (identifier === 0n) throw new ZfError('encoding', 'the identifier is zero');
  const own = share.use((value) => scalarOf(suite, value));
  const verifyingKey = pointOf(suite, bytesOf(fields['verifying_key']));
  if (!group.equals(group.multiplyBase(own), pointOf(suite, bytesOf(fields['verifying_share']))))
    throw new ZfError('bad-share', 'the signing share is not that of the verifying share');
  return { identifier, signingShare: new Secret(toBytesBE(own, 32)), verifyingKey, minSigners };
}

/**
 * The private key that key packages of different parties share: of Taproot the one of their verifying key, whatever was done to it.
 * @returns big-endian; the packages stay the caller's
 * @throws {ZfError} `too-few`, `mismatch`
 */
export function combineZfKeyPackages({ group }: Ciphersuite, packages: readonly ZfKeyPackage[]): Secret {
  const [first] = packages;
  if (first === undefined) throw new ZfError('too-few', 'no key package');
  const { minSigners, verifyingKey } = first;
  if (packages.some((one) => one.minSigners !== minSigners || !group.equals(one.verifyingKey, verifyingKey)))
    throw new ZfError('mismatch', 'the key packages are of different keys');
  const ids = new Set(packages.map(({ identifier }) => identifier));
  if (ids.size !== packages.length) throw new ZfError('mismatch', 'two key packages are of the same party');
  if (packages.length < minSigners)
    throw new ZfError('too-few', `${minSigners} key packages make the key, there are ${packages.length}`);
  const shares = packages.map(({ identifier, signingShare }) => ({
    id: identifier,
    value: signingShare.use(fromBytesBE),
  }));
  const key = combine(primeField(group.order), shares);
  if (!group.equals(group.multiplyBase(key), verifyingKey))
    throw new ZfError('mismatch', 'the shares do not add up to the key: they are of different epochs of it');
  return new Secret(toBytesBE(key, 32));
}

function expectFormat({ scheme }: Ciphersuite): void {
  if (scheme === 'ecdsa') throw new ZfError('no-format', 'no other software reads shares of an ecdsa key');
}

function checkHeader({ contextString }: Ciphersuite, header: unknown): void {
  if (!isRecord(header) || !hasOnly(header, ['version', 'ciphersuite']))
    throw new ZfError('malformed', 'the key package has no header');
  if (header['version'] !== formatVersion) throw new ZfError('ciphersuite', 'a key package of another format version');
  if (header['ciphersuite'] !== contextString)
    throw new ZfError('ciphersuite', `the key package is not of the ciphersuite ${contextString}`);
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(value))
    throw new ZfError('malformed', 'a value of the key package is not in lower-case hexadecimal');
  return fromHex(value);
}

function scalarOf({ group }: Ciphersuite, bytes: Uint8Array): bigint {
  return decoded(() => group.decodeScalar(bytes), 'a value of the key package is no scalar');
}

function pointOf({ group }: Ciphersuite, bytes: Uint8Array): Point {
  return decoded(() => group.decodePoint(bytes), 'a value of the key package is no point of the group');
}

function decoded<T>(decode: () => T, problem: string): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof EncodingError) throw new ZfError('encoding', problem);
    throw error;
  }
}
