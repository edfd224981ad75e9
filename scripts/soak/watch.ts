import { setTimeout as pause } from 'node:timers/promises';
import { processUse } from '../bench/machine.ts';
import type { Testnet, TestnetNode } from '../testnet/testnet.ts';
import type { Links } from './links.ts';
import { type LoadedKey, within } from './load.ts';

/** Resident MiB that no node may exceed: three times what one takes with all threads at work. */
const residentBound = 900;
const interval = 500;

export interface WatchOptions {
  readonly net: Testnet;
  readonly links: Links;
  readonly keys: readonly LoadedKey[];
  readonly threshold: number;
  readonly paused: ReadonlySet<string>;
  readonly violated: (what: string) => void;
}

/** Looks at all nodes from outside, all the time: epochs, blame, frozen keys, memory; and for how long nothing was signed. */
export class Watch {
  /** The longest time without a signature while some t nodes ran, had open ways, and saw each other: milliseconds. */
  longestGap = 0;
  highestResident = 0;
  /** By key: the epochs that came into use since the first. */
  readonly epochs = new Map<string, Set<number>>();
  readonly #options: WatchOptions;
  /** By node and key. */
  readonly #highest = new Map<string, number>();
  readonly #connected = new Map<string, ReadonlySet<string>>();
  readonly #over = new AbortController();
  #quietSince: number | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
    for (const { name } of options.keys) this.epochs.set(name, new Set());
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#watching;
  }

  signed(): void {
    this.#measure();
    if (this.#quietSince !== undefined) this.#quietSince = performance.now();
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await Promise.all(this.#options.net.nodes.map(async (node) => this.#look(node)));
      this.#measure();
      if (!this.#canSign()) this.#quietSince = undefined;
      else this.#quietSince ??= performance.now();
      await pause(interval, undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
  }

  #measure(): void {
    if (this.#quietSince !== undefined)
      this.longestGap = Math.max(this.longestGap, performance.now() - this.#quietSince);
  }

  /** Whether some t nodes run, have open ways between them, and see each other. */
  #canSign(): boolean {
    const { links, net, paused, threshold } = this.#options;
    const able = net.nodes.map(({ name }) => name).filter((name) => !paused.has(name) && this.#connected.has(name));
    const sees = (one: string, other: string): boolean =>
      links.isOpen(one, other) && this.#connected.get(one)?.has(other) === true;
    const grow = (group: readonly string[], left: readonly string[]): boolean =>
      group.length >= threshold ||
      left.some(
        (name, i) =>
          group.every((member) => sees(name, member) && sees(member, name)) &&
          grow([...group, name], left.slice(i + 1)),
      );
    return grow([], able);
  }

  async #look(node: TestnetNode): Promise<void> {
    const { violated } = this.#options;
    const { client, name, process: child } = node;
    if (child?.pid === undefined) {
      this.#connected.delete(name);
      return;
    }
    try {
      const [peers, keys, status] = await within(
        2_000,
        Promise.all([client.peers(), client.keys(), client.status()] as const),
      );
      this.#connected.set(name, new Set(peers.filter(({ connected }) => connected).map((peer) => peer.name)));
      for (const peer of peers) {
        if (peer.blames > 0) violated(`${name} blames ${peer.name}`);
        if (peer.banned) violated(`${name} bans ${peer.name}`);
        if (peer.refused !== undefined) violated(`${name} refuses ${peer.name}: ${peer.refused}`);
      }
      for (const warning of status.warnings) if (warning.includes('quarantined')) violated(`${name} warns: ${warning}`);
      for (const key of keys) {
        if (key.frozen) violated(`${key.name} is frozen at ${name}`);
        this.#heard(name, key.name, key.epoch, key.state === 'active');
      }
      for (const { name: key, publicKey } of this.#options.keys)
        if (!keys.some((one) => one.name === key && one.publicKey === publicKey))
          violated(`${name} has ${key} no more, or with another public key`);
    } catch {
      // It is starting, stands still, or was just killed.
      this.#connected.delete(name);
    }
    this.#weigh(name, child.pid);
  }

  #heard(node: string, key: string, epoch: number, active: boolean): void {
    const place = `${node} ${key}`;
    const highest = this.#highest.get(place) ?? 1;
    if (epoch < highest) this.#options.violated(`${key} at ${node} fell from epoch ${highest} to ${epoch}`);
    else this.#highest.set(place, epoch);
    if (active && epoch > 1) this.epochs.get(key)?.add(epoch);
  }

  #weigh(name: string, pid: number): void {
    try {
      const { residentMiB } = processUse(pid);
      if (residentMiB > residentBound) this.#options.violated(`${name} takes ${residentMiB} MiB`);
      if (residentMiB > this.highestResident) this.highestResident = residentMiB;
    } catch {
      // It was just killed.
    }
  }
}
