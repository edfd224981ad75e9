import {
  dkls23,
  equal,
  type Group,
  hash,
  hedged,
  type NodeKey,
  type Randomness,
  Secret,
  toHex,
} from '@quorate/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import { PeerBudgets } from '../network/budget.ts';
import type { PeerId, PeerStatus } from '../network/network.ts';
import type { Log } from '../observe/log.ts';
import { tags } from '../tags.ts';
import type { StockMessage } from './messages.ts';
import type { ChooseSet, CompleteSet, MadeSet, TakenSets, Unusable } from './sets.ts';
import { type Role, Shelf } from './shelf.ts';

export interface StockOptions {
  /** Sets of one pair and direction; 0 makes none. */
  readonly depth: number;
  readonly key: NodeKey;
  readonly group: Group;
  readonly clock: Clock;
  readonly log: Log;
  readonly randomness: Randomness;
  /** Every other member of the roster. */
  peers(): ReadonlyMap<PeerId, PeerStatus>;
  peerOf(node: Uint8Array): PeerId;
  nodeOf(peer: PeerId): Uint8Array;
  isBanned(node: Uint8Array): boolean;
  /** Whether a session runs: its members are waited for. */
  busy(): boolean;
  send(peer: PeerId, message: StockMessage): void;
  /** The work itself, on a thread of its own. */
  choose(input: ChooseSet): Promise<MadeSet | Unusable>;
  complete(input: CompleteSet): Promise<MadeSet | Unusable>;
}

/** One direction with one peer, being made. As Bob, our key is in it until Alice's points have come. */
interface Exchange {
  readonly session: Uint8Array;
  readonly own: dkls23.BaseOtKey | undefined;
  cancel(): void;
}

interface Try {
  readonly failures: number;
  readonly notBefore: number;
}

/**
 * Base transfers made ahead with every other member, while nothing else is to be done, so that the key generation of
 * threshold ECDSA need not make them. Bob of a direction begins when he is short of sets; whatever either end has without
 * the other is dropped, so that both take the same one, the oldest (docs/architecture.md).
 */
export class Stock {
  readonly #options: StockOptions;
  readonly #shelf: Shelf;
  readonly #exchanges: { readonly [R in Role]: Map<PeerId, Exchange> } = { alice: new Map(), bob: new Map() };
  readonly #tries: { readonly [R in Role]: Map<PeerId, Try> } = { alice: new Map(), bob: new Map() };
  /** What peers may make this node compute; a restart of a peer does not fill it up. */
  readonly #budgets: PeerBudgets;
  readonly #boots = new Map<PeerId, string>();
  /** What waits for its turn: one computation at a time, and at most two of a peer. */
  #queue: readonly { readonly exchange: Exchange; readonly work: () => Promise<void> }[] = [];
  #working = false;
  #wasQuiet = false;
  #stop: () => void = () => undefined;

  constructor(options: StockOptions) {
    this.#options = options;
    this.#shelf = new Shelf(options.clock, options.depth);
    this.#budgets = new PeerBudgets(options.clock, limits.stockPerSecond, limits.stockBurst);
  }

