import { simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it, vi } from 'vitest';
import {
  type HeldKey,
  heldAfter,
  heldKey,
  type NodeNumber,
  type RenewalOptions,
  renewalInputOf,
  renewing,
} from '../../../../test/support/renewal.ts';
import { fromBytesBE, toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { publicPackageCodec } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import { encode } from '../wire/codec.ts';
import type { RenewalOutcome } from './parameters.ts';
import { renew } from './protocol.ts';

/** Runs a renewal of honest parties: all agree, and what the key is stays as it was. */
function run(options: RenewalOptions): HeldKey {
  const { group, key } = options;
  const simulation = simulate(renewing(options));
  soundness(simulation);
  const outcomes = new Map<Party, RenewalOutcome>();
  for (const [seat, outcome] of simulation.outcomes) {
    if (outcome.type !== 'done') throw new Error(`seat ${seat} is ${outcome.type}`);
    outcomes.set(seat, outcome.result);
  }
  const packages = [...outcomes.values()].map(({ publicPackage }) =>
    toHex(encode(publicPackageCodec(group), publicPackage)),
  );
  expect(new Set(packages).size).toBe(1);
  const held = heldAfter(options, outcomes);
  const { publicPackage } = held;
  publicPackage.members.forEach(({ party }, i) => {
    const share = outcomes.get(party)?.share?.use(fromBytesBE) as bigint;
    expect(group.equals(group.multiplyBase(share), publicPackage.verifyingShares[i] as Point)).toBe(true);
  });
  for (const [seat, { share }] of outcomes) expect(share === undefined).toBe(seat > publicPackage.members.length);
  const { groupKey, keyId, name, purpose, chainCode, tweak, scheme, epoch } = key.publicPackage;
  expect(publicPackage).toMatchObject({ keyId, name, purpose, chainCode, tweak, scheme, baseEpoch: epoch });
  expect(group.equals(publicPackage.groupKey, groupKey)).toBe(true);
  expect(publicPackage.epoch).toBeGreaterThan(epoch);
  expect(publicPackage.transcript).not.toEqual(key.publicPackage.transcript);
  return held;
}

interface Piece {
  readonly party: Party;
  readonly value: bigint;
}

function piecesOf({ publicPackage, shares }: HeldKey): readonly Piece[] {
  return [...shares.values()].map((share, i) => ({
    party: (publicPackage.members[i] as { party: Party }).party,
    value: share.use(fromBytesBE),
  }));
}

/** What these shares make, if they are at distinct places. */
function combined(group: Group, pieces: readonly Piece[]): Point | undefined {
  if (new Set(pieces.map(({ party }) => party)).size < pieces.length) return undefined;
  const field = primeField(group.order);
  const weights = lagrange(
    field,
    pieces.map(({ party }) => BigInt(party)),
  );
  return group.multiplyBase(pieces.reduce((sum, { value }, i) => field.add(sum, value * (weights[i] as bigint)), 0n));
}

function* choices<T>(items: readonly T[], size: number): Generator<T[]> {
  if (size === 0) yield [];
  for (let i = 0; size > 0 && i <= items.length - size; i++) {
    for (const rest of choices(items.slice(i + 1), size - 1)) yield [items[i] as T, ...rest];
  }
}

/** Any t shares make the key; any t − 1 do not. */
function expectThreshold(group: Group, held: HeldKey, threshold: number): void {
  const pieces = piecesOf(held);
  const key = held.publicPackage.groupKey;
  for (const some of choices(pieces, threshold)) {
    expect(group.equals(combined(group, some) as Point, key)).toBe(true);
  }
  for (const few of choices(pieces, threshold - 1)) {
    expect(group.equals(combined(group, few) as Point, key)).toBe(false);
  }
}

/** No mix of shares of two epochs makes the key, as many as there may be, and shares of each as may have leaked. */
function expectNoMix(group: Group, old: HeldKey, fresh: HeldKey, size: number): void {
  const key = old.publicPackage.groupKey;
  for (let of = 1; of < size; of++) {
    for (const before of choices(piecesOf(old), of)) {
      for (const after of choices(piecesOf(fresh), size - of)) {
        const point = combined(group, [...before, ...after]);
        if (point !== undefined) expect(group.equals(point, key)).toBe(false);
      }
    }
  }
}

/** From 3-of-5 to 4-of-7 to 2-of-3 and back, refreshed in between: overlapping, disjoint, numbers given to other nodes. */
function chain(group: Group, seed: number, check: (key: HeldKey, before: HeldKey | undefined) => void): void {
  const stays: readonly NodeNumber[] = [1, 2, 3, 4, 5];
  let key = heldKey({ group, threshold: 3, nodes: stays, seed });
  check(key, undefined);
  const steps: readonly Pick<RenewalOptions, 'dealers' | 'to'>[] = [
    { dealers: [1, 2, 3, 4, 5] },
    { dealers: [2, 3, 5] },
    // Nodes 4 and 5 stay under other numbers, and 1 to 3 are played by nodes that never had a share.
    { dealers: [1, 3, 4, 5], to: { nodes: [6, 7, 8, 5, 9, 4, 10], threshold: 4 } },
    { dealers: [1, 2, 4, 7] },
    { dealers: [2, 3, 4, 5, 6], to: { nodes: [10, 6, 1], threshold: 2 } },
    // Disjoint.
    { dealers: [1, 3], to: { nodes: [2, 3, 11], threshold: 3 } },
    // The same nodes, in another order, with another threshold.
    { dealers: [1, 2, 3], to: { nodes: [11, 2, 3], threshold: 2 } },
  ];
  for (const [i, step] of steps.entries()) {
    const next = run({ seed: 100 * seed + i, group, key, ...step });
    check(next, key);
    key = next;
  }
}

describe('R16, a chain of refreshes and reshares', () => {
  it('keeps the key: any t shares make it, any t − 1 or any mix of epochs do not', () => {
    chain(toy, 1, (key, before) => {
      expectThreshold(toy, key, key.publicPackage.threshold);
      if (before !== undefined) {
        expectNoMix(toy, before, key, key.publicPackage.threshold);
        expectNoMix(toy, before, key, before.publicPackage.threshold);
      }
    });
  });

  it('in 40 worlds', () => {
    for (let seed = 2; seed <= 41; seed++) {
      chain(toy, seed, (key) => {
        const { threshold, groupKey } = key.publicPackage;
        const pieces = piecesOf(key);
        expect(toy.equals(combined(toy, pieces.slice(-threshold)) as Point, groupKey)).toBe(true);
        expect(toy.equals(combined(toy, pieces.slice(0, threshold - 1)) as Point, groupKey)).toBe(false);
      });
    }
  });

  it.each([ed25519, secp256k1])('in a real group: $name', (group) => {
    chain(group, 1, (key) => {
      const { threshold, groupKey } = key.publicPackage;
      const pieces = piecesOf(key);
      for (const some of [pieces.slice(0, threshold), pieces.slice(-threshold)]) {
        expect(group.equals(combined(group, some) as Point, groupKey)).toBe(true);
        expect(group.equals(combined(group, some.slice(1)) as Point, groupKey)).toBe(false);
      }
    });
  });
});

it('R09, t − 1 old shares and a new one of another party never make the key: 1,000 trials', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const key = heldKey({ group: toy, threshold: 3, nodes: [1, 2, 3, 4, 5], seed });
    const fresh = run({ seed, group: toy, key, dealers: [1, 2, 3] });
    const after = piecesOf(fresh);
    for (const before of choices(piecesOf(key), 2)) {
      const stranger = after.find(({ party }) => before.every((piece) => piece.party !== party)) as Piece;
      const point = combined(toy, [...before, stranger]) as Point;
      expect(toy.equals(point, key.publicPackage.groupKey)).toBe(false);
    }
  }
});

