import {
  type Adversary,
  assault,
  type Fault,
  type Simulation,
  seededStream,
  simulate,
  soundness,
  swarm,
  type Verdict,
} from '@quorate/protocol/simulation';
import { describe, expect, it, vi } from 'vitest';
import { receiveSecretOf } from '../../../../test/support/key-generation.ts';
import { heldKey } from '../../../../test/support/renewal.ts';
import {
  forgedRepairer,
  type RepairForgery,
  type RepairOptions,
  repairInputOf,
  repairing,
  repairParametersOf,
} from '../../../../test/support/repairing.ts';
import { equal, fromBytesBE } from '../bytes.ts';
import { openForAll } from '../dealing/shares.ts';
import { maybeOpening } from '../dealing/verdicts.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { verifyingShare } from '../keys.ts';
import { blame, type Messages, type Party, type Received } from '../protocol.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { judge } from '../session/court.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { decode, encode } from '../wire/codec.ts';
import { nothing, type Portion } from './messages.ts';
import { RenewalInputError } from './parameters.ts';
import { repair } from './repair.ts';
import { type Check, type Parts, repairFormats, type SumCheck } from './repair-messages.ts';
import { partsDealing, type RepairInput, sumsDealing } from './repair-parameters.ts';

type Run = Simulation<Secret | undefined>;

const lost: Party = 2;
const cheat: Party = 3;

/** Helpers 1, 3 and 5 give party 2 of a 3-of-5 key its share back. */
function options(group: Group = toy): RepairOptions {
  const key = heldKey({ group, threshold: 3, nodes: [1, 2, 3, 4, 5] });
  return { seed: 1, group, key, helpers: [1, 3, 5], lost };
}

function run(adversary?: Adversary, culprit = cheat): Run {
  const simulation = simulate({ ...repairing(options()), corrupted: new Set([culprit]), adversary });
  soundness(simulation, new Set([culprit]));
  return simulation;
}

function forged(forgery: RepairForgery, culprit = cheat, group: Group = toy): Run {
  const scenario = repairing(options(group));
  const simulation = simulate({
    ...scenario,
    corrupted: new Set([culprit]),
    run: (party, randomness, court) =>
      party === culprit ? forgedRepairer(options(group), culprit, forgery) : scenario.run(party, randomness, court),
  });
  soundness(simulation, new Set([culprit]));
  return simulation;
}

function expectBlame(simulation: Run, code: string, culprit = cheat): void {
  for (const [party, outcome] of simulation.outcomes) {
    if (party === culprit) continue;
    const found = outcome.type === 'aborted' ? outcome.abort : outcome;
    expect(found).toMatchObject({ culprits: [culprit] });
    expect(found).toMatchObject({ blames: expect.arrayContaining([expect.objectContaining({ code })]) });
  }
}

/** The lost party has its share, and nobody else has anything. */
function expectRepaired(simulation: Run, { group, key, lost: party }: RepairOptions, corrupted?: Party): void {
  for (const [one, outcome] of simulation.outcomes) {
    if (one === corrupted) continue;
    if (outcome.type !== 'done') throw new Error(`party ${one} is ${outcome.type}`);
    if (one !== party) expect(outcome.result).toBeUndefined();
    else expect(outcome.result?.use(fromBytesBE)).toBe(key.shares.get(party)?.use(fromBytesBE));
  }
  expect(group.isIdentity(verifyingShare(key.publicPackage, party))).toBe(false);
}

