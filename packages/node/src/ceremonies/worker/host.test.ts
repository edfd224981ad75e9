import {
  type Court,
  dkgRounds,
  dkgRules,
  dkls23,
  equal,
  fromBytesBE,
  groupOf,
  type Inbox,
  InputError,
  judge,
  kinds,
  type Party,
  publicPackageCodec,
  pureNodeKey,
  randomScalar,
  type Secret,
  Session,
  seeded,
  toBytesBE,
  toHex,
  verifyingShare,
  wire,
} from '@quorate/protocol';
import { afterAll, describe, expect, test } from 'vitest';
import { dealEcdsaKey } from '../../../../../test/support/ecdsa-signing.ts';
import { simulatedClock } from '../../clock.ts';
import { systemRandomness } from '../../entropy.ts';
import { limits } from '../../limits.ts';
import { nativeTools } from '../../tools.ts';
import { type Host, ThreadDied } from '../host.ts';
import { inlineJob } from '../inline.ts';
import { startJob } from '../jobs/jobs.ts';
import type { KeygenJob, KeygenOutput } from '../jobs/keygen.ts';
import { workerHosts } from './host.ts';
import { Thread } from './thread.ts';

const tools = { ...nativeTools(), randomness: systemRandomness };
const group = groupOf('ed25519', tools.groups);
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const parties = [1, 2, 3];
const keys = new Map(parties.map((party) => [party, pureNodeKey(fill(party))]));
const members = parties.map((party) => ({ party, node: keys.get(party)?.publicKey as Uint8Array }));
const statement = {
  scheme: 'ed25519',
  keyId: fill(4),
  name: 'treasury',
  purpose: 'general',
  epoch: 1,
  baseEpoch: 0,
  tweak: { type: 'none', value: new Uint8Array(0) },
  policyHash: fill(0),
} as const;

/** What each party of a key generation starts with. */
function inputs(): readonly KeygenJob[] {
  const secrets = parties.map((party) => randomScalar(seeded(fill(party)), group.order));
  const receiveKeys = secrets.map((secret) => group.encodePoint(group.multiplyBase(secret)));
  const common = { network: fill(5), sid: fill(6), members, threshold: 2, receiveKeys, statement, stock: [] };
  return secrets.map((secret, i) => ({ ...common, me: i + 1, receiveSecret: toBytesBE(secret, group.scalarBytes) }));
}

const court: Court = {
  network: fill(5),
  sid: fill(6),
  kind: 1,
  parties,
  keys: new Map(members.map(({ party, node }) => [party, node])),
  signatures: tools.signatures,
  rounds: dkgRounds(group, 2),
  rules: dkgRules({
    group,
    ...tools,
    network: fill(5),
    sid: fill(6),
    members,
    threshold: 2,
    receiveKeys: new Map(
      inputs().map(({ receiveKeys, me }) => [me, group.decodePoint(receiveKeys[me - 1] as Uint8Array)]),
    ),
    statement,
  }),
};

/** Lets the hosts run one protocol together, in lock step. */
async function together<T>(hosts: readonly Host<T>[], of: Court = court): Promise<readonly T[]> {
  const sessions = new Map(parties.map((party) => [party, new Session(of, party, keys.get(party) as never)]));
  let inboxes: (Inbox | undefined)[] = hosts.map(() => undefined);
  for (;;) {
    const steps = await Promise.all(hosts.map(async (host, i) => host.next(inboxes[i])));
    const results = steps.flatMap((step) => (step.type === 'result' ? [step.result] : []));
    if (results.length === hosts.length) return results;
    const outgoing = steps.map((step, i) => {
      if (step.type !== 'round') throw new Error(`party ${i + 1}: ${step.type}`);
      return (sessions.get(i + 1) as Session).open(step.round);
    });
    for (const [i, frames] of outgoing.entries())
      for (const { to, frame } of frames) sessions.get(to)?.receive(i + 1, frame);
    inboxes = parties.map((party) => sessions.get(party)?.inbox());
  }
}

const isShareOf = ({ share, publicPackage }: KeygenOutput, party: Party): boolean => {
  const expected = verifyingShare(wire.decode(publicPackageCodec(group), publicPackage), party);
  return group.equals(group.multiplyBase(fromBytesBE(share)), expected);
};

async function resultOf<T>(host: Host<T>): Promise<T> {
  const progress = await host.next(undefined);
  if (progress.type !== 'result') throw new Error('a job without rounds has a result');
  host.close();
  return progress.result;
}

