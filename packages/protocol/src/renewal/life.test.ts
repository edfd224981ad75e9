import {
  assault,
  type Fault,
  type Scenario,
  seededStream,
  simulate,
  soundness,
  type Verdict,
} from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { receiveSecretOf } from '../../../../test/support/key-generation.ts';
import {
  type HeldKey,
  heldAfter,
  heldKey,
  nodeKeyOf,
  type RenewalOptions,
  renewalParametersOf,
  renewing,
} from '../../../../test/support/renewal.ts';
import { nativeSymmetric } from '../../native/index.ts';
import { packageDigest } from '../activation/ready.ts';
import { ascii, equal } from '../bytes.ts';
import * as dkls23 from '../dkls23/index.ts';
import { type Ciphersuite, ed25519Suite, secp256k1Suite, taprootSuite, toySuite } from '../frost/ciphersuite.ts';
import { outputKey } from '../frost/frost.ts';
import { signRounds } from '../frost/messages.ts';
import { signRules } from '../frost/rules.ts';
import { sign } from '../frost/sign.ts';
import { verifySignature } from '../frost/verify.ts';
import { ed25519 } from '../groups/ed25519.ts';
import type { Group } from '../groups/group.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { type KeyShare, type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { Party } from '../protocol.ts';
import type { Scheme } from '../schemes.ts';
import { Secret } from '../secret.ts';
import { kinds } from '../session/envelope.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { encode } from '../wire/codec.ts';
import { lifeRounds, lifeRules, lifeSession, proveLife } from './life.ts';
import type { RenewalOutcome } from './parameters.ts';

const network = new Uint8Array(32).fill(7);

function renewed(options: RenewalOptions): HeldKey {
  const simulation = simulate(renewing(options));
  const outcomes = [...simulation.outcomes].map(([seat, outcome]): [Party, RenewalOutcome] => {
    if (outcome.type !== 'done') throw new Error(`seat ${seat} is ${outcome.type}`);
    return [seat, outcome.result];
  });
  return heldAfter(options, new Map(outcomes));
}

function shareOf({ publicPackage, shares }: HeldKey, party: Party): KeyShare {
  return { party, secret: [...shares.values()][party - 1] as Secret, publicPackage };
}

function partiesOf({ publicPackage }: HeldKey): readonly Party[] {
  return publicPackage.members.map(({ party }) => party);
}

/** All members prove that their shares live. @param believed what a party takes for its share, or for the key */
function living(
  suite: Ciphersuite,
  key: HeldKey,
  believed: (party: Party) => Partial<KeyShare> = () => ({}),
): Scenario<Uint8Array> {
  const { publicPackage } = key;
  return {
    seed: 1,
    parties: partiesOf(key),
    kind: kinds.renew,
    rounds: lifeRounds(suite),
    rules: lifeRules(suite, network, publicPackage),
    run: (me, randomness, { sid }) =>
      proveLife({ suite, share: { ...shareOf(key, me), ...believed(me) }, network, sid, randomness }),
  };
}

function signing(
  suite: Ciphersuite,
  key: HeldKey,
  signers: readonly Party[],
  message: Uint8Array,
): Scenario<Uint8Array> {
  return {
    seed: 2,
    parties: signers,
    kind: kinds.sign,
    rounds: signRounds(suite),
    rules: signRules(suite, key.publicPackage, message),
    run: (me, randomness, { sid }) => sign({ suite, share: shareOf(key, me), signers, message, sid, randomness }),
  };
}

function resultsOf<T>(scenario: Scenario<T>): readonly T[] {
  const simulation = simulate(scenario);
  soundness(simulation);
  return [...simulation.outcomes].map(([party, outcome]) => {
    if (outcome.type !== 'done') throw new Error(`party ${party} is ${outcome.type}`);
    return outcome.result;
  });
}

const schemes: readonly [Scheme, Group, Ciphersuite][] = [
  ['ed25519', ed25519, ed25519Suite(ed25519)],
  ['taproot', secp256k1, taprootSuite(secp256k1)],
  ['ecdsa', secp256k1, secp256k1Suite(secp256k1)],
];