describe('a renewal', () => {
  const key = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3] });
  const options: RenewalOptions = { seed: 1, group: toy, key, dealers: [1, 2], to: { nodes: [2, 3, 4], threshold: 2 } };

  it('may skip epochs: they count attempts', () => {
    expect(run({ ...options, epoch: 9 }).publicPackage.epoch).toBe(9);
  });

  it('deals afresh in another session, even if the randomness repeats itself', () => {
    const first = (sid: Uint8Array): Uint8Array => {
      const protocol = renew({ ...renewalInputOf(options, 1), sid, randomness: seeded(new Uint8Array(32)) });
      const round = protocol.next(undefined as never);
      protocol.return(undefined as never);
      return (round.value as { broadcast: Uint8Array }).broadcast;
    };
    expect(first(new Uint8Array(32).fill(1))).toEqual(first(new Uint8Array(32).fill(1)));
    expect(first(new Uint8Array(32).fill(1)).slice(2, 34)).not.toEqual(first(new Uint8Array(32).fill(2)).slice(2, 34));
  });

  it('wipes what it dealt, however it ends, and leaves the old share alone', () => {
    const wipe = vi.spyOn(Secret.prototype, 'wipe');
    const input = renewalInputOf(options, 1);
    const protocol = renew({ ...input, randomness: seeded(new Uint8Array(32)) });
    protocol.next(undefined as never);
    const before = wipe.mock.calls.length;
    protocol.return(undefined as never);
    expect(wipe.mock.calls.length - before).toBe(3);
    expect(input.secret?.wiped).toBe(false);
    wipe.mockRestore();
  });

  it('wipes its new share, too, if it ends after the shares were opened', () => {
    const scenario = renewing(options);
    const wipe = vi.spyOn(Secret.prototype, 'wipe');
    let wiped = 0;
    simulate({
      ...scenario,
      // Seat 2 deals nothing: what it wipes is its share.
      run: function* (me, ...rest) {
        const protocol = scenario.run(me, ...rest);
        let step = protocol.next(undefined as never);
        while (step.done !== true) {
          if (me === 2 && step.value.label === 'return') {
            const before = wipe.mock.calls.length;
            protocol.return(undefined as never);
            wiped = wipe.mock.calls.length - before;
          }
          step =
            me === 2 && step.value.label === 'return'
              ? { done: true, value: {} as never }
              : protocol.next(yield step.value);
        }
        return step.value;
      },
    });
    wipe.mockRestore();
    expect(wiped).toBe(1);
  });
});
