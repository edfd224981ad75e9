import { decodeEnvelope, equal } from '@quorate/protocol';
import type { NodeFrame } from '../../packages/node/src/ceremonies/frames.ts';
import type { Home } from '../../packages/node/src/home.ts';
import { generationOf } from '../../packages/node/src/standing/statement.ts';
import type { Facts } from './facts.ts';
import type { Seat } from './world.ts';

/** What a member's own signature shows of it, at a peer that keeps it. */
interface Shown {
  readonly peer: Seat;
  readonly bootEpoch: Uint8Array;
  readonly counter: number;
}

/** Members that were put back, or run twice: they are found out, and take part in nothing until that is settled. */
export class Identity {
  readonly #facts: Facts;
  /** What the others had of a member when it was put back. */
  readonly #shown = new Map<Seat, readonly Shown[]>();
  /** Who must notice that it was put back, with the generation that it had, and the peers that show it. */
  readonly #due = new Map<Seat, { readonly generation: number; readonly peers: readonly Seat[] }>();

  constructor(facts: Facts) {
    this.#facts = facts;
  }

  /** A member is about to be put back. */
  putBack(seat: Seat): void {
    const shown = this.#facts.world.honest.flatMap((peer) => {
      const standing = peer === seat ? undefined : peer.life?.home?.marks.standingOf(seat.key.publicKey);
      return standing === undefined ? [] : [{ peer, bootEpoch: standing.bootEpoch, counter: standing.counter }];
    });
    this.#shown.set(seat, shown);
    this.#due.delete(seat);
  }

  /** A member comes up: does any of the others have something of it that it does not know? */
  opened(seat: Seat, { bootEpoch, marks }: Home): void {
    const shown = this.#shown.get(seat);
    if (shown === undefined) return;
    this.#shown.delete(seat);
    const generation = generationOf(bootEpoch);
    const { lives } = marks.own();
    const isNews = (one: Shown): boolean => {
      if (generationOf(one.bootEpoch) !== generation) return generationOf(one.bootEpoch) > generation;
      const life = lives.find((known) => equal(known.bootEpoch, one.bootEpoch));
      return life === undefined || life.counter < one.counter;
    };
    const peers = shown.filter(isNews).map(({ peer }) => peer);
    if (peers.length > 0) this.#due.set(seat, { generation, peers });
    else this.#facts.reach('put back to what the others know');
  }

  /** Who knows that it was put back, or runs twice, begins nothing and goes on with nothing. */
  sending(seat: Seat, { type, value }: NodeFrame): void {
    const state = seat.life?.home?.marks.own().state ?? 'well';
    if (state === 'well') return;
    const isPart =
      type === 'registration' || type === 'start' || (type === 'envelope' && decodeEnvelope(value).class !== 'abort');
    if (isPart) this.#facts.fail('I13 identity', `${seat.name} is ${state}, and says a ${type}`);
  }

  /** Both of one identity were heard in turn. */
  heardTwo(seat: Seat, twin: Seat): void {
    const [one, other] = [seat, twin].map(({ life }) => life?.home);
    if (one === undefined || other === undefined) return;
    // Two that drew the same bytes, as a machine and its copy may, and did nothing yet, are told apart by nobody.
    if (equal(one.bootEpoch, other.bootEpoch)) return this.#facts.reach('two that are as one');
    if (one.marks.own().state === 'well' && other.marks.own().state === 'well')
      this.#facts.fail('I13 identity', `${seat.name} runs twice, and both take part`);
    this.#facts.reach('two of one identity are found out');
  }

  /** When everything is settled, whoever was put back has begun anew. */
  settled(seat: Seat): void {
    const due = this.#due.get(seat);
    const { home } = seat.life ?? {};
    if (due === undefined || home === undefined) return;
    if (due.peers.every((peer) => peer.isDestroyed || this.#facts.isBeyond(peer))) return;
    if (generationOf(home.bootEpoch) <= due.generation)
      this.#facts.fail('I13 identity', `${seat.name} was put back to before what it signed, and does not notice`);
    else this.#facts.reach('put back, and found out');
  }
}
