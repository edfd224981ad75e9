import { equal, fromHex, toHex } from '@quorate/protocol';
import type { EpochInfo } from '@quorate/storage';
import { headerOf } from '../../packages/node/src/ceremonies/packages.ts';
import type { Home } from '../../packages/node/src/home.ts';
import { epochPlace, type Facts, sharesOn } from './facts.ts';
import { Shares } from './shares.ts';
import type { Seat } from './world.ts';

/** What members keep over crashes: enough shares of every key, and all that they said and used. */
export class Durability {
  readonly #facts: Facts;
  readonly #shares: Shares;

  constructor(facts: Facts) {
    this.#facts = facts;
    this.#shares = new Shares(facts);
  }

  #written = '';

  /** A process comes up. */
  async opened(seat: Seat, home: Home): Promise<void> {
    const { announced, answers, used } = this.#facts.memoryOf(seat);
    if (home.keys.list().some(({ quarantined }) => quarantined !== undefined) && !this.#facts.isBeyond(seat))
      this.#facts.fail('healing', `${seat.name} has a key in quarantine, of which it has a copy`);
    for (const [id, epoch] of announced) {
      const key = home.keys.get(fromHex(id));
      if (key?.quarantined !== undefined || this.#facts.restored.has(seat)) continue;
      const known = key?.epochs.some((one) => one.epoch >= epoch && one.state !== 'prepared') ?? false;
      if (!known) this.#facts.fail('I5 no loss', `${seat.name} said that it uses epoch ${epoch}, and has forgotten it`);
    }
    for (const [id, epoch] of used) {
      const key = home.keys.get(fromHex(id));
      if (key?.quarantined !== undefined) continue;
      const still = Math.max(
        0,
        ...(key?.epochs ?? []).filter(({ state }) => state !== 'prepared').map((one) => one.epoch),
      );
      if (still < epoch) this.#facts.fail('I6 monotone', `${seat.name} used epoch ${epoch}, and is back at ${still}`);
    }
    for (const [id, signature] of answers) {
      const kept = await home.requests.result(fromHex(id)).catch(() => undefined);
      if (this.#facts.isBeyond(seat)) continue;
      if (kept === undefined || toHex(kept) !== signature)
        this.#facts.fail('I5 no loss', `${seat.name} answered ${id}, and has forgotten its answer`);
    }
  }

  /** What must hold at any time. */
  observe(): void {
    const usable = new Map<string, number>();
    const honest = this.#facts.world.honest.filter((seat) => !seat.isDestroyed);
    const written = honest.map(({ life, store }) => `${store.writes} ${life?.home?.bootEpoch.length ?? 0}`).join(' ');
    // Nothing was written since the last look.
    if (written === this.#written) return;
    this.#written = written;
    for (const seat of honest) {
      this.#observeEpochs(seat);
      for (const place of sharesOn(seat)) usable.set(place, (usable.get(place) ?? 0) + 1);
      this.#observeUse(seat);
    }
    for (const [name, { id }] of this.#facts.keys) {
      const left = [...usable].filter(([place]) => place.startsWith(id));
      // Of an epoch that nobody was up to show yet, two shares are as much as one can ask.
      if (!left.some(([place, count]) => count >= (this.#facts.committees.get(place)?.threshold ?? 2)))
        this.#facts.fail('I5 no loss', `of ${name}, no epoch has its quorum of shares left: ${JSON.stringify(left)}`);
    }
  }

  #observeEpochs(seat: Seat): void {
    for (const { epochs, keyId } of seat.life?.home?.keys.list() ?? [])
      for (const info of epochs) {
        const place = epochPlace(toHex(keyId), info.epoch);
        this.#shares.observe(seat, place, info.publicPackage);
        this.#observeCommittee(place, info);
      }
  }

  #observeCommittee(place: string, { certificate, publicPackage }: EpochInfo): void {
    const known = this.#facts.committees.get(place);
    const isCertified = certificate !== undefined;
    // Another attempt may have had the number of the one that was certified.
    if (known !== undefined && (known.isCertified || !isCertified)) return;
    const { members, threshold } = headerOf(publicPackage);
    this.#facts.committees.set(place, { members: this.#facts.seatsOf(members), threshold, isCertified });
  }

  #observeUse(seat: Seat): void {
    const { home, node } = seat.life ?? {};
    if (home === undefined || node === undefined) return;
    const { used } = this.#facts.memoryOf(seat);
    for (const { current, epochs, keyId, quarantined } of home.keys.list()) {
      if (quarantined !== undefined) continue;
      const id = toHex(keyId);
      for (const one of epochs) if (one.state === 'shredded') this.#shredded(seat, id, one, epochs);
      if (current === undefined) {
        if (epochs.at(-1)?.state === 'elsewhere') this.#facts.reach('a key that is elsewhere');
        continue;
      }
      if (current.epoch < (used.get(id) ?? 0))
        this.#facts.fail('I6 monotone', `${seat.name} goes back to epoch ${current.epoch}`);
      used.set(id, current.epoch);
      const place = epochPlace(id, current.epoch);
      const agreed = this.#facts.agreed.get(place);
      if (agreed !== undefined && !equal(agreed, current.publicPackage))
        this.#facts.fail('I4 agreement', `two packages are in use as ${place}`);
      this.#facts.agreed.set(place, current.publicPackage);
    }
  }

  /** Old shares are destroyed when all members of the newest committee use newer ones; or long after that, which no run lasts. */
  #shredded(seat: Seat, key: string, { epoch, publicPackage }: EpochInfo, epochs: readonly EpochInfo[]): void {
    const place = epochPlace(key, epoch);
    const { shredded } = this.#facts.memoryOf(seat);
    if (shredded.has(place)) return;
    shredded.set(place, this.#facts.world.clock.monotonic());
    // Another attempt was certified under its number, so that nothing can come of this one.
    const certified = this.#facts.agreed.get(place);
    if (certified !== undefined && !equal(certified, publicPackage)) return;
    this.#facts.reach('shredded');
    // Of what a repair finds damaged nothing is kept but the epoch in use.
    if (this.#facts.jumped.has(seat) || this.#facts.lost.has(seat)) return;
    const newest = epochs.findLast(({ state }) => state === 'active' || state === 'certified' || state === 'elsewhere');
    const heirs = newest === undefined ? [] : this.#facts.seatsOf(headerOf(newest.publicPackage).members);
    if (!heirs.includes(seat)) this.#facts.reach('shredded by one who left');
    // Another epoch may have been certified since this was decided: one that all its members use is enough.
    const laggards = epochs
      .filter((one) => one.epoch > epoch && one.certificate !== undefined)
      .map(({ publicPackage: next }) => this.#notUsing(key, epoch, this.#facts.seatsOf(headerOf(next).members), seat));
    const [[laggard] = []] = laggards.toReversed();
    if (laggard !== undefined && laggards.every((some) => some.length > 0))
      this.#facts.fail(
        'R5 shredding',
        `${seat.name} shreds epoch ${epoch} while ${laggard.name} uses nothing above it`,
      );
  }

  /** Who of these never said, as far as it is honest, that it uses anything above an epoch. */
  #notUsing(key: string, epoch: number, seats: readonly Seat[], seat: Seat): readonly Seat[] {
    return this.#facts.world.honest.filter(
      (one) => one !== seat && seats.includes(one) && (this.#facts.memoryOf(one).announced.get(key) ?? 0) <= epoch,
    );
  }
}
