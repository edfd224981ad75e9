import { toHex } from '@quorate/protocol';
import { majority } from '../../packages/node/src/ceremonies/keygen.ts';
import type { Home } from '../../packages/node/src/home.ts';
import { limits } from '../../packages/node/src/limits.ts';
import { requestId } from '../../packages/node/src/policy/sign-request.ts';
import type { CeremonyStateName } from '../../packages/node/src/service.ts';
import { Adversary } from './adversary.ts';
import { Checker } from './checker.ts';
import { Client, firstKey } from './client.ts';
import { Dice } from './dice.ts';
import { Faults } from './faults.ts';
import { type Case, type Plan, planOf } from './plan.ts';
import { Trace } from './trace.ts';
import { type Seat, World } from './world.ts';

/** What came of a run. */
export interface Outcome {
  readonly violation: { readonly invariant: string; readonly message: string } | undefined;
  /** Of everything that happened. */
  readonly hash: string;
  readonly events: number;
  readonly faults: number;
  readonly reached: ReadonlyMap<string, number>;
}

/** Between looks at the invariants, milliseconds. */
const look = 100;
const isUnderWay: ReadonlySet<CeremonyStateName> = new Set(['running', 'confirming']);
/** How long a group that is well again may take to finish what it took on. */
const patience = 180_000;

