import { decodeEnvelope, equal, frost, type KeyShare, kinds, type Party } from '@quorate/protocol';
import { type Scenario, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import type { DealtKey } from './dealt-key.ts';

export interface Signing {
  readonly seed: number;
  readonly suite: frost.Ciphersuite;
  readonly key: DealtKey;
  readonly signers: readonly Party[];
  readonly message: Uint8Array;
}

/** A simulated committee that signs. */
export function signing({ seed, suite, key, signers, message }: Signing): Scenario<Uint8Array> {
  return {
    seed,
    parties: signers,
    kind: kinds.sign,
    rounds: frost.signRounds(suite),
    rules: frost.signRules(suite, key.publicPackage, message),
    run: (party, randomness, { sid }) =>
      frost.sign({ suite, share: shareOf(key, party), signers, message, sid, randomness }),
  };
}

export function shareOf({ shares }: DealtKey, party: Party): KeyShare {
  return shares.find((share) => share.party === party) as KeyShare;
}

/** Runs it, and checks what must hold whatever happens: sound blame, and never two shares from an honest party. */
export function run(scenario: Scenario<Uint8Array>): Simulation<Uint8Array> {
  const simulation = simulate(scenario);
  soundness(simulation, scenario.corrupted);
  const shares = new Map<Party, Uint8Array>();
  for (const { from, frame } of simulation.history) {
    if (scenario.corrupted?.has(from) === true) continue;
    const envelope = decodeEnvelope(frame);
    if (envelope.class !== 'broadcast' || envelope.round !== 1) continue;
    const before = shares.get(from);
    if (before !== undefined && !equal(before, envelope.payload)) throw new Error(`party ${from} sent two shares`);
    shares.set(from, envelope.payload);
  }
  return simulation;
}
