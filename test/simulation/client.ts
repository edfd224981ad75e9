import { type Scheme, toHex } from '@quorate/protocol';
import { majority } from '../../packages/node/src/ceremonies/keygen.ts';
import { networkIdOf } from '../../packages/node/src/config/config.ts';
import { type SignRequest, signRequests } from '../../packages/node/src/policy/sign-request.ts';
import { ServiceError } from '../../packages/node/src/service.ts';
import type { Checker } from './checker.ts';
import { Dice } from './dice.ts';
import type { Life } from './life.ts';
import type { Case, Plan, ProtocolName } from './plan.ts';
import type { Seat, World } from './world.ts';

const networkId = networkIdOf('testnet');
/** The key that is there before anything goes wrong. */
export const firstKey = 'treasury';

interface CommitteeOrder {
  readonly members: readonly string[];
  readonly threshold: number;
}

type Act = 'keygen' | 'sign' | 'again' | 'conflict' | 'refresh' | 'reshare' | 'lose' | 'repair' | 'cancel' | 'freeze';

/** What clients and operators do, and how many times in a run, for each protocol. A new protocol gets its line here. */
const workloads: Readonly<Record<ProtocolName, { readonly acts: readonly Act[]; readonly count: number }>> = {
  keygen: { acts: ['keygen', 'keygen', 'keygen', 'sign', 'cancel'], count: 5 },
  sign: { acts: ['sign', 'sign', 'sign', 'again', 'again', 'conflict', 'cancel', 'freeze'], count: 10 },
  refresh: { acts: ['refresh', 'refresh', 'refresh', 'refresh', 'sign', 'cancel', 'freeze'], count: 7 },
  reshare: {
    acts: ['reshare', 'reshare', 'reshare', 'refresh', 'sign', 'sign', 'again', 'cancel', 'freeze'],
    count: 12,
  },
  repair: {
    acts: ['lose', 'lose', 'repair', 'repair', 'repair', 'refresh', 'sign', 'sign', 'cancel', 'freeze'],
    count: 12,
  },
  mixed: {
    acts: ['sign', 'sign', 'again', 'conflict', 'keygen', 'refresh', 'refresh', 'reshare', 'cancel', 'freeze'],
    count: 12,
  },
  restore: {
    acts: ['sign', 'sign', 'sign', 'again', 'again', 'conflict', 'refresh', 'refresh', 'cancel', 'freeze'],
    count: 14,
  },
};

/** Clients and operators: what they order, at whom, and what they are told. */
export class Client {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #case: Case;
  readonly #checker: Checker;
  readonly #dice: Dice;
  /** Every order that was made. */
  readonly orders: SignRequest[] = [];
  #keys = 0;

  constructor(world: World, plan: Plan, run: Case, checker: Checker) {
    this.#world = world;
    this.#plan = plan;
    this.#case = run;
    this.#checker = checker;
    this.#dice = new Dice(`${run.protocol} ${run.seed} client`);
  }

