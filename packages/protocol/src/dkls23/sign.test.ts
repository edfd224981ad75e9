import { describe, expect, it } from 'vitest';
import { dealPairs } from '../../../../test/support/dealt-pairs.ts';
import {
  dealEcdsaKey,
  drawEcdsaSigning,
  type EcdsaSigning,
  ecdsaInputOf,
  ecdsaSigning,
  lockstep,
} from '../../../../test/support/ecdsa-signing.ts';
import { isValidEverywhere } from '../../../../test/support/ecdsa-verifiers.ts';
import { libsecp256k1, nativeSymmetric } from '../../native/index.ts';
import { ascii, toHex, u32 } from '../bytes.ts';
import { derive, parsePath } from '../derivation/bip32.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { sha256 } from '../primitives/hash.ts';
import { pureSymmetric, type Symmetric } from '../primitives/symmetric.ts';
import type { Party } from '../protocol.ts';
import { seeded } from '../random.ts';
import { SecretWiped } from '../secret.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { primeField } from '../sharing/field.ts';
import { lagrange } from '../sharing/polynomial.ts';
import { type Simulation, simulate, soundness } from '../simulation/committee.ts';
import { idealMultiplication } from '../simulation/ideal-multiplication.ts';
import { seededBytes, seededStream } from '../simulation/seeds.ts';
import { decode } from '../wire/codec.ts';
import { type EcdsaSignature, isLow, recoverKey, verifyEcdsa } from './ecdsa.ts';
import type { PairMaterial } from './material.ts';
import { pairMultiplication } from './products.ts';
import { signEcdsa } from './sign.ts';
import { preparationFormats } from './sign-messages.ts';
import { suiteA } from './suite.ts';

const SEEDS = Number(process.env['QUORATE_SEEDS'] ?? 500);
const REAL_SEEDS = 30;

const real = pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric });

/** What everybody signed. */
function signatureOf(simulation: Simulation<EcdsaSignature>): EcdsaSignature {
  soundness(simulation);
  const results = [...simulation.outcomes.values()].map((outcome) => {
    if (outcome.type !== 'done') throw new Error(`a party ended ${outcome.type}`);
    return outcome.result;
  });
  const [first] = results as [EcdsaSignature];
  for (const result of results) expect(result).toEqual(first);
  return first;
}

function keyOf({ group, key, tweak = 0n }: EcdsaSigning): Point {
  return group.add(key.publicPackage.groupKey, group.multiplyBase(tweak));
}

/** By us, by noble and by OpenSSL, which share no code; the low s; and the key from the signature. */
function expectValid(key: Point, message: Uint8Array, signature: EcdsaSignature): void {
  expect(isValidEverywhere(secp256k1.encodePoint(key), message, signature)).toBe(true);
  expect(isLow(secp256k1, signature.s)).toBe(true);
  expect(verifyEcdsa(secp256k1, key, sha256(message), signature)).toBe(true);
  expect(secp256k1.equals(recoverKey(secp256k1, sha256(message), signature) as Point, key)).toBe(true);
}

