import { concat, equal, u16 } from '../bytes.ts';
import type { Run } from '../dkls23/extension.ts';
import type { Multiplication } from '../dkls23/products.ts';
import type { Group } from '../groups/group.ts';
import { randomScalar } from '../random.ts';
import { primeField } from '../sharing/field.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { type Codec, decode, encode, fixed, scalar, struct } from '../wire/codec.ts';

interface Offer {
  readonly factor: bigint;
  readonly check: Uint8Array;
}

interface Answer {
  readonly first: bigint;
  readonly second: bigint;
  readonly check: Uint8Array;
}

/**
 * Stands in for oblivious transfer where thousands of committees sign: Bob says his factor and Alice his shares, each with a
 * digest that stands for its sender's consistency, so that a message of another session or with anything changed is a cheat.
 * It has every property of a multiplication but secrecy, in any group.
 */
export function idealMultiplication(group: Group): Multiplication {
  const field = primeField(group.order);
  const offers: Codec<Offer> = struct({ factor: scalar(group), check: fixed(32) });
  const answers: Codec<Answer> = struct({ first: scalar(group), second: scalar(group), check: fixed(32) });
  const digest = (run: Run, ...parts: readonly Uint8Array[]): Uint8Array =>
    hash(tags.simulation, run.sid, u16(run.alice), u16(run.bob), run.bobNonce, ...parts);
  return {
    id: 'ideal',
    offers: verbatim(offers),
    answers: verbatim(answers),
    offer: (_material, run, randomness) => {
      const factor = randomScalar(randomness, group.order);
      const check = digest(run, group.encodeScalar(factor));
      return {
        message: encode(offers, { factor, check }),
        factor,
        finish: (aliceNonce, message) => {
          const { first, second, check: theirs } = decode(answers, message);
          const expected = digest(run, aliceNonce, group.encodeScalar(first), group.encodeScalar(second));
          return equal(theirs, expected) ? [first, second] : 'cheat';
        },
        [Symbol.dispose]: () => undefined,
      };
    },
    answer: (_material, run, aliceNonce, message, inputs, randomness) => {
      const { factor, check } = decode(offers, message);
      if (!equal(check, digest(run, group.encodeScalar(factor)))) return 'cheat';
      const shares = inputs.map(() => randomScalar(randomness, group.order));
      const [first, second] = inputs.map((input, i) => field.reduce(input * factor - (shares[i] as bigint))) as [
        bigint,
        bigint,
      ];
      const answered = digest(run, aliceNonce, group.encodeScalar(first), group.encodeScalar(second));
      return { message: encode(answers, { first, second, check: answered }), shares };
    },
  };
}

/** The bytes of a well-formed value, kept as they are. */
function verbatim<T>(inner: Codec<T>): Codec<Uint8Array> {
  return {
    schema: inner.schema,
    write: (message, out) => out.push(concat(message)),
    read: (reader) => encode(inner, inner.read(reader)),
  };
}
