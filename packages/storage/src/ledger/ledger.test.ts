import { ascii } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, failingAtEachWrite, flipped, keyring } from '../../test/fixtures.ts';
import { MemoryStore } from '../memory.ts';
import { countBoot } from './boot.ts';
import { RequestLedger } from './requests.ts';
import { SessionLedger } from './sessions.ts';

const id = new Uint8Array(32).fill(1);
const bodyHash = new Uint8Array(32).fill(2);
const otherHash = new Uint8Array(32).fill(3);
const body = ascii('sign this');

const requests = async (store: MemoryStore) => new RequestLedger((await keyring(store)).records);
const sessions = async (store: MemoryStore) => new SessionLedger((await keyring(store)).records);

describe('a request', () => {
  test('is kept with its body, and answered for ever with the first signature', async () => {
    const store = new MemoryStore();
    const ledger = await requests(store);
    expect(await ledger.get(id)).toBeUndefined();
    const entry = { bodyHash, expiry: 5000, body, result: undefined };
    expect(await ledger.register(id, bodyHash, 5000, body)).toEqual(entry);
    expect(await ledger.register(id, bodyHash, 9999, body)).toEqual(entry);

    expect(await ledger.recordResult(id, ascii('first'))).toEqual(ascii('first'));
    expect(await ledger.recordResult(id, ascii('second'))).toEqual(ascii('first'));
    const reopened = await requests(store.crash());
    expect(await reopened.result(id)).toEqual(ascii('first'));
    expect(await reopened.register(id, bodyHash, 5000, body)).toEqual({ ...entry, result: ascii('first') });
  });

  test('id is refused with another body, before and after the answer', async () => {
    const ledger = await requests(new MemoryStore());
    await ledger.register(id, bodyHash, 5000, body);
    const conflict = () => ledger.register(id, otherHash, 5000, ascii('sign that'));
    await expect(conflict()).rejects.toMatchObject({ code: 'request-conflict' });
    await ledger.recordResult(id, ascii('first'));
    await expect(conflict()).rejects.toMatchObject({ code: 'request-conflict' });
    expect((await ledger.get(id))?.body).toEqual(body);
  });

  test('has one body and one answer under concurrent calls', async () => {
    const ledger = await requests(new MemoryStore());
    const registered = await Promise.allSettled(
      [bodyHash, otherHash, bodyHash].map((hash) => ledger.register(id, hash, 5000, body)),
    );
    expect(registered.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const results = ['a', 'b', 'c'].map((text) => ledger.recordResult(id, ascii(text)));
    expect(await Promise.all(results)).toEqual([ascii('a'), ascii('a'), ascii('a')]);
  });

  test('is not answered before it is asked', async () => {
    const ledger = await requests(new MemoryStore());
    await expect(ledger.recordResult(id, ascii('x'))).rejects.toMatchObject({ code: 'request-unknown' });
  });

  test.each(['requests/', 'results/'])(
    'is answered no more, nor anew, once its record in %s is damaged',
    async (prefix) => {
      const store = new MemoryStore();
      const ledger = await requests(store);
      await ledger.register(id, bodyHash, 5000, body);
      await ledger.recordResult(id, ascii('first'));
      for await (const [key, value] of store.entries(prefix))
        await store.batch([{ type: 'put', key, value: flipped(value, 8 * (value.length - 18)) }]);
      const reopened = await requests(store.crash());
      const damaged = { name: 'LedgerError', code: 'request-damaged' };
      await expect(reopened.register(id, bodyHash, 5000, body)).rejects.toMatchObject(damaged);
      await expect(reopened.recordResult(id, ascii('second'))).rejects.toMatchObject(damaged);
      await reopened.register(otherHash, bodyHash, 5000, body);
    },
  );

  test('keeps what was acknowledged, whichever write fails', async () => {
    await failingAtEachWrite(
      async (store, acknowledged) => {
        const ledger = await requests(store);
        await ledger.register(id, bodyHash, 5000, body);
        acknowledged.push('registered');
        await ledger.recordResult(id, ascii('first'));
        acknowledged.push('answered');
      },
      async (store, acknowledged) => {
        const entry = await (await requests(store)).get(id);
        if (acknowledged.includes('registered')) expect(entry?.bodyHash).toEqual(bodyHash);
        if (acknowledged.includes('answered')) expect(entry?.result).toEqual(ascii('first'));
      },
    );
  });

  test('shares its fsync with the others that arrive meanwhile', async () => {
    const store = new MemoryStore();
    const ledger = await requests(store);
    const before = store.writes;
    const ids = Array.from({ length: 40 }, (_, i) => new Uint8Array(32).fill(i));
    await Promise.all(ids.map((each) => ledger.register(each, bodyHash, 5000, body)));
    expect(store.writes - before).toBeLessThanOrEqual(3);
  });
});

describe("a session's nonces", () => {
  const sid = new Uint8Array(32).fill(7);
  const tombstone = { sid, round: 'shares', digest: bodyHash };

  test('are spent once, over restarts and power cuts', async () => {
    const store = new MemoryStore();
    await (await sessions(store)).spend(tombstone);
    const reopened = await sessions(store.crash());
    for (const digest of [bodyHash, otherHash])
      await expect(reopened.spend({ ...tombstone, digest })).rejects.toMatchObject({ code: 'session-spent' });
    await reopened.spend({ ...tombstone, round: 'presign' });
    await reopened.spend({ ...tombstone, sid: id });
  });

  test('are spent once when two rounds ask at the same time', async () => {
    const ledger = await sessions(new MemoryStore());
    const spent = await Promise.allSettled([ledger.spend(tombstone), ledger.spend(tombstone)]);
    expect(spent.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('that were acknowledged as spent stay so, whichever write fails', async () => {
    await failingAtEachWrite(
      async (store, acknowledged) => {
        await (await sessions(store)).spend(tombstone);
        acknowledged.push('spent');
      },
      async (store, acknowledged) => {
        const again = (await sessions(store)).spend(tombstone);
        if (acknowledged.length > 0) await expect(again).rejects.toMatchObject({ code: 'session-spent' });
        else await again.catch(() => {});
      },
    );
  });
});

describe('a check whose outcome a peer learns', () => {
  const sid = new Uint8Array(32).fill(7);
  const tombstone = { sid, round: 'offers', digest: bodyHash };
  const check = { keyId: id, epoch: 3, parties: [2, 5] };
  const open = async (store: MemoryStore) => collect((await sessions(store)).unanswered());

  test('is on disk before it is made, and open until it is answered', async () => {
    const store = new MemoryStore();
    const ledger = await sessions(store);
    await ledger.spend(tombstone, check);
    await ledger.spend({ ...tombstone, round: 'answers' }, { ...check, parties: [5] });
    await ledger.spend({ ...tombstone, round: 'shares' });
    await ledger.answered(sid, 'offers');
    await ledger.answered(sid, 'shares');
    expect(await collect(ledger.unanswered())).toEqual([{ ...check, parties: [5], sid, round: 'answers' }]);
    // Of what was not synced LevelDB may lose what a later write builds on.
    expect(await open(store.crash())).toEqual([{ ...check, parties: [5], sid, round: 'answers' }]);
  });

  test('is open if it may have been made, whichever write fails', async () => {
    await failingAtEachWrite(
      async (store, acknowledged) => {
        await (await sessions(store)).spend(tombstone, check);
        acknowledged.push('made');
      },
      async (store, acknowledged) => {
        if (acknowledged.includes('made')) expect(await open(store)).toEqual([{ ...check, sid, round: 'offers' }]);
      },
    );
  });
});

test('each start of the node has a number of its own', async () => {
  let store = new MemoryStore();
  for (const expected of [1, 2, 3]) {
    expect(await countBoot((await keyring(store)).records)).toBe(expected);
    store = store.crash();
  }
});