describe('a repair of honest parties', () => {
  it('gives every party its share back, with every quorum: 2-of-2 to 4-of-6', () => {
    for (const [threshold, parties] of [
      [2, 3],
      [3, 4],
      [2, 5],
      [4, 6],
    ] as const) {
      const nodes = Array.from({ length: parties }, (_, i) => i + 1);
      const key = heldKey({ group: toy, threshold, nodes, seed: parties });
      for (const party of nodes) {
        const others = nodes.filter((one) => one !== party);
        for (const helpers of [others.slice(0, threshold), others.slice(-threshold), others]) {
          const repaired: RepairOptions = { seed: party, group: toy, key, helpers, lost: party };
          const simulation = simulate(repairing(repaired));
          soundness(simulation);
          expectRepaired(simulation, repaired);
        }
      }
    }
  });

  it.each([ed25519, secp256k1])('in a real group, with real signatures: $name', (group) => {
    const key = heldKey({ group, threshold: 2, nodes: [1, 2, 3], signatures: 'pure' });
    const repaired: RepairOptions = { seed: 1, group, key, helpers: [1, 3], lost: 2, signatures: 'pure' };
    expectRepaired(simulate(repairing(repaired)), repaired);
  });

  it('shows helpers nothing but random parts: none of them is sent another, nor the sum', () => {
    const { history } = simulate(repairing(options()));
    const { parts, sums } = repairFormats(toy, 3);
    for (const { frame } of history) {
      const { class: kind, from, to, round, payload } = decodeEnvelope(frame);
      if (kind !== 'direct') continue;
      const said = decode(round === 0 ? parts.direct : sums.direct, payload);
      const due = round === 0 ? from !== lost && to !== lost : from !== lost && to === lost;
      expect(said.type).toBe(due ? 'share' : 'nothing');
    }
  });

  it('splits afresh in another session, even if the randomness repeats itself', () => {
    const first = (sid: Uint8Array): Uint8Array => {
      const protocol = repair({ ...repairInputOf(options(), 1), sid, randomness: seeded(new Uint8Array(32)) });
      const round = protocol.next(undefined as never);
      protocol.return(undefined);
      return (round.value as { broadcast: Uint8Array }).broadcast;
    };
    expect(first(new Uint8Array(32).fill(1))).toEqual(first(new Uint8Array(32).fill(1)));
    expect(first(new Uint8Array(32).fill(1))).not.toEqual(first(new Uint8Array(32).fill(2)));
  });

  it('wipes its parts, however it ends', () => {
    const wipe = vi.spyOn(Secret.prototype, 'wipe');
    const input = repairInputOf(options(), 1);
    const protocol = repair({ ...input, randomness: seeded(new Uint8Array(32)) });
    protocol.next(undefined as never);
    const before = wipe.mock.calls.length;
    protocol.return(undefined);
    expect(wipe.mock.calls.length - before).toBe(3);
    expect(input.secret?.wiped).toBe(false);
    wipe.mockRestore();
  });
});

