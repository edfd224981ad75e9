import { describe, expect, it } from 'vitest';
import { activationAt, network, nodeKey, outcome, parties } from '../../../../test/support/committee.ts';
import { toHex } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { type Member, type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { Evidence } from '../protocol.ts';
import { decode, encode } from '../wire/codec.ts';
import { activatedCodec } from './activated.ts';
import {
  type Certificate,
  CertificateError,
  certificateCodec,
  comparePackages,
  readiesOf,
  verifyCertificate,
} from './certificate.ts';
import {
  blameConflict,
  isConflict,
  packageDigest,
  provesConflict,
  readyCodec,
  signReady,
  verifyReady,
} from './ready.ts';

const context = activationAt(1);
const settled = outcome(1);
const [first, second] = settled.members;
const ready = (party: number, of: PublicPackage = settled) => signReady(network, toy, of, party, nodeKey(party));

function certificate(of: PublicPackage = settled): Certificate {
  const signatures = parties.map((party) => ready(party, of).signature);
  return { network, publicPackage: encode(publicPackageCodec(toy), of), signatures, approvals: [] };
}

describe('READY', () => {
  it('is believed of the member that signed it, and of no other', () => {
    expect(verifyReady(ready(1), settled.members[0] as never, context.signatures)).toBe(true);
    expect(verifyReady(ready(1), settled.members[1] as never, context.signatures)).toBe(false);
    expect(verifyReady({ ...ready(1), party: 2 }, settled.members[1] as never, context.signatures)).toBe(false);
    expect(verifyReady({ ...ready(1), party: 2 }, settled.members[0] as never, context.signatures)).toBe(false);
    const inAnotherSeat = { party: 2, node: nodeKey(1).publicKey };
    expect(verifyReady(ready(1), inAnotherSeat, context.signatures)).toBe(false);
    expect(verifyReady({ ...ready(1), epoch: 2 }, settled.members[0] as never, context.signatures)).toBe(false);
    expect(verifyReady({ ...ready(1), keyId: network }, settled.members[0] as never, context.signatures)).toBe(false);
    expect(verifyReady({ ...ready(1), digest: network }, settled.members[0] as never, context.signatures)).toBe(false);
  });

  const changes: readonly Partial<PublicPackage>[] = [
    { scheme: 'taproot' },
    { keyId: new Uint8Array(32) },
    { name: 'other' },
    { purpose: 'other' },
    { epoch: 2 },
    { baseEpoch: 1 },
    { threshold: 3 },
    { members: [{ party: 1, node: new Uint8Array(32) }, ...settled.members.slice(1)] },
    { members: [...settled.members.slice(0, 2), { party: 4, node: nodeKey(3).publicKey }] },
    { groupKey: toy.multiplyBase(101n) },
    { verifyingShares: [...settled.verifyingShares].reverse() },
    { chainCode: new Uint8Array(32) },
    { tweak: { type: 'key-path-only', value: new Uint8Array(0) } },
    { policyHash: new Uint8Array(32) },
    { transcript: new Uint8Array(32) },
  ];
  it.each(changes)('signs for all of the public outcome: %o', (change) => {
    expect(ready(1, outcome(1, change)).signature).not.toEqual(ready(1).signature);
    expect(ready(1, outcome(1, change)).digest).not.toEqual(ready(1).digest);
  });

  it('signs for the network', () => {
    const elsewhere = signReady(new Uint8Array(32), toy, settled, 1, nodeKey(1));
    expect(elsewhere.digest).not.toEqual(ready(1).digest);
    expect(packageDigest(network, new Uint8Array(1))).not.toEqual(packageDigest(network, new Uint8Array(2)));
  });

  it('convicts who signs two for one epoch, and only that', () => {
    const conflict = (a: ReturnType<typeof ready>, b: ReturnType<typeof ready>): boolean =>
      isConflict(a, b, first as never, context.signatures);
    expect(conflict(ready(1), ready(1, outcome(2)))).toBe(true);
    expect(conflict(ready(1), ready(1))).toBe(false);
    expect(conflict(ready(1), ready(1, outcome(1, { epoch: 2 })))).toBe(false);
    expect(conflict(ready(1), ready(1, outcome(1, { keyId: new Uint8Array(32) })))).toBe(false);
    expect(conflict(ready(1), ready(2, outcome(2)))).toBe(false);
    expect(conflict(ready(1), { ...ready(1), digest: new Uint8Array(32) })).toBe(false);
    expect(conflict({ ...ready(1), digest: new Uint8Array(32) }, ready(1))).toBe(false);
  });

  it('is evidence with another one against whoever signed both, and in no other form', () => {
    const { code, evidence, party } = blameConflict(ready(1), ready(1, outcome(2)));
    expect({ code, party }).toEqual({ code: 'conflicting-ready', party: 1 });
    const proves = (change: Partial<Evidence>, member: Member = first as Member): boolean =>
      provesConflict({ ...evidence, ...change }, member, context.signatures);
    const [a, b] = evidence.envelopes as [Uint8Array, Uint8Array];
    expect(proves({})).toBe(true);
    expect(proves({ code: 'malformed' })).toBe(false);
    expect(proves({ accused: 2 })).toBe(false);
    expect(proves({}, second as Member)).toBe(false);
    for (const envelopes of [[], [a], [a, a], [a, b, b], [a, b.subarray(1)]]) expect(proves({ envelopes })).toBe(false);
  });
});

describe('a certificate', () => {
  it('certifies what all members signed', () => {
    const verified = verifyCertificate(certificate(), context);
    expect(encode(publicPackageCodec(toy), verified)).toEqual(certificate().publicPackage);
    expect([...readiesOf(certificate(), settled).values()]).toEqual(parties.map((party) => ready(party)));
  });

  const { publicPackage, signatures } = certificate();
  const [one, two, three] = signatures as readonly [Uint8Array, Uint8Array, Uint8Array];
  const other = certificate(outcome(2));
  it.each<[string, Partial<Certificate>]>([
    ['of another network', { network: new Uint8Array(32) }],
    ['without the last signature', { signatures: [one, two] }],
    ['without signatures', { signatures: [] }],
    ['with one signature too many', { signatures: [one, two, three, three] }],
    ['in another order', { signatures: [two, one, three] }],
    ['with one signature three times', { signatures: [one, one, one] }],
    ['with a signature of nothing', { signatures: [one, two, new Uint8Array(64)] }],
    ['with a signature for another outcome', { signatures: [one, two, other.signatures[2] as Uint8Array] }],
    ['of another outcome', { publicPackage: other.publicPackage }],
    ['of nothing', { publicPackage: new Uint8Array(0) }],
    ['of less than a package', { publicPackage: publicPackage.subarray(0, -1) }],
    ['of more than a package', { publicPackage: Uint8Array.of(...publicPackage, 0) }],
    ['of an unknown scheme', { publicPackage: Uint8Array.of(1, 0, 0, 0, 1, 65) }],
    ['of another version', { publicPackage: publicPackage.map((byte, i) => (i === 0 ? 2 : byte)) }],
  ])('proves nothing %s', (_, change) => {
    expect(() => verifyCertificate({ ...certificate(), ...change }, context)).toThrow(CertificateError);
  });

  it('of another network proves nothing here, however well it is signed', () => {
    const elsewhere = new Uint8Array(32);
    const signed = parties.map((party) => signReady(elsewhere, toy, settled, party, nodeKey(party)).signature);
    const foreign = { network: elsewhere, publicPackage, signatures: signed, approvals: [] };
    expect(() => verifyCertificate(foreign, context)).toThrow('of another network');
    expect(() => verifyCertificate(foreign, { ...context, network: elsewhere })).not.toThrow();
  });

  it('is outranked by a later epoch, then by a higher transcript', () => {
    const rank = (epoch: number, transcript: number) => ({ epoch, transcript: new Uint8Array(32).fill(transcript) });
    expect(comparePackages(rank(2, 1), rank(1, 9))).toBeGreaterThan(0);
    expect(comparePackages(rank(1, 2), rank(1, 1))).toBeGreaterThan(0);
    expect(comparePackages(rank(1, 1), rank(1, 1))).toBe(0);
    expect(comparePackages(rank(1, 1), rank(2, 0))).toBeLessThan(0);
  });
});

describe('the formats', () => {
  it('are those of the golden files', async () => {
    const { keyId, epoch, transcript } = settled;
    const activated = { keyId, epoch, party: 1, transcript };
    const encoded = {
      ready: encode(readyCodec, ready(1)),
      certificate: encode(certificateCodec, certificate()),
      activated: encode(activatedCodec, activated),
    };
    for (const [name, bytes] of Object.entries(encoded)) {
      await expect(`${toHex(bytes)}\n`).toMatchFileSnapshot(`golden/${name}.hex`);
    }
    expect(decode(readyCodec, encoded.ready)).toEqual(ready(1));
    expect(decode(certificateCodec, encoded.certificate)).toEqual(certificate());
    expect(decode(activatedCodec, encoded.activated)).toEqual(activated);
  });
});
