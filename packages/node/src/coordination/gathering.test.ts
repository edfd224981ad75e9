import { pureNodeKey, type Registration, register } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { type Advice, type Gathering, type GatheringStep, gather } from './gathering.ts';

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const grace = { turn: 100, complaint: 2_000 };
const all = [1, 2, 3, 4, 5];
const everybody: Advice = { live: new Set(all), suspected: new Set() };
const key = pureNodeKey(bytes(1));

let nonces = 0;
const registration = (
  avoid: readonly number[] = [],
  apart: readonly number[] = [],
  presigned: Registration['presigned'] = { signers: [], ids: [] },
): Registration =>
  register(
    {
      network: bytes(1),
      request: bytes(2),
      digest: bytes(3),
      epoch: 1,
      attempt: 0,
      nonce: bytes(++nonces & 0xff),
      bootEpoch: bytes(4, 24),
      receiveKey: bytes(0, 0),
      avoid,
      apart,
      presigned,
    },
    key,
  );

const empty = (need: number, order: readonly number[] = all): Gathering => ({
  network: bytes(1),
  kind: 2,
  request: bytes(2),
  digest: bytes(3),
  epoch: 1,
  need,
  order,
  registrations: new Map(),
  complaints: new Map(),
  attended: new Map(),
  enoughSince: undefined,
  attempt: 0,
});

/** Registers party after party at time 0 and says whom each start seats. */
class Table {
  gathering: Gathering;
  advice: Advice;
  readonly seated: number[][] = [];
  /** The first byte of the presignature that each start names, if any. */
  readonly used: (number | undefined)[] = [];

  constructor(gathering: Gathering, advice: Advice = everybody) {
    this.gathering = gathering;
    this.advice = advice;
  }

  register(party: number, avoid: readonly number[] = [], now = 0, apart: readonly number[] = []): this {
    return this.#take(
      gather(
        this.gathering,
        { type: 'registered', party, registration: registration(avoid, apart), now },
        this.advice,
        grace,
      ),
    );
  }

  /** Registers, and offers presignatures of these signers, whose ids consist of these bytes. */
  offer(party: number, signers: readonly number[], ids: readonly number[], apart: readonly number[] = []): this {
    const offer = registration([], apart, { signers, ids: ids.map((id) => bytes(id)) });
    return this.#take(
      gather(this.gathering, { type: 'registered', party, registration: offer, now: 0 }, this.advice, grace),
    );
  }

  tick(now: number): this {
    return this.#take(gather(this.gathering, { type: 'tick', now }, this.advice, grace));
  }

  #take({ gathering, start }: GatheringStep): this {
    this.gathering = gathering;
    if (start !== undefined) {
      this.seated.push(start.participants.map(({ party }) => party));
      this.used.push(start.presignature[0]);
    }
    return this;
  }
}

