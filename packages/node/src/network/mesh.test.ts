import { connect, createServer, type Socket } from 'node:net';
import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { concat, fromHex, Secret, seeded, u32 } from '@quorate/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, type SimulatedClock, simulatedClock, systemClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { createLog } from '../observe/log.ts';
import { Channel } from './channel.ts';
import { gateOf } from './gate.ts';
import { bootEpochOf, encodeHello, prove } from './hello.ts';
import { createHost, type Host } from './host.ts';
import { identityOf } from './identity.ts';
import { type Mesh, type MeshOptions, openMesh, protocolName } from './mesh.ts';
import type { PeerId } from './network.ts';
import type { Member, Roster } from './roster.ts';

/** Seeds whose PeerIds rise with the index: party 0 dials the others. */
const seeds = Array.from({ length: 6 }, (_, i) => (i + 1).toString(16).padStart(64, '0'))
  .map((hex) => ({ hex, peer: identityOf(new Secret(fromHex(hex))).peer }))
  .sort((a, b) => (a.peer < b.peer ? -1 : 1));
const seedOf = (index: number): Secret => new Secret(fromHex(seeds[index]?.hex ?? ''));
const peerOf = (index: number): PeerId => seeds[index]?.peer ?? '';

const networkId = new Uint8Array(32).fill(7);
const quiet = createLog('fatal', () => undefined);
const openings: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(openings.splice(0).map(async (opened) => opened.close()));
});

/** A port of its own for each party of each test, below the ephemeral ones, so that rosters can name it beforehand. */
let nextPort = 10_000 + ((process.pid * 7) % 227) * 100;
function member(index: number, more: Partial<Member> = {}): Member {
  return { name: `n${index}`, peer: peerOf(index), addresses: [`/ip4/127.0.0.1/tcp/${nextPort++}`], ...more };
}

async function open(index: number, roster: Roster, more: Partial<MeshOptions> = {}): Promise<Mesh> {
  const mesh = await openDeaf(index, roster, more);
  mesh.onFrame(() => undefined);
  mesh.onPeer(() => undefined);
  return mesh;
}

/** As `open`, before anybody listens. */
async function openDeaf(index: number, roster: Roster, more: Partial<MeshOptions> = {}): Promise<Mesh> {
  const mesh = await openMesh({
    seed: seedOf(index),
    roster,
    networkId,
    listen: roster.members.find(({ peer }) => peer === peerOf(index))?.addresses ?? ['/ip4/127.0.0.1/tcp/0'],
    version: '0.1.0',
    bootEpoch: bootEpochOf(1n, new Uint8Array(16).fill(index)),
    clock: systemClock,
    randomness: seeded(Uint8Array.of(index)),
    log: quiet,
    ...more,
  });
  openings.push(mesh);
  return mesh;
}

/** A member that speaks libp2p properly and our protocol as it likes. */
async function raw(
  index: number,
  roster: Roster,
  handler: (stream: Stream, connection: Connection) => void,
): Promise<Host> {
  const address = roster.members.find(({ peer }) => peer === peerOf(index))?.addresses ?? ['/ip4/127.0.0.1/tcp/0'];
  const host = await createHost({
    seed: seedOf(index),
    listen: address,
    gate: () => gateOf(roster, peerOf(index)),
    topics: ['presence', 'requests'],
    log: quiet,
  });
  await host.start();
  await host.handle(protocolName, handler);
  openings.push({ close: async () => host.stop() });
  return host;
}

const until = async (condition: () => boolean): Promise<void> =>
  expect.poll(condition, { timeout: 30_000, interval: 10 }).toBe(true);
const connected = (mesh: Mesh, index: number): boolean => mesh.peers().get(peerOf(index))?.connected ?? false;
const refusal = (mesh: Mesh, index: number): string | undefined => mesh.peers().get(peerOf(index))?.refused;

/** Advances simulated time in step with the real events that libp2p brings. */
async function untilWith(clock: SimulatedClock, step: number, condition: () => boolean): Promise<void> {
  await until(() => {
    clock.advance(step);
    return condition();
  });
}

