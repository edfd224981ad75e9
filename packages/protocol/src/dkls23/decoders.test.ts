import { array, assert, constantFrom, integer, oneof, property, string, tuple, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dealEcdsaKey, ecdsaSigning, presignedSigning, presigning } from '../../../../test/support/ecdsa-signing.ts';
import { fewTransfers, pairSetting } from '../../../../test/support/pair-setup.ts';
import { nativeSymmetric } from '../../native/index.ts';
import { ascii, concat, toHex } from '../bytes.ts';
import { DerivationError, parsePath } from '../derivation/bip32.ts';
import { EncodingError } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import type { Party, RoundSpec } from '../protocol.ts';
import { seeded } from '../random.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { type Scenario, simulate } from '../simulation/committee.ts';
import { type Mutation, mutationsOf } from '../simulation/mutations.ts';
import { type Codec, decode, encode } from '../wire/codec.ts';
import { decodeCompact, decodeDer, encodeCompact, encodeDer } from './ecdsa.ts';
import { readRequest } from './extension.ts';
import { decodePairMaterial, encodePairMaterial, type PairMaterial } from './material.ts';
import { readAnswer } from './multiplication.ts';
import type { Presignature } from './presign.ts';
import { pairMultiplication } from './products.ts';
import { nothing, treesOpeningCodec } from './rules.ts';
import { suiteA } from './suite.ts';

/** A decoder: what it reads of a sample it must write again; anything else it refuses with an {@link EncodingError}. */
interface Decoder {
  readonly name: string;
  readonly sample: Uint8Array;
  /** The sample with a point that is none, or a scalar that is not below the order. */
  readonly broken: readonly Mutation[];
  /** The bytes read, and written again. */
  again(bytes: Uint8Array): Uint8Array;
}

const few = fewTransfers(suiteA, 8);
const signing = {
  seed: 1,
  group: secp256k1,
  multiplication: pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric }),
  key: dealEcdsaKey(secp256k1, 2, [1, 2]),
  signers: [1, 2],
  digest: new Uint8Array(32),
};

function ofCodec<T>(name: string, codec: Codec<T>, sample: Uint8Array): Decoder {
  const wrong = /(identity|uncompressed prefix|hybrid prefix|not canonical|off the curve|order|order plus one)$/;
  const broken = mutationsOf(codec, sample, seeded(ascii(name))).filter((mutation) => wrong.test(mutation.name));
  return { name, sample, broken, again: (bytes) => encode(codec, decode(codec, bytes)) };
}

/** The decoders of a protocol's messages, each with what was said in an honest run. */
function ofRounds<T>(
  name: string,
  scenario: Scenario<T>,
): { readonly decoders: readonly Decoder[]; readonly results: ReadonlyMap<Party, T> } {
  const { history, outcomes } = simulate(scenario);
  const said = history.map(({ frame }) => decodeEnvelope(frame));
  const decoders = scenario.rounds.flatMap((spec: RoundSpec, round) =>
    (['broadcast', 'direct'] as const).flatMap((kind) => {
      const [codec, sample] = [spec[kind], said.find((one) => one.round === round && one.class === kind)];
      if (codec === undefined || sample === undefined) return [];
      return [ofCodec(`${name}, ${spec.label}, ${kind}`, codec, sample.payload)];
    }),
  );
  const results = new Map<Party, T>();
  for (const [party, outcome] of outcomes) if (outcome.type === 'done') results.set(party, outcome.result);
  return { decoders, results };
}

const prepared = ofRounds<Presignature>('presigning', presigning(signing));
const opening = treesOpeningCodec(secp256k1, few);
const point = secp256k1.encodePoint(secp256k1.generator);
const tree = {
  session: new Uint8Array(32),
  key: secp256k1.generator,
  points: concat(...Array.from({ length: 16 }, () => point)),
  group: 1,
  transfers: [0, 1].map((choice) => ({ choice, scalar: 5n })),
};
const material = signing.key.pairs.get(1)?.get(2) as PairMaterial;
const pair = { r: 2n ** 255n, s: 7n };
const message = (length: number): Uint8Array => seeded(ascii('message')).bytes(length);

