import { equal, type Scheme, toHex } from '@quorate/protocol';
import { headerOf } from '../../packages/node/src/ceremonies/packages.ts';
import type { PeerId } from '../../packages/node/src/network/network.ts';
import type { SignRequest } from '../../packages/node/src/policy/sign-request.ts';
import type { CeremonyView } from '../../packages/node/src/service.ts';
import type { Life } from './life.ts';
import type { Plan } from './plan.ts';
import type { Seat, World } from './world.ts';

/** What is known of a run by who sees everything: what families of invariants share. */
export class Facts {
  readonly world: World;
  readonly plan: Plan;
  /** Keys that somebody was told to be in use, by name. */
  readonly keys = new Map<string, KnownKey>();
  /** Members whose disk was damaged, perhaps beyond what heals; and those whose disk was made to fail. */
  readonly damaged = new Map<Seat, 'heals' | 'beyond'>();
  readonly failing = new Set<Seat>();
  /** Members whose share was taken away. */
  readonly lost = new Set<Seat>();
  /** Members whose clock was wrong once. */
  readonly jumped = new Set<Seat>();
  /** How often something rare happened. */
  readonly reached = new Map<string, number>();
  /** Orders by request id: several if they conflict. */
  readonly orders = new Map<string, SignRequest[]>();
  /** Requests that a member took, by id. */
  readonly taken = new Map<string, SignRequest>();
  /** What each session is for. */
  readonly sessions = new Map<string, Purpose>();
  /** Which honest members helped to sign, by what they had approved on their disks: see {@link approvalOf}. */
  readonly approvals = new Map<string, Set<PeerId>>();
  /** Orders of which somebody had a signature. */
  readonly fulfilled = new Set<SignRequest>();
  readonly #memories = new Map<Seat, Memory>();
  /** The package, by key and epoch. */
  readonly agreed = new Map<string, Uint8Array>();
  /** Who is in it, by key and epoch, and how many of them are needed. */
  readonly committees = new Map<string, CommitteeOf>();
  /** Message that was signed, by request. */
  readonly signed = new Map<string, string>();
  /** Message that was signed, by key and what its nonce shows. */
  readonly nonces = new Map<string, string>();
  /** What honest members said in clear, for secrets to be looked for. */
  readonly frames: Uint8Array[] = [];
  /** That honest members ever had, by their hexadecimal digits. */
  readonly shares = new Map<string, Uint8Array>();
  /** By key, epoch and attempt. */
  readonly polynomials = new Map<string, Polynomial>();
  /** Who proved to the others that somebody cheated. */
  readonly accusers = new WeakSet<Life>();
  /** Members whose folder was put back, or that ran twice. */
  readonly restored = new Set<Seat>();
  violation: Violation | undefined;

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.plan = plan;
    for (const seat of world.seats) this.#memories.set(seat, emptyMemory());
  }

  /** Remembers the first thing that must not be. */
  fail(invariant: string, message: string): void {
    if (this.violation !== undefined) return;
    this.violation = new Violation(invariant, message);
    this.world.trace.event(this.world.clock.monotonic(), 'VIOLATION', this.violation.message);
  }

  reach(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  /** Whether a member's disk may be damaged for good: as many are left as the others need. */
  mayDestroy(seat: Seat): boolean {
    const damaged = [...this.damaged.keys()].filter((one) => one !== seat).length;
    return !seat.isCorrupt && damaged + this.plan.corrupt < this.plan.f;
  }

  /** A member's disk is about to be found damaged. @param heals whether one second copy makes it good */
  damage(seat: Seat, heals: boolean): void {
    this.damaged.set(seat, heals && !this.damaged.has(seat) ? 'heals' : 'beyond');
  }

  /** A member's share is gone, and it is its operator's to ask for it. */
  lose(seat: Seat): void {
    this.damaged.set(seat, 'beyond');
    this.lost.add(seat);
    this.reach('lost its share');
  }

  /** How a ceremony stands at a member. */
  stateOf(seat: Seat, id: string): string | undefined {
    return this.memoryOf(seat).states.get(id)?.state;
  }

  /** Whether any order is under way at a member. */
  isSigning(seat: Seat): boolean {
    return [...this.memoryOf(seat).states.values()].some(
      ({ kind, state }) => kind === 'sign' && state !== 'done' && state !== 'failed',
    );
  }

  /** Whether a member may find its disk damaged beyond what heals. */
  isBeyond(seat: Seat): boolean {
    return this.damaged.get(seat) === 'beyond';
  }

  seatsOf(members: readonly { readonly node: Uint8Array }[]): readonly Seat[] {
    return this.world.seats.filter(({ key }) => members.some(({ node }) => equal(node, key.publicKey)));
  }

  /** Who uses a key, as far as they know. */
  usersOf(name: string): readonly Seat[] {
    return this.world.seats.filter(({ life }) => life?.home?.keys.byName(name)?.current !== undefined);
  }

  /** The newest epoch of a key that somebody uses, and who is in it. */
  newestOf(name: string): { readonly epoch: number; readonly members: readonly Seat[]; readonly threshold: number } {
    const all = this.world.honest.flatMap(({ life }) => life?.home?.keys.byName(name)?.current ?? []);
    const newest = all.toSorted((a, b) => b.epoch - a.epoch)[0];
    if (newest === undefined) return { epoch: 0, members: [], threshold: 0 };
    const { members, threshold } = headerOf(newest.publicPackage);
    return { epoch: newest.epoch, members: this.seatsOf(members), threshold };
  }

  isCorruptNode(node: Uint8Array): boolean {
    return this.world.seats.some(({ isCorrupt, key }) => isCorrupt && toHex(key.publicKey) === toHex(node));
  }

  memoryOf(seat: Seat): Memory {
    return this.#memories.get(seat) as Memory;
  }

  /** Two run as one member. What either said, both have: a nonce of the one is no other's. */
  twin(seat: Seat, twin: Seat): void {
    const { announced, opened, said } = this.memoryOf(seat);
    this.#memories.set(twin, { ...emptyMemory(), announced, opened, said });
  }

  /** A member's folder is an earlier one: what it did since, it cannot know; what was used or promised since, is. */
  restore(seat: Seat): void {
    const { announced, opened, promised, said } = this.memoryOf(seat);
    this.#memories.set(seat, { ...emptyMemory(), announced, opened, promised, said });
    this.damaged.set(seat, 'beyond');
    this.restored.add(seat);
  }
}

