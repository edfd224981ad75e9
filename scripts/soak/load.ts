import { setTimeout as pause } from 'node:timers/promises';
import {
  type CeremonyView,
  type KeyView,
  networkIdOf,
  orderOf,
  readClientKey,
  signRequests,
  systemRandomness,
} from '@quorate/node';
import { verifyIndependently } from '../../test/support/verifiers.ts';
import type { Testnet, TestnetNode } from '../testnet/testnet.ts';
import { drawing, some } from './plan.ts';

export type LoadedKey = Pick<KeyView, 'name' | 'scheme' | 'publicKey' | 'purpose'>;
type SignOrder = Parameters<TestnetNode['client']['sign']>[0];

/** An order and everything that was answered to it, by node. */
export interface Ordered {
  readonly key: LoadedKey;
  readonly message: Uint8Array;
  readonly order: SignOrder;
  readonly answers: Map<string, string>;
  /** `done`, or the code of what went wrong; undefined while it is under way. */
  end: string | undefined;
}

export interface LoadOptions {
  readonly net: Testnet;
  readonly keys: readonly LoadedKey[];
  readonly seed: number;
  /** Shares that were destroyed and are not given back yet: see {@link placeOf}. */
  readonly lost: ReadonlySet<string>;
  readonly violated: (what: string) => void;
  /** Told of each signature that was verified. */
  readonly signed: () => void;
}

/** What stands for trouble, not for a member that is away: nobody here cheats, and nothing is damaged. */
const neverFailures: ReadonlySet<string> = new Set(['cheated', 'integrity', 'conflict', 'denied']);
/** The node cannot say now, has forgotten in a restart, or has no part in the key: the same order is sent again, anywhere. */
const passing: ReadonlySet<string> = new Set([
  'node-silent',
  'late',
  'busy',
  'stopping',
  'stopped',
  'ceremony-unknown',
  'no-quorum',
  'not-member',
  'moved',
]);
/** How long an order is valid, milliseconds: a storm, and the calm in which all members are asked for the answer. */
const life = 180_000;
/** How long after that an order may take to end: the clocks' tolerance, and what is under way. */
const patience = 60_000;
/** Between two orders of one client, so that there is room for refreshes on a small machine. */
const breath = 150;

/** Whether members gave more than one signature: see the soak's summary. */
export function isSplit({ answers }: Ordered): boolean {
  return new Set(answers.values()).size > 1;
}

