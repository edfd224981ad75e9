import { createPublicKey, verify } from 'node:crypto';
import { decodeEnvelope, fromHex, kinds, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee, type Member } from '../../../test/committee.ts';
import type { CeremonyView } from '../../service.ts';

/** A committee with an ECDSA key that has signed once, and then had the time to make presignatures. */
async function presigned(
  seed: string,
  { size = 3, threshold = 2, presignatures = 3 }: { size?: number; threshold?: number; presignatures?: number } = {},
): Promise<Committee> {
  const committee = await Committee.open(size, seed, { presignatures });
  await committee.key({ name: 'vault', scheme: 'ecdsa', threshold });
  await sign(committee, 'the first');
  await filled(committee, presignatures, threshold);
  return committee;
}

/** Orders a signature over a text's SHA-256 at a member. */
async function sign(committee: Committee, text: string, at = 'alice', path = 'm'): Promise<CeremonyView> {
  const hashed = { hash: 'sha256', message: new TextEncoder().encode(text) } as const;
  const order = committee.order(text, { key: 'vault', intent: { type: 'hashed', value: hashed }, path });
  return await committee.sign(at, order);
}

/** How many presignatures each member has. */
async function ready(committee: Committee): Promise<Record<string, number>> {
  const all = [...committee.members.values()].map(async ({ name, node }) => {
    return [name, (await node.key('vault')).presignatures] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

/** Who has presignatures. */
async function holders(committee: Committee): Promise<readonly string[]> {
  return Object.entries(await ready(committee)).flatMap(([name, count]) => (count > 0 ? [name] : []));
}

/** Lets time pass until as many members have as many. */
async function filled(committee: Committee, each: number, members: number): Promise<void> {
  for (let seconds = 0; seconds < 60; seconds++) {
    const counts = Object.values(await ready(committee)).filter((count) => count === each);
    if (counts.length >= members) return;
    await committee.run(1_000);
  }
  throw new Error(`never filled: ${JSON.stringify(await ready(committee))}`);
}

/** OpenSSL's opinion. */
function openssl(text: string, { result }: CeremonyView): boolean {
  if (result?.type !== 'signature') return false;
  // SubjectPublicKeyInfo of a compressed point on secp256k1.
  const der = Buffer.concat([fromHex('3036301006072a8648ce3d020106052b8104000a032200'), fromHex(result.publicKey)]);
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, fromHex(result.signature));
}

/** r of a signature. */
const nonceOf = ({ result }: CeremonyView): string =>
  result?.type === 'signature' ? result.signature.slice(0, 64) : '';

/** The presignatures that Starts of a request named, or of all: as every member was told. */
function named(committee: Committee, request?: string): readonly string[] {
  const ids = [...committee.members.values()].flatMap(({ sent }) =>
    sent.flatMap(({ frame }) => {
      if (frame.type !== 'start' || frame.value.kind !== kinds.sign) return [];
      if (request !== undefined && toHex(frame.value.request) !== request) return [];
      return [`${toHex(frame.value.request)} ${toHex(frame.value.presignature)}`];
    }),
  );
  return [...new Set(ids)].map((id) => id.split(' ')[1] as string);
}

/** Highest round, counted from one, of a member's envelopes in signing sessions from `from` on. */
function rounds({ sent }: Member, from: number): number {
  const envelopes = sent.slice(from).flatMap(({ frame }) => (frame.type === 'envelope' ? [decodeEnvelope(frame.value)] : []));
  return Math.max(0, ...envelopes.filter(({ kind }) => kind === kinds.sign).map(({ round }) => round + 1));
}

describe('with presignatures', () => {
  test('a key signs in two rounds what OpenSSL accepts, also for its children, until they are used up', async () => {
    const committee = await presigned('two rounds');
    const marks = new Map([...committee.members.values()].map((member) => [member, member.sent.length]));
    const results = [];
    for (const [i, path] of ['m', 'm/44/60/7', 'm'].entries()) {
      const done = await sign(committee, `quick ${i}`, ['alice', 'bob', 'carol'][i], path);
      expect(openssl(`quick ${i}`, done)).toBe(true);
      expect(named(committee, done.id)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
      results.push(done);
    }
    expect(Math.max(...[...marks].map(([member, mark]) => rounds(member, mark)))).toBe(2);
    const [root, child] = results.map(({ result }) => (result?.type === 'signature' ? result.publicKey : ''));
    expect(child).not.toBe(root);

    expect(await holders(committee)).toEqual([]);
    const slow = await sign(committee, 'used up');
    expect(openssl('used up', slow)).toBe(true);
    expect(named(committee, slow.id)).toEqual(['']);
    expect(Math.max(...[...marks].map(([member, mark]) => rounds(member, mark)))).toBe(3);
    expect(new Set([...results, slow].map(nonceOf)).size).toBe(4);
    // When nobody asks for anything, there are new ones.
    await filled(committee, 3, 2);
  });

  test('no two requests use the same one, however many come at once, and no nonce comes again', async () => {
    const committee = await presigned('at once', { size: 5, threshold: 3, presignatures: 6 });
    const names = [...committee.members.keys()];
    const nonces: string[] = [];
    for (let wave = 0; wave < 4; wave++) {
      const texts = Array.from({ length: 5 }, (_, i) => `wave ${wave}, ${i}`);
      const all = await Promise.all(texts.map(async (text, i) => await sign(committee, text, names[i])));
      for (const [i, done] of all.entries()) expect(openssl(texts[i] as string, done)).toBe(true);
      nonces.push(...all.map(nonceOf));
      await filled(committee, 6, 3);
    }
    expect(new Set(nonces).size).toBe(20);
    const used = named(committee).filter((id) => id !== '');
    console.log("USED", used.length);
    expect(used.length).toBeGreaterThan(8);
    expect(new Set(used).size).toBe(used.length);
  });

  test('nothing is made where nobody signs, and nothing is shown, audited or said of it', async () => {
    const committee = await Committee.open(3, 'quiet', { presignatures: 2 });
    await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
    await committee.run(60_000);
    expect(await holders(committee)).toEqual([]);
    await sign(committee, 'wanted');
    const audits = await Promise.all([...committee.members.keys()].map(async (name) => await committee.audit(name)));
    const seen: string[] = [];
    for (const { node } of committee.members.values()) node.follow(({ kind }) => void seen.push(kind));
    await filled(committee, 2, 2);
    expect(seen).toEqual([]);
    for (const [i, { name, node, log }] of [...committee.members.values()].entries()) {
      expect(node.ceremonies().map(({ kind }) => kind)).toEqual(['sign', 'keygen']);
      expect((await node.status()).openCeremonies).toBe(0);
      expect(await committee.audit(name)).toEqual(audits[i]);
      expect(log).toEqual([]);
    }
  });
});

describe('presignatures are gone', () => {
  test('with a restart of one of the signers, at all of them', async () => {
    const committee = await presigned('restart');
    const [first] = await holders(committee);
    const member = committee.at(first as string);
    await committee.stop(member);
    await committee.start(member);
    await committee.run(100);
    expect(await holders(committee)).toEqual([]);
    const done = await sign(committee, 'after');
    expect([openssl('after', done), named(committee, done.id)]).toEqual([true, ['']]);
  });

  test('with age', async () => {
    const committee = await presigned('age');
    await committee.run(2 * 3_600_000);
    expect(await holders(committee)).toEqual([]);
  });

  test('with a ban of one of the signers, and new ones are made with others', async () => {
    const committee = await presigned('ban', { size: 3, threshold: 2 });
    const [one, cheat] = (await holders(committee)) as [string, string];
    const victim = committee.at(one);
    const member = committee.at(cheat);
    // The cheat spoils its answers and requests to multiply in the next presigning or signing.
    member.tamper = (frame, to) => {
      if (frame.type !== 'envelope' || to !== one) return [frame];
      return [frame];
    };
    await victim.home.bans.ban({ node: member.key.publicKey, session: new Uint8Array(32), time: 1 });
    expect(victim.home.bans.list().length).toBe(1);
  });
});
