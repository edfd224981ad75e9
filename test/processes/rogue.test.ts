import type { KeyView } from '@quorate/node';
import { ascii, kinds, type Party, type Registration } from '@quorate/protocol';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';
import { Rogue } from './rogue.ts';
import { finish, Scene, signed, untilCeremony } from './scene.ts';

/** Five processes, 3-of-5; then erin's machine is taken over. The other four refuse, go on signing, and blame nobody else. */
let scene: Scene;
let key: KeyView;
let rogue: Rogue;
let honest: readonly TestnetNode[];
const processes = new Map<string, number | undefined>();
const memory = new Map<string, number>();

beforeAll(async () => {
  scene = await Scene.open(5);
  key = await scene.makeKey('ops', 'ed25519', 3);
  honest = scene.net.nodes.filter(({ name }) => name !== 'erin');
  await scene.net.signal(scene.node('erin'), 'SIGTERM');
  rogue = await Rogue.open(scene.node('erin'), 4);
  for (const { name, client, process: child } of honest) {
    processes.set(name, child?.pid);
    memory.set(name, (await client.status()).memory.residentBytes);
  }
}, 120_000);

afterAll(async () => {
  await rogue?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
}, 60_000);

/** The same four processes are there, no larger than they may be, and sign. */
afterEach(async () => {
  const { result } = await scene.sign('alice', key);
  if (result?.type !== 'signature' || result.signers.includes('erin')) throw new Error('erin signed, who cannot');
  await scene.expectNoBlame('erin');
  for (const { name, client, process: child } of honest) {
    if (child?.pid !== processes.get(name) || child?.exitCode !== null) throw new Error(`${name} ended`);
    const grown = (await client.status()).memory.residentBytes - (memory.get(name) ?? 0);
    if (grown > 150 * 1024 * 1024) throw new Error(`${name} has grown by ${grown} bytes`);
  }
});

const party = (name: string): Party => key.parties.find((one) => one.name === name)?.party ?? 0;

test('requests that no client signed, and proposals against the rules, are declined by everybody', async () => {
  const requests = rogue.orders(key, scene.client).map((one) => ({ ...one, kind: kinds.sign }));
  const proposals = rogue.proposals(key).map((one) => ({ ...one, kind: kinds.keygen }));
  for (const { id, kind, body } of [...requests, ...proposals]) {
    for (const { name, client } of honest) {
      await rogue.member.send(name, { type: 'request', value: { kind, body } });
      await rogue.hear(name, 'declined', ({ request }) => Buffer.compare(request, id) === 0);
      const known = client.ceremony(Buffer.from(id).toString('hex'));
      await expect(known).rejects.toMatchObject({ code: 'ceremony-unknown' });
    }
  }
  expect((await scene.node('alice').client.keys()).map(({ name }) => name)).toEqual(['ops']);
});

