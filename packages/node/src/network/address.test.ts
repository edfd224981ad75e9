import { assert, integer, property, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressSet, isRange, parseAddress } from './address.ts';

describe('allow-lists are exact', () => {
  test.each<[range: string, inside: string[], outside: string[]]>([
    [
      '10.0.0.1',
      ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1', '0:0:0:0:0:FFFF:0A00:0001'],
      ['10.0.0.10', '10.0.0.11', '110.0.0.1'],
    ],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['9.255.255.255', '11.0.0.0']],
    ['192.168.4.0/22', ['192.168.4.0', '192.168.7.255'], ['192.168.3.255', '192.168.8.0']],
    ['192.0.2.7/32', ['192.0.2.7'], ['192.0.2.6', '192.0.2.8']],
    ['0.0.0.0/0', ['8.8.8.8', '::ffff:8.8.8.8'], ['::1', '2001:db8::1', '::8.8.8.8']],
    ['::/0', ['::1', '2001:db8::1'], ['8.8.8.8', '::ffff:8.8.8.8']],
    ['fd00::/8', ['fdff:ffff::1', 'fe80::1%eth0'.replace('fe80', 'fd00')], ['fe00::', 'fc00::1']],
    ['2001:db8::1', ['2001:DB8:0:0::1'], ['2001:db8::10', '2001:db8::']],
  ])('%s', (range, inside, outside) => {
    const set = addressSet([range]);
    for (const address of inside) expect(set.has(address), address).toBe(true);
    for (const address of outside) expect(set.has(address), address).toBe(false);
  });

  test('an empty list admits nobody, and what is no address is in no list', () => {
    expect(addressSet([]).has('10.0.0.1')).toBe(false);
    for (const text of ['', 'localhost', '10.0.0', '10.0.0.1/32'])
      expect(addressSet(['0.0.0.0/0', '::/0']).has(text)).toBe(false);
  });

  test('IPv4 ranges agree with arithmetic', () => {
    const octets = tuple(
      integer({ min: 0, max: 255 }),
      integer({ min: 0, max: 255 }),
      integer({ min: 0, max: 255 }),
      integer({ min: 0, max: 255 }),
    );
    const value = (parts: readonly number[]): number => parts.reduce((sum, part) => sum * 256 + part, 0);
    assert(
      property(octets, octets, integer({ min: 0, max: 32 }), (network, address, prefix) => {
        const size = 2 ** (32 - prefix);
        const same = Math.floor(value(network) / size) === Math.floor(value(address) / size);
        expect(addressSet([`${network.join('.')}/${prefix}`]).has(address.join('.'))).toBe(same);
      }),
    );
  });

  test.each([
    '',
    '10.0.0.1/33',
    '10.0.0/8',
    '10.0.0.1/',
    '10.0.0.1/08',
    '10.0.0.1/8/8',
    '::1/129',
    '::ffff:10.0.0.1',
    '::ffff:10.0.0.0/104',
    'example.org',
    'fe80::1%eth0',
    '10.0.0.1-9',
  ])('%j is no range', (text) => {
    expect(isRange(text)).toBe(false);
    expect(() => addressSet([text])).toThrow(RangeError);
  });
});

describe('addresses', () => {
  test('host, port and peer are read', () => {
    const peer = '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5';
    expect(parseAddress(`/ip4/127.0.0.1/tcp/4001/p2p/${peer}`)).toEqual({ host: '127.0.0.1', port: 4001, peer });
    expect(parseAddress('/dns4/node.example/tcp/1')).toEqual({ host: 'node.example', port: 1, peer: undefined });
  });

  test.each([
    '',
    'localhost:4001',
    '/ip4/127.0.0.1',
    '/ip4/127.0.0.1/udp/4001/quic-v1',
    '/ip4/127.0.0.1/tcp/4001/ws',
    '/ip4/300.0.0.1/tcp/1',
    '/ip4/127.0.0.1/tcp/70000',
    '/unix/tmp',
    '/ip4/1.2.3.4/tcp/1/p2p/12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5/p2p-circuit',
  ])('%j is not ours to dial', (text) => expect(parseAddress(text)).toBeUndefined());
});
