import { type Adversary, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { forgedSeat, type RenewalForgery } from '../../../../test/support/forged-renewal.ts';
import { receiveScalarOf } from '../../../../test/support/key-generation.ts';
import {
  heldKey,
  type RenewalOptions,
  renewalInputOf,
  renewalParametersOf,
  renewing,
} from '../../../../test/support/renewal.ts';
import { fromBytesBE } from '../bytes.ts';
import { openForAll } from '../dealing/shares.ts';
import { type Complaint, maybeOpening } from '../dealing/verdicts.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { blame, type Messages, type Party, type Received } from '../protocol.ts';
import { secretScalar, seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { judge } from '../session/court.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { primeField } from '../sharing/field.ts';
import { decode, encode } from '../wire/codec.ts';
import { type Deal, nothing, type Portion, renewalFormats } from './messages.ts';
import { renewalDealing } from './outcome.ts';
import type { Dealer, RenewalOutcome, RenewalParameters } from './parameters.ts';

/*
 * Nodes 1 to 4 hold a 2-of-4 key; parties 1, 2 and 4 of it deal to nodes 2, 3, 4 and 5. So the seats are: 1 (node 2) and
 * 3 (node 4), which deal and stay; 2 (node 3), which stays and does not deal; 4 (node 5), new; 5 (node 1), which deals and
 * leaves.
 */
function reshare(group: Group = toy): RenewalOptions {
  const key = heldKey({ group, threshold: 2, nodes: [1, 2, 3, 4] });
  return { seed: 1, group, key, dealers: [1, 2, 4], to: { nodes: [2, 3, 4, 5], threshold: 3 } };
}

function refresh(group: Group = toy): RenewalOptions {
  return { seed: 1, group, key: heldKey({ group, threshold: 3, nodes: [1, 2, 3, 4] }), dealers: [1, 2, 3, 4] };
}

const staying: Party = 1;
const idle: Party = 2;
const leaving: Party = 5;

type Run = Simulation<RenewalOutcome>;

function run(options: RenewalOptions, cheat: Party, adversary?: Adversary, rushing = false): Run {
  const simulation = simulate({ ...renewing(options), corrupted: new Set([cheat]), adversary, rushing });
  soundness(simulation, new Set([cheat]));
  return simulation;
}

/** The ceremony with a forged seat in it. */
function forged(
  options: RenewalOptions,
  cheat: Party,
  forgery: (parameters: RenewalParameters) => RenewalForgery,
): Run {
  const scenario = renewing(options);
  const parameters = renewalParametersOf(options);
  const simulation = simulate({
    ...scenario,
    corrupted: new Set([cheat]),
    run: (party, randomness, court) =>
      party === cheat ? forgedSeat(parameters, cheat, forgery(parameters)) : scenario.run(party, randomness, court),
  });
  soundness(simulation, new Set([cheat]));
  return simulation;
}

/** Every honest party names the cheat, for that, and nobody else. */
function expectBlame(simulation: Run, cheat: Party, code: string): void {
  for (const [party, outcome] of simulation.outcomes) {
    if (party === cheat) continue;
    const found = outcome.type === 'aborted' ? outcome.abort : outcome;
    expect(found).toMatchObject({ culprits: [cheat] });
    expect(found).toMatchObject({ blames: expect.arrayContaining([expect.objectContaining({ code })]) });
  }
}

function expectSuccess(simulation: Run): void {
  for (const outcome of simulation.outcomes.values()) expect(outcome.type).toBe('done');
}

/** What a dealer must deal, with a constant that is off by `shift`. */
function polynomialOf(options: RenewalOptions, seat: Party, shift = 0n): readonly bigint[] {
  const { group, dealers, secret, threshold } = renewalInputOf(options, seat);
  const { weight } = dealers.get(seat) as Dealer;
  const { add, multiply } = primeField(group.order);
  const constant = add(multiply(weight, secret?.use(fromBytesBE) ?? 0n), shift);
  return [constant, 6n, 7n].slice(0, threshold);
}

const groups = [toy, secp256k1, ed25519];

describe.each([
  ['a refresh', refresh, staying],
  ['a reshare, by one that stays', reshare, staying],
  ['a reshare, by one that leaves', reshare, leaving],
] as const)('a forged dealer in %s', (_, of, cheat) => {
  it.each(groups)('that deals what it must is one of the party: $name', (group) => {
    expectSuccess(forged(of(group), cheat, () => ({ polynomial: polynomialOf(of(group), cheat) })));
  });

  it.each(groups)('R02, R05: is named for sharing out anything but its own share: $name', (group) => {
    const polynomial = polynomialOf(of(group), cheat, 1n);
    expectBlame(
      forged(of(group), cheat, () => ({ polynomial })),
      cheat,
      'bad-share',
    );
  });

  it('is named for a share that does not fit, by its one victim', () => {
    const plaintext = (to: Party, value: Uint8Array): Uint8Array => (to === idle ? toy.encodeScalar(99n) : value);
    const simulation = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), plaintext }));
    expectBlame(simulation, cheat, 'bad-share');
  });

  it('is named for a share that is no scalar', () => {
    const plaintext = (to: Party, value: Uint8Array): Uint8Array =>
      to === idle ? new Uint8Array(32).fill(255) : value;
    const simulation = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), plaintext }));
    expectBlame(simulation, cheat, 'bad-share');
  });

  it.each<[string, (portion: Portion) => Portion]>([
    [
      'a ciphertext that does not open',
      (portion) =>
        portion.type === 'share'
          ? { ...portion, value: { ...portion.value, ciphertext: portion.value.ciphertext.map((byte) => byte ^ 1) } }
          : portion,
    ],
    [
      'an ephemeral key that it did not prove',
      (portion) =>
        portion.type === 'share'
          ? { ...portion, value: { ...portion.value, proof: { ...portion.value.proof, response: 5n } } }
          : portion,
    ],
  ])('is named for %s', (_name, change) => {
    const portion = (to: Party, honest: Portion): Portion => (to === idle ? change(honest) : honest);
    const simulation = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), portion }));
    expectBlame(simulation, cheat, 'bad-share');
  });

  it('is named for a proof of other coefficients', () => {
    const deal: RenewalForgery['deal'] = (honest) => ({
      type: 'deal',
      value: { ...honest, proof: { commitment: toy.generator, response: 1n } },
    });
    expectBlame(
      forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), deal })),
      cheat,
      'bad-proof',
    );
  });

  it('is named when it repeats what another dealer says', () => {
    const simulation = run(
      of(),
      cheat,
      ({ label, class: kind, history }) => {
        if (label !== 'deal' || kind !== 'broadcast') return { type: 'keep' };
        const theirs = history.map(({ frame }) => decodeEnvelope(frame));
        const copied = theirs.find(({ from, class: one }) => from === 3 && one === 'broadcast');
        return { type: 'replace', payload: copied?.payload as Uint8Array };
      },
      true,
    );
    expectBlame(simulation, cheat, 'bad-proof');
  });

  it('is named when it repeats what it said in an earlier session', () => {
    const earlier = simulate(renewing({ ...of(), seed: 2 })).history.map(({ frame }) => decodeEnvelope(frame));
    const old = earlier.find(({ from, class: kind }) => from === cheat && kind === 'broadcast');
    const simulation = run(of(), cheat, ({ label, class: kind }) =>
      label === 'deal' && kind === 'broadcast'
        ? { type: 'replace', payload: old?.payload as Uint8Array }
        : { type: 'keep' },
    );
    expectBlame(simulation, cheat, 'bad-proof');
  });

  it.each([-1, 1])('R03, R04: is named for %i coefficients more than the new threshold wants', (more) => {
    const { threshold } = renewalParametersOf(of());
    const simulation = run(of(), cheat, ({ label, class: kind, payload }) => {
      if (label !== 'deal' || kind !== 'broadcast') return { type: 'keep' };
      const honest = decode(renewalFormats(toy, threshold).deal.broadcast, payload);
      if (honest.type !== 'deal') return { type: 'keep' };
      const coefficients = [...honest.value.coefficients, toy.generator].slice(0, threshold - 1 + more);
      const other = renewalFormats(toy, threshold + more).deal.broadcast;
      return { type: 'replace', payload: encode(other, { ...honest, value: { ...honest.value, coefficients } }) };
    });
    expectBlame(simulation, cheat, 'malformed');
  });

  it('is named for saying nothing to all', () => {
    const simulation = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), deal: () => nothing }));
    expectBlame(simulation, cheat, 'out-of-turn');
  });

  it('is named for giving a member nothing', () => {
    const portion = (to: Party, honest: Portion): Portion => (to === idle ? nothing : honest);
    const simulation = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), portion }));
    expectBlame(simulation, cheat, 'out-of-turn');
  });

  it('names nobody by withholding what it deals after seeing all others', () => {
    const simulation = run(of(), cheat, ({ label }) => ({ type: label === 'deal' ? 'withhold' : 'keep' }), true);
    for (const [party, outcome] of simulation.outcomes) {
      if (party !== cheat) expect(outcome).toEqual({ type: 'waiting', missing: [cheat], round: 'deal' });
    }
  });

  it('is named for telling one party other coefficients', () => {
    const other = simulate(renewing({ ...of(), seed: 2 })).history.map(({ frame }) => decodeEnvelope(frame));
    const said = other.find(({ from, class: kind }) => from === cheat && kind === 'broadcast');
    const simulation = run(of(), cheat, ({ label, class: kind, to }) =>
      label === 'deal' && kind === 'broadcast' && to === idle
        ? { type: 'replace', payload: said?.payload as Uint8Array }
        : { type: 'keep' },
    );
    for (const [party, outcome] of simulation.outcomes) {
      if (party !== cheat) expect(outcome).toMatchObject({ type: 'aborted', abort: { culprits: [cheat] } });
    }
  });

  it('is named for confirming another outcome', () => {
    const verdict: RenewalForgery['verdict'] = () => ({ type: 'confirmation', value: new Uint8Array(32) });
    const simulation = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), verdict }));
    expectBlame(simulation, cheat, 'wrong-outcome');
  });

  it('cannot have its victim convicted of a false complaint', () => {
    const plaintext = (to: Party, value: Uint8Array): Uint8Array => (to === idle ? toy.encodeScalar(99n) : value);
    const { court, history } = forged(of(), cheat, () => ({ polynomial: polynomialOf(of(), cheat), plaintext }));
    const complaints = history.filter(({ frame }) => {
      const { class: kind, from, round } = decodeEnvelope(frame);
      return kind === 'broadcast' && from === idle && round === 1;
    });
    expect(complaints.length).toBeGreaterThan(0);
    for (const { frame } of complaints) {
      expect(judge(court, blame(idle, 'false-complaint', [frame]).evidence)).toBe(false);
    }
  });
});

