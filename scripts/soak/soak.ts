import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CeremonyView, NodeClient } from '@quorate/node';
import type { Scheme } from '@quorate/protocol';
import { type Testnet, type TestnetNode, until } from '../testnet/testnet.ts';
import { examine, searchSecrets } from './aftermath.ts';
import { Links } from './links.ts';
import { codeOf, isSplit, Load, type LoadedKey, type Ordered, within } from './load.ts';
import { drawing, type Fault, type Planned, some, storms } from './plan.ts';
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
  /** Epochs that came into use, by key. */
  readonly refreshes: Readonly<Record<string, number>>;
  /** Refreshes that were asked for and did not come about, by reason. */
  readonly refreshesFailed: Readonly<Record<string, number>>;
  /** Milliseconds. See {@link Watch.longestGap}. */
  readonly longestGap: number;
  readonly highestResidentMiB: number;
  readonly secretsSearched: number;
  readonly violations: readonly string[];
}

/** Seconds that nodes may take after a storm until all see each other, and until all use one epoch. */
const togetherWithin = 120;
const agreedWithin = 120;
/** Seconds that a refresh may take to end, one way or the other. */
const refreshWithin = 180;
/** Tries of each key in one calm. */
const refreshTries = 4;
/** Orders that are sent to all members again in each calm. */
const askedAgain = 150;

/** Storms of faults over a network of processes under constant load, and calms in which shares are renewed. */
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
  readonly #counts = { storms: 0, kills: 0, cuts: 0, pauses: 0, answeredAgain: 0 };
  readonly #refreshesFailed = new Map<string, number>();

  constructor(options: SoakOptions, links: Links) {
    this.#options = options;
    this.#net = options.net;
    this.#links = links;
    this.#draw = drawing(options.seed + 2);
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
    const watch = new Watch({ net, links: this.#links, keys, threshold, paused: this.#paused, violated });
    const load = new Load({ net, keys, seed, violated, signed: () => watch.signed() });
    watch.start();
    load.start();
    const began = performance.now();
    const names = net.nodes.map(({ name }) => name);
    for (const storm of storms(seed, names, faults)) {
      this.#counts.storms += 1;
      // One renewal is under way as the storm begins: whatever becomes of it, all have to agree later.
      const interrupted = this.#refresh(some(keys, 1, this.#draw)[0] as LoadedKey).catch(() => undefined);
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
    await this.#readLogs();
    const secretsSearched = await searchSecrets(net, violated);
    return {
      seed,
      minutes,
      ...this.#counts,
      orders: ordersOf(load.all),
      sentElsewhere: Object.fromEntries(load.sentElsewhere),
      twoAnswers: load.all.filter(isSplit).length,
      refreshes: Object.fromEntries([...watch.epochs].map(([name, epochs]) => [name, epochs.size])),
      refreshesFailed: Object.fromEntries(this.#refreshesFailed),
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
    const epochs = [...watch.epochs.values()].reduce((sum, { size }) => sum + size, 0);
    this.#options.say(
      `storm ${storms} is over: ${kills} kills, ${done} orders done, failed ${JSON.stringify(failed)}, ` +
        `${epochs} refreshes, longest gap ${Math.round(watch.longestGap)} ms, ${watch.highestResident} MiB, ` +
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
    const made = await ended(first.client, await first.client.keygen({ name, scheme, threshold }));
    if (made.state !== 'done') throw new Error(`no key came of it: ${JSON.stringify(made.failure)}`);
    await this.#untilAgreed(name);
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

  async #kill(node: TestnetNode, milliseconds: number): Promise<void> {
    const { process: child } = node;
    if (child === undefined || this.#down.has(node.name)) return;
    this.#down.add(node.name);
    this.#ending.add(child);
    this.#counts.kills += 1;
    await this.#net.signal(node, 'SIGKILL');
    await pause(milliseconds);
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

  /** All nodes come together, agree, renew the shares of every key, and give the answers that were given. */
  async #calm(keys: readonly LoadedKey[], load: Load): Promise<void> {
    const all = this.#net.nodes;
    try {
      for (const node of all) await this.#net.untilConnected(node, all.length - 1, togetherWithin);
      for (const { name } of keys) await this.#untilAgreed(name);
      for (const key of keys) {
        for (let tries = 0; !(await this.#refresh(key)) && tries < refreshTries; tries++) await pause(2_000);
        await this.#untilAgreed(key.name);
      }
    } catch (error) {
      this.#violated(`in the calm after storm ${this.#counts.storms}: ${String(error)}`);
    }
    this.#counts.answeredAgain += await load.askAgain(askedAgain);
  }

  /** @returns whether new shares are certified */
  async #refresh({ name, publicKey }: LoadedKey): Promise<boolean> {
    const [{ client }] = some(this.#net.nodes, 1, this.#draw) as [TestnetNode];
    let failure: string;
    try {
      const { result, failure: why } = await within(
        refreshWithin * 1_000,
        client.refresh(name).then(async (begun) => ended(client, begun)),
      );
      if (result?.type === 'key' && result.publicKey !== publicKey)
        this.#violated(`a refresh of ${name} changed its public key to ${result.publicKey}`);
      if (result?.type === 'key') return true;
      failure = `${why?.code ?? 'nothing'}: ${why?.reason ?? ''}`;
      if (why?.code === 'cheated' || why?.code === 'integrity')
        this.#violated(`a refresh of ${name} failed: ${JSON.stringify(why)}`);
    } catch (error) {
      failure = `${codeOf(error)}: ${error instanceof Error ? error.message : ''}`;
    }
    this.#refreshesFailed.set(failure, (this.#refreshesFailed.get(failure) ?? 0) + 1);
    return false;
  }

  async #untilAgreed(name: string): Promise<void> {
    await until(`all to use one epoch of ${name}`, agreedWithin, async () => {
      const views = await Promise.all(
        this.#net.nodes.map(async ({ client }) => client.key(name).catch(() => undefined)),
      );
      return views.every((view) => view?.state === 'active' && view.epoch === views[0]?.epoch);
    });
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

  /** What nodes themselves thought worth an error. */
  async #readLogs(): Promise<void> {
    for (const { name } of this.#net.nodes) {
      const text = await readFile(join(this.#net.folder, `${name}.log`), 'utf8');
      for (const line of text.split('\n')) {
        if (line === '') continue;
        // A line that a kill cut off is no document, and neither is what is not of the log: a stack trace, say.
        const entry = /^\{.*\}$/.test(line) ? (JSON.parse(line) as { level: number; msg: string }) : undefined;
        if (entry === undefined ? !line.startsWith('{') : entry.level >= 50)
          this.#violated(`${name} logged: ${line.slice(0, 500)}`);
      }
    }
  }
}

async function ended(client: NodeClient, begun: CeremonyView): Promise<CeremonyView> {
  let ceremony = begun;
  while (ceremony.state !== 'done' && ceremony.state !== 'failed')
    ceremony = await client.ceremony(ceremony.id, 30_000);
  return ceremony;
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
