import { EncodingError } from '../groups/group.ts';
import type { Party } from '../protocol.ts';
import { Secret } from '../secret.ts';
import { type Codec, decode, encode, fixed, mapped, struct, text, u16, version } from '../wire/codec.ts';
import { ZERO_SEED_BYTES } from './messages.ts';
import { baseOts } from './pprf.ts';
import { BLOCK_BYTES, type Suite } from './suite.ts';

/** What one party keeps of the set-up with one other, for an epoch of a key. */
export interface PairMaterial {
  readonly me: Party;
  readonly peer: Party;
  readonly asBob: BobMaterial;
  readonly asAlice: AliceMaterial;
  /** z of the pair, 32 bytes: what both sides' zero shares follow from. */
  readonly zeroSeed: Secret;
}

/** Where we choose and the peer multiplies: every leaf. */
export interface BobMaterial extends DirectionMaterial {
  /** 16 bytes each, group by group. */
  readonly leaves: Secret;
}

/** Where we multiply and the peer chooses: every leaf but one of each group, whose place is zero. */
export interface AliceMaterial extends DirectionMaterial {
  readonly leaves: Secret;
  /** Δ: whoever learns it learns our share of the key. */
  readonly delta: Secret;
}

interface DirectionMaterial {
  /** What the gadget vector follows from, 32 bytes. */
  readonly pairSid: Uint8Array;
  /** Equal at both ends, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

const PAIR_MATERIAL_VERSION = 1;

/** For storage, sealed there. The caller wipes both. */
export function encodePairMaterial(suite: Suite, material: PairMaterial): Secret {
  return new Secret(encode(pairMaterialCodec(suite), material));
}

/** @throws {EncodingError} also on material of another suite */
export function decodePairMaterial(suite: Suite, bytes: Uint8Array): PairMaterial {
  return decode(pairMaterialCodec(suite), bytes);
}

/** Overwrites every secret of it. */
export function wipePairMaterial({ asBob, asAlice, zeroSeed }: PairMaterial): void {
  for (const secret of [asBob.leaves, asAlice.leaves, asAlice.delta, zeroSeed]) secret.wipe();
}

function pairMaterialCodec(suite: Suite): Codec<PairMaterial> {
  const leaves = secretBytes(suite.groups * suite.leaves * BLOCK_BYTES);
  const direction = { pairSid: fixed(32), fingerprint: fixed(32) };
  const inner = struct({
    version: version(PAIR_MATERIAL_VERSION),
    suite: text(256),
    me: u16,
    peer: u16,
    asBob: struct({ ...direction, leaves }),
    asAlice: struct({ ...direction, leaves, delta: secretBytes(baseOts(suite) / 8) }),
    zeroSeed: secretBytes(ZERO_SEED_BYTES),
  });
  return mapped(
    inner,
    (material: PairMaterial) => ({ ...material, version: PAIR_MATERIAL_VERSION, suite: suite.id }),
    ({ version: _, suite: id, ...material }) => {
      if (id !== suite.id) throw new EncodingError('material of another suite');
      return material;
    },
  );
}

/** A secret of `length` bytes. What is written is the secret's own buffer, which the encoder copies once. */
function secretBytes(length: number): Codec<Secret> {
  const inner = fixed(length);
  return {
    schema: inner.schema,
    write: (secret, out) => secret.use((bytes) => inner.write(bytes, out)),
    read: (reader) => new Secret(inner.read(reader)),
  };
}
