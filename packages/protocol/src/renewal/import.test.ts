import { type Scenario, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { forgedSeat } from '../../../../test/support/forged-renewal.ts';
import { receiveSecretOf } from '../../../../test/support/key-generation.ts';
import {
  type HeldKey,
  heldKey,
  membersOf,
  type NodeNumber,
  nodeKeyOf,
  renewing,
  sessionOf,
} from '../../../../test/support/renewal.ts';
import { fromBytesBE } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group, Point } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import type { Party } from '../protocol.ts';
import { secretScalar } from '../random.ts';
import type { Secret } from '../secret.ts';
import { kinds } from '../session/envelope.ts';
import { primeField } from '../sharing/field.ts';
import { combine } from '../sharing/shamir.ts';
import type { RenewalOutcome } from './parameters.ts';
import { importKey } from './plan.ts';
import { renew } from './protocol.ts';
import { renewalCourt } from './rules.ts';

const key = 123_456_789n;
const committee: readonly NodeNumber[] = [1, 2, 3];

/** Node `dealer` imports `secret` for the public key of `key`. */
function importing(group: Group, dealer: NodeNumber, secret = key): Scenario<RenewalOutcome> {
  const nodes = committee.includes(dealer) ? committee : [...committee, dealer];
  const { publicPackage } = heldKey({ group, threshold: 2, nodes: committee });
  const parameters = importKey(
    sessionOf(
      { seed: 1, group },
      nodes.map((_, i) => i + 1),
    ),
    {
      statement: { ...publicPackage, groupKey: group.multiplyBase(key), epoch: 1, baseEpoch: 0 },
      members: membersOf(committee),
      threshold: 2,
      dealer: nodeKeyOf(dealer).publicKey,
    },
  );
  const court = renewalCourt(parameters);
  return {
    seed: 1,
    parties: court.parties,
    kind: kinds.import,
    nodes: new Map(nodes.map((node, i) => [i + 1, nodeKeyOf(node)])),
    rounds: court.rounds,
    rules: court.rules,
    run: (me, randomness) => {
      const dealt = parameters.dealers.has(me) ? secretScalar(secret, group.scalarBytes) : undefined;
      const receiveSecret = receiveSecretOf({ seed: 1, group }, me);
      const input = { ...parameters, me, secret: dealt, receiveSecret, randomness };
      // Whoever lies about the secret has to get past its own check.
      return dealt === undefined || secret === key
        ? renew(input)
        : forgedSeat(parameters, me, { polynomial: [secret, 5n] });
    },
  };
}

function heldIn(simulation: Simulation<RenewalOutcome>): HeldKey {
  const shares = new Map<NodeNumber, Secret>();
  for (const [seat, outcome] of simulation.outcomes) {
    if (outcome.type !== 'done') throw new Error(`seat ${seat} is ${outcome.type}`);
    if (outcome.result.share !== undefined) shares.set(committee[seat - 1] as NodeNumber, outcome.result.share);
  }
  const first = simulation.outcomes.get(1);
  if (first?.type !== 'done') throw new Error('the honest failed');
  return { publicPackage: first.result.publicPackage, shares };
}

function valueOf(group: Group, { publicPackage, shares }: HeldKey, parties: readonly Party[]): bigint {
  const nodes = publicPackage.members;
  expect(nodes.length).toBe(shares.size);
  return combine(
    primeField(group.order),
    parties.map((party) => ({
      id: BigInt(party),
      value: (shares.get(committee[party - 1] as NodeNumber) as Secret).use(fromBytesBE),
    })),
  );
}

describe.each([toy, ed25519, secp256k1])('a key that one node knows: $name', (group) => {
  it.each([2, 4])('is shared out by node %i, and refreshed', (dealer) => {
    const simulation = simulate(importing(group, dealer));
    soundness(simulation);
    const imported = heldIn(simulation);
    expect(valueOf(group, imported, [1, 2])).toBe(key);
    expect(valueOf(group, imported, [2, 3])).toBe(key);
    const refreshed = heldIn(simulate(renewing({ seed: 2, group, key: imported, dealers: [1, 2, 3] })));
    expect(valueOf(group, refreshed, [1, 3])).toBe(key);
    const before = imported.publicPackage.verifyingShares[0] as Point;
    expect(group.equals(refreshed.publicPackage.verifyingShares[0] as Point, before)).toBe(false);
  });

  it('is not shared out as another: the dealer is named', () => {
    const simulation = simulate({ ...importing(group, 2, key + 1n), corrupted: new Set([2]) });
    soundness(simulation, new Set([2]));
    expect(simulation.outcomes.get(1)).toMatchObject({ type: 'aborted', abort: { culprits: [2] } });
  });
});
