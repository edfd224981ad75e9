import { describe, expect, it } from 'vitest';
import { dealKey } from '../../../../test/support/dealt-key.ts';
import { run, signing } from '../../../../test/support/signing.ts';
import { equal } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { blame, type Party } from '../protocol.ts';
import { seeded } from '../random.ts';
import { judge } from '../session/court.ts';
import { bodyDigest, decodeEnvelope, type Envelope } from '../session/envelope.ts';
import type { Adversary, Move, Reply } from '../simulation/adversary.ts';
import { convene, type Scenario, type Simulation } from '../simulation/committee.ts';
import type { Fault, Verdict } from '../simulation/faults.ts';
import { assault } from '../simulation/verdict.ts';
import { decode, encode } from '../wire/codec.ts';
import { type Ciphersuite, ed25519Suite, taprootSuite, toySuite } from './ciphersuite.ts';
import { outputKey } from './frost.ts';
import { type CommitmentMessage, commitmentsRound, sharesRound } from './messages.ts';
import { signRules } from './rules.ts';
import { verifySignature } from './verify.ts';

const signers = [1, 2, 5] as const;
const message = new Uint8Array(32).fill(9);

function deal(suite: Ciphersuite) {
  const options = { group: suite.group, scheme: suite.scheme, threshold: 3, parties: [1, 2, 3, 5] };
  return dealKey({ ...options, seed: Uint8Array.of(3) });
}

function committee(suite: Ciphersuite, seed = 1): Scenario<Uint8Array> {
  return signing({ seed, suite, key: deal(suite), signers, message });
}

/** Why honest parties blame, each reason once. */
function codes(simulation: Simulation<Uint8Array>, corrupted: readonly Party[]): readonly string[] {
  const blames = [...simulation.outcomes].flatMap(([party, outcome]) =>
    outcome.type === 'aborted' && !corrupted.includes(party) ? outcome.abort.blames : [],
  );
  return [...new Set(blames.map(({ code }) => code))].sort();
}

/** A value that decodes and is not what the protocol would have sent makes a bad share. */
function expected({ name }: Fault): Verdict | readonly Verdict[] {
  // Whoever speaks before all others has no value of another to send.
  return name === 'with the value of another' ? ['culprit', 'harmless'] : 'culprit';
}

describe('every fault of the first, the middle and the last signer', () => {
  it.each([
    ['toy', toySuite(toy), undefined],
    ['toy Taproot', taprootSuite(toy), undefined],
    ['Ed25519', ed25519Suite(ed25519), [2]],
    ['Taproot', taprootSuite(secp256k1), [5]],
  ] as const)('%s: names its culprit and nobody else', (_name, suite, culprits) => {
    const expectations = { expected, agree: equal, ...(culprits === undefined ? {} : { culprits }) };
    const counts = assault(committee(suite), expectations);
    const faults = counts.culprit + counts.nobody + counts.harmless;
    expect(faults).toBeGreaterThan(culprits === undefined ? 250 : 90);
    expect(counts.culprit).toBeGreaterThan(faults / 2);
  });
});

const suite = toySuite(toy);
const key = deal(suite);
const commitments = commitmentsRound(suite).broadcast;
const shares = sharesRound(suite).broadcast;

/** Acts on one round's broadcast, and keeps quiet about what the corrupted party itself finds out. */
function at(round: number, act: (move: Move) => Reply): Adversary {
  return (move) => {
    if (move.class === 'abort') return { type: 'withhold' };
    return move.class === 'broadcast' && move.round === round ? act(move) : { type: 'keep' };
  };
}

function attack(corrupted: readonly Party[], adversary: Adversary, seed = 1): Simulation<Uint8Array> {
  return run({ ...committee(suite, seed), corrupted: new Set(corrupted), adversary });
}

const spoilShare = at(1, ({ payload }) => ({
  type: 'replace',
  payload: encode(shares, (decode(shares, payload) + 1n) % toy.order),
}));

/** What `party` committed to, as everybody has heard. */
function heard({ history }: Move, party: Party): CommitmentMessage | undefined {
  const frame = history.find(({ from }) => from === party)?.frame;
  return frame === undefined ? undefined : decode(commitments, decodeEnvelope(frame).payload);
}

