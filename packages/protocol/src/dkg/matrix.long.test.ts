import { assault, type Fault, type Verdict } from '@quorate/protocol/simulation';
import { expect, it } from 'vitest';
import { keyGeneration } from '../../../../test/support/key-generation.ts';
import { equal } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';

function expected({ name, label }: Fault): Verdict {
  const common = label === 'verdict' || label === 'return';
  return common && name === 'with the value of another' ? 'harmless' : 'culprit';
}

it.each([ed25519, secp256k1])('every fault of every party in a real group, with real signatures: $name', (group) => {
  const scenario = keyGeneration({ seed: 1, group, threshold: 2, parties: 3, signatures: 'pure' });
  const counts = assault(
    { ...scenario, rushing: true },
    { expected, agree: (a, b) => equal(a.publicPackage.transcript, b.publicPackage.transcript) },
  );
  expect(counts.culprit).toBeGreaterThan(500);
});
