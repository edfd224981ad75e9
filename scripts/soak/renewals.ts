import { setTimeout as pause } from 'node:timers/promises';
import type { CeremonyView, KeyView, NodeClient } from '@quorate/node';
import { finished } from '../bench/signer.ts';
import { type Testnet, type TestnetNode, until } from '../testnet/testnet.ts';
import { codeOf, type LoadedKey, within } from './load.ts';
import { hasCopies } from './loss.ts';
import { some } from './plan.ts';
import { committeeOf } from './watch.ts';

export interface RenewalsOptions {
  readonly net: Testnet;
  readonly threshold: number;
  readonly draw: (below: number) => number;
  readonly violated: (what: string) => void;
}

type Kind = 'refresh' | 'reshare' | 'repair';

/** Seconds that nodes may take until all use one epoch. */
const agreedWithin = 120;
/** Seconds that a renewal may take to end, one way or the other. */
const endedWithin = 180;
/** Seconds in which it is asked for again in a calm: what was begun in the storm may have to time out first. */
const doneWithin = 150;
/** Milliseconds between two times. */
const breath = 2_000;
/** Nobody here cheats, and what is damaged is not what is asked. */
const neverFailures: readonly (string | undefined)[] = ['cheated', 'integrity'];

/** Asks nodes to deal shares anew, to hand keys over and to give lost shares back, and waits until all agree on what came of it. */
export class Renewals {
  /** What did not come about, by kind and reason. */
  readonly failed = new Map<string, number>();
  /** Shares given back, by key. */
  readonly repaired = new Map<string, number>();
  readonly #options: RenewalsOptions;
  /** Who holds each key, as all said when they last agreed. */
  readonly #holders = new Map<string, readonly string[]>();

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  /**
   * Has a key's shares dealt anew, again and again until they are in use. Whoever is not in the committee joins it; else, if
   * somebody `leaves`, all but one get the shares; else the same.
   */
  async renew(key: LoadedKey, leaves: boolean): Promise<void> {
    const { draw, net, violated } = this.#options;
    const before = await this.untilAgreed(key.name);
    const all = net.nodes.map(({ name }) => name);
    const isWhole = before.parties.length === all.length;
    const members = isWhole && leaves ? some(all, all.length - 1, draw) : all;
    await again(async () =>
      members.length === before.parties.length ? this.refresh(key) : this.#reshare(key, members),
    );
    const after = await this.untilAgreed(key.name);
    if (after.epoch <= before.epoch || after.parties.length !== members.length)
      violated(`in ${doneWithin} s of a calm ${key.name} did not get to new shares for ${members.join(', ')}`);
    for (const node of net.nodes) {
      if (after.parties.some(({ name }) => name === node.name)) continue;
      await until(`${node.name}, which left, to destroy its share of ${key.name}`, agreedWithin, async () =>
        hasCopies(node, before.keyId).then((has) => !has),
      );
    }
  }

  /** @returns whether new shares are certified */
  async refresh(key: LoadedKey): Promise<boolean> {
    return await this.#isDone(key, 'refresh', this.#holder(key), async (client) => client.refresh(key.name));
  }

  /** Has a share that a node lost given back. The node has to say that it is lost. */
  async repair(node: TestnetNode, key: LoadedKey): Promise<void> {
    const { name } = key;
    await until(`${node.name} to say that it lost its share of ${name}`, agreedWithin, async () => {
      const status = await node.client.status().catch(() => undefined);
      return status?.warnings.some((warning) => warning.includes(`${name} is quarantined`)) === true;
    });
    const isRepaired = await again(async () =>
      this.#isDone(key, 'repair', node, async (client) => client.repair(name, {})),
    );
    if (isRepaired) this.repaired.set(name, (this.repaired.get(name) ?? 0) + 1);
    else this.#options.violated(`in ${doneWithin} s of a calm ${node.name} did not get its share of ${name} back`);
  }

  /** Waits until all members of one committee use one epoch, and all others say that the key is elsewhere. */
  async untilAgreed(name: string): Promise<KeyView> {
    const { nodes } = this.#options.net;
    let agreed: KeyView | undefined;
    await until(`all to agree on an epoch of ${name}`, agreedWithin, async () => {
      const views = await Promise.all(nodes.map(async ({ client }) => client.key(name).catch(() => undefined)));
      [agreed] = views.flatMap((view) => (view?.state === 'active' ? [view] : []));
      return views.every((view, i) => {
        if (agreed?.parties.some((party) => party.name === nodes[i]?.name) !== true) return view?.state === 'elsewhere';
        const isSame = view?.epoch === agreed.epoch && committeeOf(view) === committeeOf(agreed);
        return isSame && view.state === 'active';
      });
    });
    const view = agreed as unknown as KeyView;
    this.#holders.set(
      name,
      view.parties.map((party) => party.name),
    );
    return view;
  }

  async #reshare(key: LoadedKey, members: readonly string[]): Promise<boolean> {
    const { threshold } = this.#options;
    return await this.#isDone(key, 'reshare', this.#holder(key), async (client) =>
      client.reshare(key.name, { members, threshold }),
    );
  }

  #holder({ name }: LoadedKey): TestnetNode {
    const [holder] = some(this.#holders.get(name) ?? [], 1, this.#options.draw);
    return this.#options.net.node(holder ?? '');
  }

  async #isDone(
    { name, publicKey }: LoadedKey,
    kind: Kind,
    { client }: TestnetNode,
    ask: (client: NodeClient) => Promise<CeremonyView>,
  ): Promise<boolean> {
    let why: string;
    try {
      const { result, failure } = await within(
        endedWithin * 1_000,
        ask(client).then(async (begun) => finished(client, begun)),
      );
      if (result?.type === 'key' && result.publicKey !== publicKey)
        this.#options.violated(`a ${kind} of ${name} changed its public key to ${result.publicKey}`);
      if (result?.type === 'key') return true;
      why = `${failure?.code ?? 'nothing'}: ${failure?.reason ?? ''}`;
      if (neverFailures.includes(failure?.code))
        this.#options.violated(`a ${kind} of ${name} failed: ${JSON.stringify(failure)}`);
    } catch (error) {
      why = `${codeOf(error)}: ${error instanceof Error ? error.message : ''}`;
    }
    const failed = `${kind}: ${why}`;
    this.failed.set(failed, (this.failed.get(failed) ?? 0) + 1);
    return false;
  }
}

/** Until it is done, or the time is up. @returns whether it is done */
async function again(attempt: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + doneWithin * 1_000;
  while (!(await attempt())) {
    if (performance.now() > end) return false;
    await pause(breath);
  }
  return true;
}
