import { equal, hash, pureNodeKey, secp256k1, seeded, toHex, wire } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { type SimulatedClock, simulatedClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { MemoryHub } from '../network/memory.ts';
import type { Network } from '../network/network.ts';
import { createLog } from '../observe/log.ts';
import { type StockMessage, stockMessageCodec } from './messages.ts';
import type { ChooseSet, CompleteSet, MadeSet, TakenSets, Unusable } from './sets.ts';
import { Stock } from './stock.ts';

const names = ['a', 'b', 'c'];
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
/** A member's node key, and back. */
const keyOf = (name: string) => pureNodeKey(fill(names.indexOf(name) + 1));
const nodes = new Map(names.map((name) => [name, keyOf(name).publicKey]));
const nodeOf = (name: string): Uint8Array => nodes.get(name) as Uint8Array;
const nameOf = (node: Uint8Array): string => names.find((name) => equal(nodeOf(name), node)) as string;
const garbage = fill(255, 8_448);
const key = secp256k1.encodePoint(secp256k1.multiplyBase(5n));

/** A stock on the network in memory. The work takes 300 ms, and is ideal: both ends get what follows from what was said. */
class Member {
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly network: Network;
  readonly stock: Stock;
  readonly banned = new Set<string>();
  readonly log: string[] = [];
  readonly sent: { readonly to: string; readonly message: StockMessage }[] = [];
  /** Every secret that came of the work. */
  readonly halves: Uint8Array[] = [];
  busy = false;
  computed = 0;
  computing = 0;
  atOnce = 0;
  tamper: (message: StockMessage, to: string) => readonly StockMessage[] = (message) => [message];

  constructor(hub: MemoryHub, clock: SimulatedClock, name: string, depth: number, boot: number) {
    this.name = name;
    this.clock = clock;
    this.network = hub.join(name, { bootEpoch: fill(boot, 24) });
    this.stock = new Stock({
      depth,
      key: keyOf(name),
      group: secp256k1,
      clock,
      log: createLog('warn', (line) => void this.log.push(line)),
      randomness: seeded(Uint8Array.of(names.indexOf(name), boot)),
      peers: () => this.network.peers(),
      peerOf: nameOf,
      nodeOf,
      isBanned: (node) => this.banned.has(nameOf(node)),
      busy: () => this.busy,
      send: (to, message) => {
        for (const said of this.tamper(message, to)) this.say(to, said);
      },
      choose: async (input) => this.#choose(input),
      complete: async (input) => this.#complete(input),
    });
    this.network.onFrame((peer, bytes) => this.stock.receive(peer, wire.decode(stockMessageCodec, bytes)));
    this.network.onPeer((peer, connected) => (connected ? this.stock.greet(peer) : this.stock.lost(peer)));
    this.stock.open();
  }

  say(to: string, message: StockMessage): void {
    this.sent.push({ to, message });
    this.network.send(to, wire.encode(stockMessageCodec, message)).catch(() => undefined);
  }

  async leave(): Promise<void> {
    this.stock.close();
    await this.network.close();
  }

  take(from: string): TakenSets {
    return this.stock.take(nodeOf(from));
  }

  async #choose({ session, alice, bob, key }: ChooseSet): Promise<MadeSet> {
    const points = garbage.map((_, i) => (session[i % 32] as number) ^ 85);
    return await this.#work({ session, alice, bob, key, points });
  }

  async #complete({ session, alice, bob, key, keySecret, points }: CompleteSet): Promise<MadeSet | Unusable> {
    keySecret.fill(0);
    const made = await this.#work({ session, alice, bob, key, points });
    return equal(points, garbage) ? { unusable: 'the points are none' } : made;
  }

  async #work({ session, alice, bob, key, points }: Omit<CompleteSet, 'keySecret'>): Promise<MadeSet> {
    this.computed++;
    this.atOnce = Math.max(this.atOnce, ++this.computing);
    await new Promise<void>((resolve) => void this.clock.after(300, resolve));
    this.computing--;
    const id = hash('quorate/test/set', session, alice, bob, key, points);
    const half = id.slice();
    this.halves.push(half);
    return { id, half, points };
  }
}

