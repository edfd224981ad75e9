import { expect, test } from 'vitest';
import { seedsOf, tryAll } from './many.ts';
import { protocols } from './plan.ts';

test.for(protocols)('50,000 seeds of %s violate nothing', { timeout: 12 * 3_600_000 }, async (protocol) => {
  expect((await tryAll(seedsOf(50_000, { protocol }))).complaints).toEqual([]);
});
