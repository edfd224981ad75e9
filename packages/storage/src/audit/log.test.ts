import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ascii, concat, hash, seeded, toBytesBE, toHex, u32 } from '@quorate/protocol';
import { assert, asyncProperty, boolean, dictionary, double, integer, oneof, string, stringMatching } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collect, failingAtEachWrite, flipped, keyring, temporaryFolder } from '../../test/fixtures.ts';
import { openDatabase } from '../database.ts';
import { limits } from '../limits.ts';
import { MemoryStore } from '../memory.ts';
import type { Store } from '../store.ts';
import { type AuditEntry, line, nextEntry } from './entry.ts';
import { AuditLog } from './log.ts';

const open = async (store: Store): Promise<AuditLog> => AuditLog.open((await keyring(store)).records);

async function logOf(count: number): Promise<{ store: MemoryStore; log: AuditLog }> {
  const store = new MemoryStore();
  const log = await open(store);
  await Promise.all(Array.from({ length: count }, (_, i) => log.append(i, 'sign.accepted', { request: i })));
  return { store, log };
}

describe('the audit log', () => {
  test('chains entries, and is found again', async () => {
    const { store, log } = await logOf(3);
    const entry = await log.append(1_700_000_000_000, 'sign.refused', { key: 'treasury', amount: 5, allowed: false });
    expect(entry).toMatchObject({ seq: 4, time: 1_700_000_000_000, kind: 'sign.refused' });
    const all = await collect(log.entries());
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(all[3]).toEqual(entry);
    for (const [i, { previous }] of all.entries())
      expect(previous).toEqual(i === 0 ? hash('quorate/v1/storage/audit-start') : all[i - 1]?.hash);
    expect(await collect(log.entries(3))).toEqual([entry]);

    const reopened = await open(store.crash());
    expect(reopened.head()).toEqual({ seq: 4, hash: entry.hash });
    expect(await reopened.verify()).toEqual({ ok: true, head: reopened.head() });
    expect((await reopened.append(0, 'start', {})).previous).toEqual(entry.hash);
  });

  test('has entries laid out as documented, which verify without this package', async () => {
    const { log } = await logOf(1);
    const entry = await log.append(1_700_000_000_000, 'sign.refused', {
      key: 'tr\u00e9sor',
      amount: 5,
      allowed: false,
    });
    const text = line(entry);
    expect(text).toBe(
      `{"fields":{"allowed":false,"amount":5,"key":"tr\\u00e9sor"},"kind":"sign.refused","previous":"${toHex(entry.previous)}","seq":2,"time":1700000000000}`,
    );
    expect(hash('quorate/v1/storage/audit', ascii(text))).toEqual(entry.hash);
    await expect(`${text} ${toHex(entry.hash)}`).toMatchFileSnapshot('golden/entry.txt');
  });

  test('is broken by no field, whatever is in it', async () => {
    const field = oneof(
      string({ unit: 'binary' }),
      string(),
      integer(),
      boolean(),
      double({ noNaN: true, noDefaultInfinity: true }),
    );
    const fields = dictionary(stringMatching(/^[a-z][a-zA-Z0-9]{0,10}$/), field, { noNullPrototype: true });
    const log = await open(new MemoryStore());
    await assert(
      asyncProperty(fields, async (given) => {
        const { seq } = await log.append(1, 'test', given);
        const [entry] = await collect(log.entries(seq - 1));
        expect(line(entry as never)).toMatch(/^[\x20-\x7e]+$/);
        expect(JSON.stringify(entry?.fields)).toBe(JSON.stringify(JSON.parse(JSON.stringify(sorted(given)))));
      }),
      { numRuns: 200, seed: 1 },
    );
    expect(await log.verify()).toMatchObject({ ok: true });
    const injected = await log.append(1, 'test', { user: 'eve\r\n{"seq":99}\u2028\u001b[2J' });
    expect(line(injected)).toContain('eve\\r\\n');
  });

  test.each<[string, number, string, Record<string, unknown>]>([
    ['an object', 1, 'test', { a: {} }],
    ['nothing', 1, 'test', { a: undefined }],
    ['not a number', 1, 'test', { a: Number.NaN }],
    ['bytes', 1, 'test', { a: new Uint8Array(3) }],
    ['a strange name', 1, 'test', { 'a"b': 1 }],
    ['a strange kind', 1, 'Test\n', {}],
    ['a strange time', 1.5, 'test', {}],
    ['too much', 1, 'test', { a: 'x'.repeat(limits.auditFieldBytes) }],
  ])('takes no %s, and goes on', async (_what, time, kind, fields) => {
    const { log } = await logOf(1);
    await expect(log.append(time, kind, fields as never)).rejects.toThrow(RangeError);
    expect(await log.append(1, 'test', {})).toMatchObject({ seq: 2 });
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  test('keeps the order of the calls, and shares fsyncs', async () => {
    const { store, log } = await logOf(0);
    const before = store.writes;
    const entries = await Promise.all(Array.from({ length: 64 }, (_, i) => log.append(i, 'test', {})));
    expect(entries.map(({ seq, time }) => [seq, time])).toEqual(entries.map((_, i) => [i + 1, i]));
    expect(store.writes - before).toBe(2);
  });

  test('verifies while it is appended to', async () => {
    const { log } = await logOf(5);
    const [verdict] = await Promise.all([log.verify(), log.append(1, 'test', {}), log.append(1, 'test', {})]);
    expect(verdict).toMatchObject({ ok: true, head: { seq: 5 } });
    expect(log.head().seq).toBe(7);
  });

  test('works on a real disk', async () => {
    const folder = await temporaryFolder();
    const store = await openDatabase(folder);
    const log = await open(store);
    await Promise.all(Array.from({ length: 20 }, (_, i) => log.append(i, 'test', {})));
    await store.close();
    const reopened = await openDatabase(folder);
    expect(await (await open(reopened)).verify()).toMatchObject({ ok: true, head: { seq: 20 } });
    await reopened.close();
  });
});

test("a flipped bit in the middle of LevelDB's log, which LevelDB itself does not notice, is found", async () => {
  const folder = await temporaryFolder();
  const store = await openDatabase(folder);
  const log = await open(store);
  for (let i = 0; i < 200; i++) await log.append(i, 'test', {});
  await store.close();
  const name = (await readdir(folder)).find((file) => file.endsWith('.log')) as string;
  const good = await readFile(join(folder, name));
  expect(good.length).toBeGreaterThan(2 * 32_768);

  // LevelDB drops the rest of the 32 KiB block in which a checksum fails, and goes on with the next.
  for (const at of [3_000, 20_000, 40_000]) {
    const copied = await temporaryFolder();
    await cp(folder, copied, { recursive: true });
    await writeFile(join(copied, name), flipped(good, 8 * at));
    const damaged = await openDatabase(copied);
    await expect(open(damaged)).rejects.toMatchObject({ code: 'audit-broken' });
    await damaged.close();
  }
});

describe('tampering', () => {
  const place = (seq: number): string => `audit/${seq.toString().padStart(15, '0')}`;

  test('with any entry is found, and the first bad one is named', async () => {
    for (let seq = 1; seq <= 5; seq++) {
      const { store, log } = await logOf(5);
      await store.batch([{ type: 'delete', key: place(seq) }]);
      expect(await log.verify()).toEqual({ ok: false, firstBad: seq });
      await expect(open(store)).rejects.toMatchObject({
        code: 'audit-broken',
        message: expect.stringContaining(` ${seq} `),
      });

      const value = seeded(ascii('noise')).bytes(200);
      await store.batch([{ type: 'put', key: place(seq), value }]);
      expect(await log.verify()).toEqual({ ok: false, firstBad: seq });
    }
  });

  test('by somebody who has the store key breaks the chain', async () => {
    const mine = await logOf(5);
    const forged = await logOf(0);
    await Promise.all(Array.from({ length: 5 }, (_, i) => forged.log.append(i, 'sign.accepted', { request: 0 })));
    // Same owner and store key, so the foreign entries open; only the chain tells.
    const value = (await forged.store.get(place(3))) as Uint8Array;
    await mine.store.batch([{ type: 'put', key: place(3), value }]);
    expect(await mine.log.verify()).toEqual({ ok: false, firstBad: 3 });
    const last = (await forged.store.get(place(5))) as Uint8Array;
    const whole = await logOf(5);
    await whole.store.batch([{ type: 'put', key: place(5), value: last }]);
    expect(await whole.log.verify()).toEqual({ ok: false, firstBad: 5 });
  });

  test.each<[string, boolean, (entry: AuditEntry, previous: AuditEntry) => { line: string; hash: Uint8Array }]>([
    [
      'the last entry, chained as it should be',
      false,
      (entry) => written(nextEntry(before(entry), 9, 'sign.accepted', {})),
    ],
    [
      'its number',
      true,
      (_entry, previous) => written(nextEntry({ seq: 7, hash: previous.hash }, 9, 'sign.accepted', {})),
    ],
    ['its hash', true, (entry) => ({ line: line(entry), hash: new Uint8Array(32) })],
    [
      'its text, to another of the same meaning',
      true,
      (entry) => rehashed(line(entry).replace('{"fields"', '{ "fields"')),
    ],
  ])('by somebody who has the store key with %s is found', async (_what, headFollows, forge) => {
    const { store, log } = await logOf(5);
    const [previous, entry] = await collect(log.entries(3));
    const forged = forge(entry as AuditEntry, previous as AuditEntry);
    const { records } = await keyring(store);
    const bytes = concat(Uint8Array.of(1), u32(forged.line.length), ascii(forged.line), forged.hash);
    const head = concat(Uint8Array.of(1), toBytesBE(5n, 6), headFollows ? forged.hash : (entry as AuditEntry).hash);
    await records.put(place(5), 'audit', bytes);
    await records.put('audit-head', 'audit-head', head);
    await expect(open(store)).rejects.toMatchObject({ code: 'audit-broken', message: expect.stringContaining(' 5 ') });
  });

  test('by cutting off the end, or the head, does not make a shorter log', async () => {
    const { store } = await logOf(5);
    const old = await logOf(3);
    await store.batch([4, 5].map((seq) => ({ type: 'delete', key: place(seq) })));
    await expect(open(store)).rejects.toMatchObject({ code: 'audit-broken' });

    const headless = (await logOf(5)).store;
    await headless.batch([{ type: 'delete', key: 'audit-head' }]);
    await expect(open(headless)).rejects.toMatchObject({ code: 'record-damaged' });

    const rolledBack = (await logOf(5)).store;
    const sealed = {
      type: 'put',
      key: 'audit-head',
      value: (await old.store.get('audit-head')) as Uint8Array,
    } as const;
    await rolledBack.batch([sealed]);
    await expect(open(rolledBack)).rejects.toMatchObject({ code: 'record-damaged' });

    // By somebody who has the store key, and makes the manifest fit.
    const cut = (await logOf(5)).store;
    await (await keyring(cut)).records.batch([sealed]);
    await expect(open(cut)).rejects.toMatchObject({ code: 'audit-broken' });
  });

  test('with an old entry is found by verifying, and with a new one by opening', async () => {
    const { store } = await logOf(limits.auditTail + 10);
    const good = (await store.get(place(3))) as Uint8Array;
    await store.batch([{ type: 'delete', key: place(3) }]);
    expect(await (await open(store)).verify()).toEqual({ ok: false, firstBad: 3 });
    await store.batch([{ type: 'put', key: place(3), value: good }]);
    await store.batch([{ type: 'delete', key: place(12) }]);
    await expect(open(store)).rejects.toMatchObject({ code: 'audit-broken' });
  });
});

describe('after a failed append', () => {
  test('no append succeeds: no audit record, no signature', async () => {
    const { store, log } = await logOf(2);
    store.failWrite(1);
    const both = await Promise.allSettled([log.append(1, 'test', {}), log.append(2, 'test', {})]);
    for (const one of both) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'audit-dead' } });
    await expect(log.append(3, 'test', {})).rejects.toMatchObject({ code: 'audit-dead' });
    expect(log.head().seq).toBe(2);
  });

  test('none does on a store that recovers either: its head is not what is on disk', async () => {
    const { store, log } = await logOf(2);
    const batch = store.batch.bind(store);
    Object.assign(store, { batch: () => Promise.reject(new Error('once')) });
    await expect(log.append(1, 'test', {})).rejects.toMatchObject({ code: 'audit-dead' });
    Object.assign(store, { batch });
    await expect(log.append(2, 'test', {})).rejects.toMatchObject({ code: 'audit-dead' });
    expect(await log.verify()).toMatchObject({ ok: true, head: { seq: 2 } });
  });

  test('whichever it is, the log opens, and holds every acknowledged entry', async () => {
    await failingAtEachWrite(
      async (store, acknowledged) => {
        const log = await open(store);
        for (let i = 0; i < 4; i++) {
          await Promise.all([log.append(i, 'test', {}), log.append(i, 'test', {})]);
          acknowledged.push(`${2 * i + 1}`, `${2 * i + 2}`);
        }
      },
      async (store, acknowledged) => {
        const log = await open(store);
        expect(log.head().seq).toBeGreaterThanOrEqual(acknowledged.length);
        expect(await log.verify()).toMatchObject({ ok: true });
        await log.append(9, 'test', {});
      },
    );
  });
});

const before = (entry: AuditEntry) => ({ seq: entry.seq - 1, hash: entry.previous });
const written = (entry: AuditEntry) => ({ line: line(entry), hash: entry.hash });
const rehashed = (text: string) => ({ line: text, hash: hash('quorate/v1/storage/audit', ascii(text)) });

function sorted(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}