const decoders: readonly Decoder[] = [
  ...ofRounds('signing', ecdsaSigning(signing)).decoders,
  ...prepared.decoders,
  ...ofRounds('using a presignature', presignedSigning(signing, prepared.results)).decoders,
  ...ofRounds('pair set-up', pairSetting({ seed: 1, group: secp256k1, suite: few, parties: [1, 2] })).decoders,
  ofCodec('opening of trees', opening, encode(opening, { seal: nothing, tree: { type: 'group', value: tree } })),
  {
    name: 'pair material',
    broken: [],
    sample: encodePairMaterial(suiteA, material).use((bytes) => bytes.slice()),
    again: (bytes) => encodePairMaterial(suiteA, decodePairMaterial(suiteA, bytes)).use((written) => written.slice()),
  },
  {
    name: 'DER',
    broken: [],
    sample: encodeDer(pair),
    again: (bytes) => encodeDer(decodeDer(secp256k1, bytes)),
  },
  {
    name: 'compact signature',
    broken: [],
    sample: encodeCompact(pair),
    again: (bytes) => encodeCompact(decodeCompact(secp256k1, bytes)),
  },
  {
    name: 'request',
    broken: [],
    sample: message(suiteA.requestBytes),
    again: (bytes) => {
      const { rows, response, digest } = readRequest(suiteA, bytes);
      return concat(rows, response, digest);
    },
  },
  {
    name: 'answer',
    broken: [],
    sample: new Uint8Array(suiteA.answerBytes).fill(1),
    again: (bytes) => {
      const { masked, openings, digest } = readAnswer(suiteA, bytes);
      return concat(masked, openings, digest);
    },
  },
];

/** One change of a sample: bytes overwritten, taken out or put in anywhere, or another end. */
const changes = oneof(
  tuple(integer({ min: 0, max: 2 ** 20 }), integer({ min: 0, max: 40 }), uint8Array({ maxLength: 40 })),
  // At the beginning, where versions, counts and selectors are.
  tuple(integer({ min: 0, max: 8 }), integer({ min: 0, max: 4 }), uint8Array({ maxLength: 4 })),
  tuple(
    integer({ min: 0, max: 2 ** 20 }),
    integer({ min: 32, max: 33 }),
    constantFrom(new Uint8Array(32), new Uint8Array(33).fill(255)),
  ),
);

function changed(sample: Uint8Array, [place, removed, put]: readonly [number, number, Uint8Array]): Uint8Array {
  const at = place % (sample.length + 1);
  return concat(sample.subarray(0, at), put, sample.subarray(Math.min(at + removed, sample.length)));
}

/** Whether it was read. @throws what is no {@link EncodingError}, or if it is written otherwise than it was read */
function reads({ name, again }: Decoder, bytes: Uint8Array): boolean {
  let written: Uint8Array;
  try {
    written = again(bytes);
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
  if (toHex(written) !== toHex(bytes)) throw new Error(`${name} reads ${toHex(bytes)} as ${toHex(written)}`);
  return true;
}

it('are all there, most of them with points or scalars', () => {
  expect(decoders.filter(({ broken }) => broken.length > 0)).toHaveLength(8);
  expect(decoders.map(({ name }) => name)).toHaveLength(4 + 3 + 2 + 5 + 6);
});

describe.each(decoders)('the decoder of $name', (decoder) => {
  const { sample } = decoder;

  it('reads what was written', () => {
    expect(reads(decoder, sample)).toBe(true);
  });

  it('reads no point that is none, and no scalar that is not below the order', () => {
    for (const { name, payload } of decoder.broken) expect([name, reads(decoder, payload)]).toEqual([name, false]);
  });

  it('reads nothing that is cut short or extended', () => {
    for (let length = 0; length < sample.length; length += 1 + Math.floor(sample.length / 50)) {
      expect(reads(decoder, sample.subarray(0, length))).toBe(false);
    }
    expect(reads(decoder, sample.subarray(0, -1))).toBe(false);
    for (const more of [Uint8Array.of(0), sample]) expect(reads(decoder, concat(sample, more))).toBe(false);
  });

  it('refuses, or reads what it would write, whatever it is given', () => {
    assert(
      property(changes, (change) => void reads(decoder, changed(sample, change))),
      { numRuns: 200 },
    );
    assert(property(uint8Array({ maxLength: 300 }), (bytes) => void reads(decoder, bytes)));
  });
});

it('paths are read or refused, and read only as they are written', () => {
  const step = oneof(
    integer({ min: -1, max: 2 ** 32 }).map(String),
    string({ maxLength: 4 }),
    constantFrom("0'", '00', ''),
  );
  assert(
    property(
      oneof(
        string(),
        array(step, { maxLength: 5 }).map((steps) => ['m', ...steps].join('/')),
      ),
      (path) => {
        try {
          expect(['m', ...parsePath(path)].join('/')).toBe(path);
        } catch (error) {
          if (!(error instanceof DerivationError)) throw error;
        }
      },
    ),
    { numRuns: 1000 },
  );
});
