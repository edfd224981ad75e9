import { fromHex, Secret, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { simulatedClock } from '../clock.ts';
import type { Files } from '../files.ts';
import { identityOf } from '../network/identity.ts';
import { rosterHash } from '../network/roster.ts';
import { ConfigError } from './document.ts';
import { parseRoster, type RosterChange, watchRoster } from './roster.ts';

const peer = (n: number): string => identityOf(new Secret(fromHex(n.toString(16).padStart(64, '0')))).peer;
const [a, b] = [peer(1), peer(2)];

const two = `members:
  - name: alice
    peer: ${a}
    addresses: [/ip4/10.0.0.1/tcp/4001]
    region: eu-west
    allow: [10.0.0.0/24, '2001:db8::1']
  - name: bob
    peer: ${b}
    addresses: [/dns4/bob.example/tcp/4001/p2p/${b}]
`;

function firstProblem(text: string) {
  try {
    parseRoster(text, 'roster.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return { code: error.code, ...error.problems[0] };
  }
  throw new Error('nothing was refused');
}

describe('a roster', () => {
  test('is read', () => {
    expect(parseRoster(two, 'roster.yaml').members).toEqual([
      {
        name: 'alice',
        peer: a,
        addresses: ['/ip4/10.0.0.1/tcp/4001'],
        region: 'eu-west',
        allow: ['10.0.0.0/24', '2001:db8::1'],
      },
      { name: 'bob', peer: b, addresses: [`/dns4/bob.example/tcp/4001/p2p/${b}`] },
    ]);
  });

  test.each<[name: string, from: string, to: string, line: number, problem: RegExp]>([
    ['the same name twice', 'name: bob', 'name: alice', 7, /members\.1\.name: appears twice/],
    ['the same peer twice', `peer: ${a}`, `peer: ${b}`, 8, /members\.1\.peer: appears twice/],
    ['a PeerId that is none', `peer: ${b}`, 'peer: bob', 8, /members\.1\.peer: not an Ed25519 PeerId/],
    ['an address that names another peer', `/p2p/${b}`, `/p2p/${a}`, 9, /names another peer/],
    ['an address that is none', '/ip4/10.0.0.1/tcp/4001', '10.0.0.1:4001', 4, /not an address/],
    ['an address over UDP', '/ip4/10.0.0.1/tcp/4001', '/ip4/10.0.0.1/udp/4001', 4, /not an address/],
    ['a range that is none', '10.0.0.0/24', '10.0.0.0/33', 6, /not an address range/],
    ['an empty allow-list', "[10.0.0.0/24, '2001:db8::1']", '[]', 6, /allow: empty/],
    ['no addresses', '[/ip4/10.0.0.1/tcp/4001]', '[]', 4, /addresses: empty/],
    ['an unknown key', 'region', 'regoin', 5, /regoin is not a known key/],
  ])('%s is refused with its line', (_name, from, to, line, problem) => {
    expect(firstProblem(two.replace(from, to))).toMatchObject({
      code: 'roster-invalid',
      file: 'roster.yaml',
      line,
      problem: expect.stringMatching(problem),
    });
  });

  test('its hash is that of its meaning, not of its spelling', () => {
    const roster = parseRoster(two, 'roster.yaml');
    const [first, second] = roster.members;
    if (first === undefined || second === undefined) throw new Error('two members');
    const same = { members: [second, { ...first, allow: [...(first.allow ?? [])].reverse() }] };
    expect(toHex(rosterHash(same))).toBe(toHex(rosterHash(roster)));
    expect(toHex(rosterHash(roster))).toMatchInlineSnapshot(
      `"93a26f2fa9f3446a4c36b25250246af8c86d5bf0b107928d18cc36b516027e99"`,
    );
    const others = [
      { members: [first] },
      { members: [first, { ...second, name: 'bert' }] },
      { members: [{ ...first, region: undefined }, second] },
      { members: [{ ...first, allow: undefined }, second] },
      { members: [{ ...first, addresses: [...first.addresses, '/ip4/10.0.0.2/tcp/1'] }, second] },
    ];
    const hashes = new Set([roster, ...others].map((one) => toHex(rosterHash(one))));
    expect(hashes.size).toBe(others.length + 1);
  });
});

describe('watching a roster', () => {
  test('reports each change once, keeps quiet about the rest, and says why a bad file is not taken', () => {
    const clock = simulatedClock();
    let content: string | undefined = two;
    const files: Pick<Files, 'read' | 'stamp'> = {
      read: () => new TextEncoder().encode(content),
      stamp: () => content,
    };
    const seen: RosterChange[] = [];
    const stop = watchRoster('roster.yaml', clock, (change) => seen.push(change), files);
    clock.advance(10_000);
    expect(seen).toEqual([]);
    content = two.replace('bob', 'bert');
    clock.advance(10_000);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ roster: { members: [{ name: 'alice' }, { name: 'bert' }] } });
    content = 'members: 7';
    clock.advance(10_000);
    expect(seen[1]).toMatchObject({ error: { code: 'roster-invalid' } });
    stop();
    content = two;
    clock.advance(10_000);
    expect(seen).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });
});
