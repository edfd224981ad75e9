import { equal, fromBytesBE, hash, keyIdOf, type Member, toHex, u64, wire } from '@quorate/protocol';
import type { EpochInfo, KeyInfo } from '@quorate/storage';
import { rendezvous } from '../coordination/election.ts';
import { limits } from '../limits.ts';
import type { PeerId } from '../network/network.ts';
import { refreshProposals } from '../policy/refresh-proposal.ts';
import { type CeremonyView, type RefreshView, ServiceError } from '../service.ts';
import { tags } from '../tags.ts';
import type { Entry } from './entry.ts';
import { nextNumber } from './epoch-numbers.ts';
import { mustRefresh } from './imports.ts';
import { packageOf } from './packages.ts';
import { RefreshTask, whyStuck } from './refresh.ts';
import { usable } from './sign.ts';
import type { Workshop } from './task.ts';

export interface RefreshSchedulePort {
  peerOf(node: Uint8Array): PeerId;
  /** Why nothing can be done with a peer now, in a sentence about it; undefined if it is there. */
  whyAway(peer: PeerId): string | undefined;
  /** Whether a refresh of this key is under way here. */
  isOpen(keyName: string): boolean;
  /** Whether a reshare of this key waits for operators. */
  isAwaited(keyName: string): boolean;
  /** The highest number of an epoch of a key that a member says to know, of late. */
  told(key: KeyInfo): number;
  /** Who said READY for none of the attempts that wait for it. */
  withholding(keyId: Uint8Array): readonly PeerId[];
  /** Proposes a refresh to its committee. @throws {ServiceError} */
  submit(body: Uint8Array): Promise<CeremonyView>;
  /** A durable step failed: the node must stop. */
  fatal(error: unknown): void;
}

/** What this node has tried for an epoch of a key. */
interface Tries {
  readonly epoch: number;
  readonly count: number;
  /** Wall clock: not before. */
  readonly until: number;
}

/** The attempts at refreshing an epoch that failed here, whoever proposed them. */
interface Failures {
  readonly epoch: number;
  readonly count: number;
  /** Of the last one: with who declines it, if somebody does. */
  readonly reason: string;
}

/** A key with an epoch in use. */
type Used = KeyInfo & { readonly current: EpochInfo };

/**
 * Renews the shares of every key in use by schedule, so that what was stolen of one epoch is worth nothing in the next. All members
 * reckon alike when a key is due and whose turn it is to propose; whoever's turn it is not waits a little longer.
 */
export class RefreshSchedule {
  readonly #workshop: Workshop;
  readonly #port: RefreshSchedulePort;
  readonly #tries = new Map<string, Tries>();
  readonly #failures = new Map<string, Failures>();
  #cancel = (): void => undefined;
  readonly #stirred: (() => void)[] = [];

  constructor(workshop: Workshop, port: RefreshSchedulePort) {
    this.#workshop = workshop;
    this.#port = port;
  }

  open(): void {
    const tick = (): void => {
      this.#cancel = this.#workshop.clock.after(limits.refreshTick, tick);
      this.#propose().catch((error: unknown) => this.#port.fatal(error));
    };
    tick();
  }

  /** A key came into use: one that was imported is dealt anew at once, whatever the schedule says. */
  stir(keyId: Uint8Array): void {
    const key = this.#workshop.keys.get(keyId);
    if (!isUsed(key) || !mustRefresh(packageOf(key, key.current, this.#workshop.tools))) return;
    this.#stirred.push(
      this.#workshop.clock.after(limits.importedRefresh, () => {
        this.#propose().catch((error: unknown) => this.#port.fatal(error));
      }),
    );
  }

