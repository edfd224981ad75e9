import {
  decodeEnvelope,
  equal,
  frost,
  judge,
  kinds,
  publicPackageCodec,
  type Registration,
  register,
  type Start,
  sealEnvelope,
  sessionId,
  toHex,
  wire,
} from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import { contentOf } from '../intents/intent.ts';
import { limits } from '../limits.ts';
import { requestId, type SignRequest, signRequests } from '../policy/sign-request.ts';
import { nativeTools } from '../tools.ts';
import { decodeFrame, encodeFrame } from './frames.ts';

const tools = nativeTools();

/** A committee of five with a key of which three sign. */
async function fiveWithKey(seed: string): Promise<Committee> {
  const committee = await Committee.open(5, seed);
  await committee.key();
  return committee;
}

/** An order of which `at` is the first coordinator. */
function orderFor(committee: Committee, at: string): SignRequest {
  for (let i = 0; ; i++) {
    const request = committee.order(`m${i}`);
    if (committee.turns('coordinator', toHex(requestId(request)))[0] === at) return request;
  }
}

/** The sessions in which a member said anything. */
function sessionsOf({ sent }: Member): readonly string[] {
  const envelopes = sent.flatMap(({ frame }) => (frame.type === 'envelope' ? [decodeEnvelope(frame.value)] : []));
  return [...new Set(envelopes.map(({ sid }) => toHex(sid)))];
}

/** Signs what it says in a round anew, with other bytes. */
function resealed(member: Member, round: number, change: (payload: Uint8Array) => Uint8Array): Tamper {
  return (frame) => {
    // With the others' shares it has a signature, which it keeps to itself.
    if (frame.type === 'result') return [];
    if (frame.type !== 'envelope') return [frame];
    const envelope = decodeEnvelope(frame.value);
    if (envelope.round !== round || envelope.class !== 'broadcast') return [frame];
    const { frame: value } = sealEnvelope(envelope, envelope.echo, change(envelope.payload), member.key);
    return [{ type: 'envelope', value }];
  };
}

/** A share follows its version byte; the first byte of an Ed25519 scalar is its lowest: another one, below the order. */
const flipped = (payload: Uint8Array): Uint8Array => payload.map((byte, i) => (i === 1 ? byte ^ 1 : byte));
const silent: Tamper = () => [];
const mute =
  (...types: string[]): Tamper =>
  (frame) =>
    types.includes(frame.type) ? [] : [frame];

describe('a coordinator that', () => {
  test.for<[string, Tamper, number]>([
    ['says nothing', silent, 10_000],
    ['reassures, and begins nothing', mute('start'), 15_000],
    [
      'begins, but does not say so to all',
      (frame, to) => (frame.type === 'start' && to === 'alice' ? [] : [frame]),
      15_000,
    ],
  ])('%s is replaced', async ([, tamper, within]) => {
    const committee = await fiveWithKey('stall');
    committee.at('bob').tamper = tamper;
    const request = orderFor(committee, 'bob');
    const done = await committee.sign('alice', request, within);
    expect(done.state).toBe('done');
  });

  test('the network loses is replaced at once', async () => {
    const committee = await fiveWithKey('lost');
    const request = orderFor(committee, 'bob');
    committee.at('bob').tamper = silent;
    await committee.at('alice').node.sign(request);
    await committee.run(100);
    await committee.stop(committee.at('bob'));
    const done = await committee.sign('alice', request, 200);
    expect(done.state).toBe('done');
  });

  test('always seats a silent friend does not hold the request for ever', async () => {
    const committee = await fiveWithKey('friends');
    const friend = committee.at('erin');
    friend.tamper = mute('envelope');
    const party = (name: string) => partyOf(committee, name);
    // Bob drops the registrations of whoever complains, so that his friend is always among the three best.
    committee.hub.fate = ({ from, to, payload }) => {
      const frame = decodeFrame(payload);
      const drop =
        to === committee.at('bob').peer &&
        from !== friend.peer &&
        frame.type === 'registration' &&
        frame.value.avoid.includes(party('erin'));
      return { drop };
    };
    const done = await committee.sign('alice', orderFor(committee, 'bob'), 60_000);
    expect(done.state).toBe('done');
  });
});

