import type { Fate, Parcel } from '../../packages/node/src/network/memory.ts';
import type { Checker } from './checker.ts';
import { Dice } from './dice.ts';
import type { Case, FaultClass, Plan } from './plan.ts';
import { frameType } from './trace.ts';
import type { Seat, World } from './world.ts';

/** How many parcels are kept to be replayed. */
const remembered = 256;

/** What goes wrong in a run, and how it is made good at the end. */
export class Faults {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #case: Case;
  readonly #checker: Checker;
  readonly #dice = new Map<FaultClass, Dice>();
  readonly #history: Parcel[] = [];
  readonly #deaf = new Set<string>();
  #isOn = false;
  /** How many faults there were, the muted ones included. */
  count = 0;

  constructor(world: World, plan: Plan, run: Case, checker: Checker) {
    this.#world = world;
    this.#plan = plan;
    this.#case = run;
    this.#checker = checker;
    world.hub.fate = (parcel) => this.#fate(parcel);
  }

  /** The stream that a class of faults is drawn from. */
  dice(of: FaultClass): Dice {
    const known = this.#dice.get(of);
    if (known !== undefined) return known;
    const { protocol, seed } = this.#case;
    const dice = new Dice(`${protocol} ${seed} ${of}`);
    this.#dice.set(of, dice);
    return dice;
  }

