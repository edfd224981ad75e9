import {
  Abort,
  blame,
  broadcast,
  type Court,
  decodeEnvelope,
  InputError,
  type NodeKey,
  type Party,
  type Protocol,
  pureEd25519,
  pureNodeKey,
  seeded,
  toHex,
  wire,
} from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { type SimulatedClock, simulatedClock } from '../clock.ts';
import { type Host, inlineHost, type Progress, ThreadDied } from './host.ts';
import { type Ending, Run, type RunOptions } from './runner.ts';

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);
const parties = [1, 2, 3];
const keys = new Map<Party, NodeKey>(parties.map((party) => [party, pureNodeKey(seeded(fill(party)).bytes(32))]));
const first = { label: 'first', broadcast: wire.u16, guarded: true } as const;
const second = { label: 'second', broadcast: wire.u16 } as const;
const deadlines = { round: 1_000, session: 5_000 };

const court: Court = {
  network: fill(1),
  sid: fill(2),
  kind: 2,
  parties,
  keys: new Map([...keys].map(([party, { publicKey }]) => [party, publicKey])),
  signatures: pureEd25519,
  rounds: [first, second],
  rules: {},
};

/** Everybody says a number, then the sum of all: a guarded round and one after it. */
function* sum(me: Party): Protocol<number> {
  const numbers = yield* broadcast(first, me);
  const total = [...numbers.broadcasts.values()].reduce((all, { value }) => all + value, 0);
  yield* broadcast(second, total);
  return total;
}

interface Party3 {
  readonly run: Run<number>;
  readonly ended: Promise<Ending<number>>;
  readonly rounds: string[];
  readonly spent: string[];
  readonly said: { readonly to: Party; readonly frame: Uint8Array }[];
  readonly closed: () => boolean;
}

/** Three runs that hear each other; `change` replaces options of a party, `deliver` decides what arrives. */
function table(
  clock: SimulatedClock,
  change: (me: Party) => Partial<RunOptions<number>> = () => ({}),
  deliver: (from: Party, to: Party, frame: Uint8Array) => boolean = () => true,
): ReadonlyMap<Party, Party3> {
  const seats = new Map<Party, Party3>();
  for (const me of parties) {
    const rounds: string[] = [];
    const spent: string[] = [];
    const said: { to: Party; frame: Uint8Array }[] = [];
    let closed = false;
    const inner = inlineHost(sum(me));
    const host: Host<number> = {
      next: inner.next,
      close: () => {
        closed = true;
        inner.close();
      },
    };
    const run = new Run<number>({
      court,
      me,
      key: keys.get(me) as NodeKey,
      host,
      clock,
      deadlines,
      send: (to, frame) => {
        said.push({ to, frame });
        if (deliver(me, to, frame)) clock.after(1, () => seats.get(to)?.run.receive(me, frame));
      },
      spend: async (round) => void spent.push(round),
      answered: () => undefined,
      unanswered: async () => undefined,
      ban: async () => undefined,
      guard: async (step) => step(),
      onRound: (label) => void rounds.push(label),
      ...change(me),
    });
    seats.set(me, { run, rounds, spent, said, ended: undefined as never, closed: () => closed });
  }
  for (const [me, seat] of seats) seats.set(me, { ...seat, ended: seat.run.run() });
  return seats;
}

const at = (seats: ReadonlyMap<Party, Party3>, party: Party): Party3 => seats.get(party) as Party3;

