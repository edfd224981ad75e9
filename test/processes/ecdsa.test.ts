import fc from 'fast-check';
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

type Moment = readonly [label: string, due: (progress: Progress) => boolean];

/** Kills after some turns of the event loop, drawn anew with another QUORATE_SEED, and after writes. */
function moments(writes: readonly number[], draws: number): readonly Moment[] {
  return [
    ...writes.map((count): Moment => [`write ${count}`, (progress) => progress.writes >= count]),
    ...fc
      .sample(fc.integer({ min: 0, max: 400 }), draws)
      .map((count): Moment => [`turn ${count}`, ({ turns }) => turns >= count]),
  ];
}

/** A request to multiply: version, session, nonce, fingerprint, then bits. */
const asChooser: Cheat = { round: 0, spoil: (payload) => payload.map((byte, i) => (i >= 97 ? byte ^ 1 : byte)) };

/** An answer: version, R, its blinding, pk, two products, a mask; then scalars of 32 bytes, of which the last bit is changed. */
const asMultiplier: Cheat = {
  round: 1,
  spoil: (payload) => payload.map((byte, i) => (i >= 197 && (i - 197) % 32 === 31 && i < 3_400 ? byte ^ 1 : byte)),
};

describe.for<[string, Cheat]>([
  ['chooses', asChooser],
  ['multiplies', asMultiplier],
])('a rogue that cheats as the one that %s, and a process killed around the check', ([, cheat]) => {
  const cases = [...moments([1, 2, 3, 4], 3), ['the answer', undefined] as const];

  test.for(cases.map((one, i) => [...one, i % 2] as const))(
    'at %s: it is banned or what they had is burnt, and it learns no second outcome',
    async ([label, due, party]) => {
      const victim = trio.honest[party === 0 ? 0 : 1];
      const known = trio.outcomes().length;
      const cheated = trio.cheat(victim, cheat);
      const order = trio.order();
      await trio.alone(victim, async () => {
        await victim.client.sign(order);
        await cheated;
        await trio.killWhen(victim, due ?? (() => trio.outcomes().length > known));
      });

      const { banned, begun, setUp } = await trio.remains(victim);
      const told = trio.outcomes().length > known;
      console.log(label, { banned, begun, setUp, told });
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
    240_000,
  );
});

const rounds = ['offers', 'answers', 'shares'] as const;

describe.for(rounds)('a process killed in round %s of a signature', (label) => {
  const round = rounds.indexOf(label);
  const cases = [['in it', undefined] as const, ...moments([1, 2], 2)];

  test.for(cases.map((one, i) => [...one, (i + round) % 2] as const))(
    '%s: the request is signed once, nothing is used twice, and both sign together again',
    async ([name, due, party]) => {
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
      console.log(label, name, { banned, begun, setUp });
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
    240_000,
  );
});

const setUpRounds = ['offers', 'points', 'trees', 'agreed'] as const;

test('a process killed in each round of setting a pair up tries again until both can multiply', async () => {
  const [victim] = trio.honest;
  await trio.drop(victim);
  for (const [round, label] of setUpRounds.entries()) {
    trio.hold('pairs', round);
    await trio.scene.restart(victim.name, 2);
    await until(`${victim.name} to be in round ${label}`, 120, async () => {
      const ceremonies = await victim.client.ceremonies();
      return ceremonies.some((one) => one.kind === 'pairs' && one.round === label);
    });
    await trio.scene.net.signal(victim, 'SIGKILL');
    expect(await trio.remains(victim)).toMatchObject({ banned: false, begun: 0, setUp: false });
    trio.rogue.release();
    console.log(label, trio.rogue.node.ceremonies().filter(({ kind }) => kind === 'pairs').map(({ state, round, failure }) => [state, round, failure?.reason]));
  }
  await trio.scene.restart(victim.name, 2);
  await trio.untilSetUp(victim);
  await trio.together(victim);
}, 300_000);

const keygenRounds = ['commit', 'reveal', 'shares', 'verdict', 'return', ...setUpRounds] as const;

test('a process killed in each round of a key generation leaves no key, until one attempt comes to its end', async () => {
  const name = 'second';
  let id = '';
  for (const [round, label] of keygenRounds.entries()) {
    const victim = trio.honest[round % 2 === 0 ? 0 : 1];
    const { client } = trio.other(victim);
    trio.hold('keygen', round);
    ({ id } = await client.keygen({ name, scheme: 'ecdsa', threshold: 2, purpose: 'general' }));
    await untilCeremony(`round ${label}`, victim.client, id, (ceremony) => ceremony.round === label);
    await trio.scene.net.signal(victim, 'SIGKILL');
    trio.rogue.release();
    // Whoever sat in it waits for its deadline; but for the last, an operator makes it short.
    if (label !== 'agreed') await client.cancel(id);
    await trio.scene.restart(victim.name, 2);
    for (const node of trio.honest) {
      expect((await node.client.keys()).find((key) => key.name === name)?.state).not.toBe('active');
      const order = trio.scene.order({ name, purpose: 'general', scheme: 'ecdsa' });
      await expect(node.client.sign(order)).rejects.toMatchObject({ code: 'key-unknown' });
    }
    expect(trio.rogue.member.home.keys.byName(name)?.current).toBeUndefined();
  }
  const [{ client }] = trio.honest;
  expect(await finish(client, await client.ceremony(id))).toMatchObject({ state: 'done', result: { type: 'key' } });
  await trio.scene.untilActive(name, trio.honest.map((node) => node.name));
  await until('the rogue to be active', 60, () => Promise.resolve(trio.rogue.member.home.keys.byName(name)?.current?.state === 'active'));
  const key = await client.key(name);
  for (const victim of trio.honest) await trio.together(victim, key);
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

/** As the operator does it. */
async function unban({ data }: (typeof trio.honest)[number]): Promise<void> {
  const { exit, stdout } = await quorate(['peers', 'unban', trio.rogueName, '--data', data, '--json']);
  expect({ exit, ...(JSON.parse(stdout) as object) }).toMatchObject({ exit: 0, banned: false, pairs: { missing: 1 } });
}
