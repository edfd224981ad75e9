import {
  type DkgInput,
  type DkgOutcome,
  type DkgParameters,
  dkg,
  dkgRounds,
  dkgRules,
  type Group,
  keyIdOf,
  kinds,
  type Member,
  type Party,
  pureAead,
  randomScalar,
  type Scheme,
  type Secret,
  secretScalar,
} from '@quorate/protocol';
import { convene, type Scenario, seededBytes, seededStream } from '@quorate/protocol/simulation';

export interface KeyGenerationOptions {
  readonly seed: number;
  readonly group: Group;
  readonly threshold: number;
  readonly parties: number;
  readonly scheme?: Scheme;
  readonly signatures?: 'toy' | 'pure';
  /** What a party believes otherwise than the rest. */
  readonly differs?: (party: Party) => Partial<DkgInput>;
}

/** A simulated committee that makes a key. */
export function keyGeneration(options: KeyGenerationOptions): Scenario<DkgOutcome> {
  const { seed, group, threshold, signatures = 'toy' } = options;
  const parameters = parametersOf(options);
  return {
    seed,
    parties: parameters.members.map(({ party }) => party),
    kind: kinds.keygen,
    signatures,
    rounds: dkgRounds(group, threshold),
    rules: dkgRules(parameters),
    run: (me, randomness) =>
      dkg({ ...parameters, me, receiveSecret: receiveSecretOf(options, me), randomness, ...options.differs?.(me) }),
  };
}

/** What the Start of that committee fixes. */
export function parametersOf(options: KeyGenerationOptions): DkgParameters {
  const { seed, group, threshold, scheme = 'ed25519', signatures = 'toy' } = options;
  const parties = Array.from({ length: options.parties }, (_, i) => i + 1);
  const nobody = { seed, parties, kind: kinds.keygen, rounds: [], rules: {}, signatures };
  const { court } = convene(nobody as unknown as Scenario<DkgOutcome>);
  return {
    group,
    aead: pureAead,
    signatures: court.signatures,
    network: court.network,
    sid: court.sid,
    members: parties.map((party): Member => ({ party, node: court.keys.get(party) as Uint8Array })),
    threshold,
    receiveKeys: new Map(parties.map((party) => [party, group.multiplyBase(receiveScalarOf(options, party))])),
    statement: {
      scheme,
      keyId: keyIdOf(court.network, 'treasury'),
      name: 'treasury',
      purpose: 'payments',
      epoch: 1,
      baseEpoch: 0,
      tweak: { type: 'none', value: new Uint8Array(0) },
      policyHash: seededBytes(seed, 'policy'),
    },
  };
}

/** A receive key is fresh in every session. */
type Keyed = Pick<KeyGenerationOptions, 'seed' | 'group'>;

export function receiveSecretOf(options: Keyed, party: Party): Secret {
  return secretScalar(receiveScalarOf(options, party), options.group.scalarBytes);
}

export function receiveScalarOf({ seed, group }: Keyed, party: Party): bigint {
  return randomScalar(seededStream(seed, 'receive key', party), group.order);
}