const workers = workerHosts();
afterAll(async () => workers.close());

describe('a key generation', () => {
  test.for(['inline', 'worker', 'mixed'])('runs %s, with nothing to tell by', async (where) => {
    const hosts = inputs().map((input) =>
      where === 'inline' || (where === 'mixed' && input.me === 1)
        ? inlineJob('keygen', input, tools)
        : workers.host('keygen', input),
    );
    const outputs = await together(hosts);
    for (const host of hosts) host.close();
    const [first] = outputs;
    for (const [i, output] of outputs.entries()) {
      expect(equal(output.publicPackage, (first as KeygenOutput).publicPackage)).toBe(true);
      expect(isShareOf(output, i + 1)).toBe(true);
    }
  });

  test('leaves no copy of its secret here', async () => {
    const [input] = inputs() as [KeygenJob];
    const host = workers.host('keygen', input);
    await host.next(undefined);
    expect(input.receiveSecret.length).toBe(0);
    host.close();
  });

  test.for(['inline', 'worker'] as const)('that is closed before it began leaves none either (%s)', (where) => {
    const [input] = inputs() as [KeygenJob];
    (where === 'inline' ? inlineJob('keygen', input, tools) : workers.host('keygen', input)).close();
    expect(input.receiveSecret).toEqual(new Uint8Array(32));
  });
});

describe('a set of base transfers', () => {
  test('is made in a worker, which alone keeps the secrets that it was given', async () => {
    const { secret, point } = dkls23.offerBaseOt(tools.groups.secp256k1, systemRandomness);
    const key = tools.groups.secp256k1.encodePoint(point);
    const context = { session: fill(1), alice: fill(2), bob: fill(3), key };
    const hedge = fill(4);
    const alice = await resultOf(workers.host('choose-set', { ...context, hedge }));
    if ('unusable' in alice) throw new Error(alice.unusable);
    const keySecret = secret.use((bytes) => bytes.slice());
    const bob = await resultOf(workers.host('complete-set', { ...context, keySecret, points: alice.points }));
    if ('unusable' in bob) throw new Error(bob.unusable);
    expect(bob.id).toEqual(alice.id);
    expect([hedge.length, keySecret.length]).toEqual([0, 0]);
    const points = new Uint8Array(8_448);
    const unusable = await resultOf(workers.host('complete-set', { ...context, keySecret: fill(1), points }));
    expect(unusable).toEqual({ unusable: 'the points are none' });

    // A keygen that is given them moves them on, or wipes them when it does not begin.
    const stock = [{ party: 2, asAlice: alice.half, asBob: undefined }];
    const [input] = inputs() as [KeygenJob];
    const host = workers.host('keygen', { ...input, stock });
    await host.next(undefined);
    host.close();
    expect(alice.half.length).toBe(0);
    const unused = [{ party: 2, asAlice: undefined, asBob: bob.half }];
    workers.host('keygen', { ...(inputs()[0] as KeygenJob), stock: unused }).close();
    expect(bob.half.every((byte) => byte === 0)).toBe(true);
  });

  test('is wiped by a keygen that ends before it comes to it', () => {
    const halves = [fill(1), fill(2)] as const;
    const stock = [{ party: 2, asAlice: halves[0], asBob: halves[1] }];
    const protocol = startJob('keygen', { ...(inputs()[0] as KeygenJob), stock }, tools);
    expect(protocol.next(...([] as never)).done).toBe(false);
    expect(halves).toEqual([fill(1), fill(2)]);
    protocol.return(undefined as never);
    expect(halves).toEqual([fill(0), fill(0)]);
  });
});

describe('a signature', () => {
  test('does not queue behind heavy work, and stays on its thread while others begin', async () => {
    const own = workerHosts(2);
    const hosts = inputs().map((input) => own.host('keygen', input));
    const [first] = await together(hosts);
    const { publicPackage } = first as KeygenOutput;
    const signs = (): Host<Uint8Array> =>
      own.host('sign', {
        sid: fill(7),
        me: 1,
        signers: [1, 2],
        scheme: 'ed25519',
        publicPackage,
        share: (first as KeygenOutput).share.slice(),
        message: fill(8),
      });
    // The threads are there.
    const earlier = [signs(), signs()];
    for (const host of earlier) await host.next(undefined);
    const ended: string[] = [];
    const key = tools.groups.secp256k1.encodePoint(tools.groups.secp256k1.multiplyBase(7n));
    const heavy = Array.from({ length: 8 }, async () => {
      const job = { session: fill(1), alice: fill(2), bob: fill(3), key, hedge: fill(4) };
      await resultOf(own.host('choose-set', job));
      ended.push('heavy');
    });
    for (const host of [signs(), signs(), signs()]) {
      expect((await host.next(undefined)).type).toBe('round');
      ended.push('quick');
    }
    // What began earlier is found again: a run that is unknown where it is asked for never answers.
    const empty: Inbox = { broadcasts: new Map(), directs: new Map(), transcript: fill(0) };
    for (const host of earlier) await expect(host.next(empty)).rejects.toThrow('failed in the worker');
    expect(ended.slice(0, 3)).toEqual(['quick', 'quick', 'quick']);
    await Promise.all(heavy);
    await own.close();
  });
});

