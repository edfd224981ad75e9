import { expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import { Budget } from './budget.ts';

test('a budget allows a burst, then the average, and saves no more than a burst', () => {
  const clock = simulatedClock();
  const budget = new Budget(clock, 10, 30);
  expect(budget.spend(30)).toBe(true);
  expect(budget.spend(1)).toBe(false);
  clock.advance(500);
  expect(budget.spend(5)).toBe(true);
  expect(budget.spend(1)).toBe(false);
  clock.advance(3_600_000);
  expect(budget.spend(31)).toBe(false);
  expect(budget.spend(30)).toBe(true);
});

test('the wall clock does not refill it', () => {
  const clock = simulatedClock();
  const budget = new Budget(clock, 10, 1);
  budget.spend(1);
  clock.shiftWall(3_600_000);
  expect(budget.spend(1)).toBe(false);
});
