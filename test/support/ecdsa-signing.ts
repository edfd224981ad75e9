import {
  type dkls23,
  dkls23 as ecdsa,
  type Group,
  type Inbox,
  type KeyShare,
  kinds,
  type Party,
  type Protocol,
  type Round,
  type Signed,
  seeded,
  u32,
} from '@quorate/protocol';
import { type Scenario, simulatedSid } from '@quorate/protocol/simulation';
import { type DealtKey, dealKey } from './dealt-key.ts';
import { type DealtPairs, dealPairs } from './dealt-pairs.ts';

/** An ECDSA key whose dealer knows it whole, and what its parties would have set up. */
export interface DealtEcdsaKey extends DealtKey {
  readonly pairs: DealtPairs;
}

export interface EcdsaSigning {
  readonly seed: number;
  readonly group: Group;
  readonly multiplication: dkls23.Multiplication;
  readonly key: DealtEcdsaKey;
  readonly signers: readonly Party[];
  readonly digest: Uint8Array;
  readonly tweak?: bigint;
  /** What a party believes, or does, otherwise than the rest. */
  readonly differs?: (party: Party) => Partial<dkls23.SignEcdsaInput>;
  readonly signatures?: 'toy' | 'pure';
}

export function dealEcdsaKey(group: Group, threshold: number, parties: readonly Party[], seed = 1): DealtEcdsaKey {
  // Ideal multiplication looks at none of the leaves, and dealing them takes longer than signing.
  const suite = group.name === 'toy' ? { ...ecdsa.suiteA, groups: 1 } : ecdsa.suiteA;
  const key = dealKey({ group, scheme: 'ecdsa', threshold, parties, seed: u32(seed) });
  return { ...key, pairs: dealPairs(suite, parties, seeded(u32(seed + 1))) };
}

/** A key of 2 to `most` parties, between t and n of them to sign, and in half of the cases a child of the key. */
export function drawEcdsaSigning(
  group: Group,
  multiplication: dkls23.Multiplication,
  seed: number,
  most: number,
): EcdsaSigning {
  const random = seeded(u32(seed));
  const below = (limit: number): number => (random.bytes(1)[0] as number) % limit;
  const parties = Array.from({ length: 2 + below(most - 1) }, (_, i) => 3 * i + 1 + below(3));
  const threshold = 2 + below(parties.length - 1);
  const signers = [...parties];
  while (signers.length > threshold && below(3) > 0) signers.splice(below(signers.length), 1);
  const key = dealEcdsaKey(group, threshold, parties, seed);
  const tweak = below(2) === 0 ? 0n : group.reduceScalar(random.bytes(48));
  return { seed, group, multiplication, key, signers, digest: random.bytes(32), tweak };
}

/** A simulated committee that signs. */
export function ecdsaSigning(options: EcdsaSigning): Scenario<dkls23.EcdsaSignature> {
  const { seed, group, multiplication, key, signers, digest, tweak = 0n, signatures } = options;
  const { publicPackage } = key;
  const purpose = { digest, tweak };
  return {
    seed,
    parties: signers,
    kind: kinds.sign,
    signatures,
    rounds: ecdsa.ecdsaRounds(group, multiplication),
    rules: ecdsa.ecdsaRules({ group, multiplication, publicPackage, signers, sid: simulatedSid(seed), purpose }),
    run: (party, randomness) => ecdsa.signEcdsa({ ...ecdsaInputOf(options, party), randomness }),
  };
}

/** What a party of that committee is given. */
export function ecdsaInputOf(options: EcdsaSigning, party: Party): dkls23.SignEcdsaInput {
  const { seed, group, multiplication, key, signers, digest, tweak = 0n } = options;
  return {
    group,
    multiplication,
    share: key.shares.find((share) => share.party === party) as KeyShare,
    pairs: key.pairs.get(party) ?? new Map(),
    signers,
    banned: new Set(),
    digest,
    tweak,
    sid: simulatedSid(seed),
    randomness: seeded(u32(seed)),
    ...options.differs?.(party),
  };
}

/** The same committee, making a presignature. */
export function presigning(options: Omit<EcdsaSigning, 'digest' | 'tweak'>): Scenario<dkls23.Presignature> {
  const { seed, group, multiplication, key, signers } = options;
  const { publicPackage } = key;
  return {
    seed,
    parties: signers,
    kind: kinds.sign,
    rounds: ecdsa.presignRounds(group, multiplication),
    rules: ecdsa.ecdsaRules({
      group,
      multiplication,
      publicPackage,
      signers,
      sid: simulatedSid(seed),
      purpose: undefined,
    }),
    run: (party, randomness) => {
      const input = ecdsaInputOf({ ...options, digest: new Uint8Array(32) }, party);
      return ecdsa.presign({ ...input, randomness });
    },
  };
}

/** The same committee, signing with presignatures, by party. */
export function presignedSigning(
  options: EcdsaSigning,
  presignatures: ReadonlyMap<Party, dkls23.Presignature>,
): Scenario<dkls23.EcdsaSignature> {
  const { seed, group, signers } = options;
  return {
    seed,
    parties: signers,
    kind: kinds.sign,
    rounds: ecdsa.onlineRounds(group),
    rules: {},
    run: (party, randomness) => {
      const presignature = presignatures.get(party) as dkls23.Presignature;
      return ecdsa.signWithPresignature({ ...ecdsaInputOf(options, party), presignature, randomness });
    },
  };
}

/** Runs protocols side by side, a round at each call of `next`, without a wire: what is said is heard, in full and at once. */
export function lockstep<T>(protocols: ReadonlyMap<Party, Protocol<T>>): {
  /** @returns the results, once there are any */
  next(): ReadonlyMap<Party, T> | undefined;
} {
  let said: ReadonlyMap<Party, Round> | undefined;
  const heard = (me: Party): Inbox => {
    const broadcasts = new Map<Party, Signed>();
    const directs = new Map<Party, Signed>();
    const signed = (payload: Uint8Array): Signed => ({ payload, envelope: new Uint8Array(0) });
    for (const [from, round] of said ?? []) {
      if (round.broadcast !== undefined) broadcasts.set(from, signed(round.broadcast));
      const direct = round.direct?.get(me);
      if (direct !== undefined) directs.set(from, signed(direct));
    }
    return { broadcasts, directs, transcript: new Uint8Array(32) };
  };
  return {
    next: () => {
      const steps = [...protocols].map(([party, protocol]) => [party, protocol.next(heard(party))] as const);
      const results = steps.flatMap(([party, step]) => (step.done === true ? [[party, step.value] as const] : []));
      if (results.length > 0) return new Map(results);
      said = new Map(steps.map(([party, step]) => [party, step.value as Round]));
      return undefined;
    },
  };
}
