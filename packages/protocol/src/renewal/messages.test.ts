import { type Scenario, simulate } from '@quorate/protocol/simulation';
import { describe, expect, it } from 'vitest';
import { heldKey, renewing } from '../../../../test/support/renewal.ts';
import { repairing } from '../../../../test/support/repairing.ts';
import { toHex } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { decodeEnvelope } from '../session/envelope.ts';

/** What everybody says, but for envelopes. */
function sent<T>(scenario: Scenario<T>): string {
  const seen = new Set<string>();
  for (const { frame } of simulate(scenario).history) {
    const { from, to, round, class: kind, payload } = decodeEnvelope(frame);
    seen.add(`${round} ${kind} ${from} ${to} ${toHex(payload)}\n`);
  }
  return [...seen].sort().join('');
}

describe.each([ed25519, secp256k1])('the messages, to the byte: $name', (group) => {
  const key = heldKey({ group, threshold: 2, nodes: [1, 2, 3] });

  it('of a reshare, with one that leaves and one that joins', async () => {
    const options = { seed: 1, group, key, dealers: [1, 2], to: { nodes: [2, 4], threshold: 2 } };
    await expect(sent(renewing(options))).toMatchFileSnapshot(`golden/${group.name}-reshare.txt`);
  });

  it('of a repair', async () => {
    const options = { seed: 1, group, key, helpers: [1, 3], lost: 2 };
    await expect(sent(repairing(options))).toMatchFileSnapshot(`golden/${group.name}-repair.txt`);
  });
});
