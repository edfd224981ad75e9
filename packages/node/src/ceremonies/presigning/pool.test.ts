import { dkls23, MAX_OFFERED_PRESIGNATURES, type Member, secp256k1 } from '@quorate/protocol';
import { array, assert, constantFrom, nat, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SimulatedClock, simulatedClock } from '../../clock.ts';
import { limits } from '../../limits.ts';
import { PresignaturePool } from './pool.ts';

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const node = (party: number): Uint8Array => fill(100 + party);
const members = (...parties: readonly number[]): readonly Member[] =>
  parties.map((party) => ({ party, node: node(party) }));
const [key, otherKey] = [fill(1), fill(2)];
const use = { keyId: key, epoch: 1, signers: members(1, 2, 5) };
const nonce = secp256k1.multiplyBase(7n);

let made = 0;
function presignature(): dkls23.Presignature {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, ++made);
  return new dkls23.Presignature(fill(9), { id, nonce, phi: 1n, u: 2n, v: 3n });
}

/** Whether nothing can come of it any more. */
function isGone(one: dkls23.Presignature): boolean {
  try {
    one.move(secp256k1);
    return false;
  } catch {
    return true;
  }
}

function poolOf(perKey: number, clock: SimulatedClock = simulatedClock()): PresignaturePool {
  return new PresignaturePool(clock, perKey);
}

function added(pool: PresignaturePool, count: number, what = use): readonly dkls23.Presignature[] {
  const all = Array.from({ length: count }, presignature);
  for (const one of all) pool.add(one, what);
  return all;
}