  open(): void {
    if (this.#options.depth > 0) this.#lookLater();
  }

  /** Wipes everything. */
  close(): void {
    this.#stop();
    const { alice, bob } = this.#exchanges;
    for (const peer of [...alice.keys(), ...bob.keys()]) this.#abandon(peer);
    this.#shelf.clear();
  }

  /** The oldest unused sets with a member, which are the caller's from now on: nobody gets them again. */
  take(node: Uint8Array): TakenSets {
    const peer = this.#options.peerOf(node);
    return { asBob: this.#takeAs(peer, 'bob'), asAlice: this.#takeAs(peer, 'alice') };
  }

  /** Forgets all that was made, or is being made, with a member: it is banned. */
  drop(node: Uint8Array): void {
    this.#dropPeer(this.#options.peerOf(node));
  }

  /** A peer is connected. After a restart it has nothing any more. */
  greet(peer: PeerId): void {
    const boot = toHex(this.#options.peers().get(peer)?.bootEpoch ?? new Uint8Array(0));
    if (this.#boots.get(peer) !== boot) this.#dropPeer(peer);
    this.#boots.set(peer, boot);
  }

  /** A peer is gone. What is on the shelf stays: it may come back as it was. */
  lost(peer: PeerId): void {
    this.#abandon(peer);
  }

  /** With how many members there could be sets, and with how many there are, in both directions. */
  status(): { readonly pairs: number; readonly ready: number } {
    const peers = [...this.#options.peers().keys()].filter((peer) => this.#isWelcome(peer));
    const has = (peer: PeerId, role: Role): boolean => this.#shelf.ids(peer, role).length > 0;
    const ready = peers.filter((peer) => has(peer, 'alice') && has(peer, 'bob'));
    return { pairs: peers.length, ready: ready.length };
  }

  receive(peer: PeerId, message: StockMessage): void {
    if (!this.#isWelcome(peer)) return;
    switch (message.type) {
      case 'wanted':
        // Whatever she has said before, a set is on her shelf before its points come here.
        return this.#shelf.keepOnly(peer, 'bob', message.value.sets);
      case 'offer':
        return this.#onOffer(peer, message.value);
      case 'points':
        return this.#onPoints(peer, message.value);
    }
  }

  // ---- beginning

  #lookLater(): void {
    this.#stop = this.#options.clock.after(limits.stockLook, () => {
      this.#lookLater();
      this.#look();
    });
  }

  /** Begins what can begin, once nothing has run for a moment. */
  #look(): void {
    const { busy, peers } = this.#options;
    const quiet = !busy();
    this.#shelf.tidy(peers());
    if (quiet && this.#wasQuiet) {
      for (const [peer, { connected }] of peers()) if (connected && this.#isWelcome(peer)) this.#begin(peer);
      this.#proceed();
    }
    this.#wasQuiet = quiet;
  }

  #begin(peer: PeerId): void {
    const { clock, send } = this.#options;
    const may = (role: Role): boolean =>
      this.#shelf.isShort(peer, role) &&
      !this.#exchanges[role].has(peer) &&
      (this.#tries[role].get(peer)?.notBefore ?? 0) <= clock.monotonic();
    // Bob begins by himself; Alice says so, in case he believes that she has what he has.
    if (may('alice')) {
      this.#tried(peer, 'alice');
      send(peer, { type: 'wanted', value: { sets: this.#shelf.ids(peer, 'alice') } });
    }
    if (may('bob') && this.#budgets.spend(peer)) this.#offer(peer);
  }

  #offer(peer: PeerId): void {
    const { clock, group, send } = this.#options;
    const session = this.#options.randomness.bytes(32);
    using hedge = new Secret(this.#hedge(session, peer));
    const own = dkls23.offerBaseOt(group, hedged(this.#options.randomness, hedge, session));
    const cancel = clock.after(limits.stockExchange, () => this.#end(peer, 'bob'));
    this.#exchanges.bob.set(peer, { session, own, cancel });
    this.#tried(peer, 'bob');
    const key = group.encodePoint(own.point);
    send(peer, { type: 'offer', value: { session, key, sets: this.#shelf.ids(peer, 'bob') } });
  }

  // ---- as Alice

  #onOffer(peer: PeerId, { session, key, sets }: Extract<StockMessage, { readonly type: 'offer' }>['value']): void {
    if (this.#exchanges.alice.has(peer)) return;
    this.#shelf.keepOnly(peer, 'alice', sets);
    if (!this.#shelf.isShort(peer, 'alice') || !this.#budgets.spend(peer)) return;
    const exchange: Exchange = { session, own: undefined, cancel: () => undefined };
    this.#exchanges.alice.set(peer, exchange);
    const { choose, key: me, nodeOf, send } = this.#options;
    const context = { session, alice: me.publicKey, bob: nodeOf(peer) };
    this.#enqueue(peer, 'alice', exchange, async () => {
      const made = await choose({ ...context, key, hedge: this.#hedge(session, peer) });
      const points = this.#finish(peer, 'alice', exchange, made);
      if (points !== undefined) send(peer, { type: 'points', value: { session, points } });
    });
  }

  // ---- as Bob

  #onPoints(peer: PeerId, { session, points }: Extract<StockMessage, { readonly type: 'points' }>['value']): void {
    const exchange = this.#exchanges.bob.get(peer);
    if (exchange?.own === undefined || !equal(exchange.session, session)) return;
    const { complete, group, key: me, nodeOf } = this.#options;
    const { secret, point } = exchange.own;
    const ours = { session, own: undefined, cancel: () => secret.wipe() };
    exchange.cancel();
    this.#exchanges.bob.set(peer, ours);
    const context = { session, alice: nodeOf(peer), bob: me.publicKey };
    this.#enqueue(peer, 'bob', ours, async () => {
      const keySecret = secret.use((bytes) => bytes.slice());
      secret.wipe();
      const made = await complete({ ...context, key: group.encodePoint(point), keySecret, points });
      this.#finish(peer, 'bob', ours, made);
    });
  }

  // ---- working

  #enqueue(peer: PeerId, role: Role, exchange: Exchange, work: () => Promise<void>): void {
    const careful = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (this.#exchanges[role].get(peer) !== exchange) return;
        this.#options.log.error('could not make base transfers', { peer, error });
        this.#end(peer, role);
      }
    };
    this.#queue = [...this.#queue, { exchange, work: careful }];
    this.#proceed();
  }

  /** One computation after the other; a session that runs goes before them. */
  #proceed(): void {
    if (this.#working || this.#options.busy()) return;
    const [next, ...rest] = this.#queue;
    if (next === undefined) return;
    this.#queue = rest;
    this.#working = true;
    void next.work().finally(() => {
      this.#working = false;
      this.#proceed();
    });
  }

  /** Puts what was made on the shelf, unless the exchange is not wanted any more. @returns its points */
  #finish(peer: PeerId, role: Role, exchange: Exchange, made: MadeSet | Unusable): Uint8Array | undefined {
    const current = this.#exchanges[role].get(peer) === exchange;
    if ('unusable' in made) {
      if (current) this.#end(peer, role);
      this.#options.log.warn('dropped base transfers', { peer, reason: made.unusable });
      return undefined;
    }
    const secret = new Secret(made.half);
    if (!current) {
      secret.wipe();
      return undefined;
    }
    this.#end(peer, role);
    this.#tries[role].delete(peer);
    this.#shelf.add(peer, role, { id: made.id, secret });
    return made.points;
  }

  // ---- bookkeeping

  #takeAs(peer: PeerId, role: Role): Uint8Array | undefined {
    const half = this.#shelf.take(peer, role);
    const bytes = half?.secret.use((one) => one.slice());
    half?.secret.wipe();
    return bytes;
  }

  /** Whether sets are made with a peer: any member that is not banned. */
  #isWelcome(peer: PeerId): boolean {
    const { depth, isBanned, nodeOf, peers } = this.#options;
    return depth > 0 && peers().has(peer) && !isBanned(nodeOf(peer));
  }

  #dropPeer(peer: PeerId): void {
    this.#abandon(peer);
    this.#shelf.drop(peer);
  }

  /** Ends what is being made with a peer. */
  #abandon(peer: PeerId): void {
    for (const role of ['alice', 'bob'] as const) {
      this.#end(peer, role);
      this.#tries[role].delete(peer);
    }
  }

  #end(peer: PeerId, role: Role): void {
    const exchange = this.#exchanges[role].get(peer);
    exchange?.cancel();
    exchange?.own?.secret.wipe();
    this.#exchanges[role].delete(peer);
    this.#queue = this.#queue.filter((waiting) => waiting.exchange !== exchange);
  }

  /** Each try puts off the next one, until one succeeds. */
  #tried(peer: PeerId, role: Role): void {
    const failures = this.#tries[role].get(peer)?.failures ?? 0;
    const pause = Math.min(limits.stockRetryFirst * 2 ** failures, limits.stockRetryLongest);
    const notBefore = this.#options.clock.monotonic() + pause;
    this.#tries[role].set(peer, { failures: failures + 1, notBefore });
  }

  /** A signature that is never sent: only the holder of the node key can predict it. */
  #hedge(session: Uint8Array, peer: PeerId): Uint8Array {
    const { key, nodeOf } = this.#options;
    return key.sign(hash(tags.setHedge, session, nodeOf(peer)));
  }
}
