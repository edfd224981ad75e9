import { nativeEcdh } from '@quorate/protocol/native';
import { describe, expect, it } from 'vitest';
import { ascii, concat, toHex } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { type Randomness, seeded } from '../random.ts';
import { hash } from '../transcript.ts';
import {
  type BaseOtContext,
  baseOtSetId,
  chooseBaseOt,
  completeBaseOt,
  isFaulty,
  offerBaseOt,
  openTransfer,
  type ReceiverSet,
  type SenderSet,
} from './base-ot.ts';
import { bitOf } from './bits.ts';
import { type EcdhX, pureEcdh } from './ecdh.ts';

const context: BaseOtContext = {
  session: new Uint8Array(32).fill(1),
  alice: new Uint8Array(32).fill(2),
  bob: new Uint8Array(32).fill(3),
};

interface Options {
  readonly group?: Group;
  readonly ecdh?: EcdhX;
  readonly count?: number;
  readonly seed?: number;
  readonly theirs?: BaseOtContext;
  /** What Bob gets instead of Alice's points. */
  readonly points?: (honest: Uint8Array) => Uint8Array;
  readonly randomness?: Randomness;
}

function run(options: Options = {}) {
  const { group = toy, count = 16, seed = 1, theirs = context, points = (honest) => honest } = options;
  const setting = { group, ecdh: options.ecdh ?? pureEcdh(group), count };
  const key = offerBaseOt(group, seeded(Uint8Array.of(seed, 0)));
  const alice = chooseBaseOt(setting, context, key.point, options.randomness ?? seeded(Uint8Array.of(seed, 1)));
  const bob = completeBaseOt(setting, theirs, key, points(alice.exchange.points));
  return { setting, key, alice, bob: bob as SenderSet, faulty: bob };
}

function choicesOf({ choices }: ReceiverSet, count: number): readonly number[] {
  return choices.use((bytes) => Array.from({ length: count }, (_, i) => bitOf(bytes, i)));
}

function keysOf({ keys }: { readonly keys: ReceiverSet['keys'] }): readonly string[] {
  return keys.use((bytes) =>
    Array.from({ length: bytes.length / 16 }, (_, i) => toHex(bytes.slice(16 * i, 16 * i + 16))),
  );
}

/** For every transfer, whether Alice's key is Bob's key 0, and whether it is his key 1. */
function matches(alice: ReceiverSet, bob: SenderSet): readonly (readonly boolean[])[] {
  const [own, both] = [keysOf(alice), keysOf(bob)];
  return own.map((key, i) => [key === both[2 * i], key === both[2 * i + 1]]);
}

const groups = [
  { name: 'toy', group: toy, ecdh: pureEcdh(toy) },
  { name: 'secp256k1, pure', group: secp256k1, ecdh: pureEcdh(secp256k1) },
  { name: 'secp256k1, OpenSSL', group: secp256k1, ecdh: nativeEcdh(secp256k1) },
];

describe.each(groups)('a set of base transfers: $name', ({ group, ecdh }) => {
  it('gives Alice the key that she chose, and no other', () => {
    const { alice, bob } = run({ group, ecdh });
    const choices = choicesOf(alice, 16);
    expect(new Set(choices).size).toBe(2);
    expect(matches(alice, bob)).toEqual(choices.map((c) => [c === 0, c === 1]));
    expect(new Set(keysOf(bob)).size).toBe(32);
    expect(alice.id).toEqual(bob.id);
  });

  it('can be opened by Alice, transfer by transfer, and only as it was', () => {
    const { alice } = run({ group, ecdh, count: 8 });
    const choices = choicesOf(alice, 8);
    const scalar = alice.scalars.use((bytes) => group.decodeScalar(bytes.slice(0, group.scalarBytes)));
    const [first] = choices as [number];
    const open = (choice: number, b: bigint): string | undefined => {
      const key = openTransfer(group, context, alice.exchange, 0, choice, b);
      return key === undefined ? undefined : toHex(key);
    };
    expect(open(first, scalar)).toBe(keysOf(alice)[0]);
    expect(open(1 - first, scalar)).toBeUndefined();
    expect(open(first, scalar + 1n)).toBeUndefined();
    expect(open(first, 0n)).toBeUndefined();
  });
});

describe('the twins of Diffie-Hellman', () => {
  it('make the same messages and keys', () => {
    const [pure, native] = [pureEcdh(secp256k1), nativeEcdh(secp256k1)].map((ecdh) =>
      run({ group: secp256k1, ecdh, count: 8, seed: 7 }),
    ) as [ReturnType<typeof run>, ReturnType<typeof run>];
    expect(native.alice.exchange.points).toEqual(pure.alice.exchange.points);
    expect(keysOf(native.alice)).toEqual(keysOf(pure.alice));
    expect(keysOf(native.bob)).toEqual(keysOf(pure.bob));
  });

  it('keep the zeroes in front of x', () => {
    // 2^x of the generator until x begins with a zero byte, by brute force.
    let scalar = 1n;
    let point = secp256k1.generator;
    while (secp256k1.encodePoint(point)[1] !== 0) {
      scalar++;
      point = secp256k1.add(point, secp256k1.generator);
    }
    for (const ecdh of [pureEcdh(secp256k1), nativeEcdh(secp256k1)]) {
      expect(ecdh.sharedX(scalar, [secp256k1.generator])).toEqual([secp256k1.encodePoint(point).slice(1)]);
    }
  });
});