describe('who has nothing to deal', () => {
  it.each([idle, 4])('R06, is named for dealing all the same: seat %i', (cheat) => {
    const simulation = forged(reshare(), cheat, () => ({ polynomial: [0n, 6n, 7n], portion: () => nothing }));
    expectBlame(simulation, cheat, 'out-of-turn');
  });

  it('R06, is named for a share under the hand', () => {
    const simulation = forged(reshare(), idle, () => ({ polynomial: [0n, 6n, 7n], deal: () => nothing }));
    expectBlame(simulation, idle, 'out-of-turn');
  });

  it('a share for one that leaves is named', () => {
    const { seats } = renewalParametersOf(reshare());
    let spare: Portion = nothing;
    const simulation = forged(reshare(), staying, () => ({
      polynomial: polynomialOf(reshare(), staying),
      portion: (to, honest) => {
        if (honest.type === 'share') spare = honest;
        return to === leaving ? spare : honest;
      },
    }));
    expect(seats.length).toBe(5);
    expectBlame(simulation, staying, 'out-of-turn');
  });

  it('R11, a member that was left out has no seat: what it says is foreign, and the key goes on', () => {
    const scenario = renewing(reshare());
    const simulation = simulate({
      ...scenario,
      corrupted: new Set([leaving]),
      adversary: ({ seal }) => ({ type: 'frames', frames: [seal({ slot: { from: 6 } }), seal({})] }),
    });
    soundness(simulation, new Set([leaving]));
    expectSuccess(simulation);
  });

  it('R11, a share of an epoch before the base is not dealt from: it would be called a bad one', () => {
    const options = reshare();
    const older = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3, 4], seed: 9 });
    const protocol = renewing({
      ...options,
      differs: (seat) => (seat === leaving ? { secret: older.shares.get(1) } : {}),
    });
    expect(() => simulate(protocol)).toThrow(expect.objectContaining({ code: 'share' }));
    const polynomial = [(older.shares.get(1) as Secret).use(fromBytesBE), 6n, 7n];
    expectBlame(
      forged(options, leaving, () => ({ polynomial })),
      leaving,
      'bad-share',
    );
  });
});

