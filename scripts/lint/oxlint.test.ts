import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { doors } from './rooms.ts';

const root = dirname(dirname(import.meta.dirname));
let house: string;

/** Lints these files, as if they stood in the repository: the rules that reject each. */
function lint(texts: ReadonlyMap<string, string>): Map<string, string[]> {
  for (const [file, text] of texts) {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    writeFileSync(join(house, file), text);
  }
  const oxlint = [join(root, 'node_modules/.bin/oxlint'), '-f', 'json', 'packages'];
  const { stdout, stderr } = spawnSync(process.execPath, oxlint, { cwd: house, encoding: 'utf8' });
  rmSync(join(house, 'packages'), { recursive: true });
  expect(stdout, stderr).toMatch(/^\{/);
  const report = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[]; number_of_files: number };
  expect(report.number_of_files).toBe(texts.size);
  const rules = (file: string): string[] =>
    report.diagnostics
      .filter(({ filename }) => filename === file)
      .map(({ code }) => code.replace(/^.*\((.*)\)$/, '$1'))
      .sort();
  return new Map([...texts.keys()].map((file) => [file, rules(file)]));
}

beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'quorate-lint-'));
  for (const file of ['package.json', 'oxlint.config.ts', 'scripts/lint/rooms.ts'])
    cpSync(join(root, file), join(house, file));
  const options = { strict: true, noEmit: true, allowImportingTsExtensions: true, types: [], lib: ['es2024', 'dom'] };
  writeFileSync(join(house, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['packages'] }));
  symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'));
});
afterAll(() => rmSync(house, { recursive: true }));

/** A rule without a row here could be deleted unnoticed. */
const violations: [rule: string, text: string][] = [
  ['no-restricted-globals', 'export const a = Date.now();'],
  ['no-restricted-globals', 'export const a = new Date();'],
  ['no-restricted-globals', 'export const a = performance.now();'],
  ['no-restricted-globals', 'setTimeout(() => undefined, 1);'],
  ['no-restricted-globals', 'setInterval(() => undefined, 1);'],
  ['no-restricted-globals', 'setImmediate(() => undefined);'],
  ['no-restricted-globals', 'queueMicrotask(() => undefined);'],
  ['no-restricted-globals', 'export const a = crypto.getRandomValues(new Uint8Array(1));'],
  ['no-restricted-globals', 'export const a = globalThis.crypto;'],
  ['no-restricted-globals', 'export const a = process.env;'],
  ['no-restricted-globals', 'console.log(1);'],
  ['no-restricted-properties', 'export const a = Math.random();'],
  ['no-restricted-properties', 'export const a = AbortSignal.timeout(1);'],
  ['no-floating-promises', 'const f = async (): Promise<void> => Promise.resolve();\nf();'],
  ['no-misused-promises', 'const f = async (): Promise<boolean> => true;\nif (f()) throw new Error("a");'],
  ['await-thenable', 'export const f = async (): Promise<number> => await 1;'],
  ['switch-exhaustiveness-check', 'export const f = (a: 1 | 2): void => {\n  switch (a) {\n    case 1:\n  }\n};'],
  ['only-throw-error', 'throw "a";'],
  [
    'return-await',
    'export const f = async (p: Promise<void>): Promise<void> => {\n  try {\n    return p;\n  } catch {}\n};',
  ],
  ['no-explicit-any', 'export type A = any;'],
];

test('each planted violation is rejected by its rule', () => {
  const file = (index: number): string => `packages/protocol/src/frost/planted${index}.ts`;
  const found = lint(new Map(violations.map(([, text], index) => [file(index), text])));
  for (const [index, [rule, text]] of violations.entries()) expect(found.get(file(index)), text).toContain(rule);
});

test('the three packages are inside, the doors and tests are not', () => {
  const text = 'export const a = Date.now() + Math.random();';
  const inside = ['protocol/src/frost/a.ts', 'storage/src/keys/a.ts', 'node/src/policy/a.ts'].map(
    (p) => `packages/${p}`,
  );
  const outside = [...doors, 'packages/node/src/policy/a.test.ts'].map((p) => (p.endsWith('/') ? `${p}a.ts` : p));
  const found = lint(new Map([...inside, ...outside].map((file) => [file, text])));
  for (const file of inside) expect(found.get(file)).toEqual(['no-restricted-globals', 'no-restricted-properties']);
  for (const file of outside) expect(found.get(file)).toEqual([]);
});

test('a circle of imports is rejected', () => {
  const [a, b] = ['packages/protocol/src/frost/a.ts', 'packages/protocol/src/frost/b.ts'] as const;
  const texts = new Map([
    [a, `import { b } from './b.ts';\nexport const a = (): number => b();\n`],
    [b, `import { a } from './a.ts';\nexport const b = (): number => a();\n`],
  ]);
  expect(lint(texts)).toEqual(
    new Map([
      [a, ['no-cycle']],
      [b, ['no-cycle']],
    ]),
  );
});
