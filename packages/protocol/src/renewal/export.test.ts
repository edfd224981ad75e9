import { type Scenario, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { receiveSecretOf } from '../../../../test/support/key-generation.ts';
import { type HeldKey, heldKey, nodeKeyOf, sessionOf } from '../../../../test/support/renewal.ts';
import { fromBytesBE } from '../bytes.ts';
import { openForAll, sealShare } from '../dealing/shares.ts';
import { maybeOpening } from '../dealing/verdicts.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { broadcast, exchange, type Messages, type Party, type Protocol } from '../protocol.ts';
import { seeded } from '../random.ts';
import { Secret } from '../secret.ts';
import { kinds } from '../session/envelope.ts';
import { type ExportInput, exportKey } from './export.ts';
import { type ExportParameters, exportCourt, exportDealing, exportFormats } from './export-rules.ts';
import { nothing, type Portion } from './messages.ts';
import { RenewalInputError } from './parameters.ts';
import { type Check, satisfied } from './repair-messages.ts';

const signers: readonly Party[] = [1, 3, 4];
const asker: Party = 3;

interface Forgery {
  /** What it says to one. */
  readonly portion?: (to: Party, sealed: (share: bigint) => Portion, own: bigint) => Portion;
  readonly check?: (shares: Messages<unknown, Portion>) => Check;
}

function parametersOf(group: Group, key: HeldKey): ExportParameters {
  return { ...sessionOf({ seed: 1, group }, signers), publicPackage: key.publicPackage, signers, asker };
}

function inputOf(group: Group, key: HeldKey, me: Party): Omit<ExportInput, 'randomness'> {
  const secret = key.shares.get(me) as Secret;
  return { ...parametersOf(group, key), me, secret, receiveSecret: receiveSecretOf({ seed: 1, group }, me) };
}

function exporting(group: Group, liars: ReadonlyMap<Party, Forgery> = new Map()): Scenario<Secret | undefined> {
  const key = heldKey({ group, threshold: 3, nodes: [1, 2, 3, 4, 5] });
  const { parties, rounds, rules } = exportCourt(parametersOf(group, key));
  return {
    seed: 1,
    parties,
    kind: kinds.export,
    nodes: new Map(parties.map((party) => [party, nodeKeyOf(party)])),
    rounds,
    rules,
    run: (me, randomness) => {
      const forgery = liars.get(me);
      const input = { ...inputOf(group, key, me), randomness };
      return forgery === undefined ? exportKey(input) : forged(input, forgery);
    },
  };
}

function* forged(input: ExportInput, { check, portion }: Forgery): Protocol<undefined> {
  const { group, me, randomness, secret } = input;
  const formats = exportFormats(group);
  const own = secret.use(fromBytesBE);
  const said = signers
    .filter((party) => party !== me)
    .map((to): [Party, Portion] => {
      const sealed = (value: bigint): Portion => {
        using share = new Secret(group.encodeScalar(value));
        return { type: 'share', value: sealShare(exportDealing(input), me, to, share, randomness) };
      };
      const honest = to === asker ? sealed(own) : nothing;
      return [to, portion?.(to, sealed, own) ?? honest];
    });
  const shares = yield* exchange(formats.shares, nothing, new Map(said));
  yield* broadcast(formats.verdict, check?.(shares) ?? satisfied);
  return undefined;
}

function run(culprit: Party, forgery: Forgery): Simulation<Secret | undefined> {
  const simulation = simulate({ ...exporting(toy, new Map([[culprit, forgery]])), corrupted: new Set([culprit]) });
  soundness(simulation, new Set([culprit]));
  return simulation;
}

function expectBlame(simulation: Simulation<Secret | undefined>, culprit: Party, code: string): void {
  for (const [party, outcome] of simulation.outcomes) {
    if (party === culprit) continue;
    const found = outcome.type === 'aborted' ? outcome.abort : outcome;
    expect(found).toMatchObject({ culprits: [culprit] });
    expect(found).toMatchObject({ blames: expect.arrayContaining([expect.objectContaining({ code })]) });
  }
}

describe('an export', () => {
  it.each([toy, ed25519, secp256k1])('gives the key to who asks, and nothing to anybody else: $name', (group) => {
    const simulation = simulate(exporting(group));
    soundness(simulation);
    const { publicPackage } = heldKey({ group, threshold: 3, nodes: [1, 2, 3, 4, 5] });
    for (const [party, outcome] of simulation.outcomes) {
      if (outcome.type !== 'done') throw new Error(`party ${party} is ${outcome.type}`);
      if (party !== asker) expect(outcome.result).toBeUndefined();
      else {
        const key = outcome.result?.use(fromBytesBE) ?? 0n;
        expect(group.equals(group.multiplyBase(key), publicPackage.groupKey)).toBe(true);
      }
    }
  });

  it('names who sends a bad share', () => {
    const simulation = run(1, {
      portion: (to, sealed, own) => (to === asker ? sealed((own + 1n) % toy.order) : nothing),
    });
    expectBlame(simulation, 1, 'bad-share');
  });

  it('names who sends its share to another, or none to who asks', () => {
    expectBlame(run(1, { portion: (_, sealed, own) => sealed(own) }), 1, 'out-of-turn');
    const silent = run(1, { portion: () => nothing });
    expect(silent.outcomes.get(asker)).toMatchObject({ type: 'aborted', abort: { culprits: [1] } });
  });

  it('names who complains falsely, and who has nothing to complain about', () => {
    const key = heldKey({ group: toy, threshold: 3, nodes: [1, 2, 3, 4, 5] });
    const complaint =
      (me: Party, dealer: Party) =>
      (shares: Messages<unknown, Portion>): Check => {
        const input = { ...inputOf(toy, key, me), randomness: seeded(Uint8Array.of(1)) };
        const share = shares.directs.get(dealer);
        const reveal = shares.broadcasts.get(dealer);
        if (share === undefined || reveal === undefined) throw new Error('it has spoken');
        const { value } = share;
        const opened =
          value.type === 'share'
            ? openForAll(exportDealing(input), input, dealer, value.value, input.randomness)
            : undefined;
        const exhibits = { reveal: reveal.envelope, share: share.envelope, opening: maybeOpening(opened) };
        return { type: 'complaint', value: { dealer, ...exhibits } };
      };
    expectBlame(run(asker, { check: complaint(asker, 1) }), asker, 'false-complaint');
    expectBlame(run(1, { check: complaint(1, 4) }), 1, 'out-of-turn');
  });

  it('sends nothing with a share of another epoch, to another than a member, or by too few', () => {
    const key = heldKey({ group: toy, threshold: 3, nodes: [1, 2, 3, 4, 5] });
    const good = { ...inputOf(toy, key, 1), randomness: seeded(Uint8Array.of(1)) };
    const bad: readonly Partial<ExportInput>[] = [
      { secret: key.shares.get(2) as Secret },
      { signers: [1, 3] },
      { asker: 2 },
      { signers: [3, 4, 5] },
      { signers: [3, 1, 4] },
      { signers: [1, 3, 9] },
      { receiveSecret: receiveSecretOf({ seed: 1, group: toy }, 4) },
    ];
    for (const change of bad) expect(() => exportKey({ ...good, ...change }).next()).toThrow(RenewalInputError);
    expect(() => exportKey(good).next()).not.toThrow();
  });
});
