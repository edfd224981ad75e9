import { setTimeout as pause } from 'node:timers/promises';
import type { KeyView } from '@quorate/node';
import { processUse } from '../bench/machine.ts';
import type { Testnet, TestnetNode } from '../testnet/testnet.ts';
import type { Links } from './links.ts';
import { type LoadedKey, placeOf, within } from './load.ts';

/** Resident MiB that no node may exceed: three times what one takes with all threads at work. */
const residentBound = 900;
const interval = 500;

export interface WatchOptions {
  readonly net: Testnet;
  readonly links: Links;
  readonly keys: readonly LoadedKey[];
  readonly threshold: number;
  readonly paused: ReadonlySet<string>;
  /** Shares that were destroyed and are not given back yet: see {@link placeOf}. */
  readonly lost: ReadonlySet<string>;
  readonly violated: (what: string) => void;
}

/** Looks at all nodes from outside, all the time: epochs, blame, frozen keys, memory; and for how long nothing was signed. */
export class Watch {
  /** The longest time without a signature while some t nodes ran with all keys, had open ways, and saw each other: milliseconds. */
  longestGap = 0;
  highestResident = 0;
  readonly #options: WatchOptions;
  /** By key: the epochs that came into use, each with its committee. */
  readonly #epochs = new Map<string, Map<number, string>>();
  /** By node and key. */
  readonly #highest = new Map<string, number>();
  readonly #connected = new Map<string, ReadonlySet<string>>();
  readonly #over = new AbortController();
  #quietSince: number | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions) {
    this.#options = options;
    for (const { name } of options.keys) this.#epochs.set(name, new Map());
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

  /** By key: epochs that came into use after the first, with the committee of the one before, and with another. */
  renewals(): Readonly<Record<'refreshes' | 'reshares', Readonly<Record<string, number>>>> {
    const counted = (isCounted: (committee: string, before: string) => boolean): Readonly<Record<string, number>> =>
      Object.fromEntries(
        [...this.#epochs].map(([key, epochs]) => {
          const committees = [...epochs].toSorted(([a], [b]) => a - b).map(([, committee]) => committee);
          return [key, committees.slice(1).filter((one, i) => isCounted(one, committees[i] as string)).length];
        }),
      );
    return {
      refreshes: counted((committee, before) => committee === before),
      reshares: counted((committee, before) => committee !== before),
    };
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

  /** Whether some t nodes that hold all keys run, have open ways between them, and see each other. */
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
      const [peers, all, status] = await within(
        2_000,
        Promise.all([client.peers(), client.keys(), client.status()] as const),
      );
      const keys = all.filter((key) => key.state !== 'quarantined');
      const active = keys.filter(({ state }) => state === 'active').length;
      if (active === this.#options.keys.length)
        this.#connected.set(name, new Set(peers.filter(({ connected }) => connected).map((peer) => peer.name)));
      else this.#connected.delete(name);
      for (const peer of peers) {
        if (peer.blames > 0) violated(`${name} blames ${peer.name}`);
        if (peer.banned) violated(`${name} bans ${peer.name}`);
        if (peer.refused !== undefined) violated(`${name} refuses ${peer.name}: ${peer.refused}`);
      }
      const isLost = (key: string): boolean => this.#options.lost.has(placeOf(name, key));
      for (const warning of status.warnings) {
        if (!warning.includes('quarantined')) continue;
        if (!this.#options.keys.some(({ name: key }) => isLost(key) && warning.includes(`${key} is quarantined`)))
          violated(`${name} warns: ${warning}`);
      }
      for (const key of keys) {
        if (key.frozen) violated(`${key.name} is frozen at ${name}`);
        this.#heard(name, key);
      }
      for (const { name: key, publicKey } of this.#options.keys)
        if (!isLost(key) && !keys.some((one) => one.name === key && one.publicKey === publicKey))
          violated(`${name} has ${key} no more, or with another public key`);
    } catch {
      // It is starting, stands still, or was just killed.
      this.#connected.delete(name);
    }
    this.#weigh(name, child.pid);
  }

  #heard(node: string, view: KeyView): void {
    const { epoch, name: key, state } = view;
    // What is prepared may come to nothing.
    if (state !== 'active' && state !== 'elsewhere') return;
    const place = placeOf(node, key);
    const highest = this.#highest.get(place) ?? 1;
    if (epoch < highest) this.#options.violated(`${key} at ${node} fell from epoch ${highest} to ${epoch}`);
    else this.#highest.set(place, epoch);
    const epochs = this.#epochs.get(key);
    const committee = epochs?.get(epoch);
    if (committee === undefined) epochs?.set(epoch, committeeOf(view));
    else if (committee !== committeeOf(view))
      this.#options.violated(
        `epoch ${epoch} of ${key} is of ${committeeOf(view)} at ${node}, of ${committee} elsewhere`,
      );
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

/** The threshold, and who holds a key, by name. */
export function committeeOf(view: Pick<KeyView, 'threshold' | 'parties'> | undefined): string {
  const names = view?.parties.map(({ name }) => name).toSorted() ?? [];
  return `${view?.threshold ?? 0} of ${names.join(', ')}`;
}