describe('signing on secp256k1', () => {
  it('works for every pair of a 2-of-3 key', () => {
    const key = dealEcdsaKey(secp256k1, 2, [1, 2, 3]);
    const message = ascii('two of three');
    for (const [i, signers] of [
      [1, 2],
      [1, 3],
      [2, 3],
    ].entries()) {
      const options = { seed: i, group: secp256k1, multiplication: real, key, signers, digest: sha256(message) };
      expectValid(
        key.publicPackage.groupKey,
        message,
        signatureOf(simulate(ecdsaSigning({ ...options, signatures: 'pure' }))),
      );
    }
  });

  it('works for three, four and all of five parties whose numbers have gaps', () => {
    const key = dealEcdsaKey(secp256k1, 3, [2, 3, 7, 8, 40]);
    const message = ascii('three of five');
    for (const [i, signers] of [
      [2, 3, 7],
      [2, 8, 40],
      [3, 7, 8, 40],
      [2, 3, 7, 8, 40],
    ].entries()) {
      const options = { seed: i, group: secp256k1, multiplication: real, key, signers, digest: sha256(message) };
      expectValid(key.publicPackage.groupKey, message, signatureOf(simulate(ecdsaSigning(options))));
    }
  });

  it('signs for children of the key', () => {
    const key = dealEcdsaKey(secp256k1, 2, [1, 2, 3]);
    const { groupKey, chainCode } = key.publicPackage;
    for (const [i, path] of ['m/0', 'm/44/60/0/0/7', 'm/2147483647/1'].entries()) {
      const child = derive(secp256k1, groupKey, chainCode, parsePath(path));
      const message = ascii(path);
      const options = {
        seed: i,
        group: secp256k1,
        multiplication: real,
        key,
        signers: [1, 3],
        digest: sha256(message),
      };
      const signature = signatureOf(simulate(ecdsaSigning({ ...options, tweak: child.tweak })));
      expectValid(child.key, message, signature);
      expect(verifyEcdsa(secp256k1, groupKey, sha256(message), signature)).toBe(false);
    }
  });

  it(`works for ${REAL_SEEDS} keys, thresholds, signers, digests and tweaks, never twice with one nonce`, () => {
    const nonces = new Set<bigint>();
    for (let seed = 1; seed <= REAL_SEEDS; seed++) {
      const options = drawEcdsaSigning(secp256k1, real, seed, 4);
      const message = u32(seed);
      const signature = signatureOf(simulate(ecdsaSigning({ ...options, digest: sha256(message) })));
      expectValid(keyOf(options), message, signature);
      nonces.add(signature.r);
    }
    expect(nonces.size).toBe(REAL_SEEDS);
  });

  it('gives the same signature whatever computes', () => {
    const options = drawEcdsaSigning(secp256k1, real, 7, 4);
    const expected = signatureOf(simulate(ecdsaSigning(options)));
    const pure = pairMultiplication({ suite: suiteA, symmetric: pureSymmetric });
    expect(signatureOf(simulate(ecdsaSigning({ ...options, multiplication: pure })))).toEqual(expected);
    const group = libsecp256k1() as Group;
    expect(signatureOf(simulate(ecdsaSigning(drawEcdsaSigning(group, real, 7, 4))))).toEqual(expected);
  });

  it('keeps twenty interleaved sessions between the same parties apart', () => {
    const key = dealEcdsaKey(secp256k1, 2, [1, 2, 3]);
    const signers = [1, 3];
    const sessions = Array.from({ length: 20 }, (_, seed) => {
      const digest = seededBytes(seed, 'digest');
      const options = { seed, group: secp256k1, multiplication: real, key, signers, digest };
      const sign = (party: Party) =>
        signEcdsa({ ...ecdsaInputOf(options, party), randomness: seededStream(seed, 'party', party) });
      return { digest, committee: lockstep(new Map(signers.map((party) => [party, sign(party)]))) };
    });
    for (let round = 1; round <= 3; round++) {
      for (const { committee } of sessions) expect(committee.next()).toBeUndefined();
    }
    for (const { digest, committee } of sessions.reverse()) {
      const [one, two] = [...(committee.next() as ReadonlyMap<Party, EcdsaSignature>).values()];
      expect(one).toEqual(two);
      expect(verifyEcdsa(secp256k1, key.publicPackage.groupKey, digest, one as EcdsaSignature)).toBe(true);
    }
  });

  it('holds nothing of an offer that was let go', () => {
    const random = seeded(ascii('let go'));
    const bob = dealPairs(suiteA, [1, 2], random).get(1)?.get(2) as PairMaterial;
    const run = { sid: random.bytes(32), alice: 2, bob: 1, bobNonce: random.bytes(32) };
    const drawn: Uint8Array[] = [];
    const watched = {
      bytes: (length: number) => {
        drawn.push(random.bytes(length));
        return drawn.at(-1) as Uint8Array;
      },
    };
    let blocks = 0;
    const symmetric: Symmetric = {
      ...nativeSymmetric,
      aes128Blocks: (key, all) => {
        blocks++;
        return nativeSymmetric.aes128Blocks(key, all);
      },
    };
    const offered = pairMultiplication({ suite: suiteA, symmetric }).offer(bob, run, watched);
    const [choices] = drawn as [Uint8Array];
    expect(choices).toHaveLength(suiteA.xi / 8);
    expect(choices.every((byte) => byte === 0)).toBe(false);
    offered[Symbol.dispose]();
    expect(choices.every((byte) => byte === 0)).toBe(true);
    blocks = 0;
    expect(() => offered.finish(random.bytes(32), new Uint8Array(suiteA.answerBytes))).toThrow(SecretWiped);
    // Its columns went first: there was nothing left to expand.
    expect(blocks).toBe(0);
  });

  it('multiplies for more pairs than it remembers gadget vectors of', () => {
    const multiplication = pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric });
    const random = seeded(ascii('gadgets'));
    const pairs = dealPairs(suiteA, [1, 2], random);
    const [bob, alice] = [pairs.get(1)?.get(2), pairs.get(2)?.get(1)] as [PairMaterial, PairMaterial];
    for (let i = 0; i < 66; i++) {
      const pairSid = u32(i % 65);
      const run = { sid: random.bytes(32), alice: 2, bob: 1, bobNonce: random.bytes(32) };
      const aliceNonce = random.bytes(32);
      using offered = multiplication.offer({ ...bob, asBob: { ...bob.asBob, pairSid } }, run, random);
      if (i % 65 !== 0) continue;
      const own = { ...alice, asAlice: { ...alice.asAlice, pairSid } };
      const answered = multiplication.answer(own, run, aliceNonce, offered.message, [3n, 4n], random);
      if (answered === 'cheat') throw new Error('no cheat');
      const shares = offered.finish(aliceNonce, answered.message) as readonly bigint[];
      expect(((shares[0] as bigint) + (answered.shares[0] as bigint)) % secp256k1.order).toBe(
        (3n * offered.factor) % secp256k1.order,
      );
    }
  });
});

