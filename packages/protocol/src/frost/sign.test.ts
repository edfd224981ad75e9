import { describe, expect, it } from 'vitest';
import { type DealtKey, dealKey } from '../../../../test/support/dealt-key.ts';
import { run, signing } from '../../../../test/support/signing.ts';
import { toHex, u32 } from '../bytes.ts';
import { ed25519 } from '../groups/ed25519.ts';
import { secp256k1 } from '../groups/secp256k1.ts';
import { toy } from '../groups/toy.ts';
import type { Tweak } from '../keys.ts';
import { seeded } from '../random.ts';
import type { Simulation } from '../simulation/committee.ts';
import { type Ciphersuite, ed25519Suite, taprootSuite, toySuite } from './ciphersuite.ts';
import { outputKey } from './frost.ts';
import { verifySignature } from './verify.ts';

const SEEDS = Number(process.env['QUORATE_SEEDS'] ?? 1000);
const REAL_SEEDS = 200;

const tweaks: readonly Tweak[] = [
  { type: 'none', value: new Uint8Array(0) },
  { type: 'key-path-only', value: new Uint8Array(0) },
  { type: 'script-tree', value: new Uint8Array(32).fill(5) },
];

interface Case {
  readonly key: DealtKey;
  readonly signers: readonly number[];
  readonly message: Uint8Array;
}

/** A key of 2 to 7 parties, and between t and n of them to sign. */
function draw(suite: Ciphersuite, seed: number): Case {
  const random = seeded(u32(seed));
  const below = (limit: number): number => (random.bytes(1)[0] as number) % limit;
  const parties = Array.from({ length: 2 + below(6) }, (_, i) => 3 * i + 1 + below(3));
  const threshold = 2 + below(parties.length - 1);
  const signers = [...parties];
  while (signers.length > threshold && below(3) > 0) signers.splice(below(signers.length), 1);
  const tweak = suite.group === secp256k1 ? (tweaks[below(3)] as Tweak) : (tweaks[0] as Tweak);
  const options = { group: suite.group, scheme: suite.scheme, threshold, parties, tweak };
  const key = dealKey({ ...options, seed: random.bytes(32) });
  return { key, signers, message: random.bytes(below(100)) };
}

/** What everybody signed. */
function signatureOf(simulation: Simulation<Uint8Array>): Uint8Array {
  const results = [...simulation.outcomes.values()].map((outcome) => {
    if (outcome.type !== 'done') throw new Error(`a party ended ${outcome.type}`);
    return outcome.result;
  });
  expect(new Set(results.map(toHex)).size).toBe(1);
  return results[0] as Uint8Array;
}

describe('signing', () => {
  it.each([
    ['like Ed25519, toy group', toySuite(toy), SEEDS],
    ['like Taproot, toy group', taprootSuite(toy), SEEDS],
    ['Ed25519', ed25519Suite(ed25519), REAL_SEEDS],
    ['Taproot', taprootSuite(secp256k1), REAL_SEEDS],
  ] as const)('%s: every committee and set of signers makes one signature', (_name, suite, seeds) => {
    for (let seed = 0; seed < seeds; seed++) {
      const { key, signers, message } = draw(suite, seed);
      const simulation = run(signing({ seed, suite, key, signers, message }));
      const signature = signatureOf(simulation);
      expect(signature).toHaveLength(64);
      const publicKey = outputKey(suite, key.publicPackage);
      expect(verifySignature(suite, publicKey, message, signature), `seed ${seed}`).toBe(true);
      expect([...simulation.guards.values()].map((guards) => guards.map(({ round }) => round))).toEqual(
        signers.map(() => [0]),
      );
    }
  });
});
