import { type Aead, type NodeKey, Secret, toHex } from '@quorate/protocol';
import { nativeAead } from '@quorate/protocol/native';
import { MemoryStore } from '@quorate/storage';
import { type SimulatedClock, simulatedClock } from '../../packages/node/src/clock.ts';
import type { Config } from '../../packages/node/src/config/config.ts';
import type { Home } from '../../packages/node/src/home.ts';
import { type Identity, identityOf } from '../../packages/node/src/network/identity.ts';
import { MemoryHub } from '../../packages/node/src/network/memory.ts';
import { type Network, type PeerId, PeerUnavailable } from '../../packages/node/src/network/network.ts';
import type { Fields, Log } from '../../packages/node/src/observe/log.ts';
import { nativeTools, type Tools } from '../../packages/node/src/tools.ts';
import { configOf, openHomeOn, openNodeOn } from '../../packages/node/test/committee.ts';
import { Dealt } from './dealt.ts';
import { Dice } from './dice.ts';
import { Kept } from './kept.ts';
import { Life } from './life.ts';
import { toyAead, toyIdentity, toyTools } from './toys.ts';
import type { Trace } from './trace.ts';

const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];

/** A member: what outlives its process. */
export interface Seat {
  readonly name: string;
  readonly peer: PeerId;
  readonly key: Identity;
  readonly seed: Uint8Array;
  readonly config: Config;
  readonly randomness: Dice;
  store: MemoryStore;
  /** How far its wall clock is ahead, milliseconds. */
  skew: number;
  life: Life | undefined;
  /** Fully controlled by the adversary. */
  isCorrupt: boolean;
  /** Its disk is damaged beyond what heals: it does not start again. */
  isDestroyed: boolean;
  readonly log: string[];
}

/** What the world tells whoever watches it. */
export interface Watcher {
  /** A frame leaves a process. @returns what leaves instead */
  sending(seat: Seat, to: Seat, frame: Uint8Array): readonly Uint8Array[];
  /** A process is up. */
  opened(seat: Seat, life: Life): Promise<void>;
  /** A process does not come up. */
  refused(seat: Seat, error: unknown): void;
  /** A process stopped itself. */
  stopped(seat: Seat, error: unknown): void;
}

export interface WorldOptions {
  readonly seed: string;
  readonly n: number;
  readonly settings: Partial<Config>;
  /** Milliseconds of a write to the disk, at least and at most. */
  readonly disk: readonly [number, number];
  readonly isReal: boolean;
  readonly trace: Trace;
}

/** A whole network of nodes in one process on virtual time. Everything in it follows from the seed. */
export class World {
  readonly clock: SimulatedClock = simulatedClock();
  readonly hub: MemoryHub;
  readonly tools: Tools;
  readonly client: NodeKey;
  readonly seats: readonly Seat[];
  readonly trace: Trace;
  readonly dealt = new Dealt();
  readonly kept = new Kept();
  watcher: Watcher = {
    sending: (_seat, _to, frame) => [frame],
    opened: async () => undefined,
    refused: () => undefined,
    stopped: () => undefined,
  };
  readonly #aead: Aead;
  readonly #disk: Dice;

  readonly #speed: WorldOptions['disk'];
  /** Who runs twice, and the other one. */
  readonly twins = new Map<Seat, Seat>();

  constructor({ seed, n, settings, disk, isReal, trace }: WorldOptions) {
    const identity = isReal ? (bytes: Uint8Array) => identityOf(new Secret(bytes.slice())) : toyIdentity;
    this.tools = isReal ? nativeTools() : toyTools();
    this.#aead = isReal ? nativeAead : toyAead;
    this.trace = trace;
    this.#speed = disk;
    this.#disk = new Dice(`${seed} disk`);
    const keys = new Dice(`${seed} keys`);
    this.client = identity(keys.bytes(32));
    this.seats = names.slice(0, n).map((name) => {
      const bytes = keys.bytes(32);
      const key = identity(bytes);
      const seat: Seat = {
        name,
        key,
        seed: bytes,
        peer: key.peer,
        config: { ...configOf(name, this.client), ...settings },
        randomness: new Dice(`${seed} ${name}`),
        store: this.#storeOf(() => seat),
        skew: 0,
        life: undefined,
        isCorrupt: false,
        isDestroyed: false,
        log: [],
      };
      return seat;
    });
    this.hub = new MemoryHub({ clock: this.clock, members: this.seats });
  }