describe('a start is refused', () => {
  const cases: readonly [
    string,
    (start: Start, bob: Member, old: Registration | undefined) => Start | undefined,
    string,
  ][] = [
    ['for another digest', (start) => ({ ...start, digest: new Uint8Array(32) }), 'something else'],
    ['of another kind', (start) => ({ ...start, kind: kinds.keygen }), 'something else'],
    ['of another epoch', (start) => ({ ...start, epoch: 2 }), 'something else'],
    [
      'with fewer than the threshold',
      (start) => ({ ...start, participants: start.participants.slice(0, 2) }),
      'too few',
    ],
    [
      'that lists somebody twice',
      (start) => ({
        ...start,
        participants: [...start.participants, start.participants.at(-1) as Start['participants'][0]],
      }),
      'ascending',
    ],
    [
      'with a party that the key does not have',
      (start, bob) => {
        const { registration } = start.participants[0] as Start['participants'][0];
        return {
          ...start,
          participants: [...start.participants, { party: 6, registration: register(registration, bob.key) }],
        };
      },
      'not played by that node',
    ],
    [
      'with a registration that its member did not sign',
      (start) => ({
        ...start,
        participants: start.participants.map(({ party, registration }, i) => ({
          party,
          registration: i === 0 ? { ...registration, nonce: new Uint8Array(32) } : registration,
        })),
      }),
      'not signed|latest registration',
    ],
    [
      'with a registration for another request',
      (start, _bob, old) => {
        if (old === undefined) return undefined;
        const participants = start.participants.map((one) =>
          equal(one.registration.node, old.node) ? { ...one, registration: old } : one,
        );
        return { ...start, participants };
      },
      'something else|latest registration',
    ],
  ];

  test.for(cases)('%s, and the request completes without its coordinator', async ([, forge, fault]) => {
    const committee = await fiveWithKey('forge');
    const bob = committee.at('bob');
    // Bob remembers a registration of every member for an earlier request.
    await committee.sign('bob', orderFor(committee, 'bob'));
    const registrations = [...committee.members.values()].flatMap(({ sent }) =>
      sent.flatMap(({ frame }) => (frame.type === 'registration' ? [frame.value] : [])),
    );
    const before = new Map([...committee.members.values()].map((member) => [member.name, sessionsOf(member).length]));
    const forged: string[] = [];
    bob.tamper = (frame) => {
      if (frame.type !== 'start') return [frame];
      const old = registrations.find(({ node }) =>
        frame.value.participants.some(({ registration }) => equal(registration.node, node)),
      );
      const start = forge(frame.value, bob, old);
      if (start === undefined) throw new Error('nothing to forge with');
      forged.push(toHex(sessionId(start)));
      return [{ type: 'start', value: start }];
    };
    const request = committee.order('victim', { idempotencyKey: idempotencyFor(committee, 'bob') });
    const done = await committee.sign('alice', request, 60_000);
    expect(done.state).toBe('done');
    expect(forged.length).toBeGreaterThan(0);
    for (const member of committee.members.values()) {
      if (member === bob) continue;
      expect(sessionsOf(member).filter((sid) => forged.includes(sid))).toEqual([]);
      expect(sessionsOf(member).length).toBeLessThanOrEqual((before.get(member.name) ?? 0) + 3);
    }
    const faults = [...committee.members.values()]
      .flatMap(({ log }) => log)
      .filter((line) => line.includes('refused a start'));
    expect(faults.join('\n')).toMatch(new RegExp(fault));
  });

  test('when it comes again', async () => {
    const committee = await fiveWithKey('replay');
    const starts: Start[] = [];
    for (const member of committee.members.values()) {
      member.tamper = (frame) => {
        if (frame.type === 'start') starts.push(frame.value);
        return [frame];
      };
    }
    const request = orderFor(committee, 'bob');
    await committee.sign('alice', request);
    const sessions = () => [...committee.members.values()].map((member) => sessionsOf(member).length);
    const before = sessions();
    // What is said again is seen again: the list grows meanwhile.
    for (const value of starts.slice())
      for (const to of committee.members.keys()) if (to !== 'bob') committee.say('bob', to, { type: 'start', value });
    await committee.run(100);
    expect(sessions()).toEqual(before);
    expect(starts.length).toBeGreaterThan(0);
  });

  test('when it lists registrations that newer ones replaced', async () => {
    const committee = await fiveWithKey('old');
    const request = orderFor(committee, 'bob');
    const seated = committee.turns('signer', toHex(requestId(request))).slice(0, 3);
    for (const name of seated) committee.at(name).tamper = mute('envelope');
    const starts: Start[] = [];
    const bob = committee.at('bob');
    bob.tamper = (frame) => {
      if (frame.type === 'start' && starts.length === 0) starts.push(frame.value);
      else if (frame.type === 'start') return [];
      return seated.includes('bob') && frame.type === 'envelope' ? [] : [frame];
    };
    const { id } = await committee.at('alice').node.sign(request);
    await committee.until(() => seated.every((name) => (committee.ceremony(name, id)?.attempt ?? 0) > 0), 10_000);
    for (const name of seated) if (name !== 'bob') committee.at(name).tamper = mute('start');
    expect(seated.every((name) => committee.ceremony(name, id)?.state === 'accepted')).toBe(true);
    const start = starts[0] as Start;
    for (const name of seated) {
      const payload = encodeFrame({ type: 'start', value: start });
      if (name !== 'bob')
        committee.hub.post({ from: bob.peer, to: committee.at(name).peer, payload, topic: undefined });
    }
    await committee.run(100);
    for (const name of seated) {
      if (name === 'bob') continue;
      expect(committee.ceremony(name, id)?.state).toBe('accepted');
      expect(sessionsOf(committee.at(name))).not.toContain(toHex(sessionId(start)));
      expect(committee.at(name).log.join('\n')).toContain('latest registration');
    }
  });
});

