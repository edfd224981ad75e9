import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { MemoryHub } from './memory.ts';
import { keepPresence } from './presence.ts';

describe('presence', () => {
  const self = { version: '1.2.3', bootEpoch: new Uint8Array(24).fill(1) };

  test('is said every few seconds and heard by the others', () => {
    const clock = simulatedClock();
    const hub = new MemoryHub({ clock, members: ['a', 'b'].map((peer) => ({ peer, name: peer })) });
    const [a, b] = [keepPresence(hub.join('a'), clock, self), keepPresence(hub.join('b'), clock, self)];
    clock.advance(limits.presenceInterval + 2);
    expect(a.heard().get('b')).toMatchObject({
      version: '1.2.3',
      bootEpoch: self.bootEpoch,
      heard: limits.presenceInterval + 1,
    });
    a.stop();
    b.stop();
    const { heard } = b.heard().get('a') ?? {};
    clock.advance(10 * limits.presenceInterval);
    expect(b.heard().get('a')?.heard).toBe(heard);
    expect(clock.pending).toBe(0);
  });

  test('words said again, and nonsense, change nothing', () => {
    const clock = simulatedClock();
    const hub = new MemoryHub({ clock, members: ['a', 'b'].map((peer) => ({ peer, name: peer })) });
    const network = hub.join('b');
    const a = keepPresence(hub.join('a'), clock, self);
    clock.advance(2);
    let recorded = new Uint8Array(0);
    const b = keepPresence(network, clock, self);
    hub.fate = ({ from, payload }) => {
      if (from === 'b') recorded = payload.slice();
      return undefined;
    };
    clock.advance(limits.presenceInterval + 2);
    const said = a.heard().get('b');
    b.stop();
    clock.advance(100);
    network.announce('presence', recorded);
    network.announce('presence', Uint8Array.of(2, ...recorded.subarray(1)));
    network.announce('presence', new Uint8Array(0));
    clock.advance(2);
    expect(said).toBeDefined();
    expect(a.heard().get('b')).toBe(said);
  });
});