describe('a presigning', () => {
  test('leaves secrets neither in the worker nor, once it is used, here', async () => {
    const { secp256k1 } = tools.groups;
    const { pairs, publicPackage, shares } = dealEcdsaKey(secp256k1, 3, parties);
    const encoded = wire.encode(publicPackageCodec(secp256k1), publicPackage);
    const bytesOf = (secret: Secret): Uint8Array => secret.use((bytes) => bytes.slice());
    const signers = shares.map(({ party, secret }) => {
      return { sid: fill(6), me: party, signers: parties, publicPackage: encoded, share: bytesOf(secret), banned: [] };
    });
    const material = (me: Party): ReadonlyMap<Party, Uint8Array> =>
      new Map(
        [...(pairs.get(me) ?? [])].map(([peer, pair]) => [
          peer,
          bytesOf(dkls23.encodePairMaterial(dkls23.suiteA, pair)),
        ]),
      );
    const jobs = signers.map((signer) => ({ ...signer, material: material(signer.me) }));
    const { multiplication } = tools;
    const made = await together(
      jobs.map((job) => (job.me === 1 ? inlineJob('presign', job, tools) : workers.host('presign', job))),
      { ...court, kind: kinds.presign, rounds: dkls23.presignRounds(secp256k1, multiplication), rules: {} },
    );
    expect(new Set(made.map(({ id }) => toHex(id))).size).toBe(1);
    for (const { me, share, material: given } of jobs.slice(1)) {
      expect([me, share.length, ...[...given.values()].map(({ length }) => length)]).toEqual([me, 0, 0, 0]);
    }
    const order = { digest: fill(7), tweak: 5n };
    const uses = signers.map((signer, i) => {
      const share = bytesOf((shares[i] as (typeof shares)[number]).secret);
      return { ...signer, ...order, share, presignature: made[i] as dkls23.MovedPresignature };
    });
    const online = { ...court, kind: kinds.sign, rounds: dkls23.onlineRounds(secp256k1), rules: {} };
    const hosts = uses.map((use) =>
      use.me === 3 ? workers.host('sign-presigned', use) : inlineJob('sign-presigned', use, tools),
    );
    const [signature, ...same] = (await together(hosts, online)).map(toHex);
    expect([signature?.length, ...same]).toEqual([130, signature, signature]);
    for (const host of hosts) host.close();
    for (const { me, presignature, share } of uses) {
      const gone = me === 3 ? 0 : undefined;
      expect([share, presignature.secrets].every((one) => one.length === gone || one.every((byte) => byte === 0))).toBe(
        true,
      );
    }
  });
});