describe('signers that cheat', () => {
  it('all are named, each with evidence', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { outcomes } = attack([1, 5], spoilShare, seed);
      const outcome = outcomes.get(2);
      if (outcome?.type !== 'aborted') throw new Error('no abort');
      expect(outcome.abort.culprits).toEqual([1, 5]);
      expect(outcome.abort.blames.map(({ code }) => code)).toEqual(['bad-share', 'bad-share']);
    }
  });

  it('gain nothing when their faults cancel out', () => {
    const simulation = attack(
      [1, 5],
      at(1, ({ from, payload }) => {
        const share = decode(shares, payload) + (from === 1 ? 1n : toy.order - 1n);
        return { type: 'replace', payload: encode(shares, share % toy.order) };
      }),
    );
    const outcome = simulation.outcomes.get(2);
    if (outcome?.type !== 'done') throw new Error('not signed');
    expect(verifySignature(suite, outputKey(suite, key.publicPackage), message, outcome.result)).toBe(true);
  });

  it('are named for showing different commitments, and no honest signer is', () => {
    const bent = (payload: Uint8Array): Uint8Array => {
      const { hiding, binding } = decode(commitments, payload);
      return encode(commitments, { hiding: toy.add(hiding, toy.generator), binding });
    };
    const split = at(0, ({ to, payload }) =>
      to === 1 ? { type: 'replace', payload: bent(payload) } : { type: 'keep' },
    );
    const twice = at(0, ({ seal, payload }) => ({
      type: 'frames',
      frames: [seal({}), seal({ payload: bent(payload) })],
    }));
    for (let seed = 1; seed <= 20; seed++) {
      expect(codes(attack([2], split, seed), [2])).toEqual(['equivocation']);
      const codesOfTwice = codes(attack([2], twice, seed), [2]);
      expect([[], ['equivocation']]).toContainEqual(codesOfTwice);
    }
  });

  it('are named for bad shares when they copy commitments, or repeat one of their own', () => {
    const replaced = (change: (move: Move, own: CommitmentMessage) => CommitmentMessage): Adversary =>
      at(0, (move) => ({
        type: 'replace',
        payload: encode(commitments, change(move, decode(commitments, move.payload))),
      }));
    const tricks = [
      replaced((_move, { hiding }) => ({ hiding, binding: hiding })),
      replaced((move, own) => heard(move, 1) ?? own),
      replaced((move, own) => ({ ...own, binding: heard(move, 1)?.hiding ?? own.binding })),
    ];
    for (const adversary of tricks) {
      const simulation = run({ ...committee(suite), rushing: true, corrupted: new Set([5]), adversary });
      expect(codes(simulation, [5])).toEqual(['bad-share']);
    }
  });

  it('end the session, blaming nobody, if they could make the commitments cancel out', () => {
    // Only without binding factors can anybody do that.
    const flat: Ciphersuite = { ...suite, h1: () => 1n };
    const cancel = at(0, (move) => {
      const { binding } = decode(commitments, move.payload);
      const others = [1, 2].flatMap((party) => {
        const theirs = heard(move, party) as CommitmentMessage;
        return [theirs.hiding, theirs.binding];
      });
      const sum = [...others, binding].reduce((a: Point, b: Point) => toy.add(a, b));
      return { type: 'replace', payload: encode(commitments, { hiding: toy.negate(sum), binding }) };
    });
    const scenario = { ...committee(flat), rushing: true, corrupted: new Set([5]), adversary: cancel };
    for (const party of [1, 2]) {
      const outcome = run(scenario).outcomes.get(party);
      if (outcome?.type !== 'aborted') throw new Error('no abort');
      expect(outcome.abort.blames).toEqual([]);
      expect(outcome.abort.round).toBe('commitments');
    }
  });

  it('delay a signature by as many attempts as there are cheats, at most', () => {
    const cheats = new Set([1, 4]);
    const wide = dealKey({
      group: toy,
      scheme: 'ed25519',
      threshold: 3,
      parties: [1, 2, 3, 4, 5],
      seed: Uint8Array.of(8),
    });
    for (let seed = 1; seed <= 20; seed++) {
      const banned = new Set<Party>();
      const random = seeded(Uint8Array.of(seed));
      let attempts = 0;
      for (let signed = false; !signed; attempts++) {
        const able = [1, 2, 3, 4, 5].filter((party) => !banned.has(party));
        while (able.length > 3) able.splice((random.bytes(1)[0] as number) % able.length, 1);
        const scenario = signing({ seed: seed * 10 + attempts, suite, key: wide, signers: able, message });
        const corrupted = new Set(able.filter((party) => cheats.has(party)));
        const { outcomes } = run({ ...scenario, corrupted, adversary: spoilShare });
        signed = [...outcomes].every(([party, { type }]) => corrupted.has(party) || type === 'done');
        for (const outcome of outcomes.values()) {
          if (outcome.type === 'aborted') for (const party of outcome.abort.culprits) banned.add(party);
        }
      }
      expect(attempts).toBeLessThanOrEqual(cheats.size + 1);
      expect([...banned].every((party) => cheats.has(party))).toBe(true);
    }
  });
});

