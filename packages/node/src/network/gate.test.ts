import { describe, expect, test } from 'vitest';
import { dialAddresses, gateOf } from './gate.ts';

const self = 'me';
const addresses = ['/ip4/10.0.0.1/tcp/4001'];
const anywhere = { name: 'anywhere', peer: 'anywhere', addresses };
const office = { name: 'office', peer: 'office', addresses, allow: ['10.0.0.1', '192.168.0.0/16'] };
const ours = { name: 'ours', peer: self, addresses };

describe('the gate', () => {
  const gate = gateOf({ members: [anywhere, office, ours] }, self);

  test('admits members by exact PeerId', () => {
    expect(gate.admits('anywhere', '8.8.8.8')).toBe(true);
    for (const stranger of ['', 'anywher', 'anywhere2', 'ANYWHERE', '__proto__'])
      expect(gate.admits(stranger, '8.8.8.8')).toBe(false);
  });

  test('admits a member with an allow-list from there only', () => {
    expect(gate.admits('office', '10.0.0.1')).toBe(true);
    expect(gate.admits('office', '::ffff:192.168.3.4')).toBe(true);
    expect(gate.admits('office', '10.0.0.10')).toBe(false);
    expect(gate.admits('office', undefined)).toBe(false);
  });

  test('refuses ourselves', () => {
    expect(gate.admits(self, '10.0.0.1')).toBe(false);
  });

  test('before the handshake, admits an address from which some member may come', () => {
    const closed = gateOf({ members: [office] }, self);
    expect(closed.admitsAddress('192.168.1.1')).toBe(true);
    expect(closed.admitsAddress('8.8.8.8')).toBe(false);
    expect(closed.admitsAddress(undefined)).toBe(false);
    expect(gate.admitsAddress('8.8.8.8')).toBe(true);
    expect(gateOf({ members: [ours] }, self).admitsAddress('10.0.0.1')).toBe(false);
  });

  test('dials only what the roster says, with the PeerId', () => {
    expect(dialAddresses(office)).toEqual(['/ip4/10.0.0.1/tcp/4001/p2p/office']);
    expect(gate.mayDial('/ip4/10.0.0.1/tcp/4001/p2p/office')).toBe(true);
    expect(gate.mayDial('/ip4/10.0.0.1/tcp/4001')).toBe(false);
    expect(gate.mayDial('/ip4/169.254.169.254/tcp/80/p2p/office')).toBe(false);
  });
});
