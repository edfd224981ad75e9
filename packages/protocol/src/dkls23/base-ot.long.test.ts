import { nativeEcdh } from '@quorate/protocol/native';
import { expect, it } from 'vitest';
import { leaks, likely } from '../../../../test/support/choice-bits.ts';
import { secp256k1 } from '../groups/secp256k1.ts';

/** Twenty-one features: with this many samples a bias of half a percent shows. */
it.each([10_000, 100_000])('no cheap feature of %i transfers tells what Alice chose', (transfers) => {
  const found = leaks(Math.ceil(transfers / 128), nativeEcdh(secp256k1));
  expect(found.filter(({ chiSquare }) => chiSquare > likely)).toEqual([]);
});
