import { describe, expect, it } from 'vitest';
import {
  dealEcdsaKey,
  type EcdsaSigning,
  ecdsaSigning,
  presignedSigning,
  presigning,
} from '../../../../test/support/ecdsa-signing.ts';
import { nativeSymmetric } from '../../native/index.ts';
import { ascii, concat, toBytesBE, toHex } from '../bytes.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { sha256 } from '../primitives/hash.ts';
import type { Party } from '../protocol.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { type Scenario, simulate } from '../simulation/committee.ts';
import { type EcdsaSignature, encodeCompact } from './ecdsa.ts';
import type { Presignature } from './presign.ts';
import { type Multiplication, pairMultiplication } from './products.ts';
import { suiteA } from './suite.ts';

const options: EcdsaSigning = {
  seed: 1,
  group: secp256k1,
  multiplication: pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric }),
  key: dealEcdsaKey(secp256k1, 2, [1, 2, 3]),
  signers: [1, 3],
  digest: sha256(ascii('what is signed')),
  tweak: 5n,
};

/** The multiplication, which also writes down what goes in and comes out: sid0, χ, r and sk, and both sides' shares. */
function overheard(inner: Multiplication, lines: string[]): Multiplication {
  const hex = (values: readonly bigint[]): string => values.map((value) => toHex(toBytesBE(value, 32))).join(' ');
  const check = <T>(shares: T | 'cheat'): T => {
    if (shares === 'cheat') throw new Error('all are honest');
    return shares;
  };
  return {
    ...inner,
    offer: (material, session, randomness) => {
      const offered = inner.offer(material, session, randomness);
      const pair = `${session.alice} with ${session.bob}`;
      lines.push(`${pair} sid0 ${toHex(session.sid)}\n`, `${pair} chi ${hex([offered.factor])}\n`);
      return {
        message: offered.message,
        factor: offered.factor,
        finish: (...args) => {
          const shares = check(offered.finish(...args));
          lines.push(`${pair} d ${hex(shares)}\n`);
          return shares;
        },
        [Symbol.dispose]: () => offered[Symbol.dispose](),
      };
    },
    answer: (material, session, aliceNonce, offer, inputs, randomness) => {
      const answered = check(inner.answer(material, session, aliceNonce, offer, inputs, randomness));
      const pair = `${session.alice} with ${session.bob}`;
      lines.push(`${pair} r, sk ${hex(inputs)}\n`, `${pair} c ${hex(answered.shares)}\n`);
      return answered;
    },
  };
}

/** Every payload of a run, in the order of rounds and senders, the end of long ones as a hash; and what came of it. */
function told<T>(name: string, scenario: Scenario<T>, show: (result: T) => string) {
  const { history, outcomes } = simulate(scenario);
  const results = new Map<Party, T>();
  for (const [party, outcome] of outcomes) if (outcome.type === 'done') results.set(party, outcome.result);
  const lines = history
    .map(({ frame }) => decodeEnvelope(frame))
    .map(({ round, from, class: kind, payload }) => {
      const [start, rest] = [payload.subarray(0, 200), payload.subarray(200)];
      const end = rest.length === 0 ? '' : ` and ${rest.length} bytes that hash to ${toHex(sha256(rest))}`;
      return `${name} round ${round} from ${from} ${kind} ${toHex(start)}${end}\n`;
    })
    .toSorted();
  return { results, text: [...lines, `${name} ${show([...results.values()][0] as T)}\n`].join('') };
}

describe('a signing of two of three', () => {
  const signature = (one: EcdsaSignature): string => toHex(concat(encodeCompact(one), Uint8Array.of(one.recovery)));

  it('says and signs what the golden file says', async () => {
    const steps: string[] = [];
    const multiplication = overheard(options.multiplication, steps);
    const signed = told('sign', ecdsaSigning({ ...options, multiplication }), signature);
    const prepared = told('presign', presigning(options), ({ id, nonce }: Presignature) =>
      toHex(concat(id, secp256k1.encodePoint(nonce))),
    );
    const used = told('use', presignedSigning({ ...options, seed: 2 }, prepared.results), signature);
    await expect([signed, prepared, used].map(({ text }) => text).join('')).toMatchFileSnapshot('golden/signing.txt');
    await expect(steps.toSorted().join('')).toMatchFileSnapshot('golden/signing-steps.txt');
  });

  it('has messages of these lengths', () => {
    const lengths = simulate(ecdsaSigning(options)).history.map(({ frame }) => {
      const { round, class: kind, payload } = decodeEnvelope(frame);
      return `${round} ${kind} ${payload.length}`;
    });
    // Of the specification, and a version byte. T₁ is the session's echo.
    expect(new Set(lengths)).toEqual(new Set(['0 broadcast 65', '0 direct 4497', '1 direct 53541', '2 broadcast 65']));
  });
});
