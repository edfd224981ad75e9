import { limits } from '../../packages/node/src/limits.ts';
import type { Facts } from './facts.ts';
import type { Seat } from './world.ts';

/** What a member keeps, once everything has come to an end: as much as was asked of it, and no more. */
export function bounds(facts: Facts, seat: Seat): void {
  const { durable, beside } = seat.store;
  const ceremonies = seat.life?.node?.ceremonies() ?? [];
  if (ceremonies.length > limits.rememberedCeremonies + limits.openInAll)
    facts.fail('I10 bounded', `${seat.name} remembers ${ceremonies.length} ceremonies`);
  const places = [...durable.keys()];
  const count = (prefix: string): number => places.filter((place) => place.startsWith(prefix)).length;
  const peers = facts.world.seats.length - 1;
  const caps: Readonly<Record<string, number>> = {
    'requests/': facts.orders.size,
    'results/': facts.orders.size,
    'marks/peers/': peers,
    'marks/doubts/': peers,
    'bans/': peers,
    // Two for each session that signs: its nonces, and that it is over.
    'sessions/': 2 * facts.sessions.size,
  };
  for (const [prefix, cap] of Object.entries(caps)) {
    const kept = count(prefix);
    if (kept > cap) facts.fail('I10 bounded', `${seat.name} keeps ${kept} records ${prefix}, of at most ${cap}`);
  }
  const { shredded } = facts.memoryOf(seat);
  const isGoing = (place: string): boolean =>
    facts.world.clock.monotonic() - (shredded.get(place) ?? -Infinity) < limits.readyInterval;
  const copies = [...beside.files.keys()].filter((name) => {
    const place = name.replace('-', '/');
    return name !== 'counter' && !durable.has(`shares/${place}`) && !isGoing(place);
  });
  if (copies.length > 0)
    facts.fail('I10 bounded', `${seat.name} keeps copies of shares that it destroyed: ${copies.join(', ')}`);
}
