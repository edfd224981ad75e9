import {
  type Adversary,
  type Move,
  mutationsOf,
  type Reply,
  type Scenario,
  type Simulation,
  seededStream,
  simulate,
  soundness,
} from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { type Forgery, forgedDealer } from '../../../../test/support/forged-dealer.ts';
import { type KeyGenerationOptions, keyGeneration, parametersOf } from '../../../../test/support/key-generation.ts';
import { fromBytesBE, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { publicPackageCodec } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { type Randomness, randomScalar } from '../random.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { type Codec, encode } from '../wire/codec.ts';
import type { DkgOutcome } from './parameters.ts';

/** `QUORATE_SEED=123` replays one. */
const only = process.env['QUORATE_SEED'];

function pick(random: Randomness, choices: number): number {
  return Number(fromBytesBE(random.bytes(4)) % BigInt(choices));
}

/** Lies now and then, in every way there is. */
function liar(scenario: Scenario<DkgOutcome>, rate: number): Adversary {
  return (move): Reply => {
    const { random, seal, payload, history, slot } = move;
    if (pick(random, 100) >= rate) return move.class === 'abort' ? { type: 'withhold' } : { type: 'keep' };
    switch (pick(random, 9)) {
      case 0:
        return { type: 'withhold' };
      case 1:
        return { type: 'frames', frames: [seal({}), seal({})] };
      case 2:
        return { type: 'replace', slot: { sid: random.bytes(32) } };
      case 3:
        return { type: 'replace', slot: { round: slot.round + 1 } };
      case 4:
        return { type: 'replace', echo: move.echo.slice(pick(random, 2)).reverse() };
      case 5:
        return { type: 'replace', slot: { class: 'abort', to: 0 }, echo: [], payload: random.bytes(30) };
      case 6:
        return { type: 'replace', payload: other(history, move) ?? payload };
      default:
        return { type: 'replace', payload: mutated(scenario, move) };
    }
  };
}

function other(history: Move['history'], { round, from, class: kind }: Move): Uint8Array | undefined {
  const theirs = history.map(({ frame }) => decodeEnvelope(frame));
  return theirs.find((one) => one.round === round && one.from !== from && one.class === kind)?.payload;
}

function mutated({ rounds }: Scenario<DkgOutcome>, { round, class: kind, payload, random }: Move): Uint8Array {
  const codec: Codec<unknown> | undefined = kind === 'abort' ? undefined : rounds[round]?.[kind];
  if (codec === undefined) return random.bytes(pick(random, 40));
  const all = mutationsOf(codec, payload, random);
  return all[pick(random, all.length)]?.payload ?? payload;
}

/** A dealer of its own polynomial, with one thing wrong, or nothing. */
function forgery({ group, threshold, parties }: KeyGenerationOptions, random: Randomness): Forgery {
  const polynomial = Array.from({ length: threshold }, () => randomScalar(random, group.order));
  const victim = 1 + pick(random, parties);
  const nothing = new Uint8Array(0);
  switch (pick(random, 5)) {
    case 0:
      return { polynomial, reveal: (reveal) => ({ ...reveal, proof: { ...reveal.proof, response: 1n } }) };
    case 1:
      return { polynomial, plaintext: (to, value) => (to === victim ? group.encodeScalar(1n) : value) };
    case 2:
      return { polynomial, verdict: () => ({ type: 'confirmation', value: random.bytes(32) }) };
    case 3:
      return {
        polynomial,
        verdict: () => ({
          type: 'complaint',
          value: { dealer: victim, reveal: nothing, share: nothing, opening: { type: 'none', value: nothing } },
        }),
      };
    default:
      return { polynomial };
  }
}

interface Run {
  readonly simulation: Simulation<DkgOutcome>;
  readonly corrupted: ReadonlySet<Party>;
  readonly group: Group;
}

/** A committee, its liars and what they do, all from the seed. */
function play(seed: number, group: Group): Run {
  const random = seededStream(seed, 'key generation');
  const parties = 2 + pick(random, 4);
  const options = { seed, group, parties, threshold: 2 + pick(random, parties - 1) };
  const scenario = keyGeneration(options);
  const corrupted = new Set(scenario.parties.filter(() => pick(random, 3) === 0).slice(1));
  const forging = pick(random, 3) === 0;
  const rate = [0, 2, 10, 40][pick(random, 4)] as number;
  const simulation = simulate({
    ...scenario,
    corrupted,
    adversary: liar(scenario, forging ? 0 : rate),
    run: (party, randomness, court) =>
      forging && corrupted.has(party)
        ? forgedDealer(parametersOf(options), party, forgery(options, random))
        : scenario.run(party, randomness, court),
  });
  return { simulation, corrupted, group };
}

/** Agreement or abort, never a split; the blamed are guilty. Returns what came to pass. */
function check({ simulation, corrupted, group }: Run): readonly string[] {
  soundness(simulation, corrupted);
  const honest = [...simulation.outcomes].filter(([party]) => !corrupted.has(party));
  const packages = new Set<string>();
  const seen: string[] = [];
  for (const [party, outcome] of honest) {
    seen.push(outcome.type);
    if (outcome.type === 'aborted') seen.push(...outcome.abort.blames.map(({ code }) => code));
    if (outcome.type !== 'done') continue;
    const { share, publicPackage } = outcome.result;
    packages.add(toHex(encode(publicPackageCodec(group), publicPackage)));
    const mine = publicPackage.verifyingShares[party - 1] as Point;
    if (!group.equals(group.multiplyBase(share.use(fromBytesBE)), mine)) throw new Error('a share that does not fit');
  }
  if (packages.size > 1) throw new Error('a split');
  if (corrupted.size === 0 && seen.some((one) => one !== 'done')) throw new Error('the honest failed');
  return seen;
}

function playAll(from: number, count: number, group: Group): ReadonlySet<string> {
  const seeds = only === undefined ? Array.from({ length: count }, (_, i) => from + i) : [Number(only)];
  const seen = new Set<string>();
  for (const seed of seeds) {
    try {
      for (const one of check(play(seed, group))) seen.add(one);
    } catch (error) {
      throw new Error(`seed ${seed} in ${group.name}`, { cause: error });
    }
  }
  return seen;
}

describe('key generation under random faults', () => {
  it('agrees or aborts, and blames only the guilty: 2,000 seeds', () => {
    const seen = playAll(1, 2000, toy);
    if (only !== undefined) return;
    for (const reached of [
      'done',
      'waiting',
      'aborted',
      'malformed',
      'equivocation',
      'false-echo',
      'false-accusation',
      'wrong-opening',
      'bad-proof',
      'bad-share',
      'false-complaint',
      'wrong-outcome',
    ]) {
      expect(seen).toContain(reached);
    }
  });

  it.each([ed25519, secp256k1])('in a real group: $name', (group) => {
    const seen = playAll(1, 100, group);
    if (only === undefined) expect(seen).toContain('done');
  });

  it('repeats itself to the byte', () => {
    for (const seed of [3, 14, 159]) {
      expect(toHex(play(seed, toy).simulation.trace)).toBe(toHex(play(seed, toy).simulation.trace));
    }
  });
});