  /** Whether a fault that was drawn takes place: it has a number, under which it can be left out. */
  strikes(of: FaultClass): boolean {
    if (!this.#plan.classes.has(of)) return false;
    const number = this.count++;
    return !this.#case.mute.some(([first, last]) => number >= first && number <= last);
  }

  /** From now on things go wrong, for as long as the plan says. */
  begin(): void {
    this.#isOn = true;
    const { clock } = this.#world;
    for (const [of, act] of this.#timed) {
      if (!this.#plan.classes.has(of)) continue;
      const dice = this.dice(of);
      for (let i = dice.between(1, this.#plan.strikes); i > 0; i--) {
        const at = dice.below(this.#plan.duration);
        clock.after(at, () => {
          if (this.#isOn && this.strikes(of)) act(dice);
        });
      }
    }
  }

  /** Nothing goes wrong any more, and what is down comes up. What is destroyed stays so. */
  heal(): void {
    this.#isOn = false;
    const { hub, seats } = this.#world;
    this.#deaf.clear();
    hub.heal();
    for (const seat of [...seats, ...this.#world.twins.values()]) {
      seat.skew = 0;
      for (const other of seats) if (other !== seat) hub.sever(seat.peer, other.peer, 5);
      // A disk that was to fail, and did not, is a good one.
      seat.store.failWrite(Number.POSITIVE_INFINITY);
      this.#world.start(seat);
    }
  }

  /** A process is down that should not be: it is started again, in a while. */
  restart(seat: Seat, dice: Dice): void {
    const wait = dice.any([1, 100, 1_000, 5_000, 15_000]) + dice.below(100);
    this.#world.clock.after(this.#isOn ? wait : 1, () => this.#world.start(seat));
  }

  readonly #timed: readonly (readonly [FaultClass, (dice: Dice) => void])[] = [
    ['partition', (dice) => this.#partition(dice)],
    ['one-way', (dice) => this.#oneWay(dice)],
    ['kill', (dice) => this.#kill(dice)],
    ['power', (dice) => this.#power(dice.any(this.#world.seats), dice)],
    [
      'blackout',
      (dice) => {
        for (const seat of this.#world.seats) this.#power(seat, dice);
      },
    ],
    ['flip', (dice) => this.#flip(dice)],
    ['disk', (dice) => this.#disk(dice)],
    ['skew', (dice) => this.#skew(dice)],
    ['rollback', (dice) => this.#rollback(dice)],
    ['clone', (dice) => this.#clone(dice)],
    ['pause', (dice) => dice.any(this.#world.seats).life?.pause(dice.any([50, 500, 4_000, 30_000]))],
  ];

  #fate(parcel: Parcel): Fate | undefined {
    if (this.#deaf.has(`${parcel.from} ${parcel.to}`)) return { drop: true };
    if (!this.#isOn) return undefined;
    const { hub, trace, clock } = this.#world;
    if (this.#history.length === remembered) this.#history.shift();
    this.#history.push(parcel);
    const hits = (of: FaultClass): boolean =>
      this.#plan.classes.has(of) && this.dice(of).chance(this.#plan.rate) && this.strikes(of);
    if (hits('break')) {
      trace.event(clock.monotonic(), 'network', 'breaks a connection');
      hub.sever(parcel.from, parcel.to, this.dice('break').any([5, 50, 500, 5_000]));
      return { drop: true };
    }
    if (hits('replay')) this.#replay(parcel);
    const delay = hits('delay') ? this.dice('delay').any([2, 20, 200, 2_000, 8_000]) : 0;
    return { delay, copies: hits('duplicate') ? this.dice('duplicate').between(2, 3) : 1 };
  }

  #replay({ from, to }: Parcel): void {
    // Where a node stands it says once on a channel. Said again later it would be a rollback, and is one.
    const old = this.#history.filter(
      (one) => one.from === from && one.to === to && one.topic === undefined && frameType(one.payload) !== 'standing',
    );
    if (old.length === 0) return;
    const { payload } = this.dice('replay').any(old);
    const link = { from, to, payload, topic: undefined };
    this.#world.clock.after(this.dice('replay').below(2_000), () => this.#world.hub.post(link));
  }

  #partition(dice: Dice): void {
    const { clock, hub, seats } = this.#world;
    const group = dice.some(seats, dice.between(1, seats.length - 1)).map(({ peer }) => peer);
    const others = seats.map(({ peer }) => peer).filter((peer) => !group.includes(peer));
    const turns = dice.any([1, 1, 6]);
    const each = dice.any([20, 300, 3_000, 12_000]);
    for (let turn = 0; turn < turns; turn++) {
      clock.after(2 * turn * each, () => {
        if (this.#isOn) hub.partition(group, others);
      });
      clock.after((2 * turn + 1) * each, () => hub.heal());
    }
    this.#checker.reach(turns === 1 ? 'partition' : 'flapping partition');
  }

  #oneWay(dice: Dice): void {
    const { clock, hub, seats } = this.#world;
    const [from, to] = dice.some(seats, 2) as [Seat, Seat];
    const [a, b] = dice.chance(0.5) ? [from, to] : [to, from];
    const link = `${a.peer} ${b.peer}`;
    this.#deaf.add(link);
    clock.after(dice.any([50, 1_000, 10_000]), () => {
      if (!this.#deaf.delete(link)) return;
      // A stream loses nothing in its middle: the connection is another one.
      hub.sever(a.peer, b.peer, 5);
    });
    this.#checker.reach('one-way partition');
  }

  #kill(dice: Dice): void {
    const seat = dice.any(this.#world.seats);
    if (seat.life === undefined) return;
    this.#checker.crashed(seat);
    this.#world.stop(seat);
    this.restart(seat, dice);
  }

  #power(seat: Seat, dice: Dice): void {
    if (seat.life === undefined) return;
    this.#checker.crashed(seat);
    const torn = this.#plan.classes.has('torn') && this.strikes('torn');
    this.#world.stop(seat, torn ? this.dice('torn').between(1, 3) : 0);
    if (torn) this.#checker.reach('torn batch');
    this.restart(seat, dice);
  }

  /** At a restart. What a flip cannot be healed from destroys the member, so only so many may be hit. */
  #flip(dice: Dice): void {
    const victims = this.#world.seats.filter((seat) => this.#checker.mayDestroy(seat));
    if (victims.length === 0) return;
    const seat = dice.any(victims);
    if (seat.life === undefined) return;
    this.#checker.crashed(seat);
    this.#world.stop(seat, 0);
    const { durable, beside } = seat.store;
    const shares = [...durable].filter(([key]) => key.startsWith('shares/') || key.startsWith('data-keys/'));
    const copies = [...beside.files].filter(([name]) => name !== 'counter');
    const groups = [[...durable], shares, shares, copies].filter((group) => group.length > 0);
    if (groups.length > 0) {
      const among = dice.any(groups);
      const [place, bytes] = dice.any(among);
      const at = dice.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << dice.below(8));
      // A power cut may come between the record of a share and its second copy.
      const [, copied] = /^(?:shares|data-keys)\/(.*)$/.exec(place) ?? [];
      this.#checker.damage(seat, among === copies || beside.files.has(copied?.replace('/', '-') ?? ''));
      this.#world.trace.event(this.#world.clock.monotonic(), seat.name, `finds a bit flipped in ${place}`);
      this.#checker.reach('bit flip');
    }
    this.restart(seat, dice);
  }

  /** A member's folder is kept as it is, and takes the place of what it has become. */
  #rollback(dice: Dice): void {
    const { clock, twins } = this.#world;
    const seat = dice.any(this.#world.seats);
    const copy = this.#world.snapshot(seat);
    clock.after(dice.any([500, 5_000, 15_000, 30_000]), () => {
      const isPossible = this.#isOn && this.#checker.mayDestroy(seat) && !seat.isDestroyed && !twins.has(seat);
      if (!isPossible) return;
      this.#checker.crashed(seat);
      this.#world.stop(seat);
      seat.store = copy;
      this.#checker.putBack(seat);
      this.#world.trace.event(clock.monotonic(), seat.name, 'has its folder put back');
      this.restart(seat, dice);
    });
  }

  /** A member's folder is copied, and run elsewhere, too. Peers hear the one, then the other, as each connects anew. */
  #clone(dice: Dice): void {
    const { clock, twins } = this.#world;
    const seat = dice.any(this.#world.seats);
    const isPossible = twins.size === 0 && seat.life !== undefined && this.#checker.mayDestroy(seat);
    if (!isPossible) return;
    // A machine that is copied whole goes on drawing what it would have drawn.
    const twin = this.#world.clone(seat, dice.chance(0.5) ? seat.randomness.copy() : new Dice(`${dice.next()}`));
    this.#checker.cloned(seat, twin);
    this.#world.trace.event(clock.monotonic(), seat.name, 'is copied');
    clock.after(dice.any([1, 2_000, 20_000]), () => {
      if (twins.get(seat) === twin) this.#world.start(twin);
    });
    const each = dice.any([300, 3_000, 12_000]);
    const swap = (): void => {
      if (!this.#isOn) return;
      this.#world.front(dice.any([seat, twin]));
      clock.after(each, swap);
    };
    clock.after(each, swap);
  }

  #disk(dice: Dice): void {
    const seat = dice.any(this.#world.seats);
    this.#checker.failing.add(seat);
    seat.store.failWrite(dice.between(1, 8), { applied: dice.chance(0.5) });
  }

  #skew(dice: Dice): void {
    const seat = dice.any(this.#world.seats);
    this.#checker.jumped.add(seat);
    seat.skew += dice.any([-120_000, -20_000, -1_000, 1_000, 20_000, 120_000, 3_700_000]);
    this.#world.trace.event(this.#world.clock.monotonic(), seat.name, `has its clock off by ${seat.skew}`);
    if (dice.chance(0.5)) this.#world.clock.after(dice.below(10_000), () => void (seat.skew = 0));
    this.#checker.reach('clock jump');
  }
}
