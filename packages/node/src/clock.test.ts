import { describe, expect, test, vi } from 'vitest';
import { simulatedClock, systemClock } from './clock.ts';

describe('the simulated clock', () => {
  test('runs what falls due in order of time, then of request, and moves time to each', () => {
    const clock = simulatedClock(1_000);
    const seen: string[] = [];
    const note = (name: string) => () => void seen.push(`${name}@${clock.monotonic()}`);
    clock.after(20, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(31, note('late'));
    clock.advance(30);
    expect(seen).toEqual(['a@10', 'b@10', 'c@20']);
    expect(clock.now()).toBe(1_030);
    expect(clock.pending).toBe(1);
  });

  test('runs timers that timers set, and forgets cancelled ones', () => {
    const clock = simulatedClock();
    const seen: number[] = [];
    const cancel = clock.after(5, () => seen.push(-1));
    clock.after(1, () => {
      cancel();
      clock.after(1, () => seen.push(clock.monotonic()));
    });
    clock.advance(10);
    expect(seen).toEqual([2]);
  });

  test('lets promises go on between timers when it settles', async () => {
    const clock = simulatedClock();
    const seen: number[] = [];
    const wait = async (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
    const walk = (async () => {
      for (let step = 0; step < 3; step++) {
        await wait(10);
        seen.push(clock.monotonic());
      }
    })();
    await clock.settle(30);
    await walk;
    expect(seen).toEqual([10, 20, 30]);
  });

  test('a jump of the wall clock leaves monotonic time alone', () => {
    const clock = simulatedClock(0);
    clock.shiftWall(-3_600_000);
    expect(clock.now()).toBe(-3_600_000);
    expect(clock.monotonic()).toBe(0);
  });
});

describe('the system clock', () => {
  test('does not fire timers beyond 2^31 ms at once', () => {
    vi.useFakeTimers();
    try {
      const run = vi.fn();
      systemClock.after(2 ** 31 + 1_000, run);
      vi.advanceTimersByTime(2 ** 31);
      expect(run).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1_000);
      expect(run).toHaveBeenCalledOnce();
      const cancelled = vi.fn();
      const cancel = systemClock.after(2 ** 31 + 1_000, cancelled);
      vi.advanceTimersByTime(2 ** 31);
      cancel();
      vi.advanceTimersByTime(2_000);
      expect(cancelled).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});
