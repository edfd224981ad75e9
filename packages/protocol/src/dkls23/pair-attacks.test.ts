import { type Adversary, convene, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import {
  fewTransfers,
  type PairSetup,
  type PairSetupOptions,
  pairParametersOf,
  pairSetting,
  receiveScalarOf,
} from '../../../../test/support/pair-setup.ts';
import { concat } from '../bytes.ts';
import type { Point } from '../groups/group.ts';
import { toy } from '../groups/toy.ts';
import { pureAead } from '../primitives/aead.ts';
import type { NodeKey } from '../primitives/signatures.ts';
import { openSealed, reveal as revealSealed, type Sealed, sealTo } from '../proofs/encryption.ts';
import type { Evidence, Party } from '../protocol.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { judge } from '../session/court.ts';
import { bodyDigest, decodeEnvelope, type Envelope, sealEnvelope } from '../session/envelope.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { type Codec, decode, encode } from '../wire/codec.ts';
import { baseOtSetId, chooseBaseOt, completeBaseOt, offerBaseOt, type SenderSet } from './base-ot.ts';
import { bitOf } from './bits.ts';
import { pureEcdh } from './ecdh.ts';
import { type Offers, type Points, pairSetupFormats } from './messages.ts';
import { baseOtContext, treesContext } from './pair-context.ts';
import { baseOts } from './pprf.ts';
import { type TreeOpening, type TreesOpening, treesOpeningCodec } from './rules.ts';
import { suiteA } from './suite.ts';

const few = fewTransfers(suiteA, 8);
const options: PairSetupOptions = { seed: 1, group: toy, suite: few, parties: [1, 2, 3] };
const cheat: Party = 2;
const victim: Party = 1;
const honest: readonly Party[] = [1, 3];
const parameters = pairParametersOf(options);
const formats = pairSetupFormats(toy, few, 3);
const openingCodec = treesOpeningCodec(toy, few);
/** Where the other parties stand in what each of them says. */
const at = { victimOfCheat: 0, cheatOfVictim: 0, thirdOfCheat: 1 } as const;

function run(adversary: Adversary | undefined, of = options, rushing = false): Simulation<PairSetup> {
  const corrupted = new Set([cheat]);
  const simulation = simulate({ ...pairSetting(of), corrupted, adversary, rushing });
  soundness(simulation, corrupted);
  return simulation;
}

function expectBlame(simulation: Simulation<PairSetup>, code: string): Evidence {
  for (const party of honest) {
    expect(simulation.outcomes.get(party)).toMatchObject({ type: 'aborted', abort: { culprits: [cheat] } });
  }
  const outcome = simulation.outcomes.get(victim);
  const blames = outcome?.type === 'aborted' ? outcome.abort.blames : [];
  const found = blames.find((one) => one.code === code);
  expect(blames.map((one) => one.code)).toContain(code);
  return (found as (typeof blames)[number]).evidence;
}

function expectSuccess(simulation: Simulation<PairSetup>): void {
  for (const party of honest) expect(simulation.outcomes.get(party)).toMatchObject({ type: 'done' });
}

/** Changes what the cheat says in one message; `to` is who hears it. */
function lie<T>(
  codec: Codec<T>,
  label: string,
  kind: 'broadcast' | 'direct',
  change: (honest: T, to: Party, history: readonly Envelope[]) => T,
): Adversary {
  return ({ label: round, class: place, payload, to, history }) => {
    if (round !== label || place !== kind) return { type: 'keep' };
    const sent = history.map(({ frame }) => decodeEnvelope(frame));
    return { type: 'replace', payload: encode(codec, change(decode(codec, payload), to, sent)) };
  };
}

function both(...adversaries: readonly Adversary[]): Adversary {
  return (move) => adversaries.map((one) => one(move)).find(({ type }) => type !== 'keep') ?? { type: 'keep' };
}

/** The cheat's trees for the victim with other bytes in the seal. */
function resealed(change: (plaintext: Uint8Array) => Uint8Array): Adversary {
  return lie(formats.trees.direct, 'trees', 'direct', (said, to) => {
    if (to !== victim) return said;
    const context = treesContext(parameters, { alice: victim, bob: cheat });
    const opened = openSealed(toy, pureAead, context, receiveScalarOf(options, victim), said.sealed) as Uint8Array;
    const key = parameters.receiveKeys.get(victim) as Point;
    return { sealed: sealTo(toy, pureAead, context, key, change(opened), seeded(Uint8Array.of(1))) };
  });
}

const flip = (offset: number) => (bytes: Uint8Array) => bytes.with(offset, (bytes[offset] as number) ^ 1);

/** Δ of the victim towards the cheat, if all were honest: the same in every run. */
function delta(): Uint8Array {
  const outcome = simulate(pairSetting(options)).outcomes.get(victim);
  if (outcome?.type !== 'done') throw new Error('honest runs succeed');
  return (outcome.result.get(cheat) as { asAlice: { delta: Secret } }).asAlice.delta.use((bytes) => bytes.slice());
}

/** What the victim, as Bob, offers the cheat: the same in every run. */
function keyOfVictim(): Point {
  const frames = simulate(pairSetting(options)).history.map(({ frame }) => frame);
  const first = frames.find((frame) => {
    const { from, round } = decodeEnvelope(frame);
    return from === victim && round === 0;
  });
  return decodeOffers(first as Uint8Array).offers[at.cheatOfVictim]?.key as Point;
}

describe('a Bob whose trees do not fit', () => {
  const groups = [0, 1, 2, 3];

  it.each(groups)('is convicted for another sum or digest, group %i', (g) => {
    for (const offset of [32, 63, 64, 95]) expectBlame(run(resealed(flip(96 * g + offset))), 'bad-trees');
  });

  it('is convicted for a changed τ if the victim needed it, and else hurts himself only', () => {
    const secret = delta();
    const convicted = groups.flatMap((g) =>
      [0, 1].map((x) => {
        // Bit 0 of Δ_g is the complement of the choice that τ_x serves.
        const needed = bitOf(secret, 2 * g) !== x;
        const simulation = run(resealed(flip(96 * g + 16 * x)));
        if (needed) expectBlame(simulation, 'bad-trees');
        else expectSuccess(simulation);
        return needed;
      }),
    );
    expect(convicted.filter(Boolean)).toHaveLength(4);
  });

  it('may send any part of the zero seed', () => {
    expectSuccess(run(resealed(flip(4 * 96))));
  });

  it('is convicted for a seal that does not open, or that he did not prove to know', () => {
    const changes: readonly ((sealed: Sealed) => Sealed)[] = [
      (sealed) => ({ ...sealed, ciphertext: flip(3)(sealed.ciphertext) }),
      (sealed) => ({ ...sealed, proof: { ...sealed.proof, response: 5n } }),
    ];
    for (const change of changes) {
      const adversary = lie(formats.trees.direct, 'trees', 'direct', (said, to) =>
        to === victim ? { sealed: change(said.sealed) } : said,
      );
      expectBlame(run(adversary), 'bad-trees');
    }
  });

  it.each([
    ['of nobody he knows', () => toy.multiplyBase(7n)],
    ['of the other direction, which the victim made', () => keyOfVictim()],
  ] as const)('is convicted for a base key whose secret he does not know: one %s', (_, key) => {
    let calls = 0;
    // The first is the receive key; then comes a key for each Alice, the victim first.
    const multiplyBase = (scalar: bigint): Point => (++calls === 2 ? key() : toy.multiplyBase(scalar));
    const differs = (party: Party) => (party === cheat ? { group: { ...toy, multiplyBase } } : {});
    expectBlame(run(undefined, { ...options, differs }), 'bad-trees');
  });

  it('is convicted for a stocked set that he no longer has', () => {
    const { asAlice, id } = stocked(victim, cheat);
    const keys = new Secret(new Uint8Array(32 * baseOts(few)));
    const differs = (party: Party) =>
      party === victim
        ? { stock: new Map([[cheat, { asAlice: asAlice() }]]) }
        : party === cheat
          ? { stock: new Map([[victim, { asBob: { id, keys } }]]) }
          : {};
    const evidence = expectBlame(run(undefined, { ...options, differs }), 'bad-trees');
    const tree = decode(openingCodec, evidence.opening).tree.value as TreeOpening;
    expect(tree.session).toEqual(new Uint8Array(32).fill(5));
  });
});

/** A set made ahead. */
function stocked(alice: Party, bob: Party) {
  const setting = { group: toy, ecdh: pureEcdh(toy), count: baseOts(few) };
  const context = baseOtContext(parameters, { alice, bob }, new Uint8Array(32).fill(5));
  const key = offerBaseOt(toy, seeded(Uint8Array.of(5)));
  const asAlice = () => chooseBaseOt(setting, context, key.point, seeded(Uint8Array.of(6)));
  const { exchange, id } = asAlice();
  const asBob = () => completeBaseOt(setting, context, key, exchange.points) as SenderSet;
  return { asAlice, asBob, id };
}

describe('an Alice whose points are not what she announced', () => {
  const other = (points: Uint8Array): Uint8Array => concat(toy.encodePoint(toy.multiplyBase(3n)), points.slice(32));
  const fresh = (change: (points: Uint8Array) => Uint8Array) =>
    lie<Points>(formats.points.direct, 'points', 'direct', (said, to) =>
      to === victim ? { type: 'fresh', value: change(said.value) } : said,
    );
  /** The cheat's announcement to the victim made to fit what she sends. */
  const announcing = (change: (points: Uint8Array) => Uint8Array) => {
    let points: Uint8Array = new Uint8Array(0);
    const sets = lie(formats.points.broadcast, 'points', 'broadcast', (said, _to, history) => {
      const theirs = history.find(({ from, round }) => from === victim && round === 0)?.payload as Uint8Array;
      const key = decode(formats.offers.broadcast, theirs).offers[at.cheatOfVictim]?.key as Point;
      const context = baseOtContext(parameters, { alice: cheat, bob: victim }, parameters.sid);
      const set = baseOtSetId(toy, context, { session: parameters.sid, key, points });
      return { sets: said.sets.map((one, i) => (i === at.victimOfCheat ? set : one)) };
    });
    // What she would send follows from the seed, so it is known before the announcement.
    run((move) => {
      if (move.label === 'points' && move.class === 'direct' && move.to === victim) {
        points = change(decode(formats.points.direct, move.payload).value);
      }
      return { type: 'keep' };
    });
    return both(
      sets,
      fresh(() => points),
    );
  };

  it('is convicted', () => {
    expectBlame(run(fresh(other)), 'wrong-points');
  });

  it('is convicted for announcing something else', () => {
    const announced = lie(formats.points.broadcast, 'points', 'broadcast', ({ sets }) => ({ sets: sets.map(flip(0)) }));
    expectBlame(run(announced), 'wrong-points');
  });

  it('is convicted for a stocked set that nobody offered', () => {
    const none = lie<Points>(formats.points.direct, 'points', 'direct', () => ({
      type: 'stocked',
      value: new Uint8Array(0),
    }));
    expectBlame(run(none), 'wrong-points');
    const zero = lie(formats.points.broadcast, 'points', 'broadcast', ({ sets }) => ({
      sets: sets.map(() => new Uint8Array(32)),
    }));
    expectBlame(run(both(none, zero)), 'wrong-points');
  });

  it('is convicted for fresh points under the id of a stocked set', () => {
    const set = stocked(cheat, victim);
    const agreed = {
      ...options,
      differs: (party: Party) =>
        party === cheat
          ? { stock: new Map([[victim, { asAlice: set.asAlice() }]]) }
          : party === victim
            ? { stock: new Map([[cheat, { asBob: set.asBob() }]]) }
            : {},
    };
    expectSuccess(run(undefined, agreed));
    const points = fresh(() => set.asAlice().exchange.points);
    expectBlame(run(points, agreed), 'wrong-points');
    const unannounced = lie(formats.points.broadcast, 'points', 'broadcast', ({ sets }) => ({
      // To the victim only: the third would convict her for its own.
      sets: sets.map((one, i) => (i === at.victimOfCheat ? flip(0)(one) : one)),
    }));
    expectBlame(run(unannounced, agreed), 'wrong-points');
  });

  it('is convicted for a point that cancels its hash, and so makes a key that all know', () => {
    const context = baseOtContext(parameters, { alice: cheat, bob: victim }, parameters.sid);
    const sid = hash(tags.baseOtSession, context.session, context.alice, context.bob);
    const cancelling = (points: Uint8Array): Uint8Array => {
      const hidden = toy.hashToGroup(tags.baseOtPoint, concat(sid, Uint8Array.of(0, 0), points.slice(32, 64)));
      return concat(toy.encodePoint(toy.negate(hidden)), points.slice(32));
    };
    const evidence = expectBlame(run(announcing(cancelling)), 'wrong-points');
    expect(evidence.opening).toEqual(Uint8Array.of(0, 0));
    const { court } = convene(pairSetting(options));
    for (const opening of [Uint8Array.of(0, 1), Uint8Array.of(0, 8), Uint8Array.of(255, 255), new Uint8Array(0)]) {
      expect(judge(court, { ...evidence, opening })).toBe(false);
    }
  });

  it('is convicted for what is no point, though she announced it', () => {
    const identity = (points: Uint8Array): Uint8Array => concat(new Uint8Array(32), points.slice(32));
    expectBlame(run(announcing(identity)), 'malformed');
  });

  it('keeps no key of swapped points, and convicts herself when she complains', () => {
    const swapped = (points: Uint8Array): Uint8Array =>
      concat(
        ...Array.from({ length: 8 }, (_, i) =>
          [1, 0].map((x) => points.slice(32 * (2 * i + x), 32 * (2 * i + x + 1))),
        ).flat(),
      );
    expectBlame(run(announcing(swapped)), 'false-accusation');
  });
});

/** The same evidence with one exhibit signed once more by who signed it, as if said elsewhere. */
function misplaced(evidence: Evidence, keys: ReadonlyMap<Party, NodeKey>): readonly Evidence[] {
  return evidence.envelopes.flatMap((frame, i) => {
    const envelope = decodeEnvelope(frame);
    const { from, echo, payload } = envelope;
    const other =
      envelope.class === 'direct'
        ? ({ class: 'broadcast', to: 0 } as const)
        : ({ class: 'direct', to: from === 1 ? 2 : 1 } as const);
    return [{ round: envelope.round + 1 }, other].map((slot) => {
      const moved = sealEnvelope({ ...envelope, ...slot }, echo, payload, keys.get(from) as NodeKey).frame;
      return { ...evidence, envelopes: evidence.envelopes.with(i, moved) };
    });
  });
}

describe('evidence of bad trees', () => {
  const guilty = run(resealed(flip(32)));
  const evidence = expectBlame(guilty, 'bad-trees');
  const { court, keys } = convene(pairSetting(options));
  const opening = decode(openingCodec, evidence.opening);
  const tree = opening.tree.value as TreeOpening;
  const open = (changed: Partial<TreesOpening>): Evidence => ({
    ...evidence,
    opening: encode(openingCodec, { ...opening, ...changed }),
  });
  const openTree = (changed: Partial<TreeOpening>): Evidence =>
    open({ tree: { type: 'group', value: { ...tree, ...changed } } });
  const sent = (from: Party, round: number, kind: string, to?: Party, of = guilty): Uint8Array =>
    of.history
      .map(({ frame }) => frame)
      .find((frame) => {
        const envelope = decodeEnvelope(frame);
        return (
          envelope.from === from &&
          envelope.round === round &&
          envelope.class === kind &&
          (to ?? envelope.to) === envelope.to
        );
      }) as Uint8Array;
  const [transfer, second] = tree.transfers as [TreeOpening['transfers'][number], TreeOpening['transfers'][number]];

  const unproven: readonly [string, () => Evidence][] = [
    ['against somebody else', () => ({ ...evidence, accused: 3 })],
    ['without the seal', () => open({ seal: { type: 'none', value: new Uint8Array(0) } })],
    ['without the tree', () => open({ tree: { type: 'none', value: new Uint8Array(0) } })],
    ['without either', () => ({ ...evidence, opening: new Uint8Array(0) })],
    ['of a group that fits', () => openTree({ group: 1 })],
    ['of a group that does not exist', () => openTree({ group: 4 })],
    ['with the other choice', () => openTree({ transfers: [{ ...transfer, choice: 1 - transfer.choice }, second] })],
    ['with no choice at all', () => openTree({ transfers: [{ ...transfer, choice: 2 }, second] })],
    ['with another scalar', () => openTree({ transfers: [{ ...transfer, scalar: transfer.scalar + 1n }, second] })],
    ['with the transfers swapped', () => openTree({ transfers: [second, transfer] })],
    ['of a set of another session', () => openTree({ session: new Uint8Array(32) })],
    ['of a set with another key', () => openTree({ key: toy.generator })],
    ['with the exhibits swapped', () => ({ ...evidence, envelopes: [...evidence.envelopes].reverse() })],
    ['without the announcement', () => ({ ...evidence, envelopes: evidence.envelopes.slice(1) })],
    ['without the trees', () => ({ ...evidence, envelopes: evidence.envelopes.slice(0, 1) })],
    [
      'with the announcement of another',
      () => ({ ...evidence, envelopes: [sent(3, 1, 'broadcast'), evidence.envelopes[1] as Uint8Array] }),
    ],
    [
      'with trees for another',
      () => ({ ...evidence, envelopes: [evidence.envelopes[0] as Uint8Array, sent(cheat, 2, 'direct', 3)] }),
    ],
  ];

  it('convinces anybody', () => {
    expect(judge(court, evidence)).toBe(true);
    expect(tree.group).toBe(0);
  });

  it('proves nothing with an exhibit of another round or class', () => {
    for (const moved of misplaced(evidence, keys)) expect(judge(court, moved)).toBe(false);
  });

  it.each(unproven)('proves nothing %s', (_, distorted) => {
    expect(judge(court, distorted())).toBe(false);
  });

  it('is not to be had against an honest Bob: not with what Alice knew, nor with a set that she announces afterwards', () => {
    const innocent = simulate(pairSetting(options));
    const frames = [sent(victim, 1, 'broadcast', undefined, innocent), sent(cheat, 2, 'direct', victim, innocent)];
    expect(judge(court, { ...evidence, envelopes: frames })).toBe(false);

    // The victim is the liar here: it signs a second announcement, of a set to which the trees do not fit.
    const key = (
      decodeOffers(sent(cheat, 0, 'broadcast', undefined, innocent)).offers[at.victimOfCheat] as { key: Point }
    ).key;
    const context = baseOtContext(parameters, { alice: victim, bob: cheat }, parameters.sid);
    const setting = { group: toy, ecdh: pureEcdh(toy), count: baseOts(few) };
    const made = chooseBaseOt(setting, context, key, seeded(Uint8Array.of(77)));
    const transfers = [0, 1].map((i) => ({
      choice: made.choices.use((bits) => bitOf(bits, i)),
      scalar: made.scalars.use((bytes) => toy.decodeScalar(bytes.slice(32 * i, 32 * i + 32))),
    }));
    const announced = decodeEnvelope(frames[0] as Uint8Array);
    const { sets } = decode(formats.points.broadcast, announced.payload);
    const payload = encode(formats.points.broadcast, {
      sets: sets.map((one, i) => (i === at.cheatOfVictim ? made.id : one)),
    });
    const { frame } = sealEnvelope(announced, announced.echo, payload, keys.get(victim) as NodeKey);
    const forged = {
      seal: honestSeal(innocent),
      tree: { type: 'group', value: { ...made.exchange, group: 0, transfers } },
    } as const;
    const accusation = {
      ...evidence,
      envelopes: [frame, frames[1] as Uint8Array],
      opening: encode(openingCodec, forged),
    };
    expect(judge(court, accusation)).toBe(false);
    // Had Bob echoed that announcement, it would be proof: what protects him is what he echoed.
    const answer = decodeEnvelope(frames[1] as Uint8Array);
    const entry = { digest: bodyDigest(announced.echo, payload), signature: decodeEnvelope(frame).signature };
    const echo = answer.echo.map((one, i) => (i === 0 ? entry : one));
    const echoing = sealEnvelope(answer, echo, answer.payload, keys.get(cheat) as NodeKey).frame;
    expect(judge(court, { ...accusation, envelopes: [frame, echoing] })).toBe(true);
  });

  function honestSeal(of: Simulation<PairSetup>): TreesOpening['seal'] {
    const { sealed } = decode(formats.trees.direct, decodeEnvelope(sent(cheat, 2, 'direct', victim, of)).payload);
    const context = treesContext(parameters, { alice: victim, bob: cheat });
    const receiveKey = parameters.receiveKeys.get(victim) as Point;
    const shown = revealSealed(
      toy,
      context,
      receiveScalarOf(options, victim),
      receiveKey,
      sealed,
      seeded(Uint8Array.of(3)),
    );
    return { type: 'opening', value: shown as NonNullable<typeof shown> };
  }
});

function decodeOffers(frame: Uint8Array): Offers {
  return decode(formats.offers.broadcast, decodeEnvelope(frame).payload);
}

describe('evidence of wrong points', () => {
  const guilty = run(
    lie<Points>(formats.points.direct, 'points', 'direct', (said, to) =>
      to === victim ? { type: 'stocked', value: new Uint8Array(0) } : said,
    ),
  );
  const evidence = expectBlame(guilty, 'wrong-points');
  const { court, keys } = convene(pairSetting(options));
  const exhibits = evidence.envelopes;
  const instead = (place: number, frame: Uint8Array): Evidence => ({
    ...evidence,
    envelopes: exhibits.with(place, frame),
  });
  const find = (from: Party, round: number, kind: string, to: Party): Uint8Array =>
    guilty.history
      .map(({ frame }) => frame)
      .find((frame) => {
        const envelope = decodeEnvelope(frame);
        return envelope.from === from && envelope.round === round && envelope.class === kind && envelope.to === to;
      }) as Uint8Array;

  it('convinces anybody', () => {
    expect(judge(court, evidence)).toBe(true);
  });

  it('proves nothing with an exhibit of another round or class', () => {
    for (const moved of misplaced(evidence, keys)) expect(judge(court, moved)).toBe(false);
  });

  it('proves nothing against another, incomplete, in another order, or with what was said to another', () => {
    expect(judge(court, { ...evidence, accused: 3 })).toBe(false);
    for (let i = 0; i < 4; i++) {
      expect(judge(court, { ...evidence, envelopes: exhibits.filter((_, j) => j !== i) })).toBe(false);
    }
    expect(judge(court, { ...evidence, envelopes: [...exhibits].reverse() })).toBe(false);
    expect(judge(court, instead(3, find(cheat, 1, 'direct', 3)))).toBe(false);
    expect(judge(court, instead(0, find(3, 0, 'broadcast', 0)))).toBe(false);
  });

  it('is not to be had against an honest Alice who uses a set made ahead, whatever transfer is shown', () => {
    const { asAlice, asBob } = stocked(cheat, victim);
    const differs = (party: Party) =>
      party === cheat
        ? { stock: new Map([[victim, { asAlice: asAlice() }]]) }
        : party === victim
          ? { stock: new Map([[cheat, { asBob: asBob() }]]) }
          : {};
    const innocent = run(undefined, { ...options, differs });
    expectSuccess(innocent);
    const places = [
      [victim, 0, 'broadcast', 0],
      [cheat, 0, 'broadcast', 0],
      [cheat, 1, 'broadcast', 0],
      [cheat, 1, 'direct', victim],
    ] as const;
    const envelopes = places.map(([from, round, kind, to]) => {
      const said = innocent.history.map((one) => ({ ...decodeEnvelope(one.frame), frame: one.frame }));
      return said.find((one) => one.from === from && one.round === round && one.class === kind && one.to === to)?.frame;
    }) as Uint8Array[];
    for (const opening of [new Uint8Array(0), Uint8Array.of(0, 0), Uint8Array.of(0, 7)]) {
      expect(judge(court, { ...evidence, envelopes, opening })).toBe(false);
    }
  });

  it('is not to be had against an honest Alice by a Bob who shows other offers than he made', () => {
    const innocent = simulate(pairSetting(options));
    const frame = (from: Party, round: number, kind: string, to: Party): Uint8Array =>
      innocent.history
        .map((one) => one.frame)
        .find((one) => {
          const envelope = decodeEnvelope(one);
          return envelope.from === from && envelope.round === round && envelope.class === kind && envelope.to === to;
        }) as Uint8Array;
    const said = [
      frame(victim, 0, 'broadcast', 0),
      frame(cheat, 0, 'broadcast', 0),
      frame(cheat, 1, 'broadcast', 0),
      frame(cheat, 1, 'direct', victim),
    ] as const;
    expect(judge(court, { ...evidence, envelopes: said })).toBe(false);
    const offers = decodeEnvelope(said[0]);
    const changed = decodeOffers(said[0]).offers.map((offer) => ({ ...offer, key: toy.generator }));
    const payload = encode(formats.offers.broadcast, { offers: changed });
    const forged = sealEnvelope(offers, offers.echo, payload, keys.get(victim) as NodeKey).frame;
    expect(judge(court, { ...evidence, envelopes: [forged, ...said.slice(1)] })).toBe(false);
  });
});