/** Runs one case to its end: first things go wrong, then they are made good, and everything must come to an end. */
export async function simulate(run: Case, print?: (line: string) => void): Promise<Outcome> {
  const trace = new Trace(print);
  const plan = planOf(run);
  const { asks, disk, n, presignatures, refreshInterval } = plan;
  const accept = { default: asks ? ('ask' as const) : ('auto' as const), proposers: {} };
  const settings = { accept, refreshInterval, presignatures };
  const seed = `${run.protocol} ${run.seed}`;
  const world = new World({ seed, n, settings, disk, isReal: run.isReal, trace });
  const checker = new Checker(world, plan);
  const faults = new Faults(world, plan, run, checker);
  const adversary = new Adversary(world, plan, seed, faults);
  const client = new Client(world, plan, run, checker);
  const roles = new Dice(`${seed} roles`);
  for (const seat of roles.some(world.seats, plan.corrupt)) seat.isCorrupt = true;
  world.watcher = {
    sending: (seat, to, frame) => {
      const said = seat.isCorrupt ? adversary.sending(seat, to, frame) : [frame];
      for (const one of said) checker.heard(one);
      if (!seat.isCorrupt) checker.sending(seat, frame);
      return said;
    },
    opened: async (seat, life) => {
      client.opened(seat, life);
      await checker.opened(seat, life);
    },
    refused: (seat, error) => {
      checker.refused(seat, error);
      if (!seat.isDestroyed) faults.restart(seat, roles);
    },
    stopped: (seat, error) => {
      checker.stopped(seat, error);
      faults.restart(seat, roles);
    },
  };
  print?.(
    `plan ${JSON.stringify({ ...plan, classes: [...plan.classes], corrupt: world.seats.filter((s) => s.isCorrupt).map((s) => s.name) })}`,
  );
  const onRejection = (error: unknown): void =>
    checker.fail('robust', `a promise that nobody looks at: ${String((error as Error).stack)}`);
  process.on('unhandledRejection', onRejection);
  try {
    await new Run(world, plan, run, checker, faults, adversary, client).all();
  } catch (error) {
    checker.fail('simulator', String((error as Error).stack));
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  const { reached } = checker;
  // A plain object: an error that comes from another thread has lost what it was of.
  const violation = checker.violation && {
    invariant: checker.violation.invariant,
    message: checker.violation.message,
  };
  for (const seat of [...world.seats, ...world.twins.values()]) world.stop(seat);
  return { violation, hash: trace.digest(), events: trace.events, faults: faults.count, reached };
}

class Run {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #case: Case;
  readonly #checker: Checker;
  readonly #faults: Faults;
  readonly #adversary: Adversary;
  readonly #client: Client;

  constructor(
    world: World,
    plan: Plan,
    run: Case,
    checker: Checker,
    faults: Faults,
    adversary: Adversary,
    client: Client,
  ) {
    this.#world = world;
    this.#plan = plan;
    this.#case = run;
    this.#checker = checker;
    this.#faults = faults;
    this.#adversary = adversary;
    this.#client = client;
  }

  async all(): Promise<void> {
    this.#adversary.isOn = false;
    for (const seat of this.#world.seats) this.#world.start(seat);
    if (!(await this.#until(() => this.#world.living.length === this.#plan.n, 60_000))) return this.#stuck('the start');
    await this.#pass(20);
    if (this.#case.protocol !== 'keygen') await this.#makeKey();
    if (this.#checker.violation !== undefined) return;
    this.#adversary.isOn = true;
    this.#faults.begin();
    this.#client.begin();
    await this.#pass(this.#plan.duration);
    this.#faults.heal();
    this.#adversary.isOn = this.#plan.cheatsOn;
    await this.#finish();
    await this.#checker.conclude();
  }

  /** A key for those to use who need one, before anything goes wrong. */
  async #makeKey(): Promise<void> {
    const members = this.#world.seats.slice(0, this.#plan.first);
    this.#client.keygen(this.#world.seats[0] as Seat, firstKey, this.#plan.scheme, members);
    const done = (): boolean => members.every((seat) => seat.life?.home?.keys.byName(firstKey)?.current !== undefined);
    if (!(await this.#until(done, 60_000))) return this.#stuck('the first key');
    await this.#pass(limits.refreshPause);
  }

  /** Everything is well: what was taken on ends, and what was not still can be. */
  async #finish(): Promise<void> {
    const isUp = ({ isDestroyed, life }: Seat): boolean => isDestroyed || (life?.node !== undefined && !life.isPaused);
    const up = (): boolean => [...this.#world.seats, ...this.#world.twins.values()].every(isUp);
    if (!(await this.#until(up, 60_000))) return this.#stuck('coming up again');
    await this.#pass(2 * limits.readyInterval + 1_000);
    await this.#settles();
    await this.#thaws();
    await this.#repairs();
    await this.#thaws();
    await this.#signsAgain();
    await this.#renews();
    // What a corrupt member withheld for long may have moved a key to others just now.
    if (this.#plan.reshares) await this.#pass(2 * limits.readyInterval + 1_000);
    // What was said last is still being written down: an order may be answered while a proof of its session is on its way to the disk.
    await this.#pass(2_000);
    // Of a renewal that was asked for long ago, some may just have the certificate.
    const isCertifying = ({ life }: Seat): boolean =>
      life?.node?.ceremonies().some(({ kind, state }) => kind === 'renew' && isUnderWay.has(state)) === true;
    await this.#until(() => !this.#world.honest.some(isCertifying), 2 * limits.readyInterval + 1_000);
  }

  /** No operator has anything against the use of a key any more. */
  async #thaws(): Promise<void> {
    const frozen = (): readonly (readonly [Seat, string])[] =>
      this.#world.seats.flatMap((seat) =>
        (seat.life?.home?.keys.list() ?? [])
          .filter((key) => key.frozen && key.current !== undefined)
          .map(({ name }) => [seat, name] as const),
      );
    const isDone = (): boolean => frozen().length === 0;
    // The write may be the one that was to fail: then it is asked again.
    for (let tries = 0; !isDone() && tries < 12; tries++) {
      for (const [seat, name] of frozen()) this.#client.freeze(seat, name, false);
      await this.#until(isDone, 5_000);
    }
    if (!isDone()) this.#stuck('thawing keys');
  }

  /** Of two with one identity the operator stops one. Then all come to know where everybody stands, by themselves or by his word. */
  async #settles(): Promise<void> {
    const dice = new Dice(`${this.#case.seed} operator`);
    for (const [seat, twin] of this.#world.twins) {
      for (const heard of [seat, twin, seat, twin]) {
        this.#world.front(heard);
        await this.#pass(2_000);
      }
      this.#checker.heardTwo(seat, twin);
      const kept = dice.any(['first', 'twin'] as const);
      if (kept === 'twin') this.#checker.restore(seat);
      this.#world.unite(seat, kept);
      this.#world.start(seat);
    }
    for (const seat of this.#checker.restored) {
      if (seat.isDestroyed) continue;
      const marksOf = ({ life }: Seat): Home['marks'] | undefined => life?.home?.marks;
      const isDoubted = (): boolean =>
        this.#world.honest.some((other) => marksOf(other)?.doubtOf(seat.key.publicKey) !== undefined);
      const isSettled = (): boolean => marksOf(seat)?.own().state === 'well' && !isDoubted();
      const begun = this.#world.clock.monotonic();
      await this.#pass(2_000);
      while (
        !isSettled() &&
        this.#world.clock.monotonic() < begun + patience &&
        this.#checker.violation === undefined
      ) {
        if (dice.chance(0.5) || this.#world.clock.monotonic() > begun + patience / 2) this.#client.resolve(seat);
        await this.#until(isSettled, 20_000);
      }
      if (!isSettled())
        this.#checker.fail(
          'L4 liveness',
          `${seat.name} does not come to stand anywhere: ${marksOf(seat)?.own().state}`,
        );
      this.#checker.settled(seat);
      await this.#pass(2 * limits.readyInterval + 1_000);
      const epochOf = seat.life?.home?.keys.byName(firstKey)?.current?.epoch ?? 0;
      if (epochOf < this.#checker.newestOf(firstKey).epoch) this.#checker.lose(seat);
    }
  }

  /** Whoever lost a share has it given back; then nothing is wrong with it any more. */
  async #repairs(): Promise<void> {
    for (const seat of this.#checker.lost) {
      if (seat.isDestroyed) continue;
      const begun = this.#world.clock.monotonic();
      const { epoch } = this.#checker.newestOf(firstKey);
      const isWhole = (): boolean =>
        this.#checker.usersOf(firstKey).includes(seat) &&
        (!this.#checker.restored.has(seat) || seat.life?.home?.keys.byName(firstKey)?.current?.epoch === epoch);
      while (!isWhole() && this.#world.clock.monotonic() < begun + patience && this.#checker.violation === undefined) {
        this.#client.repair(seat, firstKey);
        await this.#until(isWhole, 30_000);
      }
      if (!isWhole())
        this.#checker.fail('L4 liveness', `${seat.name} gets no share back: ${JSON.stringify(this.#states())}`);
      this.#checker.damaged.delete(seat);
      this.#checker.reach('has its share again');
    }
    if (this.#checker.lost.size > 0) await this.#pass(2 * limits.readyInterval + 1_000);
  }

  /** Every order that was taken on is carried out at every honest member that is asked, and a new one of each key. */
  async #signsAgain(): Promise<void> {
    const honest = this.#able;
    const dice = new Dice(`${this.#case.seed} end`);
    for (const request of this.#checker.taken.values()) this.#client.sign(dice.any(honest), request);
    const holders = (key: string): readonly Seat[] => {
      const { members } = this.#checker.newestOf(key);
      return honest.filter((seat) => members.includes(seat));
    };
    const last = [...this.#checker.keys.keys()].map(
      (key) => [dice.any(holders(key)), this.#client.order(`last of ${key}`, key)] as const,
    );
    for (const [seat, request] of last) this.#client.sign(seat, request);
    const all = (): boolean =>
      last.every(([seat, request]) => this.#checker.stateOf(seat, toHex(requestId(request))) === 'done');
    if (!(await this.#until(all, patience)))
      return this.#checker.fail('L1 liveness', `a new order is not carried out: ${JSON.stringify(this.#states())}`);
    const open = (): boolean => honest.every((seat) => !this.#checker.isSigning(seat));
    // What others refuse ends when it expires.
    if (!(await this.#until(open, 700_000)))
      this.#checker.fail('L1 liveness', `an order never ends: ${JSON.stringify(this.#states())}`);
  }

  /** With everybody there and honest, a refresh is certified, and a new key is made; else the key goes to those who are. */
  async #renews(): Promise<void> {
    const { protocol } = this.#case;
    const everybody = this.#able.length === this.#plan.n;
    if (this.#checker.violation !== undefined || protocol === 'sign') return;
    if (!everybody) return this.#plan.reshares ? this.#replaces() : undefined;
    if (protocol === 'keygen') return this.#makesKey();
    if (this.#plan.reshares) await this.#untilRenewed((seat) => this.#client.reshareAnew(seat, firstKey), 'a reshare');
    await this.#untilRenewed((seat) => this.#client.refresh(seat, firstKey), 'a refresh');
    // Whoever is behind has a while to hear of it.
    await this.#pass(2 * limits.readyInterval);
  }

  /** A committee of those who are there and honest takes the key, whatever the others do; then it can refresh it. */
  async #replaces(): Promise<void> {
    const order = { members: this.#able.map(({ name }) => name), threshold: majority(this.#able.length) };
    const isTheirs = (): boolean => this.#checker.newestOf(firstKey).members.every((seat) => this.#able.includes(seat));
    // What was proposed long ago may bring another back in the meantime.
    const renew = (seat: Seat): void =>
      isTheirs() ? this.#client.refresh(seat, firstKey) : this.#client.reshareTo(seat, firstKey, order);
    await this.#untilRenewed(renew, 'a reshare to the able', isTheirs);
    await this.#untilRenewed(renew, 'a refresh by the able', isTheirs);
    this.#checker.reach('replaced a member');
    await this.#pass(2 * limits.readyInterval);
  }

  /** Asks for it again and again until all members of the newest committee are in a later epoch. */
  async #untilRenewed(ask: (seat: Seat) => void, what: string, isRight = (): boolean => true): Promise<void> {
    await this.#pass(limits.refreshPause + 1_000);
    const before = this.#checker.newestOf(firstKey).epoch;
    const begun = this.#world.clock.monotonic();
    const epochOf = ({ life }: Seat): number => life?.home?.keys.byName(firstKey)?.current?.epoch ?? 0;
    const renewed = (): boolean => {
      const { epoch, members } = this.#checker.newestOf(firstKey);
      return epoch > before && members.every((seat) => epochOf(seat) === epoch) && isRight();
    };
    for (let turn = 0; !renewed() && this.#world.clock.monotonic() < begun + patience; turn++) {
      if (this.#checker.violation !== undefined) return;
      // Who comes back into a committee may have had something against it before.
      await this.#thaws();
      // One after the other: what one left open may keep others from taking part in its next.
      const asked = this.#checker.newestOf(firstKey).members.filter((seat) => this.#able.includes(seat));
      ask(asked[turn % asked.length] as Seat);
      await this.#until(renewed, 30_000);
    }
    if (!renewed()) this.#checker.fail('L2 liveness', `${what} is not certified: ${JSON.stringify(this.#states())}`);
  }

  async #makesKey(): Promise<void> {
    this.#client.keygen(this.#world.seats[0] as Seat, 'last', this.#plan.scheme);
    const done = (): boolean =>
      this.#world.seats.every((seat) => seat.life?.home?.keys.byName('last')?.current !== undefined);
    if (!(await this.#until(done, patience)))
      this.#checker.fail('L2 liveness', `a key is not made: ${JSON.stringify(this.#states())}`);
  }

  /** Honest members whose disk is whole. */
  get #able(): readonly Seat[] {
    return this.#world.honest.filter((seat) => !this.#checker.isBeyond(seat));
  }

  #stuck(what: string): void {
    this.#checker.fail('liveness', `${what} does not come to an end: ${JSON.stringify(this.#states())}`);
  }

  #states(): unknown {
    return this.#world.seats.map(({ life, name }) => ({
      name,
      ceremonies: life?.node
        ?.ceremonies()
        .filter(({ state }) => state !== 'done')
        .map(
          ({ id, kind, state, failure, coordinator, attempt }) =>
            `${kind} ${id.slice(0, 8)} ${state} ${failure?.reason ?? ''} ${coordinator} ${attempt}`,
        ),
    }));
  }

  async #until(reached: () => boolean, milliseconds: number): Promise<boolean> {
    const end = this.#world.clock.monotonic() + milliseconds;
    while (!reached() && this.#world.clock.monotonic() < end && this.#checker.violation === undefined)
      await this.#pass(look);
    return reached();
  }

  async #pass(milliseconds: number): Promise<void> {
    for (let rest = milliseconds; rest > 0 && this.#checker.violation === undefined; rest -= look) {
      await this.#world.clock.settle(Math.min(rest, look));
      this.#checker.observe();
    }
  }
}