describe('a mesh', () => {
  test('of three connects, sends both ways, and knows its peers', async () => {
    const roster = { members: [member(0), member(1), member(2)] };
    const meshes = await Promise.all([0, 1, 2].map(async (index) => open(index, roster)));
    const received = meshes.map(() => [] as string[]);
    for (const [index, mesh] of meshes.entries()) {
      mesh.onFrame((peer, frame) =>
        received[index]?.push(`${seeds.findIndex((seed) => seed.peer === peer)}:${frame.join()}`),
      );
    }
    await until(() => meshes.every((mesh) => [...mesh.peers().values()].every((peer) => peer.connected)));
    for (const [from, mesh] of meshes.entries()) {
      for (const peer of mesh.peers().keys()) {
        for (let i = 0; i < 3; i++) await mesh.send(peer, Uint8Array.of(from, i));
      }
    }
    await until(() => received.every((frames) => frames.length === 6));
    expect(received[0]?.filter((frame) => frame.startsWith('1:'))).toEqual(['1:1,0', '1:1,1', '1:1,2']);
    await until(() => meshes.every((mesh) => [...mesh.peers().values()].every((peer) => peer.roundTrip !== undefined)));
    const status = meshes[0]?.peers().get(peerOf(1));
    expect(status).toMatchObject({
      name: 'n1',
      version: '0.1.0',
      bootEpoch: bootEpochOf(1n, new Uint8Array(16).fill(1)),
      refused: undefined,
    });
    expect(Math.abs(status?.clockSkew ?? Number.NaN)).toBeLessThan(1_000);
  });

  test('carries the largest frame, refuses a larger one, and says when a peer is away', async () => {
    const roster = { members: [member(0), member(1), member(2)] };
    const [a, b] = [await open(0, roster), await open(1, roster)];
    let length = 0;
    b.onFrame((_peer, frame) => (length = frame.length));
    await until(() => connected(a, 1) && connected(b, 0));
    await a.send(b.self, new Uint8Array(limits.frameBytes));
    await until(() => length === limits.frameBytes);
    await expect(a.send(b.self, new Uint8Array(limits.frameBytes + 1))).rejects.toMatchObject({
      code: 'frame-too-large',
    });
    await expect(a.send(peerOf(2), Uint8Array.of(1))).rejects.toMatchObject({ code: 'peer-unavailable' });
    expect(connected(a, 1)).toBe(true);
  });

  test('greets nobody before somebody listens', async () => {
    const roster = { members: [member(0), member(1)] };
    const b = await openDeaf(1, roster);
    const host = await raw(0, roster, () => undefined);
    const connection = await host.dial(multiaddr(`${roster.members[1]?.addresses[0]}/p2p/${b.self}`));
    const stream = await connection.newStream(protocolName);
    let greeted = 0;
    stream.addEventListener('message', () => greeted++);
    // Answers on the same connection: the stream has long been handed over.
    for (let i = 0; i < 3; i++) await (await connection.newStream('/ipfs/id/1.0.0')).close();
    expect(greeted).toBe(0);
    b.onFrame(() => undefined);
    b.onPeer(() => undefined);
    await until(() => greeted === 1);
  });

  test('announces to all, and not to itself', async () => {
    const roster = { members: [member(0), member(1), member(2)] };
    const meshes = await Promise.all([0, 1, 2].map(async (index) => open(index, roster)));
    const heard = meshes.map(() => new Set<PeerId>());
    for (const [index, mesh] of meshes.entries()) mesh.onAnnouncement('requests', (peer) => heard[index]?.add(peer));
    await until(() => {
      for (const mesh of meshes) mesh.announce('requests', Uint8Array.of(1));
      return heard.every((peers) => peers.size === 2);
    });
    expect([...(heard[0] ?? [])].sort()).toEqual([peerOf(1), peerOf(2)]);
    expect(() => meshes[0]?.announce('requests', new Uint8Array(limits.announcementBytes + 1))).toThrow(/announcement/);
  });

  test('comes back when a peer restarts with a new boot epoch', async () => {
    const roster = { members: [member(0), member(1)] };
    const a = await open(0, roster);
    const events: boolean[] = [];
    a.onPeer((_peer, up) => events.push(up));
    const b = await open(1, roster);
    await until(() => connected(a, 1));
    await b.close();
    await until(() => !connected(a, 1));
    await expect(a.send(b.self, Uint8Array.of(1))).rejects.toMatchObject({ code: 'peer-unavailable' });
    const again = await open(1, roster, { bootEpoch: bootEpochOf(2n, new Uint8Array(16)) });
    await until(() => connected(a, 1) && connected(again, 0));
    expect(events).toEqual([true, false, true]);
    expect(a.peers().get(b.self)?.bootEpoch).toEqual(bootEpochOf(2n, new Uint8Array(16)));
  });

  test('drops a member that the roster does not name any more, and takes it back with the roster', async () => {
    const roster = { members: [member(0), member(1)] };
    const [a, b] = [await open(0, roster), await open(1, roster)];
    await until(() => connected(a, 1) && connected(b, 0));
    b.useRoster({ members: roster.members.slice(1) });
    await until(() => !connected(a, 1));
    expect(b.peers().size).toBe(0);
    b.useRoster(roster);
    await until(() => connected(a, 1) && connected(b, 0));
    expect(b.peers().size).toBe(1);
  });

  test('drops a live connection when its address leaves the allow-list', async () => {
    const roster = { members: [member(0), member(1)] };
    const [a, b] = [await open(0, roster), await open(1, roster)];
    await until(() => connected(a, 1) && connected(b, 0));
    b.useRoster({ members: roster.members.map((one) => ({ ...one, allow: ['10.0.0.0/8'] })) });
    await until(() => !connected(a, 1) && !connected(b, 0));
    expect(a.peers().size).toBe(1);
  });
});

