import { seeded } from '@quorate/protocol';
import { assert, double, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import { Redialer, redialDelay } from './reconnect.ts';

describe('the delay', () => {
  test('doubles from half a second to half a minute, jittered by half', () => {
    expect([0, 1, 2, 6, 7, 1_000].map((failures) => redialDelay(failures, 0))).toEqual([
      250, 500, 1_000, 15_000, 15_000, 15_000,
    ]);
    assert(
      property(
        integer({ min: 0, max: 5_000 }),
        double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, jitter) => {
          const delay = redialDelay(failures, jitter);
          expect(delay).toBeGreaterThanOrEqual(250);
          expect(delay).toBeLessThanOrEqual(30_000);
        },
      ),
    );
  });
});

describe('the redialer', () => {
  function start(answers: () => boolean) {
    const clock = simulatedClock();
    const dials: number[] = [];
    const redialer = new Redialer(clock, seeded(Uint8Array.of(1)), async () => {
      dials.push(clock.monotonic());
      if (!answers()) throw new Error('refused');
    });
    return { clock, dials, redialer };
  }

  test('dials at once, then ever more slowly, for ever', async () => {
    const { clock, dials, redialer } = start(() => false);
    redialer.keep('p');
    await clock.settle(3_600_000);
    const gaps = dials.slice(1).map((at, i) => at - (dials[i] ?? 0));
    expect(dials[0]).toBe(0);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect(Math.min(...gaps.slice(8))).toBeGreaterThanOrEqual(15_000);
    expect(dials.length).toBeGreaterThan(120);
  });

  test('an admission resets the delay; a connection that is not one does not', async () => {
    const { clock, dials, redialer } = start(() => true);
    redialer.keep('p');
    for (let i = 0; i < 10; i++) {
      await clock.settle(0);
      redialer.lost('p');
      await clock.settle(30_000);
    }
    expect(dials).toHaveLength(11);
    const before = clock.monotonic();
    redialer.lost('p');
    await clock.settle(30_000);
    expect((dials[11] ?? 0) - before).toBeGreaterThanOrEqual(15_000);
    redialer.admitted('p');
    const after = clock.monotonic();
    redialer.lost('p');
    await clock.settle(500);
    expect((dials[12] ?? 0) - after).toBeLessThan(500);
  });

  test('several losses start one dial, and a forgotten peer none', async () => {
    const { clock, dials, redialer } = start(() => true);
    redialer.keep('p');
    await clock.settle(0);
    redialer.lost('p');
    redialer.lost('p');
    await clock.settle(60_000);
    expect(dials).toHaveLength(2);
    redialer.lost('p');
    redialer.forget('p');
    await clock.settle(60_000);
    expect(dials).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });
});
