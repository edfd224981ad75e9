import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { Early } from './early.ts';

describe('what came early', () => {
  test('is handed over once, in order, to whoever asks for its topic', () => {
    const early = new Early<string>(simulatedClock());
    early.keep('alice', 'a', 'one', 1);
    early.keep('bob', 'a', 'two', 1);
    early.keep('alice', 'b', 'other', 1);
    early.keep('alice', 'a', 'three', 1);
    expect(early.take('a')).toEqual([
      { peer: 'alice', item: 'one' },
      { peer: 'alice', item: 'three' },
      { peer: 'bob', item: 'two' },
    ]);
    expect(early.take('a')).toEqual([]);
    expect(early.take('b')).toEqual([{ peer: 'alice', item: 'other' }]);
  });

  test('is forgotten after a while, and makes room', () => {
    const clock = simulatedClock();
    const early = new Early<number>(clock);
    for (let i = 0; i < limits.earlyFrames; i++) early.keep('alice', 'a', i, 1);
    clock.advance(limits.earlyLife);
    early.keep('alice', 'b', 1, 1);
    expect(early.take('a')).toEqual([]);
    expect(early.take('b')).toEqual([{ peer: 'alice', item: 1 }]);
  });

  test('is bounded in number and bytes, for each peer by itself', () => {
    const early = new Early<number>(simulatedClock());
    for (let i = 0; i < 2 * limits.earlyFrames; i++) early.keep('alice', 'a', i, 1);
    early.keep('bob', 'a', 1, limits.earlyBytes);
    early.keep('bob', 'a', 2, 1);
    const taken = early.take('a');
    expect(taken.filter(({ peer }) => peer === 'alice').length).toBe(limits.earlyFrames);
    expect(taken.filter(({ peer }) => peer === 'bob')).toEqual([{ peer: 'bob', item: 1 }]);
  });

  test('is bounded in all, and leaves everyone a share that others cannot take', () => {
    const clock = simulatedClock();
    const early = new Early<number>(clock);
    const liars = Array.from({ length: 40 }, (_, i) => `liar ${i}`);
    for (const liar of liars) early.keep(liar, 'a', 1, limits.earlyBytes);
    early.keep('alice', 'a', 1, limits.earlyShare);
    early.keep('alice', 'a', 2, 1);
    const taken = early.take('a');
    expect(taken.filter(({ peer }) => peer !== 'alice')).toHaveLength(limits.earlyBytesInAll / limits.earlyBytes);
    expect(taken.filter(({ peer }) => peer === 'alice')).toEqual([{ peer: 'alice', item: 1 }]);
    // What is out of date counts no more.
    for (const liar of liars) early.keep(liar, 'a', 1, limits.earlyBytes);
    clock.advance(limits.earlyLife);
    early.keep('alice', 'b', 3, limits.earlyBytes);
    expect(early.take('b')).toEqual([{ peer: 'alice', item: 3 }]);
  });
});