describe('two nodes with one PeerId', () => {
  test('the later one is heard; one that was decided against is not', async () => {
    const roster = { members: [member(0), member(1)] };
    const b = await open(1, roster);
    const epoch = (counter: bigint, fill: number) => ({
      bootEpoch: bootEpochOf(counter, new Uint8Array(16).fill(fill)),
    });
    const elsewhere = { listen: ['/ip4/127.0.0.1/tcp/0'] };
    const heard = (): number | undefined => b.peers().get(peerOf(0))?.bootEpoch?.[23];
    const original = await open(0, roster, epoch(5n, 1));
    await until(() => connected(b, 0));
    const clone = await open(0, roster, { ...epoch(5n, 2), ...elsewhere });
    await until(() => connected(clone, 1) && heard() === 2);
    await Promise.all([original.close(), clone.close()]);
    const decided = await open(0, roster, epoch(1n << 32n, 3));
    await until(() => connected(decided, 1) && heard() === 3);
    await open(0, roster, { ...epoch(6n, 4), ...elsewhere });
    await until(() => /decided for another instance/.test(refusal(b, 0) ?? ''));
    expect(connected(b, 0) && heard() === 3).toBe(true);
  });

  test('a restart replaces the connection that nobody noticed to be dead', async () => {
    const roster = { members: [member(0), member(1)] };
    const b = await open(1, roster);
    await open(0, roster);
    await until(() => connected(b, 0));
    const restarted = await open(0, roster, {
      bootEpoch: bootEpochOf(2n, new Uint8Array(16)),
      listen: ['/ip4/127.0.0.1/tcp/0'],
    });
    await until(() => connected(restarted, 1) && b.peers().get(peerOf(0))?.bootEpoch?.[7] === 2);
    expect(refusal(b, 0)).toBeUndefined();
  });
});

describe('what a node offers', () => {
  test('is our protocol, identify and gossipsub, and nothing else', async () => {
    const host = await raw(0, { members: [member(0)] }, () => undefined);
    expect(host.getProtocols()).toEqual([
      '/ipfs/id/1.0.0',
      '/meshsub/1.0.0',
      '/meshsub/1.1.0',
      '/meshsub/1.2.0',
      protocolName,
    ]);
  });

  test('is nothing at all to an address from which no member may come', async () => {
    const own = member(0);
    await open(0, { members: [own, member(1, { allow: ['10.0.0.0/8'] })] });
    const socket = connect(Number(own.addresses[0]?.split('/').at(-1)), '127.0.0.1');
    socket.on('error', () => undefined);
    await until(() => socket.closed);
    expect(socket.bytesRead).toBe(0);
  });

  test('no address is dialled but those of the roster', async () => {
    const roster = { members: [member(0), member(1)] };
    const host = await raw(0, roster, () => undefined);
    await expect(host.dial(multiaddr(`/ip4/127.0.0.1/tcp/9/p2p/${peerOf(1)}`))).rejects.toThrow(/gater denied/);
  });
});