describe('a worker', () => {
  test('reports a bug as one, and what it cannot begin with as that, and goes on', async () => {
    const [input, other] = inputs() as [KeygenJob, KeygenJob];
    const failure = async (job: KeygenJob): Promise<unknown> =>
      await workers
        .host('keygen', job)
        .next(undefined)
        .catch((error: unknown) => error);
    const unfit = await failure({ ...input, receiveSecret: fill(1) });
    expect(unfit).toBeInstanceOf(InputError);
    expect(String(unfit)).toContain('receive secret');
    const bug = await failure({ ...other, members: undefined as never });
    expect(String(bug)).toContain('failed in the worker');
    for (const kind of [ThreadDied, InputError]) expect(bug).not.toBeInstanceOf(kind);
    expect((await workers.host('keygen', inputs()[0] as KeygenJob).next(undefined)).type).toBe('round');
  });

  test('that dies fails its runs, those that wait and those that are between rounds; the next job starts another', async () => {
    const own = workerHosts();
    const [input, other] = inputs() as [KeygenJob, KeygenJob];
    const between = own.host('keygen', input);
    await between.next(undefined);
    const waits = own.host('keygen', other).next(undefined);
    const failure = waits.catch((error: unknown) => error);
    await own.close();
    expect(await failure).toBeInstanceOf(ThreadDied);
    const empty: Inbox = { broadcasts: new Map(), directs: new Map(), transcript: fill(0) };
    await expect(between.next(empty)).rejects.toThrow(ThreadDied);
    between.close();
    const again = own.host('keygen', inputs()[0] as KeygenJob);
    expect((await again.next(undefined)).type).toBe('round');
    await own.close();
  });

  test('that runs out of memory is no bug, and takes nobody along', async () => {
    const small = new Thread(undefined, { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 });
    const jobs = inputs().map((input) => ({ input, host: small.host('keygen', input) }));
    const failures = jobs.map(async ({ host }) => host.next(undefined).catch((error: unknown) => error));
    for (const failure of await Promise.all(failures)) {
      expect(failure).toBeInstanceOf(ThreadDied);
      expect((failure as Error).cause).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
    }
    for (const { host, input } of jobs) {
      host.close();
      expect(input.receiveSecret.length).toBe(0);
    }
    expect([small.isRunning, small.load]).toEqual([false, 0]);
    expect((await workers.host('keygen', inputs()[0] as KeygenJob).next(undefined)).type).toBe('round');
  });

  test('answers the step under way when its run is closed: locks are held around steps', async () => {
    const [input, other] = inputs() as [KeygenJob, KeygenJob];
    const closed = workers.host('keygen', input);
    const step = closed.next(undefined);
    closed.close();
    await workers.host('keygen', other).next(undefined);
    const answer = await Promise.race([step, Promise.resolve(undefined)]);
    expect(answer?.type).toBe('round');
  });

  test('brings an abort with its evidence', async () => {
    const sessions = new Map(parties.map((party) => [party, new Session(court, party, keys.get(party) as never)]));
    const hosts = inputs().map((input) => workers.host('keygen', input));
    for (const [i, host] of hosts.entries()) {
      const step = await host.next(undefined);
      if (step.type !== 'round') throw new Error('a round comes first');
      // Party 3 says something that is no commitment.
      const round = i === 2 ? { ...step.round, broadcast: fill(1) } : step.round;
      const frames = (sessions.get(i + 1) as Session).open(round);
      for (const { to, frame } of frames) sessions.get(to)?.receive(i + 1, frame);
    }
    const progress = await (hosts[0] as Host<KeygenOutput>).next(sessions.get(1)?.inbox());
    if (progress.type !== 'abort') throw new Error('an abort');
    expect(progress.abort.culprits).toEqual([3]);
    expect(progress.abort.blames.every(({ evidence }) => judge(court, evidence))).toBe(true);
    for (const host of hosts) host.close();
  });
});

test('a thread that has rested for long enough ends, and the next run starts another', async () => {
  const clock = simulatedClock();
  const thread = new Thread(clock);
  const point = tools.groups.secp256k1.encodePoint(tools.groups.secp256k1.multiplyBase(7n));
  const choose = () =>
    thread.host('choose-set', { session: fill(1), alice: fill(2), bob: fill(3), key: point, hedge: fill(4) });
  const [first, second] = [choose(), choose()];
  expect(await first.next(undefined)).toMatchObject({ type: 'result' });
  first.close();
  clock.advance(limits.threadRest);
  // One run is not closed yet.
  expect(await second.next(undefined)).toMatchObject({ type: 'result' });
  second.close();
  clock.advance(limits.threadRest - 1);
  expect(thread.isRunning).toBe(true);
  const third = choose();
  clock.advance(1);
  expect(thread.isRunning).toBe(true);
  third.close();
  clock.advance(limits.threadRest);
  expect(thread.isRunning).toBe(false);
  const last = choose();
  expect(await last.next(undefined)).toMatchObject({ type: 'result' });
  last.close();
  await thread.close();
  expect(clock.pending).toBe(0);
});

test('a thread that is closed while something runs on it does not rest after that: no timer is left', async () => {
  const clock = simulatedClock();
  const thread = new Thread(clock);
  const point = tools.groups.secp256k1.encodePoint(tools.groups.secp256k1.multiplyBase(7n));
  const run = thread.host('choose-set', {
    session: fill(1),
    alice: fill(2),
    bob: fill(3),
    key: point,
    hedge: fill(4),
  });
  expect(await run.next(undefined)).toMatchObject({ type: 'result' });
  await thread.close();
  run.close();
  expect(clock.pending).toBe(0);
});
