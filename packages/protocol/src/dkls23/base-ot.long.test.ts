import { expect, it } from 'vitest';
import { leaks, likely } from '../../../../test/support/choice-bits.ts';
import { concat, toHex, u16 } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { seeded } from '../random.ts';
import { completeBaseOt, offerBaseOt, type SenderSet } from './base-ot.ts';
import { pureEcdh } from './ecdh.ts';

/** Twenty-one features: with this many samples a bias of one percent shows. */
it('no cheap feature of 100,000 transfers tells what Alice chose', () => {
  const found = leaks(Math.ceil(100_000 / 128));
  expect(found).toHaveLength(21);
  expect(found.filter(({ chiSquare }) => !(chiSquare <= likely))).toEqual([]);
});

it('an Alice who sends one and the same point everywhere gives Bob 100,000 keys that all differ', () => {
  const setting = { group: toy, ecdh: pureEcdh(toy), count: 256 };
  const [alice, bob] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
  const point = toy.encodePoint(toy.multiplyBase(5n));
  const points = concat(...Array.from({ length: 512 }, () => point));
  const key = offerBaseOt(toy, seeded(Uint8Array.of(1)));
  const seen = new Set<string>();
  const sets = Math.ceil(100_000 / 512);
  for (let set = 0; set < sets; set++) {
    const session = concat(new Uint8Array(30), u16(set));
    const { keys } = completeBaseOt(setting, { session, alice, bob }, key, points) as SenderSet;
    keys.use((bytes) => {
      for (let at = 0; at < bytes.length; at += 16) seen.add(toHex(bytes.subarray(at, at + 16)));
    });
  }
  expect(seen.size).toBe(512 * sets);
});
