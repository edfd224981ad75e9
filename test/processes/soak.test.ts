import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@quorate/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examine, searchSecrets } from '../../scripts/soak/aftermath.ts';
import { drawing, storms } from '../../scripts/soak/plan.ts';
import { soak } from '../../scripts/soak/soak.ts';
import { Testnet } from '../../scripts/testnet/testnet.ts';
import { unlock } from './member.ts';

describe('a soak', () => {
  let folder: string;
  let net: Testnet;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quorate-soak-'));
    net = await Testnet.create({ folder, nodes: 5, config: 'stock: 0\npresignatures: 2\n' });
  });

  afterAll(async () => {
    await net?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('of one storm and a calm violates nothing, renews every key, hands one over, and repairs a share', async () => {
    const result = await soak({ net, threshold: 3, seed: 4, milliseconds: 0, faults: 5, say: () => undefined });
    expect(result.violations).toEqual([]);
    expect(result.storms).toBe(1);
    expect(result.kills).toBeGreaterThan(0);
    expect(result.cuts + result.pauses).toBeGreaterThan(0);
    expect(result.orders.done).toBeGreaterThan(0);
    expect(result.answeredAgain).toBeGreaterThan(0);
    // One key goes to four of the five, the others are dealt anew; one share is lost and given back.
    expect(result.reshares).toEqual({ 'soak-ed25519': 0, 'soak-taproot': 1, 'soak-ecdsa': 0 });
    expect(result.refreshes['soak-ed25519']).toBeGreaterThan(0);
    expect(result.refreshes['soak-ecdsa']).toBeGreaterThan(0);
    expect(result.repairs).toEqual({ 'soak-ed25519': 0, 'soak-taproot': 0, 'soak-ecdsa': 1 });
    expect(result.secretsSearched).toBe(24);
  }, 600_000);

  test('finds what is damaged, and what a log gave away', async () => {
    const [alice, bob] = net.nodes as [Testnet['nodes'][number], Testnet['nodes'][number]];
    const violations: string[] = [];
    const violated = (what: string): void => void violations.push(what);
    await examine(alice, violated);
    expect(violations).toEqual([]);

    const { home } = await unlock(bob);
    const seed = home.seed.use(toHex);
    await home.close();
    await appendFile(join(folder, 'alice.log'), `{"seed":"${seed}"}\n`);
    await searchSecrets(net, violated);
    expect(violations).toEqual([`the identity of bob is in ${join(folder, 'alice.log')}`]);

    await rm(join(alice.data, 'counter'));
    await examine(alice, violated);
    expect(violations).toEqual([expect.anything(), expect.stringContaining('counter')]);
  });
});

test('the same seed plans the same storms, another seed others', () => {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin'];
  const first = (seed: number): unknown => {
    const all = storms(seed, names);
    return [all.next().value, all.next().value];
  };
  expect(first(1)).toEqual(first(1));
  expect(first(1)).not.toEqual(first(2));
  const [storm] = storms(3, names) as Iterable<readonly { readonly fault: { readonly type: string } }[]>;
  expect(new Set(storm?.map(({ fault }) => fault.type))).toEqual(new Set(['kill', 'pause', 'cut']));
  expect(drawing(1)(10)).toBeLessThan(10);
});
