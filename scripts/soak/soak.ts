import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Scheme } from '@quorate/protocol';
import { finished } from '../bench/signer.ts';
import type { Testnet, TestnetNode } from '../testnet/testnet.ts';
import { examine, readLogs, searchSecrets } from './aftermath.ts';
import { Links } from './links.ts';
import { isSplit, Load, type LoadedKey, type Ordered, placeOf } from './load.ts';
import { destroyShare } from './loss.ts';
import { drawing, type Fault, type Planned, some, storms } from './plan.ts';
import { Renewals } from './renewals.ts';
import { Watch } from './watch.ts';

export interface SoakOptions {
  /** Whose folders are made, and which runs not yet; logs go to its folder. */
  readonly net: Testnet;
  readonly threshold: number;
  readonly seed: number;
  /** No storm begins later than so many milliseconds after the first. */
  readonly milliseconds: number;
  /** Of each storm; default: all kinds. */
  readonly faults?: number;
  readonly say: (text: string) => void;
}

export interface SoakResult {
  readonly seed: number;
  readonly minutes: number;
  readonly storms: number;
  /** Processes killed. */
  readonly kills: number;
  readonly cuts: number;
  readonly pauses: number;
  readonly orders: { readonly done: number; readonly failed: Readonly<Record<string, number>> };
  /** Why orders were sent to another member, how often. */
  readonly sentElsewhere: Readonly<Record<string, number>>;
  /** Answers to orders that were sent again to every member. */
  readonly answeredAgain: number;
  /**
   * Orders to which different members gave different signatures, each of them for ever: when what a signer says is held back for
   * longer than a round lasts while it has heard all others, it has a signature, and they make another without it.
   */
  readonly twoAnswers: number;
  /** Epochs that came into use with the committee and threshold of the one before, by key. */
  readonly refreshes: Readonly<Record<string, number>>;
  /** Epochs that came into use with others, by key. */
  readonly reshares: Readonly<Record<string, number>>;
  /** Shares that were lost on a disk and given back, by key. */
  readonly repairs: Readonly<Record<string, number>>;
  /** What was asked for and did not come about, by kind and reason. */
  readonly renewalsFailed: Readonly<Record<string, number>>;
  /** Milliseconds. See {@link Watch.longestGap}. */
  readonly longestGap: number;
  readonly highestResidentMiB: number;
  readonly secretsSearched: number;
  readonly violations: readonly string[];
}

/** Seconds that nodes may take after a storm until all see each other. */
const togetherWithin = 120;
/** Orders that are sent to all members again in each calm. */
const askedAgain = 150;

