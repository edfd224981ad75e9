import { secp256k1 } from '../groups/secp256k1.ts';
import type { Randomness } from '../random.ts';
import { type Codec, fixed, scalar, struct, vector } from '../wire/codec.ts';
import type { Engine, Run } from './extension.ts';
import { readRequest } from './extension.ts';
import { type Gadget, gadgetOf } from './gadget.ts';
import type { PairMaterial } from './material.ts';
import { answer, finish, readAnswer, request } from './multiplication.ts';
import type { Suite } from './suite.ts';

/**
 * The two-party multiplication as signing sees it: Alice puts two factors in, Bob gets a random one, and they end with
 * shares of both products. A seam, so that simulations of thousands of committees can do without the transfers.
 */
export interface Multiplication {
  /** What every session hashes: the suite. ASCII. */
  readonly id: string;
  /** The formats of Bob's and of Alice's message. */
  readonly offers: Codec<Uint8Array>;
  readonly answers: Codec<Uint8Array>;
  /** Bob begins. */
  offer(material: PairMaterial, run: Run, randomness: Randomness): Offered;
  /**
   * Alice's step. Her check is a predicate on what outlives the session: see §8 for what must surround a call.
   * @param inputs her factors, in [0, q)
   */
  answer(
    material: PairMaterial,
    run: Run,
    aliceNonce: Uint8Array,
    offer: Uint8Array,
    inputs: readonly [bigint, bigint],
    randomness: Randomness,
  ): { readonly message: Uint8Array; readonly shares: readonly bigint[] } | 'cheat';
}

/** Bob between his message and Alice's. Disposing of it wipes what was pending. */
export interface Offered extends Disposable {
  readonly message: Uint8Array;
  /** χ, nonzero. */
  readonly factor: bigint;
  /** Once. @returns his shares of both products, or that Alice cheated */
  finish(aliceNonce: Uint8Array, answer: Uint8Array): readonly bigint[] | 'cheat';
}

/** Gadget vectors kept at hand, 33 kB each: making one takes as long as half a multiplication. */
const GADGETS = 64;

/** By oblivious transfer (§4, §5). Keep it: it remembers the gadget vectors of the pairs it served last. */
export function pairMultiplication(engine: Engine): Multiplication {
  const { suite } = engine;
  const gadgets = new Map<string, Gadget>();
  const gadgetFor = (pairSid: Uint8Array): Gadget => {
    const name = pairSid.join();
    const gadget = gadgets.get(name) ?? gadgetOf(engine, pairSid);
    gadgets.delete(name);
    gadgets.set(name, gadget);
    const [oldest] = gadgets.keys();
    if (gadgets.size > GADGETS) gadgets.delete(oldest as string);
    return gadget;
  };
  return {
    id: suite.id,
    offers: fixed(suite.requestBytes),
    answers: answerCodec(suite),
    offer: ({ asBob }, run, randomness) => {
      const gadget = gadgetFor(asBob.pairSid);
      const offered = asBob.leaves.use((leaves) => request(engine, { leaves, gadget }, run, randomness));
      const { message, b: factor, pending } = offered;
      return {
        message,
        factor,
        finish: (aliceNonce, answered) => finish(engine, pending, aliceNonce, readAnswer(suite, answered)),
        [Symbol.dispose]: () => {
          pending.choices.wipe();
          pending.columns.wipe();
        },
      };
    },
    answer: ({ asAlice }, run, aliceNonce, offer, inputs, randomness) => {
      const gadget = gadgetFor(asAlice.pairSid);
      return asAlice.leaves.use((leaves) =>
        asAlice.delta.use((delta) =>
          answer(engine, { leaves, delta, gadget }, run, aliceNonce, readRequest(suite, offer), inputs, randomness),
        ),
      );
    },
  };
}

/** ã ‖ η ‖ μ, every scalar below q, kept as one. */
function answerCodec(suite: Suite): Codec<Uint8Array> {
  const { xi, width, rho, answerBytes } = suite;
  const one = scalar(secp256k1);
  const parts = struct({ masked: vector(one, xi * width), openings: vector(one, rho), digest: fixed(32) });
  const bytes = fixed(answerBytes);
  return {
    schema: parts.schema,
    write: bytes.write,
    read: (reader) => {
      const message = bytes.read(reader);
      readAnswer(suite, message);
      return message;
    },
  };
}
