import { expect, test } from 'vitest';
import { planted } from './planted.ts';
import { missedOf } from './planted-run.ts';

test.for(planted)('it is found that $why', { timeout: 3 * 3_600_000 }, async (bug) => {
  const lines: string[] = [];
  expect(await missedOf([bug], (line) => void lines.push(line)), lines.join('\n')).toEqual([]);
});
