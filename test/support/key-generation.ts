import {
  type DkgInput,
  type DkgOutcome,
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
  const { seed, group, threshold, scheme = 'ed25519', signatures = 'toy' } = options;
  const parties = Array.from({ length: options.parties }, (_, i) => i + 1);
  const bare: Omit<Scenario<DkgOutcome>, 'run'> = {
    seed,
    parties,
    kind: kinds.keygen,
    rounds: [],
    rules: {},
    signatures,
  };
  const { court } = convene(bare as Scenario<DkgOutcome>);
  const secrets = parties.map((party) => randomScalar(seededStream(seed, 'receive key', party), group.order));
  const parameters = {
    group,
    aead: pureAead,
    signatures: court.signatures,
    network: court.network,
    sid: court.sid,
    members: parties.map((party): Member => ({ party, node: court.keys.get(party) as Uint8Array })),
    threshold,
    receiveKeys: new Map(parties.map((party, i) => [party, group.multiplyBase(secrets[i] as bigint)])),
    statement: {
      scheme,
      keyId: keyIdOf(court.network, 'treasury'),
      name: 'treasury',
      purpose: 'payments',
      epoch: 1,
      baseEpoch: 0,
      tweak: { type: 'none', value: new Uint8Array(0) } as const,
      policyHash: seededBytes(seed, 'policy'),
    },
  };
  return {
    ...bare,
    rounds: dkgRounds(group, threshold),
    rules: dkgRules(parameters),
    run: (me, randomness) =>
      dkg({
        ...parameters,
        me,
        receiveSecret: secretScalar(secrets[me - 1] as bigint, group.scalarBytes),
        randomness,
        ...options.differs?.(me),
      }),
  };
}