describe.each(schemes)('a proof of life: %s', (scheme, group, suite) => {
  const old = heldKey({ group, scheme, threshold: 2, nodes: [1, 2, 3] });
  const key = renewed({ seed: 1, group, key: old, dealers: [1, 3], to: { nodes: [3, 4, 1], threshold: 2 } });

  it('is made by all members of the new epoch', () => {
    const [first, ...others] = resultsOf(living(suite, key));
    expect(others.length).toBe(2);
    for (const one of others) expect(one).toEqual(first);
  });

  it('is no signature, of any message that it could stand for', () => {
    const [proof] = resultsOf(living(suite, key)) as [Uint8Array];
    const digest = packageDigest(network, encode(publicPackageCodec(group), key.publicPackage));
    const message = hash(tags.lifeMessage, digest);
    const publicKey = outputKey(suite, key.publicPackage);
    expect(verifySignature(suite, publicKey, message, proof)).toBe(false);
    // And nobody who has the message signed gets a proof.
    const [signature] = resultsOf(signing(suite, key, [1, 2], message)) as [Uint8Array];
    expect(verifySignature(suite, publicKey, message, signature)).toBe(true);
    expect(signature).not.toEqual(proof);
  });

  it('is not begun with a share of the epoch before', () => {
    const scenario = living(suite, key, (party) => (party === 1 ? { secret: old.shares.get(3) as Secret } : {}));
    expect(() => simulate(scenario)).toThrow(expect.objectContaining({ code: 'sign-input' }));
  });

  it('is followed by signatures: the key is the same, and epochs do not mix', () => {
    const message = ascii('before and after');
    const publicKey = outputKey(suite, old.publicPackage);
    for (const [epoch, signers] of [
      [old, [1, 2]],
      [key, [2, 3]],
    ] as const) {
      for (const signature of resultsOf(signing(suite, epoch, signers, message))) {
        expect(verifySignature(suite, publicKey, message, signature)).toBe(true);
      }
    }
    const mixed = signing(suite, key, [1, 2], message);
    const simulation = simulate({
      ...mixed,
      run: (me, randomness, court) =>
        me === 1
          ? sign({ suite, share: shareOf(old, 1), signers: [1, 2], message, sid: court.sid, randomness })
          : mixed.run(me, randomness, court),
    });
    for (const outcome of simulation.outcomes.values()) expect(outcome.type).not.toBe('done');
  });
});

describe('a proof of life', () => {
  const old = heldKey({ group: toy, threshold: 2, nodes: [1, 2, 3, 4] });
  const key = renewed({ seed: 1, group: toy, key: old, dealers: [1, 2, 3] });
  const suite = toySuite(toy);

  it('has a session of its own, of this ceremony and outcome', () => {
    const [sid, other] = [new Uint8Array(32), new Uint8Array(32).fill(1)];
    const { publicPackage } = key;
    const sessions = [
      lifeSession(sid, publicPackage),
      lifeSession(other, publicPackage),
      lifeSession(sid, { ...publicPackage, transcript: other }),
      sid,
    ];
    expect(new Set(sessions.map(String)).size).toBe(4);
  });

  it('speaks of network, key, epoch and transcript: who believes in others is named', () => {
    const changes: readonly Partial<PublicPackage>[] = [
      { keyId: new Uint8Array(32) },
      { epoch: 9 },
      { transcript: new Uint8Array(32) },
      { chainCode: new Uint8Array(32) },
    ];
    for (const change of changes) {
      const believed = { publicPackage: { ...key.publicPackage, ...change } };
      const scenario = living(suite, key, (party) => (party === 2 ? believed : {}));
      const simulation = simulate({ ...scenario, corrupted: new Set([2]) });
      soundness(simulation, new Set([2]));
      expect(simulation.outcomes.get(1)).toMatchObject({ type: 'aborted', abort: { culprits: [2] } });
    }
  });

  it('comes to nothing without all: t of them are not enough', () => {
    const simulation = simulate({
      ...living(suite, key),
      corrupted: new Set([4]),
      adversary: () => ({ type: 'withhold' }),
    });
    expect(simulation.outcomes.get(1)).toEqual({ type: 'waiting', missing: [4], round: 'commitments' });
  });

  it('names whoever has another share, and has the outcome that it must have under every fault', () => {
    const expected = ({ name, label }: Fault): Verdict | readonly Verdict[] => {
      if (label === 'shares' && name === 'told one party something else') return ['culprit', 'nobody', 'harmless'];
      return 'culprit';
    };
    const small = renewed({
      seed: 1,
      group: toy,
      key: heldKey({ group: toy, threshold: 2, nodes: [1, 2] }),
      dealers: [1, 2],
    });
    const counts = assault({ ...living(suite, small), rushing: true }, { expected, agree: equal });
    expect(counts.culprit).toBeGreaterThan(50);
  });
});