describe('a forged helper', () => {
  const groups = [toy, secp256k1, ed25519];
  it.each(groups)('that helps as it must is one of the party: $name', (group) => {
    expectRepaired(forged({}, cheat, group), options(group), cheat);
  });

  it.each(groups)('is named for splitting anything but its own share: $name', (group) => {
    // The part that it keeps does not add up with those it told: its sum betrays it.
    const simulation = forged({ secret: (share) => (share + 1n) % group.order }, cheat, group);
    expectBlame(simulation, 'bad-sum');
  });

  it.each(groups)('is named for a part that does not fit: $name', (group) => {
    const plaintext = (to: Party, value: Uint8Array): Uint8Array => (to === 1 ? group.encodeScalar(9n) : value);
    expectBlame(forged({ plaintext }, cheat, group), 'bad-share');
  });

  it.each(groups)('is named for a sum that does not fit: $name', (group) => {
    expectBlame(forged({ sum: () => group.encodeScalar(9n) }, cheat, group), 'bad-sum');
  });

  it('is named for a part or a sum that is no scalar', () => {
    const noScalar = new Uint8Array(32).fill(255);
    expectBlame(forged({ plaintext: () => noScalar.slice() }), 'bad-share');
    expectBlame(forged({ sum: () => noScalar.slice() }), 'bad-sum');
  });

  it('is named for a ciphertext that does not open, and for an ephemeral key that it did not prove', () => {
    const spoil = (_to: Party, honest: Portion): Portion =>
      honest.type === 'share'
        ? { ...honest, value: { ...honest.value, ciphertext: honest.value.ciphertext.map((byte) => byte ^ 1) } }
        : honest;
    const unproven = (_to: Party, honest: Portion): Portion =>
      honest.type === 'share'
        ? { ...honest, value: { ...honest.value, proof: { ...honest.value.proof, response: 5n } } }
        : honest;
    expectBlame(forged({ part: spoil }), 'bad-share');
    expectBlame(forged({ part: unproven }), 'bad-share');
    expectBlame(forged({ total: spoil }), 'bad-sum');
    expectBlame(forged({ total: unproven }), 'bad-sum');
  });

  it.each<[string, RepairForgery, string]>([
    ['no parts at all', { parts: () => nothing }, 'out-of-turn'],
    ['no part to one', { part: (to, honest) => (to === 1 ? nothing : honest) }, 'out-of-turn'],
    ['no sum', { total: () => nothing }, 'sum-out-of-turn'],
  ])('is named for %s', (_, forgery, code) => {
    expectBlame(forged(forgery), code);
  });

  it('is named for a part to the lost party, and for a sum to a helper', () => {
    let spare: Portion = nothing;
    const hoard = (to: Party, honest: Portion): Portion => {
      if (honest.type === 'share') spare = honest;
      return to === 5 ? spare : honest;
    };
    expectBlame(forged({ total: hoard }), 'sum-out-of-turn');
    spare = { type: 'share', value: sample() };
    expectBlame(forged({ part: (to, honest) => (to === lost ? spare : honest) }), 'out-of-turn');
  });

  it('is named for complaining in place of the lost party', () => {
    const none = new Uint8Array(0);
    const verdict: SumCheck = {
      type: 'complaint',
      value: { helper: 1, sum: none, opening: { type: 'none', value: none } },
    };
    expectBlame(forged({ verdict: () => verdict }), 'out-of-turn');
  });

  it('cannot have its victims convicted of false complaints', () => {
    const { court, history } = forged({ plaintext: () => toy.encodeScalar(9n) });
    const { sums } = repairFormats(toy, 3);
    const complaints = history.filter(({ frame }) => {
      const { class: kind, from, round, payload } = decodeEnvelope(frame);
      const here = kind === 'broadcast' && round === 1 && from !== cheat;
      return here && decode(sums.broadcast, payload).type === 'complaint';
    });
    expect(complaints.length).toBeGreaterThan(0);
    for (const { from, frame } of complaints) {
      expect(judge(court, blame(from, 'false-complaint', [frame]).evidence)).toBe(false);
    }
  });

  it('is named for telling one helper other commitments', () => {
    const codec = repairFormats(toy, 3).parts.broadcast;
    const simulation = run(({ label, class: kind, to, payload }) => {
      if (label !== 'parts' || kind !== 'broadcast' || to !== 1) return { type: 'keep' };
      const said = decode(codec, payload);
      if (said.type !== 'parts') return { type: 'keep' };
      return { type: 'replace', payload: encode(codec, { ...said, value: [...said.value].reverse() }) };
    });
    for (const [party, outcome] of simulation.outcomes) {
      if (party !== cheat) expect(outcome).toMatchObject({ type: 'aborted', abort: { culprits: [cheat] } });
    }
  });

  it('names nobody by saying nothing', () => {
    const simulation = run(({ label }) => ({ type: label === 'sums' ? 'withhold' : 'keep' }));
    expect(simulation.outcomes.get(lost)).toEqual({ type: 'waiting', missing: [cheat], round: 'sums' });
  });
});

function sample() {
  const { history } = simulate(repairing(options()));
  const direct = history
    .map(({ frame }) => decodeEnvelope(frame))
    .find(({ from, to, class: kind }) => from === cheat && to === 1 && kind === 'direct');
  const said = decode(repairFormats(toy, 3).parts.direct, direct?.payload as Uint8Array);
  if (said.type !== 'share') throw new Error('the helper is honest');
  return said.value;
}

