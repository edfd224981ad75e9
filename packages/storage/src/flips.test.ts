import { ascii, seeded } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { dataFolder, flips } from '../test/flips.ts';

test.each([
  ['written just now', false],
  ['opened again since', true],
])('any bit of a data folder that flips is noticed, repaired or of no matter: a folder %s', async (_when, reopened) => {
  const seen = await flips(await dataFolder({ reopened }), 120, seeded(ascii(`flips ${reopened}`)));
  expect(seen['detected']).toBeGreaterThan(30);
});
