import { type Simulation, seededStream, simulate, soundness, swarm } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { forgedSeat, type RenewalForgery } from '../../../../test/support/forged-renewal.ts';
import { heldKey, type RenewalOptions, renewalParametersOf, renewing } from '../../../../test/support/renewal.ts';
import { fromBytesBE, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { publicPackageCodec } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { type Randomness, randomScalar } from '../random.ts';
import { primeField } from '../sharing/field.ts';
import { encode } from '../wire/codec.ts';
import { nothing } from './messages.ts';
import type { Dealer, RenewalOutcome } from './parameters.ts';

/** `QUORATE_SEED=123` replays one. */
const only = process.env['QUORATE_SEED'];

function pick(random: Randomness, choices: number): number {
  return Number(fromBytesBE(random.bytes(4)) % BigInt(choices));
}

/** Distinct numbers from 1 to `most`, in any order. */
function draw(random: Randomness, count: number, most: number): readonly number[] {
  const left = Array.from({ length: most }, (_, i) => i + 1);
  return Array.from({ length: count }, () => left.splice(pick(random, left.length), 1)[0] as number);
}

/** A refresh, or a reshare to any committee of seven nodes. */
function drawRenewal(seed: number, group: Group, random: Randomness): RenewalOptions {
  const nodes = draw(random, 2 + pick(random, 4), 7);
  const threshold = 2 + pick(random, nodes.length - 1);
  const key = heldKey({ group, threshold, nodes, seed });
  const count = threshold + pick(random, nodes.length - threshold + 1);
  const dealers = [...draw(random, count, nodes.length)].sort((a, b) => a - b);
  if (pick(random, 3) === 0) return { seed, group, key, dealers };
  const others = draw(random, 2 + pick(random, 4), 7);
  return { seed, group, key, dealers, to: { nodes: others, threshold: 2 + pick(random, others.length - 1) } };
}

/** A seat with one thing wrong, or nothing. */
function forgery(options: RenewalOptions, seat: Party, random: Randomness): RenewalForgery {
  const { group, key } = options;
  const parameters = renewalParametersOf(options);
  const { members, threshold, dealers } = parameters;
  const rest = Array.from({ length: threshold - 1 }, () => randomScalar(random, group.order));
  const dealer = dealers.get(seat);
  const victim = 1 + pick(random, members.length);
  const none = new Uint8Array(0);
  const verdicts: RenewalForgery = {
    verdict: () => ({
      type: 'complaint',
      value: { dealer: victim, reveal: none, share: none, opening: { type: 'none', value: none } },
    }),
  };
  if (dealer === undefined) {
    return pick(random, 2) === 0 ? verdicts : { polynomial: [1n, ...rest], portion: () => nothing };
  }
  const polynomial = [constantOf(group, key, dealer), ...rest];
  switch (pick(random, 6)) {
    case 0:
      return {
        polynomial,
        deal: (honest) => ({ type: 'deal', value: { ...honest, proof: { ...honest.proof, response: 1n } } }),
      };
    case 1:
      return { polynomial, plaintext: (to, value) => (to === victim ? group.encodeScalar(1n) : value) };
    case 2:
      return { polynomial: [1n, ...rest] };
    case 3:
      return { polynomial, verdict: () => ({ type: 'confirmation', value: random.bytes(32) }) };
    case 4:
      return { polynomial, ...verdicts };
    default:
      return { polynomial };
  }
}

/** λ·s of the node whose verifying share that is. */
function constantOf(group: Group, key: RenewalOptions['key'], { verifyingShare, weight }: Dealer): bigint {
  const values = [...key.shares.values()].map((share) => share.use(fromBytesBE));
  const secret = values.find((value) => group.equals(group.multiplyBase(value), verifyingShare)) as bigint;
  return primeField(group.order).multiply(weight, secret);
}

interface Run {
  readonly simulation: Simulation<RenewalOutcome>;
  readonly corrupted: ReadonlySet<Party>;
  readonly options: RenewalOptions;
}

/** A ceremony, its liars and what they do, all from the seed. */
function play(seed: number, group: Group): Run {
  const random = seededStream(seed, 'renewal');
  const options = drawRenewal(seed, group, random);
  const scenario = renewing(options);
  const corrupted = new Set(scenario.parties.filter(() => pick(random, 3) === 0).slice(1));
  const forging = pick(random, 3) === 0;
  const simulation = simulate({
    ...scenario,
    corrupted,
    adversary: forging ? undefined : swarm(scenario.rounds, random),
    run: (seat, randomness, court) =>
      forging && corrupted.has(seat)
        ? forgedSeat(renewalParametersOf(options), seat, forgery(options, seat, random))
        : scenario.run(seat, randomness, court),
  });
  return { simulation, corrupted, options };
}

/** Agreement or abort, never a split, never another key; the blamed are guilty. Returns what came to pass. */
function check({ simulation, corrupted, options: { group, key } }: Run): readonly string[] {
  soundness(simulation, corrupted);
  const packages = new Set<string>();
  const seen: string[] = [];
  for (const [seat, outcome] of simulation.outcomes) {
    if (corrupted.has(seat)) continue;
    seen.push(outcome.type);
    if (outcome.type === 'aborted') seen.push(...outcome.abort.blames.map(({ code }) => code));
    if (outcome.type !== 'done') continue;
    const { share, publicPackage } = outcome.result;
    packages.add(toHex(encode(publicPackageCodec(group), publicPackage)));
    if (!group.equals(publicPackage.groupKey, key.publicPackage.groupKey)) throw new Error('another key');
    const mine = publicPackage.verifyingShares[seat - 1];
    if ((share === undefined) !== (mine === undefined)) throw new Error('a share at the wrong seat');
    if (share !== undefined && !group.equals(group.multiplyBase(share.use(fromBytesBE)), mine as Point)) {
      throw new Error('a share that does not fit');
    }
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

describe('renewal under random faults', () => {
  it('agrees or aborts, keeps the key, and blames only the guilty: 1,000 seeds', () => {
    const seen = playAll(1, 1000, toy);
    if (only !== undefined) return;
    for (const reached of [
      'done',
      'waiting',
      'aborted',
      'malformed',
      'equivocation',
      'false-echo',
      'false-accusation',
      'out-of-turn',
      'bad-proof',
      'bad-share',
      'false-complaint',
      'wrong-outcome',
    ]) {
      expect(seen).toContain(reached);
    }
  });

  it.each([ed25519, secp256k1])('in a real group: $name', (group) => {
    const seen = playAll(1, 50, group);
    if (only === undefined) expect(seen).toContain('done');
  });

  it('repeats itself to the byte', () => {
    for (const seed of [3, 14, 159]) {
      expect(toHex(play(seed, toy).simulation.trace)).toBe(toHex(play(seed, toy).simulation.trace));
    }
  });
});
