import { type Aead, fromHex, frost, type NodeKey, type Randomness, Secret, seeded, toHex } from '@quorate/protocol';
import { nativeAead } from '@quorate/protocol/native';
import { createKeyring, MemoryStore, openKeyring, type Root } from '@quorate/storage';
import { decodeFrame, encodeFrame, type NodeFrame } from '../src/ceremonies/frames.ts';
import type { Host } from '../src/ceremonies/host.ts';
import { inlineJob } from '../src/ceremonies/inline.ts';
import type { JobName } from '../src/ceremonies/jobs/jobs.ts';
import { type SimulatedClock, simulatedClock } from '../src/clock.ts';
import { type Config, networkIdOf } from '../src/config/config.ts';
import type { Client } from '../src/config/file.ts';
import { rendezvous } from '../src/coordination/election.ts';
import { type Home, homeOf } from '../src/home.ts';
import { type Identity, identityOf } from '../src/network/identity.ts';
import { MemoryHub } from '../src/network/memory.ts';
import type { Network, PeerId } from '../src/network/network.ts';
import { type NodeParts, QuorateNode } from '../src/node.ts';
import { createLog } from '../src/observe/log.ts';
import { type SignRequest, signRequests } from '../src/policy/sign-request.ts';
import type { CeremonyView, KeygenOrder } from '../src/service.ts';
import { nativeTools, type Tools } from '../src/tools.ts';

const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace'];
const networkId = networkIdOf('testnet');
const native = nativeTools();

/** What a corrupted member sends instead of a frame: anything, or nothing. */
export type Tamper = (frame: NodeFrame, to: string) => readonly NodeFrame[];

/** Where a member's job runs, given where it would. */
export type Hosting = <T>(host: Host<T>, job: JobName) => Host<T>;

/** A node of the committee, and what a test may do to it. */
export interface Member {
  readonly name: string;
  readonly peer: PeerId;
  readonly key: Identity;
  readonly config: Config;
  node: QuorateNode;
  store: MemoryStore;
  home: Home;
  network: Network;
  /** How far this member's wall clock is ahead of the committee's, milliseconds. */
  skew: number;
  /** What it asked to be stopped for. */
  readonly fatal: unknown[];
  tamper: Tamper | undefined;
  /** What its protocols run on instead of the calling thread. */
  hosting: Hosting | undefined;
  /** Every frame that it sent, in order, with how many writes had reached its disk. */
  readonly sent: { readonly to: string; readonly frame: NodeFrame; readonly writes: number }[];
  readonly log: string[];
}

type Settings = Pick<
  Partial<Config>,
  | 'accept'
  | 'clients'
  | 'export'
  | 'pins'
  | 'presignatures'
  | 'purposes'
  | 'refreshInterval'
  | 'sessionTimeout'
  | 'stock'
>;

/** n real nodes over the network in memory, on one clock that the test moves, each with a disk in memory. */
export class Committee {
  readonly clock: SimulatedClock;
  readonly hub: MemoryHub;
  readonly client: NodeKey;
  readonly members: ReadonlyMap<string, Member>;
  readonly tools: Tools;
  readonly #randomness: Randomness;

