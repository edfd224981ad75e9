import { expect, test } from 'vitest';
import { PeerLocks } from './peer-locks.ts';

/** Lets every promise that can settle do so. */
const settled = async (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, passed: promise };
}

test('two holders of one peer never work at once, in the order in which they came; others do not wait', async () => {
  const locks = new PeerLocks();
  const [first, second] = [gate(), gate()];
  const log: string[] = [];
  const work = (name: string, until: Promise<void>) => async (): Promise<void> => {
    log.push(`${name} begins`);
    await until;
    log.push(`${name} ends`);
  };
  const all = [
    locks.hold(['bob', 'carol'], work('one', first.passed)),
    locks.hold(['bob', 'dave'], work('two', second.passed)),
    locks.hold(['erin'], work('three', Promise.resolve())),
    locks.hold(['bob'], work('four', Promise.resolve())),
  ];
  await settled();
  expect(log.toSorted()).toEqual(['one begins', 'three begins', 'three ends']);
  first.open();
  await settled();
  expect(log.slice(3)).toEqual(['one ends', 'two begins']);
  second.open();
  await Promise.all(all);
  expect(log.slice(5)).toEqual(['two ends', 'four begins', 'four ends']);
});

test('work that fails lets go of its peers', async () => {
  const locks = new PeerLocks();
  await expect(locks.hold(['bob'], async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await locks.hold(['bob', 'bob'], async () => 'next')).toBe('next');
});

test('holders that want the same peers in another order do not wait for each other', async () => {
  const locks = new PeerLocks();
  const both = Array.from({ length: 50 }, (_, i) =>
    locks.hold(i % 2 === 0 ? ['bob', 'carol', 'dave'] : ['dave', 'bob'], settled),
  );
  await Promise.all(both);
  expect(both).toHaveLength(50);
});
