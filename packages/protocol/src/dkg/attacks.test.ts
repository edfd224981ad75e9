import { type Adversary, type Scenario, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { type Forgery, forgedDealer } from '../../../../test/support/forged-dealer.ts';
import {
  type KeyGenerationOptions,
  keyGeneration,
  parametersOf,
  receiveScalarOf,
  receiveSecretOf,
} from '../../../../test/support/key-generation.ts';
import { fromBytesBE } from '../bytes.ts';
import { shareContext } from '../dealing/shares.ts';
import type { Complaint } from '../dealing/verdicts.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { pureNodeKey } from '../primitives/signatures.ts';
import { reveal as revealSealed } from '../proofs/encryption.ts';
import { blame, type Party } from '../protocol.ts';
import { seeded } from '../random.ts';
import { judge } from '../session/court.ts';
import { decodeEnvelope, kinds } from '../session/envelope.ts';
import { Session } from '../session/session.ts';
import { register, type Start, sessionId } from '../session/start.ts';
import { decode, encode } from '../wire/codec.ts';
import { dkgFormats, type Reveal, type Share } from './messages.ts';
import { dkgDealing } from './outcome.ts';
import type { DkgOutcome, DkgParameters } from './parameters.ts';
import { dkg } from './protocol.ts';
import { dkgCourt } from './rules.ts';

const cheat: Party = 2;
const honest: readonly Party[] = [1, 3, 4];
const base = { seed: 1, threshold: 3, parties: 4 } as const;
const polynomial = [5n, 6n, 7n];

function options(group: Group = toy): KeyGenerationOptions {
  return { ...base, group };
}

function run(
  scenario: Scenario<DkgOutcome>,
  adversary?: Adversary,
  rushing = false,
  corrupted: ReadonlySet<Party> = new Set([cheat]),
): Simulation<DkgOutcome> {
  const simulation = simulate({ ...scenario, corrupted, adversary, rushing });
  soundness(simulation, corrupted);
  return simulation;
}

/** The committee with a forged dealer in it. */
function forged(forgery: (parameters: DkgParameters) => Forgery, group: Group = toy): Simulation<DkgOutcome> {
  const scenario = keyGeneration(options(group));
  const parameters = parametersOf(options(group));
  return run({
    ...scenario,
    run: (party, randomness, court) =>
      party === cheat ? forgedDealer(parameters, cheat, forgery(parameters)) : scenario.run(party, randomness, court),
  });
}

function expectBlame(simulation: Simulation<DkgOutcome>, code: string, culprits: readonly Party[] = [cheat]): void {
  for (const party of honest) {
    const outcome = simulation.outcomes.get(party);
    const found = outcome?.type === 'aborted' ? outcome.abort : outcome;
    expect(found).toMatchObject({ culprits });
    expect(found).toMatchObject({ blames: expect.arrayContaining([expect.objectContaining({ code })]) });
  }
}

function expectSuccess(simulation: Simulation<DkgOutcome>): void {
  for (const party of honest) expect(simulation.outcomes.get(party)).toMatchObject({ type: 'done' });
}

function revealsOf(simulation: Simulation<DkgOutcome>, party: Party, group: Group = toy): Reveal {
  const codec = dkgFormats(group, base.threshold).reveal.broadcast;
  const sent = simulation.history.map(({ frame }) => decodeEnvelope(frame));
  return decode(codec, sent.find(({ from, round }) => from === party && round === 1)?.payload as Uint8Array);
}

/** In the toy group everybody can: that is what makes rushing dealers testable. */
function logarithm(point: Point): bigint {
  const value = fromBytesBE(toy.encodePoint(point));
  let inverse = 1n;
  for (let e = toy.order - 2n, square = 7n; e > 0n; e >>= 1n, square = (square * square) % toy.order) {
    if (e & 1n) inverse = (inverse * square) % toy.order;
  }
  return (value * inverse) % toy.order;
}

describe('a forged dealer', () => {
  it.each([toy, secp256k1, ed25519])('that deals correctly is one of the party: $name', (group) => {
    expectSuccess(forged(() => ({ polynomial }), group));
  });

  it.each([toy, secp256k1, ed25519])('is named for a share that does not fit: $name', (group) => {
    const simulation = forged(
      () => ({ polynomial, plaintext: (to, value) => (to === 3 ? group.encodeScalar(99n) : value) }),
      group,
    );
    expectBlame(simulation, 'bad-share');
  });

  it('is named for a share that is no scalar', () => {
    const notBelowTheOrder = new Uint8Array(32).fill(255);
    const plaintext = (to: Party, value: Uint8Array): Uint8Array => (to === 3 ? notBelowTheOrder : value);
    expectBlame(
      forged(() => ({ polynomial, plaintext })),
      'bad-share',
    );
  });

  const shareTo3 = (change: (share: Share) => Share['sealed']) => (): Forgery => ({
    polynomial,
    share: (to, share) => (to === 3 ? { sealed: change(share) } : share),
  });

  it('is named for a ciphertext that does not open', () => {
    const spoilt = forged(
      shareTo3(({ sealed }) => ({ ...sealed, ciphertext: sealed.ciphertext.map((byte) => byte ^ 1) })),
    );
    expectBlame(spoilt, 'bad-share');
  });

  it('is named for an ephemeral key that it did not prove', () => {
    const response = 5n;
    expectBlame(forged(shareTo3(({ sealed }) => ({ ...sealed, proof: { ...sealed.proof, response } }))), 'bad-share');
  });

  it('cannot have its victim convicted of a false complaint', () => {
    const plaintext = (to: Party, value: Uint8Array): Uint8Array => (to === 3 ? toy.encodeScalar(99n) : value);
    const { court, history } = forged(() => ({ polynomial, plaintext }));
    const verdicts = history.filter(({ frame }) => {
      const { class: kind, from, round } = decodeEnvelope(frame);
      return kind === 'broadcast' && from === 3 && round === 3;
    });
    const { verdict } = dkgFormats(toy, base.threshold);
    expect(verdicts.length).toBeGreaterThan(0);
    for (const { frame } of verdicts) {
      expect(decode(verdict.broadcast, decodeEnvelope(frame).payload).type).toBe('complaint');
      expect(judge(court, blame(3, 'false-complaint', [frame]).evidence)).toBe(false);
    }
  });

  it('is named by both of its victims', () => {
    const simulation = forged(() => ({
      polynomial,
      plaintext: (to, value) => (to === 1 ? value : toy.encodeScalar(1n)),
    }));
    expectBlame(simulation, 'bad-share');
  });

  it('is named for a proof of other coefficients', () => {
    const proof = { commitment: toy.generator, response: 1n };
    expectBlame(
      forged(() => ({ polynomial, reveal: (reveal) => ({ ...reveal, proof }) })),
      'bad-proof',
    );
  });

  it('is named when it repeats its own proof of an earlier session', () => {
    const earlier = keyGeneration({ ...options(), seed: 2 });
    const before = simulate({
      ...earlier,
      run: (party, randomness, court) =>
        party === cheat
          ? forgedDealer(parametersOf({ ...options(), seed: 2 }), cheat, { polynomial })
          : earlier.run(party, randomness, court),
    });
    expect(before.outcomes.get(1)?.type).toBe('done');
    const old = revealsOf(before, cheat);
    expectBlame(
      forged(() => ({ polynomial, reveal: () => old })),
      'bad-proof',
    );
  });

  it("is named when it repeats an honest dealer's proof as its own", () => {
    // The same seed: the very coefficients and proof that party 1 will reveal in this session.
    const theirs = revealsOf(simulate(keyGeneration(options())), 1);
    expectBlame(
      forged(() => ({ polynomial, reveal: () => theirs })),
      'bad-proof',
    );
  });

  it('may deal a share of zero: a value like any other', () => {
    const root = [toy.order - 3n, 2n, 1n]; // x² + 2x − 3 is zero at 1
    expectSuccess(forged(() => ({ polynomial: root })));
  });

  it('that makes the key the identity, by knowing the future, ends it without blame', () => {
    const future = simulate(keyGeneration(options()));
    const constant = honest.reduce(
      (sum, party) => sum + logarithm(revealsOf(future, party).coefficients[0] as Point),
      0n,
    );
    const simulation = forged(() => ({ polynomial: [toy.order - (constant % toy.order), 6n, 7n] }));
    for (const party of honest) {
      expect(simulation.outcomes.get(party)).toMatchObject({ type: 'aborted', abort: { blames: [], round: 'reveal' } });
    }
  });

  it('that makes the share of another zero, by knowing the future, ends it without blame', () => {
    const future = simulate(keyGeneration(options()));
    const share = honest.reduce((sum, party) => {
      const [a, b, c] = revealsOf(future, party).coefficients.map(logarithm) as [bigint, bigint, bigint];
      return sum + a + 3n * b + 9n * c;
    }, 0n);
    const constant = (((-share - 3n * 6n - 9n * 7n) % toy.order) + toy.order) % toy.order;
    const simulation = forged(() => ({ polynomial: [constant, 6n, 7n] }));
    for (const party of honest) {
      expect(simulation.outcomes.get(party)).toMatchObject({ type: 'aborted', abort: { blames: [], round: 'reveal' } });
    }
  });
});

describe('a party that lies about dealers', () => {
  /** A complaint of party 2 about party 1, as an honest victim would write it. */
  function complaint(
    parameters: DkgParameters,
    reveals: ReadonlyMap<Party, Uint8Array>,
    shares: ReadonlyMap<Party, { readonly value: Share; readonly envelope: Uint8Array }>,
  ): Complaint {
    const { group, receiveKeys } = parameters;
    const { value, envelope } = shares.get(1) as { value: Share; envelope: Uint8Array };
    const secret = receiveScalarOf(options(group), cheat);
    const context = shareContext(dkgDealing(parameters), 1, cheat);
    const key = receiveKeys.get(cheat) as Point;
    const opening = revealSealed(group, context, secret, key, value.sealed, seeded(new Uint8Array(32)));
    if (opening === undefined) throw new Error('the dealer is honest');
    return {
      dealer: 1,
      reveal: reveals.get(1) as Uint8Array,
      share: envelope,
      opening: { type: 'opening', value: opening },
    };
  }

  type Distortion = (honest: Complaint, all: ReadonlyMap<Party, Uint8Array>) => Complaint;
  const distortions: readonly [string, Distortion][] = [
    ['whose share was good', (told) => told],
    ['without opening the share', (told) => ({ ...told, opening: { type: 'none', value: new Uint8Array(0) } })],
    ['that does not exist', (told) => ({ ...told, dealer: 9 })],
    ['that is zero', (told) => ({ ...told, dealer: 0 })],
    ['with the envelopes of another', (told) => ({ ...told, dealer: 3 })],
    ['that is itself', (told) => ({ ...told, dealer: cheat })],
    ['with the reveal of another', (told, all) => ({ ...told, reveal: all.get(3) as Uint8Array })],
    ['with a reveal for a share', (told) => ({ ...told, share: told.reveal })],
    ['with noise', (told) => ({ ...told, share: Uint8Array.of(1, 2, 3) })],
    ['with nothing', (told) => ({ ...told, share: new Uint8Array(0), reveal: new Uint8Array(0) })],
    [
      'with another shared point',
      (told) =>
        told.opening.type === 'none'
          ? told
          : { ...told, opening: { type: 'opening', value: { ...told.opening.value, shared: toy.generator } } },
    ],
  ];
  it.each(distortions)('is named itself for accusing one %s', (_, distort) => {
    const simulation = forged((parameters) => ({
      polynomial,
      verdict: (_honest, reveals, shares) => ({
        type: 'complaint',
        value: distort(complaint(parameters, reveals, shares), reveals),
      }),
    }));
    expectBlame(simulation, 'false-complaint');
  });

  it.each([secp256k1, ed25519])('is named in a real group: $name', (group) => {
    const simulation = forged(
      (parameters) => ({
        polynomial,
        verdict: (_honest, reveals, shares) => ({ type: 'complaint', value: complaint(parameters, reveals, shares) }),
      }),
      group,
    );
    expectBlame(simulation, 'false-complaint');
  });

  it('is named for a confirmation and a complaint in one round', () => {
    const parameters = parametersOf(options());
    const codec = dkgFormats(toy, 3).verdict.broadcast;
    const simulation = run(keyGeneration(options()), ({ label, class: kind, seal, to }) => {
      if (label !== 'verdict' || kind === 'abort') return { type: 'keep' };
      const other = encode(codec, { type: 'confirmation', value: parameters.sid });
      return {
        type: 'frames',
        frames: to === 3 ? [seal({ payload: other }), seal({})] : [seal({}), seal({ payload: other })],
      };
    });
    for (const party of honest) {
      expect(simulation.outcomes.get(party)).toMatchObject({ type: 'aborted', abort: { culprits: [cheat] } });
    }
  });

  it('is named for a complaint after the verdict', () => {
    const simulation = run(keyGeneration(options()), ({ label, payload }) =>
      label === 'return' ? { type: 'replace', payload: Uint8Array.of(...payload, 1) } : { type: 'keep' },
    );
    expectBlame(simulation, 'malformed');
  });
});

describe('a party that breaks its commitment', () => {
  it('is named for revealing something else', () => {
    const codec = dkgFormats(toy, 3).reveal.broadcast;
    const simulation = run(keyGeneration(options()), ({ label, payload }) => {
      if (label !== 'reveal') return { type: 'keep' };
      const changed = { ...decode(codec, payload), chainCode: new Uint8Array(32) };
      return { type: 'replace', payload: encode(codec, changed) };
    });
    expectBlame(simulation, 'wrong-opening');
  });

  it('is named for telling one party another chain code', () => {
    const codec = dkgFormats(toy, 3).reveal.broadcast;
    const simulation = run(keyGeneration(options()), ({ label, payload, to }) => {
      if (label !== 'reveal' || to !== 3) return { type: 'keep' };
      const changed = { ...decode(codec, payload), chainCode: new Uint8Array(32) };
      return { type: 'replace', payload: encode(codec, changed) };
    });
    for (const party of honest) {
      expect(simulation.outcomes.get(party)).toMatchObject({ type: 'aborted', abort: { culprits: [cheat] } });
    }
  });

  it('is named for repeating what another committed to and revealed', () => {
    const simulation = run(
      keyGeneration(options()),
      ({ label, history }) => {
        const theirs = history.map(({ frame }) => decodeEnvelope(frame));
        const copied = theirs.find(({ from, round }) => from === 1 && round === (label === 'commit' ? 0 : 1));
        return label === 'commit' || label === 'reveal'
          ? { type: 'replace', payload: copied?.payload as Uint8Array }
          : { type: 'keep' };
      },
      true,
    );
    expectBlame(simulation, 'wrong-opening');
  });

  it('names nobody by withholding its reveal after seeing all others', () => {
    const simulation = run(
      keyGeneration(options()),
      ({ label }) => (label === 'reveal' ? { type: 'withhold' } : { type: 'keep' }),
      true,
    );
    for (const party of honest) {
      expect(simulation.outcomes.get(party)).toEqual({ type: 'waiting', missing: [cheat], round: 'reveal' });
    }
  });
});

describe('what was agreed before', () => {
  it.each(['name', 'purpose'] as const)('is named who confirms another %s', (field) => {
    const { statement } = parametersOf(options());
    const differs = (party: Party) => (party === cheat ? { statement: { ...statement, [field]: 'other' } } : {});
    expectBlame(run(keyGeneration({ ...options(), differs })), 'wrong-outcome');
  });

  it('is named who confirms another policy', () => {
    const { statement } = parametersOf(options());
    const changed = { statement: { ...statement, policyHash: new Uint8Array(32) } };
    const differs = (party: Party) => (party === cheat ? changed : {});
    expectBlame(run(keyGeneration({ ...options(), differs })), 'wrong-outcome');
  });

  it('separates those who were invited to different thresholds, before any secret, and blames nobody', () => {
    const key = (party: Party) => pureNodeKey(new Uint8Array(32).fill(party));
    const parameters = parametersOf({ ...options(), signatures: 'pure' });
    const members = parameters.members.map(({ party }) => ({ party, node: key(party).publicKey }));
    const start = (digest: number): Start => {
      const common = {
        network: parameters.network,
        request: new Uint8Array(32),
        digest: new Uint8Array(32).fill(digest),
        epoch: 1,
        attempt: 0,
      };
      const participants = members.map(({ party }) => {
        const own = {
          nonce: new Uint8Array(32),
          bootEpoch: new Uint8Array(24),
          receiveKey: new Uint8Array(0),
          avoid: [],
          apart: [],
          presigned: { signers: [], ids: [] },
        };
        return { party, registration: register({ ...common, ...own }, key(party)) };
      });
      return { ...common, kind: kinds.keygen, presignature: new Uint8Array(0), participants };
    };
    const at = (me: Party, threshold: number): [Session, DkgParameters] => {
      const mine = { ...parameters, members, threshold, sid: sessionId(start(threshold)) };
      return [new Session(dkgCourt(mine), me, key(me)), mine];
    };
    const [one] = at(1, 3);
    const [two, theirs] = at(2, 2);
    const receiveSecret = receiveSecretOf(options(), 2);
    const protocol = dkg({ ...theirs, me: 2, receiveSecret, randomness: seeded(new Uint8Array(32)) });
    const round = protocol.next(undefined as never);
    if (round.done === true) throw new Error('no round');
    const [frame] = two.open(round.value);
    expect(one.receive(2, frame?.frame as Uint8Array)).toBe('foreign');
  });
});
