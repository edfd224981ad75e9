import { createPublicKey, verify } from 'node:crypto';
import { decodeEnvelope, fromHex, kinds, sealEnvelope, sessionId, toHex, wire } from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../../test/committee.ts';
import { networkIdOf } from '../../config/config.ts';
import { limits } from '../../limits.ts';
import { preparations, proposePreparation } from '../../policy/preparation.ts';
import type { SignRequest } from '../../policy/sign-request.ts';
import type { CeremonyView } from '../../service.ts';
import { decodeFrame, type NodeFrame } from '../frames.ts';

const names = ['alice', 'bob', 'carol'];
/** Presignatures that each member keeps for a key. */
const pool = 4;
let orders = 0;

/** Has a key sign, so that it is given presignatures, and lets two members fill their pools. */
async function replenish(committee: Committee, signers = 2): Promise<void> {
  committee.hub.heal();
  for (const member of committee.members.values()) member.tamper = undefined;
  await committee.run(1_000);
  await sign(committee, `again ${orders++}`);
  await filled(committee, pool, signers);
}

/** An order for a signature over a text's SHA-256. */
function orderFor(committee: Committee, text: string, path = 'm'): SignRequest {
  const hashed = { hash: 'sha256', message: new TextEncoder().encode(text) } as const;
  return committee.order(text, { key: 'vault', intent: { type: 'hashed', value: hashed }, path });
}

async function sign(committee: Committee, text: string, at = 'alice', path = 'm'): Promise<CeremonyView> {
  return await committee.sign(at, orderFor(committee, text, path));
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
  const envelopes = sent
    .slice(from)
    .flatMap(({ frame }) => (frame.type === 'envelope' ? [decodeEnvelope(frame.value)] : []));
  return Math.max(0, ...envelopes.filter(({ kind }) => kind === kinds.sign).map(({ round }) => round + 1));
}

