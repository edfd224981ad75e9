import { integer, sample } from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../scripts/testnet/testnet.ts';
import { finish, quorate, untilCeremony } from './scene.ts';
import { type Cheat, type Progress, Trio } from './trio.ts';

/*
 * Three processes, ECDSA 2-of-3; the third party is a rogue in the test's own process. Processes are killed by SIGKILL.
 *
 * Certain is where a process stands when the rogue keeps back its messages of a round: the process waits in that round. Only
 * likely is the moment of a kill during a check: it follows a write that the test sees on the disk, or a number of turns of the
 * test's own event loop, while the process goes on. What is asserted holds wherever the kill falls, and the test reads from the
 * disk where it fell.
 */
let trio: Trio;

beforeAll(async () => {
  trio = await Trio.open();
}, 120_000);

afterEach(async () => {
  trio.behave();
  trio.rogue.release();
  trio.expectNothingTwice();
  await trio.scene.expectNoBlame();
});

afterAll(async () => {
  await trio?.[Symbol.asyncDispose]();
}, 60_000);

type Moment = readonly [label: string, due: ((progress: Progress) => boolean) | undefined];

/** Turns of the event loop, in which a check takes about 200. QUORATE_SEED draws others. */
const drawn = sample(integer({ min: 0, max: 400 }), 5).values();

/** Once so much is written, and at some turn. */
function moments(writes: readonly number[]): readonly Moment[] {
  const turn = drawn.next().value ?? 0;
  return [
    ...writes.map((count): Moment => [`write ${count}`, (progress) => progress.writes >= count]),
    [`turn ${turn}`, ({ turns }) => turns >= turn],
  ];
}

/** A request to multiply: version, session, nonce, fingerprint, then bits. */
const asChooser: Cheat = { round: 0, spoil: (payload) => payload.map((byte, i) => (i >= 97 ? byte ^ 1 : byte)) };

/** An answer: version, R, its blinding, pk, two products, a mask; then scalars of 32 bytes, of which the last bit is changed. */
const asMultiplier: Cheat = {
  round: 1,
  spoil: (payload) => payload.map((byte, i) => (i >= 197 && (i - 197) % 32 === 31 && i < 3_400 ? byte ^ 1 : byte)),
};

describe.for<[string, Cheat, readonly number[]]>([
  ['chooses', asChooser, [1, 2]],
  ['multiplies', asMultiplier, [1, 3]],
])('a rogue that cheats as the one that %s, and a process killed around the check', ([, cheat, writes]) => {
  const cases: readonly Moment[] = [...moments(writes), ['the answer', undefined]];

  test.for(cases.map(([label, due], i) => [label, due, i % 2] as const))(
    'at %s: it is banned or what they had is burnt, and it learns no second outcome',
    { timeout: 240_000 },
    async ([, due, party]) => {
      const victim = trio.honest[party === 0 ? 0 : 1];
      const known = trio.outcomes().length;
      const cheated = trio.cheat(victim, cheat);
      const order = trio.order();
      await trio.alone(victim, async () => {
        await victim.client.sign(order);
        await cheated;
        await trio.killWhen(victim, due ?? (() => trio.outcomes().length > known));
      });

      const { banned, begun } = await trio.remains(victim);
      const told = trio.outcomes().length > known;
      if (told) expect(banned).toBe(true);
      trio.hold('pairs');
      await trio.scene.restart(victim.name, 2);
      // While the rogue says nothing to it, nothing can be set up anew.
      const missing = banned || begun > 0 ? 1 : 0;
      expect(await trio.seen(victim)).toMatchObject({ banned, pairs: { ready: 1 - missing, missing } });
      const burnt = missing === 0 ? [] : [...trio.offered(victim)];

      // The rogue goes on to cheat until the request is signed without its help.
      await trio.finish(order);
      trio.behave();
      trio.rogue.release();
      const setUps = trio.outcomes().map((outcome) => outcome.setUp);
      expect(new Set(setUps).size).toBe(setUps.length);
      expect(trio.outcomes().every(({ passed }) => !passed)).toBe(true);

      if ((await trio.seen(victim)).banned) await unban(victim);
      await trio.untilSetUp(victim);
      const from = trio.rogue.said.length;
      await trio.together(victim);
      for (const one of trio.offered(victim, from)) expect(burnt).not.toContain(one);
    },
  );
});

