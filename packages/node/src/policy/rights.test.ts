import { pureNodeKey, toHex } from '@quorate/protocol';
import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Client } from '../config/file.ts';
import { clientOf, matches, mayAsk } from './rights.ts';

const letters = string({ unit: constantFrom('a', 'b', '.', '-', '*'), maxLength: 12 });

/** What the pattern means, by another way. */
function byExpression(pattern: string, text: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\-]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${expression}$`, 's').test(text);
}

describe('a pattern', () => {
  test('means any characters by a star, and itself otherwise', () => {
    assert(
      property(letters, letters, (pattern, text) => {
        expect(matches(pattern, text)).toBe(byExpression(pattern, text));
      }),
      { numRuns: 5_000 },
    );
  });

  test('that was made from a text matches it', () => {
    assert(
      property(array(letters, { minLength: 1 }), (parts) => {
        expect(matches(parts.join('*'), parts.join('x'))).toBe(true);
      }),
    );
  });

  test.for([
    ['*', '', true],
    ['*', 'anything', true],
    ['', '', true],
    ['', 'x', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['treasury', 'treasury-2', false],
    ['treasury*', 'treasury-2', true],
    ['*-hot', 'treasury-hot', true],
    ['*-hot', 'treasury-hotter', false],
    ['a*b*c', 'a-c-b', false],
    ['a*b*c', 'a-b-c', true],
    ['Treasury', 'treasury', false],
    ['tre.sury', 'treasury', false],
  ] as const)('%j on %j: %s', ([pattern, text, expected]) => {
    expect(matches(pattern, text)).toBe(expected);
  });
});

describe('rights', () => {
  const key = pureNodeKey(new Uint8Array(32).fill(1)).publicKey;
  const client: Client = {
    name: 'till',
    publicKey: toHex(key),
    rights: [
      { keys: ['hot-*'], purposes: ['payments'], actions: ['sign'] },
      { keys: ['cold'], purposes: ['*'], actions: ['sign', 'sign-raw'] },
    ],
  };

  test.for([
    ['hot-1', 'payments', 'sign', true],
    ['hot-1', 'payments', 'sign-raw', false],
    ['hot-1', 'payroll', 'sign', false],
    ['cold', 'payroll', 'sign-raw', true],
    ['other', 'payments', 'sign', false],
  ] as const)('are of one line together: %s for %s, %s: %s', ([name, purpose, action, expected]) => {
    expect(mayAsk(client, name, purpose, action)).toBe(expected);
  });

  test('belong to the exact public key', () => {
    expect(clientOf(key, [client])).toBe(client);
    expect(clientOf(key.with(0, (key[0] as number) ^ 1), [client])).toBeUndefined();
    expect(clientOf(key, [])).toBeUndefined();
  });
});
