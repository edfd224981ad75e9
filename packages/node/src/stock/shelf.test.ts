import { Secret } from '@quorate/protocol';
import { array, assert, constantFrom, integer, oneof, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { type Half, type Role, Shelf } from './shelf.ts';

const peers = ['a', 'b'];
const roles: readonly Role[] = ['alice', 'bob'];
const depth = 2;
let made = 0;

/** A half that no other has the id of. */
function half(): Half {
  made++;
  return { id: Uint8Array.of(made >> 16, made >> 8, made), secret: new Secret(Uint8Array.of(7)) };
}

const place = { peer: constantFrom(...peers), role: constantFrom(...roles) };
const steps = array(
  oneof(
    { weight: 4, arbitrary: record({ act: constantFrom('add' as const), ...place }) },
    { weight: 2, arbitrary: record({ act: constantFrom('take' as const), ...place }) },
    record({ act: constantFrom('keepFirst' as const), ...place }),
    record({ act: constantFrom('drop' as const), ...place }),
    record({ act: constantFrom('forget' as const), ...place }),
    record({ act: constantFrom('wait' as const), hours: integer({ min: 1, max: 20 }) }),
  ),
  { maxLength: 40 },
);

test('gives each half once, the oldest first, and wipes every other one that it has no more', () => {
  assert(
    property(steps, (run) => {
      const clock = simulatedClock();
      const shelf = new Shelf(clock, depth);
      const added: { readonly half: Half; readonly peer: string; readonly role: Role; readonly at: number }[] = [];
      const taken: Half[] = [];
      const order = (peer: string, role: Role) =>
        added.filter((one) => one.peer === peer && one.role === role).map((one) => one.half);
      for (const step of run) {
        if (step.act === 'wait') {
          clock.advance(step.hours * 3_600_000);
          continue;
        }
        const { peer, role } = step;
        const ids = shelf.ids(peer, role);
        if (step.act === 'add') {
          const one = half();
          added.push({ half: one, peer, role, at: clock.monotonic() });
          shelf.add(peer, role, one);
        } else if (step.act === 'take') {
          const one = shelf.take(peer, role);
          if (one !== undefined) {
            expect(order(peer, role)).toContainEqual(expect.objectContaining({ id: one.id }));
            const { at } = added.find(({ half: { id } }) => id === one.id) as { readonly at: number };
            expect(clock.monotonic() - at).toBeLessThan(limits.stockLife);
            expect(one.secret.wiped).toBe(false);
            taken.push(one);
          }
        } else if (step.act === 'keepFirst') shelf.keepOnly(peer, role, ids.slice(0, 1));
        else if (step.act === 'drop') shelf.drop(peer);
        else shelf.tidy(new Map([[peer, undefined]]));

        const kept = peers.flatMap((one) => roles.flatMap((as) => shelf.ids(one, as)));
        for (const one of peers) {
          for (const as of roles) {
            const here = shelf.ids(one, as);
            expect(here.length).toBeLessThanOrEqual(depth);
            expect(shelf.isShort(one, as)).toBe(here.length < depth);
            // In the order in which they came, and nobody else's.
            const all = order(one, as).map(({ id }) => id);
            expect(here).toEqual(all.filter((id) => here.includes(id)));
          }
        }
        expect(new Set(taken.map(({ id }) => id)).size).toBe(taken.length);
        for (const { half: one } of added) {
          const isTaken = taken.some(({ id }) => id === one.id);
          expect(isTaken && kept.includes(one.id)).toBe(false);
          expect(one.secret.wiped).toBe(!isTaken && !kept.includes(one.id));
        }
        if (step.act === 'drop') expect([...shelf.ids(peer, 'alice'), ...shelf.ids(peer, 'bob')]).toEqual([]);
        if (step.act === 'forget') for (const one of peers) if (one !== peer) expect(shelf.ids(one, role)).toEqual([]);
        if (step.act === 'keepFirst') expect(shelf.ids(peer, role)).toEqual(ids.slice(0, 1));
      }
      shelf.clear();
      for (const { half: one } of added) {
        expect(one.secret.wiped).toBe(!taken.some(({ id }) => id === one.id));
      }
    }),
  );
});

test('wipes what is a day old, asked for or not', () => {
  const clock = simulatedClock();
  const shelf = new Shelf(clock, depth);
  const [old, young] = [half(), half()];
  shelf.add('a', 'bob', old);
  clock.advance(limits.stockLife - 1);
  shelf.add('a', 'bob', young);
  shelf.tidy(new Map([['a', undefined]]));
  expect(shelf.ids('a', 'bob')).toEqual([old.id, young.id]);
  clock.advance(1);
  shelf.tidy(new Map([['a', undefined]]));
  expect([old.secret.wiped, young.secret.wiped]).toEqual([true, false]);
  clock.advance(limits.stockLife);
  expect(shelf.take('a', 'bob')).toBeUndefined();
  expect(young.secret.wiped).toBe(true);
});
