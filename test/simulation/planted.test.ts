import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { planted } from './planted.ts';

test('the bugs that `--planted` plants still fit the sources', async () => {
  for (const { file, find } of planted) {
    const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
    expect(text.split(find), `${file}: ${find}`).toHaveLength(2);
  }
});