const rounds = ['offers', 'answers', 'shares'] as const;

describe.for(rounds)('a process killed in round %s of a signature', (label) => {
  const round = rounds.indexOf(label);
  const cases: readonly Moment[] = [['in it', undefined], ...moments([1])];

  test.for(cases.map(([name, due], i) => [name, due, (i + round) % 2] as const))(
    '%s: the request is signed once, nothing is used twice, and both sign together again',
    { timeout: 240_000 },
    async ([, due, party]) => {
      const victim = trio.honest[party === 0 ? 0 : 1];
      const order = trio.order();
      trio.hold('sign', round);
      await trio.alone(victim, async () => {
        const { id } = await victim.client.sign(order);
        await untilCeremony(`round ${label}`, victim.client, id, (ceremony) => ceremony.round === label);
        if (due === undefined) await trio.scene.net.signal(victim, 'SIGKILL');
        trio.rogue.release();
        await trio.killWhen(victim, due ?? (() => true));
      });

      const { banned, begun, setUp } = await trio.remains(victim);
      expect({ banned, setUp }).toEqual({ banned: false, setUp: true });
      // A process that waits for messages is in no check.
      if (due === undefined) expect(begun).toBe(0);
      trio.hold('pairs');
      await trio.scene.restart(victim.name, 2);
      const missing = begun > 0 ? 1 : 0;
      expect(await trio.seen(victim)).toMatchObject({ banned: false, pairs: { ready: 1 - missing, missing } });
      const burnt = missing === 0 ? [] : [...trio.offered(victim)];
      await trio.finish(order);
      trio.rogue.release();
      await trio.untilSetUp(victim);
      const from = trio.rogue.said.length;
      await trio.together(victim);
      for (const one of trio.offered(victim, from)) expect(burnt).not.toContain(one);
    },
  );
});

const setUpRounds = ['offers', 'points', 'trees', 'agreed'] as const;

test('a process killed in each round of setting a pair up tries again until both can multiply', async () => {
  const [victim] = trio.honest;
  await trio.drop(victim);
  for (const [round, label] of setUpRounds.entries()) {
    trio.hold('pairs', round);
    await trio.scene.restart(victim.name, 2);
    await until(`${victim.name} to be in round ${label}`, 100, async () => {
      const ceremonies = await victim.client.ceremonies();
      return ceremonies.some((one) => one.kind === 'pairs' && one.round === label);
    });
    await trio.scene.net.signal(victim, 'SIGKILL');
    expect(await trio.remains(victim)).toMatchObject({ banned: false, begun: 0, setUp: false });
    // The rogue waits for its deadline once; in the other rounds its operator makes it short.
    const open = trio.rogue.node.ceremonies().find(({ kind, state }) => kind === 'pairs' && state === 'running');
    if (open !== undefined && label !== 'points') await trio.rogue.node.cancel(open.id);
    trio.rogue.release();
  }
  await trio.scene.restart(victim.name, 2);
  await trio.untilSetUp(victim);
  await trio.together(victim);
}, 300_000);

