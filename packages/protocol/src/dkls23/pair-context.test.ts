import { expect, it } from 'vitest';
import { pairParametersOf } from '../../../../test/support/pair-setup.ts';
import { toHex } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { fingerprint, pairSid, setupTranscript, treesSid, zeroSeed } from './pair-context.ts';
import { suiteA } from './suite.ts';

const [one, other, third] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const parameters = pairParametersOf({ seed: 1, group: toy, suite: suiteA, parties: [1, 2, 3] });
const directions = [
  { alice: 1, bob: 2 },
  { alice: 2, bob: 1 },
  { alice: 1, bob: 3 },
  { alice: 3, bob: 2 },
];
const [direction] = directions as [(typeof directions)[0]];
const parts = (low: Uint8Array, high: Uint8Array) =>
  new Map([
    [1, low],
    [2, high],
  ]);

it.each<[string, readonly Uint8Array[]]>([
  [
    'the session of trees',
    [
      ...directions.map((each) => treesSid(parameters, each, one)),
      treesSid(parameters, direction, other),
      treesSid({ ...parameters, sid: one }, direction, one),
    ],
  ],
  ['the transcript of a set-up', [setupTranscript(one, other), setupTranscript(other, one), setupTranscript(one, one)]],
  ['what the gadget follows from', [...directions.map((each) => pairSid(one, each)), pairSid(other, direction)]],
  [
    'a fingerprint',
    [
      ...directions.map((each) => fingerprint(one, each, one, one)),
      fingerprint(other, direction, one, one),
      fingerprint(one, direction, other, one),
      fingerprint(one, direction, one, other),
    ],
  ],
  [
    'a zero seed',
    [
      zeroSeed(one, parts(one, other)),
      zeroSeed(other, parts(one, other)),
      zeroSeed(one, parts(other, one)),
      zeroSeed(one, parts(third, other)),
      zeroSeed(one, parts(one, third)),
      zeroSeed(one, new Map([...parts(one, other)].map(([party, part]) => [party + 1, part]))),
    ],
  ],
])('%s is another one wherever anything differs', (_, all) => {
  expect(new Set(all.map(toHex)).size).toBe(all.length);
});

it('a zero seed is the same at both ends', () => {
  const [own, theirs] = [parts(one, other), new Map([...parts(one, other)].reverse())];
  expect(zeroSeed(third, own)).toEqual(zeroSeed(third, theirs));
});
