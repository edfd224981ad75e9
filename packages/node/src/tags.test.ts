import { expect, test } from 'vitest';
import { tags } from './tags.ts';

test('no two tags are the same, and all are of this version', () => {
  const all = Object.values(tags);
  expect(new Set(all).size).toBe(all.length);
  for (const tag of all) expect(tag).toMatch(/^quorate\/v1\//);
});
