import { secp256k1 as noble } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import {
  dealEcdsaKey,
  type EcdsaSigning,
  ecdsaInputOf,
  presignedSigning,
  presigning,
} from '../../../../test/support/ecdsa-signing.ts';
import { isValidEverywhere } from '../../../../test/support/ecdsa-verifiers.ts';
import { nativeSymmetric } from '../../native/index.ts';
import { toHex, u32 } from '../bytes.ts';
import { derive, parsePath } from '../derivation/bip32.ts';
import type { Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { sha256 } from '../primitives/hash.ts';
import type { Party } from '../protocol.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import type { Adversary } from '../simulation/adversary.ts';
import { type Simulation, simulate, soundness } from '../simulation/committee.ts';
import { type Fault, faultsOf, type Verdict } from '../simulation/faults.ts';
import { idealMultiplication } from '../simulation/ideal-multiplication.ts';
import { commit } from '../simulation/verdict.ts';
import { decode, encode } from '../wire/codec.ts';
import { type EcdsaSignature, encodeCompact, isLow, nonceX, recoverKey, verifyEcdsa } from './ecdsa.ts';
import { Presignature, presign, presignatureScope, signWithPresignature } from './presign.ts';
import { pairMultiplication } from './products.ts';
import { locksFormat, sharesFormat } from './sign-messages.ts';
import { suiteA } from './suite.ts';

const signers = [1, 2, 5] as const;
const quick: EcdsaSigning = {
  seed: 1,
  group: toy,
  multiplication: idealMultiplication(toy),
  key: dealEcdsaKey(toy, 3, [1, 2, 3, 5]),
  signers,
  digest: new Uint8Array(32).fill(9),
};
const full: EcdsaSigning = {
  ...quick,
  group: secp256k1,
  multiplication: pairMultiplication({ suite: suiteA, symmetric: nativeSymmetric }),
  key: dealEcdsaKey(secp256k1, 3, [1, 2, 3, 5]),
};
const locks = locksFormat().broadcast;
const shares = sharesFormat(toy).broadcast;

/** What every party of a committee ended with. */
function resultsOf<T>(simulation: Simulation<T>): ReadonlyMap<Party, T> {
  soundness(simulation);
  return new Map(
    [...simulation.outcomes].map(([party, outcome]) => {
      if (outcome.type !== 'done') throw new Error(`party ${party} ended ${outcome.type}`);
      return [party, outcome.result] as const;
    }),
  );
}

const prepared = (options: EcdsaSigning, seed = 1000): ReadonlyMap<Party, Presignature> =>
  resultsOf(simulate(presigning({ ...options, seed })));

function expectNobody(simulation: Simulation<EcdsaSignature>, honest: readonly Party[], round: string): void {
  for (const party of honest) {
    const outcome = simulation.outcomes.get(party);
    if (outcome?.type !== 'aborted') throw new Error(`party ${party} ended ${outcome?.type}`);
    const { blames, bans } = outcome.abort;
    expect({ blames, bans, round: outcome.abort.round }).toEqual({ blames: [], bans: [], round });
  }
}

describe.each([
  ['ideal multiplication', quick, 200],
  ['oblivious transfer', full, 6],
] as const)('signing with presignatures made by %s', (_name, options, runs) => {
  const { group, key } = options;
  const keyPlus = (tweak: bigint): Point => group.add(key.publicPackage.groupKey, group.multiplyBase(tweak));

  it('gives what signing gives, with a nonce that nobody knew beforehand, and never twice with one', () => {
    const nonces = new Set<bigint>();
    for (let seed = 1; seed <= runs; seed++) {
      const presignatures = prepared(options, 1000 + seed);
      const [one, ...others] = [...presignatures.values()] as [Presignature, ...Presignature[]];
      for (const other of others) expect(toHex(other.id)).toBe(toHex(one.id));
      const message = u32(seed);
      const digest = sha256(message);
      const tweak = seed % 2 === 0 ? 0n : group.reduceScalar(new Uint8Array(48).fill(seed));
      const results = resultsOf(simulate(presignedSigning({ ...options, seed, digest, tweak }, presignatures)));
      const [signature, ...same] = [...results.values()] as [EcdsaSignature, ...EcdsaSignature[]];
      for (const each of same) expect(each).toEqual(signature);
      expect(isLow(group, signature.s)).toBe(true);
      expect(verifyEcdsa(group, keyPlus(tweak), digest, signature)).toBe(true);
      expect(group.equals(recoverKey(group, digest, signature) as Point, keyPlus(tweak))).toBe(true);
      expect(signature.r).not.toBe(nonceX(group, one.nonce));
      nonces.add(signature.r);
      if (options !== full) continue;
      expect(isValidEverywhere(group.encodePoint(keyPlus(tweak)), message, signature)).toBe(true);
    }
    expect(nonces.size).toBe(runs);
  });
});

describe('a presignature', () => {
  it('signs for a child of the key, as noble sees it', () => {
    const { groupKey, chainCode } = full.key.publicPackage;
    const { key, tweak } = derive(secp256k1, groupKey, chainCode, parsePath('m/44/60/0/0/7'));
    const { digest } = full;
    const [signature] = resultsOf(simulate(presignedSigning({ ...full, tweak }, prepared(full)))).values();
    const compact = encodeCompact(signature as EcdsaSignature);
    expect(noble.verify(compact, digest, secp256k1.encodePoint(key), { prehash: false })).toBe(true);
  });

  it('is spent once it was begun with, whatever came of it', () => {
    const presignatures = prepared(quick);
    const scenario = presignedSigning(quick, presignatures);
    resultsOf(simulate(scenario));
    expect(() => simulate(scenario)).toThrow('the presignature is spent');

    const abandoned = prepared(quick).get(1) as Presignature;
    const input = { ...ecdsaInputOf(quick, 1), presignature: abandoned };
    const protocol = signWithPresignature(input);
    protocol.next(undefined as never);
    protocol.return(undefined as never);
    expect(() => signWithPresignature(input).next(undefined as never)).toThrow('the presignature is spent');
  });

  it('is used, as it is made, in guarded rounds: what comes of them is written down first', () => {
    const making = simulate(presigning(quick)).guards;
    for (const records of making.values()) expect(records.map(({ round }) => round)).toEqual([0, 1]);
    const { guards } = simulate(presignedSigning(quick, prepared(quick)));
    expect([...guards.keys()]).toEqual(signers);
    for (const records of guards.values()) expect(records.map(({ round }) => round)).toEqual([0]);
  });

  it('is not spent by what cannot begin', () => {
    const presignature = prepared(quick).get(1) as Presignature;
    const input = { ...ecdsaInputOf(quick, 1), presignature };
    const wrong = [{ digest: new Uint8Array(31) }, { signers: [1, 2] }, { banned: new Set([5]) }, { tweak: -1n }];
    for (const change of wrong) {
      expect(() => signWithPresignature({ ...input, ...change }).next(undefined as never)).toThrow(
        expect.objectContaining({ code: 'ecdsa-input' }) as Error,
      );
    }
    expect(signWithPresignature(input).next(undefined as never).done).toBe(false);
  });

  it('moves to another thread, once, and leaves nothing behind', () => {
    const presignatures = prepared(full);
    const moved = new Map(
      [...presignatures].map(([party, presignature]) => {
        const { id, nonce } = presignature;
        const bytes = presignature.move(secp256k1);
        expect(bytes.secrets.length).toBe(96);
        expect(() => presignature.move(secp256k1)).toThrow('spent');
        const arrived = Presignature.moved(secp256k1, bytes);
        expect(bytes.secrets).toEqual(new Uint8Array(96));
        expect([toHex(arrived.id), secp256k1.equals(arrived.nonce, nonce)]).toEqual([toHex(id), true]);
        return [party, arrived] as const;
      }),
    );
    const [signature] = resultsOf(simulate(presignedSigning(full, moved))).values();
    expect(verifyEcdsa(secp256k1, full.key.publicPackage.groupKey, full.digest, signature as EcdsaSignature)).toBe(
      true,
    );
    expect(() => simulate(presignedSigning(full, presignatures))).toThrow('spent');
  });

  it('is gone when wiped, and shows nothing', () => {
    const presignature = prepared(quick).get(1) as Presignature;
    expect(Object.keys(presignature).toSorted()).toEqual(['id', 'nonce', 'scope']);
    presignature.wipe();
    const input = { ...ecdsaInputOf(quick, 1), presignature };
    expect(() => signWithPresignature(input).next(undefined as never)).toThrow('the presignature is spent');
  });

  it('serves its key, epoch and signers, and is gone if asked to serve others', () => {
    const { publicPackage } = quick.key;
    const scope = presignatureScope(publicPackage, signers);
    const others = [
      presignatureScope({ ...publicPackage, keyId: new Uint8Array(32) }, signers),
      presignatureScope({ ...publicPackage, epoch: 2 }, signers),
      presignatureScope({ ...publicPackage, transcript: new Uint8Array(32) }, signers),
      presignatureScope(publicPackage, [1, 2, 3, 5]),
    ];
    expect(new Set([scope, ...others].map(toHex)).size).toBe(5);
    for (const other of others) {
      const presignature = prepared(quick).get(1) as Presignature;
      expect(() => presignature.consume(other)).toThrow('made for another');
      expect(() => presignature.consume(scope)).toThrow('spent');
    }
  });

  it('is not made with a banned party, nor without material', () => {
    const input = ecdsaInputOf(quick, 1);
    for (const change of [{ banned: new Set([5]) }, { pairs: new Map() }]) {
      expect(() => presign({ ...input, ...change }).next(undefined as never)).toThrow(
        expect.objectContaining({ code: 'ecdsa-input' }) as Error,
      );
    }
  });
});

describe('signers that do not agree', () => {
  const differing = (differs: (party: Party) => object): EcdsaSigning => ({ ...quick, differs });

  it.each([
    ['the digest', (party: Party) => (party === 5 ? { digest: new Uint8Array(32) } : {})],
    ['the child', (party: Party) => (party === 5 ? { tweak: 1n } : {})],
    ['the session', (party: Party) => (party === 5 ? { sid: new Uint8Array(32) } : {})],
  ])('on %s say no share', (_what, differs) => {
    const simulation = simulate(presignedSigning(differing(differs), prepared(quick)));
    expectNobody(simulation, signers, 'locks');
  });

  it('on the presignature say no share', () => {
    const [first, second] = [prepared(quick, 1), prepared(quick, 2)];
    const mixed = new Map(first).set(5, second.get(5) as Presignature);
    expectNobody(simulate(presignedSigning(quick, mixed)), signers, 'locks');
  });

  it('on the nonces are told apart by the echo, and their shares add up to nothing', () => {
    const split: Adversary = (move) =>
      move.class === 'broadcast' && move.round === 0 && move.to === 1
        ? {
            type: 'replace',
            payload: encode(locks, { ...decode(locks, move.payload), nonce: new Uint8Array(32) }),
          }
        : { type: move.class === 'abort' ? 'withhold' : 'keep' };
    for (let seed = 1; seed <= 10; seed++) {
      const scenario = presignedSigning({ ...quick, seed }, prepared(quick));
      const simulation = simulate({ ...scenario, corrupted: new Set([5]), adversary: split });
      soundness(simulation, new Set([5]));
      for (const party of [1, 2]) {
        const outcome = simulation.outcomes.get(party);
        expect(outcome?.type === 'aborted' && outcome.abort.blames.map(({ code }) => code)).toEqual(['equivocation']);
      }
    }
  });

  it('say other nonces for another use, even from a generator that stands still', () => {
    const standstill = { bytes: (length: number) => new Uint8Array(length) };
    const nonces = [0, 1].flatMap((digest) => {
      const scenario = presignedSigning({ ...quick, digest: new Uint8Array(32).fill(digest) }, prepared(quick));
      const run: typeof scenario.run = (party, _randomness, court) => scenario.run(party, standstill, court);
      return simulate({ ...scenario, run })
        .history.map(({ frame }) => decodeEnvelope(frame))
        .filter(({ round }) => round === 0)
        .map(({ payload }) => toHex(decode(locks, payload).nonce));
    });
    expect(new Set(nonces).size).toBe(6);
  });

  it('get another R for every nonce of every signer', () => {
    const found = new Set<bigint>();
    const nonces = new Map<number, Uint8Array>();
    for (const changed of [0, ...signers]) {
      const scenario = presignedSigning(quick, prepared(quick));
      const adversary: Adversary = (move) => {
        if (move.class !== 'broadcast' || move.round !== 0) return { type: 'keep' };
        nonces.set(move.from, decode(locks, move.payload).nonce);
        return { type: 'keep' };
      };
      // Another sid gives other hedged nonces; one signer's generator gives another one of its own.
      const run: typeof scenario.run = (party, randomness, court) =>
        scenario.run(party, party === changed ? { bytes: (length) => new Uint8Array(length) } : randomness, court);
      const [signature] = resultsOf(simulate({ ...scenario, run, adversary })).values();
      found.add((signature as EcdsaSignature).r);
    }
    expect(found.size).toBe(4);
  });
});

describe('every fault of a signer', () => {
  const scenario = presignedSigning(quick, new Map());
  // Every run needs presignatures of its own.
  const fresh: typeof scenario = {
    ...scenario,
    run: (party, randomness, court) => presignedSigning(quick, prepared(quick)).run(party, randomness, court),
  };
  const verdictsOf = ({ name, verdicts }: Fault): readonly Verdict[] => {
    // If the other share comes first, the session ends before there are two.
    if (name === 'said twice, differently') return ['culprit', 'harmless', 'nobody'];
    return verdicts ?? (name === 'with the value of another' ? ['nobody', 'harmless'] : ['nobody']);
  };

  it.each(signers)('%i, in the online rounds, ends in nothing or changes nothing', (culprit) => {
    const faults = faultsOf(fresh, culprit);
    expect(faults.length).toBeGreaterThan(60);
    for (const fault of faults) {
      const { verdict, simulation } = commit(fresh, fault);
      expect([fault.label, fault.name, verdict, verdictsOf(fault).includes(verdict)]).toContain(true);
      for (const outcome of simulation.outcomes.values()) {
        if (outcome.type !== 'done') continue;
        expect(verifyEcdsa(toy, quick.key.publicPackage.groupKey, quick.digest, outcome.result)).toBe(true);
      }
    }
  });
});

describe('shares', () => {
  it('changed give no signature, and nobody can say whose is wrong', () => {
    for (const part of ['u', 'w'] as const) {
      const adversary: Adversary = (move) => {
        if (move.class !== 'broadcast' || move.round !== 1)
          return { type: move.class === 'abort' ? 'withhold' : 'keep' };
        const share = decode(shares, move.payload);
        const changed = { ...share, [part]: (share[part] + 1n) % toy.order };
        return { type: 'replace', payload: encode(shares, changed) };
      };
      const scenario = presignedSigning(quick, prepared(quick));
      const simulation = simulate({ ...scenario, corrupted: new Set([2]), adversary });
      expectNobody(simulation, [1, 5], 'shares');
    }
  });
});
