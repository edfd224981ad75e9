import { describe, expect, test } from 'vitest';
import { seedsOf, tryAll } from './many.ts';
import { type ProtocolName, protocols } from './plan.ts';
import { regressions } from './regressions.ts';

/** Seeds of a protocol in toy cryptography; `simulate.long.test.ts` runs many more. Those of `restore` take longest. */
const seedsIn = (protocol: ProtocolName): number => (protocol === 'restore' ? 500 : 2_000);
const longest = 20 * 60_000;

/** What must happen in some run of a protocol: else the runs say little. */
const sometimes: Readonly<Record<ProtocolName, readonly string[]>> = {
  keygen: [
    'crash in a session (keygen)',
    'failed: cheated (keygen)',
    'conflicting READY noticed',
    'torn batch',
    'fail-stop',
  ],
  sign: [
    'crash in a session (sign)',
    'another attempt (sign)',
    'blame on the disk',
    'share-restored',
    'copy-restored',
    'a presignature is used',
  ],
  refresh: ['crash between prepare and certificate', 'shredded', 'failed: cheated (renew)', 'destroyed by a bit flip'],
  reshare: [
    'done (renew)',
    'a key that is elsewhere',
    'shredded by one who left',
    'left a committee',
    'replaced a member',
  ],
  repair: ['lost its share', 'has its share again', 'done (repair)', 'crash in a session (repair)'],
  mixed: ['flapping partition', 'one-way partition', 'clock jump', 'crash in a session (renew)'],
  restore: [
    'put back, and found out',
    'put back to what the others know',
    'two of one identity are found out',
    'lost its share',
  ],
};

describe('whole committees under simulation', () => {
  test.for(protocols)(
    '%s: no seed violates anything, and rare things happen',
    { timeout: longest },
    async (protocol) => {
      const cases = [...seedsOf(seedsIn(protocol), { protocol })];
      const { complaints, tally } = await tryAll(cases);
      expect(complaints).toEqual([]);
      expect(tally.runs).toBe(cases.length);
      expect(sometimes[protocol].filter((what) => !tally.reached.has(what))).toEqual([]);
    },
  );

  test('with real FROST', { timeout: longest }, async () => {
    const cases = protocols.flatMap((protocol) => [...seedsOf(50, { protocol, isReal: true })]);
    expect((await tryAll(cases)).complaints).toEqual([]);
  });

  test('with real threshold ECDSA', { timeout: longest }, async () => {
    const cases = seedsOf(20, { protocol: 'sign', isReal: true, scheme: 'ecdsa' });
    expect((await tryAll(cases)).complaints).toEqual([]);
  });

  test('what failed once fails no more', { timeout: longest }, async () => {
    expect((await tryAll(regressions.map(({ run }) => run))).complaints).toEqual([]);
  });
});
