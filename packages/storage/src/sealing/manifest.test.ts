import { setImmediate } from 'node:timers/promises';
import { ascii, equal, toHex } from '@quorate/protocol';
import { assert, asyncProperty, constantFrom, record, uniqueArray } from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { collect, flipped, keyFileRoot, keyring, owner, sealer } from '../../test/fixtures.ts';
import { fill, type Survey, survey, verdict } from '../../test/node-data.ts';
import { SessionLedger } from '../ledger/sessions.ts';
import { limits } from '../limits.ts';
import { MemoryStore } from '../memory.ts';
import type { StoreOperation } from '../store.ts';
import { openKeyring } from './hierarchy.ts';
import { groupOf, places } from './places.ts';

type Snapshot = ReadonlyMap<string, Uint8Array>;

/** The disk of a node that lived, at several moments, the last one at the end. */
let moments: readonly { readonly records: Snapshot; readonly files: Snapshot }[];
let truth: Survey;

beforeAll(async () => {
  const store = new MemoryStore();
  const seen: { records: Snapshot; files: Snapshot }[] = [];
  const snapshot = async (): Promise<void> => {
    seen.push({ records: new Map(await collect(store.entries(''))), files: new Map(store.beside.files) });
  };
  await fill(store, snapshot);
  await snapshot();
  moments = seen;
  truth = await survey(disk());
});

const last = (): { readonly records: Snapshot; readonly files: Snapshot } => {
  const found = moments.at(-1);
  if (found === undefined) throw new Error('a node lived');
  return found;
};

function disk(changes: Iterable<readonly [string, Uint8Array | undefined]> = [], files = last().files): MemoryStore {
  const records = new Map(last().records);
  for (const [place, value] of changes) {
    if (value === undefined) records.delete(place);
    else records.set(place, value);
  }
  return new MemoryStore(records, files);
}

/** What an earlier moment had at places where there is something else now, or nothing. */
function older(): readonly (readonly [string, Uint8Array])[] {
  const found = new Map<string, readonly [string, Uint8Array]>();
  for (const { records } of moments) {
    for (const [place, value] of records) {
      const now = last().records.get(place);
      if (now === undefined || toHex(now) !== toHex(value))
        found.set(`${place} ${toHex(value.subarray(0, 65))}`, [place, value]);
    }
  }
  return [...found.values()];
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && equal(a, b));
const isAudit = (place: string): boolean => place.startsWith('audit/');

