import { cuts, type Mutant } from './mutant.ts';

const folder = 'packages/protocol/src/derivation';

export const derivation: readonly Mutant[] = [
  ...cuts(
    folder,
    'sec1.ts',
    ['sec1.test.ts'],
    [
      ['publicKey.length !== 33 || ', '', 'a key of another length'],
      ['(prefix !== 2 && prefix !== 3) || ', '', 'a key in another form'],
      [' || x >= FIELD', '', 'an x above the prime'],
      ["  if ((root * root) % FIELD !== square) throw new EncodingError('not a point');\n", '', 'an x of no point'],
    ],
  ),
  ...cuts(
    folder,
    'bitcoin.ts',
    ['bitcoin.test.ts'],
    [
      ['  expectPoint(publicKey);\n', '', 'an address of the hash of no key'],
      ['  expectPoint(concat(Uint8Array.of(2), outputKey));\n', '', 'a Taproot address of no key'],
    ],
  ),
  ...cuts(
    folder,
    'solana.ts',
    ['solana.test.ts'],
    [["  if (publicKey.length !== 32) throw new EncodingError('not a public key');\n", '', 'an address of no key']],
  ),
];
