import {
  type Group,
  type KeyShare,
  keyIdOf,
  type PublicPackage,
  randomScalar,
  type Scheme,
  secretScalar,
  seeded,
  type Tweak,
} from '@quorate/protocol';

export interface DealtKey {
  readonly publicPackage: PublicPackage;
  readonly shares: readonly KeyShare[];
}

/** What tests may choose about a key that a dealer makes; the rest follows from the seed. */
export interface DealtKeyOptions {
  readonly group: Group;
  readonly scheme: Scheme;
  readonly threshold: number;
  /** The parties, ascending. */
  readonly parties: readonly number[];
  readonly seed: Uint8Array;
  readonly tweak?: Tweak;
  readonly epoch?: number;
  /** The shared secret. */
  readonly secret?: bigint;
}

/** A key whose dealer knows it whole, for tests of what comes after key generation. */
export function dealKey(options: DealtKeyOptions): DealtKey {
  const { group, scheme, threshold, parties, seed } = options;
  const { order } = group;
  const randomness = seeded(seed);
  const polynomial = Array.from({ length: threshold }, () => randomScalar(randomness, order));
  if (options.secret !== undefined) polynomial[0] = options.secret;
  const valueAt = (x: number): bigint => polynomial.reduceRight((sum, a) => (sum * BigInt(x) + a) % order, 0n);
  const members = parties.map((party) => ({ party, node: randomness.bytes(32) }));
  const publicPackage: PublicPackage = {
    scheme,
    keyId: keyIdOf(new Uint8Array(32), 'dealt'),
    name: 'dealt',
    purpose: 'test',
    epoch: options.epoch ?? 1,
    baseEpoch: 0,
    threshold,
    members,
    groupKey: group.multiplyBase(polynomial[0] as bigint),
    verifyingShares: parties.map((party) => group.multiplyBase(valueAt(party))),
    chainCode: randomness.bytes(32),
    tweak: options.tweak ?? { type: 'none', value: new Uint8Array(0) },
    policyHash: new Uint8Array(32),
    transcript: randomness.bytes(32),
  };
  const shares = parties.map((party) => ({
    party,
    secret: secretScalar(valueAt(party), group.scalarBytes),
    publicPackage,
  }));
  return { publicPackage, shares };
}
