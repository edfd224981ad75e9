import {
  type dkls23,
  type Group,
  kinds,
  type Member,
  type Party,
  dkls23 as protocol,
  pureAead,
  randomScalar,
  secretScalar,
  seeded,
} from '@quorate/protocol';
import { convene, type Scenario, seededBytes, seededStream } from '@quorate/protocol/simulation';

export type PairSetup = ReadonlyMap<Party, dkls23.PairMaterial>;

export interface PairSetupOptions {
  readonly seed: number;
  readonly group: Group;
  readonly suite: dkls23.Suite;
  readonly parties: readonly Party[];
  readonly ecdh?: dkls23.EcdhX;
  readonly signatures?: 'toy' | 'pure';
  /** What a party believes otherwise than the rest. */
  readonly differs?: (party: Party) => Partial<dkls23.PairSetupInput>;
}

/** The suite in use with few base transfers: for schedules and faults, which do not depend on how many there are. */
export function fewTransfers(suite: dkls23.Suite, transfers: number): dkls23.Suite {
  return { ...suite, id: `${suite.id} with ${transfers} base transfers`, groups: transfers / suite.k };
}

/** A simulated committee that sets up its pairs. */
export function pairSetting(options: PairSetupOptions): Scenario<PairSetup> {
  const { seed, group, suite, parties, signatures = 'toy' } = options;
  const parameters = pairParametersOf(options);
  return {
    seed,
    parties,
    kind: kinds.keygen,
    signatures,
    rounds: protocol.pairSetupRounds(group, suite, parties.length),
    rules: protocol.pairSetupRules(parameters, 0),
    run: (me, randomness) => protocol.pairSetup({ ...pairInputOf(options, me), randomness }),
  };
}

/** What the Start of that committee fixes. */
export function pairParametersOf(options: PairSetupOptions): dkls23.PairSetupParameters {
  const { seed, group, suite, parties, signatures = 'toy' } = options;
  const nobody = { seed, parties, kind: kinds.keygen, rounds: [], rules: {}, signatures };
  const { court } = convene(nobody as unknown as Scenario<PairSetup>);
  return {
    suite,
    group,
    aead: pureAead,
    sid: court.sid,
    members: parties.map((party): Member => ({ party, node: court.keys.get(party) as Uint8Array })),
    receiveKeys: new Map(parties.map((party) => [party, group.multiplyBase(receiveScalarOf(options, party))])),
  };
}

/** What a party of that committee is given. */
export function pairInputOf(options: PairSetupOptions, me: Party): dkls23.PairSetupInput {
  const { seed, group } = options;
  return {
    ...pairParametersOf(options),
    me,
    transcript: seededBytes(seed, 'key'),
    receiveSecret: secretScalar(receiveScalarOf(options, me), group.scalarBytes),
    randomness: seededStream(seed, 'party', me),
    ecdh: options.ecdh ?? protocol.pureEcdh(group),
    ...options.differs?.(me),
  };
}

export function receiveScalarOf({ seed, group }: PairSetupOptions, party: Party): bigint {
  return randomScalar(seededStream(seed, 'receive key', party), group.order);
}

/** Both halves of a set of one direction, as a stock holds them. */
export function stockOf(
  { group, suite, parties, seed }: PairSetupOptions,
  alice: Party,
  bob: Party,
  random = 7,
): { readonly forAlice: dkls23.StockedSets; readonly forBob: dkls23.StockedSets } {
  const { members } = pairParametersOf({ group, suite, parties, seed });
  const nodeOf = (party: Party): Uint8Array => members.find((member) => member.party === party)?.node as Uint8Array;
  const setting = { group, ecdh: protocol.pureEcdh(group), count: protocol.baseOts(suite) };
  const context = { session: new Uint8Array(32).fill(random), alice: nodeOf(alice), bob: nodeOf(bob) };
  const key = protocol.offerBaseOt(group, seeded(Uint8Array.of(random)));
  const asAlice = protocol.chooseBaseOt(setting, context, key.point, seeded(Uint8Array.of(random, 1)));
  const asBob = protocol.completeBaseOt(setting, context, key, asAlice.exchange.points) as dkls23.SenderSet;
  return { forAlice: { asAlice }, forBob: { asBob } };
}
