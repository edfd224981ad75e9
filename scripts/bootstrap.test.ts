import { globSync, readFileSync } from 'node:fs';
import { parse } from 'acorn';
import { expect, test } from 'vitest';

const files = ['scripts/bootstrap.mjs', ...globSync('scripts/toolchain/*.mjs')];

test('the bootstrap speaks the syntax of Node 14 and imports nothing that has to be installed', () => {
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const program = parse(text, { ecmaVersion: 2020, sourceType: 'module' });
    const imports = program.body.flatMap((node) => (node.type === 'ImportDeclaration' ? [node.source.value] : []));
    for (const specifier of imports) expect(specifier, file).toMatch(/^(node:|\.\.?\/.*\.mjs$)/);
  }
});

test('the syntax check is awake', () => {
  expect(() => parse('a ??= b', { ecmaVersion: 2020, sourceType: 'module' })).toThrow('Unexpected token');
});