  private constructor(n: number, seed: string, tools: Tools, clock: SimulatedClock) {
    this.tools = tools;
    this.clock = clock;
    this.#randomness = seeded(new TextEncoder().encode(seed));
    this.client = identityOf(new Secret(this.#randomness.bytes(32)));
    const seeds = names.slice(0, n).map((name) => ({ name, seed: this.#randomness.bytes(32) }));
    const members = seeds.map(({ name, seed: bytes }) => ({
      name,
      seed: bytes,
      key: identityOf(new Secret(bytes.slice())),
    }));
    this.hub = new MemoryHub({
      clock: this.clock,
      members: members.map(({ name, key: { peer } }) => ({ peer, name })),
    });
    this.members = new Map(members.map(({ name, key, seed: bytes }) => [name, this.#member(name, key, bytes)]));
  }

  static async open(
    n: number,
    seed: string,
    settings: Settings = {},
    tools: Tools = native,
    clock: SimulatedClock = simulatedClock(),
  ): Promise<Committee> {
    const committee = new Committee(n, seed, tools, clock);
    for (const member of committee.members.values()) {
      Object.assign(member.config, settings);
      await committee.start(member);
    }
    await committee.run(10);
    return committee;
  }

  /** The member of this name. */
  at(name: string): Member {
    const member = this.members.get(name);
    if (member === undefined) throw new RangeError(`no member ${name}`);
    return member;
  }

  /** Opens the member's node on its disk: at the beginning, and after a stop. */
  async start(member: Member): Promise<void> {
    const seed = this.#seeds.get(member.name) as Uint8Array;
    member.home = await openHomeOn(member.store, member.key, seed, this.#randomness);
    member.network = this.#network(member);
    const { config, home, key, network } = member;
    member.node = await openNodeOn({
      config,
      home,
      key,
      network,
      tools: this.tools,
      members: [...this.members.values()],
      clock: { ...this.clock, now: () => this.clock.now() + member.skew },
      log: createLog('info', (line) => void member.log.push(line)),
      randomness: this.#randomness,
      fatal: (error) => void member.fatal.push(error),
      hosting: (host, job) => member.hosting?.(host, job) ?? host,
    });
  }

  /** Another node with a member's identity, on a disk of its own; it is not among the members. It is the one that is heard. */
  async twin(member: Member, store: MemoryStore): Promise<Member> {
    const twin: Member = { ...member, store, fatal: [], sent: [], log: [] };
    await this.start(twin);
    return twin;
  }

  /** Of several instances of one member, this one is heard from now on. */
  front(member: Member): void {
    this.hub.front(this.#joined.get(member.network) as Network);
  }

  /** The process ends without a word; what its disk has is `crash` (synced only) or `kill` (all that was written). */
  async stop(member: Member, how: 'crash' | 'kill' = 'crash'): Promise<void> {
    await member.network.close();
    member.node.close();
    member.store = how === 'crash' ? member.store.crash() : member.store.kill();
    await this.run(5);
  }

  /** Lets so many milliseconds pass. */
  async run(milliseconds: number): Promise<void> {
    await this.clock.settle(milliseconds);
  }

  /** Lets time pass until `reached`, at most `milliseconds`. */
  async until(reached: () => boolean, milliseconds = 30_000): Promise<void> {
    let passed = 0;
    while (passed < milliseconds && !reached()) {
      const step = passed < 100 ? 1 : 10;
      await this.run(step);
      passed += step;
    }
    if (!reached())
      throw new Error(`not reached in ${milliseconds} ms: ${JSON.stringify(this.states(), undefined, 1)}`);
  }

  states(): unknown {
    return [...this.members.values()].map(({ name, node, fatal }) => ({
      name,
      fatal: fatal.map(String),
      ceremonies: node
        .ceremonies()
        .map(({ id, state, failure, attempt }) => ({ id: id.slice(0, 8), state, failure, attempt })),
    }));
  }

  /** The ceremony at a member, if the member knows it. */
  ceremony(name: string, id: string): CeremonyView | undefined {
    return this.at(name)
      .node.ceremonies()
      .find((one) => one.id === id);
  }

  /** Makes a key with everybody, and waits until all use it. */
  async key(order: Partial<KeygenOrder> = {}): Promise<string> {
    const name = order.name ?? 'treasury';
    const { id } = await this.at('alice').node.keygen({ name, scheme: 'ed25519', ...order });
    await this.until(() => [...this.members.keys()].every((member) => this.ceremony(member, id)?.state === 'done'));
    return id;
  }

  /** A client's order. */
  order(
    text: string,
    more: Partial<Omit<SignRequest, 'signature' | 'client'>> = {},
    client: NodeKey = this.client,
  ): SignRequest {
    const message = new TextEncoder().encode(text);
    return signRequests.sign(
      {
        network: networkId,
        key: 'treasury',
        purpose: 'general',
        intent: { type: 'message', value: message },
        path: 'm',
        expires: this.clock.now() + 600_000,
        idempotencyKey: message.slice(0, 64),
        ...more,
      },
      client,
    );
  }

  /** Orders a signature at one member, and waits for it there. */
  async sign(at: string, request: SignRequest, milliseconds?: number): Promise<CeremonyView> {
    const { id } = await this.at(at).node.sign(request);
    await this.until(() => ['done', 'failed'].includes(this.ceremony(at, id)?.state ?? ''), milliseconds);
    return this.ceremony(at, id) as CeremonyView;
  }

  /** Sends a frame of the attacker's making from one member to another. */
  say(from: string, to: string, frame: NodeFrame): void {
    void this.at(from).network.send(this.at(to).peer, encodeFrame(frame));
  }

  /** The names of all members in the order in which they are asked to coordinate a request, or to sign it. */
  turns(role: 'coordinator' | 'signer', id: string): readonly string[] {
    const nodes = [...this.members.values()].map(({ key }) => key.publicKey);
    const order = rendezvous(role, fromHex(id), 1, nodes).map(toHex);
    return order.map((node) => this.#nameAt(node));
  }

  /** Whether `signature` is good for `message` under a key of this committee. */
  async verifies(message: string, { result }: CeremonyView, key = 'treasury'): Promise<boolean> {
    if (result?.type !== 'signature') return false;
    const { publicKey } = await this.at('alice').node.key(key);
    const suite = frost.suiteOf(result.scheme, this.tools.groups);
    return frost.verifySignature(
      suite,
      fromHex(publicKey),
      new TextEncoder().encode(message),
      fromHex(result.signature),
    );
  }

  /** The audit log of a member, as kinds with the reason of refusals. */
  async audit(name: string): Promise<readonly string[]> {
    const out: string[] = [];
    for await (const { kind, fields } of this.at(name).home.audit.entries()) {
      out.push(fields['reason'] === undefined ? kind : `${kind}: ${String(fields['reason'])}`);
    }
    return out;
  }

  #nameAt(node: string): string {
    return [...this.members.values()].find(({ key }) => toHex(key.publicKey) === node)?.name ?? node;
  }

  nameOf(peer: PeerId): string {
    return this.hub.members.get(peer) ?? peer;
  }

  /** What the hub knows each member's network as. */
  readonly #joined = new WeakMap<Network, Network>();
  readonly #seeds = new Map<string, Uint8Array>();

  #member(name: string, key: Identity, seed: Uint8Array): Member {
    this.#seeds.set(name, seed);
    const config = configOf(name, this.client);
    const unopened = undefined as never;
    const opened = { node: unopened, home: unopened, network: unopened };
    const own = {
      store: new MemoryStore(),
      skew: 0,
      fatal: [],
      tamper: undefined,
      hosting: undefined,
      sent: [],
      log: [],
    };
    return { name, peer: key.peer, key, config, ...opened, ...own };
  }

  #network(member: Member): Network {
    const twin = this.members.get(member.name) !== member;
    const inner = this.hub.join(member.peer, { bootEpoch: member.home.bootEpoch, twin });
    const network: Network = {
      self: inner.self,
      peers: () => inner.peers(),
      onFrame: (handler) => inner.onFrame(handler),
      onPeer: (handler) => inner.onPeer(handler),
      announce: (topic, payload) => inner.announce(topic, payload),
      onAnnouncement: (topic, handler) => inner.onAnnouncement(topic, handler),
      close: async () => inner.close(),
      send: async (peer, bytes) => {
        const to = this.nameOf(peer);
        const frame = decodeFrame(bytes);
        for (const said of member.tamper?.(frame, to) ?? [frame]) {
          member.sent.push({ to, frame: said, writes: member.store.writes });
          await inner.send(peer, encodeFrame(said));
        }
      },
    };
    this.#joined.set(network, inner);
    return network;
  }
}

/** The configuration of a member of the test network, which obeys one client. */
export function configOf(name: string, client: NodeKey): Config {
  const rights = [{ keys: ['*'], purposes: ['*'], actions: ['sign'] as const }];
  const clients: readonly Client[] = [{ name: 'till', publicKey: toHex(client.publicKey), rights }];
  return {
    name,
    network: 'testnet',
    networkId,
    data: '',
    roster: '',
    admin: '',
    listen: [],
    root: { keyFile: '' },
    clients,
    accept: { default: 'auto', proposers: {} },
    purposes: ['*'],
    export: 'disabled',
    pins: {},
    sessionTimeout: 60,
    // Making base transfers ahead takes longer than most tests, which make no ECDSA key.
    stock: 0,
    refreshInterval: 0,
    presignatures: 0,
    limits: { peerBytesPerSecond: 1, peerFramesPerSecond: 1 },
    log: { level: 'warn' },
  };
}

type Parts = Pick<
  NodeParts,
  'clock' | 'config' | 'fatal' | 'home' | 'key' | 'log' | 'network' | 'randomness' | 'tools'
> & { readonly members: readonly { readonly name: string; readonly peer: PeerId }[]; readonly hosting?: Hosting };

/** A node on doors in memory, its protocols on the calling thread unless `hosting` says otherwise. */
export async function openNodeOn({ members, hosting = (host) => host, ...parts }: Parts): Promise<QuorateNode> {
  const { randomness, tools } = parts;
  const roster = { members: members.map(({ name, peer }) => ({ name, peer, addresses: [] })) };
  return await QuorateNode.open({
    ...parts,
    roster: () => roster,
    version: '0.0.0',
    addresses: () => [],
    host: (job, input) => hosting(inlineJob(job, input, { ...tools, randomness }) as Host<never>, job),
    loopDelay: () => ({ p50: 0, p99: 0 }),
    memory: () => ({ residentBytes: 0, heapBytes: 0 }),
  });
}

/** What `openHome` does, on a disk in memory; with a fresh identity when the disk is empty. */
export async function openHomeOn(
  store: MemoryStore,
  { publicKey }: NodeKey,
  seed: Uint8Array,
  randomness: Randomness,
  aead: Aead = nativeAead,
): Promise<Home> {
  const root: Root = { type: 'key-file', key: new Secret(fromHex('11'.repeat(32))) };
  const owner = { network: networkId, node: publicKey };
  const isNew = (await store.get('header')) === undefined;
  const open = isNew ? createKeyring : openKeyring;
  const keyring = await open(store, root, owner, { aead, randomness });
  return homeOf({ store, keyring, seed: new Secret(seed.slice()) }, randomness);
}