  seatOf(peer: PeerId): Seat {
    const seat = this.seats.find((one) => one.peer === peer);
    if (seat === undefined) throw new RangeError(`nobody is ${peer}`);
    return seat;
  }

  get living(): readonly Seat[] {
    return this.seats.filter(({ life }) => life?.node !== undefined);
  }

  get honest(): readonly Seat[] {
    return this.seats.filter(({ isCorrupt }) => !isCorrupt);
  }

  /** Starts a member's process on its disk. It takes a while, and may come to nothing. */
  start(seat: Seat): void {
    if (seat.life !== undefined || seat.isDestroyed) return;
    const life = new Life(seat, this.clock, (_, error) => this.#fatal(seat, life, error));
    seat.life = life;
    this.trace.event(this.clock.monotonic(), seat.name, 'starts');
    this.#open(seat, life).catch((error: unknown) => {
      if (life.isOver) return;
      this.#end(seat, life);
      seat.store = seat.store.kill();
      this.trace.event(this.clock.monotonic(), seat.name, `does not start: ${String(error)}`);
      this.watcher.refused(seat, error);
    });
  }

  /** Ends a member's process without a word. @param kept as of a power cut, see `MemoryStore.crash`; undefined if only the process dies */
  stop(seat: Seat, kept?: number): void {
    const { life } = seat;
    if (life === undefined) return;
    this.#end(seat, life);
    seat.store = kept === undefined ? seat.store.kill() : seat.store.crash(kept);
    this.trace.event(
      this.clock.monotonic(),
      seat.name,
      kept === undefined ? 'is killed' : `loses power, keeps ${kept}`,
    );
  }

  /** What is on a member's disk now, on another one. */
  snapshot(seat: Seat): MemoryStore {
    return this.#copyOf(seat.store, () => seat);
  }

  /** A copy of a member's folder, to be run beside it. @param randomness what the copy draws from */
  clone(seat: Seat, randomness: Dice): Seat {
    const name = `${seat.name}'`;
    const store = this.#copyOf(seat.store, () => twin);
    const twin: Seat = { ...seat, name, randomness, store, life: undefined, log: [] };
    this.twins.set(seat, twin);
    return twin;
  }

  /** Of two that run as one member, this one is heard from now on. */
  front({ life }: Seat): void {
    if (life?.joined !== undefined) this.hub.front(life.joined);
  }

  /** One of two that run as one member is stopped for good, and the other goes on. */
  unite(seat: Seat, isKept: 'first' | 'twin'): void {
    const twin = this.twins.get(seat);
    if (twin === undefined) return;
    this.stop(twin);
    this.twins.delete(seat);
    if (isKept === 'first') return this.front(seat);
    this.stop(seat);
    seat.store = this.#copyOf(twin.store, () => seat);
  }

  /** Sends bytes of the adversary's making from one of its members. */
  inject(from: Seat, to: Seat, frame: Uint8Array): void {
    this.hub.post({ from: from.peer, to: to.peer, payload: frame, topic: undefined });
  }

  #fatal(seat: Seat, life: Life, error: unknown): void {
    if (life.isOver) return;
    this.trace.event(this.clock.monotonic(), seat.name, `stops itself: ${String(error)}`);
    this.stop(seat);
    this.watcher.stopped(seat, error);
  }

  #end(seat: Seat, life: Life): void {
    life.isOver = true;
    seat.life = undefined;
    void life.network?.close();
    for (const two of this.twins) {
      const [other] = two.filter((one) => one !== seat);
      if (two.includes(seat) && other !== undefined) this.front(other);
    }
    life.node?.close();
  }

  async #open(seat: Seat, life: Life): Promise<void> {
    const { config, key, randomness, seed } = seat;
    const home = await openHomeOn(seat.store, key, seed, randomness, this.kept.aeadOf(this.#aead));
    if (life.isOver) return;
    life.home = home;
    const network = this.#network(seat, life);
    life.network = network;
    const node = await openNodeOn({
      config,
      home,
      key,
      network,
      randomness,
      clock: life.clock,
      tools: { ...this.tools, aead: this.dealt.aeadOf(seat, this.tools.aead) },
      members: this.seats,
      log: this.#log(seat),
      fatal: (error) => this.#fatal(seat, life, error),
    });
    if (life.isOver) return;
    life.node = node;
    await this.watcher.opened(seat, life);
  }

  #copyOf(store: MemoryStore, owner: () => Seat): MemoryStore {
    const { beside, durable } = store.copy();
    const own = (records: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> =>
      new Map([...records].map(([place, bytes]) => [place, bytes.slice()]));
    return this.#storeOf(owner, own(durable), own(beside.files));
  }

  #storeOf(
    owner: () => Seat,
    records: ReadonlyMap<string, Uint8Array> = new Map(),
    files: ReadonlyMap<string, Uint8Array> = new Map(),
  ): MemoryStore {
    const [fastest, slowest] = this.#speed;
    return new MemoryStore(records, files, async () => {
      const milliseconds = fastest + ((slowest - fastest) * this.#disk.below(1_000)) / 1_000;
      if (milliseconds > 0)
        await new Promise<void>((resolve) => void this.clock.after(milliseconds, () => owner().life?.wake(resolve)));
    });
  }

  /** Joins the others once somebody listens, as the mesh admits nobody before. */
  #network(seat: Seat, life: Life): Network {
    let frames: ((peer: PeerId, frame: Uint8Array) => void) | undefined;
    let peers: ((peer: PeerId, connected: boolean) => void) | undefined;
    const join = (): void => {
      if (frames === undefined || peers === undefined || life.isOver) return;
      const [onFrame, onPeer] = [frames, peers];
      const isTwin = [...this.twins].some((two) => two.includes(seat));
      const inner = this.hub.join(seat.peer, { bootEpoch: (life.home as Home).bootEpoch, twin: isTwin });
      inner.onFrame((peer, frame) => life.wake(() => this.#deliver(seat, peer, frame, onFrame)));
      inner.onPeer((peer, connected) => life.wake(() => onPeer(peer, connected)));
      life.joined = inner;
    };
    return {
      self: seat.peer,
      peers: () => life.joined?.peers() ?? new Map(),
      onFrame: (handler) => {
        frames = handler;
        join();
      },
      onPeer: (handler) => {
        peers = handler;
        join();
      },
      announce: (topic, payload) => life.joined?.announce(topic, payload),
      onAnnouncement: (topic, handler) => life.joined?.onAnnouncement(topic, handler),
      close: async () => life.joined?.close(),
      send: async (peer, frame) => {
        if (life.isOver) throw new PeerUnavailable(peer, 'this process is dead');
        if (life.joined === undefined) throw new PeerUnavailable(peer, 'it is not connected');
        for (const said of this.watcher.sending(seat, this.seatOf(peer), frame)) await life.joined.send(peer, said);
      },
    };
  }

  #deliver(seat: Seat, peer: PeerId, frame: Uint8Array, handler: (peer: PeerId, frame: Uint8Array) => void): void {
    this.trace.frame(this.clock.monotonic(), this.seatOf(peer).name, seat.name, frame);
    handler(peer, frame);
  }

  /** Of all levels, for secrets to be looked for. */
  #log(seat: Seat, bound: Fields = {}): Log {
    const at = (message: string, fields: Fields = {}): void => {
      const line = `${message} ${inClear({ ...bound, ...fields })}`;
      seat.log.push(line);
      this.trace.note(this.clock.monotonic(), seat.name, line);
    };
    const more = (fields: Fields): Log => this.#log(seat, { ...bound, ...fields });
    return { trace: at, debug: at, info: at, warn: at, error: at, fatal: at, with: more };
  }
}

/** All that somebody says, as JSON: bytes in hexadecimal, big integers in decimal. */
export function inClear(said: unknown): string {
  return JSON.stringify(said, (_, value: unknown) => {
    if (value instanceof Error) return value.message;
    if (value instanceof Uint8Array) return toHex(value);
    return typeof value === 'bigint' ? value.toString() : value;
  });
}
