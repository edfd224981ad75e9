import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Mutant, mutate } from './mutant.ts';
import { rooms } from './rooms.ts';

describe.each(Object.entries(rooms))('the mutants of %s', (_room, mutants) => {
  test('each still has its check to take away, and tests to notice', () => {
    for (const mutant of mutants) {
      const text = readFileSync(mutant.file, 'utf8');
      expect(mutate(text, mutant), mutant.why).not.toBe(text);
      expect(mutant.tests.length, mutant.why).toBeGreaterThan(0);
      for (const file of mutant.tests) expect(existsSync(file), file).toBe(true);
    }
  });

  test('no two are the same', () => {
    expect(new Set(mutants.map(({ file, find, replace }) => `${file}\n${find}\n${replace}`)).size).toBe(mutants.length);
    expect(new Set(mutants.map(({ file, why }) => `${file}\n${why}`)).size).toBe(mutants.length);
  });
});

test('a check that is not there, or there twice, is refused', () => {
  const mutant: Mutant = { file: 'a.ts', find: 'if (x)', replace: '$&', tests: [], why: '' };
  expect(mutate('if (x) y', mutant)).toBe('$& y');
  expect(() => mutate('y', mutant)).toThrow('found 0 times');
  expect(() => mutate('if (x) if (x)', mutant)).toThrow('found 2 times');
});