/** Storms of faults over a network of processes under constant load, and calms in which shares are renewed, handed over and repaired. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { net } = options;
  const links = await Links.open(net.nodes);
  try {
    for (const node of net.nodes) {
      const file = join(node.data, 'roster.yaml');
      await writeFile(file, links.roster(await readFile(file, 'utf8'), node));
    }
    return await new Soak(options, links).run();
  } finally {
    for (const { process: child } of net.nodes) child?.kill('SIGCONT');
    await net.stop();
    await links[Symbol.asyncDispose]();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #net: Testnet;
  readonly #links: Links;
  readonly #draw: (below: number) => number;
  readonly #violations = new Set<string>();
  /** Processes that are meant to end. */
  readonly #ending = new WeakSet<object>();
  /** Nodes that a fault has in its hands. */
  readonly #down = new Set<string>();
  readonly #paused = new Set<string>();
  /** Shares that were destroyed and are not given back yet: see {@link placeOf}. */
  readonly #lost = new Set<string>();
  /** Where they were: whoever looks there finds it damaged. */
  readonly #destroyed = new Set<string>();
  readonly #counts = { storms: 0, kills: 0, cuts: 0, pauses: 0, answeredAgain: 0 };
  readonly #renewals: Renewals;

  constructor(options: SoakOptions, links: Links) {
    this.#options = options;
    this.#net = options.net;
    this.#links = links;
    this.#draw = drawing(options.seed + 2);
    const { net, threshold } = options;
    const violated = (what: string): void => this.#violated(what);
    this.#renewals = new Renewals({ net, threshold, draw: this.#draw, violated });
  }

  async run(): Promise<SoakResult> {
    const { faults, milliseconds, say, seed, threshold } = this.#options;
    const net = this.#net;
    const violated = (what: string): void => this.#violated(what);
    say('starting');
    await Promise.all(net.nodes.map(async (node) => this.#startNode(node)));
    for (const node of net.nodes) await net.untilConnected(node, net.nodes.length - 1);
    const keys: LoadedKey[] = [];
    for (const scheme of ['ed25519', 'taproot', 'ecdsa'] as const) keys.push(await this.#makeKey(scheme));
    const lost = this.#lost;
    const watch = new Watch({ net, links: this.#links, keys, threshold, paused: this.#paused, lost, violated });
    const load = new Load({ net, keys, seed, lost, violated, signed: () => watch.signed() });
    watch.start();
    load.start();
    const began = performance.now();
    const names = net.nodes.map(({ name }) => name);
    for (const storm of storms(seed, names, faults)) {
      this.#counts.storms += 1;
      // One renewal is under way as the storm begins: whatever becomes of it, all have to agree later.
      const interrupted = this.#renewals.refresh(some(keys, 1, this.#draw)[0] as LoadedKey).catch(() => undefined);
      await this.#rage(storm);
      await interrupted;
      await this.#calm(keys, load);
      this.#report(load, watch);
      if (performance.now() - began > milliseconds) break;
    }
    await load.stop();
    await watch.stop();
    const minutes = Math.round((performance.now() - began) / 6_000) / 10;
    say('stopping, and looking through what is left');
    await this.#stop();
    for (const node of net.nodes) await examine(node, violated);
    await readLogs(net, this.#destroyed, violated);
    const secretsSearched = await searchSecrets(net, violated).catch((error: unknown) => {
      violated(`what a node left does not open: ${String(error)}`);
      return 0;
    });
    return {
      seed,
      minutes,
      ...this.#counts,
      orders: ordersOf(load.all),
      sentElsewhere: Object.fromEntries(load.sentElsewhere),
      twoAnswers: load.all.filter(isSplit).length,
      ...watch.renewals(),
      repairs: Object.fromEntries(keys.map(({ name }) => [name, this.#renewals.repaired.get(name) ?? 0])),
      renewalsFailed: Object.fromEntries(this.#renewals.failed),
      longestGap: Math.round(watch.longestGap),
      highestResidentMiB: watch.highestResident,
      secretsSearched,
      violations: [...this.#violations],
    };
  }

  #violated(what: string): void {
    if (this.#violations.has(what)) return;
    this.#violations.add(what);
    this.#options.say(`VIOLATION ${what}`);
  }

  #report(load: Load, watch: Watch): void {
    const { kills, storms } = this.#counts;
    const { done, failed } = ordersOf(load.all);
    const { refreshes, reshares } = watch.renewals();
    const repairs = Object.fromEntries(this.#renewals.repaired);
    this.#options.say(
      `storm ${storms} is over: ${kills} kills, ${done} orders done, failed ${JSON.stringify(failed)}, ` +
        `${total(refreshes)} refreshes, ${total(reshares)} reshares, ${total(repairs)} repairs, longest gap ${Math.round(watch.longestGap)} ms, ${watch.highestResident} MiB, ` +
        `${this.#violations.size} violations`,
    );
  }

  async #startNode(node: TestnetNode): Promise<void> {
    const child = await this.#net.startNode(node);
    child.once('exit', (code, signal) => {
      if (!this.#ending.has(child)) this.#violated(`${node.name} ended by itself: ${code ?? signal}`);
    });
  }

  async #makeKey(scheme: Scheme): Promise<LoadedKey> {
    const [first] = this.#net.nodes as readonly [TestnetNode];
    const name = `soak-${scheme}`;
    const { threshold } = this.#options;
    const made = await finished(first.client, await first.client.keygen({ name, scheme, threshold }));
    if (made.state !== 'done') throw new Error(`no key came of it: ${JSON.stringify(made.failure)}`);
    await this.#renewals.untilAgreed(name);
    return await first.client.key(name);
  }

  /** Lets the faults of a storm happen, one while another lasts, and waits until the last is over. */
  async #rage(storm: readonly Planned[]): Promise<void> {
    const raging: Promise<void>[] = [];
    for (const { after, fault } of storm) {
      await pause(after);
      raging.push(this.#happen(fault));
    }
    await Promise.all(raging);
    this.#links.heal();
  }

  async #happen(fault: Fault): Promise<void> {
    switch (fault.type) {
      case 'kill':
        await Promise.all(fault.nodes.map(async (name) => this.#kill(this.#net.node(name), fault.milliseconds)));
        return;
      case 'pause':
        await Promise.all(fault.nodes.map(async (name) => this.#pause(this.#net.node(name), fault.milliseconds)));
        return;
      case 'cut':
        this.#counts.cuts += 1;
        for (const [from, to] of fault.ways) this.#links.set(from, to, fault.traffic);
        await pause(fault.milliseconds);
        for (const [from, to] of fault.ways) this.#links.set(from, to, 'flow');
    }
  }

  /** @param meanwhile what is done to its files while it is down */
  async #kill(node: TestnetNode, milliseconds: number, meanwhile: () => Promise<void> = nothing): Promise<void> {
    const { process: child } = node;
    if (child === undefined || this.#down.has(node.name)) return;
    this.#down.add(node.name);
    this.#ending.add(child);
    this.#counts.kills += 1;
    await this.#net.signal(node, 'SIGKILL');
    await pause(milliseconds);
    await meanwhile();
    await this.#startNode(node);
    this.#down.delete(node.name);
  }

  async #pause(node: TestnetNode, milliseconds: number): Promise<void> {
    const { process: child } = node;
    if (child === undefined || this.#down.has(node.name) || this.#paused.has(node.name)) return;
    this.#counts.pauses += 1;
    this.#paused.add(node.name);
    child.kill('SIGSTOP');
    await pause(milliseconds);
    child.kill('SIGCONT');
    this.#paused.delete(node.name);
  }

  /** All nodes come together, agree, renew and repair the shares of every key, and give the answers that were given. */
  async #calm(keys: readonly LoadedKey[], load: Load): Promise<void> {
    const { storms } = this.#counts;
    try {
      await this.#untilTogether();
      for (const { name } of keys) await this.#renewals.untilAgreed(name);
      const leaving = keys[storms % keys.length];
      for (const key of keys) await this.#renewals.renew(key, key === leaving);
      for (const key of keys) {
        const { end } = await load.sign(key);
        if (end !== 'done') this.#violated(`in the calm after storm ${storms} an order by ${key.name} ended as ${end}`);
      }
      await this.#loseAndRepair(keys[(storms + 1) % keys.length] as LoadedKey);
    } catch (error) {
      this.#violated(`in the calm after storm ${storms}: ${String(error)}`);
    }
    this.#counts.answeredAgain += await load.askAgain(askedAgain);
  }

  /** A member loses its share of a key, record and second copy, in a kill; it says so, and gets it back from the others. */
  async #loseAndRepair(key: LoadedKey): Promise<void> {
    const { epoch, keyId, parties } = await this.#renewals.untilAgreed(key.name);
    const [{ name }] = some(parties, 1, this.#draw) as [(typeof parties)[number]];
    const node = this.#net.node(name);
    this.#lost.add(placeOf(name, key.name));
    await this.#kill(node, 0, async () => {
      this.#destroyed.add(placeOf(name, await destroyShare(node, keyId, epoch)));
    });
    await this.#untilTogether();
    await this.#renewals.repair(node, key);
    this.#lost.delete(placeOf(name, key.name));
    await this.#renewals.untilAgreed(key.name);
  }

  async #untilTogether(): Promise<void> {
    const all = this.#net.nodes;
    for (const node of all) await this.#net.untilConnected(node, all.length - 1, togetherWithin);
  }

  async #stop(): Promise<void> {
    for (const { name, process: child } of this.#net.nodes) {
      if (child === undefined) continue;
      this.#ending.add(child);
      child.once('exit', (code, signal) => {
        if (code !== 0) this.#violated(`${name}, told to stop, ended with ${code ?? signal}`);
      });
    }
    await this.#net.stop();
  }
}

function ordersOf(all: readonly Ordered[]): SoakResult['orders'] {
  const failed: Record<string, number> = {};
  let done = 0;
  for (const { end } of all) {
    if (end === 'done') done += 1;
    else if (end !== undefined) failed[end] = (failed[end] ?? 0) + 1;
  }
  return { done, failed };
}

async function nothing(): Promise<void> {
  await Promise.resolve();
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