describe('a run', () => {
  test('brings the protocol to its result, and says in which round it is', async () => {
    const clock = simulatedClock();
    const seats = table(clock);
    await clock.settle(10);
    for (const { ended, rounds, spent, closed } of seats.values()) {
      expect(await ended).toEqual({ type: 'done', result: 6 });
      expect(rounds).toEqual(['first', 'second']);
      expect(spent).toEqual(['first']);
      expect(closed()).toBe(true);
    }
    expect(clock.pending).toBe(0);
  });

  test('waits for the record of a guarded round before it answers it', async () => {
    const clock = simulatedClock();
    let recorded = (): void => undefined;
    const written = new Promise<void>((resolve) => {
      recorded = resolve;
    });
    const seats = table(clock, (me) => (me === 1 ? { spend: async () => written } : {}));
    await clock.settle(100);
    expect(at(seats, 1).rounds).toEqual(['first']);
    expect(at(seats, 1).said.length).toBe(2);
    recorded();
    await clock.settle(100);
    expect((await at(seats, 1).ended).type).toBe('done');
    expect(at(seats, 1).said.length).toBe(4);
  });

  test('makes a ban durable before it says anything, and says no more than that it leaves', async () => {
    const clock = simulatedClock();
    const banned: Party[][] = [];
    let durable = (): void => undefined;
    const written = new Promise<void>((resolve) => {
      durable = resolve;
    });
    const seats = table(clock, (me) =>
      me !== 1
        ? {}
        : {
            host: {
              next: async (inbox) =>
                inbox === undefined
                  ? inlineHost(sum(1)).next(undefined)
                  : { type: 'abort', abort: new Abort('first', [], undefined, [3]) },
              close: () => undefined,
            },
            ban: async (parties) => {
              banned.push([...parties]);
              await written;
            },
          },
    );
    await clock.settle(100);
    expect(banned).toEqual([[3]]);
    expect(at(seats, 1).said.length).toBe(2);
    durable();
    await clock.settle(100);
    expect(await at(seats, 1).ended).toEqual({ type: 'banned', parties: [3] });
    const last = decodeEnvelope(at(seats, 1).said.at(-1)?.frame as Uint8Array);
    expect([last.class, toHex(last.payload)]).toEqual(['abort', '0000']);
  });

  test('spends and answers a guarded round while it holds the peers, and not otherwise', async () => {
    const clock = simulatedClock();
    const log: string[] = [];
    const seats = table(clock, (me) =>
      me !== 1
        ? {}
        : {
            spend: async (round) => void log.push(`spend ${round}`),
            guard: async (step) => {
              log.push('hold');
              const result = await step();
              log.push('release');
              return result;
            },
            onRound: (label) => void log.push(label),
          },
    );
    await clock.settle(100);
    expect((await at(seats, 1).ended).type).toBe('done');
    expect(log).toEqual(['first', 'hold', 'spend first', 'release', 'second']);
  });

  test('says nothing more when the record fails, and rejects', async () => {
    const clock = simulatedClock();
    const full = new Error('disk full');
    const seats = table(clock, (me) => (me === 1 ? { spend: async () => Promise.reject(full) } : {}));
    const failure = at(seats, 1).ended.catch((error: unknown) => error);
    await clock.settle(100);
    expect(await failure).toBe(full);
    expect(at(seats, 1).said.length).toBe(2);
    expect(at(seats, 1).closed()).toBe(true);
  });

  test('ends by the deadline of a round, names who was silent, and tells the others', async () => {
    const clock = simulatedClock();
    const seats = table(clock, undefined, (from) => from !== 3);
    await clock.settle(deadlines.round - 1);
    expect(at(seats, 1).closed()).toBe(false);
    await clock.settle(10);
    expect(await at(seats, 1).ended).toEqual({ type: 'silent', round: 'first', missing: [3] });
    expect(await at(seats, 2).ended).toMatchObject({ type: 'silent', round: 'first' });
    expect(clock.pending).toBe(0);
  });

  test('answers no round after its deadline, even if it stood still while everything arrived', async () => {
    const clock = simulatedClock();
    const stillIn = (party: Party): Partial<RunOptions<number>> =>
      party === 1 ? { spend: async () => clock.jump(deadlines.round + 1) } : {};
    const { ended, rounds } = at(table(clock, stillIn), 1);
    await clock.settle(10);
    expect(await ended).toMatchObject({ type: 'silent', round: 'first' });
    expect(rounds).toEqual(['first']);
  });

  test('ends by the deadline of the session when the protocol itself stands still', async () => {
    const clock = simulatedClock();
    const stuck: Host<number> = { next: async () => new Promise(() => undefined), close: () => undefined };
    const seats = table(clock, () => ({ host: stuck }));
    await clock.settle(deadlines.session);
    expect(await at(seats, 1).ended).toEqual({ type: 'silent', round: 'start', missing: [] });
  });

  test('leaves when it is told to, and the others do not wait for it', async () => {
    const clock = simulatedClock();
    const seats = table(clock, undefined, (from, _to, frame) => from !== 1 || frame.length > 400);
    await clock.settle(5);
    const timers = clock.pending;
    at(seats, 1).run.leave();
    expect(await at(seats, 1).ended).toEqual({ type: 'left' });
    // Of the round and of the session: they would keep a process that is to end.
    expect(clock.pending).toBe(timers - 2);
    expect(at(seats, 1).closed()).toBe(true);
    const said = at(seats, 1).said.length;
    at(seats, 1).run.leave();
    await clock.settle(deadlines.session);
    expect(at(seats, 1).said.length).toBe(said);
  });

  test('says one thing alone when it is told to leave, and finds a cheat at the same moment', async () => {
    const clock = simulatedClock();
    const { promise, resolve } = Promise.withResolvers<Progress<number>>();
    const host = { next: async () => promise, close: () => undefined };
    const seats = table(clock, (me) => (me === 1 ? { host } : {}));
    await clock.settle(5);
    resolve({ type: 'abort', abort: new Abort('first', [blame(3, 'malformed', [])]) });
    at(seats, 1).run.leave();
    await clock.settle(5);
    // The cheat would be written down by nobody.
    expect(await at(seats, 1).ended).toEqual({ type: 'left' });
    expect(at(seats, 1).said.map(({ to }) => to)).toEqual([2, 3]);
  });

  test('who hears that another gave up suspects that one, and blames nobody', async () => {
    const clock = simulatedClock();
    const seats = table(clock, (me) =>
      me === 3 ? { host: { next: async () => new Promise(() => undefined), close: () => undefined } } : {},
    );
    await clock.settle(5);
    at(seats, 3).run.leave();
    await clock.settle(5);
    expect(await at(seats, 1).ended).toEqual({ type: 'silent', round: 'first', missing: [3] });
  });

  test('names a cheater with evidence, and everybody follows', async () => {
    const clock = simulatedClock();
    const twice = inlineHost(
      (function* (): Protocol<number> {
        yield {
          label: 'first',
          broadcast: fill(9, 3),
          direct: undefined,
          expects: { broadcast: true, direct: false },
          guarded: true,
        };
        return 0;
      })(),
    );
    const seats = table(clock, (me) => (me === 3 ? { host: twice } : {}));
    await clock.settle(10);
    for (const party of [1, 2]) {
      const ending = await at(seats, party).ended;
      expect(ending).toMatchObject({ type: 'cheated', blames: [{ party: 3, code: 'malformed' }] });
    }
  });

  test('rejects on a bug, and stops', async () => {
    const clock = simulatedClock();
    const bug = new TypeError('a bug');
    let unanswered = 0;
    const seats = table(clock, (me) => {
      if (me !== 1) return {};
      const { close, next } = inlineHost(sum(1));
      return {
        host: { close, next: async (inbox) => (inbox === undefined ? next(inbox) : Promise.reject(bug)) },
        unanswered: async () => void unanswered++,
      };
    });
    const failure = at(seats, 1).ended.catch((error: unknown) => error);
    await clock.settle(5);
    expect(await failure).toBe(bug);
    expect([unanswered, at(seats, 1).said.length]).toEqual([0, 2]);
  });

  const ends: readonly (readonly [string, number, Error, unknown])[] = [0, 1, 2].flatMap((step) => {
    const unfit = new InputError('no such dealer');
    return [
      ['its thread dies', step, new ThreadDied({ cause: 'out of memory' }), 'out of memory'] as const,
      ['it was given the impossible', step, unfit, unfit] as const,
    ];
  });
  test.for(ends)('ends without an ill word of anybody when %s at step %d', async ([, step, died, cause]) => {
    const clock = simulatedClock();
    const log: string[] = [];
    let durable = (): void => undefined;
    const written = new Promise<void>((resolve) => {
      durable = resolve;
    });
    const seats = table(clock, (me) => {
      if (me !== 1) return {};
      const inner = inlineHost(sum(1));
      let steps = 0;
      return {
        host: { ...inner, next: async (inbox) => (steps++ === step ? Promise.reject(died) : inner.next(inbox)) },
        spend: async () => void log.push('spend'),
        answered: () => void log.push('answered'),
        unanswered: async (round) => {
          log.push(`unanswered ${round}`);
          await written;
        },
        guard: async (work) => work().finally(() => log.push('release')),
      };
    });
    await clock.settle(100);
    // In a guarded round what it depended on is burnt first, while the peers are held.
    expect(log).toEqual([[], ['spend', 'unanswered first'], ['spend', 'answered', 'release']][step]);
    if (step === 1) expect(at(seats, 1).said.length).toBe(2);
    durable();
    await clock.settle(100);
    expect(await at(seats, 1).ended).toEqual({ type: 'lost', reason: died.message, cause });
    const last = decodeEnvelope(at(seats, 1).said.at(-1)?.frame as Uint8Array);
    expect([last.class, toHex(last.payload)]).toEqual(['abort', '0000']);
    expect((await at(seats, 2).ended).type).toBe(step === 2 ? 'done' : 'silent');
    expect(clock.pending).toBe(0);
  });

  test('has what a check depended on burnt also when its thread dies after the session ended', async () => {
    const clock = simulatedClock();
    const { promise, reject } = Promise.withResolvers<Progress<number>>();
    const unanswered: string[] = [];
    const seats = table(clock, (me) => {
      if (me !== 1) return {};
      const { close, next } = inlineHost(sum(1));
      return {
        host: { close, next: async (inbox) => (inbox === undefined ? next(inbox) : promise) },
        unanswered: async (round) => void unanswered.push(round),
      };
    });
    await clock.settle(5);
    at(seats, 1).run.leave();
    const said = at(seats, 1).said.length;
    reject(new ThreadDied());
    await clock.settle(5);
    expect(await at(seats, 1).ended).toEqual({ type: 'left' });
    expect([unanswered, at(seats, 1).said.length]).toEqual([['first'], said]);
  });

  test('keeps what comes a round early, and drops what comes late, twice, or from a stranger', async () => {
    const clock = simulatedClock();
    const held: (() => void)[] = [];
    let seats: ReadonlyMap<Party, Party3> = new Map();
    // What 3 says to 1 is held back: 2 is a round ahead of 1 meanwhile.
    seats = table(clock, undefined, (from, to, frame) => {
      if (from !== 3 || to !== 1) return true;
      held.push(() => at(seats, 1).run.receive(3, frame));
      return false;
    });
    await clock.settle(5);
    expect(at(seats, 2).rounds).toEqual(['first', 'second']);
    expect(at(seats, 1).rounds).toEqual(['first']);
    for (const { frame } of at(seats, 2).said) {
      at(seats, 1).run.receive(2, frame);
      at(seats, 1).run.receive(3, frame);
    }
    while (held.length > 0) {
      held.shift()?.();
      await clock.settle(5);
    }
    expect(await at(seats, 1).ended).toEqual({ type: 'done', result: 6 });
    for (const { frame } of at(seats, 2).said) at(seats, 1).run.receive(2, frame);
    expect(at(seats, 1).said.length).toBe(4);
  });

  test('cannot be ended a second time by a liar', async () => {
    const clock = simulatedClock();
    const seats = table(clock);
    await clock.settle(10);
    const said = at(seats, 1).said.length;
    at(seats, 2).said.forEach(({ frame }) => at(seats, 1).run.receive(2, frame));
    await clock.settle(deadlines.session);
    expect(at(seats, 1).said.length).toBe(said);
    expect((await at(seats, 1).ended) satisfies Ending<number> | Abort).toEqual({ type: 'done', result: 6 });
  });
});