/** Members named a, b, c on one clock. */
class Scene {
  readonly clock: SimulatedClock = simulatedClock();
  readonly hub: MemoryHub;
  readonly #depth: number;
  #boots = 0;

  constructor(count: number, depth = 1) {
    const members = names.slice(0, count).map((name) => ({ peer: name, name }));
    this.hub = new MemoryHub({ clock: this.clock, members });
    this.#depth = depth;
  }

  join(name: string, depth = this.#depth): Member {
    return new Member(this.hub, this.clock, name, depth, ++this.#boots);
  }

  async seconds(count: number): Promise<void> {
    await this.clock.settle(count * 1_000);
  }
}

async function pair(depth = 1): Promise<{ readonly scene: Scene; readonly a: Member; readonly b: Member }> {
  const scene = new Scene(2, depth);
  const [a, b] = [scene.join('a'), scene.join('b')];
  await scene.seconds(10);
  return { scene, a, b };
}

/** Whether what two members took belongs together, in each direction: undefined when neither has anything. */
function fits(one: TakenSets, other: TakenSets): readonly (boolean | undefined)[] {
  const same = (mine: Uint8Array | undefined, theirs: Uint8Array | undefined): boolean | undefined =>
    mine === undefined && theirs === undefined ? undefined : toHex(mine ?? fill(1)) === toHex(theirs ?? fill(2));
  return [same(one.asAlice, other.asBob), same(one.asBob, other.asAlice)];
}

const none: TakenSets = { asAlice: undefined, asBob: undefined };
const kinds = ({ sent }: Member, type: StockMessage['type'], to: string): number =>
  sent.filter((one) => one.to === to && one.message.type === type).length;
const wiped = (half: Uint8Array): boolean => half.every((byte) => byte === 0);

describe('idle members', () => {
  test('make a set with every other one, in both directions, one after the other, and are then quiet', async () => {
    const scene = new Scene(3);
    const all = names.map((name) => scene.join(name));
    for (const { stock } of all) expect(stock.status()).toEqual({ pairs: 2, ready: 0 });
    await scene.seconds(10);
    for (const { stock, computed, atOnce } of all) {
      expect(stock.status()).toEqual({ pairs: 2, ready: 2 });
      expect([computed, atOnce]).toEqual([4, 1]);
    }
    const before = all.map(({ sent }) => sent.length);
    await scene.seconds(3_600);
    expect(all.map(({ sent }) => sent.length)).toEqual(before);
    const [a, b, c] = all as [Member, Member, Member];
    for (const [one, other] of [
      [a, b],
      [a, c],
      [b, c],
    ] as const) {
      expect(fits(one.take(other.name), other.take(one.name))).toEqual([true, true]);
    }
  });

  test('take their sets in one order, each once, and make others', async () => {
    const { scene, a, b } = await pair(2);
    for (let round = 0; round < 2; round++) expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
    expect([a.take('b'), b.take('a')]).toEqual([none, none]);
    expect([...a.halves, ...b.halves].every(wiped)).toBe(true);
    await scene.seconds(10);
    for (let round = 0; round < 2; round++) expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('come together again after only one of them has taken', async () => {
    const { scene, a, b } = await pair(2);
    a.take('b');
    await scene.seconds(60);
    for (let round = 0; round < 2; round++) expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
    await scene.seconds(60);
    b.take('a');
    b.take('a');
    await scene.seconds(60);
    for (let round = 0; round < 2; round++) expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('come together again although messages were lost', async () => {
    const scene = new Scene(2, 2);
    let n = 0;
    scene.hub.fate = () => ({ drop: n++ % 3 !== 0 });
    const [a, b] = [scene.join('a'), scene.join('b')];
    await scene.seconds(1_200);
    scene.hub.fate = () => undefined;
    await scene.seconds(1_200);
    for (let round = 0; round < 2; round++) expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('forget a set after a day, and make another', async () => {
    const { scene, a, b } = await pair();
    const first = [...a.halves, ...b.halves];
    expect(first.some(wiped)).toBe(false);
    await scene.seconds(limits.stockLife / 1_000 + 30);
    expect(first.every(wiped)).toBe(true);
    expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('make none when told so', async () => {
    const scene = new Scene(2);
    const [a, b] = [scene.join('a', 0), scene.join('b')];
    await scene.seconds(3_600);
    expect([a.stock.status(), b.stock.status()]).toEqual([
      { pairs: 0, ready: 0 },
      { pairs: 1, ready: 0 },
    ]);
    expect([a.computed, a.sent.length, b.computed]).toEqual([0, 0, 0]);
    expect(kinds(b, 'offer', 'a')).toBeLessThan(20);
  });
});

describe('a member with a session', () => {
  test('begins nothing and computes nothing until it is over', async () => {
    const scene = new Scene(2);
    const [a, b] = [scene.join('a'), scene.join('b')];
    a.busy = true;
    await scene.seconds(60);
    expect([a.computed, a.sent.length]).toEqual([0, 0]);
    a.busy = false;
    await scene.seconds(10);
    expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });
});

describe('a restart', () => {
  test('of the other side wipes what was made with its earlier life', async () => {
    const { scene, a, b } = await pair();
    const old = [...a.halves];
    await b.leave();
    await scene.seconds(1);
    const again = scene.join('b');
    await scene.seconds(1);
    expect(old.every(wiped)).toBe(true);
    expect(a.take('b')).toEqual(none);
    await scene.seconds(10);
    expect(fits(a.take('b'), again.take('a'))).toEqual([true, true]);
  });

  test('is told from a connection that broke, which costs nothing', async () => {
    const { scene, a, b } = await pair();
    scene.hub.partition(['a'], ['b']);
    await scene.seconds(5);
    scene.hub.heal();
    await scene.seconds(5);
    expect(a.computed).toBe(2);
    expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('wipes everything here, what is being made, too', async () => {
    const { scene, a, b } = await pair(2);
    a.take('b');
    b.take('a');
    await scene.clock.settle(1_050);
    expect([a.computing, b.computing]).toEqual([1, 1]);
    a.stock.close();
    await b.leave();
    await scene.seconds(1);
    expect([...a.halves, ...b.halves].every(wiped)).toBe(true);
  });
});

describe('a ban', () => {
  test('wipes what was made, and what is being made, with that member, and no other', async () => {
    const scene = new Scene(3);
    const [a, b, c] = [scene.join('a'), scene.join('b'), scene.join('c')];
    await scene.seconds(10);
    a.banned.add('b');
    a.stock.drop(nodeOf('b'));
    expect(a.stock.status()).toEqual({ pairs: 1, ready: 1 });
    expect(a.halves.filter(wiped).length).toBe(2);
    expect(a.take('b')).toEqual(none);
    expect(fits(a.take('c'), c.take('a'))).toEqual([true, true]);
    await scene.seconds(60);
    // Nothing begins with b any more, and nothing that b begins is answered.
    expect(a.stock.status()).toEqual({ pairs: 1, ready: 1 });
    const computed = a.computed;
    b.say('a', { type: 'offer', value: { session: fill(1), key, sets: [] } });
    await scene.seconds(60);
    expect([a.computed, kinds(a, 'offer', 'b'), kinds(a, 'points', 'b')]).toEqual([computed, 1, 1]);
  });

  test('while the work is under way leaves nothing of it', async () => {
    const scene = new Scene(2);
    const [a] = [scene.join('a'), scene.join('b')];
    await scene.clock.settle(2_050);
    expect(a.computing).toBe(1);
    a.banned.add('b');
    a.stock.drop(nodeOf('b'));
    await scene.seconds(10);
    expect(a.halves.length).toBe(1);
    expect(a.halves.every(wiped)).toBe(true);
    expect(a.take('b')).toEqual(none);
  });
});

describe('a hostile member', () => {
  const offer = (byte: number): StockMessage => ({
    type: 'offer',
    value: { session: fill(byte), key, sets: [] },
  });

  test('gets no more work out of another than its budget, and no more than two halves in its memory', async () => {
    const { scene, a, b } = await pair();
    const before = a.computed;
    b.stock.close();
    for (let second = 0; second < 300; second++) {
      for (let i = 0; i < 50; i++) b.say('a', offer((second * 50 + i) % 256));
      b.say('a', { type: 'wanted', value: { sets: [] } });
      await scene.seconds(1);
      expect(a.atOnce).toBe(1);
      expect(a.halves.filter((half) => !wiped(half)).length).toBeLessThanOrEqual(2);
    }
    expect(a.computed - before).toBeLessThanOrEqual(limits.stockBurst + 310 * limits.stockPerSecond);
    expect(a.computed - before).toBeGreaterThan(10);
  });

  test('does not get a new budget by coming again', async () => {
    const scene = new Scene(2);
    const a = scene.join('a');
    for (let life = 0; life < 60; life++) {
      const b = scene.join('b');
      b.stock.close();
      await scene.clock.settle(10);
      b.say('a', offer(life));
      await scene.clock.settle(900);
      await b.leave();
      await scene.clock.settle(90);
    }
    expect(a.computed).toBeLessThanOrEqual(limits.stockBurst + 61 * limits.stockPerSecond);
  });

  test('that sends points which make no set is tried again later and later, logged, and not banned', async () => {
    const scene = new Scene(2);
    const [a, b] = [scene.join('a'), scene.join('b')];
    b.tamper = (message) => [
      message.type === 'points' ? { ...message, value: { ...message.value, points: garbage } } : message,
    ];
    await scene.seconds(3_600);
    expect(a.stock.status()).toEqual({ pairs: 1, ready: 0 });
    expect(a.take('b').asBob).toBeUndefined();
    expect(a.log.length).toBe(kinds(a, 'offer', 'b'));
    expect(a.log.length).toBeGreaterThan(3);
    expect(a.log.length).toBeLessThan(20);
    expect(a.banned.size).toBe(0);
    // And is taken back when it mends its ways.
    b.tamper = (message) => [message];
    await scene.seconds(3_600);
    expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('that answers twice, unasked, late, or in the place of another, makes nobody compute', async () => {
    const scene = new Scene(3);
    const [a, b, c] = [scene.join('a'), scene.join('b'), scene.join('c', 0)];
    const stolen: StockMessage[] = [];
    b.tamper = (message) => {
      if (message.type === 'points') stolen.push(message);
      // c is quicker than b, with the session of b.
      if (message.type === 'points') c.say('a', { ...message, value: { ...message.value, points: garbage } });
      return [message, message];
    };
    c.say('a', { type: 'points', value: { session: fill(0), points: garbage } });
    await scene.seconds(10);
    expect(stolen.length).toBe(1);
    expect([a.computed, b.computed]).toEqual([2, 2]);
    b.say('a', stolen[0] as StockMessage);
    c.say('a', { type: 'wanted', value: { sets: [] } });
    c.say('a', offer(7));
    await scene.seconds(10);
    // As Alice of c's offer, and no more.
    expect(a.computed).toBe(3);
    expect(a.log).toEqual([]);
    expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
  });

  test('of no roster is not heard', async () => {
    const { scene, a } = await pair();
    const before = a.computed;
    a.take('b');
    a.stock.receive('c', offer(1));
    expect(a.computed).toBe(before);
    await scene.seconds(1);
    expect(kinds(a, 'points', 'c')).toBe(0);
  });
});

test('a thread that dies costs the set it worked on', async () => {
  const scene = new Scene(2);
  const a = scene.join('a');
  const b = scene.join('b');
  const after = scene.clock.after.bind(scene.clock);
  // The work waits for 300 ms, and nothing else does.
  scene.clock.after = (milliseconds, run) => {
    if (milliseconds !== 300) return after(milliseconds, run);
    throw new Error('the worker thread died');
  };
  await scene.seconds(30);
  scene.clock.after = after;
  expect(a.log.length + b.log.length).toBeGreaterThan(0);
  await scene.seconds(600);
  expect(fits(a.take('b'), b.take('a'))).toEqual([true, true]);
});