describe('who is not admitted', () => {
  test('a stranger', async () => {
    const roster = { members: [member(1)] };
    const b = await open(1, roster);
    const stranger = await open(0, { members: [...roster.members, member(0)] });
    await until(() => refusal(stranger, 1) !== undefined || stranger.peers().get(peerOf(1)) !== undefined);
    const host = await raw(2, { members: [...roster.members, member(2)] }, () => undefined);
    const dialled = host.dial(multiaddr(`${roster.members[0]?.addresses[0]}/p2p/${b.self}`));
    await dialled.then(
      async (connection) => expect(connection.newStream(protocolName)).rejects.toBeDefined(),
      () => undefined,
    );
    expect(connected(stranger, 1)).toBe(false);
    expect(b.peers().size).toBe(0);
  });

  test('a member from an address that its entry does not allow', async () => {
    const there = member(0);
    const roster = { members: [there, member(1)] };
    const a = await open(0, roster);
    // Another member may come from anywhere: only the PeerId's own list decides.
    const b = await open(1, { members: [{ ...there, allow: ['10.0.0.0/8'] }, ...roster.members.slice(1), member(2)] });
    const host = await raw(3, { members: [...roster.members, member(3)] }, () => undefined);
    await host.dial(multiaddr(`${roster.members[1]?.addresses[0]}/p2p/${b.self}`)).catch(() => undefined);
    await expect.poll(() => a.peers().get(b.self)?.connected, { timeout: 30_000 }).toBe(false);
    expect(b.peers().get(a.self)?.connected).toBe(false);
    b.useRoster(roster);
    await until(() => connected(a, 1));
  });

  test('a node of another network: both say so', async () => {
    const roster = { members: [member(0), member(1)] };
    const [a, b] = [await open(0, roster), await open(1, roster, { networkId: new Uint8Array(32) })];
    await until(() => refusal(a, 1) !== undefined && refusal(b, 0) !== undefined);
    expect(refusal(a, 1)).toMatch(/another network/);
    expect(refusal(b, 0)).toMatch(/another network/);
  });

  test('a node of another format version: it hears ours, and nobody is blamed', async () => {
    const roster = { members: [member(0), member(1)] };
    const said: Uint8Array[] = [];
    await raw(1, roster, (stream) => {
      stream.addEventListener('message', ({ data }) => said.push(data.subarray()));
      const hello = encodeHello(
        { networkId, version: '9', rosterHash: networkId, bootEpoch: new Uint8Array(24), challenge: networkId },
        2,
      );
      stream.send(framed(0, hello));
    });
    const a = await open(0, roster);
    await until(() => refusal(a, 1) !== undefined);
    expect(refusal(a, 1)).toBe('format version 2, ours is 1; run the same release on both nodes');
    // length, kind hello, version 1
    await until(() => said.length > 0);
    expect([...(said[0]?.subarray(4, 6) ?? [])]).toEqual([0, 1]);
  });
});

const framed = (kind: number, body: Uint8Array): Uint8Array => concat(u32(body.length + 1), Uint8Array.of(kind), body);

