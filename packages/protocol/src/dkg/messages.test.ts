import { simulate } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { forgedDealer } from '../../../../test/support/forged-dealer.ts';
import { keyGeneration, parametersOf } from '../../../../test/support/key-generation.ts';
import { toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { decodeEnvelope } from '../session/envelope.ts';
import { dkgRounds } from './messages.ts';

describe.each([ed25519, secp256k1])('the messages of a key generation: $name', (group) => {
  const options = { seed: 1, group, threshold: 2, parties: 2 };
  const scenario = keyGeneration(options);
  const sent = (simulation: ReturnType<typeof simulate>): readonly string[] =>
    simulation.history
      .map(({ frame }) => decodeEnvelope(frame))
      .filter(({ from }) => from === 1)
      .map(({ round, class: kind, payload }) => `${round} ${kind} ${toHex(payload)}\n`);

  it('are those of the golden files', async () => {
    const messages = sent(simulate(scenario));
    expect(messages.length).toBe(dkgRounds(group, 2).length);
    await expect(messages.join('')).toMatchFileSnapshot(`golden/${group.name}.hex`);
  });

  it('include a complaint', async () => {
    const nonsense = { polynomial: [5n, 6n], plaintext: () => group.encodeScalar(1n) };
    const simulation = simulate({
      ...scenario,
      corrupted: new Set([2]),
      run: (party, randomness, court) =>
        party === 2 ? forgedDealer(parametersOf(options), 2, nonsense) : scenario.run(party, randomness, court),
    });
    const complaint = sent(simulation).find((message) => message.startsWith('3 broadcast 0101'));
    await expect(complaint).toMatchFileSnapshot(`golden/${group.name}-complaint.hex`);
  });
});