describe('a coordinator', () => {
  test('begins at once when those whose turn it is are there', () => {
    const table = new Table(empty(3, [4, 2, 5, 1, 3])).register(5).register(2);
    expect(table.seated).toEqual([]);
    expect(table.register(4).seated).toEqual([[2, 4, 5]]);
  });

  test('seats nobody beside one that it apart, whichever of the two says so', () => {
    for (const [claimant, banned] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const table = new Table(empty(3, all));
      for (const party of all) table.register(party, [], 0, party === claimant ? [banned] : []);
      table.tick(grace.turn);
      expect(table.seated).toEqual([[banned, 3, 4]]);
    }
  });

  test('lets a false claim of apart cost its claimant the seat, and nobody else', () => {
    const table = new Table(empty(3, all)).register(1, [], 0, [2, 3, 4, 5]).register(2).register(3);
    expect(table.tick(grace.turn).seated).toEqual([]);
    expect(table.register(4).tick(2 * grace.turn).seated).toEqual([[2, 3, 4]]);
  });

  test('lets nobody whom all the others ban keep them from sitting together', () => {
    const three = new Table(empty(2, [1, 2, 3])).register(1).register(2, [], 0, [1]).register(3, [], 0, [1]);
    expect(three.tick(grace.turn).seated).toEqual([[2, 3]]);
    // 1 is banned by two, and apart nobody: with those that never met it, it would seat too few.
    const five = new Table(empty(3, all)).register(1).register(2, [], 0, [1]).register(3, [], 0, [1]);
    expect(five.register(4, [], 0, [1]).tick(grace.turn).seated).toEqual([[2, 3, 4]]);
  });

  test('finds the honest majority among liars that ban, and are banned, as suits them', () => {
    // 6 and 7 lie; between them they stand in the way of each of the others.
    const apart = new Map([
      [1, [6]],
      [2, [6, 7]],
      [3, [7]],
      [4, [6]],
      [6, [5]],
    ]);
    const order = [6, 7, 1, 2, 3, 4, 5];
    const table = new Table(empty(5, order), { live: new Set(order), suspected: new Set() });
    for (const party of order) table.register(party, [], 0, apart.get(party));
    expect(table.tick(grace.turn).seated).toEqual([[1, 2, 3, 4, 5]]);
  });

  test('begins nothing with too few that can sit together', () => {
    const table = new Table(empty(2, [1, 2])).register(1, [], 0, [2]).register(2);
    expect(table.tick(grace.turn).tick(60_000).seated).toEqual([]);
  });

  test('waits a moment for them when others are there, then begins with the others', () => {
    const table = new Table(empty(3)).register(5).register(4).register(3);
    expect(table.tick(grace.turn - 1).seated).toEqual([]);
    expect(table.tick(grace.turn).seated).toEqual([[3, 4, 5]]);
  });

  test('begins with those whose turn it is when they come within that moment', () => {
    const table = new Table(empty(2)).register(5).register(4).register(1).register(2);
    expect(table.seated).toEqual([[1, 2]]);
  });

  test('measures the moment from when enough were there', () => {
    const table = new Table(empty(3)).register(5, [], 0).register(4, [], 500).register(3, [], 1_000);
    expect(table.tick(1_000 + grace.turn - 1).seated).toEqual([]);
    expect(table.tick(1_000 + grace.turn).seated).toEqual([[3, 4, 5]]);
  });

  test('uses a registration once', () => {
    const table = new Table(empty(3)).register(1).register(2).register(3);
    expect(table.tick(60_000).register(1, [], 60_000).register(2, [], 60_000).seated.length).toBe(1);
    expect(table.register(3, [], 60_000).tick(120_000).seated.length).toBe(2);
  });

  test('numbers its attempts, so that no two starts are the same', () => {
    let gathering = empty(2, [1, 2]);
    const attempts: number[] = [];
    for (let i = 0; i < 3; i++) {
      for (const party of [1, 2]) {
        const step = gather(
          gathering,
          { type: 'registered', party, registration: registration(), now: i * 60_000 },
          everybody,
          grace,
        );
        gathering = step.gathering;
        if (step.start !== undefined) attempts.push(step.start.attempt);
      }
    }
    expect(attempts).toEqual([0, 1, 2]);
  });

  test('takes the latest registration of each', () => {
    const first = registration();
    const second = registration();
    let { gathering } = gather(
      empty(2),
      { type: 'registered', party: 1, registration: first, now: 0 },
      everybody,
      grace,
    );
    ({ gathering } = gather(
      gathering,
      { type: 'registered', party: 1, registration: second, now: 0 },
      everybody,
      grace,
    ));
    const { start } = gather(
      gathering,
      { type: 'registered', party: 2, registration: registration(), now: 0 },
      everybody,
      grace,
    );
    expect(start?.participants[0]?.registration).toBe(second);
  });

  test('seats nobody who is no member', () => {
    const table = new Table(empty(2)).register(9).register(1);
    expect(table.tick(60_000).seated).toEqual([]);
  });

  test('prefers who is connected, then who is not suspected', () => {
    const advice = { live: new Set([2, 3, 4, 5]), suspected: new Set([2]) };
    const table = new Table(empty(2), advice).register(1).register(2).register(3);
    expect(table.seated).toEqual([]);
    expect(table.register(4).seated).toEqual([[3, 4]]);
  });

  test('seats even who is suspected when nobody else is there: advice decides whom to prefer, never who may', () => {
    const table = new Table(empty(2), { live: new Set(), suspected: new Set(all) }).register(1).register(2);
    expect(table.tick(60_000).seated).toEqual([[1, 2]]);
  });

  test('does without whoever failed the others', () => {
    const table = new Table(empty(3)).register(4).register(5).register(1).register(2).register(3);
    expect(table.seated).toEqual([[1, 2, 3]]);
    table.register(2, [1]).register(3, [1]).register(1);
    expect(table.tick(grace.complaint).seated[1]).not.toContain(1);
  });

  test('pauses before it seats who failed before, when there is nobody better', () => {
    const table = new Table(empty(2, [1, 2])).register(1).register(2);
    table.register(1, [2], 1_000).register(2, [1], 1_000);
    expect(table.tick(1_000 + grace.complaint - 1).seated.length).toBe(1);
    expect(table.tick(1_000 + grace.complaint).seated.length).toBe(2);
  });

  test('counts each complainer once, however often it complains', () => {
    const table = new Table(empty(5)).register(5, [1]);
    for (let i = 0; i < 10; i++) table.register(5, []).register(5, [1, 1, 5]);
    expect(table.gathering.complaints).toEqual(new Map([[1, new Set([5])]]));
  });

  test.for([
    [3, 5, 2],
    [2, 3, 1],
    [4, 7, 3],
  ] as const)('of %d of %d finds the honest, whatever %d liars complain and spoil', ([need, n, f]) => {
    const parties = Array.from({ length: n }, (_, i) => i + 1);
    const liars = parties.slice(0, f);
    const honest = parties.slice(f);
    const table = new Table(empty(need, parties), { live: new Set(parties), suspected: new Set() });
    const avoids = new Map<number, Set<number>>(
      parties.map((party) => [party, new Set(liars.includes(party) ? honest : [])]),
    );
    const register = (party: number, now: number) => table.register(party, [...(avoids.get(party) ?? [])], now);
    for (const party of parties) register(party, 0);
    let now = 0;
    for (let round = 0; round < 40; round++) {
      now += 3_000;
      table.tick(now);
      const seated = table.seated.at(-1) ?? [];
      if (seated.length > 0 && seated.every((party) => honest.includes(party))) break;
      // The liars among them spoil it: whoever is honest complains of them, and all come again.
      for (const party of seated) {
        for (const liar of seated.filter((one) => liars.includes(one)))
          if (honest.includes(party)) avoids.get(party)?.add(liar);
        register(party, now);
      }
    }
    expect(table.seated.at(-1)?.every((party) => honest.includes(party))).toBe(true);
    expect(table.seated.length).toBeLessThanOrEqual(3 * n);
  });
});

