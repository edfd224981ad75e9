import { u16 } from '../bytes.ts';
import { type NodeKey, pureEd25519, pureNodeKey } from '../primitives/signatures.ts';
import type { Party, Protocol, RoundSpec } from '../protocol.ts';
import type { Randomness } from '../random.ts';
import { type Court, judge } from '../session/court.ts';
import type { Outgoing } from '../session/session.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import type { Adversary, Sent } from './adversary.ts';
import { type Actor, type GuardRecord, Honest, type Outcome } from './honest.ts';
import { Puppet } from './puppet.ts';
import { seededBytes, seededStream, simulatedSid, toyNodeKey, toySignatures } from './seeds.ts';

/** A committee, the protocol it runs, and who in it is whose. Everything follows from `seed`. */
export interface Scenario<T> {
  readonly seed: number;
  /** Ascending. */
  readonly parties: readonly Party[];
  /** A member of `kinds`. */
  readonly kind: number;
  readonly rounds: readonly RoundSpec[];
  readonly rules: Court['rules'];
  /** One party's run. Its randomness follows from the seed and the party; `court.sid` is `simulatedSid(seed)`. */
  run(party: Party, randomness: Randomness, court: Court): Protocol<T>;
  /** `toy` (a keyed hash, fast) unless said otherwise. */
  readonly signatures?: 'toy' | 'pure' | undefined;
  /** Who plays each party, where it matters; otherwise they follow from the seed. */
  readonly nodes?: ReadonlyMap<Party, NodeKey> | undefined;
  readonly corrupted?: ReadonlySet<Party> | undefined;
  readonly adversary?: Adversary | undefined;
  /** Whether corrupted parties speak only when nobody else has anything left to say. Otherwise the seed decides. */
  readonly rushing?: boolean | undefined;
}

export interface Simulation<T> {
  readonly outcomes: ReadonlyMap<Party, Outcome<T>>;
  readonly court: Court;
  /** Hash of everything that was sent, in order. */
  readonly trace: Uint8Array;
  readonly history: readonly Sent[];
  /** What each party wrote down before it resumed its guarded rounds. */
  readonly guards: ReadonlyMap<Party, readonly GuardRecord[]>;
}

/** The court of a scenario, and its parties' node keys. */
export function convene<T>(scenario: Scenario<T>): { court: Court; keys: ReadonlyMap<Party, NodeKey> } {
  const { seed, parties, kind, rounds, rules } = scenario;
  const pure = scenario.signatures === 'pure';
  const nodeKey = pure ? pureNodeKey : toyNodeKey;
  const keys =
    scenario.nodes ?? new Map(parties.map((party) => [party, nodeKey(seededBytes(seed, 'node', party))] as const));
  const court: Court = {
    network: seededBytes(0, 'network'),
    sid: simulatedSid(seed),
    kind,
    parties,
    keys: new Map([...keys].map(([party, key]) => [party, key.publicKey])),
    signatures: pure ? pureEd25519 : toySignatures,
    rounds,
    rules,
  };
  return { court, keys };
}

/**
 * Runs a committee in memory, in one order of delivery that the seed picks, until nothing moves. Honest parties are the
 * real session and the real protocol. @throws whatever a party throws that is not an `Abort`: a bug
 */
export function simulate<T>(scenario: Scenario<T>): Simulation<T> {
  const { seed, parties, adversary, corrupted } = scenario;
  const { court, keys } = convene(scenario);
  const order = seededStream(seed, 'order');
  const rushing = scenario.rushing ?? pick(order, 2) === 1;
  const history: Sent[] = [];
  const underway: Sent[] = [];
  let trace: Uint8Array = court.sid;

  const actors = new Map<Party, Actor<T>>();
  const puppets: Puppet<T>[] = [];
  for (const party of parties) {
    const key = keys.get(party) as NodeKey;
    const protocol = scenario.run(party, seededStream(seed, 'party', party), court);
    if (corrupted?.has(party) === true) {
      const puppet = new Puppet(
        court,
        party,
        key,
        protocol,
        adversary,
        seededStream(seed, 'adversary', party),
        history,
      );
      puppets.push(puppet);
      actors.set(party, puppet);
    } else {
      actors.set(party, new Honest(court, party, key, protocol));
    }
  }

  const post = (from: Party, outgoing: readonly Outgoing[]): boolean => {
    for (const { to, frame } of outgoing) {
      trace = hash(tags.simulation, trace, u16(from), u16(to), frame);
      history.push({ from, to, frame });
      underway.push({ from, to, frame });
    }
    return outgoing.length > 0;
  };
  const nudge = (): boolean => puppets.map((puppet) => post(puppet.party, puppet.advance())).some(Boolean);

  try {
    const honestFirst = [...actors.values()].sort((a, b) => Number(a instanceof Puppet) - Number(b instanceof Puppet));
    for (const actor of honestFirst) post(actor.party, actor.start());
    while (underway.length > 0 || nudge()) {
      const [sent] = underway.splice(pick(order, underway.length), 1) as [Sent];
      post(sent.to, actors.get(sent.to)?.receive(sent.from, sent.frame) ?? []);
      if (!rushing) nudge();
    }
  } finally {
    for (const actor of actors.values()) actor.close();
  }

  const outcomes = new Map([...actors].map(([party, actor]) => [party, actor.outcome()]));
  const guards = new Map([...actors].map(([party, actor]) => [party, actor.guards]));
  return { outcomes, court, trace, history, guards };
}

/**
 * What must hold whatever the adversary did: every ban and blame at an honest party names a corrupted one, and the evidence
 * convinces a third party that has nothing but the court. @throws {Error} saying what does not hold
 */
export function soundness<T>(simulation: Simulation<T>, corrupted: ReadonlySet<Party> = new Set()): void {
  for (const [party, outcome] of simulation.outcomes) {
    if (corrupted.has(party) || outcome.type !== 'aborted') continue;
    const wronged = outcome.abort.bans.find((banned) => !corrupted.has(banned));
    if (wronged !== undefined) throw new Error(`party ${party} bans honest party ${wronged}`);
    for (const { party: accused, code, evidence } of outcome.abort.blames) {
      if (!corrupted.has(accused)) throw new Error(`party ${party} blames honest party ${accused} (${code})`);
      if (evidence.accused !== accused || evidence.code !== code)
        throw new Error(`evidence of another blame (${code})`);
      if (!judge(simulation.court, evidence))
        throw new Error(`the evidence against ${accused} (${code}) proves nothing`);
    }
  }
}

function pick(order: Randomness, choices: number): number {
  return order.bytes(4).reduce((value, byte) => value * 256 + byte, 0) % choices;
}