describe('an ECDSA key, renewed', () => {
  const group = secp256k1;
  const suite = secp256k1Suite(group);
  const old = heldKey({ group, scheme: 'ecdsa', threshold: 2, nodes: [1, 2, 3] });
  const options: RenewalOptions = { seed: 5, group, key: old, dealers: [2, 3], to: { nodes: [3, 4, 2], threshold: 2 } };
  const key = renewed(options);
  const multiplication = dkls23.pairMultiplication({ suite: dkls23.suiteA, symmetric: nativeSymmetric });

  it('lives, is set up afresh among its members in one session, and signs as before', () => {
    const { publicPackage } = key;
    const { members } = publicPackage;
    const parameters = renewalParametersOf(options);
    const pairs = { ...parameters, suite: dkls23.suiteA, members };
    const both = resultsOf<ReadonlyMap<Party, dkls23.PairMaterial>>({
      seed: 6,
      parties: partiesOf(key),
      kind: kinds.renew,
      nodes: new Map([3, 4, 2].map((node, i) => [i + 1, nodeKeyOf(node)])),
      rounds: [...lifeRounds(suite), ...dkls23.pairSetupRounds(group, dkls23.suiteA, members.length)],
      rules: { ...lifeRules(suite, network, publicPackage), ...dkls23.pairSetupRules(pairs, lifeRounds(suite).length) },
      run: function* (me, randomness, { sid }) {
        yield* proveLife({ suite, share: shareOf(key, me), network, sid, randomness });
        return yield* dkls23.pairSetup({
          ...pairs,
          sid,
          me,
          transcript: publicPackage.transcript,
          receiveSecret: receiveSecretOf(options, me),
          randomness,
          ecdh: dkls23.pureEcdh(group),
        });
      },
    });
    expect(both.length).toBe(3);
    const material = new Map(both.map((one, i) => [i + 1, one]));
    const digest = seededStream(1, 'digest').bytes(32);
    const signers = [1, 2];
    const ecdsa = (share: (party: Party) => KeyShare, seed: number): Scenario<dkls23.EcdsaSignature> => ({
      seed,
      parties: signers,
      kind: kinds.sign,
      rounds: dkls23.ecdsaRounds(group, multiplication),
      rules: {},
      run: (me, randomness, { sid }) =>
        dkls23.signEcdsa({
          group,
          multiplication,
          share: share(me),
          pairs: material.get(me) as ReadonlyMap<Party, dkls23.PairMaterial>,
          signers,
          banned: new Set(),
          digest,
          sid,
          randomness,
        }),
    });
    for (const signature of resultsOf(ecdsa((me) => shareOf(key, me), 7))) {
      expect(dkls23.verifyEcdsa(group, old.publicPackage.groupKey, digest, signature)).toBe(true);
    }
    // One signer mistakes the epoch, and nothing comes of it, not even blame.
    const mixed = simulate(ecdsa((me) => shareOf(me === 1 ? old : key, me), 8));
    soundness(mixed);
    for (const outcome of mixed.outcomes.values()) {
      expect(outcome).toMatchObject({ type: 'aborted', abort: { blames: [], bans: [] } });
    }
  });
});
