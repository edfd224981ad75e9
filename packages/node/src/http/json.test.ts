import { assert, json, property } from 'fast-check';
import { expect, test } from 'vitest';
import { ServiceError } from '../service.ts';
import { parseStrictJson } from './json.ts';

const parse = (text: string | Uint8Array): unknown => parseStrictJson(Buffer.from(text as string));

test.each([
  ['a key twice', '{"a":1,"a":2}'],
  ['a key twice, once escaped', '{"a":1,"\\u0061":2}'],
  ['a key twice, deep', '[{"b":{"a":1,"a":1}}]'],
  ['__proto__', '{"__proto__":{"admin":true}}'],
  ['__proto__, escaped', '{"\\u005f_proto__":1}'],
  ['an endless number', '{"expires":1e400}'],
  ['a fraction', '{"expires":1.0}'],
  ['a number that a double does not hold', '{"expires":12345678901234567890}'],
  ['nesting', `${'['.repeat(9)}${']'.repeat(9)}`],
  ['a byte order mark', '\ufeff{}'],
  ['trailing text', '{} {}'],
  ['half a document', '{"a":'],
  ['quotes without end', `"${'\\"'.repeat(70_000)}`],
])('refuses %s', (_, text) => {
  expect(() => parse(text)).toThrow(ServiceError);
});

test('refuses what is not UTF-8', () => {
  expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow('not UTF-8');
});

test('reads keys, colons and braces within strings as text', () => {
  const value = { a: '{"a":1,"a":2}', b: [':', '1e400', '\\"', { a: 1 }, { a: -2 }], c: [true, false, null] };
  expect(parse(JSON.stringify(value))).toEqual(value);
});

test('reads whatever else JSON.parse reads, and the same', () => {
  assert(
    property(json({ maxDepth: 6 }), (text) => {
      let value: unknown;
      try {
        value = parse(text);
      } catch (error) {
        // Numbers that are no integers, and keys named __proto__, are made here too.
        expect((error as Error).message).toMatch(/plain integer|__proto__/);
        return;
      }
      expect(value).toEqual(JSON.parse(text));
    }),
  );
});
