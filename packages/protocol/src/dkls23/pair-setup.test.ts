import { nativeEcdh } from '@quorate/protocol/native';
import { type Scenario, type Simulation, simulate, soundness } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { keyGeneration, parametersOf } from '../../../../test/support/key-generation.ts';
import {
  fewTransfers,
  type PairSetup,
  type PairSetupOptions,
  pairInputOf,
  pairSetting,
  stockOf,
} from '../../../../test/support/pair-setup.ts';
import { toHex } from '../bytes.ts';
import { dkgRounds } from '../dkg/messages.ts';
import { dkg } from '../dkg/protocol.ts';
import { dkgRules } from '../dkg/rules.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import { type Aead, pureAead } from '../primitives/aead.ts';
import { type Inbox, type Party, type Protocol, tryDecode } from '../protocol.ts';
import type { Secret } from '../secret.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { bitOf } from './bits.ts';
import { pureEcdh } from './ecdh.ts';
import { decodePairMaterial, encodePairMaterial, type PairMaterial, wipePairMaterial } from './material.ts';
import { pairSetupFormats, pairSetupRounds } from './messages.ts';
import { PairSetupInputError, pairSetup, type StockedSets } from './pair-setup.ts';
import { pairSetupRules } from './rules.ts';
import { type Suite, suiteA } from './suite.ts';

const few = fewTransfers(suiteA, 8);
const options: PairSetupOptions = { seed: 1, group: toy, suite: few, parties: [1, 2, 3] };

const hexOf = (secret: Secret): string => secret.use(toHex);

function results(simulation: Simulation<PairSetup>): ReadonlyMap<Party, PairSetup> {
  soundness(simulation);
  return new Map(
    [...simulation.outcomes].map(([party, outcome]) => {
      if (outcome.type !== 'done') throw new Error(`party ${party}: ${outcome.type}`);
      return [party, outcome.result];
    }),
  );
}

const between = (all: ReadonlyMap<Party, PairSetup>, me: Party, peer: Party): PairMaterial =>
  all.get(me)?.get(peer) as PairMaterial;

/** Everything that both ends must agree on, in one direction. */
function expectFit(suite: Suite, alice: PairMaterial, bob: PairMaterial): void {
  expect([alice.peer, bob.peer]).toEqual([bob.me, alice.me]);
  expect(alice.asAlice.fingerprint).toEqual(bob.asBob.fingerprint);
  expect(alice.asAlice.pairSid).toEqual(bob.asBob.pairSid);
  expect(hexOf(alice.zeroSeed)).toBe(hexOf(bob.zeroSeed));
  const [hers, his] = [hexOf(alice.asAlice.leaves), hexOf(bob.asBob.leaves)];
  for (let g = 0; g < suite.groups; g++) {
    const missing = alice.asAlice.delta.use((delta) =>
      Array.from({ length: suite.k }, (_, b) => bitOf(delta, g * suite.k + b) << b).reduce((sum, bit) => sum + bit, 0),
    );
    for (let y = 0; y < suite.leaves; y++) {
      const at = 32 * (g * suite.leaves + y);
      const expected = y === missing ? '0'.repeat(32) : his.slice(at, at + 32);
      expect(hers.slice(at, at + 32)).toBe(expected);
    }
  }
}

function expectAllFit({ suite, parties }: PairSetupOptions, all: ReadonlyMap<Party, PairSetup>): void {
  const once: string[] = [];
  for (const me of parties) {
    expect([...(all.get(me)?.keys() ?? [])]).toEqual(parties.filter((party) => party !== me));
    for (const peer of parties) {
      if (peer === me) continue;
      expectFit(suite, between(all, me, peer), between(all, peer, me));
      const { asBob, asAlice, zeroSeed } = between(all, me, peer);
      once.push(hexOf(asBob.leaves), toHex(asBob.pairSid), toHex(asBob.fingerprint), hexOf(asAlice.leaves));
      if (me < peer) once.push(hexOf(zeroSeed));
    }
  }
  expect(new Set(once).size).toBe(once.length);
}

