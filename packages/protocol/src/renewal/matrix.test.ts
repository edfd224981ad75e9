import { assault, commit, type Fault, faultsOf, type Verdict } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { heldKey, type RenewalOptions, renewing } from '../../../../test/support/renewal.ts';
import { equal } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { publicPackageCodec } from '../keys.ts';
import { encode } from '../wire/codec.ts';
import type { RenewalOutcome } from './parameters.ts';

/** Every value matters: whoever changes one is found out, unless it says what is true of all. */
function expected({ name, label, class: kind }: Fault): Verdict | readonly Verdict[] {
  if (name !== 'with the value of another') return 'culprit';
  if (label !== 'deal') return 'harmless';
  // Some have nothing to say to some, and say it in the same words.
  return kind === 'direct' ? ['culprit', 'harmless'] : 'culprit';
}

function agree(a: RenewalOutcome, b: RenewalOutcome): boolean {
  const [one, other] = [a, b].map(({ publicPackage }) => encode(publicPackageCodec(toy), publicPackage));
  return equal(one as Uint8Array, other as Uint8Array);
}

function refresh(group: Group): RenewalOptions {
  return { seed: 1, group, key: heldKey({ group, threshold: 2, nodes: [1, 2, 3] }), dealers: [1, 2, 3] };
}

/** Seat 1 deals and stays, 2 stays, 3 is new, 4 deals and leaves. */
function reshare(group: Group): RenewalOptions {
  const key = heldKey({ group, threshold: 2, nodes: [1, 2, 3] });
  return { seed: 1, group, key, dealers: [1, 2], to: { nodes: [2, 3, 4], threshold: 3 } };
}

describe('every fault of every party', () => {
  it('in a refresh has the outcome that it must have', () => {
    const counts = assault({ ...renewing(refresh(toy)), rushing: true }, { expected, agree });
    expect(counts.culprit).toBeGreaterThan(200);
  });

  it.each([1, 2, 3, 4])('in a reshare has the outcome that it must have: seat %i', (seat) => {
    const counts = assault({ ...renewing(reshare(toy)), rushing: true }, { expected, agree, culprits: [seat] });
    expect(counts.culprit).toBeGreaterThan(50);
  });

  it.each([ed25519, secp256k1])('names the culprit of every bad point and scalar: $name', (group) => {
    const key = heldKey({ group, threshold: 2, nodes: [1, 2], signatures: 'pure' });
    const scenario = renewing({ seed: 1, group, key, dealers: [1, 2], signatures: 'pure' });
    const faults = faultsOf(scenario, 2).filter(({ name }) => /^message\.(coefficients|proof|ephemeral)/.test(name));
    expect(faults.length).toBeGreaterThan(40);
    for (const fault of faults) expect([fault.name, commit(scenario, fault).verdict]).toEqual([fault.name, 'culprit']);
  });
});
