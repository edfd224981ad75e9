import { createPublicKey, verify } from 'node:crypto';
import { decodeEnvelope, fromHex, sealEnvelope, toHex } from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import type { HashName } from '../intents/intent.ts';
import type { SignRequest } from '../policy/sign-request.ts';
import type { CeremonyView } from '../service.ts';

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

  test('and is banned by one session while another with it is prepared ends that one, and not the node', async () => {
    const committee = await threeWithKey('meanwhile');
    const { fatal, home, node } = committee.at('alice');
    const material = home.keys.material.bind(home.keys);
    home.keys.material = async (keyId, epoch, party) => {
      const { participants = [] } = node.ceremonies().find(({ state }) => state === 'running') ?? {};
      const other = committee.at(participants.find((name) => name !== 'alice') as string);
      await home.bans.ban({ node: other.key.publicKey, session: new Uint8Array(32), time: 1 });
      home.keys.material = material;
      return await material(keyId, epoch, party);
    };
    for (let n = 0; home.bans.list().length === 0; n++) {
      expect((await committee.sign('alice', order(committee, `try ${n}`), 120_000)).state).toBe('done');
    }
    expect(fatal).toEqual([]);
  });
});
