import { expect, test } from 'vitest';
import { seedsOf, tryAll } from './many.ts';
import { protocols } from './plan.ts';

/** Of all protocols together. */
const seeds = 200_000;

test.for(protocols)('many seeds of %s violate nothing', { timeout: 12 * 3_600_000 }, async (protocol) => {
  const each = Math.ceil(seeds / protocols.length);
  expect((await tryAll(seedsOf(each, { protocol }))).complaints).toEqual([]);
});