test('sessions that nobody registered for do not begin; nonsense in one that did is blamed on who signed it', async () => {
  const alice = scene.node('alice').client;
  for (const name of ['carol', 'dave']) await scene.net.signal(scene.node(name), 'SIGSTOP');
  // Erin is the coordinator, and gets two genuine registrations; a third of an honest member it never gets.
  const idempotencyKey = scene.idempotencyKey(key, ({ coordinators }) => coordinators[0] === 'erin');
  const message = ascii('pay the honest');
  const { id } = await alice.sign(scene.order(key, { idempotencyKey, message }));
  const request = Buffer.from(id, 'hex');
  const real = new Map<Party, Registration>();
  for (const name of ['alice', 'bob']) {
    real.set(party(name), await rogue.hear(name, 'registration', (one) => request.equals(one.request)));
  }

  const starts = rogue.starts(real, party('erin'), party('carol'));
  for (const [, start] of starts) {
    for (const name of ['alice', 'bob']) await rogue.member.send(name, { type: 'start', value: start });
  }
  for (const name of ['alice', 'bob']) {
    await until(`${name} to refuse every start`, 30, async () => {
      const refused = (await scene.log(name)).split('\n').filter((line) => line.includes('refused a start'));
      return refused.length >= starts.length && starts.every(([fault]) => refused.some((line) => fault.test(line)));
    });
    expect((await scene.node(name).client.ceremony(id)).state).toBe('accepted');
  }

  // Words that decide nothing: signatures that are none, or of something else; the same refusal a hundred times.
  const other = await scene.node('alice').client.ceremonies();
  const replayed = other.flatMap(({ result }) =>
    result?.type === 'signature' ? [Buffer.from(result.signature, 'hex')] : [],
  );
  for (const name of ['alice', 'bob']) {
    for (const signature of [...replayed, new Uint8Array(64), new Uint8Array(0)]) {
      await rogue.member.send(name, { type: 'result', value: { request, signature, signers: [request] } });
    }
    for (let i = 0; i < 100; i++)
      await rogue.member.send(name, { type: 'declined', value: { request, reason: `${i}`, highest: 0 } });
    await rogue.member.send(name, { type: 'waiting', value: { request, registered: [1, 2, 3] } });
    expect((await scene.node(name).client.ceremony(id)).state).toBe('accepted');
  }

  // And a session that all three registered for, in which erin says what is not for it to say.
  const latest = new Map<Party, Registration>();
  for (const name of ['alice', 'bob']) {
    latest.set(party(name), await rogue.hear(name, 'registration', (one) => request.equals(one.request)));
  }
  const start = rogue.start(latest, party('erin'));
  for (const name of ['alice', 'bob']) await rogue.member.send(name, { type: 'start', value: start });
  for (const name of ['alice', 'bob']) {
    const envelopes = rogue.envelopes(start, party('erin'), party(name === 'alice' ? 'bob' : 'alice'));
    for (const value of envelopes) await rogue.member.send(name, { type: 'envelope', value });
    for (const { from, frame } of rogue.heard) {
      if (frame.type === 'envelope' && from !== rogue.member.peerOf(name)) await rogue.member.send(name, frame);
    }
  }
  for (const name of ['alice', 'bob']) {
    await until(`${name} to blame erin`, 60, async () => (await scene.peer(name, 'erin')).blames > 0);
  }
  for (const name of ['carol', 'dave']) await scene.net.signal(scene.node(name), 'SIGCONT');
  signed(await finish(alice, await alice.ceremony(id)), key, message);
});

test('a keygen registration to which nothing can be sealed stops no node', async () => {
  const { client } = scene.node('alice');
  const { id } = await client.keygen({ name: 'spoiled', scheme: 'ed25519', threshold: 3 });
  const request = Buffer.from(id, 'hex');
  const body = await rogue.hear('alice', 'request', ({ kind }) => kind === kinds.keygen);
  expect(body.body.length).toBeGreaterThan(0);
  for (const receiveKey of [new Uint8Array(0), new Uint8Array(32), new Uint8Array(64).fill(255)]) {
    const value = rogue.registration(
      {
        network: rogue.member.config.networkId,
        request,
        digest: request,
        epoch: 1,
        attempt: 0,
        node: rogue.member.identity.publicKey,
        nonce: request,
        bootEpoch: rogue.member.home.bootEpoch,
        receiveKey,
        avoid: [],
        apart: [],
        presigned: { signers: [], ids: [] },
        signature: new Uint8Array(64),
      },
      { receiveKey },
    );
    for (const { name } of honest) await rogue.member.send(name, { type: 'registration', value });
  }
  for (const { name, client: one } of honest) {
    await untilCeremony(`${name} to know the keygen`, one, id, ({ state }) => state === 'accepted');
  }
  await client.cancel(id);
  expect(await client.ceremony(id)).toMatchObject({ state: 'failed', failure: { code: 'cancelled' } });
});

test('a flood of 10,000 bad frames at each is dropped while the others sign', async () => {
  const peers = new Map(honest.map(({ name }) => [name, rogue.member.peerOf(name)]));
  let flooding = true;
  const flood = Promise.all(
    honest.map(async ({ name }) => {
      for (let i = 0; i < 10_000; i++) {
        const bytes = rogue.nonsense(key, i);
        // Whoever is thrown out comes back and goes on.
        while (
          !(await rogue.member.sendBytes(name, bytes).then(
            () => true,
            () => false,
          ))
        ) {
          const connected = (): boolean => rogue.member.mesh.peers().get(peers.get(name) ?? '')?.connected === true;
          await until(`${name} to be connected again`, 60, () => Promise.resolve(connected()));
        }
      }
    }),
  ).finally(() => {
    flooding = false;
  });
  let signatures = 0;
  while (flooding) {
    await scene.sign('bob', key);
    signatures += 1;
  }
  await flood;
  expect(signatures).toBeGreaterThan(0);
  for (const { client } of honest) expect((await client.status()).openCeremonies).toBeLessThanOrEqual(1);
}, 120_000);
