import { describe, expect, it } from 'vitest';
import { drawEcdsaSigning, ecdsaSigning } from '../../../../test/support/ecdsa-signing.ts';
import { isValidEverywhere } from '../../../../test/support/ecdsa-verifiers.ts';
import { libsecp256k1, nativeSymmetric } from '../../native/index.ts';
import { toHex, u32 } from '../bytes.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { sha256 } from '../primitives/hash.ts';
import { seeded } from '../random.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { simulate, soundness } from '../simulation/committee.ts';
import { idealMultiplication } from '../simulation/ideal-multiplication.ts';
import { decode } from '../wire/codec.ts';
import { pairMultiplication } from './products.ts';
import { preparationFormats } from './sign-messages.ts';
import { suiteA } from './suite.ts';

const RUNS = Number(process.env['QUORATE_SEEDS'] ?? 1000);
const COMMITTEES = 20;

describe('signatures of drawn committees', () => {
  it('are accepted by noble and OpenSSL, have the low s, and give the key back', () => {
    const multiplication = pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric });
    for (let committee = 1; committee <= COMMITTEES; committee++) {
      const group = committee % 2 === 0 ? secp256k1 : (libsecp256k1() ?? secp256k1);
      const drawn = drawEcdsaSigning(group, multiplication, committee, 6);
      const { threshold, members, groupKey } = drawn.key.publicPackage;
      for (let i = 0; i < RUNS / COMMITTEES; i++) {
        const random = seeded(u32(1000 * committee + i));
        const signers = members.map(({ party }) => party);
        while (signers.length > threshold) signers.splice((random.bytes(1)[0] as number) % signers.length, 1);
        const tweak = group.reduceScalar(random.bytes(48));
        const message = random.bytes(i);
        const options = { ...drawn, seed: 1000 * committee + i, signers, tweak, digest: sha256(message) };
        const { outcomes } = simulate(ecdsaSigning(options));
        const key = group.encodePoint(group.add(groupKey, group.multiplyBase(tweak)));
        for (const outcome of outcomes.values()) {
          expect(outcome.type === 'done' && isValidEverywhere(key, message, outcome.result)).toBe(true);
        }
      }
    }
  });

  it('never share a nonce, whether sessions end or are broken off', () => {
    const ideal = idealMultiplication(toy);
    const { answers } = preparationFormats(toy, ideal);
    const seen = new Map<string, string>();
    for (let seed = 1; seed <= 2 * RUNS; seed++) {
      const options = drawEcdsaSigning(toy, ideal, 1 + (seed % COMMITTEES), 5);
      const scenario = ecdsaSigning({ ...options, seed });
      const corrupted = new Set(seed % 2 === 0 ? [] : [options.signers[0] as number]);
      const simulation = simulate({
        ...scenario,
        corrupted,
        adversary: ({ round }) => ({ type: round === seed % 3 ? 'withhold' : 'keep' }),
      });
      soundness(simulation, corrupted);
      for (const { from, frame } of simulation.history) {
        const { round, class: kind, payload } = decodeEnvelope(frame);
        if (round !== 1 || kind !== 'direct') continue;
        const point = toHex(toy.encodePoint(decode(answers.direct, payload).point));
        expect(seen.get(point) ?? `${seed}/${from}`).toBe(`${seed}/${from}`);
        seen.set(point, `${seed}/${from}`);
      }
    }
    expect(seen.size).toBeGreaterThan(RUNS);
  });
});