  /** A process is up: its operator looks at it now and then, and says yes to what waits. */
  opened(seat: Seat, { node }: Life): void {
    const asked = new Set<string>();
    node?.follow(({ id, key, needsAccept }) => {
      if (!needsAccept || asked.has(id)) return;
      asked.add(id);
      // Who joins a committee has the public key from the others' operators.
      const publicKey = this.#checker.keys.get(key)?.publicKey;
      this.#world.clock.after(this.#dice.between(1, 5_000), () => {
        this.#ask(seat, `accept ${id.slice(0, 8)}`, async (one) => one.accept(id, publicKey));
        this.#checker.reach('accepted by an operator');
      });
    });
  }

  /** Orders things now and then, while things go wrong. */
  begin(): void {
    const { acts, count } = workloads[this.#case.protocol];
    // Some things come together.
    const moments = Array.from({ length: count }, () => this.#dice.below(this.#plan.duration));
    for (let i = 0; i < count; i++) {
      const act = this.#dice.any(acts);
      const at = this.#dice.chance(0.3) ? this.#dice.any(moments) : (moments[i] as number);
      this.#world.clock.after(at, () => this.#do(act));
    }
  }

  order(text: string, key: string, idempotencyKey = text): SignRequest {
    const ascii = new TextEncoder();
    const message = ascii.encode(text);
    const scheme = this.#checker.keys.get(key)?.scheme;
    const request = signRequests.sign(
      {
        network: networkId,
        key,
        purpose: 'general',
        intent:
          scheme === 'ecdsa'
            ? { type: 'hashed', value: { hash: 'sha256', message } }
            : { type: 'message', value: message },
        path: 'm',
        expires: this.#world.clock.now() + 600_000,
        idempotencyKey: ascii.encode(idempotencyKey),
      },
      this.#world.client,
    );
    this.orders.push(request);
    this.#checker.ordered(request);
    return request;
  }

  /** Submits an order at a member, as often as it takes for the member to take it. */
  sign(seat: Seat, request: SignRequest): void {
    this.#ask(
      seat,
      `order ${toHex(request.idempotencyKey).slice(0, 8)}`,
      async (node) => node.sign(request),
      (view) => this.#checker.accepted(seat, request, view),
    );
  }

  /** @param members default: all */
  keygen(seat: Seat, name: string, scheme: Scheme, members: readonly Seat[] = this.#world.seats): void {
    const names = members.map((one) => one.name);
    this.#ask(seat, `keygen ${name}`, async (node) => node.keygen({ name, scheme, members: names }));
  }

  refresh(seat: Seat, name: string): void {
    this.#ask(seat, `refresh ${name}`, async (node) => node.refresh(name));
  }

  /** Any committee, perhaps the one that is there, which is refused: one member may be corrupt, and one away. */
  reshare(seat: Seat, name: string): void {
    this.reshareTo(seat, name, this.#committee());
  }

  /** This committee and threshold. */
  reshareTo(seat: Seat, name: string, order: CommitteeOrder): void {
    const what = `reshare ${name} to ${order.threshold} of ${order.members.join(',')}`;
    this.#ask(seat, what, async (node) => node.reshare(name, order));
  }

  /** A committee or a threshold that is not there. */
  reshareAnew(seat: Seat, name: string): void {
    const { members, threshold } = this.#checker.newestOf(name);
    const isThere = (other: CommitteeOrder): boolean =>
      other.threshold === threshold &&
      other.members.length === members.length &&
      members.every((one) => other.members.includes(one.name));
    let next = this.#committee();
    // Of three members there is no other committee, and perhaps no other threshold.
    for (let tries = 0; tries < 100 && isThere(next); tries++) next = this.#committee();
    this.reshareTo(seat, name, next);
  }

  /** Its operator asks for the share that it lost. */
  repair(seat: Seat, name: string): void {
    const publicKey = this.#checker.keys.get(name)?.publicKey;
    this.#ask(seat, `repair ${name}`, async (node) => node.repair(name, { publicKey }));
  }

  /** Its operator stops the use of a key here, or allows it again. */
  freeze(seat: Seat, name: string, frozen: boolean): void {
    this.#ask(seat, `${frozen ? 'freeze' : 'thaw'} ${name}`, async (node) => node.freeze(name, frozen));
  }

  /** Its operator says that no other instance of it runs. */
  resolve(seat: Seat): void {
    this.#ask(seat, 'resolve', async (node) => node.resolve());
  }

  #do(act: Act): void {
    const { living } = this.#world;
    if (living.length === 0) return;
    const seat = this.#dice.any(living);
    const key = this.#dice.any([firstKey, ...this.#checker.keys.keys()]);
    const old = this.orders.length === 0 ? undefined : this.#dice.any(this.orders);
    switch (act) {
      case 'sign':
        return this.sign(seat, this.order(`order ${this.orders.length}`, key));
      case 'again':
        if (old !== undefined) this.sign(seat, old);
        return;
      case 'conflict':
        if (old === undefined) return;
        return this.sign(
          seat,
          this.order(`other ${this.orders.length}`, old.key, new TextDecoder().decode(old.idempotencyKey)),
        );
      case 'keygen': {
        // Two members may propose the same name.
        const name = this.#dice.chance(0.3) && this.#keys > 0 ? `key-${this.#keys}` : `key-${++this.#keys}`;
        return this.keygen(seat, name, this.#plan.scheme);
      }
      case 'refresh':
        return this.refresh(this.#holder(key) ?? seat, key);
      case 'lose':
        return this.#lose(seat, firstKey);
      case 'repair': {
        const lost = living.filter((one) => this.#checker.lost.has(one));
        return this.repair(lost.length === 0 ? seat : this.#dice.any(lost), firstKey);
      }
      case 'cancel': {
        const open = seat.life?.node?.ceremonies().filter(({ state }) => state !== 'done' && state !== 'failed') ?? [];
        if (open.length === 0) return;
        const { id, kind } = this.#dice.any(open);
        this.#checker.reach(`cancelled (${kind})`);
        return this.#ask(seat, `cancel ${id.slice(0, 8)}`, async (node) => node.cancel(id));
      }
      case 'freeze':
        this.#checker.reach('frozen');
        this.#world.clock.after(this.#dice.between(1, 20_000), () => this.freeze(seat, key, false));
        return this.freeze(seat, key, true);
      case 'reshare':
        return this.reshare(this.#holder(key) ?? seat, key);
    }
  }

  /** All copies of its shares of a key are damaged, if the others can do without. */
  #lose(seat: Seat, name: string): void {
    const id = this.#checker.keys.get(name)?.id;
    if (id === undefined || !this.#checker.mayDestroy(seat)) return;
    this.#world.stop(seat, 0);
    const { beside, durable } = seat.store;
    for (const [place, bytes] of [...durable, ...beside.files]) {
      const isShare = place.startsWith(`shares/${id}`) || place.startsWith(`${id}-`);
      if (isShare) bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    }
    this.#checker.lose(seat);
    this.#world.trace.event(this.#world.clock.monotonic(), seat.name, `loses its share of ${name}`);
    this.#world.clock.after(1 + this.#dice.below(2_000), () => this.#world.start(seat));
  }

  /** Who was asked before may hold the key no more. */
  #holder(key: string): Seat | undefined {
    if (!this.#plan.reshares) return undefined;
    const holders = this.#checker.usersOf(key).filter(({ life }) => life?.node !== undefined);
    return holders.length === 0 ? undefined : this.#dice.any(holders);
  }

  #committee(): CommitteeOrder {
    const members = this.#dice.some(this.#world.seats, this.#dice.between(3, this.#plan.n)).map((one) => one.name);
    return { members, threshold: this.#dice.between(majority(members.length), members.length - 1) };
  }

  #ask<T>(
    seat: Seat,
    what: string,
    act: (node: NonNullable<NonNullable<Seat['life']>['node']>) => Promise<T>,
    taken: (answer: T) => void = () => undefined,
  ): void {
    const { life } = seat;
    if (life?.node === undefined) return;
    const { node } = life;
    this.#world.trace.event(this.#world.clock.monotonic(), 'client', `${what} at ${seat.name}`);
    life.wake(() => {
      act(node).then(
        (answer) => {
          if (!life.isOver) taken(answer);
        },
        (error: unknown) => {
          if (life.isOver || error instanceof ServiceError) return;
          this.#checker.thrown(seat, error);
        },
      );
    });
  }
}