describe('committees of the toy group', () => {
  it(`agree on a signature: ${SEEDS} keys and orders of delivery, never twice with one nonce`, () => {
    const ideal = idealMultiplication(toy);
    const nonces = new Set<bigint>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const options = drawEcdsaSigning(toy, ideal, seed, 5);
      const signature = signatureOf(simulate(ecdsaSigning(options)));
      expect(verifyEcdsa(toy, keyOf(options), options.digest, signature)).toBe(true);
      expect(toy.equals(recoverKey(toy, options.digest, signature) as Point, keyOf(options))).toBe(true);
      expect(isLow(toy, signature.s)).toBe(true);
      nonces.add(signature.r);
    }
    expect(nonces.size).toBe(SEEDS);
  });
});

describe('what is said', () => {
  const ideal = idealMultiplication(toy);
  const key = dealEcdsaKey(toy, 3, [1, 2, 5]);
  const signers = [1, 2, 5];
  const options = { group: toy, multiplication: ideal, key, signers, digest: new Uint8Array(32).fill(1) };
  const formats = preparationFormats(toy, ideal);
  const run = (seed: number) => simulate(ecdsaSigning({ ...options, seed }));
  const answersOf = (simulation: Simulation<EcdsaSignature>) =>
    simulation.history
      .map(({ from, to, frame }) => ({ from, to, envelope: decodeEnvelope(frame) }))
      .filter(({ envelope }) => envelope.round === 1 && envelope.class === 'direct')
      .map(({ from, to, envelope }) => ({ from, to, answer: decode(formats.answers.direct, envelope.payload) }));

  it('hides the parts of the key behind shares of zero, others in every session', () => {
    const weights = lagrange(primeField(toy.order), signers.map(BigInt));
    const [first, second] = [answersOf(run(1)), answersOf(run(2))];
    for (const [i, { from, answer }] of first.entries()) {
      const share = key.publicPackage.verifyingShares[signers.indexOf(from)] as Point;
      const bare = toy.multiply(share, weights[signers.indexOf(from)] as bigint);
      expect(toy.equals(answer.key, bare)).toBe(false);
      const later = second.find((other) => other.from === from && other.to === (first[i] as { to: Party }).to);
      expect(toy.equals(answer.key, later?.answer.key as Point)).toBe(false);
    }
  });

  it('hides φ from each peer behind the factor that it does not know', () => {
    const masks = answersOf(run(1)).map(({ answer }) => answer.mask);
    expect(new Set(masks).size).toBe(6);
  });

  it('is another nonce in another session, even from a generator that stands still', () => {
    const standstill = { bytes: (length: number) => new Uint8Array(length) };
    const stuck = (seed: number) => {
      const scenario = ecdsaSigning({ ...options, seed });
      return simulate({ ...scenario, run: (party, _randomness, court) => scenario.run(party, standstill, court) });
    };
    const [first, second] = [stuck(1), stuck(2)];
    expect(signatureOf(first).r).not.toBe(signatureOf(second).r);
    // Signers hedge with their shares: with one generator between them they make three nonces a session.
    const points = [first, second].flatMap((one) =>
      answersOf(one).map(({ answer }) => toHex(toy.encodePoint(answer.point))),
    );
    expect(new Set(points).size).toBe(6);
  });
});
