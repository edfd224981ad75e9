import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import { limits } from '../limits.ts';
import { MemoryHub } from './memory.ts';
import type { Network } from './network.ts';

const members = ['a', 'b', 'c'].map((peer) => ({ peer, name: `node ${peer}` }));

function start() {
  const clock = simulatedClock();
  const hub = new MemoryHub({ clock, members });
  const log: string[] = [];
  const join = (peer: string): Network => {
    const network = hub.join(peer);
    network.onFrame((from, frame) => log.push(`${from}>${peer}:${frame.join()}`));
    network.onPeer((other, up) => log.push(`${peer}${up ? '+' : '-'}${other}`));
    network.onAnnouncement('requests', (from, payload) => log.push(`${from}!${peer}:${payload.join()}`));
    return network;
  };
  const [a, b, c] = [join('a'), join('b'), join('c')];
  clock.advance(5);
  return { clock, hub, log, join, a, b, c };
}

describe('the network in memory', () => {
  test('connects all, and carries frames and announcements in order after the latency', async () => {
    const { clock, log, a, b } = start();
    expect([...log].sort()).toEqual(['a+b', 'a+c', 'b+a', 'b+c', 'c+a', 'c+b']);
    expect(a.peers().get('b')).toMatchObject({ name: 'node b', connected: true, roundTrip: 2 });
    log.length = 0;
    await a.send('b', Uint8Array.of(1));
    await a.send('b', Uint8Array.of(2));
    b.announce('requests', Uint8Array.of(3));
    expect(log).toEqual([]);
    clock.advance(1);
    expect(log).toEqual(['a>b:1', 'a>b:2', 'b!a:3', 'b!c:3']);
  });

  test('a frame is a copy on both ends', async () => {
    const { clock, log, a } = start();
    const frame = Uint8Array.of(1);
    await a.send('b', frame);
    frame[0] = 9;
    clock.advance(1);
    expect(log.at(-1)).toBe('a>b:1');
  });

  test('has the limits of the real one', async () => {
    const { a, hub } = start();
    await expect(a.send('b', new Uint8Array(limits.frameBytes + 1))).rejects.toMatchObject({ code: 'frame-too-large' });
    expect(() => a.announce('requests', new Uint8Array(limits.announcementBytes + 1))).toThrow(/announcement/);
    expect(() => hub.join('a')).toThrow(RangeError);
    expect(() => hub.join('stranger')).toThrow(RangeError);
  });

  test('drops, delays in order, and duplicates on demand', async () => {
    const { clock, hub, log, a } = start();
    log.length = 0;
    hub.fate = ({ payload: [first] }) => (first === 1 ? { delay: 100 } : first === 2 ? { drop: true } : { copies: 2 });
    for (const value of [1, 2, 3]) await a.send('b', Uint8Array.of(value));
    clock.advance(50);
    expect(log).toEqual([]);
    clock.advance(51);
    expect(log).toEqual(['a>b:1', 'a>b:3', 'a>b:3']);
  });

  test('a partition loses what is on the way, is told to both, and heals', async () => {
    const { clock, hub, log, a } = start();
    log.length = 0;
    hub.fate = () => ({ delay: 10 });
    await a.send('b', Uint8Array.of(1));
    hub.partition(['a'], ['b', 'c']);
    clock.advance(50);
    expect([...log].sort()).toEqual(['a-b', 'a-c', 'b-a', 'c-a']);
    await expect(a.send('b', Uint8Array.of(2))).rejects.toMatchObject({ code: 'peer-unavailable' });
    log.length = 0;
    hub.heal();
    clock.advance(50);
    expect([...log].sort()).toEqual(['a+b', 'a+c', 'b+a', 'c+a']);
  });

  test('a restart is seen as a loss and a return, and brings nothing along', async () => {
    const { clock, hub, log, join, a, b } = start();
    log.length = 0;
    hub.fate = () => ({ delay: 10 });
    await a.send('b', Uint8Array.of(1));
    await b.close();
    join('b');
    clock.advance(50);
    expect(log.filter((line) => line.startsWith('a'))).toEqual(['a-b', 'a+b']);
    expect(log).not.toContain('a>b:1');
  });
});