  close(): void {
    this.#cancel();
    for (const cancel of this.#stirred) cancel();
  }

  /** Proposes a refresh now, whatever the schedule says. @throws {ServiceError} `key-unknown`, `not-member`, `integrity`, `denied`, `busy`, `no-quorum` */
  async refresh(name: string): Promise<CeremonyView> {
    const { config, keys } = this.#workshop;
    // By id, since the name of a damaged key may be lost.
    const key = keys.get(keyIdOf(config.networkId, name));
    usable(key, name);
    if (!isUsed(key)) throw new Error('a usable key has an epoch in use');
    const away = this.#away(key);
    if (away !== undefined) throw new ServiceError('no-quorum', away);
    return await this.#submit(key);
  }

  /** When a key is due, and what keeps it from being refreshed. */
  view(key: KeyInfo): RefreshView | undefined {
    if (!isUsed(key)) return undefined;
    const { clock } = this.#workshop;
    const dueAt = this.#dueAt(key);
    const late = dueAt !== undefined && clock.now() >= dueAt;
    const problem = late ? this.#hindrance(key, dueAt) : undefined;
    return { lastAt: key.current.createdAt, dueAt, problem: this.#stuck(key) ?? problem };
  }

  /** A ceremony is over: what an attempt failed of is what an operator has to know when the key is overdue. */
  ended({ ceremony: { state }, task }: Entry): void {
    if (!(task instanceof RefreshTask) || state.name !== 'failed') return;
    if (state.code === 'stopped' || state.code === 'conflict') return;
    const key = this.#workshop.keys.get(task.keyId);
    if (!isUsed(key) || key.current.epoch !== task.base) return;
    this.#failed(key, state.reason);
    this.#workshop.log.warn('a refresh failed', { key: key.name, code: state.code, reason: state.reason });
  }

  async #propose(): Promise<void> {
    const { clock, keys, log } = this.#workshop;
    const now = clock.now();
    const due = keys
      .list()
      .filter(isUsed)
      .filter((key) => this.#isMine(key, now));
    // One after the other: the next tick takes the next.
    const [key] = due;
    if (key === undefined) return;
    try {
      await this.#submit(key);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#failed(key, error.message);
      log.warn('cannot refresh a key now', { key: key.name, error });
    }
  }

  #isMine(key: Used, now: number): boolean {
    const dueAt = this.#dueAt(key);
    if (dueAt === undefined || key.frozen || whyStuck(key) !== undefined) return false;
    if (this.#port.isOpen(key.name) || this.#away(key) !== undefined) return false;
    const nodes = this.#members(key).map(({ node }) => node);
    const order = rendezvous('coordinator', key.keyId, key.current.epoch, nodes);
    const turn = order.findIndex((node) => equal(node, this.#workshop.key.publicKey));
    const tries = this.#triesOf(key);
    const since = dueAt + (this.#awaits(key) ? limits.refreshDeference : 0);
    // Those who proposed at the same time, and were in each other's way, are not again.
    const again = tries === undefined ? 0 : tries.until + turn * limits.refreshTick;
    return now >= Math.max(since + turn * limits.refreshTurn, again);
  }

  /**
   * Whether a refresh lets a reshare that waits for operators go before it, which would have to begin anew after it. Not for ever: else
   * whoever may propose reshares could keep the shares from being renewed.
   */
  #awaits(key: Used): boolean {
    return this.#port.isAwaited(key.name) && !mustRefresh(packageOf(key, key.current, this.#workshop.tools));
  }

  /** What keeps a key that is due from being refreshed, as far as it is known here. */
  #hindrance(key: Used, dueAt: number): string | undefined {
    if (key.frozen) return 'the key is frozen here';
    const away = this.#away(key);
    if (away !== undefined) return away;
    if (this.#awaits(key) && this.#workshop.clock.now() < dueAt + limits.refreshDeference)
      return 'a reshare of it waits for operators, and goes first for an hour';
    const failures = this.#failures.get(toHex(key.keyId));
    if (failures?.epoch !== key.current.epoch) return undefined;
    return `it failed ${failures.count === 1 ? 'once' : `${failures.count} times`}, at last so: ${failures.reason}`;
  }

  #failed({ keyId, current: { epoch } }: Used, reason: string): void {
    const place = toHex(keyId);
    const before = this.#failures.get(place);
    const count = before?.epoch === epoch ? before.count : 0;
    this.#failures.set(place, { epoch, count: count + 1, reason });
  }

  /** Between 0.9 and 1.1 intervals after the epoch was made: the same for all members, another for each key and epoch. */
  #dueAt(key: Used): number | undefined {
    const { keyId, current } = key;
    if (mustRefresh(packageOf(key, current, this.#workshop.tools))) return current.createdAt;
    const { refreshInterval } = this.#workshop.config;
    if (refreshInterval === 0) return undefined;
    const part = Number(fromBytesBE(hash(tags.refreshJitter, keyId, u64(current.epoch)).subarray(0, 4))) / 2 ** 32;
    return current.createdAt + Math.round(refreshInterval * 1_000 * (0.9 + 0.2 * part));
  }

  async #submit(key: Used): Promise<CeremonyView> {
    const { clock, config, key: own, randomness } = this.#workshop;
    const { threshold } = packageOf(key, key.current, this.#workshop.tools);
    const count = this.#triesOf(key)?.count ?? 0;
    const told = Math.max(this.#port.told(key), this.#workshop.standings.floor);
    const epoch = nextNumber(key, count, told, clock.now());
    const pause = Math.min(limits.refreshRetryFirst * 2 ** count, limits.refreshRetryLongest);
    const place = toHex(key.keyId);
    const tried = { epoch: key.current.epoch, until: clock.now() + pause };
    this.#tries.set(place, { ...tried, count });
    const members = this.#members(key);
    const order = rendezvous(
      'signer',
      key.keyId,
      epoch,
      members.map(({ node }) => node),
    ).slice(0, threshold);
    const dealers = members.filter(({ node }) => order.some((one) => equal(one, node))).map(({ party }) => party);
    const proposal = refreshProposals.sign(
      {
        network: config.networkId,
        key: key.name,
        baseEpoch: key.current.epoch,
        epoch,
        dealers,
        expires: clock.now() + limits.refreshProposal,
        nonce: randomness.bytes(32),
      },
      own,
    );
    const ceremony = await this.#port.submit(wire.encode(refreshProposals.codec, proposal));
    // What is refused here nobody else has seen: its number is free.
    this.#tries.set(place, { ...tried, count: count + 1 });
    return ceremony;
  }

  #triesOf({ keyId, current }: Used): Tries | undefined {
    const tries = this.#tries.get(toHex(keyId));
    return tries?.epoch === current.epoch ? tries : undefined;
  }

  /** Why an operator must decide, and about whom. */
  #stuck(key: Used): string | undefined {
    const problem = whyStuck(key);
    if (problem === undefined) return undefined;
    const names = this.#port.withholding(key.keyId).map((peer) => this.#workshop.nameOfPeer(peer));
    return names.length === 0 ? problem : `${problem} (READY is missing from ${names.join(', ')})`;
  }

  /** Who keeps all from being there, in a sentence. */
  #away(key: Used): string | undefined {
    const away = this.#members(key).flatMap(({ node }) => this.#port.whyAway(this.#port.peerOf(node)) ?? []);
    return away.length === 0 ? undefined : `a refresh needs all members, and ${away.join(', and ')}`;
  }

  #members(key: Used): readonly Member[] {
    return packageOf(key, key.current, this.#workshop.tools).members;
  }
}

function isUsed(key: KeyInfo | undefined): key is Used {
  return key?.current !== undefined;
}
