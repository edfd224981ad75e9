import { ascii, concat, hash, hkdf, pureAead, Secret, seeded, sha256, toHex, u32 } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { collect, flipped, owner, sealer } from '../../test/fixtures.ts';
import { limits } from '../limits.ts';
import { MemoryStore } from '../memory.ts';
import { openRecord, sealRecord } from './record.ts';
import { SealedStore } from './sealed-store.ts';

const key = (byte = 1) => new Secret(new Uint8Array(32).fill(byte));
const at = { ...owner, place: 'notes/1', kind: 'note' };
const plaintext = ascii('what is kept');

function sealedStore(store = new MemoryStore(), of = owner, by = key()): SealedStore {
  return new SealedStore(store, sealer(), of, by);
}

async function raw(store: MemoryStore, place: string): Promise<Uint8Array> {
  const bytes = await store.get(place);
  if (bytes === undefined) throw new Error(`nothing at ${place}`);
  return bytes;
}

describe('a sealed record', () => {
  test('opens to what was sealed, and shows none of it', async () => {
    const store = new MemoryStore();
    const sealed = sealedStore(store);
    await sealed.put(at.place, at.kind, plaintext);
    expect(await sealed.get(at.place, at.kind)).toEqual(plaintext);
    expect(toHex(await raw(store, at.place))).not.toContain(toHex(plaintext));
    expect(await sealed.get('notes/2', 'note')).toBeUndefined();
  });

  test('does not open with any one bit flipped', async () => {
    const store = new MemoryStore();
    const sealed = sealedStore(store);
    await sealed.put(at.place, at.kind, plaintext);
    const good = await raw(store, at.place);
    for (let bit = 0; bit < 8 * good.length; bit++) {
      await store.batch([{ type: 'put', key: at.place, value: flipped(good, bit) }]);
      await expect(sealed.get(at.place, at.kind)).rejects.toMatchObject({ code: 'record-damaged', place: at.place });
    }
  });

  test('does not open truncated or extended', async () => {
    const sealed = sealRecord(sealer(), key(), at, plaintext);
    for (let length = 0; length < sealed.length; length++)
      expect(openRecord(pureAead, key(), at, sealed.subarray(0, length))).toHaveProperty('failure');
    expect(openRecord(pureAead, key(), at, concat(sealed, Uint8Array.of(0)))).toEqual({ failure: 'malformed' });
  });

  test.each([
    ['another place', { ...at, place: 'notes/2' }, key()],
    ['another kind', { ...at, kind: 'share' }, key()],
    ['another node', { ...at, node: ascii('node-2') }, key()],
    ['another network', { ...at, network: ascii('mainnet') }, key()],
    ['another key', at, key(2)],
  ])('does not open at or under %s', (_what, where, under) => {
    expect(openRecord(pureAead, under, where, sealRecord(sealer(), key(), at, plaintext))).toEqual({
      failure: 'other-key',
    });
  });

  test('is bound to its place by the cipher too, not by the key commitment alone', () => {
    const seen: Uint8Array[] = [];
    const aead = {
      ...pureAead,
      seal: (...args: Parameters<typeof pureAead.seal>) => (seen.push(args[2]), pureAead.seal(...args)),
    };
    sealRecord({ ...sealer(), aead }, key(), at, plaintext);
    sealRecord({ ...sealer(), aead }, key(), { ...at, place: 'notes/2' }, plaintext);
    expect(seen[0]).not.toEqual(seen[1]);
  });

  test('has its key commitment checked before anything is decrypted', () => {
    let decrypted = 0;
    const aead = { ...pureAead, open: () => ((decrypted += 1), plaintext) };
    expect(openRecord(aead, key(2), at, sealRecord(sealer(), key(), at, plaintext))).toEqual({ failure: 'other-key' });
    expect(decrypted).toBe(0);
  });

  test('whose ciphertext was made to open under a second key is refused under it', () => {
    // A partitioning oracle's ciphertext opens under several keys. With this cipher's honest help: one that opens under
    // the second key, behind a commitment to the first.
    const first = sealRecord(sealer(), key(1), at, plaintext);
    const second = sealRecord(sealer(), key(2), at, plaintext);
    const mixed = concat(second.subarray(0, 33), first.subarray(33, 65), second.subarray(65));
    expect(openRecord(pureAead, key(2), at, second)).toEqual({ plaintext });
    expect(openRecord(pureAead, key(2), at, mixed)).toEqual({ failure: 'other-key' });
  });

  test('has a key of its own even when random bytes repeat', () => {
    const again = () => sealRecord({ aead: pureAead, randomness: seeded(ascii('clone')) }, key(), at, plaintext);
    const other = sealRecord(
      { aead: pureAead, randomness: seeded(ascii('clone')) },
      key(),
      at,
      ascii('something else'),
    );
    expect(again()).toEqual(again());
    expect(other.subarray(1, 33)).not.toEqual(again().subarray(1, 33));
    expect(sealRecord(sealer('x'), key(), at, plaintext)).not.toEqual(sealRecord(sealer('y'), key(), at, plaintext));
  });

  test('is laid out as documented', async () => {
    const sealed = sealRecord(sealer(), key(), at, plaintext);
    const binding = hash(
      'quorate/v1/storage/record',
      Uint8Array.of(1),
      at.network,
      at.node,
      ascii(at.place),
      ascii(at.kind),
    );
    const keys = hkdf(sha256, new Uint8Array(32).fill(1), sealed.subarray(1, 33), binding, 64);
    const aad = concat(Uint8Array.of(1), binding);
    const ciphertext = pureAead.seal(keys.slice(0, 32), new Uint8Array(12), aad, plaintext);
    const rest = concat(keys.slice(32), u32(ciphertext.length), ciphertext);
    expect(sealed).toEqual(concat(Uint8Array.of(1), sealed.subarray(1, 33), rest));
    await expect(toHex(sealed)).toMatchFileSnapshot('golden/record.hex');
  });

  test('has a bounded size', () => {
    expect(() => sealRecord(sealer(), key(), at, new Uint8Array(limits.recordBytes + 1))).toThrow(RangeError);
  });
});

