import { createPublicKey, verify } from 'node:crypto';
import { decodeEnvelope, dkls23, fromHex, keyIdOf, sealEnvelope, seeded, toHex } from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { bobRequests } from '../../../../test/support/dkls23-oracle.ts';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import type { HashName } from '../intents/intent.ts';
import type { SignRequest } from '../policy/sign-request.ts';
import type { CeremonyView } from '../service.ts';
import type { NodeFrame } from './frames.ts';

/** A committee of three with an ECDSA key of which two sign: base transfers are slow, so one serves several tests. */
async function threeWithKey(seed: string): Promise<Committee> {
  const committee = await Committee.open(3, seed);
  await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
  return committee;
}

const hashed = (text: string, hash: HashName = 'sha256') =>
  ({ type: 'hashed', value: { hash, message: new TextEncoder().encode(text) } }) as const;

const order = (
  committee: Committee,
  text: string,
  more: Partial<Omit<SignRequest, 'signature' | 'client'>> = {},
): SignRequest => committee.order(text, { key: 'vault', intent: hashed(text), ...more });

/** OpenSSL's opinion, of a signature over SHA-256. */
function openssl(text: string, { result }: CeremonyView): boolean {
  if (result?.type !== 'signature') return false;
  // SubjectPublicKeyInfo of a compressed point on secp256k1.
  const der = Buffer.concat([fromHex('3036301006072a8648ce3d020106052b8104000a032200'), fromHex(result.publicKey)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, fromHex(result.signature));
}

/** Signs a message of a round to one peer anew, with another payload. */
function toOne(member: Member, round: number, change: (payload: Uint8Array) => Uint8Array): Tamper {
  return (frame) => {
    if (frame.type !== 'envelope') return [frame];
    const envelope = decodeEnvelope(frame.value);
    if (envelope.kind !== 2 || envelope.round !== round || envelope.class !== 'direct') return [frame];
    const { frame: value } = sealEnvelope(envelope, envelope.echo, change(envelope.payload), member.key);
    return [{ type: 'envelope', value }];
  };
}

/** What a member said in sessions of signing. */
const saidBy = ({ sent }: Member) =>
  sent
    .flatMap(({ frame }) => (frame.type === 'envelope' ? [decodeEnvelope(frame.value)] : []))
    .filter(({ kind }) => kind === 2);

const flippedAt = (offset: number) => (payload: Uint8Array) =>
  payload.map((byte, i) => (i === offset ? byte ^ 1 : byte));

describe('an ECDSA key', () => {
  let committee: Committee;
  beforeAll(async () => {
    committee = await threeWithKey('ecdsa');
  });

  test('signs what OpenSSL accepts, in all forms, for any two', async () => {
    for (const at of ['alice', 'bob', 'carol']) {
      const done = await committee.sign(at, order(committee, `from ${at}`));
      expect(done.failure).toBeUndefined();
      expect(openssl(`from ${at}`, done)).toBe(true);
      expect(openssl('another message', done)).toBe(false);
      const { publicKey } = await committee.at(at).node.key('vault');
      expect(done.result).toMatchObject({
        publicKey,
        scheme: 'ecdsa',
        signature: expect.stringMatching(/^[0-9a-f]{128}$/),
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        der: expect.stringMatching(/^30/),
      });
    }
  });

  test('gives the same answer for ever, also after a restart', async () => {
    const request = order(committee, 'once');
    const first = await committee.sign('alice', request);
    const bob = committee.at('bob');
    await committee.run(100);
    await committee.stop(bob);
    await committee.start(bob);
    await committee.run(100);
    const again = await committee.sign('bob', request);
    if (first.result?.type !== 'signature' || again.result?.type !== 'signature') throw new Error('not signed');
    expect(again.result.signature).toBe(first.result.signature);
    expect(again.result.recovery).toBe(first.result.recovery);
  });

  test('signs for its children, and for no child that would need the whole key', async () => {
    const child = await committee.sign('alice', order(committee, 'child', { path: 'm/44/60/0/0/7' }));
    expect(openssl('child', child)).toBe(true);
    const { publicKey } = await committee.at('alice').node.key('vault');
    expect(child.result).not.toMatchObject({ publicKey });
    const address = await committee.at('bob').node.addresses('vault', 'm/44/60/0/0/7', 'mainnet');
    expect(child.result).toMatchObject({ publicKey: address.publicKey });
    for (const path of ["m/44'/0", 'm/x', '', 'm/2147483648']) {
      const refused = committee.at('alice').node.sign(order(committee, `bad ${path}`, { path }));
      await expect(refused).rejects.toMatchObject({ code: 'invalid' });
    }
  });

  test('signs no message without a hash, and no digest without the right to', async () => {
    const message = { type: 'message', value: new Uint8Array(5) } as const;
    const digest = { type: 'digest', value: new Uint8Array(32).fill(3) } as const;
    const { node, config } = committee.at('alice');
    await expect(node.sign(order(committee, 'plain', { intent: message }))).rejects.toMatchObject({ code: 'invalid' });
    await expect(node.sign(order(committee, 'blind', { intent: digest }))).rejects.toMatchObject({ code: 'denied' });
    for (const { config: each } of committee.members.values()) {
      const rights = [{ keys: ['vault'], purposes: ['*'], actions: ['sign', 'sign-raw'] as const }];
      Object.assign(each, { clients: config.clients.map((client) => ({ ...client, rights })) });
    }
    const done = await committee.sign('alice', order(committee, 'blind, allowed', { intent: digest }));
    expect(done.result).toMatchObject({ digest: toHex(digest.value) });
  });

  test('hashes by Keccak for Ethereum', async () => {
    const done = await committee.sign('carol', order(committee, 'abc', { intent: hashed('abc', 'keccak256') }));
    expect(done.result).toMatchObject({ digest: '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45' });
  });
});

describe('a member that fails a check which depends on secrets', () => {
  // A request to multiply: version, session, nonce, fingerprint, then the matrix. An answer: version, R, ρ, pk, two Γ, ψ, then ã.
  test.for<[string, number, number]>([
    ['as the one that chooses', 0, 1 + 3 * 32 + 100],
    ['as the one that multiplies', 1, 1 + 33 + 32 + 33 + 33 + 33 + 32 + 5_000],
  ])('%s is banned for good, before it learns of it; the others sign on', async ([, round, offset]) => {
    const committee = await threeWithKey(`cheat ${round}`);
    const carol = committee.at('carol');
    const banned = (name: string): readonly string[] =>
      committee
        .at(name)
        .home.bans.list()
        .map(({ node }) => toHex(node));
    const carolKey = toHex(carol.key.publicKey);
    carol.tamper = toOne(carol, round, flippedAt(offset));
    let n = 0;
    // Until carol was seated with one of the others, and failed.
    while (banned('alice').length + banned('bob').length === 0) {
      const text = `try ${n++}`;
      expect((await committee.sign('alice', order(committee, text), 120_000)).state).toBe('done');
    }
    const victim = banned('alice').length > 0 ? 'alice' : 'bob';
    expect(banned(victim)).toEqual([carolKey]);
    expect(
      committee
        .at(victim)
        .node.peers()
        .find(({ name }) => name === 'carol'),
    ).toMatchObject({ banned: true, blames: 0 });
    expect(await committee.audit(victim)).toContain('ban');
    // The ban was on disk before the session was left.
    expect(committee.at(victim).fatal).toEqual([]);

    // Honest from now on, and after a restart of the victim: it makes no difference.
    carol.tamper = undefined;
    await committee.stop(committee.at(victim));
    await committee.start(committee.at(victim));
    await committee.run(100);
    expect(banned(victim)).toEqual([carolKey]);
    for (let i = 0; i < 6; i++) {
      const done = await committee.sign(victim, order(committee, `after ${i}`), 120_000);
      const signers = done.result?.type === 'signature' ? done.result.signers : [];
      expect(signers.length === 2 && !(signers.includes(victim) && signers.includes('carol'))).toBe(true);
    }
    expect(banned('carol')).toEqual([]);
  });

  test('loses the base transfers made ahead with it: the next key is made without them', async () => {
    const committee = await Committee.open(2, 'ban and stock', { stock: 1 });
    await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
    await committee.run(10_000);
    const [alice, bob] = [committee.at('alice'), committee.at('bob')];
    expect((await alice.node.status()).stock).toEqual({ pairs: 1, ready: 1 });
    bob.tamper = toOne(bob, 0, flippedAt(1 + 3 * 32 + 100));
    const { id } = await alice.node.sign(order(committee, 'm'));
    await committee.until(() => alice.home.bans.list().length > 0);
    bob.tamper = undefined;
    await committee.run(100);
    expect((await alice.node.status()).stock).toEqual({ pairs: 0, ready: 0 });
    await alice.node.cancel(id);
    const since = alice.sent.length;
    await committee.key({ name: 'next', scheme: 'ecdsa', threshold: 2 });
    // 256 points make a long message.
    const points = alice.sent
      .slice(since)
      .filter(({ frame }) => frame.type === 'envelope' && frame.value.length > 8_448);
    expect(points.length).toBe(1);
  });

  test('and has the next session of the same order begun meanwhile is answered nothing in it', async () => {
    const committee = await Committee.open(2, 'ban and again');
    await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
    const [alice, bob] = [committee.at('alice'), committee.at('bob')];
    bob.tamper = toOne(bob, 0, flippedAt(1 + 3 * 32 + 100));
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const steps: number[] = [];
    // The check of the first session lasts beyond its deadline.
    alice.hosting = (host) => {
      const session = steps.push(0) - 1;
      const next: typeof host.next = async (inbox) => {
        steps[session] = (steps[session] ?? 0) + 1;
        const progress = await host.next(inbox);
        if (session === 0 && inbox !== undefined) await released;
        return progress;
      };
      return { ...host, next };
    };
    const { id } = await alice.node.sign(order(committee, 'm'));
    await committee.until(() => steps[1] === 1, 120_000);
    await committee.run(100);
    expect(alice.home.bans.list()).toEqual([]);
    release();
    await committee.until(() => alice.home.bans.list().length > 0);
    await committee.run(1_000);
    expect(steps).toEqual([2, 1]);
    expect(alice.fatal).toEqual([]);
    await alice.node.cancel(id);
  });

  test('in eight sessions at once, guessing at Δ in each, has one answer: the others end unchecked', async () => {
    const committee = await Committee.open(2, 'at once');
    await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
    const [alice, bob] = [committee.at('alice'), committee.at('bob')];
    const keyId = keyIdOf(alice.config.networkId, 'vault');
    const pairOf = async ({ home }: Member): Promise<dkls23.PairMaterial> => {
      const [peer] = home.keys.get(keyId)?.current?.material ?? [];
      using material = await home.keys.materials.get(keyId, 1, peer as number);
      if (material === undefined) throw new Error('the two are set up');
      return material.use((bytes) => dkls23.decodePairMaterial(dkls23.suiteA, bytes));
    };
    const [ofAlice, ofBob] = [await pairOf(alice), await pairOf(bob)];
    const { me: one, peer: other } = ofAlice;
    // Groups in which Δ is not what he guesses, 0: he would fail every one of the eight checks.
    const delta = ofAlice.asAlice.delta.use((bytes) => bytes.slice());
    const groups = Array.from({ length: dkls23.suiteA.groups }, (_, g) => g).filter(
      (g) => (((delta[g >> 2] as number) >> (2 * (g & 3))) & 3) !== 0,
    );
    const random = seeded(new TextEncoder().encode('at once'));
    const cheat = toOne(bob, 0, (payload) => {
      const group = groups.pop();
      const [sid, bobNonce] = [payload.slice(1, 33), payload.slice(33, 65)];
      const setting = { suite: dkls23.suiteA, run: { sid, alice: one, bob: other, bobNonce } };
      const leaves = ofBob.asBob.leaves.use((bytes) => bytes.slice());
      const error = (g: number): bigint => (g === group ? 1n : 0n);
      const { message } = bobRequests(setting, { leaves }, random.bytes(52), random.bytes(16), { error });
      return Uint8Array.of(...payload.subarray(0, 97), ...message);
    });
    // He holds them back until all eight sessions have begun, so that all could be checked at once.
    const held: NodeFrame[] = [];
    bob.tamper = (frame, to) => {
      const said = cheat(frame, to);
      if (said[0] === frame) return said;
      held.push(...said);
      return [];
    };
    const orders = Array.from({ length: 8 }, (_, i) => order(committee, `at once ${i}`));
    await Promise.all(orders.map(async (each) => await alice.node.sign(each)));
    await committee.until(() => held.length === 8 && new Set(saidBy(alice).map(({ sid }) => toHex(sid))).size === 8);
    bob.tamper = undefined;
    for (const frame of held) committee.say('bob', 'alice', frame);
    await committee.until(() => alice.home.bans.list().length > 0);
    await committee.run(100);

    // One check of one session failed; of the others there is neither an answer nor another ban, and all end alike.
    expect((await committee.audit('alice')).filter((kind) => kind === 'ban')).toHaveLength(1);
    expect(saidBy(alice).filter((envelope) => envelope.round > 0 && envelope.class !== 'abort')).toEqual([]);
    const ends = saidBy(alice).filter((envelope) => envelope.class === 'abort');
    expect(new Set(ends.map(({ sid }) => toHex(sid))).size).toBe(8);
    expect(new Set(ends.map(({ payload }) => toHex(payload))).size).toBe(1);
    expect(alice.fatal).toEqual([]);
    expect(bob.home.bans.list()).toEqual([]);
  });

  test.for([false, true])(
    'is told nothing before the ban is on the disk, at whichever write that fails (applied: %s)',
    async (applied) => {
      const committee = await Committee.open(2, `disk ${applied}`);
      await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
      const [alice, bob] = [committee.at('alice'), committee.at('bob')];
      bob.tamper = toOne(bob, 0, flippedAt(1 + 3 * 32 + 100));
      let failures = 0;
      for (let nth = 1; alice.home.bans.list().length === 0; nth++) {
        const before = saidBy(alice).length;
        alice.store.failWrite(nth, { applied });
        await alice.node.sign(order(committee, `try ${nth}`)).catch(() => undefined);
        await committee.run(200);
        failures += alice.fatal.splice(0).length;
        const said = saidBy(alice).slice(before);
        await committee.stop(alice);
        await committee.start(alice);
        // What was in a check when the disk failed is burnt, and set up anew.
        await committee.run(20_000);
        expect(said.filter((envelope) => envelope.round > 0)).toEqual([]);
        const told = said.some((envelope) => envelope.class === 'abort');
        if (told) expect(alice.home.bans.list()).toHaveLength(1);
      }
      expect(failures).toBeGreaterThan(2);
    },
  );

  test('and is banned by one session while another with it is prepared ends that one, and not the node', async () => {
    const committee = await threeWithKey('meanwhile');
    const { fatal, home, node } = committee.at('alice');
    const { materials } = home.keys;
    const get = materials.get.bind(materials);
    materials.get = async (keyId, epoch, party) => {
      const { participants = [] } = node.ceremonies().find(({ state }) => state === 'running') ?? {};
      const other = committee.at(participants.find((name) => name !== 'alice') as string);
      await home.bans.ban({ node: other.key.publicKey, session: new Uint8Array(32), time: 1 });
      materials.get = get;
      return await get(keyId, epoch, party);
    };
    for (let n = 0; home.bans.list().length === 0; n++) {
      expect((await committee.sign('alice', order(committee, `try ${n}`), 120_000)).state).toBe('done');
    }
    expect(fatal).toEqual([]);
  });
});
