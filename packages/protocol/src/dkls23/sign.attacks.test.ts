import { describe, expect, it } from 'vitest';
import { aliceAnswers, aliceColumns, bobRequests } from '../../../../test/support/dkls23-oracle.ts';
import { dealEcdsaKey, type EcdsaSigning, ecdsaInputOf, ecdsaSigning } from '../../../../test/support/ecdsa-signing.ts';
import { nativeSymmetric } from '../../native/index.ts';
import type { Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { blame, type Party } from '../protocol.ts';
import { secretScalar, seeded } from '../random.ts';
import { judge } from '../session/court.ts';
import { decodeEnvelope, type Envelope } from '../session/envelope.ts';
import { primeField } from '../sharing/field.ts';
import type { Adversary, Move, Reply } from '../simulation/adversary.ts';
import { type Scenario, type Simulation, simulate, soundness } from '../simulation/committee.ts';
import { type Fault, faultsOf, type Verdict } from '../simulation/faults.ts';
import { idealMultiplication } from '../simulation/ideal-multiplication.ts';
import { assault, commit } from '../simulation/verdict.ts';
import { decode, encode } from '../wire/codec.ts';
import { bitOf } from './bits.ts';
import type { EcdsaSignature } from './ecdsa.ts';
import { checkTransfers, readRequest } from './extension.ts';
import { gadgetOf } from './gadget.ts';
import type { PairMaterial } from './material.ts';
import { type Multiplication, pairMultiplication } from './products.ts';
import { commitTo, sessionId } from './sign-context.ts';
import { preparationFormats, sharesFormat } from './sign-messages.ts';
import { ecdsaRules } from './sign-rules.ts';
import { suiteA } from './suite.ts';

type Outcome = Simulation<EcdsaSignature>;

const signers = [1, 2, 5] as const;
const digest = new Uint8Array(32).fill(9);
const engine = { suite: suiteA, symmetric: nativeSymmetric };
const real = pairMultiplication(engine);
const ideal = idealMultiplication(toy);
const keys = { toy: dealEcdsaKey(toy, 3, [1, 2, 3, 5]), secp256k1: dealEcdsaKey(secp256k1, 3, [1, 2, 3, 5]) };
/** The same committee without transfers, and with them. */
const quick: EcdsaSigning = { seed: 1, group: toy, multiplication: ideal, key: keys.toy, signers, digest };
const full: EcdsaSigning = { seed: 1, group: secp256k1, multiplication: real, key: keys.secp256k1, signers, digest };
const both = [
  ['ideal multiplication', quick],
  ['oblivious transfer', full],
] as const;

function run(
  options: EcdsaSigning,
  corrupted: readonly Party[],
  adversary?: Adversary,
  more?: Partial<Scenario<EcdsaSignature>>,
): Outcome {
  const simulation = simulate({ ...ecdsaSigning(options), corrupted: new Set(corrupted), adversary, ...more });
  soundness(simulation, new Set(corrupted));
  return simulation;
}

/** Acts on one message, and keeps quiet about what the corrupted party itself finds out. */
function at(round: number, kind: 'broadcast' | 'direct', act: (move: Move) => Reply): Adversary {
  return (move) => {
    if (move.class === 'abort') return { type: 'withhold' };
    return move.class === kind && move.round === round ? act(move) : { type: 'keep' };
  };
}

/** What an honest party ended with. */
function endOf({ outcomes }: Outcome, party: Party) {
  const outcome = outcomes.get(party);
  if (outcome?.type !== 'aborted') throw new Error(`party ${party} ended ${outcome?.type}`);
  const { round, bans, blames, informant } = outcome.abort;
  return { round, bans, codes: blames.map(({ party: accused, code }) => `${accused} ${code}`), informant };
}

/** That `victim` banned `culprit` in `round`, that nobody else banned anybody, and that nobody has a signature. */
function expectBan(simulation: Outcome, victim: Party, culprit: Party, round: string): void {
  expect(endOf(simulation, victim)).toEqual({ round, bans: [culprit], codes: [], informant: undefined });
  const other = signers.find((party) => party !== victim && party !== culprit) as Party;
  const { bans, codes } = endOf(simulation, other);
  expect({ bans, codes }).toEqual({ bans: [], codes: [] });
}

/** That every honest party gave up, blaming and banning nobody. */
function expectNobody(simulation: Outcome, honest: readonly Party[], round: string): void {
  const ends = honest.map((party) => endOf(simulation, party));
  for (const { bans, codes } of ends) expect({ bans, codes }).toEqual({ bans: [], codes: [] });
  expect(ends.filter(({ informant }) => informant === undefined).map((end) => end.round)).toContain(round);
}

/** A multiplication of a party that cheats. */
function cheating(
  multiplication: Multiplication,
  changes: Partial<Multiplication>,
): (party: Party) => Partial<{ multiplication: Multiplication }> {
  return (party) => (party === 5 ? { multiplication: { ...multiplication, ...changes } } : {});
}

function flipped(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.map((byte, i) => (i === index ? byte ^ 1 : byte));
}

describe('every fault of every signer', () => {
  const expected = ({ class: kind, label, name }: Fault): Verdict | readonly Verdict[] => {
    if (name === 'with the value of another') return ['culprit', 'nobody', 'harmless'];
    if (label === 'offers') return kind === 'broadcast' || name.startsWith('nonce') ? 'culprit' : 'nobody';
    return label === 'answers' && /^(point|blinding) /.test(name) ? 'culprit' : 'nobody';
  };
  const agree = (a: EcdsaSignature, b: EcdsaSignature): boolean => a.r === b.r && a.s === b.s;

  it('without transfers: ends in blame, or in nothing, as it must', () => {
    const counts = assault(ecdsaSigning(quick), { expected, agree });
    expect(counts.culprit + counts.nobody + counts.harmless).toBeGreaterThan(400);
  });

  it('of the messages of transfers: gives nobody a signature', () => {
    const scenario = ecdsaSigning(full);
    const fields = /^(session|nonce|fingerprint|offer|point|blinding|key|mask|answer|cut|extended)/;
    const faults = faultsOf(scenario, 2).filter(({ name, class: kind }) => kind === 'direct' && fields.test(name));
    expect(faults.length).toBeGreaterThan(60);
    for (const fault of faults) {
      const { verdict, simulation } = commit(scenario, fault);
      const verdicts = fault.verdicts ?? [expected(fault)].flat();
      expect([fault.name, verdicts.includes(verdict)]).toEqual([fault.name, true]);
      for (const party of [1, 5]) expect(simulation.outcomes.get(party)?.type).not.toBe('done');
    }
  });
});

describe.each(both)('with %s', (_name, options) => {
  const { group, multiplication } = options;
  const formats = preparationFormats(group, multiplication);
  const field = primeField(group.order);
  const { offers, answers } = formats;
  const shares = sharesFormat(group).broadcast;
  const other = group.multiplyBase(12345n);

  it('a party that says one nonce to all and another to one is blamed, and nobody is banned', () => {
    const simulation = run(
      options,
      [5],
      at(0, 'broadcast', ({ payload }) => ({
        type: 'replace',
        payload: encode(offers.broadcast, { ...decode(offers.broadcast, payload), nonce: new Uint8Array(32) }),
      })),
    );
    for (const party of [1, 2]) {
      expect(endOf(simulation, party)).toMatchObject({ round: 'offers', bans: [], codes: ['5 two-nonces'] });
    }
  });

  it.each([
    ['commitment', { commitment: new Uint8Array(32) }],
    ['nonce', { nonce: new Uint8Array(32) }],
  ])('a party that says different things to different parties is blamed, and not banned: %s', (_field, change) => {
    // What it offers party 1 belongs to what it says to party 1, so that only the echo can tell.
    const { nonce } = change as { readonly nonce?: Uint8Array };
    const differs = cheating(multiplication, {
      offer: (material, run, randomness) => {
        const own = material.peer === 1 && nonce !== undefined ? { ...run, bobNonce: nonce } : run;
        return multiplication.offer(material, own, randomness);
      },
    });
    for (let seed = 1; seed <= (options === quick ? 10 : 2); seed++) {
      const simulation = run({ ...options, seed, differs }, [5], (move) => {
        if (move.class === 'abort') return { type: 'withhold' };
        if (move.round !== 0 || move.to !== 1) return { type: 'keep' };
        if (move.class === 'broadcast') {
          const message = { ...decode(offers.broadcast, move.payload), ...change };
          return { type: 'replace', payload: encode(offers.broadcast, message) };
        }
        const message = decode(offers.direct, move.payload);
        return { type: 'replace', payload: encode(offers.direct, { ...message, nonce: nonce ?? message.nonce }) };
      });
      const ends = [1, 2].map((party) => endOf(simulation, party));
      expect(ends.flatMap(({ bans }) => bans)).toEqual([]);
      for (const { codes } of ends) expect(codes).toEqual(['5 equivocation']);
    }
  });

  it('whoever is in another session, has another set-up or believes another digest is neither blamed nor banned', () => {
    let checks = 0;
    const counting: Multiplication = {
      ...multiplication,
      answer: (...args) => {
        checks++;
        return multiplication.answer(...args);
      },
    };
    const stale = (party: Party): Partial<EcdsaSigning> & Record<string, unknown> => {
      const pairs = new Map(options.key.pairs.get(party));
      const pair = pairs.get(5) as PairMaterial;
      pairs.set(5, { ...pair, asAlice: { ...pair.asAlice, fingerprint: new Uint8Array(32) } });
      return { pairs };
    };
    const { publicPackage } = options.key;
    const differences: ((party: Party) => object)[] = [
      (party) => (party === 5 ? { digest: new Uint8Array(32) } : {}),
      (party) => (party === 5 ? { tweak: 1n } : {}),
      (party) => (party === 5 ? { sid: new Uint8Array(32) } : {}),
      (party) => (party === 5 ? withPackage(party, { epoch: 2 }) : {}),
      (party) => (party === 5 ? withPackage(party, { transcript: new Uint8Array(32) }) : {}),
      (party) => (party === 5 ? withPackage(party, { keyId: new Uint8Array(32) }) : {}),
      (party) => (party === 5 ? { multiplication: { ...counting, id: 'another suite' } } : {}),
      (party) => (party === 1 ? stale(party) : {}),
    ];
    function withPackage(party: Party, change: object): object {
      const { share } = ecdsaInputOf(options, party);
      return { share: { ...share, publicPackage: { ...publicPackage, ...change } } };
    }
    for (const [i, differs] of differences.entries()) {
      checks = 0;
      const simulation = run({ ...options, multiplication: counting, differs }, []);
      expectNobody(simulation, signers, 'offers');
      // Party 2 and 5 have nothing stale between them; but nobody answers the party that it disagrees with.
      if (i < 7) expect(checks).toBe(0);
      expect(endOf(simulation, 1).round).toBe('offers');
    }
  });

  it('offers of an earlier session are refused by their header, without a check', () => {
    const earlier = run({ ...options, seed: 99 }, []).history.map(({ to, frame }) => ({
      to,
      envelope: decodeEnvelope(frame),
    }));
    const replay = (move: Move): Uint8Array => {
      const old = earlier.find(
        ({ to, envelope }) =>
          to === move.to && envelope.from === 5 && envelope.round === 0 && envelope.class === move.class,
      );
      return (old as { envelope: Envelope }).envelope.payload;
    };
    const simulation = run(options, [5], (move) => {
      if (move.class === 'abort') return { type: 'withhold' };
      return move.round === 0 ? { type: 'replace', payload: replay(move) } : { type: 'keep' };
    });
    expectNobody(simulation, [1, 2], 'offers');
    // Under the header of this session they are a cheat.
    const stolen = run(
      options,
      [5],
      at(0, 'direct', (move) => {
        if (move.to !== 1) return { type: 'keep' };
        const { offer } = decode(offers.direct, replay(move));
        return { type: 'replace', payload: encode(offers.direct, { ...decode(offers.direct, move.payload), offer }) };
      }),
    );
    expectBan(stolen, 1, 5, 'offers');
  });

  it('a changed offer is a cheat', () => {
    // Of u, x̃ and h_T.
    for (const place of [0, 100, 4352, 4399]) {
      const simulation = run(
        options,
        [5],
        at(0, 'direct', ({ to, payload }) => {
          if (to !== 2) return { type: 'keep' };
          const message = decode(offers.direct, payload);
          // The last byte of the ideal one's factor and of its digest, since others may not decode.
          const index = options === full ? place : 31 + (place > 0 ? 32 : 0);
          return {
            type: 'replace',
            payload: encode(offers.direct, { ...message, offer: flipped(message.offer, index) }),
          };
        }),
      );
      expectBan(simulation, 2, 5, 'offers');
    }
  });

  it('a changed answer is a cheat', () => {
    const length = answers.direct.schema.kind === 'struct' && options === full ? suiteA.answerBytes : 96;
    for (const index of [31, length - 33, length - 1]) {
      const simulation = run(
        options,
        [5],
        at(1, 'direct', ({ to, payload }) => {
          if (to !== 2) return { type: 'keep' };
          const message = decode(answers.direct, payload);
          return {
            type: 'replace',
            payload: encode(answers.direct, { ...message, answer: flipped(message.answer, index) }),
          };
        }),
      );
      expectBan(simulation, 2, 5, 'answers');
    }
  });

  it.each([
    ['another nonce', ([r, sk]: readonly [bigint, bigint]) => [field.add(r, 1n), sk] as const],
    ['the negated nonce', ([r, sk]: readonly [bigint, bigint]) => [field.reduce(-r), sk] as const],
    ['no nonce', ([, sk]: readonly [bigint, bigint]) => [0n, sk] as const],
    ['another part of the key', ([r, sk]: readonly [bigint, bigint]) => [r, field.add(sk, 1n)] as const],
    ['the two swapped', ([r, sk]: readonly [bigint, bigint]) => [sk, r] as const],
  ])('whoever multiplies %s towards one party is banned by it', (_what, change) => {
    const differs = cheating(multiplication, {
      answer: (material, run, nonce, offer, inputs, randomness) => {
        const used = material.peer === 1 ? change(inputs) : inputs;
        return multiplication.answer(material, run, nonce, offer, used, randomness);
      },
    });
    expectBan(
      run({ ...options, differs }, [5], () => ({ type: 'keep' })),
      1,
      5,
      'answers',
    );
  });

  it.each([
    ['Γᵘ', { nonceProduct: other }],
    ['Γᵛ', { keyProduct: other }],
    ['pk', { key: other }],
    ['both Γ', { nonceProduct: other, keyProduct: other }],
  ] as [string, Record<string, Point>][])('whoever changes %s towards one party is banned by it', (_what, change) => {
    const changed = at(1, 'direct', ({ to, payload }) => {
      const message = decode(answers.direct, payload);
      return to === 1
        ? { type: 'replace', payload: encode(answers.direct, { ...message, ...change }) }
        : { type: 'keep' };
    });
    expectBan(run(options, [5], changed), 1, 5, 'answers');
  });

  it('whoever swaps its Γ, or makes them cancel out, is banned', () => {
    const swapped = at(1, 'direct', ({ to, payload }) => {
      const message = decode(answers.direct, payload);
      const { nonceProduct: keyProduct, keyProduct: nonceProduct } = message;
      return to === 1
        ? { type: 'replace', payload: encode(answers.direct, { ...message, nonceProduct, keyProduct }) }
        : { type: 'keep' };
    });
    expectBan(run(options, [5], swapped), 1, 5, 'answers');
    // Errors that sum to zero pass a check without blinding factors.
    const cancelling = at(1, 'direct', ({ to, payload }) => {
      const message = decode(answers.direct, payload);
      const nonceProduct = group.add(message.nonceProduct, other);
      const keyProduct = group.add(message.keyProduct, group.negate(other));
      return to === 1
        ? { type: 'replace', payload: encode(answers.direct, { ...message, nonceProduct, keyProduct }) }
        : { type: 'keep' };
    });
    expectBan(run(options, [5], cancelling), 1, 5, 'answers');
  });

  it('a changed ψ passes every check, and gives no signature', () => {
    const changed = at(1, 'direct', ({ to, payload }) => {
      const message = decode(answers.direct, payload);
      const mask = field.add(message.mask, 1n);
      return to === 1 ? { type: 'replace', payload: encode(answers.direct, { ...message, mask }) } : { type: 'keep' };
    });
    expectNobody(run(options, [5], changed), [1, 2], 'shares');
  });

  it.each([
    ['R', { point: other }],
    ['its blinding', { blinding: new Uint8Array(32) }],
  ])('whoever shows another %s than it committed to is blamed by everybody', (_what, change) => {
    const changed = at(1, 'direct', ({ payload }) => ({
      type: 'replace',
      payload: encode(answers.direct, { ...decode(answers.direct, payload), ...change }),
    }));
    const simulation = run(options, [5], changed);
    for (const party of [1, 2]) {
      expect(endOf(simulation, party)).toMatchObject({ round: 'answers', bans: [], codes: ['5 wrong-opening'] });
    }
  });

  it('whoever copies a commitment and then its opening is blamed by everybody', () => {
    const heard = ({ history }: Move, round: number, kind: Envelope['class']): Uint8Array => {
      const envelopes = history.filter(({ from }) => from === 1).map(({ frame }) => decodeEnvelope(frame));
      return (envelopes.find((one) => one.round === round && one.class === kind) as Envelope).payload;
    };
    const copying: Adversary = (move) => {
      if (move.class === 'broadcast' && move.round === 0) {
        const { commitment } = decode(offers.broadcast, heard(move, 0, 'broadcast'));
        const message = { ...decode(offers.broadcast, move.payload), commitment };
        return { type: 'replace', payload: encode(offers.broadcast, message) };
      }
      if (move.class === 'direct' && move.round === 1) {
        const { point, blinding } = decode(answers.direct, heard(move, 1, 'direct'));
        const message = { ...decode(answers.direct, move.payload), point, blinding };
        return { type: 'replace', payload: encode(answers.direct, message) };
      }
      return { type: move.class === 'abort' ? 'withhold' : 'keep' };
    };
    const simulation = run(options, [5], copying, { rushing: true });
    for (const party of [1, 2]) {
      expect(endOf(simulation, party)).toMatchObject({ round: 'answers', bans: [], codes: ['5 wrong-opening'] });
    }
  });

  it('a part of another key, multiplied consistently, is found out, and nobody can say whose it is', () => {
    const differs = (party: Party) => {
      if (party !== 5) return {};
      const { share } = ecdsaInputOf(options, party);
      const { publicPackage } = share;
      const secret = share.secret.use(group.decodeScalar) + 1n;
      const verifyingShares = publicPackage.verifyingShares.map((own, i) =>
        publicPackage.members[i]?.party === 5 ? group.multiplyBase(secret) : own,
      );
      const changed = { ...publicPackage, verifyingShares };
      return { share: { party: 5, secret: secretScalar(secret, group.scalarBytes), publicPackage: changed } };
    };
    expectNobody(
      run({ ...options, differs }, [5], () => ({ type: 'keep' })),
      [1, 2],
      'answers',
    );
  });

  it.each(['u', 'w'] as const)('a changed %s gives no signature, and nobody can say whose it is', (part) => {
    const changed = at(2, 'broadcast', ({ payload }) => {
      const share = decode(shares, payload);
      return { type: 'replace', payload: encode(shares, { ...share, [part]: field.add(share[part], 1n) }) };
    });
    expectNobody(run(options, [5], changed), [1, 2], 'shares');
  });

  it('whoever speaks last can make a sum of shares zero, and gains nothing', () => {
    const heard = ({ history }: Move, party: Party) => {
      const envelopes = history.filter(({ from }) => from === party).map(({ frame }) => decodeEnvelope(frame));
      return decode(shares, (envelopes.find(({ round }) => round === 2) as Envelope).payload);
    };
    for (const part of ['u', 'w'] as const) {
      const cancelling = at(2, 'broadcast', (move) => {
        const cancelled = field.reduce(-(heard(move, 1)[part] + heard(move, 2)[part]));
        return { type: 'replace', payload: encode(shares, { ...decode(shares, move.payload), [part]: cancelled }) };
      });
      expectNobody(run(options, [5], cancelling, { rushing: true }), [1, 2], 'shares');
    }
  });

  it('an answer of another session is a cheat', () => {
    const earlier = run({ ...options, seed: 99 }, []).history.map(({ to, frame }) => ({
      to,
      envelope: decodeEnvelope(frame),
    }));
    const old = earlier.find(({ to, envelope }) => to === 1 && envelope.from === 5 && envelope.round === 1);
    const { answer } = decode(answers.direct, (old as { envelope: Envelope }).envelope.payload);
    const replayed = at(1, 'direct', ({ to, payload }) =>
      to === 1
        ? { type: 'replace', payload: encode(answers.direct, { ...decode(answers.direct, payload), answer }) }
        : { type: 'keep' },
    );
    expectBan(run(options, [5], replayed), 1, 5, 'answers');
  });

  it('two cheats are banned one at a time, the first by number', () => {
    const spoiled = at(0, 'direct', ({ payload }) => {
      const message = decode(offers.direct, payload);
      const index = message.offer.length - 1;
      return { type: 'replace', payload: encode(offers.direct, { ...message, offer: flipped(message.offer, index) }) };
    });
    const simulation = run(options, [2, 5], spoiled);
    expect(endOf(simulation, 1)).toMatchObject({ round: 'offers', bans: [2], codes: [] });
  });

  it('what a victim says of a ban is what anybody says who gives up', () => {
    const spoiled = (round: 0 | 1): Adversary =>
      at(round, 'direct', ({ to, payload }) => {
        if (to !== 1) return { type: 'keep' };
        if (round === 0) {
          const message = decode(offers.direct, payload);
          const offer = flipped(message.offer, message.offer.length - 1);
          return { type: 'replace', payload: encode(offers.direct, { ...message, offer }) };
        }
        return {
          type: 'replace',
          payload: encode(answers.direct, { ...decode(answers.direct, payload), keyProduct: other }),
        };
      });
    const said = [0, 1].map((round) => {
      const { history } = run(options, [5], spoiled(round as 0 | 1));
      const aborts = history
        .filter(({ from }) => from === 1)
        .map(({ frame }) => decodeEnvelope(frame))
        .filter((envelope) => envelope.class === 'abort');
      expect(aborts).toHaveLength(2);
      return aborts.map(({ payload }) => payload);
    });
    for (const payload of said.flat()) expect(payload).toEqual(new Uint8Array(2));
  });

  it('what comes of guarded rounds is written down first', () => {
    const { guards } = run(options, []);
    for (const records of guards.values()) expect(records.map(({ round }) => round)).toEqual([0, 1]);
  });
});

describe('the targeted attack on Δ', () => {
  const { multiplication } = full;
  const { offers } = preparationFormats(secp256k1, multiplication);

  const pairOf = (me: Party, peer: Party): PairMaterial => keys.secp256k1.pairs.get(me)?.get(peer) as PairMaterial;

  /** Party 5 cheats party 1 in one group, and answers as if Δ were zero there. */
  const attack = (g: number): Outcome => {
    const random = seeded(Uint8Array.of(g));
    return run(
      full,
      [5],
      at(0, 'direct', ({ to, payload }) => {
        if (to !== 1) return { type: 'keep' };
        const message = decode(offers.direct, payload);
        const leaves = pairOf(5, 1).asBob.leaves.use((bytes) => bytes.slice());
        const setting = { suite: suiteA, run: { sid: message.session, alice: 1, bob: 5, bobNonce: message.nonce } };
        const [choices, mask] = [random.bytes(suiteA.xi / 8), random.bytes(16)];
        const cheat = bobRequests(setting, { leaves }, choices, mask, { error: (group) => (group === g ? 1n : 0n) });
        return {
          type: 'replace',
          payload: encode(offers.direct, { ...message, offer: new Uint8Array(cheat.message) }),
        };
      }),
    );
  };

  it('succeeds where the guess is right, and ends in a ban everywhere else', () => {
    const { delta } = pairOf(1, 5).asAlice;
    const guesses = delta.use((bits) =>
      Array.from({ length: 12 }, (_, g) => bitOf(bits, 2 * g) | bitOf(bits, 2 * g + 1)),
    );
    expect(new Set(guesses).size).toBe(2);
    for (const [g, wrong] of guesses.entries()) {
      const simulation = attack(g);
      if (wrong === 1) expectBan(simulation, 1, 5, 'offers');
      // Party 5 has no use for the answer, as it holds nothing to what it offered; but party 1 has seen nothing.
      else expect(simulation.outcomes.get(1)?.type).toBe('waiting');
    }
  });

  it('cannot be repeated: with a banned party nothing begins', () => {
    const scenario = ecdsaSigning({ ...full, differs: (party) => (party === 1 ? { banned: new Set([5]) } : {}) });
    expect(() => simulate(scenario)).toThrow('party 5 is banned');
  });
});

describe('the targeted attack on β', () => {
  const field = primeField(secp256k1.order);

  /** Party 5 multiplies another nonce in row j towards party 1, and answers as if it knew party 1's bit there. */
  const attack = (j: number, guess: 0 | 1): Outcome => {
    const differs = cheating(real, {
      answer: (material, session, aliceNonce, offer, inputs, randomness) => {
        if (material.peer !== 1) return real.answer(material, session, aliceNonce, offer, inputs, randomness);
        const { leaves, delta, pairSid } = material.asAlice;
        const seeds = { leaves: leaves.use((bytes) => bytes.slice()), delta: delta.use((bytes) => bytes.slice()) };
        const checked = checkTransfers(engine, seeds, session, readRequest(suiteA, offer));
        if (checked === 'cheat') throw new Error('party 1 is honest');
        const setting = { suite: suiteA, run: session, aliceNonce };
        const given = {
          delta: seeds.delta,
          columns: aliceColumns(setting, seeds, offer),
          binding: checked.binding,
        };
        const gadget = gadgetOf(engine, pairSid).scalars;
        const { message, shares } = aliceAnswers(setting, given, gadget, inputs, [3n, 4n], {
          shift: (row, place) => (row === j && place === 0 ? 1n : 0n),
          claim: (row, k, theta) => (row === j && guess === 1 ? (theta[k]?.[0] as bigint) : 0n),
        });
        // If the bit is set, the product is off by the gadget's scalar, which she knows: she takes it from her share.
        const [first, second] = shares as [bigint, bigint];
        const error = guess === 1 ? (gadget[j] as bigint) : 0n;
        return { message: new Uint8Array(message), shares: [field.subtract(first, error), second] };
      },
    });
    return run({ ...full, differs }, [5], () => ({ type: 'keep' }));
  };

  it('succeeds where the guess is right, as λ_s allows for, and ends in a ban where it is wrong', () => {
    for (const j of [0, 200, 415]) {
      const [first, second] = [attack(j, 0), attack(j, 1)];
      const [right, wrong] = first.outcomes.get(1)?.type === 'done' ? [first, second] : [second, first];
      expectBan(wrong, 1, 5, 'answers');
      for (const party of [1, 2]) expect(right.outcomes.get(party)?.type).toBe('done');
    }
  });
});

describe('nonces that cancel out', () => {
  it('end the session, blaming nobody, if anybody could choose them so', () => {
    const key = dealEcdsaKey(toy, 2, [1, 5]);
    const options: EcdsaSigning = { ...quick, key, signers: [1, 5] };
    const { answers, offers } = preparationFormats(toy, ideal);
    const honest = run(options, []).history.map(({ frame }) => decodeEnvelope(frame));
    const first = honest.find(({ from, round }) => from === 1 && round === 1) as Envelope;
    const { point } = decode(answers.direct, first.payload);
    // Party 5 knows what party 1 will draw, and in the toy group its logarithm.
    const field = primeField(toy.order);
    const r = field.multiply((point as unknown as { value: bigint }).value, field.invert(7n));
    const opening = { point: toy.negate(point), blinding: new Uint8Array(32) };
    const purpose = { digest, tweak: 0n };
    const session = sessionId({ ...options, publicPackage: key.publicPackage, sid: first.sid, purpose });
    const differs = cheating(ideal, {
      answer: (material, run, nonce, offer, inputs, randomness) =>
        ideal.answer(material, run, nonce, offer, [field.reduce(-r), inputs[1]], randomness),
    });
    const simulation = run({ ...options, differs }, [5], (move) => {
      if (move.class === 'broadcast' && move.round === 0) {
        const commitment = commitTo(toy, session, 5, opening);
        return {
          type: 'replace',
          payload: encode(offers.broadcast, { ...decode(offers.broadcast, move.payload), commitment }),
        };
      }
      if (move.class === 'direct' && move.round === 1) {
        return {
          type: 'replace',
          payload: encode(answers.direct, { ...decode(answers.direct, move.payload), ...opening }),
        };
      }
      return { type: move.class === 'abort' ? 'withhold' : 'keep' };
    });
    expectNobody(simulation, [1], 'answers');
  });
});

describe('evidence', () => {
  const { answers, offers } = preparationFormats(toy, ideal);
  const scenario = ecdsaSigning(quick);
  const lie = (round: 0 | 1): Adversary =>
    at(round, 'direct', ({ payload }) => {
      if (round === 0) {
        return {
          type: 'replace',
          payload: encode(offers.direct, { ...decode(offers.direct, payload), nonce: new Uint8Array(32) }),
        };
      }
      return {
        type: 'replace',
        payload: encode(answers.direct, { ...decode(answers.direct, payload), point: toy.generator }),
      };
    });
  const framesOf = (simulation: Outcome, party: Party): readonly Uint8Array[] =>
    [0, 1].flatMap((round) =>
      (['broadcast', 'direct'] as const).flatMap(
        (kind) =>
          simulation.history.find(({ frame }) => {
            const envelope = decodeEnvelope(frame);
            return envelope.from === party && envelope.round === round && envelope.class === kind;
          })?.frame ?? [],
      ),
    );

  it('convicts who lied, by the envelopes in their places, and nobody else', () => {
    const honest = simulate(scenario);
    const { court } = honest;
    const convicts = (code: string, envelopes: readonly Uint8Array[], accused: Party): boolean =>
      judge(court, blame(accused, code, envelopes).evidence);
    const places = { 'two-nonces': 1, 'wrong-opening': 2 } as const;
    for (const [code, place] of Object.entries(places)) {
      const cheated = framesOf(run(quick, [5], lie((place - 1) as 0 | 1)), 5);
      const own = [cheated[0], cheated[place]] as [Uint8Array, Uint8Array];
      expect(convicts(code, own, 5)).toBe(true);
      expect(convicts(code, own.toReversed(), 5)).toBe(false);
      expect(convicts(code, [own[0]], 5)).toBe(false);
      expect(convicts(code, [], 5)).toBe(false);
      expect(convicts(code, own, 1)).toBe(false);
      const frames = framesOf(honest, 1);
      expect(convicts(code, [frames[0], frames[place]] as Uint8Array[], 1)).toBe(false);
      expect(convicts(code, [own[0], frames[place] as Uint8Array], 5)).toBe(false);
      expect(convicts(code, [frames[0] as Uint8Array, own[1]], 5)).toBe(false);
      // Of one place, however different.
      for (const frame of frames) expect(convicts(code, [frame, frame], 1)).toBe(false);
    }
  });

  it('is in its place and decodes', () => {
    const rules = ecdsaRules({
      ...quick,
      publicPackage: keys.toy.publicPackage,
      sid: new Uint8Array(32),
      purpose: { digest, tweak: 0n },
    });
    const frames = framesOf(simulate(scenario), 1).map(decodeEnvelope) as [Envelope, Envelope, Envelope];
    const none = new Uint8Array(0);
    // In another session than theirs the opening is wrong: what is left is the place.
    const [said, , shown] = frames;
    expect(rules['wrong-opening']([said, shown], none, 1)).toBe(true);
    for (const change of [{ round: 2 }, { from: 2 }, { class: 'abort' }, { payload: none }] as const) {
      expect(rules['wrong-opening']([{ ...said, ...change }, shown], none, 1)).toBe(false);
      expect(rules['wrong-opening']([said, { ...shown, ...change }], none, 1)).toBe(false);
    }
  });
});