describe('a pool', () => {
  test('gives each presignature once, to the request for which it was kept', () => {
    const pool = poolOf(4);
    const [one] = added(pool, 1);
    const [request, other] = [fill(20), fill(21)];
    const id = (one as dkls23.Presignature).id;
    expect(pool.take(request, id)).toBeUndefined();
    expect(pool.reserve(request, key, 1)).toEqual({ signers: [1, 2, 5], ids: [id] });
    expect(pool.reserve(other, key, 1)).toEqual({ signers: [], ids: [] });
    expect([pool.holds(request, id, [1, 2, 5]), pool.holds(other, id, [1, 2, 5])]).toEqual([true, false]);
    for (const signers of [
      [1, 2],
      [1, 2, 5, 6],
      [1, 2, 6],
    ])
      expect(pool.holds(request, id, signers)).toBe(false);
    expect(pool.take(other, id)).toBeUndefined();
    expect(pool.take(request, id)).toBe(one);
    expect([pool.take(request, id), pool.count(key), pool.holds(request, id, [1, 2, 5])]).toEqual([
      undefined,
      0,
      false,
    ]);
    expect(isGone(one as dkls23.Presignature)).toBe(false);
  });

  test('frees what a request kept beside the one that it used, and drops what two kept in vain', () => {
    const pool = poolOf(16);
    added(pool, 16);
    const { ids } = pool.reserve(fill(20), key, 1);
    expect(ids.length).toBe(MAX_OFFERED_PRESIGNATURES);
    pool.take(fill(20), ids[0] as Uint8Array);
    pool.release(fill(20));
    expect(pool.count(key)).toBe(15);
    // The same request again: the same choice, as far as it is there.
    const { ids: again } = pool.reserve(fill(20), key, 1);
    expect(again.slice(0, 3)).toEqual(ids.slice(1));
    pool.release(fill(20));
    expect(pool.count(key)).toBe(15);
    pool.reserve(fill(20), key, 1);
    pool.release(fill(20));
    expect(pool.count(key)).toBe(15 - again.length);
  });

  test('chooses alike whatever the order in which it was filled', () => {
    const [one, other] = [poolOf(16), poolOf(16)];
    const all = added(one, 16);
    for (const each of all.toReversed()) other.add(each, use);
    for (let request = 0; request < 20; request++) {
      const offered = one.reserve(fill(request), key, 1);
      expect(offered).toEqual(other.reserve(fill(request), key, 1));
      for (const pool of [one, other]) pool.take(fill(request), offered.ids[1] ?? fill(0));
    }
  });

  test('offers those of the newest signers only, and of the epoch that is asked for', () => {
    const pool = poolOf(8);
    added(pool, 2);
    const [newer] = added(pool, 1, { ...use, signers: members(2, 5, 6) });
    expect(pool.reserve(fill(20), key, 1)).toEqual({ signers: [2, 5, 6], ids: [newer?.id] });
    expect(pool.reserve(fill(21), key, 2).ids).toEqual([]);
    expect(pool.reserve(fill(22), otherKey, 1).ids).toEqual([]);
  });

  test('is bounded, for a key and in all: the oldest goes, but none that a request waits for', () => {
    const pool = poolOf(2);
    const [first, second] = added(pool, 2);
    const { ids: kept } = pool.reserve(fill(20), key, 1);
    const [third, fourth] = added(pool, 2);
    const [reserved, free] = kept[0] === first?.id ? [first, second] : [second, first];
    expect([reserved, free, third, fourth].map((one) => isGone(one as dkls23.Presignature))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    pool.reserve(fill(21), key, 1);
    const [fifth] = added(pool, 1);
    expect([pool.count(key), isGone(fifth as dkls23.Presignature)]).toEqual([2, true]);
    added(pool, 2, { ...use, keyId: otherKey });
    expect([pool.count(key), pool.count(otherKey)]).toEqual([2, 2]);

    const wide = poolOf(64);
    const keys = Array.from({ length: 20 }, (_, i) => fill(i));
    for (const keyId of keys) added(wide, 64, { ...use, keyId });
    expect(keys.reduce((sum, keyId) => sum + wide.count(keyId), 0)).toBe(limits.presignatures);
    expect([wide.count(fill(0)), wide.count(fill(19))]).toEqual([0, 64]);
    const none = poolOf(0);
    const [refused] = added(none, 1);
    expect([none.count(key), isGone(refused as dkls23.Presignature)]).toEqual([0, true]);
  });

  test.for<[string, (pool: PresignaturePool, clock: SimulatedClock) => void, readonly number[]]>([
    ['a signer', (pool) => pool.dropWith(node(2)), [0, 0, 1, 0]],
    ['a signer, for one key', (pool) => pool.dropWith(node(2), otherKey), [1, 1, 1, 0]],
    ['another epoch', (pool) => pool.moveTo(key, 2), [0, 1, 0, 1]],
    ['everything', (pool) => pool.close(), [0, 0, 0, 0]],
    ['age', (_, clock) => clock.advance(limits.presignatureAge), [0, 0, 0, 0]],
    ['not age yet', (_, clock) => clock.advance(limits.presignatureAge - 1), [1, 1, 1, 1]],
  ])('wipes what goes with %s, kept for a request or not', ([, drop, left]) => {
    for (const reserve of [false, true]) {
      const clock = simulatedClock();
      const pool = poolOf(8, clock);
      const all = [
        use,
        { ...use, epoch: 2 },
        { ...use, signers: members(1, 5) },
        { ...use, keyId: otherKey, epoch: 1 },
      ].flatMap((what) => added(pool, 1, what));
      if (reserve)
        for (const [keyId, epoch] of [
          [key, 1],
          [key, 2],
          [otherKey, 1],
        ] as const)
          pool.reserve(fill(30 + epoch), keyId, epoch);
      drop(pool, clock);
      expect(all.map((one) => (isGone(one) ? 0 : 1))).toEqual(left);
      expect(pool.count(key) + pool.count(otherKey)).toBe(left.filter((one) => one === 1).length);
      pool.close();
      expect(clock.pending).toBe(0);
    }
  });

  test('whatever happens, gives none out twice, keeps none for two requests, and leaves none unwiped', () => {
    const step = record({
      what: constantFrom('add', 'add', 'reserve', 'reserve', 'take', 'release', 'drop', 'epoch', 'wait'),
      request: nat(5),
      party: nat(4),
      epoch: nat(1),
      nth: nat(3),
    });
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const clock = simulatedClock();
        const pool = poolOf(5, clock);
        const all: dkls23.Presignature[] = [];
        const taken = new Set<dkls23.Presignature>();
        const offered = new Map<number, readonly Uint8Array[]>();
        for (const { what, request, party, epoch, nth } of steps) {
          if (what === 'add') all.push(...added(pool, 1, { ...use, epoch, signers: members(party + 1, 7) }));
          if (what === 'reserve') {
            const { ids } = pool.reserve(fill(request), key, epoch);
            for (const [other, theirs] of offered) {
              const held = theirs.filter((one) =>
                [1, 2, 3, 4, 5].some((party) => pool.holds(fill(other), one, [party, 7])),
              );
              if (other !== request) expect(held.filter((one) => ids.includes(one))).toEqual([]);
            }
            offered.set(request, ids);
          }
          const id = offered.get(request)?.[nth];
          if (what === 'take' && id !== undefined) {
            const one = pool.take(fill(request), id);
            if (one === undefined) continue;
            expect(taken.has(one)).toBe(false);
            taken.add(one);
          }
          if (what === 'release') pool.release(fill(request));
          if (what === 'drop') pool.dropWith(node(party + 1));
          if (what === 'epoch') pool.moveTo(key, epoch);
          if (what === 'wait') clock.advance(limits.presignatureAge / 3);
          expect(pool.count(key)).toBeLessThanOrEqual(5);
        }
        pool.close();
        expect(all.filter((one) => !isGone(one)).length).toBe(taken.size);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
