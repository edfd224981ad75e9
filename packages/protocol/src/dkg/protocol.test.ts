import { simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it, vi } from 'vitest';
import { forgedDealer } from '../../../../test/support/forged-dealer.ts';
import { keyGeneration, parametersOf, receiveSecretOf } from '../../../../test/support/key-generation.ts';
import { fromBytesBE, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { EncodingError, type Group, type Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { publicPackageCodec } from '../keys.ts';
import { Abort, type Inbox, type Party, type Protocol, type Round, type Signed } from '../protocol.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { evaluateCommitment } from '../sharing/feldman.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import { decode, encode } from '../wire/codec.ts';
import { dkgFormats, type Reveal } from './messages.ts';
import { publicOutcome } from './outcome.ts';
import { type DkgInput, DkgInputError, type DkgOutcome } from './parameters.ts';
import { dkg } from './protocol.ts';

function generate(group: Group, threshold: number, parties: number, seed = 1): readonly DkgOutcome[] {
  const simulation = simulate(keyGeneration({ seed, group, threshold, parties }));
  soundness(simulation);
  return [...simulation.outcomes].map(([party, outcome]) => {
    if (outcome.type !== 'done') throw new Error(`party ${party} is ${outcome.type}`);
    return outcome.result;
  });
}

function interpolate(group: Group, ids: readonly number[], outcomes: readonly DkgOutcome[]): Point {
  const field = primeField(group.order);
  const weights = lagrange(field, ids.map(BigInt));
  const secret = ids.reduce((sum, id, i) => {
    const share = (outcomes[id - 1] as DkgOutcome).share.use(fromBytesBE);
    return field.add(sum, field.multiply(weights[i] as bigint, share));
  }, 0n);
  return group.multiplyBase(secret);
}

function* subsets(n: number, size: number, from = 1): Generator<number[]> {
  if (size === 0) yield [];
  for (let first = from; size > 0 && first <= n - size + 1; first++) {
    for (const rest of subsets(n, size - 1, first + 1)) yield [first, ...rest];
  }
}

/** The public package is the same at all, and each share is the one it says. */
function expectAgreement(group: Group, outcomes: readonly DkgOutcome[]): void {
  const encoded = outcomes.map(({ publicPackage }) => toHex(encode(publicPackageCodec(group), publicPackage)));
  expect(new Set(encoded).size).toBe(1);
  outcomes.forEach(({ share, publicPackage }, i) => {
    const point = group.multiplyBase(share.use(fromBytesBE));
    expect(group.equals(point, publicPackage.verifyingShares[i] as Point)).toBe(true);
  });
}

describe('a key generation of honest parties', () => {
  const all = [2, 3, 4, 5, 6, 7].flatMap((n) => Array.from({ length: n - 1 }, (_, i): [number, number] => [i + 2, n]));
  it.each(all)('%i-of-%i: any t shares make the key, any t - 1 do not', (t, n) => {
    const outcomes = generate(toy, t, n);
    expectAgreement(toy, outcomes);
    const key = (outcomes[0] as DkgOutcome).publicPackage.groupKey;
    for (const ids of subsets(n, t)) expect(toy.equals(interpolate(toy, ids, outcomes), key)).toBe(true);
    for (const ids of subsets(n, t - 1)) expect(toy.equals(interpolate(toy, ids, outcomes), key)).toBe(false);
  });

  it.each([8, 9, 10, 11, 12, 13, 14, 15, 16])('of %i parties', (n) => {
    for (const t of [2, (n >> 1) + 1, n]) {
      const outcomes = generate(toy, t, n);
      expectAgreement(toy, outcomes);
      const key = (outcomes[0] as DkgOutcome).publicPackage.groupKey;
      const ids = Array.from({ length: n }, (_, i) => i + 1);
      for (const chosen of [ids.slice(0, t), ids.slice(-t)]) {
        expect(toy.equals(interpolate(toy, chosen, outcomes), key)).toBe(true);
        expect(toy.equals(interpolate(toy, chosen.slice(1), outcomes), key)).toBe(false);
      }
    }
  });

  it.each([ed25519, secp256k1])('in a real group: $name', (group) => {
    const outcomes = generate(group, 3, 5);
    expectAgreement(group, outcomes);
    const key = (outcomes[0] as DkgOutcome).publicPackage.groupKey;
    for (const ids of subsets(5, 3)) expect(group.equals(interpolate(group, ids, outcomes), key)).toBe(true);
    for (const ids of subsets(5, 2)) expect(group.equals(interpolate(group, ids, outcomes), key)).toBe(false);
  });

  it('makes another key, share and chain code in every session', () => {
    const [one, other] = [generate(toy, 2, 3, 1), generate(toy, 2, 3, 2)].map(([first]) => first as DkgOutcome);
    expect(toy.equals((one as DkgOutcome).publicPackage.groupKey, (other as DkgOutcome).publicPackage.groupKey)).toBe(
      false,
    );
    expect(one?.publicPackage.chainCode).not.toEqual(other?.publicPackage.chainCode);
  });

  it('deals afresh in another session, even if the randomness repeats itself', () => {
    const options = { seed: 1, group: toy, threshold: 2, parties: 2 };
    const first = (sid: Uint8Array): Uint8Array => {
      const input = { ...parametersOf(options), sid, me: 1, receiveSecret: receiveSecretOf(options, 1) };
      const protocol = dkg({ ...input, randomness: seeded(new Uint8Array(32)) });
      const payload = protocol.next(undefined as never);
      const inbox = payload.done === true ? undefined : payload.value.broadcast;
      const commits = new Map(
        [1, 2].map((party) => [party, { payload: inbox as Uint8Array, envelope: new Uint8Array() }]),
      );
      const round = protocol.next({ broadcasts: commits, directs: new Map(), transcript: new Uint8Array(32) });
      protocol.return(undefined as never);
      const revealed = round.done === true ? undefined : round.value.broadcast;
      return toy.encodePoint(
        decode(dkgFormats(toy, 2).reveal.broadcast, revealed as Uint8Array).coefficients[0] as Point,
      );
    };
    expect(first(new Uint8Array(32).fill(1))).toEqual(first(new Uint8Array(32).fill(1)));
    expect(first(new Uint8Array(32).fill(1))).not.toEqual(first(new Uint8Array(32).fill(2)));
  });

  it('never ends with a share that does not fit: a driver that swaps our own words is a bug', () => {
    const options = { seed: 1, group: toy, threshold: 2, parties: 2 };
    const parameters = parametersOf(options);
    const party = (me: Party): Protocol<DkgOutcome> =>
      dkg({ ...parameters, me, receiveSecret: receiveSecretOf(options, me), randomness: seeded(Uint8Array.of(me)) });
    const [one, two, swapped] = [party(1), party(2), forgedDealer(parameters, 1, { polynomial: [5n, 6n] })];
    const round = (protocol: Protocol<DkgOutcome>, inbox: Inbox | undefined): Round => {
      const step = protocol.next(inbox as Inbox);
      if (step.done === true) throw new Error('ended');
      return step.value;
    };
    const signed = (payload: Uint8Array | undefined): Signed => ({
      payload: payload ?? new Uint8Array(0),
      envelope: new Uint8Array(0),
    });
    let [toOne, toTwo]: (Inbox | undefined)[] = [];
    const play = (): void => {
      round(one, toOne);
      const [first, second] = [round(swapped, toOne), round(two, toTwo)];
      const broadcasts = new Map([first, second].map(({ broadcast }, i) => [i + 1, signed(broadcast)]));
      const transcript = new Uint8Array(32);
      toOne = { broadcasts, directs: new Map([[2, signed(second.direct?.get(1))]]), transcript };
      toTwo = { broadcasts, directs: new Map([[1, signed(first.direct?.get(2))]]), transcript };
    };
    for (let i = 0; i < 5; i++) play();
    expect(play).toThrow('do not add up');
  });

  it('wipes what it dealt, however it ends', () => {
    const wipe = vi.spyOn(Secret.prototype, 'wipe');
    const options = { seed: 1, group: toy, threshold: 2, parties: 5 };
    const input = { ...parametersOf(options), me: 1, receiveSecret: receiveSecretOf(options, 1) };
    const protocol = dkg({ ...input, randomness: seeded(new Uint8Array(32)) });
    protocol.next(undefined as never);
    const before = wipe.mock.calls.length;
    protocol.return(undefined as never);
    expect(wipe.mock.calls.length - before).toBe(5);
    wipe.mockRestore();
  });

  it('wipes its share, too, if it ends after the shares were opened', () => {
    const scenario = keyGeneration({ seed: 1, group: toy, threshold: 2, parties: 3 });
    const wipe = vi.spyOn(Secret.prototype, 'wipe');
    let wiped = 0;
    function* leaving(protocol: Protocol<DkgOutcome>): Protocol<DkgOutcome> {
      let step = protocol.next(undefined as never);
      while (!step.done && step.value.label !== 'verdict') step = protocol.next(yield step.value);
      const before = wipe.mock.calls.length;
      protocol.return(undefined as never);
      wiped = wipe.mock.calls.length - before;
      throw new Abort('verdict', []);
    }
    simulate({
      ...scenario,
      run: (me, ...rest) => (me === 1 ? leaving(scenario.run(me, ...rest)) : scenario.run(me, ...rest)),
    });
    wipe.mockRestore();
    expect(wiped).toBe(3 + 1);
  });
});

describe('the degree of the outcome', () => {
  const options = { seed: 1, group: toy, threshold: 3, parties: 3 };
  const revealOf = (...polynomial: readonly bigint[]): Reveal => ({
    coefficients: polynomial.map((coefficient) => toy.multiplyBase(coefficient)),
    proof: { commitment: toy.generator, response: 0n },
    chainCode: new Uint8Array(32),
    blinder: new Uint8Array(32),
  });

  it('stays t - 1 when two dealers cancel their leading coefficients', () => {
    const honest = [3n, 5n, 11n];
    const reveals = [revealOf(...honest), revealOf(1n, 2n, 9n), revealOf(1n, 2n, toy.order - 9n)];
    const outcome = publicOutcome(parametersOf(options), reveals, new Uint8Array(32));
    const shares = outcome?.verifyingShares as readonly Point[];
    const lines = [
      [1n, 2n],
      [1n, 3n],
      [2n, 3n],
    ].map((ids) =>
      toy.sumOfProducts(
        ids.map((id) => shares[Number(id) - 1] as Point),
        lagrange(primeField(toy.order), ids),
      ),
    );
    for (const line of lines) expect(toy.equals(line, outcome?.groupKey as Point)).toBe(false);
    expect(outcome?.threshold).toBe(3);
  });

  it('has no place for an identity: a leading coefficient of zero does not encode', () => {
    const reveal = revealOf(1n, 2n, 0n);
    expect(() => encode(dkgFormats(toy, 3).reveal.broadcast, reveal)).toThrow(EncodingError);
    expect(() => encode(dkgFormats(toy, 3).reveal.broadcast, revealOf(1n, 2n))).toThrow(EncodingError);
    expect(() => encode(dkgFormats(toy, 3).reveal.broadcast, revealOf(1n, 2n, 3n, 4n))).toThrow(EncodingError);
  });

  it('is no outcome at all if a point of it is the identity', () => {
    const { order } = toy;
    const outcome = (...polynomial: readonly bigint[]) =>
      publicOutcome(parametersOf(options), [revealOf(3n, 5n, 7n), revealOf(...polynomial)], new Uint8Array(32));
    expect(outcome(order - 3n, 1n, 1n)).toBeUndefined();
    // The share of party 2: 3 + 10 + 28 = 41.
    expect(outcome(order - 41n - 6n, 1n, 1n)).toBeUndefined();
    const fine = outcome(4n, 5n, 6n);
    expect(toy.equals(fine?.verifyingShares[1] as Point, toy.multiplyBase(41n + 4n + 10n + 24n))).toBe(true);
    expect(evaluateCommitment(toy, [toy.generator], 5n)).toEqual(toy.generator);
  });
});

describe('a key generation that cannot begin', () => {
  const options = { seed: 1, group: toy, threshold: 2, parties: 3 };
  const input: DkgInput = {
    ...parametersOf(options),
    me: 1,
    receiveSecret: receiveSecretOf(options, 1),
    randomness: seeded(new Uint8Array(32)),
  };
  const { members, receiveKeys, statement } = input;
  const [first, second] = members;
  const many = Array.from({ length: 101 }, (_, i) => ({ party: i + 1, node: new Uint8Array(32) }));

  it.each<[string, Partial<DkgInput>, string]>([
    ['1-of-3', { threshold: 1 }, 'threshold'],
    ['4-of-3', { threshold: 4 }, 'threshold'],
    ['half a party', { threshold: 2.5 }, 'threshold'],
    ['101 members', { members: many }, 'threshold'],
    ['members out of order', { members: [...members].reverse() }, 'members'],
    ['a member twice', { members: [first, first, second] as typeof members }, 'members'],
    ['party zero', { members: [{ party: 0, node: new Uint8Array(32) }, ...members.slice(1)] }, 'members'],
    ['a short node key', { members: [{ party: 1, node: new Uint8Array(31) }, ...members.slice(1)] }, 'members'],
    ['a missing receive key', { receiveKeys: new Map([...receiveKeys].slice(0, 2)) }, 'receive-keys'],
    ['a stranger', { me: 4 }, 'receive-keys'],
    ["another's receive secret", { receiveSecret: receiveSecretOf(options, 2) }, 'receive-keys'],
    ['a receive secret of zero', { receiveSecret: new Secret(new Uint8Array(32)) }, 'receive-keys'],
    ['a receive secret above the order', { receiveSecret: new Secret(new Uint8Array(32).fill(255)) }, 'receive-keys'],
    ['a name that is a path', { statement: { ...statement, name: '../x' } }, 'statement'],
    ['a purpose with spaces', { statement: { ...statement, purpose: 'a b' } }, 'statement'],
  ])('%s', (_, change, code) => {
    const attempt = (): unknown => dkg({ ...input, ...change }).next(undefined as never);
    expect(attempt).toThrow(DkgInputError);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
});