describe('a pair set-up', () => {
  it('gives the two ends of every pair what fits, and no two pairs the same: the suite in use, secp256k1', () => {
    const real = { ...options, group: secp256k1, suite: suiteA, parties: [1, 2], ecdh: nativeEcdh(secp256k1) };
    const all = results(simulate(pairSetting(real)));
    expectAllFit(real, all);
    const { asBob, asAlice } = between(all, 1, 2);
    expect([asBob.leaves.length, asAlice.leaves.length, asAlice.delta.length]).toEqual([4096, 4096, 16]);
  });

  it.each([[[1, 2, 3]], [[2, 5, 7, 9]]])('does so among %j', (parties) => {
    for (const suite of [1, 2, 4].map((k) => ({ ...few, k, leaves: 2 ** k, groups: 8 / k }))) {
      const many = { ...options, suite, parties };
      expectAllFit(many, results(simulate(pairSetting(many))));
    }
  });

  it('is the same with either twin of Diffie-Hellman', () => {
    const [pure, native] = [pureEcdh(secp256k1), nativeEcdh(secp256k1)].map((ecdh) => {
      const simulation = simulate(pairSetting({ ...options, group: secp256k1, parties: [1, 2], ecdh }));
      const { asAlice, asBob, zeroSeed } = between(results(simulation), 1, 2);
      return [
        toHex(simulation.trace),
        hexOf(asAlice.delta),
        hexOf(asAlice.leaves),
        hexOf(asBob.leaves),
        hexOf(zeroSeed),
      ];
    });
    expect(native).toEqual(pure);
  });

  it('sends what the golden file says', async () => {
    const { history } = simulate(pairSetting({ ...options, group: secp256k1, parties: [1, 2] }));
    const sent = history
      .map(({ frame }) => decodeEnvelope(frame))
      .filter(({ from }) => from === 1)
      .map(({ round, class: kind, payload }) => `${round} ${kind} ${toHex(payload)}\n`);
    expect(sent).toHaveLength(5);
    await expect(sent.join('')).toMatchFileSnapshot('golden/pair-setup.hex');
  });

  it('differs with the key that it is for, where both ends can see it and where nobody can', () => {
    const of = (byte: number): PairMaterial => {
      const differs = () => ({ transcript: new Uint8Array(32).fill(byte) });
      return between(results(simulate(pairSetting({ ...options, differs }))), 1, 2);
    };
    const [one, other] = [of(1), of(2)];
    expect(one.asBob.pairSid).not.toEqual(other.asBob.pairSid);
    expect(one.asBob.fingerprint).not.toEqual(other.asBob.fingerprint);
    expect(hexOf(one.zeroSeed)).not.toBe(hexOf(other.zeroSeed));
  });

  it('shows in the fingerprints, and nowhere else, that two ends have different keys in mind', () => {
    const differs = (party: Party) => (party === 2 ? { transcript: new Uint8Array(32) } : {});
    const all = results(simulate(pairSetting({ ...options, differs })));
    expect(between(all, 1, 2).asBob.fingerprint).not.toEqual(between(all, 2, 1).asAlice.fingerprint);
    expect(between(all, 1, 3).asBob.fingerprint).toEqual(between(all, 3, 1).asAlice.fingerprint);
  });

  it('wipes everything when it is cut short, stock included, after any round', () => {
    for (const rounds of [1, 2, 3, 4]) {
      const stock = stockOf(options, 2, 1);
      const protocol = pairSetup({ ...pairInputOf(options, 1), stock: new Map([[2, stock.forAlice]]) });
      let simulated = protocol.next(undefined as never);
      // Nobody answers: the first round is as far as it gets alone, so the others come from a recorded run.
      for (const inbox of inboxesOf(options, 1).slice(0, rounds - 1)) simulated = protocol.next(inbox);
      expect(simulated.done).toBe(false);
      protocol.return(new Map());
      expect(wipedSets(stock.forAlice)).toBe(true);
    }
  });

  it('overwrites what was sealed, and what came out of seals', () => {
    const bare: Uint8Array[] = [];
    const aead: Aead = {
      name: 'watched',
      seal: (key, nonce, aad, plaintext) => {
        bare.push(plaintext);
        return pureAead.seal(key, nonce, aad, plaintext);
      },
      open: (key, nonce, aad, ciphertext) => {
        const plaintext = pureAead.open(key, nonce, aad, ciphertext);
        if (plaintext !== undefined) bare.push(plaintext);
        return plaintext;
      },
    };
    expectAllFit(options, results(simulate(pairSetting({ ...options, differs: () => ({ aead }) }))));
    expect(bare).toHaveLength(12);
    for (const bytes of bare) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  const wrong: readonly [string, string, Partial<ReturnType<typeof pairInputOf>>][] = [
    ['members', 'without us', { me: 9 }],
    ['members', 'out of order', { members: [...pairInputOf(options, 1).members].reverse() }],
    [
      'members',
      'with a node key that is too short',
      { members: pairInputOf(options, 1).members.map((member) => ({ ...member, node: member.node.slice(1) })) },
    ],
    ['members', 'alone', { members: pairInputOf(options, 1).members.slice(0, 1) }],
    [
      'receive-keys',
      'with a receive key missing',
      { receiveKeys: new Map([...pairInputOf(options, 1).receiveKeys].slice(0, 2)) },
    ],
    ['receive-keys', 'with the receive secret of another', { receiveSecret: pairInputOf(options, 2).receiveSecret }],
  ];
  it.each(wrong)('does not begin (%s) %s', (code, _, differs) => {
    const protocol = pairSetup({ ...pairInputOf(options, 1), ...differs });
    expect(() => protocol.next(undefined as never)).toThrow(expect.objectContaining({ code }));
    expect(() => pairSetup({ ...pairInputOf(options, 1), ...differs }).next(undefined as never)).toThrow(
      PairSetupInputError,
    );
  });
});

describe('sets made ahead', () => {
  const withStock = (stock: (party: Party) => readonly [Party, StockedSets][]): Simulation<PairSetup> =>
    simulate(pairSetting({ ...options, differs: (party) => ({ stock: new Map(stock(party)) }) }));
  const pointsSent = ({ history }: Simulation<PairSetup>, from: Party, to: Party): string | undefined => {
    const { direct } = pairSetupFormats(toy, few, 3).points;
    const frames = history
      .filter((one) => one.from === from && one.to === to)
      .map(({ frame }) => decodeEnvelope(frame));
    const sent = frames.find(({ round, class: kind }) => round === 1 && kind === 'direct');
    return sent && tryDecode(direct, sent.payload)?.value.type;
  };

  it('spare the pair that has them the choosing, in that direction, and are wiped', () => {
    const { forAlice, forBob } = stockOf(options, 1, 2);
    const simulation = withStock((party) => (party === 1 ? [[2, forAlice]] : party === 2 ? [[1, forBob]] : []));
    expectAllFit(options, results(simulation));
    expect(pointsSent(simulation, 1, 2)).toBe('stocked');
    expect([pointsSent(simulation, 2, 1), pointsSent(simulation, 1, 3)]).toEqual(['fresh', 'fresh']);
    expect([forAlice, forBob].every(wipedSets)).toBe(true);
  });

  it('make other seeds for another session: a set is bound to key and epoch by the trees', () => {
    const leaves = [1, 2].map((seed) => {
      const { forAlice, forBob } = stockOf(options, 1, 2, 7);
      const differs = (party: Party) => ({
        stock: new Map<Party, StockedSets>(party === 1 ? [[2, forAlice]] : party === 2 ? [[1, forBob]] : []),
        members: pairInputOf(options, 1).members,
      });
      const all = results(simulate({ ...pairSetting({ ...options, seed, differs }) }));
      return hexOf(between(all, 2, 1).asBob.leaves);
    });
    expect(leaves[0]).not.toBe(leaves[1]);
  });

  const unmatched: readonly [string, (party: Party) => readonly [Party, StockedSets][]][] = [
    ['only Alice has it', (party) => (party === 1 ? [[2, stockOf(options, 1, 2).forAlice]] : [])],
    ['only Bob has it', (party) => (party === 2 ? [[1, stockOf(options, 1, 2).forBob]] : [])],
    [
      'they have different ones',
      (party) =>
        party === 1
          ? [[2, stockOf(options, 1, 2, 7).forAlice]]
          : party === 2
            ? [[1, stockOf(options, 1, 2, 8).forBob]]
            : [],
    ],
  ];
  it.each(unmatched)('are wiped unused when %s', (_, stock) => {
    const given: StockedSets[] = [];
    const simulation = withStock((party) => {
      const sets = stock(party);
      given.push(...sets.map(([, one]) => one));
      return sets;
    });
    expectAllFit(options, results(simulation));
    expect(pointsSent(simulation, 1, 2)).toBe('fresh');
    expect(given.length).toBeGreaterThan(0);
    expect(given.every(wipedSets)).toBe(true);
  });

  it('are wiped when the set-up cannot begin', () => {
    const { forAlice } = stockOf(options, 1, 2);
    const input = { ...pairInputOf(options, 1), me: 9, stock: new Map([[2, forAlice]]) };
    expect(() => pairSetup(input).next(undefined as never)).toThrow(PairSetupInputError);
    expect(wipedSets(forAlice)).toBe(true);
  });
});

describe('pair material', () => {
  const material = (): PairMaterial => between(results(simulate(pairSetting(options))), 1, 2);

  it('survives storage, and is what version 1 wrote', async () => {
    const bytes = encodePairMaterial(few, material()).use((all) => all.slice());
    const read = decodePairMaterial(few, bytes);
    expect(encodePairMaterial(few, read).use(toHex)).toBe(toHex(bytes));
    expect([read.me, read.peer, hexOf(read.zeroSeed)]).toEqual([1, 2, hexOf(material().zeroSeed)]);
    await expect(`${toHex(bytes)}\n`).toMatchFileSnapshot('golden/pair-material.hex');
  });

  it('is refused if it is of another version or suite, cut or extended', () => {
    const bytes = encodePairMaterial(few, material()).use((all) => all.slice());
    const other = { ...few, id: few.id.replace('lambda_s=80', 'lambda_s=64') };
    expect(other.id).not.toBe(few.id);
    expect(() => decodePairMaterial(other, bytes)).toThrow('another suite');
    for (const wrong of [bytes.with(0, 2), bytes.slice(1), bytes.slice(0, -1), Uint8Array.of(...bytes, 0)]) {
      expect(() => decodePairMaterial(few, wrong)).toThrow();
    }
  });

  it('shows none of its secrets, and can be wiped', () => {
    const one = material();
    const shown = JSON.stringify(one);
    expect(shown).toContain('[secret]');
    const secrets = [one.asBob.leaves, one.asAlice.leaves, one.asAlice.delta, one.zeroSeed];
    wipePairMaterial(one);
    expect(secrets.every(({ wiped }) => wiped)).toBe(true);
  });
});

describe('after a key generation, in the same session', () => {
  const key = { seed: 1, group: toy, threshold: 2, parties: 3, scheme: 'ed25519' } as const;
  const generation = keyGeneration(key);
  const first = dkgRounds(toy, 2).length;
  const parameters = { ...parametersOf(key), suite: few };
  const scenario: Scenario<PairSetup> = {
    ...generation,
    rounds: [...dkgRounds(toy, 2), ...pairSetupRounds(toy, few, 3)],
    rules: { ...dkgRules(parameters), ...pairSetupRules(parameters, first) },
    run: function* (me, randomness) {
      const input = { ...pairInputOf(options, me), ...parameters, randomness };
      const { receiveSecret } = pairInputOf(options, me);
      const { publicPackage } = yield* dkg({ ...input, receiveSecret });
      return yield* pairSetup({ ...input, transcript: publicPackage.transcript });
    },
  };

  it('sets up the pairs of that key', () => {
    expectAllFit(options, results(simulate(scenario)));
  });

  it.each(['points', 'trees'])('convicts with envelopes of the right rounds: %s', (label) => {
    const simulation = simulate({
      ...scenario,
      corrupted: new Set([2]),
      adversary: ({ label: round, class: kind, payload, to }) =>
        round === label && kind === 'direct' && to === 1
          ? { type: 'replace', payload: payload.with(payload.length - 1, (payload.at(-1) as number) ^ 1) }
          : { type: 'keep' },
    });
    soundness(simulation, new Set([2]));
    for (const party of [1, 3]) {
      expect(simulation.outcomes.get(party)).toMatchObject({ type: 'aborted', abort: { culprits: [2] } });
    }
  });
});

function wipedSets({ asAlice, asBob }: StockedSets): boolean {
  const secrets = [asAlice?.keys, asAlice?.choices, asAlice?.scalars, asBob?.keys];
  return secrets.every((secret) => secret === undefined || secret.wiped);
}

/** What the others bring a party, round after round. */
function inboxesOf(of: PairSetupOptions, me: Party): readonly Inbox[] {
  const inboxes: Inbox[] = [];
  const scenario = pairSetting(of);
  simulate({
    ...scenario,
    run: (party, randomness, court) => {
      const protocol = scenario.run(party, randomness, court);
      return party === me ? recorded(protocol, inboxes) : protocol;
    },
  });
  return inboxes;
}

function* recorded<T>(protocol: Protocol<T>, inboxes: Inbox[]): Protocol<T> {
  let next = protocol.next(undefined as never);
  while (next.done !== true) {
    const inbox = yield next.value;
    inboxes.push(inbox);
    next = protocol.next(inbox);
  }
  return next.value;
}