describe('the point that hides a choice', () => {
  const rfc = 'QUUX-V01-CS02-with-secp256k1_XMD:SHA-256_SSWU_RO_';
  it.each([
    ['', '03c1cae290e291aee617ebaef1be6d73861479c48b841eaba9b7b5852ddfeb1346'],
    ['abc', '023377e01eab42db296b512293120c6cee72b6ecf9f9205760bd9ff11fb3cb2c4b'],
    ['abcdef0123456789', '02bac54083f293f1fe08e4a70137260aa90783a5cb84d3f35848b324d0674b0e3a'],
    [`q128_${'q'.repeat(128)}`, '03e2167bc785333a37aa562f021f1e881defb853839babf52a7f72b102e41890e9'],
    [`a512_${'a'.repeat(512)}`, '02e3c8d35aaaf0b9b647e88a0a0a7ee5d5bed5ad38238152e4e6fd8c1f8cb7c998'],
  ])('comes from the map of RFC 9380, appendix J.8.1: "%s"', (message, point) => {
    expect(toHex(secp256k1.encodePoint(secp256k1.hashToGroup(rfc, ascii(message))))).toBe(point);
  });

  it('is that map of session, transfer, branch and the other point, of no known logarithm; and the key hashes all', () => {
    const { alice } = run({ group: secp256k1, ecdh: nativeEcdh(secp256k1), count: 8 });
    const { points } = alice.exchange;
    const sid = hash('quorate/v1/dkls23/base-ot/session', context.session, context.alice, context.bob);
    choicesOf(alice, 8).forEach((c, i) => {
      const [own, other] = [c, 1 - c].map((x) => points.slice((2 * i + x) * 33, (2 * i + x + 1) * 33));
      const message = concat(sid, Uint8Array.of(i, c), other as Uint8Array);
      const hidden = secp256k1.hashToGroup('quorate/v1/dkls23/base-ot/hash-to-curve', message);
      const scalar = alice.scalars.use((bytes) => secp256k1.decodeScalar(bytes.slice(32 * i, 32 * i + 32)));
      const sum = secp256k1.add(secp256k1.decodePoint(own as Uint8Array), hidden);
      expect(secp256k1.equals(sum, secp256k1.multiplyBase(scalar))).toBe(true);
      const x = secp256k1.encodePoint(secp256k1.multiply(alice.exchange.key, scalar)).slice(1);
      const parts = [Uint8Array.of(i, c), secp256k1.encodePoint(alice.exchange.key), points.slice(66 * i, 66 * i + 66)];
      const key = hash('quorate/v1/dkls23/base-ot/key', sid, ...parts, x).slice(0, 16);
      expect(keysOf(alice)[i]).toBe(toHex(key));
    });
  });
});

describe('an Alice who cheats', () => {
  const pointBytes = toy.pointBytes;
  /** Both points of every transfer, changed. */
  const eachPair =
    (change: (first: Uint8Array, second: Uint8Array, i: number) => readonly Uint8Array[]) =>
    (points: Uint8Array): Uint8Array => {
      const out: Uint8Array[] = [];
      for (let i = 0; 2 * i * pointBytes < points.length; i++) {
        const [first, second] = [0, 1].map((x) => points.slice((2 * i + x) * pointBytes, (2 * i + x + 1) * pointBytes));
        out.push(...change(first as Uint8Array, second as Uint8Array, i));
      }
      return concat(...out);
    };

  it('has no key left after her points are swapped', () => {
    const { alice, bob } = run({ points: eachPair((first, second) => [second, first]) });
    expect(matches(alice, bob).flat()).not.toContain(true);
  });

  it('gets keys that have nothing in common from the same points in every transfer, and from equal points', () => {
    const [first, second] = [toy.multiplyBase(5n), toy.multiplyBase(6n)].map(toy.encodePoint) as [
      Uint8Array,
      Uint8Array,
    ];
    for (const pair of [
      [first, second],
      [first, first],
    ]) {
      const { bob } = run({ points: eachPair(() => pair) });
      expect(new Set(keysOf(bob)).size).toBe(32);
    }
  });

  it('is found out when a point cancels its hash, in either branch, and so makes a key that all know', () => {
    const sid = hash('quorate/v1/dkls23/base-ot/session', context.session, context.alice, context.bob);
    const cancel = (i: number, x: number, other: Uint8Array): Uint8Array => {
      const hidden = toy.hashToGroup(
        'quorate/v1/dkls23/base-ot/hash-to-curve',
        concat(sid, Uint8Array.of(i, x), other),
      );
      return toy.encodePoint(toy.negate(hidden));
    };
    for (const branch of [0, 1]) {
      const points = eachPair((first, second, i) => {
        if (i !== 5) return [first, second];
        return branch === 0 ? [cancel(5, 0, second), second] : [first, cancel(5, 1, first)];
      });
      const { alice, faulty } = run({ points });
      expect(faulty).toEqual({ faulty: 5 });
      const sent = points(alice.exchange.points);
      expect([4, 5].map((i) => isFaulty(toy, context, sent, i))).toEqual([false, true]);
      const exchange = { ...alice.exchange, points: sent };
      expect(openTransfer(toy, context, exchange, 5, branch, 0n)).toBeUndefined();
    }
  });
});