describe('evidence of a bad share', () => {
  const scenario = committee(suite);
  const { court } = convene(scenario);
  const honest = run(scenario).history.map(({ frame }) => frame);
  const cheated = attack([5], spoilShare).history.map(({ frame }) => frame);
  /** Frames by sender and round, each once. */
  const frame = (history: readonly Uint8Array[], party: Party, round: number): Uint8Array =>
    history.find((one) => {
      const { from, round: at, class: kind } = decodeEnvelope(one);
      return from === party && at === round && kind === 'broadcast';
    }) as Uint8Array;
  const exhibits = (history: readonly Uint8Array[], accused: Party): Uint8Array[] => [
    ...signers.map((party) => frame(history, party, 0)),
    frame(history, accused, 1),
  ];
  const convicts = (envelopes: readonly Uint8Array[], accused: Party): boolean =>
    judge(court, blame(accused, 'bad-share', envelopes).evidence);

  it('convicts who sent it, and nobody whose share is good', () => {
    expect(convicts(exhibits(cheated, 5), 5)).toBe(true);
    for (const party of [1, 2]) expect(convicts(exhibits(cheated, party), party)).toBe(false);
    for (const party of signers) expect(convicts(exhibits(honest, party), party)).toBe(false);
  });

  it('is worth nothing with other commitments than those the accused signed over', () => {
    // The cheat signs another commitment after the fact: its victims' shares do not fit it.
    const sealed = (round: number, payload: Uint8Array): Uint8Array => {
      let out = new Uint8Array(0) as Uint8Array;
      run({
        ...scenario,
        corrupted: new Set([5]),
        adversary: at(round, ({ seal }) => {
          out = seal({ payload });
          return { type: 'keep' };
        }),
      });
      return out;
    };
    const other = sealed(0, encode(commitments, { hiding: toy.generator, binding: toy.generator }));
    for (const party of [1, 2]) {
      const list = exhibits(honest, party);
      expect(convicts(list.with(2, other), party)).toBe(false);
      expect(convicts([...list.slice(0, 3).reverse(), list[3] as Uint8Array], party)).toBe(false);
      expect(convicts(list.toSpliced(0, 1), party)).toBe(false);
      expect(convicts(list.toSpliced(2, 1), party)).toBe(false);
      expect(convicts(list.with(0, list[1] as Uint8Array), party)).toBe(false);
      expect(convicts(list.with(3, frame(honest, 5, 1)), party)).toBe(false);
      expect(convicts(list.with(3, frame(honest, party, 0)), party)).toBe(false);
      expect(convicts([], party)).toBe(false);
    }
  });

  it('does not convict whose commitments somebody copied', () => {
    const copy = at(0, (move) => {
      const theirs = heard(move, 1);
      return theirs === undefined ? { type: 'keep' } : { type: 'replace', payload: encode(commitments, theirs) };
    });
    const { history } = run({ ...scenario, rushing: true, corrupted: new Set([5]), adversary: copy });
    const frames = history.map((sent) => sent.frame);
    expect(convicts(exhibits(frames, 5), 5)).toBe(true);
    // The echo's digests of the two are the same, so only the order says whose is whose.
    const [first, second, third, share] = exhibits(frames, 1) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    expect(convicts([third, second, first, share], 1)).toBe(false);
    expect(convicts([first, second, first, share], 1)).toBe(false);
  });

  it('is in its place and in its format', () => {
    const rule = signRules(suite, key.publicPackage, message)['bad-share'];
    const good = exhibits(cheated, 5).map(decodeEnvelope) as [Envelope, Envelope, Envelope, Envelope];
    const convicts = (changed: readonly Envelope[]): boolean => rule(changed, new Uint8Array(0), 5);
    const [first, second, third, share] = good;
    expect(convicts(good)).toBe(true);
    for (const change of [{ round: 2 }, { round: 0 }, { class: 'direct' }, { class: 'abort' }] as const) {
      expect(convicts([first, second, third, { ...share, ...change }])).toBe(false);
      expect(
        convicts([{ ...first, ...change, ...(change.round === 0 ? { round: 1 } : {}) }, second, third, share]),
      ).toBe(false);
    }
    const nonsense = new Uint8Array(3);
    expect(convicts([first, second, third, { ...share, payload: nonsense }])).toBe(false);
    const echo = share.echo.map((entry, i) => (i === 0 ? { ...entry, digest: bodyDigest([], nonsense) } : entry));
    expect(convicts([{ ...first, payload: nonsense }, second, third, { ...share, echo }])).toBe(false);
  });

  it('is worth nothing about another message or another key', () => {
    const judged = (rules: ReturnType<typeof signRules>, accused: Party): boolean =>
      judge({ ...court, rules }, blame(accused, 'bad-share', exhibits(honest, accused)).evidence);
    // These courts would convict the honest: rules are made from what the session was started for, by each for itself.
    expect(judged(signRules(suite, key.publicPackage, new Uint8Array(0)), 1)).toBe(true);
    const { members, verifyingShares } = key.publicPackage;
    const without = { ...key.publicPackage, members: members.slice(1), verifyingShares: verifyingShares.slice(1) };
    expect(judged(signRules(suite, without, message), 1)).toBe(false);
  });
});