describe('a sealed store', () => {
  test('notices two records that were swapped', async () => {
    const store = new MemoryStore();
    const sealed = sealedStore(store);
    await sealed.put('notes/1', 'note', ascii('one'));
    await sealed.put('notes/2', 'note', ascii('two'));
    const [one, two] = [await raw(store, 'notes/1'), await raw(store, 'notes/2')];
    await store.batch([
      { type: 'put', key: 'notes/1', value: two },
      { type: 'put', key: 'notes/2', value: one },
    ]);
    await expect(sealed.get('notes/1', 'note')).rejects.toMatchObject({ code: 'record-damaged', place: 'notes/1' });
    await expect(collect(sealed.entries('notes/', 'note'))).rejects.toMatchObject({ code: 'record-damaged' });
  });

  test('notices the record of another node, sealed under the same key', async () => {
    const [mine, theirs] = [new MemoryStore(), new MemoryStore()];
    await sealedStore(theirs, { ...owner, node: ascii('node-2') }).put('notes/1', 'note', plaintext);
    await mine.batch([{ type: 'put', key: 'notes/1', value: await raw(theirs, 'notes/1') }]);
    await expect(sealedStore(mine).get('notes/1', 'note')).rejects.toMatchObject({ code: 'record-damaged' });
  });

  test('reads back what it put, and notices a disk that keeps something else', async () => {
    const store = new MemoryStore();
    const sealed = sealedStore(store);
    const stale = sealed.seal('notes/1', 'note', ascii('stale'));
    const forgetful = sealedStore(Object.assign(new MemoryStore(), { batch: async () => {} }));
    const stuck = sealedStore(
      Object.assign(new MemoryStore(), { batch: () => store.batch([stale]), get: () => store.get('notes/1') }),
    );
    await expect(forgetful.put('notes/1', 'note', plaintext)).rejects.toMatchObject({ reason: 'missing' });
    await expect(stuck.put('notes/1', 'note', plaintext)).rejects.toMatchObject({ reason: 'contradiction' });
  });

  test('says where the damage is, and nothing of what was there', async () => {
    const store = new MemoryStore();
    await store.batch([{ type: 'put', key: 'notes/1', value: ascii('canary') }]);
    const error = await sealedStore(store)
      .get('notes/1', 'note')
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('notes/1');
    expect(String(error)).not.toContain('canary');
  });
});