describe('two of three, in one life after another', () => {
  let committee: Committee;
  let one: string;
  let other: string;
  let third: string;
  beforeAll(async () => {
    committee = await Committee.open(3, 'presigning', { presignatures: pool });
    await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
  });

  /** Fills the pools, and says whose they are. */
  async function begin(): Promise<void> {
    // Who died in a check sets up its pairs anew.
    const isSetUp = ({ home }: Member): boolean => home.keys.byName('vault')?.current?.material.length === 2;
    await committee.until(() => [...committee.members.values()].every(isSetUp), 120_000);
    await replenish(committee);
    [one, other] = (await holders(committee)) as [string, string];
    third = [...committee.members.keys()].find((name) => name !== one && name !== other) as string;
  }

  test('make none before they sign, and show, audit and say nothing of it', async () => {
    await committee.run(60_000);
    expect(await holders(committee)).toEqual([]);
    await sign(committee, 'wanted');
    await committee.run(20);
    const audits = await Promise.all([...committee.members.keys()].map(async (name) => await committee.audit(name)));
    const seen: string[] = [];
    const stops = [...committee.members.values()].map(({ node }) => node.follow(({ kind }) => void seen.push(kind)));
    await filled(committee, pool, 2);
    for (const stop of stops) stop();
    expect(seen).toEqual([]);
    for (const [i, { name, node, log }] of [...committee.members.values()].entries()) {
      expect(node.ceremonies().map(({ kind }) => kind)).toEqual(['sign', 'keygen']);
      expect((await node.status()).openCeremonies).toBe(0);
      expect(await committee.audit(name)).toEqual(audits[i]);
      expect(log).toEqual([]);
    }
  });

  test('sign in two rounds what OpenSSL accepts, also for children, until they are used up', async () => {
    await begin();
    const marks = new Map([...committee.members.values()].map((member) => [member, member.sent.length]));
    const most = (): number => Math.max(...[...marks].map(([member, mark]) => rounds(member, mark)));
    const results = [];
    for (const [i, path] of ['m', 'm/44/60/7', 'm', 'm'].entries()) {
      const done = await sign(committee, `quick ${i}`, ['alice', 'bob', 'carol'][i % 3], path);
      expect(openssl(`quick ${i}`, done)).toBe(true);
      expect(named(committee, done.id)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
      results.push(done);
    }
    expect(most()).toBe(2);
    const [root, child] = results.map(({ result }) => (result?.type === 'signature' ? result.publicKey : ''));
    expect(child).not.toBe(root);
    expect(await holders(committee)).toEqual([]);
    const slow = await sign(committee, 'used up');
    expect(openssl('used up', slow)).toBe(true);
    expect(named(committee, slow.id)).toEqual(['']);
    expect(most()).toBe(3);
    expect(new Set([...results, slow].map(nonceOf)).size).toBe(5);
  });

  test('lose them when two of them set up anew what they multiply with', async () => {
    await begin();
    const { home } = committee.at(one);
    const info = home.keys.byName('vault');
    const { parties } = await committee.at(one).node.key('vault');
    const party = parties.find(({ name }) => name === other)?.party as number;
    await home.keys.materials.drop(info?.keyId as Uint8Array, 1, [party]);
    await committee.until(() => home.keys.byName('vault')?.current?.material.includes(party) === true, 60_000);
    expect(await holders(committee)).toEqual([]);
  });

  test('make none while somebody waits, and one after the other when nobody does', async () => {
    await begin();
    const proposed = (): number =>
      [...committee.members.values()].flatMap(({ sent }) =>
        sent.filter(({ frame }) => frame.type === 'request' && frame.value.kind === kinds.presign),
      ).length;
    await sign(committee, 'makes room');
    const before = proposed();
    const unheard = new Set(['registration', 'start']);
    committee.hub.fate = ({ payload }) => ({ drop: unheard.has(decodeFrame(payload).type) });
    const { id } = await committee.at(one).node.sign(orderFor(committee, 'waits'));
    await committee.run(5_000);
    expect([proposed(), committee.ceremony(one, id)?.state]).toEqual([before, 'accepted']);
    committee.hub.fate = () => undefined;
    await committee.until(() => committee.ceremony(one, id)?.state === 'done');
    await filled(committee, pool, 2);
    // Each asks one other, and nobody but the first in turn.
    expect(proposed()).toBeGreaterThan(before);
    expect(proposed() - before).toBeLessThanOrEqual(pool);
  });

  test('never use one for two requests, however many come at once, and no nonce comes again', async () => {
    const nonces: string[] = [];
    for (let wave = 0; wave < 3; wave++) {
      await begin();
      const texts = Array.from({ length: 4 }, (_, i) => `wave ${wave}, ${i}`);
      const all = await Promise.all(texts.map(async (text, i) => await sign(committee, text, names[i % 3])));
      for (const [i, done] of all.entries()) expect(openssl(texts[i] as string, done)).toBe(true);
      nonces.push(...all.map(nonceOf));
    }
    expect(new Set(nonces).size).toBe(12);
    expectOneShareEach(committee);
  });

  test('lose them with a restart of one of them, both', async () => {
    await begin();
    const member = committee.at(one);
    await committee.stop(member);
    await committee.start(member);
    await committee.run(100);
    expect(await holders(committee)).toEqual([]);
    const done = await sign(committee, 'restarted');
    expect([openssl('restarted', done), named(committee, done.id)]).toEqual([true, ['']]);
  });

  test('lose them with age', async () => {
    await begin();
    // Those that replace others come in the first hour, too.
    await committee.run(limits.presignatureDemand + limits.presignatureAge);
    expect(await holders(committee)).toEqual([]);
  });

  test('do without whoever keeps none', async () => {
    await begin();
    const member = committee.at(one);
    Object.assign(member.config, { presignatures: 0 });
    await committee.stop(member);
    await committee.start(member);
    await committee.run(100);
    await replenish(committee);
    expect(await holders(committee)).toEqual([other, third].toSorted());
    Object.assign(member.config, { presignatures: pool });
    await committee.stop(member);
    await committee.start(member);
    await committee.run(limits.presignAvoided);
  });

  test('whose disk fails at any write send no second share by a presignature', async () => {
    let nth = 1;
    for (let failed = true; failed; nth++) {
      await begin();
      const member = committee.at(one);
      member.store.failWrite(nth, { applied: nth % 2 === 0 });
      const done = await sign(committee, `write ${nth}`, other);
      expect(openssl(`write ${nth}`, done)).toBe(true);
      failed = member.fatal.length > 0;
      member.fatal.length = 0;
      await committee.stop(member);
      await committee.start(member);
      await committee.run(100);
      expect((await ready(committee))[one]).toBe(0);
    }
    expect(nth).toBeGreaterThan(4);
    expectOneShareEach(committee);
  });

  test('that die between the tombstone and the share never use it again, and burn nothing', async () => {
    await begin();
    const member = committee.at(one);
    const before = (await committee.audit(one)).length;
    const spend = member.home.sessions.spend.bind(member.home.sessions);
    let dead: Promise<void> | undefined;
    member.home.sessions.spend = async (tombstone, check) => {
      await spend(tombstone, check);
      if (tombstone.round !== 'locks') return;
      dead ??= committee.stop(member, 'kill');
      await new Promise(() => undefined);
    };
    const done = await sign(committee, 'tombstone', other);
    await dead;
    await committee.start(member);
    await committee.run(100);
    expect(openssl('tombstone', done)).toBe(true);
    expect(named(committee, done.id)).toEqual([expect.stringMatching(/./), '']);
    expect((await committee.audit(one)).slice(before)).not.toContain('pairs-burnt');
    expect((await ready(committee))[one]).toBe(0);
    expectOneShareEach(committee);
  });

  test('lose one session to a liar that offers what it does not have, and nothing else', async () => {
    await begin();
    // It says nothing in a session that uses a presignature.
    committee.at(other).tamper = (frame) => (isLock(committee, frame) ? [] : [frame]);
    const done = await sign(committee, 'empty hands', one);
    expect(openssl('empty hands', done)).toBe(true);
    expect(named(committee, done.id)).toEqual([expect.stringMatching(/./), '']);
    expect((await ready(committee))[one]).toBe(pool - 1);
    // The next attempt offers none.
    const again = [...committee.members.values()].flatMap(({ sent }) =>
      sent.flatMap(({ frame }) =>
        frame.type === 'registration' && toHex(frame.value.request) === done.id && frame.value.attempt > 1
          ? [frame.value.presigned]
          : [],
      ),
    );
    expect(new Set(again.map(({ ids, signers }) => ids.length + signers.length))).toEqual(new Set([0]));
    expect(committee.at(one).home.bans.list()).toEqual([]);
  });

  test('start nothing when a coordinator names what they did not offer', async () => {
    const twisted = new Uint8Array(32);
    for (let twists = 0; twists === 0; ) {
      await begin();
      for (const name of [other, third]) {
        committee.at(name).tamper = (frame, to) => {
          if (frame.type !== 'start' || to !== one || frame.value.presignature.length === 0) return [frame];
          twists++;
          return [{ type: 'start', value: { ...frame.value, presignature: twisted } }];
        };
      }
      const text = `named ${orders++}`;
      expect(openssl(text, await sign(committee, text, one))).toBe(true);
    }
    expect(committee.at(one).log.join()).toContain('did not offer that presignature');
  });

  test('start nothing by one that has gone since they offered it', async () => {
    for (let held: NodeFrame | undefined; held === undefined; ) {
      await begin();
      committee.at(third).tamper = (frame, to) => {
        if (frame.type !== 'start' || to !== one || frame.value.presignature.length === 0) return [frame];
        held = frame;
        return [];
      };
      const text = `gone ${orders++}`;
      const { id } = await committee.at(one).node.sign(orderFor(committee, text));
      await committee.run(50);
      committee.at(third).tamper = undefined;
      if (held !== undefined) {
        const [a, b, c] = [one, other, third].map((name) => committee.at(name).peer) as [string, string, string];
        committee.hub.partition([a, c], [b, c]);
        await committee.run(5);
        committee.hub.heal();
        committee.say(third, one, held);
      }
      await committee.until(() => committee.ceremony(one, id)?.state === 'done');
      expect(openssl(text, committee.ceremony(one, id) as CeremonyView)).toBe(true);
    }
    expect(committee.at(one).log.join()).toContain('a presignature that is gone');
    expect(committee.at(one).fatal).toEqual([]);
  });

  test('refuse proposals that are for too many, or come all the time', async () => {
    await begin();
    const { key } = committee.at(other);
    const { epoch, parties } = await committee.at(one).node.key('vault');
    const proposal = (seats: readonly number[], nonce: number): NodeFrame => {
      const body = proposePreparation(
        'presign',
        {
          network: networkIdOf('testnet'),
          key: 'vault',
          epoch,
          parties: seats,
          expires: committee.clock.now() + 1_000,
          nonce: new Uint8Array(32).fill(nonce),
        },
        key,
      );
      return { type: 'request', value: { kind: kinds.presign, body: wire.encode(preparations.codec, body) } };
    };
    const declined = (): readonly string[] =>
      committee
        .at(one)
        .sent.flatMap(({ to, frame }) => (to === other && frame.type === 'declined' ? [frame.value.reason] : []));
    committee.say(other, one, proposal([1, 2, 3], 1));
    await committee.run(50);
    expect(declined().at(-1)).toMatch(/made by as many as sign/);
    const pair = parties.flatMap(({ name, party }) => (name === third ? [] : [party]));
    for (let nonce = 2; nonce < 2 + limits.openPresignings; nonce++) committee.say(other, one, proposal(pair, nonce));
    await committee.run(50);
    expect(declined().at(-1)).toMatch(/made by as many as sign/);
    committee.say(other, one, proposal(pair, 50));
    await committee.run(50);
    expect(declined().at(-1)).toMatch(/under way/);
    await committee.run(60_000);
    for (let nonce = 60; nonce < 61 + limits.presigningsBurst; nonce++)
      committee.say(other, one, proposal(pair, nonce));
    await committee.run(50);
    expect(declined().at(-1)).toMatch(/too many presignings/);
    await committee.run(60_000);
  });

  test('lose them with a ban, and make new ones with others', async () => {
    await begin();
    const [victim, cheat] = [committee.at(one), committee.at(other)];
    // One is used, and the cheat cheats in making the next: what is left was made honestly.
    const done = await sign(committee, 'before');
    expect(named(committee, done.id)).not.toEqual(['']);
    const place = { kind: kinds.presign, round: 0, class: 'direct' } as const;
    cheat.tamper = said(cheat, place, (payload) => payload.map((byte, i) => (i === 200 ? byte ^ 1 : byte)));
    await committee.until(() => victim.home.bans.list().length > 0);
    expect(victim.home.bans.list().map(({ node }) => toHex(node))).toEqual([toHex(cheat.key.publicKey)]);
    expect((await ready(committee))[one]).toBe(0);
    const next = await sign(committee, 'after');
    expect([openssl('after', next), named(committee, next.id)]).toEqual([true, ['']]);
    cheat.tamper = undefined;
    await replenish(committee);
    expect(await holders(committee)).not.toEqual([one, other]);
    expect(cheat.home.bans.list()).toEqual([]);
    for (const { fatal } of committee.members.values()) expect(fatal).toEqual([]);
    expectOneShareEach(committee);
  });
});

test('whoever says two locks is blamed by those who see both, alone, and there is no signature of it', async () => {
  const committee = await Committee.open(3, 'two locks', { presignatures: pool });
  await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 3 });
  await replenish(committee, 3);
  const [bob, carol] = [committee.at('bob'), committee.at('carol')];
  // Version, nonce, use.
  const twist = said(carol, {}, (payload) => payload.map((byte, i) => (i === 5 ? byte ^ 1 : byte)));
  carol.tamper = (frame, to) => (to === 'bob' && isLock(committee, frame) ? twist(frame, to) : [frame]);
  // It does not listen to what is said of it.
  committee.hub.fate = ({ from, to, payload }) => {
    if (from !== bob.peer || to !== carol.peer) return undefined;
    const frame = decodeFrame(payload);
    if (frame.type !== 'envelope') return undefined;
    const { round, sid } = decodeEnvelope(frame.value);
    return { drop: round === 1 && online(committee).has(toHex(sid)) };
  };
  const done = await sign(committee, 'twice');
  expect(openssl('twice', done)).toBe(true);
  expect(named(committee, done.id)).toEqual([expect.stringMatching(/./), '']);
  const blamed = ['alice', 'bob'].map((name) =>
    committee
      .at(name)
      .node.peers()
      .flatMap((peer) => (peer.blames > 0 ? [peer.name] : [])),
  );
  expect(blamed).toEqual([['carol'], ['carol']]);
  for (const { fatal, home } of committee.members.values()) expect([fatal, home.bans.list()]).toEqual([[], []]);
});