describe('a seat that lies about dealers', () => {
  function complaint(parameters: RenewalParameters, cheat: Party, dealt: Messages<Deal, Portion>): Complaint {
    const { group } = parameters;
    const dealer = 3;
    const { value, envelope } = dealt.directs.get(dealer) as Received<Portion>;
    if (value.type !== 'share') throw new Error('the dealer is honest');
    const receiveSecret = secretScalar(receiveScalarOf({ seed: 1, group }, cheat), group.scalarBytes);
    const recipient = { me: cheat, receiveSecret };
    const opening = openForAll(renewalDealing(parameters), recipient, dealer, value.value, seeded(new Uint8Array(32)));
    const reveal = (dealt.broadcasts.get(dealer) as Received<Deal>).envelope;
    return { dealer, reveal, share: envelope, opening: maybeOpening(opening) };
  }

  type Distortion = (honest: Complaint, dealt: Messages<Deal, Portion>) => Complaint;
  const distortions: readonly [string, Distortion][] = [
    ['whose share was good', (told) => told],
    ['without opening the share', (told) => ({ ...told, opening: { type: 'none', value: new Uint8Array(0) } })],
    ['that does not exist', (told) => ({ ...told, dealer: 9 })],
    ['that does not deal', (told) => ({ ...told, dealer: 4 })],
    ['with the envelopes of another', (told) => ({ ...told, dealer: 1 })],
    ['that is itself', (told) => ({ ...told, dealer: idle })],
    [
      'with what another committed to',
      (told, dealt) => ({ ...told, reveal: (dealt.broadcasts.get(1) as Received<Deal>).envelope }),
    ],
    ['with a commitment for a share', (told) => ({ ...told, share: told.reveal })],
    ['with noise', (told) => ({ ...told, share: Uint8Array.of(1, 2, 3) })],
    [
      'with another shared point',
      (told) =>
        told.opening.type === 'none'
          ? told
          : { ...told, opening: { type: 'opening', value: { ...told.opening.value, shared: toy.generator } } },
    ],
  ];
  it.each(distortions)('is named itself for accusing one %s', (_, distort) => {
    const simulation = forged(reshare(), idle, (parameters) => ({
      verdict: (_honest, dealt) => ({
        type: 'complaint',
        value: distort(complaint(parameters, idle, dealt), dealt),
      }),
    }));
    expectBlame(simulation, idle, 'false-complaint');
  });

  it.each([secp256k1, ed25519])('is named in a real group: $name', (group) => {
    const simulation = forged(reshare(group), idle, (parameters) => ({
      verdict: (_honest, dealt) => ({ type: 'complaint', value: complaint(parameters, idle, dealt) }),
    }));
    expectBlame(simulation, idle, 'false-complaint');
  });
});