describe('an attacker who has the disk and no key', () => {
  test('finds records of every kind there', () => {
    const kinds = new Set(
      [...last().records.keys()].map((place) => places.find(({ prefix }) => place.startsWith(prefix))),
    );
    expect(places.filter((place) => !kinds.has(place))).toEqual([]);
    expect(verdict(truth, truth)).toBe('harmless');
    expect('refused' in truth).toBe(false);
  });

  test('removes no record unnoticed, whichever it is', async () => {
    for (const place of last().records.keys())
      expect([place, verdict(truth, await survey(disk([[place, undefined]])))]).not.toEqual([place, 'harmless']);
  });

  test('brings back no earlier version of a record, and no record that was removed', async () => {
    expect(older().length).toBeGreaterThan(30);
    for (const [place, value] of older())
      expect([place, verdict(truth, await survey(disk([[place, value]])))]).not.toEqual([place, 'harmless']);
  });

  test('exchanges no two records of a kind', async () => {
    const all = [...last().records];
    for (const { prefix } of places) {
      const same = all.filter(([place]) => place.startsWith(prefix) && prefix.endsWith('/'));
      for (const [i, [a, one]] of same.entries()) {
        const [b, two] = same[(i + 1) % same.length] as [string, Uint8Array];
        if (a !== b)
          expect([
            a,
            verdict(
              truth,
              await survey(
                disk([
                  [a, two],
                  [b, one],
                ]),
              ),
            ),
          ]).not.toEqual([a, 'harmless']);
      }
    }
  });

  test('removes and brings back no set of records unnoticed, nor with the pages or the root of their time', async () => {
    const attack = record({
      removed: uniqueArray(constantFrom(...[...last().records.keys()].filter((place) => !isAudit(place))), {
        maxLength: 4,
      }),
      replayed: uniqueArray(constantFrom(...older().keys()), { maxLength: 6 }),
      moment: constantFrom(...moments.slice(0, -1)),
      whole: uniqueArray(
        constantFrom(
          'keys/',
          'epochs/',
          'data-keys/',
          'shares/',
          'material/',
          'bans/',
          'sessions/',
          'pages/',
          'manifest',
          'marks/',
          'boot',
        ),
      ),
    });
    await assert(
      asyncProperty(attack, async ({ removed, replayed, moment, whole }) => {
        const there = new Map<string, Uint8Array | undefined>(removed.map((place) => [place, undefined]));
        for (const i of replayed) there.set(...(older()[i] as readonly [string, Uint8Array]));
        for (const prefix of whole) {
          for (const place of last().records.keys()) if (place.startsWith(prefix)) there.set(place, undefined);
          for (const [place, value] of moment.records) if (place.startsWith(prefix)) there.set(place, value);
        }
        const isAsItWas = [...there].every(([place, value]) => same(value, last().records.get(place)));
        expect(verdict(truth, await survey(disk(there))) === 'harmless').toBe(isAsItWas);
      }),
      { numRuns: 150 },
    );
  });

  test('brings back no group of records with the page of its time', async () => {
    const groups = new Set([...last().records.keys()].flatMap((place) => groupOf(place) ?? []));
    let tried = 0;
    for (const { records } of moments.slice(0, -1)) {
      for (const group of groups) {
        const isOf = (place: string): boolean => place === `pages/${group}` || groupOf(place) === group;
        const there = new Map<string, Uint8Array | undefined>(
          [...last().records.keys()].filter(isOf).map((place) => [place, undefined]),
        );
        for (const [place, value] of records) if (isOf(place)) there.set(place, value);
        if ([...there].every(([place, value]) => same(value, last().records.get(place)))) continue;
        expect([group, verdict(truth, await survey(disk(there)))]).toEqual([group, 'detected']);
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(10);
  });

  test('adds no record of a key that never was without its being told', async () => {
    const [place, value] = [...last().records].find(([place]) => place.startsWith('shares/')) as [string, Uint8Array];
    const stranger = place.replace(/[0-9a-f]{64}/, 'ab'.repeat(32));
    expect(await survey(disk([[stranger, value]]))).toMatchObject({ findings: ['key-quarantined'] });
  });

  test('cannot put an older store in its place', async () => {
    for (const { records } of moments.slice(0, -1))
      expect(await survey(new MemoryStore(records, last().files))).toEqual({ refused: 'rolled-back' });
    // With the counter of its time, all of it is as it was: that is for its peers to notice.
    for (const { records, files } of moments.slice(0, -1))
      expect(await survey(new MemoryStore(records, files))).not.toHaveProperty('refused');
  });
});

/** The store, with a disk on which each batch takes a turn of the event loop before anything of it is there. */
function slow(store: MemoryStore): MemoryStore {
  const batch = store.batch.bind(store);
  return Object.assign(store, {
    batch: async (...given: Parameters<typeof batch>) => {
      await setImmediate();
      await batch(...given);
    },
  });
}

describe('a ledger', () => {
  const tombstones = (count: number): readonly (readonly [string, Uint8Array])[] =>
    Array.from(
      { length: count },
      (_, i) => [`sessions/${toHex(sidOf(i))}/shares`, Uint8Array.of(1, i & 0xff)] as const,
    );
  const sidOf = (i: number): Uint8Array => Uint8Array.of(i & 0xff, i >> 8, ...new Uint8Array(30));

  async function large(): Promise<MemoryStore> {
    const store = new MemoryStore();
    const { records } = await keyring(store);
    const all = tombstones(limits.ledgerScan + 1).map(
      ([place, bytes]): StoreOperation => records.seal(place, 'session', bytes),
    );
    await records.batch(all);
    return store;
  }

  test('that has grown is not read at the start, and nothing is said to be absent from it unchecked', async () => {
    const store = await large();
    const [lost, kept] = [`sessions/${toHex(sidOf(7))}/shares`, `sessions/${toHex(sidOf(8))}/shares`];
    await store.batch([{ type: 'delete', key: lost }]);
    const { manifest, records } = await openKeyring(store, keyFileRoot(), owner, sealer('x'));
    expect(await records.get(kept, 'session')).toEqual(Uint8Array.of(1, 8));
    // Of the page of the lost one every absence is doubtful, of the others none.
    const sessions = new SessionLedger(records);
    const spend = async (sid: Uint8Array): Promise<void> =>
      sessions.spend({ sid, round: 'shares', digest: new Uint8Array(32) });
    await spend(sidOf(8).with(31, 1));
    await expect(spend(sidOf(7))).rejects.toMatchObject({ code: 'record-damaged', place: 'sessions/07' });
    await expect(spend(sidOf(7).with(31, 1))).rejects.toMatchObject({ code: 'record-damaged', reason: 'incomplete' });
    expect(await manifest.checkAll()).toEqual(['sessions/07']);
  });

  test('is checked while it is written to', async () => {
    const store = await large();
    const { records } = await openKeyring(store, keyFileRoot(), owner, sealer('x'));
    const sessions = new SessionLedger(records);
    const spend = async (i: number): Promise<void> =>
      sessions.spend({ sid: sidOf(7).with(31, i), round: 'shares', digest: new Uint8Array(32) });
    await Promise.all([1, 2, 3].map(spend));
    await expect(spend(2)).rejects.toMatchObject({ code: 'session-spent' });
    await expect(openKeyring(store, keyFileRoot(), owner, sealer('y'))).resolves.toBeDefined();
  });

  test('is checked as it is, not as it will be when what is under way is on the disk', async () => {
    const { records } = await openKeyring(slow(await large()), keyFileRoot(), owner, sealer('x'));
    const [fresh, absent] = [1, 2].map((i) => `sessions/${toHex(sidOf(7).with(31, i))}/shares`) as [string, string];
    const writing = records.put(fresh, 'session', ascii('x'));
    expect(await records.get(absent, 'session')).toBeUndefined();
    await writing;
  });

  test('that is small is checked when the store is opened', async () => {
    const [place] = [...last().records.keys()].filter((one) => one.startsWith('results/')) as [string];
    const opening = openKeyring(disk([[place, undefined]]), keyFileRoot(), owner, sealer('x'));
    await expect(opening).rejects.toMatchObject({ code: 'record-damaged', place: place.slice(0, 'results/00'.length) });
  });

  test('forgets nothing', async () => {
    const { records } = await keyring(new MemoryStore());
    await records.put('sessions/00', 'session', ascii('x'));
    await expect(records.batch([{ type: 'delete', key: 'sessions/00' }])).rejects.toThrow(RangeError);
  });
});

describe('the manifest itself', () => {
  const places = (): readonly string[] =>
    [...last().records.keys()].filter((one) => /^(?:pages\/|manifest$)/.test(one));
  const flippedAt = (place: string): Uint8Array => flipped(last().records.get(place) as Uint8Array, 8 * 70);

  test('is made anew where its root or any of its pages is damaged or gone, once the rest proves it, and that is told', async () => {
    expect(places().length).toBeGreaterThan(10);
    for (const place of places()) {
      for (const value of [undefined, flippedAt(place)]) {
        const store = disk([[place, value]]);
        const keyring = await openKeyring(store, keyFileRoot(), owner, sealer('restoring'));
        expect(keyring.manifest.restored(), place).toEqual([place]);
        expect(
          verdict(truth, await survey(new MemoryStore(new Map(await collect(store.entries(''))), store.beside.files))),
        ).toBe('harmless');
        expect(verdict(truth, await survey(disk([[place, value]]))), place).toBe('healed');
      }
    }
  });

  test('is made anew even where nothing of it is left', async () => {
    const gone = places().filter((one) => !one.startsWith('pages/pairs/'));
    expect(verdict(truth, await survey(disk(gone.map((place) => [place, undefined]))))).toBe('healed');
    expect(verdict(truth, await survey(disk(gone.map((place) => [place, flippedAt(place)]))))).toBe('healed');
  });

  test('is not made anew where a record is missing too, or is an older one, or the counter is behind', async () => {
    const old = older().filter(([place]) => !/^(?:audit|pages|manifest|material)/.test(place));
    for (const page of places()) {
      for (const [place, value] of old.filter((_, i) => i % 5 === 0))
        expect([
          page,
          place,
          await survey(
            disk([
              [page, undefined],
              [place, value],
            ]),
          ),
        ]).toMatchObject([page, place, page === 'manifest' ? expect.anything() : { refused: 'record-damaged' }]);
      const behind = moments.at(-2)?.files;
      expect(
        await survey(
          disk(
            [
              [page, undefined],
              ['boot', undefined],
            ],
            behind,
          ),
        ),
      ).toHaveProperty('refused');
    }
    const behind = moments.at(-2)?.files;
    expect(await survey(disk([['manifest', undefined]], behind))).toEqual({ refused: 'record-damaged' });
    expect(await survey(disk([['manifest', undefined]], new Map()))).toEqual({ refused: 'record-damaged' });
  });
});

describe('a record that only an iteration finds', () => {
  test('is not said to be absent', async () => {
    const store = new MemoryStore();
    const { records } = await keyring(store);
    await new SessionLedger(records).spend({ sid: new Uint8Array(32), round: 'a', digest: new Uint8Array(32) });
    const again = store.kill();
    const sessions = new SessionLedger((await openKeyring(again, keyFileRoot(), owner, sealer('again'))).records);
    const get = again.get.bind(again);
    Object.assign(again, { get: async (key: string) => (key.startsWith('sessions/') ? undefined : get(key)) });
    const spending = sessions.spend({ sid: new Uint8Array(32), round: 'a', digest: new Uint8Array(32) });
    await expect(spending).rejects.toMatchObject({ code: 'record-damaged' });
    expect(again.writes).toBe(0);
  });
});

describe('the manifest', () => {
  test('rides with each batch, in one write', async () => {
    const store = new MemoryStore();
    const { records, manifest } = await keyring(store);
    const before = [store.writes, manifest.number];
    await Promise.all([1, 2, 3].map(async (i) => records.put(`bans/${i}`, 'ban', ascii('x'))));
    expect([store.writes, manifest.number]).toEqual([(before[0] as number) + 2, (before[1] as number) + 3]);
  });

  test('takes a record for damaged that changes behind its back, and not one that is being written', async () => {
    const store = slow(new MemoryStore());
    const { records } = await keyring(store);
    await records.put('bans/1', 'ban', ascii('first'));
    const old = (await store.get('bans/1')) as Uint8Array;
    const writing = records.put('bans/1', 'ban', ascii('second'));
    const read = await records.get('bans/1', 'ban');
    expect([ascii('first'), ascii('second')]).toContainEqual(read);
    await writing;
    await store.batch([{ type: 'put', key: 'bans/1', value: old }]);
    await expect(records.get('bans/1', 'ban')).rejects.toMatchObject({ place: 'bans/1', reason: 'outdated' });
    await store.batch([{ type: 'put', key: 'bans/2', value: old }]);
    await expect(records.get('bans/2', 'ban')).rejects.toMatchObject({ reason: 'outdated' });
    await store.batch([{ type: 'delete', key: 'bans/1' }]);
    await expect(records.get('bans/1', 'ban')).rejects.toMatchObject({ reason: 'missing' });
  });

  test('knows every place, so that nothing is kept that nobody checks', async () => {
    const { records } = await keyring(new MemoryStore());
    await expect(records.put('notes/1', 'note', ascii('x'))).rejects.toThrow(RangeError);
  });

  test('and its pages are laid out as documented', async () => {
    const store = new MemoryStore();
    const { records } = await keyring(store);
    await records.put('bans/1', 'ban', ascii('x'));
    const sealed = [(await store.get('manifest')) as Uint8Array, (await store.get('pages/node')) as Uint8Array];
    await expect(sealed.map(toHex).join('\n')).toMatchFileSnapshot('golden/manifest.hex');
  });
});
