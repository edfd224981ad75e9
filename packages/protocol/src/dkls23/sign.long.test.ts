import { describe, expect, it } from 'vitest';
import {
  drawEcdsaSigning,
  type EcdsaSigning,
  ecdsaSigning,
  presignedSigning,
  presigning,
} from '../../../../test/support/ecdsa-signing.ts';
import { isValidEverywhere } from '../../../../test/support/ecdsa-verifiers.ts';
import { libsecp256k1, nativeSymmetric } from '../../native/index.ts';
import { toHex, u32 } from '../bytes.ts';
import type { Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { sha256 } from '../primitives/hash.ts';
import type { Party } from '../protocol.ts';
import { seeded } from '../random.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { type Simulation, simulate, soundness } from '../simulation/committee.ts';
import { idealMultiplication } from '../simulation/ideal-multiplication.ts';
import { decode } from '../wire/codec.ts';
import type { EcdsaSignature } from './ecdsa.ts';
import { pairMultiplication } from './products.ts';
import { preparationFormats } from './sign-messages.ts';
import { suiteA } from './suite.ts';

const RUNS = Number(process.env['QUORATE_SEEDS'] ?? 1000);
const COMMITTEES = 20;

function resultsOf<T>({ outcomes }: Simulation<T>): ReadonlyMap<Party, T> {
  return new Map(
    [...outcomes].map(([party, outcome]) => {
      if (outcome.type !== 'done') throw new Error(`party ${party} ended ${outcome.type}`);
      return [party, outcome.result];
    }),
  );
}

/** By a presignature in every fourth run. */
function sign(options: EcdsaSigning, presigned: boolean): ReadonlyMap<Party, EcdsaSignature> {
  if (!presigned) return resultsOf(simulate(ecdsaSigning(options)));
  const presignatures = resultsOf(simulate(presigning({ ...options, seed: options.seed + 1_000_000 })));
  return resultsOf(simulate(presignedSigning(options, presignatures)));
}

describe('signatures of drawn committees', () => {
  it('are accepted by noble and OpenSSL, have the low s, give the key back, and never share an r', () => {
    const multiplication = pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric });
    const seen = new Set<bigint>();
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
        const results = sign(options, i % 4 === 3);
        const key = group.encodePoint(group.add(groupKey, group.multiplyBase(tweak)));
        const [first] = results.values();
        for (const result of results.values()) {
          expect(result).toEqual(first);
          expect(isValidEverywhere(key, message, result)).toBe(true);
        }
        seen.add((first as EcdsaSignature).r);
      }
    }
    expect(seen.size).toBe(RUNS);
  });

  it('never share a nonce, whether sessions end or are broken off', () => {
    const ideal = idealMultiplication(toy);
    const { answers } = preparationFormats(toy, ideal);
    const [parts, nonces] = [new Map<string, string>(), new Set<string>()];
    let whole = 0;
    for (let seed = 1; seed <= 2 * RUNS; seed++) {
      const options = drawEcdsaSigning(toy, ideal, 1 + (seed % COMMITTEES), 5);
      const corrupted = new Set(seed % 2 === 0 ? [] : [options.signers[0] as number]);
      const simulation = simulate({
        ...ecdsaSigning({ ...options, seed }),
        corrupted,
        adversary: ({ round }) => ({ type: round === seed % 3 ? 'withhold' : 'keep' }),
      });
      soundness(simulation, corrupted);
      const shown = new Map<Party, Point>();
      for (const { from, frame } of simulation.history) {
        const { round, class: kind, payload } = decodeEnvelope(frame);
        if (round !== 1 || kind !== 'direct') continue;
        const { point } = decode(answers.direct, payload);
        const name = toHex(toy.encodePoint(point));
        expect(parts.get(name) ?? `${seed}/${from}`).toBe(`${seed}/${from}`);
        parts.set(name, `${seed}/${from}`);
        shown.set(from, point);
      }
      if (shown.size < options.signers.length) continue;
      whole++;
      nonces.add(toHex(toy.encodePoint([...shown.values()].reduce((sum, point) => toy.add(sum, point)))));
    }
    expect(parts.size).toBeGreaterThan(RUNS);
    expect(whole).toBeGreaterThan(RUNS);
    expect(nonces.size).toBe(whole);
  });
});