describe('what is settled before', () => {
  it.each(['name', 'purpose'] as const)('is named who confirms another %s', (field) => {
    const { statement } = renewalParametersOf(reshare());
    const differs = (seat: Party) => (seat === idle ? { statement: { ...statement, [field]: 'other' } } : {});
    expectBlame(run({ ...reshare(), differs }, idle), idle, 'wrong-outcome');
  });

  it('is named who confirms another chain code', () => {
    const { statement } = renewalParametersOf(reshare());
    const changed = { statement: { ...statement, chainCode: new Uint8Array(32) } };
    const differs = (seat: Party) => (seat === leaving ? changed : {});
    expectBlame(run({ ...reshare(), differs }, leaving), leaving, 'wrong-outcome');
  });
});

describe('a share of zero', () => {
  /** In the toy group everybody can. */
  function logarithm(point: Point): bigint {
    const field = primeField(toy.order);
    return field.multiply(fromBytesBE(toy.encodePoint(point)), field.invert(7n));
  }

  it('of a member, made by one that knows the future, ends it without blame', () => {
    const options = refresh();
    const future = simulate(renewing(options));
    const outcome = future.outcomes.get(1);
    if (outcome?.type !== 'done') throw new Error('the honest failed');
    // What party 3 would get from the others: its share, less what the cheat would deal it.
    const codec = renewalFormats(toy, 3).deal.broadcast;
    const frames = future.history.map(({ frame }) => decodeEnvelope(frame));
    const mine = frames.find(({ from, class: kind }) => from === staying && kind === 'broadcast')?.payload;
    const said = decode(codec, mine as Uint8Array);
    if (said.type !== 'deal') throw new Error('the dealer is honest');
    const [constant] = polynomialOf(options, staying) as [bigint];
    const [a, b] = said.value.coefficients.map(logarithm) as [bigint, bigint];
    const { reduce, multiply, invert } = primeField(toy.order);
    const total = logarithm(outcome.result.publicPackage.verifyingShares[2] as Point);
    const others = total - (constant + 3n * a + 9n * b);
    // constant + 3·x + 9·7 = −others
    const x = multiply(reduce(-others - constant - 63n), invert(3n));
    const simulation = forged(options, staying, () => ({ polynomial: [constant, x, 7n] }));
    for (const [party, ended] of simulation.outcomes) {
      if (party !== staying) expect(ended).toMatchObject({ type: 'aborted', abort: { blames: [], round: 'deal' } });
    }
  });
});
