import { describe, expect, it } from 'vitest';
import { dealEcdsaKey, type EcdsaSigning, ecdsaInputOf } from '../../../../test/support/ecdsa-signing.ts';
import { toy } from '../groups/toy.ts';
import type { PublicPackage } from '../keys.ts';
import { secretScalar } from '../random.ts';
import { Secret } from '../secret.ts';
import { primeField } from '../sharing/field.ts';
import { idealMultiplication } from '../simulation/ideal-multiplication.ts';
import type { PairMaterial } from './material.ts';
import type { Multiplication } from './products.ts';
import { type SignEcdsaInput, signEcdsa } from './sign.ts';
import type { EcdsaInputError } from './sign-context.ts';

const ideal = idealMultiplication(toy);
const key = dealEcdsaKey(toy, 3, [1, 2, 4, 9]);
const options: EcdsaSigning = {
  seed: 1,
  group: toy,
  multiplication: ideal,
  key,
  signers: [1, 4, 9],
  digest: new Uint8Array(32),
};
const input = ecdsaInputOf(options, 4);
const packageOf = (change: Partial<PublicPackage>): Partial<SignEcdsaInput> => ({
  share: { ...input.share, publicPackage: { ...key.publicPackage, ...change } },
});
const pairsWith = (change: Partial<PairMaterial>): Partial<SignEcdsaInput> => ({
  pairs: new Map(input.pairs).set(9, { ...(input.pairs.get(9) as PairMaterial), ...change }),
});

describe('signing begins', () => {
  it.each([
    ['with a key of another scheme', 'scheme', packageOf({ scheme: 'taproot' })],
    ['in a session without an id', 'session', { sid: new Uint8Array(31) }],
    ['with too few signers', 'signers', { signers: [1, 4] }],
    ['with a signer twice', 'signers', { signers: [1, 4, 4, 9] }],
    ['with signers out of order', 'signers', { signers: [4, 1, 9] }],
    ['with party 0', 'signers', { signers: [0, 1, 4, 9] }],
    ['with a stranger', 'signers', { signers: [1, 3, 4] }],
    ['without us', 'signers', { signers: [1, 2, 9] }],
    ['with a banned party', 'banned', { banned: new Set([9]) }],
    ['with a party that we set nothing up with', 'material', { pairs: new Map([...input.pairs].slice(0, 1)) }],
    ["with another party's material", 'material', pairsWith({ me: 1 })],
    ['with material for another party', 'material', pairsWith({ peer: 2 })],
    ['with material that was wiped', 'material', pairsWith({ zeroSeed: wiped() })],
    ['with a share of another epoch', 'share', { share: { ...input.share, secret: secretScalar(7n, 32) } }],
    ['with a digest of 31 bytes', 'digest', { digest: new Uint8Array(31) }],
    ['with a digest of 64 bytes', 'digest', { digest: new Uint8Array(64) }],
    ['with a negative tweak', 'tweak', { tweak: -1n }],
    ['with a tweak beyond the order', 'tweak', { tweak: toy.order }],
    ['with a tweak to the identity', 'tweak', tweakToIdentity()],
  ] as [string, string, Partial<SignEcdsaInput>][])('never %s', (_what, reason, change) => {
    let offers = 0;
    const counting: Multiplication = {
      ...ideal,
      offer: (...args) => {
        offers++;
        return ideal.offer(...args);
      },
    };
    const protocol = signEcdsa({ ...input, multiplication: counting, ...change });
    expect(() => protocol.next(undefined as never)).toThrow(
      expect.objectContaining({ name: 'EcdsaInputError', code: 'ecdsa-input', reason }) as EcdsaInputError,
    );
    expect(offers).toBe(0);
  });

  it('with parties banned who do not sign, and with all members', () => {
    for (const change of [{ banned: new Set([2]) }, { signers: [1, 2, 4, 9] }]) {
      const protocol = signEcdsa({ ...input, ...change });
      expect(protocol.next(undefined as never).done).toBe(false);
      protocol.return(undefined as never);
    }
  });
});

describe('a session that is let go', () => {
  it('leaves nothing pending', () => {
    let disposed = 0;
    const watching: Multiplication = {
      ...ideal,
      offer: (...args) => ({ ...ideal.offer(...args), [Symbol.dispose]: () => disposed++ }),
    };
    const protocol = signEcdsa({ ...input, multiplication: watching });
    protocol.next(undefined as never);
    expect(disposed).toBe(0);
    protocol.return(undefined as never);
    expect(disposed).toBe(2);
  });
});

function wiped(): Secret {
  const secret = new Secret(new Uint8Array(32));
  secret.wipe();
  return secret;
}

/** A key whose logarithm the dealer chose, and its negation. */
function tweakToIdentity(): Partial<SignEcdsaInput> {
  const { groupKey } = key.publicPackage;
  const logarithm = ((groupKey as unknown as { value: bigint }).value * primeField(toy.order).invert(7n)) % toy.order;
  return { tweak: toy.order - logarithm };
}