describe('a member that misbehaves', () => {
  /** Opens a mesh against a raw member, which does `act` with every channel, and waits for the refusal. */
  async function against(act: (stream: Stream) => void, clock: Clock = systemClock): Promise<Mesh> {
    const roster = { members: [member(0), member(1)] };
    await raw(1, roster, act);
    return open(0, roster, { clock });
  }

  test.each<[string, (stream: Stream) => void, RegExp]>([
    ['a claim of 4 GiB', (stream) => stream.send(Uint8Array.of(255, 255, 255, 255)), /claims 4294967295 bytes/],
    ['garbage', (stream) => stream.send(framed(0, new Uint8Array(200).fill(1))), /greeting is malformed/],
    ['data before the greeting', (stream) => stream.send(framed(5, Uint8Array.of(1))), /out of order/],
    ['an empty frame', (stream) => stream.send(u32(0)), /out of order/],
    ['an unknown kind', (stream) => stream.send(framed(99, Uint8Array.of(1))), /out of order/],
    [
      'a proof that proves nothing',
      (stream) => (stream.send(hello()), stream.send(framed(1, new Uint8Array(64)))),
      /did not prove/,
    ],
    [
      'a welcome without a proof',
      (stream) => (
        stream.send(hello()), stream.send(framed(2, new Uint8Array(0))), stream.send(framed(5, Uint8Array.of(1)))
      ),
      /out of order/,
    ],
    ['two hellos', (stream) => (stream.send(hello()), stream.send(hello())), /out of order/],
    [
      'our own words, reflected',
      (stream) => stream.addEventListener('message', ({ data }) => stream.send(data.subarray())),
      /did not prove|out of order/,
    ],
  ])('%s is refused, and never admitted', async (_name, act, reason) => {
    const a = await against(act);
    let frames = 0;
    a.onFrame(() => frames++);
    await until(() => refusal(a, 1) !== undefined);
    expect(refusal(a, 1)).toMatch(reason);
    expect(connected(a, 1)).toBe(false);
    expect(frames).toBe(0);
  });

  function hello(): Uint8Array {
    return framed(
      0,
      encodeHello({
        networkId,
        version: '1',
        rosterHash: networkId,
        bootEpoch: new Uint8Array(24),
        challenge: networkId,
      }),
    );
  }

  test('a good proof, given twice, is refused: checking it costs', async () => {
    const own = encodeHello({
      networkId,
      version: '1',
      rosterHash: networkId,
      bootEpoch: new Uint8Array(24),
      challenge: networkId,
    });
    const a = await against((stream) => {
      stream.send(framed(0, own));
      stream.addEventListener(
        'message',
        ({ data }) => {
          // Their hello, which ends with the challenge, comes first, and their proof perhaps with it.
          const theirs = data.subarray();
          const challenge = theirs.subarray(4 + (theirs[3] ?? 0) - 32, 4 + (theirs[3] ?? 0));
          const proof = framed(1, prove(identityOf(seedOf(1)), own, peerOf(0), challenge));
          stream.send(proof);
          stream.send(proof);
        },
        { once: true },
      );
    });
    await until(() => refusal(a, 1) !== undefined);
    expect(refusal(a, 1)).toMatch(/out of order/);
  });

  test('silence is refused at the deadline, and not before', async () => {
    const clock = simulatedClock();
    let heard = 0;
    // Our hello: the far end may know of the stream before we do, and our deadline runs from here.
    const a = await against((stream) => stream.addEventListener('message', () => heard++), clock);
    await until(() => heard > 0);
    clock.advance(limits.helloDeadline - 1);
    expect(refusal(a, 1)).toBeUndefined();
    clock.advance(1);
    expect(refusal(a, 1)).toMatch(/no greeting within 10 s/);
  });

  test('a connection on which nothing is opened is cut at the deadline', async () => {
    const clock = simulatedClock();
    const roster = { members: [member(0), member(1)] };
    const b = await open(1, roster, { clock });
    const host = await raw(0, roster, () => undefined);
    const connection = await host.dial(multiaddr(`${roster.members[1]?.addresses[0]}/p2p/${b.self}`));
    await untilWith(clock, 1_000, () => connection.status !== 'open');
    expect(connected(b, 0)).toBe(false);
  });

  test('of one peer, no more than three connections live', async () => {
    const roster = { members: [member(0), member(1)] };
    const b = await open(1, roster);
    const host = await raw(0, roster, () => undefined);
    const address = multiaddr(`${roster.members[1]?.addresses[0]}/p2p/${b.self}`);
    const all: Connection[] = [];
    for (let i = 0; i < 6; i++) all.push(await host.dial(address, { force: true }));
    await until(() => all.filter(({ status }) => status === 'open').length === limits.connectionsPerPeer);
    expect(connected(b, 0)).toBe(false);
  });

  /** A raw member that greets as it should, and then does as it likes. */
  function greeting(
    index: number,
    then: (stream: Stream, channel: Channel) => void,
  ): (stream: Stream, connection: Connection) => void {
    return (stream, connection) => {
      const channel: Channel = new Channel({
        stream,
        peer: connection.remotePeer.toString(),
        identity: identityOf(seedOf(index)),
        clock: systemClock,
        randomness: seeded(Uint8Array.of(99)),
        networkId,
        version: 'raw',
        bootEpoch: new Uint8Array(24),
        rosterHash: () => networkId,
        budgets: { bytesPerSecond: 1e9, framesPerSecond: 1e9 },
        events: {
          genuine: () => undefined,
          admitted: () => then(stream, channel),
          frame: () => undefined,
          pulse: () => undefined,
          refused: () => undefined,
          closed: () => undefined,
        },
      });
    };
  }

  test('one that sends faster than we handle is held back, and loses nothing', async () => {
    const roster = { members: [member(0), member(1)] };
    const count = 10_000;
    let theirs: Stream | undefined;
    await raw(
      1,
      roster,
      greeting(1, (stream) => {
        theirs = stream;
        const frames = Array.from({ length: count }, (_, i) => framed(5, concat(u32(i), new Uint8Array(1_000))));
        stream.send(concat(...frames));
      }),
    );
    const clock = simulatedClock();
    const a = await open(0, roster, { clock, budgets: { bytesPerSecond: 1e9, framesPerSecond: 1e6 } });
    const numbers: number[] = [];
    a.onFrame((_peer, frame) => numbers.push(new DataView(frame.buffer, frame.byteOffset).getUint32(0)));
    await until(() => numbers.length >= limits.queuedFrames);
    for (let still = 0, seen = -1; still < 20; ) {
      await new Promise((resolve) => void setImmediate(resolve));
      still = seen === theirs?.writeBufferLength ? still + 1 : 0;
      seen = theirs?.writeBufferLength ?? 0;
    }
    // Time stands still: once a chunk brought more than one batch, the next is not due.
    expect(numbers.length).toBeLessThan(count / 2);
    expect(theirs?.writeBufferLength).toBeGreaterThan(5_000_000);
    await untilWith(clock, 0, () => numbers.length === count);
    expect(numbers).toEqual([...numbers.keys()]);
  });

  test('one that does not read holds back who waits, and gets everything when it reads on', async () => {
    const roster = { members: [member(0), member(1)] };
    let held: Stream | undefined;
    let bytes = 0;
    await raw(
      1,
      roster,
      greeting(1, (stream) => {
        held = stream;
        stream.addEventListener('message', ({ data }) => (bytes += data.byteLength));
        queueMicrotask(() => stream.pause());
      }),
    );
    const a = await open(0, roster);
    await until(() => connected(a, 1) && held !== undefined);
    const size = 100_000;
    const frames = 200;
    let sent = 0;
    const sending = (async () => {
      for (; sent < frames; sent++) await a.send(peerOf(1), new Uint8Array(size));
    })();
    let seen = -1;
    for (let still = 0; still < 20; ) {
      await until(() => true);
      await new Promise((resolve) => void setImmediate(resolve));
      still = seen === sent ? still + 1 : 0;
      seen = sent;
    }
    expect(sent * size).toBeLessThan(4_000_000);
    held?.resume();
    await sending;
    await until(() => bytes >= frames * size);
  });

  test('one that does not read, while nobody waits, is dropped when its queue is full', async () => {
    const roster = { members: [member(0), member(1), member(2)] };
    await raw(
      1,
      roster,
      greeting(1, (stream) => queueMicrotask(() => stream.pause())),
    );
    const [a, c] = [await open(0, roster), await open(2, roster)];
    await until(() => connected(a, 1) && connected(a, 2));
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, async () => a.send(peerOf(1), new Uint8Array(1_000_000))),
    );
    expect(results.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(25);
    expect(refusal(a, 1)).toMatch(/does not read/);
    await a.send(c.self, Uint8Array.of(1));
    expect(connected(a, 2)).toBe(true);
  });

  test.each<[string, Uint8Array, number, RegExp]>([
    ['too many frames', framed(5, Uint8Array.of(1)), 400, /more frames per second/],
    ['too many bytes', framed(5, new Uint8Array(100_000)), 10, /more bytes per second/],
  ])('%s end the connection, and say why', async (_name, frame, count, reason) => {
    const roster = { members: [member(0), member(1)] };
    await raw(
      1,
      roster,
      greeting(1, (stream) => {
        for (let i = 0; i < count; i++) stream.send(frame);
      }),
    );
    // Standing time: what was spent does not come back.
    const a = await open(0, roster, {
      clock: simulatedClock(),
      budgets: { bytesPerSecond: 200_000, framesPerSecond: 60 },
    });
    await until(() => refusal(a, 1) !== undefined);
    expect(refusal(a, 1)).toMatch(reason);
    expect(connected(a, 1)).toBe(false);
  });

  test('an admitted one that falls silent is dropped, but not for our own standstill', async () => {
    const roster = { members: [member(0), member(1)] };
    await raw(
      1,
      roster,
      greeting(1, (stream) => queueMicrotask(() => stream.pause())),
    );
    const clock = simulatedClock();
    const a = await open(0, roster, { clock });
    await until(() => connected(a, 1));
    // As after SIGCONT: one late timer, with the peer's frames still unread.
    clock.jump(60_000);
    expect(connected(a, 1)).toBe(true);
    clock.advance(40_000);
    expect(connected(a, 1)).toBe(true);
    clock.advance(20_000);
    expect(connected(a, 1)).toBe(false);
    expect(refusal(a, 1)).toMatch(/silent for 45 s/);
  });

  test('an announcement by a stranger is not taken from a member that carries it', async () => {
    const all = { members: [member(0), member(1), member(2)] };
    const a = await open(0, all);
    const b = await open(1, { members: all.members.slice(0, 2) });
    const c = await open(2, { members: all.members.filter((_one, i) => i !== 1) });
    const heard: PeerId[] = [];
    b.onAnnouncement('requests', (peer) => heard.push(peer));
    let arrived = 0;
    a.onAnnouncement('requests', () => arrived++);
    await until(() => {
      c.announce('requests', Uint8Array.of(1));
      return arrived > 3;
    });
    await until(() => {
      a.announce('requests', Uint8Array.of(2));
      return heard.length > 3;
    });
    expect(new Set(heard)).toEqual(new Set([a.self]));
  });

  test('one channel per connection, and only the lower PeerId opens it', async () => {
    const roster = { members: [member(0), member(1), member(2)] };
    const b = await open(1, roster);
    const dial = async (host: Host): Promise<Connection> =>
      host.dial(multiaddr(`${roster.members[1]?.addresses[0]}/p2p/${b.self}`));
    const lower = await dial(await raw(0, roster, () => undefined));
    const first = await lower.newStream(protocolName);
    const second = await lower.newStream(protocolName);
    await until(() => second.status === 'reset');
    expect(first.status).toBe('open');
    const higher = await (await dial(await raw(2, roster, () => undefined))).newStream(protocolName);
    await until(() => higher.status === 'reset');
    expect(connected(b, 2)).toBe(false);
  });

  test('a peer that leaves the roster while it is being dialled is let go', async () => {
    const held: Socket[] = [];
    const there = member(1);
    const proxy = createServer((socket) => held.push(socket));
    const port = nextPort++;
    await new Promise<void>((resolve) => void proxy.listen(port, '127.0.0.1', resolve));
    openings.push({ close: async () => new Promise((resolve) => void proxy.close(() => resolve())) });
    const b = await raw(1, { members: [member(0), there] }, () => undefined);
    let seen = 0;
    b.addEventListener('connection:open', () => seen++);
    const roster = { members: [member(0), { ...there, addresses: [`/ip4/127.0.0.1/tcp/${port}`] }] };
    const a = await open(0, roster);
    await until(() => held.length > 0);
    a.useRoster({ members: roster.members.slice(0, 1) });
    for (const socket of held) {
      const onward = connect(Number(there.addresses[0]?.split('/').at(-1)), '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const one of [socket, onward]) one.on('error', () => undefined);
      socket.on('close', () => onward.destroy());
    }
    await until(() => seen > 0 && b.getConnections().length === 0);
    expect(a.peers().size).toBe(0);
  });

  test('announcements beyond the budget, or too long, are not heard', async () => {
    const roster = { members: [member(0), member(1)] };
    const host = await raw(1, roster, () => undefined);
    host.services.pubsub.subscribe('requests');
    const clock = simulatedClock();
    const a = await open(0, roster, { clock });
    const lengths: number[] = [];
    a.onAnnouncement('requests', (_peer, payload) => lengths.push(payload.length));
    await until(() => host.services.pubsub.getSubscribers('requests').length > 0);
    const say = async (length: number): Promise<unknown> =>
      host.services.pubsub.publish('requests', new Uint8Array(length));
    await say(limits.announcementBytes + 1);
    // Gossip may lose some: go on until the budget is used up, and beyond it.
    await until(() => {
      for (let i = 0; i < 20; i++) void say(1);
      return lengths.length >= limits.announcementsBurst;
    });
    for (let i = 0; i < 50; i++) await say(1);
    // One more per step of the clock.
    await untilWith(clock, 1_000 / limits.announcementsPerSecond, () => {
      void say(2);
      return lengths.includes(2);
    });
    expect(lengths.filter((length) => length === 1).length).toBeLessThan(limits.announcementsBurst + 20);
    expect(Math.max(...lengths)).toBe(2);
  });
});