type Envelope = ReturnType<typeof decodeEnvelope>;

/** The sessions that use a presignature, and which. */
function online(committee: Committee): ReadonlyMap<string, string> {
  const starts = [...committee.members.values()].flatMap(({ sent }) =>
    sent.flatMap(({ frame }) => (frame.type === 'start' && frame.value.presignature.length > 0 ? [frame.value] : [])),
  );
  return new Map(starts.map((start) => [toHex(sessionId(start)), toHex(start.presignature)]));
}

/** Whether a frame is what a signer says before it uses a presignature. */
function isLock(committee: Committee, frame: NodeFrame): boolean {
  if (frame.type !== 'envelope') return false;
  const { class: sort, round, sid } = decodeEnvelope(frame.value);
  return sort === 'broadcast' && round === 0 && online(committee).has(toHex(sid));
}

/** Signs what a member says in a place anew, with another payload. */
function said(member: Member, place: Partial<Envelope>, change: (payload: Uint8Array) => Uint8Array): Tamper {
  return (frame) => {
    if (frame.type !== 'envelope') return [frame];
    const envelope = decodeEnvelope(frame.value);
    const here = Object.entries(place).every(([name, value]) => envelope[name as keyof Envelope] === value);
    if (!here) return [frame];
    const { frame: value } = sealEnvelope(envelope, envelope.echo, change(envelope.payload), member.key);
    return [{ type: 'envelope', value }];
  };
}