describe('a set', () => {
  const elsewhere = [
    ['another session', { ...context, session: new Uint8Array(32) }],
    ['the other direction', { ...context, alice: context.bob, bob: context.alice }],
    ['another Alice', { ...context, alice: new Uint8Array(32) }],
    ['another Bob', { ...context, bob: new Uint8Array(32) }],
  ] as const;
  it.each(elsewhere)('has neither id nor keys in common with %s', (_, theirs) => {
    const { alice, bob } = run({ theirs });
    expect(matches(alice, bob).flat()).not.toContain(true);
    expect(bob.id).not.toEqual(alice.id);
  });

  it('has another id for every context, key and list of points', () => {
    const { exchange } = run().alice;
    const ids = [
      baseOtSetId(toy, context, exchange),
      baseOtSetId(toy, { ...context, session: context.bob }, exchange),
      baseOtSetId(toy, context, { ...exchange, key: toy.generator }),
      baseOtSetId(toy, context, { ...exchange, points: exchange.points.slice(2 * toy.pointBytes) }),
    ];
    expect(new Set(ids.map(toHex)).size).toBe(4);
    expect(toHex(ids[0] as Uint8Array)).toBe(toHex(run().bob.id));
  });

  it('leaves no x-coordinate behind, at either end', () => {
    const made: Uint8Array[] = [];
    const pure = pureEcdh(toy);
    const sharedX: EcdhX['sharedX'] = (scalar, points) => {
      const all = pure.sharedX(scalar, points);
      made.push(...all);
      return all;
    };
    const { alice, bob } = run({ ecdh: { name: 'watched', sharedX } });
    expect(matches(alice, bob).flat()).toContain(true);
    expect(made).toHaveLength(16 + 32);
    for (const x of made) expect(x.every((byte) => byte === 0)).toBe(true);
  });

  it('is worth nothing to a Bob who repeats the key of another', () => {
    const { setting, alice } = run();
    const own = { ...offerBaseOt(toy, seeded(Uint8Array.of(9))), point: alice.exchange.key };
    const bob = completeBaseOt(setting, context, own, alice.exchange.points) as SenderSet;
    expect(matches(alice, bob).flat()).not.toContain(true);
    expect(bob.id).toEqual(alice.id);
  });

  it('has Alice hash just what Bob will hash, so that her time says no more than her message', () => {
    const hashed = (options: Options): readonly string[] => {
      const messages: string[] = [];
      const hashToGroup: Group['hashToGroup'] = (tag, message) => {
        messages.push(toHex(message));
        return toy.hashToGroup(tag, message);
      };
      run({ ...options, group: { ...toy, hashToGroup } });
      return messages;
    };
    const messages = hashed({ count: 8 });
    expect(messages).toHaveLength(32);
    expect(messages.slice(0, 16).sort()).toEqual(messages.slice(16).sort());
  });

  it('costs Alice the same operations in the same order, whatever she chooses', () => {
    const log = (bits: number): readonly string[] => {
      const calls: string[] = [];
      const group = Object.fromEntries(
        Object.entries(toy).map(([name, member]) => {
          if (typeof member !== 'function') return [name, member];
          const method = member as (...args: readonly unknown[]) => unknown;
          return [name, (...args: readonly unknown[]) => (calls.push(name), method(...args))];
        }),
      ) as unknown as Group;
      const stream = seeded(Uint8Array.of(4));
      let first = true;
      const randomness: Randomness = {
        bytes: (length) => {
          const drawn = stream.bytes(length);
          if (!first) return drawn;
          first = false;
          return drawn.fill(bits);
        },
      };
      const { alice } = run({ group, randomness, count: 8 });
      expect(choicesOf(alice, 8)).toEqual(Array.from({ length: 8 }, () => bits & 1));
      return calls;
    };
    expect(log(0)).toEqual(log(255));
    expect(log(0).length).toBeGreaterThan(50);
  });
});
