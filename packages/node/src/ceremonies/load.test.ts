import { expect, test } from 'vitest';
import type { Committee } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, keyOf } from '../../test/resharing.ts';
import type { CeremonyView } from '../service.ts';
import type { NodeFrame } from './frames.ts';

const five = ['alice', 'bob', 'carol', 'dave', 'erin'];
const four = five.slice(0, 4);

/** Virtual milliseconds of load before a renewal, while it hangs, and after it. */
const before = 10;
const hanging = 25;
const after = 20;

/** A client that orders a signature in every virtual millisecond, each of another member. */
class Load {
  readonly #committee: Committee;
  readonly #members: readonly string[];
  readonly #orders: { readonly at: string; readonly id: string; readonly since: number; took?: number }[] = [];
  /** When there were answers. */
  readonly #answers: number[] = [];

  constructor(committee: Committee, members: readonly string[]) {
    this.#committee = committee;
    this.#members = members;
  }

  async during(milliseconds: number): Promise<void> {
    const { clock } = this.#committee;
    for (let i = 0; i < milliseconds; i++) {
      const at = this.#members[this.#orders.length % this.#members.length] as string;
      const order = this.#committee.order(`order ${this.#orders.length}`);
      const { id } = await this.#committee.at(at).node.sign(order);
      this.#orders.push({ at, id, since: clock.monotonic() });
      await this.#committee.run(1);
      for (const one of this.#orders) {
        if (one.took !== undefined || this.#committee.ceremony(one.at, one.id)?.state !== 'done') continue;
        one.took = clock.monotonic() - one.since;
        this.#answers.push(clock.monotonic());
      }
    }
  }

  /** The longest that an order took so far. */
  get longest(): number {
    return Math.max(...this.#orders.map(({ took = 0 }) => took));
  }

  /** The longest time without an answer so far. */
  get longestGap(): number {
    return Math.max(...this.#answers.slice(1).map((time, i) => time - (this.#answers[i] as number)));
  }

  /** @throws {Error} unless the last come to their ends, too */
  async untilAnswered(): Promise<void> {
    await this.#committee.until(() =>
      this.#orders.every(({ at, id }) => this.#committee.ceremony(at, id)?.state === 'done'),
    );
  }
}

test.for<[string, (node: ReturnType<Committee['at']>['node']) => Promise<CeremonyView>, readonly string[]]>([
  ['a refresh', async (node) => node.refresh('treasury'), five],
  ['a reshare to fewer', async (node) => node.reshare('treasury', { members: four, threshold: 3 }), four],
  ['a reshare to another threshold', async (node) => node.reshare('treasury', { threshold: 4 }), five],
])(
  'under load %s fails no order; answers pause for one activation at most, and for what an order takes',
  {
    timeout: 60_000,
  },
  async ([what, renew, members]) => {
    const committee = await committeeWith(`load ${what}`, 5, 5, { threshold: 3 });
    const { clock } = committee;
    const load = new Load(committee, members);
    await load.during(before);
    const usual = load.longest;

    // Nobody is heard to be READY for a while: nothing is certified, and the old epoch signs.
    const held: { readonly from: string; readonly to: string; readonly frame: NodeFrame }[] = [];
    for (const member of committee.members.values())
      member.tamper = (frame, to) => {
        if (frame.type !== 'ready') return [frame];
        held.push({ from: member.name, to, frame });
        return [];
      };
    await renew(committee.at('alice').node);
    await load.during(hanging);
    const epochs = (): ReadonlySet<number | undefined> =>
      new Set(members.map((name) => keyOf(committee, name)?.current?.epoch));
    expect(epochs()).toEqual(new Set([1]));
    expect(held.length).toBeGreaterThan(0);
    expect(load.longestGap).toBeLessThanOrEqual(usual);

    for (const member of committee.members.values()) member.tamper = undefined;
    for (const { from, to, frame } of held) committee.say(from, to, frame);
    const released = clock.monotonic();
    while (!(epochs().size === 1 && epochs().has(2))) await load.during(1);
    const activation = clock.monotonic() - released;
    await load.during(after);
    expect(load.longestGap).toBeLessThanOrEqual(activation + usual);
    await load.untilAnswered();
    expectNobodyBlamed(committee);
  },
);