describe('two coordinators at once', () => {
  test('give each node one answer, for ever', async () => {
    const committee = await Committee.open(4, 'split');
    await committee.key({ threshold: 2 });
    const peers = (...names: string[]) => names.map((name) => committee.at(name).peer);
    committee.hub.partition(peers('alice', 'bob'), peers('carol', 'dave'));
    await committee.run(5);
    const request = committee.order('m');
    const views = await Promise.all(['alice', 'carol'].map((name) => committee.sign(name, request)));
    for (const view of views) expect(await committee.verifies('m', view)).toBe(true);
    const answer = async (name: string) => (await committee.at(name).node.sign(request)).result;
    const before = await Promise.all(['alice', 'bob', 'carol', 'dave'].map(answer));
    committee.hub.heal();
    await committee.run(5_000);
    expect(await Promise.all(['alice', 'bob', 'carol', 'dave'].map(answer))).toEqual(before);
    await committee.stop(committee.at('bob'));
    await committee.start(committee.at('bob'));
    expect(await answer('bob')).toMatchObject({ signature: (before[1] as { signature: string }).signature });
  });
});

describe('a member that', () => {
  test('asks for what no client ordered is refused by all, and each notes it', async () => {
    const committee = await fiveWithKey('own');
    const request = committee.order('mine', {}, committee.at('carol').key);
    for (const to of ['alice', 'bob', 'dave', 'erin']) {
      committee.say('carol', to, {
        type: 'request',
        value: { kind: kinds.sign, body: wire.encode(signRequests.codec, request) },
      });
    }
    await committee.run(5_000);
    for (const name of ['alice', 'bob', 'dave', 'erin']) {
      expect((await committee.audit(name)).at(-1)).toBe('sign-refused: denied');
      expect(
        committee
          .at(name)
          .node.ceremonies()
          .filter(({ kind }) => kind === 'sign'),
      ).toEqual([]);
      expect(sessionsOf(committee.at(name))).toEqual(sessionsOf(committee.at(name)).slice(0, 1));
    }
  });

  test('floods others with requests that they refuse is not heard for a while, and costs them a bounded log', async () => {
    const committee = await fiveWithKey('flood');
    const body = wire.encode(signRequests.codec, committee.order('mine', {}, committee.at('carol').key));
    const before = committee.at('alice').home.audit.head().seq;
    for (let i = 0; i < 10; i++) {
      for (let j = 0; j < 100; j++)
        committee.say('carol', 'alice', { type: 'request', value: { kind: kinds.sign, body } });
      await committee.run(100);
    }
    expect(committee.at('alice').home.audit.head().seq - before).toBeLessThanOrEqual(limits.refusalsBurst + 10);
    expect((await committee.sign('alice', committee.order('honest'))).state).toBe('done');
    await committee.run(limits.unheard);
    expect((await committee.sign('carol', committee.order('also honest'))).state).toBe('done');
  });

  test('repeats an order that is open or done costs no audit record', async () => {
    const committee = await fiveWithKey('repeat');
    const request = committee.order('m');
    await committee.sign('alice', request);
    await committee.run(50);
    const before = committee.at('bob').home.audit.head().seq;
    for (let i = 0; i < 50; i++)
      committee.say('carol', 'bob', {
        type: 'request',
        value: { kind: kinds.sign, body: wire.encode(signRequests.codec, request) },
      });
    await committee.run(50);
    expect(committee.at('bob').home.audit.head().seq).toBe(before);
  });

  test('sends a bad share is named, with evidence that convinces others, and the next attempt does without it', async () => {
    const committee = await fiveWithKey('bad share');
    const erin = committee.at('erin');
    erin.tamper = resealed(erin, 1, flipped);
    let request = committee.order('e');
    for (
      let i = 0;
      !committee
        .turns('signer', toHex(requestId(request)))
        .slice(0, 3)
        .includes('erin');
      i++
    )
      request = committee.order(`e${i}`);
    const done = await committee.sign('alice', request);
    expect(done.state).toBe('done');
    expect(done.result).toMatchObject({ signers: expect.not.arrayContaining(['erin']) });
    const blames = [];
    for (const { name, home } of committee.members.values())
      for await (const blame of home.blames.all()) blames.push({ name, ...blame });
    expect(blames.length).toBeGreaterThan(0);
    for (const { evidence, node, party, session } of blames) {
      expect(toHex(node)).toBe(toHex(erin.key.publicKey));
      expect(evidence.code).toBe('bad-share');
      // A third party has the public package, the order and the session's members, and nothing else.
      const info = committee.at('bob').home.keys.byName('treasury')?.current;
      const suite = frost.suiteOf('ed25519', tools.groups);
      const publicPackage = packageOf(info?.publicPackage as Uint8Array);
      const members = publicPackage.members;
      const signers = evidence.envelopes.slice(0, -1).map((frame) => decodeEnvelope(frame).from);
      const court = {
        network: erin.config.networkId,
        sid: session,
        kind: kinds.sign,
        parties: signers,
        keys: new Map(members.map((member) => [member.party, member.node])),
        signatures: tools.signatures,
        rounds: frost.signRounds(suite),
        rules: frost.signRules(suite, publicPackage, contentOf(request.intent)),
      };
      expect(judge(court, evidence)).toBe(true);
      expect(judge(court, { ...evidence, accused: signers.find((one) => one !== party) as number })).toBe(false);
    }
  });

  test('and another that do so in turn cost an attempt each, and are all named', async () => {
    const committee = await fiveWithKey('two liars');
    for (const name of ['dave', 'erin']) {
      const member = committee.at(name);
      member.tamper = resealed(member, 1, flipped);
    }
    const done = await committee.sign('alice', committee.order('m'), 60_000);
    expect(done.state).toBe('done');
    expect(done.result).toMatchObject({ signers: ['alice', 'bob', 'carol'].toSorted(byParty(committee)) });
    expect(done.attempt).toBeLessThanOrEqual(2);
    const blamed = new Set<string>();
    for (const { home } of committee.members.values()) {
      for await (const { node } of home.blames.all()) blamed.add(toHex(node));
    }
    const liars = new Set(['dave', 'erin'].map((name) => toHex(committee.at(name).key.publicKey)));
    expect(blamed.size).toBeGreaterThan(0);
    expect([...blamed].filter((node) => !liars.has(node))).toEqual([]);
  });

  test('is lost in mid-session is done without', async () => {
    const committee = await fiveWithKey('lost member');
    const { id } = await committee.at('alice').node.sign(committee.order('m'));
    await committee.until(() =>
      ['bob', 'carol', 'dave', 'erin'].some((name) => committee.ceremony(name, id)?.state === 'running'),
    );
    const lost = [...committee.members.keys()].find(
      (name) => name !== 'alice' && committee.ceremony(name, id)?.state === 'running',
    ) as string;
    await committee.stop(committee.at(lost));
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 10_000);
    for (const { home } of [...committee.members.values()].filter(({ name }) => name !== lost)) {
      for await (const blame of home.blames.all()) expect(blame).toBeUndefined();
    }
  });

  test('stands still for 30 s, and comes back, is done without, blamed for nothing, and takes part again', async () => {
    const committee = await fiveWithKey('stopped');
    const erin = committee.at('erin').peer;
    committee.hub.fate = ({ from, to }) => (from === erin || to === erin ? { delay: 30_000 } : undefined);
    for (let i = 0; i < 5; i++)
      expect((await committee.sign('alice', committee.order(`m${i}`), 20_000)).state).toBe('done');
    committee.hub.fate = () => undefined;
    await committee.run(60_000);
    for (const { home, fatal } of committee.members.values()) {
      expect(fatal).toEqual([]);
      for await (const blame of home.blames.all()) expect(blame).toBeUndefined();
    }
    expect((await committee.sign('erin', committee.order('again'))).state).toBe('done');
  });

  test('declines counts once: one liar cannot end what the others want', async () => {
    const committee = await fiveWithKey('decline');
    committee.at('bob').tamper = mute('start');
    const request = orderFor(committee, 'bob');
    const { id } = await committee.at('alice').node.sign(request);
    for (let i = 0; i < 10; i++)
      committee.say('erin', 'alice', {
        type: 'declined',
        value: { request: requestId(request), reason: 'no', highest: 0 },
      });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 15_000);
  });

  test('has no place in the committee has no say in it', async () => {
    const committee = await Committee.open(5, 'no say');
    const { id } = await committee.at('alice').node.keygen({
      name: 'treasury',
      scheme: 'ed25519',
      members: ['alice', 'bob', 'carol'],
    });
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
    for (const member of committee.members.values()) member.tamper = mute('start', 'waiting');
    const request = committee.order('m');
    const signing = await committee.at('alice').node.sign(request);
    for (const name of ['dave', 'erin']) {
      const value = { request: requestId(request), reason: 'no', highest: 0 };
      committee.say(name, 'alice', { type: 'declined', value });
    }
    await committee.run(20);
    expect(committee.ceremony('alice', signing.id)?.state).not.toBe('failed');
  });

  test('registers with a signature that is not its own is not seated', async () => {
    const committee = await fiveWithKey('unsigned');
    const erin = committee.at('erin');
    erin.tamper = (frame) =>
      frame.type === 'registration'
        ? [{ type: 'registration', value: { ...frame.value, signature: new Uint8Array(64) } }]
        : [frame];
    let request = committee.order('e');
    const isErins = () => {
      const id = toHex(requestId(request));
      return committee.turns('coordinator', id)[0] !== 'erin' && committee.turns('signer', id).indexOf('erin') < 3;
    };
    for (let i = 0; !isErins(); i++) request = committee.order(`e${i}`);
    expect((await committee.sign('alice', request)).state).toBe('done');
    const starts = [...committee.members.values()].flatMap(({ sent }) =>
      sent.flatMap(({ frame }) => (frame.type === 'start' && frame.value.kind === kinds.sign ? [frame.value] : [])),
    );
    expect(starts.length).toBeGreaterThan(0);
    const seated = starts.flatMap(({ participants }) =>
      participants.map(({ registration }) => toHex(registration.node)),
    );
    expect(seated).not.toContain(toHex(erin.key.publicKey));
  });

  test('tells a wrong signature convinces nobody', async () => {
    const committee = await fiveWithKey('wrong');
    for (const member of committee.members.values()) member.tamper = mute('start');
    const request = committee.order('m');
    const { id } = await committee.at('alice').node.sign(request);
    await committee.run(20);
    committee.say('erin', 'alice', {
      type: 'result',
      value: { request: requestId(request), signature: new Uint8Array(64), signers: [] },
    });
    await committee.run(20);
    expect(committee.ceremony('alice', id)?.state).toBe('accepted');
    expect(await committee.at('alice').home.requests.result(requestId(request))).toBeUndefined();
  });

  test('sends frames of any bytes changes nothing', async () => {
    const committee = await fiveWithKey('bytes');
    const alice = committee.at('alice').peer;
    const good = encodeFrame({ type: 'declined', value: { request: new Uint8Array(32), reason: 'x', highest: 0 } });
    for (let i = 0; i < good.length; i++) {
      committee.hub.post({ from: committee.at('erin').peer, to: alice, payload: good.slice(0, i), topic: undefined });
      committee.hub.post({
        from: committee.at('erin').peer,
        to: alice,
        payload: good.map((byte, j) => (j === i ? byte ^ 0xff : byte)),
        topic: undefined,
      });
    }
    await committee.run(20);
    expect(committee.at('alice').fatal).toEqual([]);
    expect((await committee.sign('alice', committee.order('m'))).state).toBe('done');
  });
});

function packageOf(encoded: Uint8Array) {
  return wire.decode(publicPackageCodec(tools.groups.ed25519), encoded);
}

function partyOf(committee: Committee, name: string): number {
  const info = committee.at('alice').home.keys.byName('treasury')?.current;
  const { members } = packageOf(info?.publicPackage as Uint8Array);
  return members.find(({ node }) => equal(node, committee.at(name).key.publicKey))?.party ?? 0;
}

const byParty = (committee: Committee) => (a: string, b: string) => partyOf(committee, a) - partyOf(committee, b);

/** An idempotency key for which `at` coordinates first. */
function idempotencyFor(committee: Committee, at: string): Uint8Array {
  for (let i = 0; ; i++) {
    const idempotencyKey = new TextEncoder().encode(`key ${i}`);
    const request = committee.order('victim', { idempotencyKey });
    if (committee.turns('coordinator', toHex(requestId(request)))[0] === at) return idempotencyKey;
  }
}