/** What must never happen, and did. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** A key that somebody was told to be in use. */
interface KnownKey {
  readonly id: string;
  readonly scheme: Scheme;
  readonly publicKey: string;
}

/** The shares of a key in an epoch. */
export interface Polynomial {
  readonly name: string;
  readonly members: readonly Seat[];
  readonly threshold: number;
  readonly order: bigint;
  /** Of honest members: share by party. */
  readonly points: Map<bigint, bigint>;
}

/** What a session is for. */
export interface Purpose {
  readonly request: string;
  /** Of the request's body. */
  readonly digest: string;
  readonly epoch: number;
}

export interface CommitteeOf {
  readonly members: readonly Seat[];
  readonly threshold: number;
  readonly isCertified: boolean;
}

/** What a member approves: this very request, of this very body, in this epoch. */
export function approvalOf({ digest, epoch, request }: Purpose): string {
  return `${request} ${digest} ${epoch}`;
}

/** What a member said or was seen to be at, in any of its lives. */
interface Memory {
  /** Digest of what it promised READY, or approved, by that and key and epoch. */
  readonly promised: Map<string, string>;
  /** Highest epoch said to be in use, by key. */
  readonly announced: Map<string, number>;
  /** Highest epoch seen in use, by key. */
  readonly used: Map<string, number>;
  /** Signature, by request. */
  readonly answers: Map<string, string>;
  /** Of ceremonies, in this life or the last one. */
  readonly states: Map<string, Pick<CeremonyView, 'kind' | 'state'>>;
  /** Epochs of keys that it destroyed its shares of, and when that was seen: what is beside the database goes a moment later. */
  readonly shredded: Map<string, number>;
  /** What it said in a slot of a session. */
  readonly said: Map<string, string>;
  /** In which session a first message was used, by its bytes. */
  readonly opened: Map<string, string>;
  /** The digest of the order that it helped to sign, by request. */
  readonly approved: Map<string, string>;
  /** Sessions whose nonces an earlier life spent. */
  readonly spent: Set<string>;
}

function emptyMemory(): Memory {
  return {
    promised: new Map(),
    announced: new Map(),
    used: new Map(),
    answers: new Map(),
    states: new Map(),
    shredded: new Map(),
    said: new Map(),
    opened: new Map(),
    approved: new Map(),
    spent: new Set(),
  };
}

/** Key and epoch, as records have it in their places. */
export function epochPlace(keyId: string, epoch: number): string {
  return `${keyId}/${epoch.toString().padStart(10, '0')}`;
}

/** The epochs of which a member would find its share after a power cut now: in the database, or in the second copy. */
export function sharesOn({ store: { beside, durable } }: Seat): ReadonlySet<string> {
  const places = new Set<string>();
  for (const place of durable.keys()) {
    if (!place.startsWith('shares/')) continue;
    const epoch = place.slice('shares/'.length);
    if (durable.has(`data-keys/${epoch}`)) places.add(epoch);
  }
  for (const name of beside.files.keys()) if (name !== 'counter') places.add(name.replace('-', '/'));
  return places;
}
