import { ascii, seeded } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { dataFolder, flips } from '../test/flips.ts';

test.each([
  ['written just now', false],
  ['opened again since', true],
])('1,000 flipped bits, in a folder %s', async (_when, reopened) => {
  const seen = await flips(await dataFolder({ reopened }), 1_000, seeded(ascii(`many flips ${reopened}`)));
  expect(Object.values(seen).reduce((sum, count) => sum + count, 0)).toBe(1_000);
  console.info(JSON.stringify(seen));
});