/** By each presignature that any Start named, each member sent one share at most, ever. */
function expectOneShareEach(committee: Committee): void {
  const used = online(committee);
  expect(used.size).toBeGreaterThan(2);
  expect(new Set(used.values()).size).toBe(used.size);
  for (const { sent } of committee.members.values()) {
    const shares = new Map<string, string>();
    for (const { frame } of sent) {
      if (frame.type !== 'envelope') continue;
      const { class: sort, payload, round, sid } = decodeEnvelope(frame.value);
      const id = used.get(toHex(sid));
      if (id === undefined || round !== 1 || sort !== 'broadcast') continue;
      expect(shares.get(id) ?? toHex(payload)).toBe(toHex(payload));
      shares.set(id, toHex(payload));
    }
  }
}

test('members lose presignatures with a refresh, and make new ones of the new epoch', async () => {
  const committee = await Committee.open(3, 'presigning and refresh', { presignatures: pool });
  await committee.key({ name: 'vault', scheme: 'ecdsa', threshold: 2 });
  await replenish(committee);
  await committee.run(limits.refreshPause);
  const { id } = await committee.at('alice').node.refresh('vault');
  await committee.until(() => names.every((name) => committee.ceremony(name, id)?.state === 'done'), 120_000);
  expect(await holders(committee)).toEqual([]);
  expect(openssl('another epoch', await sign(committee, 'another epoch'))).toBe(true);
  await filled(committee, pool, 2);
  expect(openssl('presigned in it', await sign(committee, 'presigned in it'))).toBe(true);
});