describe('a party that lies about helpers', () => {
  const honestHelper: Party = 1;

  function partComplaint(dealt: Messages<Parts, Portion>): Check {
    const { value, envelope } = dealt.directs.get(honestHelper) as Received<Portion & { type: 'share' }>;
    const recipient = { me: cheat, receiveSecret: receiveSecretOf(options(), cheat) };
    const dealing = partsDealing(repairParametersOf(options()));
    const opening = openForAll(dealing, recipient, honestHelper, value.value, seeded(new Uint8Array(32)));
    const reveal = (dealt.broadcasts.get(honestHelper) as Received<Parts>).envelope;
    return {
      type: 'complaint',
      value: { dealer: honestHelper, reveal, share: envelope, opening: maybeOpening(opening) },
    };
  }

  function sumComplaint(sums: Messages<Check, Portion>): SumCheck & { readonly type: 'complaint' } {
    const { value, envelope } = sums.directs.get(honestHelper) as Received<Portion & { type: 'share' }>;
    const recipient = { me: lost, receiveSecret: receiveSecretOf(options(), lost) };
    const dealing = sumsDealing(repairParametersOf(options()));
    const opening = openForAll(dealing, recipient, honestHelper, value.value, seeded(new Uint8Array(32)));
    return { type: 'complaint', value: { helper: honestHelper, sum: envelope, opening: maybeOpening(opening) } };
  }

  it('is named for a good part that it calls bad', () => {
    expectBlame(forged({ check: (_, dealt) => partComplaint(dealt), total: () => nothing }), 'false-complaint');
  });

  it('is named, if it is the lost party, for a good sum that it calls bad', () => {
    expectBlame(forged({ verdict: (_, sums) => sumComplaint(sums) }, lost), 'false-sum-complaint', lost);
  });

  const none = new Uint8Array(0);
  type Told = (SumCheck & { readonly type: 'complaint' })['value'];
  it.each<[string, (told: Told) => Told]>([
    ['without opening it', (told) => ({ ...told, opening: { type: 'none', value: none } })],
    ['without showing it', (told) => ({ ...told, sum: none })],
    ['showing the sum of another', (told) => ({ ...told, helper: 5 })],
  ])('is named for complaining %s', (_, distort) => {
    const verdict: RepairForgery['verdict'] = (_honest, sums) => {
      const { value } = sumComplaint(sums);
      return { type: 'complaint', value: distort(value) };
    };
    expectBlame(forged({ verdict }, lost), 'false-sum-complaint', lost);
  });

  it('is named for complaining about somebody who does not help', () => {
    const verdict: RepairForgery['verdict'] = (_honest, sums) => {
      const { value } = sumComplaint(sums);
      return { type: 'complaint', value: { ...value, helper: 4 } };
    };
    expectBlame(forged({ verdict }, lost), 'out-of-turn', lost);
  });

  it('is named, if it is the lost party, for splitting or summing though it has nothing to give', () => {
    const parts: RepairForgery['parts'] = () => ({ type: 'parts', value: [toy.generator, toy.generator] });
    expectBlame(forged({ parts }, lost), 'out-of-turn', lost);
    const spare: Portion = { type: 'share', value: sample() };
    expectBlame(forged({ total: () => spare }, lost), 'sum-out-of-turn', lost);
  });
});

