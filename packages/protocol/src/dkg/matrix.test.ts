import { assault, commit, type Fault, faultsOf, type Verdict } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { keyGeneration } from '../../../../test/support/key-generation.ts';
import { equal } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { publicPackageCodec } from '../keys.ts';
import { encode } from '../wire/codec.ts';
import type { DkgOutcome } from './parameters.ts';

/** Every value matters: whoever changes one is found out, unless it says what is true of all. */
function expected({ name, label }: Fault): Verdict {
  const common = label === 'verdict' || label === 'return';
  return common && name === 'with the value of another' ? 'harmless' : 'culprit';
}

function agree(a: DkgOutcome, b: DkgOutcome): boolean {
  const [one, other] = [a, b].map(({ publicPackage }) => encode(publicPackageCodec(toy), publicPackage));
  return equal(one as Uint8Array, other as Uint8Array);
}

describe('every fault of every party in a key generation', () => {
  it.each([
    [2, 2],
    [2, 3],
    [3, 4],
  ])('has the outcome that it must have, %i-of-%i', (threshold, parties) => {
    const scenario = keyGeneration({ seed: 1, group: toy, threshold, parties });
    const counts = assault({ ...scenario, rushing: true }, { expected, agree });
    expect(counts.culprit).toBeGreaterThan(200);
  });

  // All of them in real groups would take a minute; those that depend on the group are the ones that decode or compute.
  it.each([ed25519, secp256k1])('names the culprit of every bad point and scalar: $name', (group) => {
    const scenario = keyGeneration({ seed: 1, group, threshold: 2, parties: 2, signatures: 'pure' });
    const faults = faultsOf(scenario, 2).filter(({ name }) => /^(coefficients|proof|sealed)/.test(name));
    expect(faults.length).toBeGreaterThan(50);
    for (const fault of faults) expect([fault.name, commit(scenario, fault).verdict]).toEqual([fault.name, 'culprit']);
  });
});
