import { assault, type Fault, type Verdict } from '@quorate/protocol/simulation';
import { expect, it } from 'vitest';
import { heldKey, renewing } from '../../../../test/support/renewal.ts';
import { repairing } from '../../../../test/support/repairing.ts';
import { equal } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';

function expected({ name, label, class: kind }: Fault): Verdict | readonly Verdict[] {
  if (label === 'verdict' && name === 'told one party something else') return ['culprit', 'harmless', 'nobody'];
  if (name !== 'with the value of another') return 'culprit';
  if (kind === 'direct') return ['culprit', 'harmless'];
  return label === 'deal' || label === 'parts' ? 'culprit' : 'harmless';
}

it.each([ed25519, secp256k1])('every fault of every seat, in a real group, with real signatures: $name', (group) => {
  const key = heldKey({ group, threshold: 2, nodes: [1, 2, 3], signatures: 'pure' });
  const to = { nodes: [2, 3, 4], threshold: 2 };
  const reshare = renewing({ seed: 1, group, key, dealers: [1, 2], to, signatures: 'pure' });
  const counts = assault(
    { ...reshare, rushing: true },
    {
      expected,
      agree: (a, b) => equal(a.publicPackage.transcript, b.publicPackage.transcript),
      culprits: [1, 2, 3, 4],
    },
  );
  expect(counts.culprit).toBeGreaterThan(300);
  const repair = repairing({ seed: 1, group, key, helpers: [1, 3], lost: 2, signatures: 'pure' });
  const repaired = assault({ ...repair, rushing: true }, { expected, agree: () => true });
  expect(repaired.culprit).toBeGreaterThan(100);
});