describe('every fault of every party', () => {
  function expected({ name, label, class: kind }: Fault): Verdict | readonly Verdict[] {
    if (name !== 'with the value of another') {
      // The last word of a helper changes nothing any more; and who tells it to one tells it to nobody else.
      return label === 'verdict' && name === 'told one party something else'
        ? ['culprit', 'harmless', 'nobody']
        : 'culprit';
    }
    if (kind === 'direct') return ['culprit', 'harmless'];
    return label === 'parts' ? 'culprit' : 'harmless';
  }

  it.each([1, 2, 3])('has the outcome that it must have: party %i', (culprit) => {
    const key = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3] });
    const scenario = repairing({ seed: 1, group: toy, key, helpers: [1, 3], lost: 2 });
    const agree = (a: Secret | undefined, b: Secret | undefined): boolean =>
      a === undefined || b === undefined || a.use((one) => b.use((other) => equal(one, other)));
    const counts = assault({ ...scenario, rushing: true }, { expected, agree, culprits: [culprit] });
    expect(counts.culprit).toBeGreaterThan(40);
  });

  it('blames only the guilty, and gives no wrong share: 500 seeds', () => {
    const key = heldKey({ group: toy, threshold: 3, nodes: [1, 2, 3, 4, 5] });
    const seen = new Set<string>();
    for (let seed = 1; seed <= 500; seed++) {
      const scenario = repairing({ seed, group: toy, key, helpers: [1, 3, 4, 5], lost });
      const random = seededStream(seed, 'repair');
      const corrupted = new Set(scenario.parties.filter(() => (random.bytes(1)[0] as number) % 3 === 0).slice(1));
      const simulation = simulate({ ...scenario, corrupted, adversary: swarm(scenario.rounds, random) });
      soundness(simulation, corrupted);
      for (const [party, outcome] of simulation.outcomes) {
        if (corrupted.has(party)) continue;
        seen.add(outcome.type);
        if (party !== lost || outcome.type !== 'done') continue;
        const point = toy.multiplyBase(outcome.result?.use(fromBytesBE) ?? 0n);
        expect(toy.equals(point, key.publicPackage.verifyingShares[1] as Point)).toBe(true);
      }
    }
    expect(seen).toEqual(new Set(['done', 'waiting', 'aborted']));
  });
});

describe('a repair that cannot begin', () => {
  const input: RepairInput = { ...repairInputOf(options(), 1), randomness: seeded(new Uint8Array(32)) };
  const { publicPackage, receiveKeys } = input;
  const [one, two, ...rest] = publicPackage.verifyingShares as [Point, Point];
  const bent = { ...publicPackage, verifyingShares: [one, one, ...rest].with(1, toy.add(one, two)) };

  it.each<[string, Partial<RepairInput>, string]>([
    ['t − 1 helpers', { helpers: [1, 3] }, 'quorum'],
    ['no helpers', { helpers: [] }, 'quorum'],
    ['a helper twice', { helpers: [1, 1, 3] }, 'quorum'],
    ['helpers out of order', { helpers: [5, 3, 1] }, 'quorum'],
    ['a helper that is no member', { helpers: [1, 3, 6] }, 'quorum'],
    ['a lost party that is no member', { lost: 6 }, 'quorum'],
    ['a lost party that helps', { lost: 3 }, 'quorum'],
    ['verifying shares of no key', { publicPackage: bent }, 'base'],
    ['a missing receive key', { receiveKeys: new Map([...receiveKeys].slice(0, -1)) }, 'receive-keys'],
    ["another's receive secret", { receiveSecret: receiveSecretOf(options(), 3) }, 'receive-keys'],
    ['a helper without its share', { secret: undefined }, 'share'],
    ["a helper with another's share", { secret: options().key.shares.get(3) }, 'share'],
    ['a helper with a share of zero', { secret: new Secret(new Uint8Array(32)) }, 'share'],
  ])('%s', (_, change, code) => {
    const attempt = (): unknown => repair({ ...input, ...change }).next(undefined as never);
    expect(attempt).toThrow(RenewalInputError);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });

  it('the lost party with a share', () => {
    const own = { ...repairInputOf(options(), lost), randomness: seeded(new Uint8Array(32)) };
    const attempt = (): unknown => repair({ ...own, secret: input.secret }).next(undefined as never);
    expect(attempt).toThrow(expect.objectContaining({ code: 'share' }));
  });
});