/** Clients that order signatures by all keys, all the time, of members drawn at random, and believe none that they did not verify. */
export class Load {
  readonly all: Ordered[] = [];
  /** Why an order was sent to another member, how often. */
  readonly sentElsewhere = new Map<string, number>();
  readonly #options: LoadOptions;
  readonly #network = networkIdOf('testnet');
  readonly #clientKey: ReturnType<typeof readClientKey>;
  readonly #draw: (below: number) => number;
  #clients: readonly Promise<void>[] = [];
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#clientKey = readClientKey(options.net.clientKey);
    this.#draw = drawing(options.seed + 1);
  }

  start(): void {
    this.#clients = this.#options.keys.map(async (key) => {
      while (!this.#stopped) {
        await this.sign(key);
        await pause(breath);
      }
    });
  }

  /** Orders no more, and waits for the end of what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  /** One order, to its end. */
  async sign(key: LoadedKey): Promise<Ordered> {
    const message = systemRandomness.bytes(64);
    const order = orderOf(
      signRequests.sign(
        {
          network: this.#network,
          key: key.name,
          purpose: key.purpose,
          intent:
            key.scheme === 'ecdsa'
              ? { type: 'hashed', value: { hash: 'sha256', message } }
              : { type: 'message', value: message },
          path: 'm',
          expires: Date.now() + life,
          idempotencyKey: systemRandomness.bytes(16),
        },
        this.#clientKey,
      ),
    );
    const ordered: Ordered = { key, message, order, answers: new Map(), end: undefined };
    this.all.push(ordered);
    while (ordered.end === undefined) {
      if (Date.now() > order.expires + patience) {
        ordered.end = 'endless';
        this.#options.violated(`an order by ${key.name} did not end: ${order.idempotencyKey}`);
        break;
      }
      await this.#attempt(ordered);
    }
    return ordered;
  }

  /** Sends some of the latest orders once more, to every member: each has to give the answer that was given. */
  async askAgain(count: number): Promise<number> {
    const open = this.all.filter(({ end, order }) => end !== undefined && order.expires > Date.now() + 15_000);
    let answered = 0;
    for (const ordered of some(open, count, this.#draw)) {
      const asked = await Promise.all(this.#options.net.nodes.map(async (node) => this.#ask(ordered, node)));
      answered += asked.filter(Boolean).length;
    }
    return answered;
  }

  /** Asks one member, to the end of what it does about the order. */
  async #attempt(ordered: Ordered): Promise<void> {
    const running = this.#options.net.nodes.filter((node) => node.process !== undefined);
    const [node] = some(running, 1, this.#draw);
    if (node === undefined) {
      await pause(breath);
      return;
    }
    try {
      const { result, failure } = await this.#finish(ordered, node);
      if (result?.type === 'signature') {
        if (this.#judge(ordered, node, result.signature)) this.#options.signed();
        ordered.end = 'done';
      } else if (failure !== undefined && passing.has(failure.code)) this.#elsewhere(failure.code);
      else if (failure !== undefined) {
        ordered.end = failure.code;
        if (neverFailures.has(failure.code))
          this.#options.violated(`${node.name} failed an order by ${ordered.key.name}: ${JSON.stringify(failure)}`);
      }
    } catch (error) {
      const code = codeOf(error);
      if (passing.has(code) || (code === 'integrity' && this.#hasLost(node, ordered))) this.#elsewhere(code);
      else {
        ordered.end = code;
        if (code !== 'expired') this.#options.violated(`${node.name} refused an order: ${code}: ${String(error)}`);
      }
      await pause(breath);
    }
  }

  #hasLost({ name }: TestnetNode, { key }: Ordered): boolean {
    return this.#options.lost.has(placeOf(name, key.name));
  }

  #elsewhere(code: string): void {
    this.sentElsewhere.set(code, (this.sentElsewhere.get(code) ?? 0) + 1);
  }

  async #finish({ order }: Ordered, { client }: TestnetNode): Promise<CeremonyView> {
    let ceremony = await within(20_000, client.sign(order));
    while (ceremony.state !== 'done' && ceremony.state !== 'failed')
      ceremony = await within(20_000, client.ceremony(ceremony.id, 5_000));
    return ceremony;
  }

  /** @returns whether it gave a signature */
  async #ask(ordered: Ordered, node: TestnetNode): Promise<boolean> {
    try {
      const { result, failure } = await this.#finish(ordered, node);
      if (result?.type === 'signature') {
        this.#judge(ordered, node, result.signature);
        return true;
      }
      if (ordered.end === 'done')
        this.#options.violated(`${node.name} does not give what was answered: ${JSON.stringify(failure)}`);
    } catch (error) {
      const code = codeOf(error);
      if (!passing.has(code) && code !== 'expired')
        this.#options.violated(`${node.name} refused an order that was answered: ${code}: ${String(error)}`);
    }
    return false;
  }

  #judge({ key, message, order, answers }: Ordered, node: TestnetNode, signature: string): boolean {
    const before = answers.get(node.name);
    if (before !== undefined && before !== signature)
      this.#options.violated(`${node.name} answered ${order.idempotencyKey} by ${key.name} in two ways`);
    answers.set(node.name, before ?? signature);
    const { publicKey, scheme } = key;
    if (verifyIndependently(scheme, Buffer.from(publicKey, 'hex'), message, Buffer.from(signature, 'hex'))) return true;
    this.#options.violated(`an independent verifier refuses ${signature} of ${key.name}, given by ${node.name}`);
    return false;
  }
}

/** A node's share of a key. */
export function placeOf(node: string, key: string): string {
  return `${node} ${key}`;
}

/** The stable code of what was thrown. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

class Late extends Error {
  override readonly name = 'Late';
  readonly code = 'late';
}

/** A node that stands still answers nobody until it goes on. @throws {Late} */
export async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = pause(milliseconds, undefined, { signal: over.signal }).then(() => {
    throw new Late(`no answer in ${milliseconds} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    over.abort();
    answer.catch(() => undefined);
  }
}
