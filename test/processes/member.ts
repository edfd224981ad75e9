import { join } from 'node:path';
import { systemRandomness } from '@quorate/node';
import { decodeFrame, encodeFrame, type NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import { inlineHost } from '../../packages/node/src/ceremonies/host.ts';
import { startJob } from '../../packages/node/src/ceremonies/jobs/jobs.ts';
import { systemClock } from '../../packages/node/src/clock.ts';
import { type Config, loadConfig } from '../../packages/node/src/config/config.ts';
import { loadRoster } from '../../packages/node/src/config/roster.ts';
import { type Home, openHome } from '../../packages/node/src/home.ts';
import { type Identity, identityOf } from '../../packages/node/src/network/identity.ts';
import { type Mesh, openMesh } from '../../packages/node/src/network/mesh.ts';
import type { Network, PeerId } from '../../packages/node/src/network/network.ts';
import type { Roster } from '../../packages/node/src/network/roster.ts';
import { QuorateNode } from '../../packages/node/src/node.ts';
import { createLog } from '../../packages/node/src/observe/log.ts';
import { memoryUse } from '../../packages/node/src/process.ts';
import { nativeTools } from '../../packages/node/src/tools.ts';
import { version } from '../../packages/node/src/version.ts';
import { type TestnetNode, until } from '../../scripts/testnet/testnet.ts';

/** A member whose data folder and identity the test has taken over: on the real network, with no code above it. */
export interface Member extends AsyncDisposable {
  readonly config: Config;
  readonly roster: Roster;
  readonly home: Home;
  readonly identity: Identity;
  readonly mesh: Mesh;
  /** Sends a frame to a member by name. */
  send(name: string, frame: NodeFrame): Promise<void>;
  /** Sends whatever bytes to a member by name. */
  sendBytes(name: string, bytes: Uint8Array): Promise<void>;
  peerOf(name: string): PeerId;
}

/** Unlocks a stopped node's folder. */
export async function unlock({ data }: Pick<TestnetNode, 'data'>): Promise<{ config: Config; home: Home }> {
  const config = loadConfig(join(data, 'node.yaml'));
  return { config, home: await openHome(config, systemRandomness) };
}

/** Joins the network as `node`, which must be stopped, and waits until `peers` others are connected. */
export async function becomeMember(
  node: TestnetNode,
  peers: number,
  listen: (mesh: Mesh) => void = (mesh) => {
    mesh.onFrame(() => undefined);
    mesh.onPeer(() => undefined);
  },
): Promise<Member> {
  const { config, home } = await unlock(node);
  const roster = loadRoster(config.roster);
  const mesh = await openMesh({
    seed: home.seed,
    roster,
    networkId: config.networkId,
    listen: config.listen,
    version,
    bootEpoch: home.bootEpoch,
    clock: systemClock,
    randomness: systemRandomness,
    log: createLog('fatal', () => undefined),
  });
  const peerOf = (name: string): PeerId => {
    const member = roster.members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`the roster has no ${name}`);
    return member.peer;
  };
  const member: Member = {
    config,
    roster,
    home,
    identity: identityOf(home.seed),
    mesh,
    peerOf,
    send: async (name, frame) => mesh.send(peerOf(name), encodeFrame(frame)),
    sendBytes: async (name, bytes) => mesh.send(peerOf(name), bytes),
    async [Symbol.asyncDispose]() {
      await mesh.close();
      await home.close();
    },
  };
  listen(mesh);
  await until(`${node.name} to join`, 60, () => Promise.resolve(countConnected(mesh) >= peers));
  return member;
}

function countConnected(mesh: Mesh): number {
  return [...mesh.peers().values()].filter(({ connected }) => connected).length;
}

/**
 * An honest node in the test's own process, whose outgoing frames the test can hold back or change: a slow member or a
 * cheat, at will.
 */
export class Puppet implements AsyncDisposable {
  /** Every frame that came in, with its sender. */
  readonly heard: { readonly from: PeerId; readonly frame: NodeFrame }[] = [];
  /** Every frame that it meant to send, as it is after `change`. */
  readonly said: { readonly to: PeerId; readonly frame: NodeFrame }[] = [];
  readonly member: Member;
  /** What it says instead. */
  change: (to: PeerId, frame: NodeFrame) => NodeFrame = (_, frame) => frame;
  readonly #held: (() => void)[] = [];
  #holds: (frame: NodeFrame) => boolean = () => false;
  #node: QuorateNode | undefined;
  #closed = false;

  private constructor(member: Member) {
    this.member = member;
  }

  /** @param node stopped */
  static async open(node: TestnetNode, peers: number): Promise<Puppet> {
    // The mesh admits nobody before the node listens.
    const member = await becomeMember(node, 0, () => undefined);
    const puppet = new Puppet(member);
    await puppet.#start(member.mesh);
    await until(`${node.name} to join`, 60, () => Promise.resolve(countConnected(member.mesh) >= peers));
    return puppet;
  }

  async #start(mesh: Mesh): Promise<void> {
    const { config, home, identity, roster } = this.member;
    const tools = nativeTools();
    this.#node = await QuorateNode.open({
      config,
      roster: () => roster,
      home,
      network: this.#tap(mesh),
      clock: systemClock,
      log: createLog('fatal', () => undefined),
      randomness: systemRandomness,
      key: identity,
      tools,
      version,
      addresses: () => mesh.addresses,
      host: (job, input) => inlineHost(startJob(job, input, { ...tools, randomness: systemRandomness })),
      loopDelay: () => ({ p50: 0, p99: 0 }),
      memory: memoryUse,
      fatal: (error) => {
        // What was being written when the test closed its folder.
        if (!this.#closed) throw error;
      },
    });
  }

  get node(): QuorateNode {
    if (this.#node === undefined) throw new Error('the puppet was not started');
    return this.#node;
  }

  /** From now on keeps back the frames that `holds` says. */
  hold(holds: (frame: NodeFrame) => boolean): void {
    this.#holds = holds;
  }

  /** Sends what was kept back, in order, and keeps nothing back any more. */
  release(): void {
    this.#holds = () => false;
    for (const send of this.#held.splice(0)) send();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#node?.close();
    await this.member[Symbol.asyncDispose]();
  }

  #tap(mesh: Mesh): Network {
    return {
      self: mesh.self,
      peers: () => mesh.peers(),
      send: async (peer, bytes) => {
        const frame = this.change(peer, decodeFrame(bytes));
        this.said.push({ to: peer, frame });
        const send = async (): Promise<void> => mesh.send(peer, encodeFrame(frame));
        if (!this.#holds(frame)) return send();
        this.#held.push(() => void send().catch(() => undefined));
      },
      onFrame: (handler) =>
        mesh.onFrame((from, bytes) => {
          this.heard.push({ from, frame: decodeFrame(bytes) });
          handler(from, bytes);
        }),
      onPeer: (handler) => mesh.onPeer(handler),
      announce: (topic, payload) => mesh.announce(topic, payload),
      onAnnouncement: (topic, handler) => mesh.onAnnouncement(topic, handler),
      close: async () => mesh.close(),
    };
  }
}