test('who has no seat to take is not heard', () => {
  const table = new Table(empty(3)).register(9, [1, 2]);
  expect(table.gathering.complaints.size).toBe(0);
  expect(table.gathering.registrations.size).toBe(0);
});

describe('a coordinator that is offered presignatures', () => {
  const order = [4, 2, 5, 1, 3];
  const three = [1, 3, 5];
  const open = (advice: Advice = everybody): Table => new Table(empty(3, order), advice);

  test('seats those who made one and all offer it, as soon as they are there, whosever turn it is', () => {
    const table = open().offer(1, three, [7, 8]).register(4).offer(3, three, [9, 8]).register(2).offer(5, three, [8]);
    expect([table.seated, table.used]).toEqual([[three], [8]]);
  });

  test('waits for the others who made one, but not for long, and not for nothing', () => {
    const turns = (advice: Advice = everybody): Table =>
      open(advice).offer(4, [1, 4, 5], [7]).register(2).offer(5, [1, 4, 5], [7]);
    const late = turns();
    expect(late.seated).toEqual([]);
    expect([late.offer(1, [1, 4, 5], [7]).seated, late.used]).toEqual([[[1, 4, 5]], [7]]);
    const never = turns();
    expect(never.tick(grace.turn - 1).seated).toEqual([]);
    expect([never.tick(grace.turn).seated, never.used]).toEqual([[[2, 4, 5]], [undefined]]);
    // It came without.
    expect(turns().register(1).seated).toEqual([[2, 4, 5]]);
    for (const advice of [
      { live: new Set([2, 3, 4, 5]), suspected: new Set<number>() },
      { live: new Set(all), suspected: new Set([1]) },
    ]) {
      expect(turns(advice).seated).toEqual([[2, 4, 5]]);
    }
    // Those who are there do not agree on who made it.
    expect(open().offer(4, [1, 4, 5], [7]).register(2).offer(5, [3, 4, 5], [7]).seated).toEqual([[2, 4, 5]]);
  });

  test('uses none unless all who made it say so: whoever claims another one’s gains nothing', () => {
    // 4 says that it made with 1 and 3 what they made with 5.
    const claimed = open().offer(1, three, [7]).offer(3, three, [7]).offer(4, [1, 3, 4], [7]);
    expect(claimed.seated).toEqual([]);
    expect([claimed.offer(5, three, [7]).seated, claimed.used]).toEqual([[three], [7]]);
    const lied = open().offer(1, three, [7]).offer(3, three, [8]).offer(5, three, [7, 8]).tick(grace.turn);
    expect(lied.used).toEqual([undefined]);
    // Too few for a signature.
    const few = open().offer(1, [1, 3], [7]).offer(3, [1, 3], [7]).register(2).tick(0);
    expect(few.seated).toEqual([]);
    const stranger = open().offer(1, [1, 3, 9], [7]).offer(3, [1, 3, 9], [7]).offer(5, three, [7]).tick(grace.turn);
    expect(stranger.used).toEqual([undefined]);
  });

  test('seats nobody by it who is gone, suspected, complained of, or kept apart', () => {
    const offerAll = (table: Table, apart: readonly number[] = []): Table =>
      table.offer(1, three, [7], apart).offer(3, three, [7]).offer(5, three, [7]);
    expect(offerAll(open()).used).toEqual([7]);
    const suspected: Advice = { live: new Set(all), suspected: new Set([3]) };
    const gone: Advice = { live: new Set([1, 2, 4, 5]), suspected: new Set() };
    for (const table of [open(suspected), open(gone), open().register(4, [5])]) {
      expect(offerAll(table).tick(grace.complaint).used).toEqual([undefined]);
    }
    expect(offerAll(open(), [3]).tick(grace.turn).seated).toEqual([]);
  });
});
