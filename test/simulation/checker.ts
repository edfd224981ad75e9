import {
  activatedCodec,
  approvalCodec,
  decodeEnvelope,
  dkls23,
  type Envelope,
  equal,
  fromBytesBE,
  fromHex,
  frost,
  groupOf,
  keyIdOf,
  kinds,
  type Member,
  type PublicPackage,
  readyCodec,
  type Scheme,
  sessionId,
  toHex,
  verifyingShare,
  wire,
} from '@quorate/protocol';
import type { EpochInfo } from '@quorate/storage';
import { decodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import { headerOf, publicPackageOf } from '../../packages/node/src/ceremonies/packages.ts';
import { recordOf } from '../../packages/node/src/ceremonies/signing.ts';
import { networkIdOf } from '../../packages/node/src/config/config.ts';
import { contentOf, payloadOf } from '../../packages/node/src/intents/intent.ts';
import { limits } from '../../packages/node/src/limits.ts';
import { requestId, type SignRequest } from '../../packages/node/src/policy/sign-request.ts';
import type { CeremonyView } from '../../packages/node/src/service.ts';
import { primeField } from '../../packages/protocol/src/sharing/field.ts';
import type { Plan } from './plan.ts';
import type { Life, Seat, World } from './world.ts';

const networkId = networkIdOf('testnet');
/** The byte that tells a Start among frames. */
const startTag = 2;

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

/** What a member said or was seen to be at, in any of its lives. */
interface Memory {
  /** Digest of READY, by key and epoch. */
  readonly readies: Map<string, string>;
  /** Highest epoch said to be in use, by key. */
  readonly announced: Map<string, number>;
  /** Highest epoch seen in use, by key. */
  readonly used: Map<string, number>;
  /** Signature, by request. */
  readonly answers: Map<string, string>;
  /** Of ceremonies, in this life or the last one. */
  readonly states: Map<string, Pick<CeremonyView, 'kind' | 'state'>>;
  /** Epochs of keys that it destroyed its shares of. */
  readonly shredded: Set<string>;
  /** What it said in a slot of a session. */
  readonly said: Map<string, string>;
  /** In which session a first message was used, by its bytes. */
  readonly opened: Map<string, string>;
}

function emptyMemory(): Memory {
  return {
    readies: new Map(),
    announced: new Map(),
    used: new Map(),
    answers: new Map(),
    states: new Map(),
    shredded: new Set<string>(),
    said: new Map(),
    opened: new Map(),
  };
}

/** Sees everything, and knows what may never be: the invariants of a run. */
export class Checker {
  readonly #world: World;
  readonly #plan: Plan;
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
  readonly #orders = new Map<string, SignRequest[]>();
  /** Requests that a member took, by id. */
  readonly taken = new Map<string, SignRequest>();
  /** The request of each session. */
  readonly #sessions = new Map<string, string>();
  readonly #memories = new Map<Seat, Memory>();
  /** The package, by key and epoch. */
  readonly #agreed = new Map<string, Uint8Array>();
  /** How many shares are needed, by key and epoch. */
  readonly #thresholds = new Map<string, number>();
  /** Message that was signed, by request. */
  readonly #signed = new Map<string, string>();
  /** What honest members said in clear, for secrets to be looked for. */
  readonly #heard: Uint8Array[] = [];
  readonly #shares = new Map<string, Uint8Array>();
  #written = '';
  violation: Violation | undefined;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
    for (const seat of world.seats) this.#memories.set(seat, emptyMemory());
  }

  /** Remembers the first thing that must not be. */
  fail(invariant: string, message: string): void {
    if (this.violation !== undefined) return;
    this.violation = new Violation(invariant, message);
    this.#world.trace.event(this.#world.clock.monotonic(), 'VIOLATION', this.violation.message);
  }

  reach(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  /** Whether a member's disk may be damaged for good: as many are left as the others need. */
  mayDestroy(seat: Seat): boolean {
    const damaged = [...this.damaged.keys()].filter((one) => one !== seat).length;
    return !seat.isCorrupt && damaged + this.#plan.corrupt < this.#plan.f;
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
    return this.#memoryOf(seat).states.get(id)?.state;
  }

  /** Whether any order is under way at a member. */
  isSigning(seat: Seat): boolean {
    return [...this.#memoryOf(seat).states.values()].some(
      ({ kind, state }) => kind === 'sign' && state !== 'done' && state !== 'failed',
    );
  }

  /** Whether a member may find its disk damaged beyond what heals. */
  isBeyond(seat: Seat): boolean {
    return this.damaged.get(seat) === 'beyond';
  }

  // ---- what happens

  ordered(request: SignRequest): void {
    const id = toHex(requestId(request));
    this.#orders.set(id, [...(this.#orders.get(id) ?? []), request]);
  }

  accepted(seat: Seat, request: SignRequest, view: CeremonyView): void {
    if (!seat.isCorrupt) this.taken.set(toHex(requestId(request)), request);
    this.seen(seat, view);
  }

  /** Something else than a refusal came out of a call: allowed where the disk was made to fail. */
  thrown(seat: Seat, error: unknown): void {
    if (!seat.isCorrupt && !this.failing.has(seat) && !this.isBeyond(seat))
      this.fail('robust', `${seat.name} threw ${String((error as Error).stack)}`);
  }

  /** A process that stopped itself must have had a reason. */
  stopped(seat: Seat, error: unknown): void {
    this.reach('fail-stop');
    this.thrown(seat, error);
  }

  /** Before a member's process ends by force. */
  crashed(seat: Seat): void {
    for (const view of seat.life?.node?.ceremonies() ?? []) {
      if (view.state === 'confirming') this.reach('crash between prepare and certificate');
      if (view.state === 'running') this.reach(`crash in a session (${view.kind})`);
    }
  }

  /** A change of a ceremony at a member. */
  seen(seat: Seat, view: CeremonyView): void {
    if (seat.isCorrupt) return;
    const { failure, id, key, kind, result, state } = view;
    this.#memoryOf(seat).states.set(id, { kind, state });
    const why = failure === undefined ? '' : `: ${failure.reason}`;
    this.#world.trace.note(this.#world.clock.monotonic(), seat.name, `${kind} ${id.slice(0, 8)} ${state}${why}`);
    if (failure?.code === 'cheated' && failure.culprits.length === 0)
      this.fail('I8 blame completeness', `${seat.name} calls ${id} cheated, and names nobody`);
    if (view.attempt > 1) this.reach(`another attempt (${kind})`);
    if (state === 'failed' && failure !== undefined) this.reach(`failed: ${failure.code} (${kind})`);
    if (state !== 'done' || result === undefined) return;
    this.reach(`done (${kind})`);
    if (result.type === 'key') {
      const known = this.keys.get(key);
      const scheme = known?.scheme ?? (seat.life?.home?.keys.byName(key)?.scheme as Scheme);
      if (known !== undefined && known.publicKey !== result.publicKey)
        this.fail('I4 agreement', `${key} is ${known.publicKey} and ${result.publicKey}`);
      this.keys.set(key, { id: toHex(keyIdOf(networkId, key)), scheme, publicKey: result.publicKey });
    }
    if (result.type === 'signature') this.#answered(seat, view, toHex(recordOf(result)));
  }

  #answered(seat: Seat, { id, key }: CeremonyView, signature: string): void {
    const { answers } = this.#memoryOf(seat);
    const before = answers.get(id);
    if (before === signature) return;
    if (before !== undefined) this.fail('I9 exactly once', `${seat.name} answers ${id} anew`);
    answers.set(id, signature);
    const request = this.#orders.get(id)?.find((one) => this.verifies(one, signature));
    if (request === undefined)
      return this.fail('I1 unforgeability', `${seat.name} has a signature of ${key} that nobody ordered`);
    const content = toHex(contentOf(request.intent));
    const other = this.#signed.get(id);
    // Two majorities of approvers have a member in common that is honest; two committees may have none.
    const isOneCommittee = !this.#plan.reshares;
    if (
      isOneCommittee &&
      other !== undefined &&
      other !== content &&
      2 * this.#plan.threshold > this.#plan.n + this.#plan.corrupt
    )
      this.fail('I9 exactly once', `two messages were signed for ${id}`);
    this.#signed.set(id, content);
  }

  /** Whether a signature as it is recorded is good for an order, under the key as it was first seen. */
  verifies(request: SignRequest, signature: string): boolean {
    const key = this.keys.get(request.key);
    if (key === undefined) return true;
    const { groups } = this.#world.tools;
    const signed = payloadOf(key.scheme, request.intent);
    if ('refusal' in signed) return false;
    const bytes = fromHex(signature);
    if (key.scheme !== 'ecdsa')
      return frost.verifySignature(frost.suiteOf(key.scheme, groups), fromHex(key.publicKey), signed.payload, bytes);
    const group = groupOf('ecdsa', groups);
    const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32, 64)].map(fromBytesBE) as [bigint, bigint];
    return dkls23.verifyEcdsa(group, group.decodePoint(fromHex(key.publicKey)), signed.payload, { r, s });
  }

  // ---- what leaves a member

  /** Anybody says something: sessions begin with it. */
  heard(frame: Uint8Array): void {
    if (frame[1] !== startTag) return;
    const { type, value } = decodeFrame(frame);
    if (type === 'start') this.#sessions.set(toHex(sessionId(value)), toHex(value.request));
  }

  /** An honest member says something: what it promises by it must be on its disk for good. */
  sending(seat: Seat, frame: Uint8Array): void {
    this.#heard.push(frame);
    const decoded = decodeFrame(frame);
    const { type, value } = decoded;
    if (type === 'envelope') this.#envelope(seat, decodeEnvelope(value));
    if (type === 'ready') this.#ready(seat, value);
    if (type === 'approval') {
      const { keyId, epoch } = wire.decode(approvalCodec, value);
      if (!seat.store.durable.has(`epochs/${epochPlace(toHex(keyId), epoch)}`))
        this.fail('R1 persist before send', `${seat.name} approves epoch ${epoch}, which is not on its disk`);
    }
    if (type === 'activated') {
      const { keyId, epoch } = wire.decode(activatedCodec, value);
      const { announced } = this.#memoryOf(seat);
      announced.set(toHex(keyId), Math.max(epoch, announced.get(toHex(keyId)) ?? 0));
    }
    if (type === 'result' && !seat.store.durable.has(`results/${toHex(value.request)}`))
      this.fail('R2 persist before answer', `${seat.name} tells a result that is not on its disk`);
  }

  #ready(seat: Seat, bytes: Uint8Array): void {
    const { durable, beside } = seat.store;
    const { keyId, epoch, digest } = wire.decode(readyCodec, bytes);
    const place = epochPlace(toHex(keyId), epoch);
    const said = this.#memoryOf(seat).readies;
    const other = said.get(place);
    if (other !== undefined && other !== toHex(digest))
      this.fail('I4 agreement', `${seat.name} says READY for two outcomes of ${place}`);
    said.set(place, toHex(digest));
    if (!durable.has(`epochs/${place}`) || !durable.has(`shares/${place}`) || !durable.has(`data-keys/${place}`))
      this.fail('R1 persist before send', `${seat.name} says READY for what is not on its disk: ${place}`);
    if (!beside.files.has(place.replace('/', '-')))
      this.fail('R1 persist before send', `${seat.name} says READY without a second copy`);
  }

  #envelope(seat: Seat, envelope: Envelope): void {
    const { class: sort, kind, payload, round } = envelope;
    if (sort === 'abort') return;
    const { opened, said } = this.#memoryOf(seat);
    const sid = toHex(envelope.sid);
    const bytes = toHex(payload);
    const slot = `${sid} ${round} ${sort} ${envelope.to}`;
    const before = said.get(slot);
    if (before !== undefined && before !== bytes)
      this.fail('I3 nonce', `${seat.name} says two things in round ${round} of ${sid}`);
    said.set(slot, bytes);
    // Whoever does not deal says the same in every refresh; the proof of life that follows is no Start's session.
    const hasNonces = kind === kinds.sign || (kind === kinds.renew && !this.#sessions.has(sid));
    if (round === 0 && sort === 'broadcast' && hasNonces) {
      const other = opened.get(bytes);
      if (other !== undefined && other !== sid) this.fail('I3 nonce', `${seat.name} uses nonces of ${other} in ${sid}`);
      opened.set(bytes, sid);
    }
    if (kind !== kinds.sign || round === 0) return;
    const request = this.#sessions.get(sid);
    const { durable } = seat.store;
    if (request !== undefined && !durable.has(`requests/${request}`))
      this.fail('I1 unforgeability', `${seat.name} helps to sign what it has not approved`);
    if (![...durable.keys()].some((place) => place.startsWith(`sessions/${sid}/`)))
      this.fail('R4 nonces are spent first', `${seat.name} says a share of a session that is not spent on its disk`);
  }

  // ---- a process comes up

  async opened(seat: Seat, { home, node }: Life): Promise<void> {
    if (home === undefined || node === undefined || seat.isCorrupt) return;
    this.#memoryOf(seat).states.clear();
    node.follow((view) => this.seen(seat, view));
    const { announced, answers, used } = this.#memoryOf(seat);
    if (home.keys.list().some(({ quarantined }) => quarantined !== undefined) && !this.isBeyond(seat))
      this.fail('healing', `${seat.name} has a key in quarantine, of which it has a copy`);
    for (const [id, epoch] of announced) {
      const key = home.keys.get(fromHex(id));
      if (key?.quarantined !== undefined) continue;
      const known = key?.epochs.some((one) => one.epoch >= epoch && one.state !== 'prepared') ?? false;
      if (!known) this.fail('I5 no loss', `${seat.name} said that it uses epoch ${epoch}, and has forgotten it`);
    }
    for (const [id, epoch] of used) {
      const key = home.keys.get(fromHex(id));
      if (key?.quarantined !== undefined) continue;
      const still = Math.max(
        0,
        ...(key?.epochs ?? []).filter(({ state }) => state !== 'prepared').map((one) => one.epoch),
      );
      if (still < epoch) this.fail('I6 monotone', `${seat.name} used epoch ${epoch}, and is back at ${still}`);
    }
    for (const [id, signature] of answers) {
      const kept = await home.requests.result(fromHex(id)).catch(() => undefined);
      if (this.isBeyond(seat)) continue;
      if (kept === undefined || toHex(kept) !== signature)
        this.fail('I5 no loss', `${seat.name} answered ${id}, and has forgotten its answer`);
    }
  }

  /** A process did not come up. */
  refused(seat: Seat, error: unknown): void {
    if (this.isBeyond(seat)) {
      this.reach('destroyed by a bit flip');
      seat.isDestroyed = true;
    } else if (!this.failing.has(seat)) {
      this.fail('robust', `${seat.name} does not start: ${String((error as Error).stack)}`);
    }
  }

  // ---- at every moment

  /** What must hold at any time. */
  observe(): void {
    const usable = new Map<string, number>();
    const honest = this.#world.honest.filter((seat) => !seat.isDestroyed);
    const written = honest.map(({ life, store }) => `${store.writes} ${life?.home?.bootEpoch.length ?? 0}`).join(' ');
    // Nothing was written since the last look.
    if (written === this.#written) return;
    this.#written = written;
    for (const seat of honest) {
      this.#observeThresholds(seat);
      for (const place of sharesOn(seat)) usable.set(place, (usable.get(place) ?? 0) + 1);
      this.#observeUse(seat);
    }
    for (const [name, { id }] of this.keys) {
      const left = [...usable].filter(([place]) => place.startsWith(id));
      // Of an epoch that nobody was up to show yet, two shares are as much as one can ask.
      if (!left.some(([place, count]) => count >= (this.#thresholds.get(place) ?? 2)))
        this.fail('I5 no loss', `of ${name}, no epoch has its quorum of shares left: ${JSON.stringify(left)}`);
    }
    if (this.#world.clock.pending > 400 * this.#plan.n)
      this.fail('I10 bounded', `${this.#world.clock.pending} timers wait`);
  }

  #observeThresholds({ life }: Seat): void {
    for (const { epochs, keyId } of life?.home?.keys.list() ?? [])
      for (const { epoch, publicPackage } of epochs) {
        const place = epochPlace(toHex(keyId), epoch);
        if (!this.#thresholds.has(place)) this.#thresholds.set(place, headerOf(publicPackage).threshold);
      }
  }

  #observeUse(seat: Seat): void {
    const { home, node } = seat.life ?? {};
    if (home === undefined || node === undefined) return;
    const { used } = this.#memoryOf(seat);
    for (const { current, epochs, keyId, quarantined } of home.keys.list()) {
      if (quarantined !== undefined) continue;
      const id = toHex(keyId);
      for (const one of epochs) if (one.state === 'shredded') this.#shredded(seat, id, one.epoch, epochs);
      if (current === undefined) {
        if (epochs.at(-1)?.state === 'elsewhere') this.reach('a key that is elsewhere');
        continue;
      }
      if (current.epoch < (used.get(id) ?? 0))
        this.fail('I6 monotone', `${seat.name} goes back to epoch ${current.epoch}`);
      used.set(id, current.epoch);
      const place = epochPlace(id, current.epoch);
      const agreed = this.#agreed.get(place);
      if (agreed !== undefined && !equal(agreed, current.publicPackage))
        this.fail('I4 agreement', `two packages are in use as ${place}`);
      this.#agreed.set(place, current.publicPackage);
    }
  }

  /** Old shares are destroyed when all members of the newest committee use newer ones; or long after that, which no run lasts. */
  #shredded(seat: Seat, key: string, epoch: number, epochs: readonly EpochInfo[]): void {
    const place = `${key} ${epoch}`;
    const { shredded } = this.#memoryOf(seat);
    if (shredded.has(place)) return;
    shredded.add(place);
    this.reach('shredded');
    // Of what a repair finds damaged nothing is kept but the epoch in use.
    if (this.jumped.has(seat) || this.lost.has(seat)) return;
    const newest = epochs.findLast(({ state }) => state === 'active' || state === 'certified' || state === 'elsewhere');
    const heirs = newest === undefined ? [] : this.#seatsOf(headerOf(newest.publicPackage).members);
    if (!heirs.includes(seat)) this.reach('shredded by one who left');
    for (const other of this.#world.honest)
      if (other !== seat && heirs.includes(other) && (this.#memoryOf(other).announced.get(key) ?? 0) <= epoch)
        this.fail('R5 shredding', `${seat.name} shreds epoch ${epoch} while ${other.name} uses nothing above it`);
  }

  // ---- at the end

  /** What must hold when everything is well again. */
  async conclude(): Promise<void> {
    for (const seat of this.#world.honest) {
      const { home } = seat.life ?? {};
      if (home === undefined) continue;
      await this.#blames(seat, home);
      const { bans } = home;
      for (const { node } of bans.list()) {
        this.reach('ban on the disk');
        if (!this.#isCorrupt(node)) this.fail('I7 blame soundness', `${seat.name} bans an honest member`);
      }
      const audited = await home.audit.verify();
      if (!audited.ok && !this.isBeyond(seat)) this.fail('audit', `the log of ${seat.name} is broken`);
      if ((seat.life?.node?.ceremonies().length ?? 0) > limits.rememberedCeremonies + limits.openInAll)
        this.fail('I10 bounded', `${seat.name} remembers too many ceremonies`);
      if (seat.store.durable.size > 4_000)
        this.fail('I10 bounded', `${seat.name} keeps ${seat.store.durable.size} records`);
    }
    for (const name of this.keys.keys()) await this.#agreement(name);
    this.#secrecy();
  }

  #seatsOf(members: readonly { readonly node: Uint8Array }[]): readonly Seat[] {
    return this.#world.seats.filter(({ key }) => members.some(({ node }) => equal(node, key.publicKey)));
  }

  /** Who uses a key, as far as they know. */
  usersOf(name: string): readonly Seat[] {
    return this.#world.seats.filter(({ life }) => life?.home?.keys.byName(name)?.current !== undefined);
  }

  /** The newest epoch of a key that somebody uses, and who is in it. */
  newestOf(name: string): { readonly epoch: number; readonly members: readonly Seat[] } {
    const all = this.#world.honest.flatMap(({ life }) => life?.home?.keys.byName(name)?.current ?? []);
    const newest = all.toSorted((a, b) => b.epoch - a.epoch)[0];
    if (newest === undefined) return { epoch: 0, members: [] };
    return { epoch: newest.epoch, members: this.#seatsOf(headerOf(newest.publicPackage).members) };
  }

  /** Who is not in the newest committee knows it, and has no share of its. */
  #left(name: string, seat: Seat): void {
    const key = seat.life?.home?.keys.byName(name);
    if (key === undefined || key.quarantined !== undefined) return;
    // Not mended yet: it promised READY for an attempt whose proposer forgot it and used its number again without it (mixed 20046).
    if (key.current !== undefined && key.epochs.at(-1)?.state === 'prepared')
      return this.reach('left behind with an attempt whose number was used again');
    if (key.current !== undefined)
      return this.fail(
        'L3 laggards',
        `${seat.name} left the committee of ${name}, and still uses epoch ${key.current.epoch}`,
      );
    this.reach('left a committee');
    const { epoch } = this.newestOf(name);
    if (sharesOn(seat).has(epochPlace(toHex(key.keyId), epoch)))
      this.fail('I12 leavers', `${seat.name} left the committee of ${name}, and has a share of its epoch ${epoch}`);
    const isCalm = this.#world.seats.every((one) => !one.isCorrupt && !one.isDestroyed) && this.damaged.size === 0;
    // Who joined in an attempt that came to nothing is told nothing, and keeps what is of no use.
    const wasUsed = (place: string): boolean => {
      const info = key.epochs.find((one) => epochPlace(toHex(key.keyId), one.epoch) === place);
      const used = this.#agreed.get(place);
      return used !== undefined && info !== undefined && equal(used, info.publicPackage);
    };
    const rest = [...sharesOn(seat)].filter((place) => place.startsWith(toHex(key.keyId)) && wasUsed(place));
    if (isCalm && rest.length > 0)
      this.fail('I12 leavers', `${seat.name} left the committee of ${name}, and keeps ${rest.join(', ')}`);
  }

  /** All honest members use the same epoch, and their shares are shares of the key. */
  async #agreement(name: string): Promise<void> {
    const held: { readonly seat: Seat; readonly publicPackage: PublicPackage; readonly share: bigint }[] = [];
    const { members: committee } = this.newestOf(name);
    for (const seat of this.#world.honest) {
      if (!committee.includes(seat)) {
        this.#left(name, seat);
        continue;
      }
      const { home } = seat.life ?? {};
      const key = home?.keys.byName(name);
      if (home === undefined || seat.isDestroyed || key?.quarantined !== undefined) continue;
      if (key?.current === undefined) {
        if (!this.isBeyond(seat)) this.fail('L3 laggards', `${seat.name} has no key ${name}`);
        continue;
      }
      const group = groupOf(key.scheme as Scheme, this.#world.tools.groups);
      const publicPackage = publicPackageOf(group, key.current.publicPackage);
      using secret = await home.keys.share(key.keyId, key.current.epoch);
      const share = secret.use((bytes) => bytes.slice());
      this.#shares.set(toHex(share), share);
      held.push({ seat, publicPackage, share: fromBytesBE(share) });
      const { party } = publicPackage.members.find(({ node }) => equal(node, seat.key.publicKey)) as Member;
      // So no share changes without its epoch, least of all when another's is repaired.
      if (!group.equals(group.multiplyBase(fromBytesBE(share)), verifyingShare(publicPackage, party)))
        this.fail('I4 agreement', `the share of ${seat.name} is not the one of ${name} in its epoch`);
    }
    const [first] = held;
    if (first === undefined) return this.fail('I5 no loss', `nobody has the key ${name}`);
    const { groupKey, members, scheme, threshold } = first.publicPackage;
    for (const { seat, publicPackage } of held)
      if (publicPackage.epoch !== first.publicPackage.epoch)
        this.fail(
          'L3 laggards',
          `${seat.name} is at epoch ${publicPackage.epoch} of ${name}, ${first.seat.name} at ${first.publicPackage.epoch}`,
        );
    if (held.length < threshold) return this.fail('I5 no loss', `only ${held.length} members have the key ${name}`);
    const group = groupOf(scheme, this.#world.tools.groups);
    const field = primeField(group.order);
    const parties = held.map(
      ({ seat }) => members.find(({ node }) => toHex(node) === toHex(seat.key.publicKey))?.party as number,
    );
    for (let from = 0; from + threshold <= held.length; from++) {
      const chosen = parties.slice(from, from + threshold).map(BigInt);
      const secret = chosen.reduce((sum, x, i) => {
        const others = chosen.filter((other) => other !== x);
        const lambda = others.reduce(
          (product, other) => field.reduce(product * field.reduce(other * field.invert(field.reduce(other - x)))),
          1n,
        );
        return field.reduce(sum + lambda * (held[from + i] as (typeof held)[0]).share);
      }, 0n);
      if (!group.equals(group.multiplyBase(secret), groupKey))
        this.fail('I4 agreement', `the shares of ${name} are no shares of its key`);
    }
  }

  async #blames(seat: Seat, home: NonNullable<Life['home']>): Promise<void> {
    for await (const { node, evidence } of home.blames.all()) {
      this.reach('blame on the disk');
      if (!this.#isCorrupt(node))
        this.fail('I7 blame soundness', `${seat.name} blames an honest member: ${evidence.code}`);
    }
    for await (const { kind, fields } of home.audit.entries()) {
      if (kind === 'share-restored' || kind === 'copy-restored') this.reach(kind);
      const node = fields['node'];
      if ((kind === 'ban' || kind === 'blame') && typeof node === 'string' && !this.#isCorrupt(fromHex(node)))
        this.fail('I7 blame soundness', `${seat.name} wrote down a ${kind} of an honest member`);
      if (kind !== 'blame' || node !== undefined) continue;
      this.reach('conflicting READY noticed');
      const members = home.keys.get(fromHex(String(fields['key'])))?.epochs.at(-1)?.publicPackage;
      const scheme = home.keys.get(fromHex(String(fields['key'])))?.scheme as Scheme;
      if (members === undefined) continue;
      const accused = publicPackageOf(groupOf(scheme, this.#world.tools.groups), members).members.find(
        ({ party }) => party === Number(fields['party']),
      );
      if (accused !== undefined && !this.#isCorrupt(accused.node))
        this.fail('I7 blame soundness', `${seat.name} accuses an honest member of two READYs`);
    }
  }

  /** In the toy group a share is told by its last eight bytes: nobody says them, and no log has them. */
  #secrecy(): void {
    const said = Buffer.concat(this.#heard);
    for (const share of this.#shares.values()) {
      if (said.includes(share.subarray(-8))) this.fail('I11 no secret outside', 'a share was said in clear');
      const hex = toHex(share.subarray(-8));
      for (const { log, name } of this.#world.honest)
        if (log.some((line) => line.includes(hex)))
          this.fail('I11 no secret outside', `a share is in the log of ${name}`);
    }
  }

  #isCorrupt(node: Uint8Array): boolean {
    return this.#world.seats.some(({ isCorrupt, key }) => isCorrupt && toHex(key.publicKey) === toHex(node));
  }

  #memoryOf(seat: Seat): Memory {
    return this.#memories.get(seat) as Memory;
  }
}

/** Key and epoch, as records have it in their places. */
function epochPlace(keyId: string, epoch: number): string {
  return `${keyId}/${epoch.toString().padStart(10, '0')}`;
}

/** The epochs of which a member would find its share after a power cut now: in the database, or in the second copy. */
function sharesOn({ store: { beside, durable } }: Seat): ReadonlySet<string> {
  const places = new Set<string>();
  for (const place of durable.keys()) {
    if (!place.startsWith('shares/')) continue;
    const epoch = place.slice('shares/'.length);
    if (durable.has(`data-keys/${epoch}`)) places.add(epoch);
  }
  for (const name of beside.files.keys()) if (name !== 'counter') places.add(name.replace('-', '/'));
  return places;
}