test('a ban stands over restarts until the operator lifts it; then both are set up anew and sign together', async () => {
  const [victim] = trio.honest;
  const order = trio.order();
  const cheated = trio.cheat(victim, asMultiplier);
  await trio.alone(victim, async () => {
    await victim.client.sign(order);
    await cheated;
    await until(`${victim.name} to ban`, 60, async () => (await trio.seen(victim)).banned);
  });
  await trio.finish(order);
  trio.behave();
  const burnt = [...trio.offered(victim)];
  const together = [victim.name, trio.rogueName].toSorted();
  for (let i = 0; i < 4; i++) {
    if (i === 2) await trio.scene.restart(victim.name, 2);
    const idempotencyKey = trio.scene.idempotencyKey(
      trio.key,
      ({ signers }) => signers.slice(0, 2).toSorted().join() === together.join(),
    );
    const { result } = await trio.finish(trio.scene.order(trio.key, { idempotencyKey }));
    expect(result?.type === 'signature' && result.signers.toSorted()).not.toEqual(together);
    expect(await trio.seen(victim)).toMatchObject({ banned: true, pairs: { ready: 0, missing: 1 } });
  }

  await unban(victim);
  expect(await quorate(['peers', 'unban', trio.rogueName, '--data', victim.data])).toMatchObject({ exit: 2 });
  await trio.untilSetUp(victim);
  const from = trio.rogue.said.length;
  await trio.together(victim);
  for (const one of trio.offered(victim, from)) expect(burnt).not.toContain(one);
  await trio.scene.restart(victim.name, 2);
  expect(await trio.seen(victim)).toMatchObject({ banned: false, pairs: { ready: 1, missing: 0 } });
  await trio.scene.net.signal(victim, 'SIGTERM');
  const { audit, banned } = await trio.remains(victim);
  expect(banned).toBe(false);
  expect(audit.filter((kind) => kind.startsWith('ban')).slice(-2)).toEqual(['ban', 'ban-lifted']);
  await trio.scene.restart(victim.name, 2);
}, 240_000);

const keygenRounds = ['commit', 'reveal', 'shares', 'verdict', 'return', ...setUpRounds] as const;

test('a process killed in each round of a key generation leaves no key, until one attempt comes to its end', async () => {
  const order = { name: 'second', scheme: 'ecdsa', threshold: 2, purpose: 'general' } as const;
  for (const [round, label] of keygenRounds.entries()) {
    const victim = trio.honest[round % 2 === 0 ? 0 : 1];
    const { client } = trio.other(victim);
    trio.hold('keygen', round);
    const { id } = await client.keygen(order);
    await untilCeremony(`round ${label}`, victim.client, id, (ceremony) => ceremony.round === label);
    await trio.scene.net.signal(victim, 'SIGKILL');
    // Whoever sits in it would wait for its deadline: operators make it short.
    for (const node of [client, trio.rogue.node]) {
      await node.cancel(id).catch((error: unknown) => expect(error).toMatchObject({ code: 'not-waiting' }));
    }
    trio.rogue.release();
    await trio.scene.restart(victim.name, 2);
    for (const node of trio.honest) {
      expect((await node.client.keys()).find(({ name }) => name === order.name)?.state).not.toBe('active');
      await expect(node.client.sign(trio.scene.order(order))).rejects.toMatchObject({ code: 'key-unknown' });
    }
    expect(trio.rogue.member.home.keys.byName(order.name)?.current).toBeUndefined();
  }

  // Whoever had everybody's word in the last round holds on to that attempt, and the name with it.
  const [{ client }] = trio.honest;
  const name = 'third';
  const made = await finish(client, await client.keygen({ ...order, name }));
  expect(made).toMatchObject({ state: 'done', result: { type: 'key' } });
  const names = trio.honest.map((node) => node.name);
  await trio.scene.untilActive(name, names);
  const own = (): string | undefined => trio.rogue.member.home.keys.byName(name)?.current?.state;
  await until('the rogue to use the key', 60, () => Promise.resolve(own() === 'active'));
  const key = await client.key(name);
  for (const victim of trio.honest) await trio.together(victim, key);
}, 300_000);

/** As the operator does it. */
async function unban({ data }: (typeof trio.honest)[number]): Promise<void> {
  const { exit, stdout } = await quorate(['peers', 'unban', trio.rogueName, '--data', data, '--json']);
  expect({ exit, ...(JSON.parse(stdout) as object) }).toMatchObject({ exit: 0, banned: false, pairs: { missing: 1 } });
}
