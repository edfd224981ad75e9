import { toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee } from '../../test/committee.ts';
import { simulatedClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { requestId } from '../policy/sign-request.ts';
import type { CeremonyView } from '../service.ts';
import { nativeTools } from '../tools.ts';
import { decodeFrame } from './frames.ts';

const rejects = (code: string) => expect.objectContaining({ name: 'ServiceError', code });

describe('signing', () => {
  test.for(['ed25519', 'taproot'] as const)('with a new %s key, ordered anywhere', async (scheme) => {
    const committee = await Committee.open(3, scheme);
    await committee.key({ scheme });
    for (const at of ['alice', 'bob', 'carol']) {
      const view = await committee.sign(at, committee.order(`hello from ${at}`));
      expect(await committee.verifies(`hello from ${at}`, view)).toBe(true);
    }
  });

  test('gives members that did not sign the signature, too', async () => {
    const committee = await Committee.open(4, 'tell');
    await committee.key();
    const done = await committee.sign('alice', committee.order('m'));
    await committee.run(50);
    for (const name of committee.members.keys())
      expect(committee.ceremony(name, done.id)?.result).toMatchObject({
        signature: (done.result as { signature: string }).signature,
      });
  });

  test('the same order at two members at once is one request with one signature', async () => {
    const committee = await Committee.open(3, 'twice');
    await committee.key();
    const request = committee.order('m');
    const [a, b] = await Promise.all([committee.sign('alice', request), committee.sign('bob', request)]);
    expect(a.id).toBe(b.id);
    expect(a.result).toMatchObject({ signature: (b.result as { signature: string }).signature });
  });

  test('an order submitted again is answered with the recorded signature, also by a later life of the node', async () => {
    const committee = await Committee.open(3, 'again');
    await committee.key();
    const request = committee.order('m');
    const first = await committee.sign('alice', request);
    const before = (first.result as { signature: string }).signature;
    const sent = committee.at('alice').sent.length;
    expect((await committee.at('alice').node.sign(request)).result).toMatchObject({ signature: before });
    expect(committee.at('alice').sent.length).toBe(sent);

    await committee.stop(committee.at('alice'));
    await committee.start(committee.at('alice'));
    expect(committee.at('alice').node.ceremonies()).toEqual([]);
    expect((await committee.at('alice').node.sign(request)).result).toMatchObject({ signature: before });
  });

  test('another body under the same id is refused, before and after the answer, and after a restart', async () => {
    const committee = await Committee.open(3, 'conflict');
    await committee.key();
    const idempotencyKey = new TextEncoder().encode('invoice 7');
    const request = committee.order('pay 1', { idempotencyKey });
    const other = committee.order('pay 2', { idempotencyKey });
    await committee.at('alice').node.sign(request);
    await expect(committee.at('alice').node.sign(other)).rejects.toEqual(rejects('request-conflict'));
    await committee.sign('alice', request);
    await committee.run(50);
    await committee.stop(committee.at('bob'));
    await committee.start(committee.at('bob'));
    for (const name of committee.members.keys()) {
      await expect(committee.at(name).node.sign(other)).rejects.toEqual(rejects('request-conflict'));
      expect(await committee.audit(name)).toContain('sign-refused: request-conflict');
    }
  });

  test('two bodies under one id at two members at once: at most one is ever signed', async () => {
    const committee = await Committee.open(3, 'race');
    await committee.key();
    const idempotencyKey = new TextEncoder().encode('invoice 8');
    const [one, two] = ['pay 1', 'pay 2'].map((text) => committee.order(text, { idempotencyKey }));
    if (one === undefined || two === undefined) throw new Error('two orders');
    await Promise.all([committee.at('alice').node.sign(one), committee.at('bob').node.sign(two)]);
    await committee.run(5_000);
    const signatures = [...committee.members.values()]
      .flatMap(({ node }) => node.ceremonies())
      .filter(({ kind, result }) => kind === 'sign' && result !== undefined);
    const good = await Promise.all(
      ['pay 1', 'pay 2'].map(async (text) =>
        (await Promise.all(signatures.map((view) => committee.verifies(text, view)))).some(Boolean),
      ),
    );
    expect(good.filter(Boolean).length).toBe(1);
  });

  test.for([
    ['of a client that nobody knows', {}, 'stranger', 'denied'],
    ['for a key that is not there', { key: 'other' }, 'till', 'key-unknown'],
    ['for another purpose than the key has', { purpose: 'payroll' }, 'till', 'denied'],
    ['for another network', { network: new Uint8Array(32) }, 'till', 'denied'],
    ['that has expired', { expires: 1_600_000_000_000 }, 'till', 'expired'],
    ['that is valid for too long', { expires: 1_800_000_000_000 }, 'till', 'invalid'],
  ] as const)('an order %s is refused by every node itself, and noted', async ([, more, who, code]) => {
    const committee = await Committee.open(3, 'refused');
    await committee.key();
    const client = who === 'stranger' ? committee.at('carol').key : committee.client;
    const request = committee.order('m', more, client);
    for (const { name, node } of committee.members.values()) {
      await expect(node.sign(request)).rejects.toEqual(rejects(code));
      expect((await committee.audit(name)).at(-1)).toBe(`sign-refused: ${code}`);
      expect(node.ceremonies().filter(({ kind }) => kind === 'sign')).toEqual([]);
    }
  });

  test('an order that was changed on its way is refused', async () => {
    const committee = await Committee.open(3, 'changed');
    await committee.key();
    const request = { ...committee.order('m'), intent: { type: 'message', value: new Uint8Array(3) } as const };
    await expect(committee.at('alice').node.sign(request)).rejects.toEqual(rejects('denied'));
  });

  test('32 bytes under a Taproot key take the right to sign raw', async () => {
    const committee = await Committee.open(2, 'raw');
    await committee.key({ scheme: 'taproot' });
    const digest = 'exactly thirty-two bytes of text';
    await expect(committee.at('alice').node.sign(committee.order(digest))).rejects.toEqual(rejects('denied'));
    for (const { config } of committee.members.values()) {
      const rights = [{ keys: ['*'], purposes: ['*'], actions: ['sign', 'sign-raw'] }];
      Object.assign(config, { clients: config.clients.map((client) => ({ ...client, rights })) });
    }
    expect(await committee.verifies(digest, await committee.sign('alice', committee.order(digest)))).toBe(true);
  });

  test('a frozen key does not sign; frozen in mid-request the node steps back and lives on', async () => {
    const committee = await Committee.open(3, 'frozen');
    await committee.key();
    const alice = committee.at('alice');
    await alice.node.freeze('treasury', true);
    await expect(alice.node.sign(committee.order('m'))).rejects.toEqual(rejects('denied'));
    await alice.node.freeze('treasury', false);
    const { id } = await alice.node.sign(committee.order('m'));
    await committee.until(() =>
      [...committee.members.keys()].every((name) => committee.ceremony(name, id) !== undefined),
    );
    for (const { node } of committee.members.values()) await node.freeze('treasury', true);
    await committee.run(5_000);
    expect(committee.ceremony('alice', id)).toMatchObject({ state: 'failed', failure: { code: 'denied' } });
    for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
  });

  test('the 65th open request on one key is refused, and answered later', async () => {
    const committee = await Committee.open(2, 'caps');
    await committee.key();
    await committee.stop(committee.at('bob'));
    const { node } = committee.at('alice');
    for (let i = 0; i < limits.openPerKey; i++) await node.sign(committee.order(`m${i}`));
    const last = committee.order('one too many');
    await expect(node.sign(last)).rejects.toEqual(rejects('busy'));
    await committee.start(committee.at('bob'));
    await committee.until(() => node.ceremonies().every(({ state }) => state === 'done'), 60_000);
    expect((await committee.sign('alice', last)).state).toBe('done');
  });

  test('more requests than the node has room for are refused, however many keys they are for', async () => {
    const committee = await Committee.open(2, 'room');
    const keys = limits.openInAll / limits.openPerKey + 1;
    for (let i = 0; i < keys; i++) await committee.key({ name: `k${i}` });
    await committee.stop(committee.at('bob'));
    const { node } = committee.at('alice');
    for (let i = 0; i < limits.openInAll; i++) await node.sign(committee.order(`m${i}`, { key: `k${i % keys}` }));
    await expect(node.sign(committee.order('more', { key: 'k0' }))).rejects.toEqual(rejects('busy'));
  });

  test.for([
    ['another key', { keys: ['k*'], purposes: ['*'], actions: ['sign'] }],
    ['another purpose', { keys: ['*'], purposes: ['payroll'], actions: ['sign'] }],
  ] as const)('a client with rights for %s only is refused', async ([, right]) => {
    const committee = await Committee.open(2, 'rights');
    await committee.key();
    const { config, node } = committee.at('alice');
    Object.assign(config, { clients: config.clients.map((client) => ({ ...client, rights: [right] })) });
    await expect(node.sign(committee.order('m'))).rejects.toEqual(rejects('denied'));
  });

  test('a request that nobody joins ends by its expiry', async () => {
    const committee = await Committee.open(2, 'alone');
    await committee.key();
    await committee.stop(committee.at('bob'));
    const { id } = await committee.at('alice').node.sign(committee.order('m'));
    await committee.run(600_000 + limits.clockTolerance + 1);
    expect(committee.ceremony('alice', id)).toMatchObject({ state: 'failed', failure: { code: 'no-quorum' } });
    expect(committee.clock.pending).toBeLessThan(20);
  });

  test('cancelled by its operator, a request stays cancelled whoever brings it again', async () => {
    const committee = await Committee.open(2, 'cancel');
    await committee.key();
    const request = committee.order('m');
    committee.hub.partition([committee.at('alice').peer], [committee.at('bob').peer]);
    await committee.run(5);
    const { id } = await committee.at('alice').node.sign(request);
    await committee.at('bob').node.sign(request);
    await committee.at('alice').node.cancel(id);
    committee.hub.heal();
    await committee.run(5_000);
    expect(committee.ceremony('alice', id)?.failure?.code).toBe('cancelled');
    await expect(committee.at('alice').node.cancel(id)).rejects.toEqual(rejects('not-waiting'));
    await expect(committee.at('alice').node.accept(id)).rejects.toEqual(rejects('not-waiting'));
    await expect(committee.at('alice').node.cancel('00')).rejects.toEqual(rejects('ceremony-unknown'));
    expect((await committee.sign('alice', request)).state).toBe('done');
  });

  test('a request reaches members whose key is certified a moment later', async () => {
    const committee = await Committee.open(3, 'early');
    const late = new Set(['bob', 'carol'].map((name) => committee.at(name).peer));
    const certifying = new Set(['ready', 'certificate', 'activated']);
    committee.hub.fate = ({ to, payload }) => ({ drop: late.has(to) && certifying.has(decodeFrame(payload).type) });
    const { id } = await committee.at('alice').node.keygen({ name: 'treasury', scheme: 'ed25519' });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
    expect(committee.ceremony('bob', id)?.state).not.toBe('done');
    const request = await committee.at('alice').node.sign(committee.order('m'));
    await committee.run(100);
    expect(committee.ceremony('alice', request.id)?.state).toBe('accepted');
    committee.hub.fate = () => undefined;
    await committee.until(() => committee.ceremony('alice', request.id)?.state === 'done', 10_000);
  });

  test('the id of a request follows from client and idempotency key', async () => {
    const committee = await Committee.open(2, 'id');
    await committee.key();
    const request = committee.order('m');
    expect((await committee.at('bob').node.sign(request)).id).toBe(toHex(requestId(request)));
  });
});

describe('time', () => {
  test('a node whose clock is off refuses as expired, and says why; the others sign without it', async () => {
    const committee = await Committee.open(3, 'skew');
    await committee.key();
    committee.at('bob').skew = 20 * 60_000;
    const request = committee.order('m');
    await expect(committee.at('bob').node.sign(request)).rejects.toMatchObject({
      code: 'expired',
      message: expect.stringContaining('clock'),
    });
    expect((await committee.sign('alice', request)).state).toBe('done');
    for (const name of ['alice', 'carol']) {
      committee.at(name).skew = limits.clockTolerance - 1;
      await committee.at(name).node.sign(committee.order('at the edge', { expires: committee.clock.now() }));
      committee.at(name).skew = limits.clockTolerance + 1;
      const late = committee.order('over the edge', { expires: committee.clock.now() });
      await expect(committee.at(name).node.sign(late)).rejects.toEqual(rejects('expired'));
    }
  });

  test('an order that is taken while the clock is behind ends when it expires by the clock that was put right', async () => {
    const committee = await Committee.open(2, 'put right');
    await committee.key();
    await committee.stop(committee.at('alice'));
    const bob = committee.at('bob');
    bob.skew = -20 * 60_000;
    const { id } = await bob.node.sign(committee.order('m', { expires: committee.clock.now() + 60_000 }));
    bob.skew = 0;
    await committee.run(60_000 + limits.clockTolerance - 10);
    expect(committee.ceremony('bob', id)?.state).toBe('accepted');
    await committee.until(() => committee.ceremony('bob', id)?.state === 'failed', 20_000);
    expect(committee.ceremony('bob', id)?.failure?.code).toBe('no-quorum');
  });

  test('an order of an hour is taken by a node whose clock is a little behind', async () => {
    const committee = await Committee.open(2, 'a little behind');
    await committee.key();
    const expires = committee.clock.now() + limits.longestRequest;
    const bob = committee.at('bob');
    bob.skew = -limits.clockTolerance;
    expect((await committee.sign('bob', committee.order('m', { expires }))).state).toBe('done');
    bob.skew = -limits.clockTolerance - 1;
    await expect(bob.node.sign(committee.order('n', { expires: expires + 100 }))).rejects.toEqual(rejects('invalid'));
  });

  const years = 10 * 365 * 86_400_000;
  const begin: Record<string, (committee: Committee) => Promise<CeremonyView>> = {
    signature: async (committee) => committee.at('alice').node.sign(committee.order('m')),
    'key generation': async (committee) => committee.at('alice').node.keygen({ name: 'other', scheme: 'ed25519' }),
    refresh: async (committee) => committee.at('alice').node.refresh('treasury'),
    reshare: async (committee) => committee.at('alice').node.reshare('treasury', { threshold: 3 }),
  };
  test.for(
    Object.keys(begin).flatMap((what) => [3_600_000, -3_600_000, years, -years].map((jump) => [what, jump] as const)),
  )('in a %s a wall clock that jumps by %d ms changes nothing', async ([what, jump]) => {
    const committee = await Committee.open(3, 'jump');
    await committee.key();
    await committee.run(limits.refreshPause);
    const { id } = await (begin[what] as (typeof begin)[string])(committee);
    const states = () => ['alice', 'bob', 'carol'].map((name) => committee.ceremony(name, id)?.state);
    await committee.until(() => states().includes('running'));
    committee.clock.shiftWall(jump);
    await committee.until(() => states().every((state) => state === 'done'), what === 'signature' ? 20 : 100);
    expect((await committee.sign('bob', committee.order('after'))).state).toBe('done');
    for (const { fatal, node } of committee.members.values()) {
      expect(fatal).toEqual([]);
      for (const { banned, blames } of node.peers()) expect([banned, blames]).toEqual([false, 0]);
    }
  });

  test.for(['2038-01-19T03:14:07Z', '2100-01-01T00:00:00Z'])('goes on over %s', async (moment) => {
    const start = Date.parse(moment) - limits.refreshPause - 1_000;
    const committee = await Committee.open(3, 'moment', {}, nativeTools(), simulatedClock(start));
    await committee.key();
    const early = committee.order('early');
    expect(await committee.verifies('early', await committee.sign('bob', early))).toBe(true);
    await committee.run(Date.parse(moment) - 5 - committee.clock.now());
    const { id } = await committee.at('alice').node.refresh('treasury');
    await committee.until(() =>
      [...committee.members.keys()].every((name) => committee.ceremony(name, id)?.state === 'done'),
    );
    expect(committee.clock.now()).toBeGreaterThan(Date.parse(moment));
    for (const member of committee.members.values()) {
      await committee.stop(member);
      await committee.start(member);
      const { epoch, epochAt } = await member.node.key('treasury');
      expect([epoch, epochAt > start, epochAt <= committee.clock.now()]).toEqual([2, true, true]);
    }
    await committee.run(50);
    expect((await committee.sign('carol', early)).result).toMatchObject({ type: 'signature' });
    expect(await committee.verifies('late', await committee.sign('carol', committee.order('late')))).toBe(true);
    await committee.key({ name: 'next' });
  });

  test('long polls end when the ceremony does, or when their time is up', async () => {
    const committee = await Committee.open(2, 'poll');
    await committee.key();
    const { id } = await committee.at('alice').node.sign(committee.order('m'));
    const short = committee.at('alice').node.ceremony(id, 1);
    const long = committee.at('alice').node.ceremony(id, 60_000);
    await committee.run(1);
    expect((await short).state).not.toBe('done');
    await committee.run(1_000);
    expect((await long).state).toBe('done');
  });
});
