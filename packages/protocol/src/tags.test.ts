import { expect, it } from 'vitest';
import { ascii } from './bytes.ts';
import { tags } from './tags.ts';

const all = Object.values(tags);

it('has no tag twice: two uses of a hash never meet', () => {
  expect(new Set(all).size).toBe(all.length);
});

it.each(all)('%s says whose it is, in which version, in ASCII', (tag) => {
  expect(tag).toMatch(/^quorate\/v1\/[a-z]/);
  expect(ascii(tag)).toHaveLength(tag.length);
});
