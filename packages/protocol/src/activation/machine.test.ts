import { describe, expect, it } from 'vitest';
import { activationAt, network, nodeKey, outcome, parties } from '../../../../test/support/committee.ts';
import { toy } from '../groups/toy.ts';
import { type PublicPackage, publicPackageCodec } from '../keys.ts';
import type { Party } from '../protocol.ts';
import { encode } from '../wire/codec.ts';
import { type Certificate, CertificateError } from './certificate.ts';
import {
  type ActivationEffect,
  ActivationError,
  type ActivationEvent,
  type ActivationState,
  type ActivationStep,
  certifiedActivation,
  initialActivation,
  stepActivation,
} from './machine.ts';
import { provesConflict, type Ready, signReady } from './ready.ts';

const settled = outcome(1);
const prepared: ActivationEvent = { type: 'prepared', publicPackage: settled };

function ready(party: Party, of: PublicPackage = settled): Ready {
  return signReady(network, toy, of, party, nodeKey(party));
}

function certificate(of: PublicPackage = settled): Certificate {
  const signatures = parties.map((party) => ready(party, of).signature);
  return { network, publicPackage: encode(publicPackageCodec(toy), of), signatures, approvals: [] };
}

const heard = (party: Party, of?: PublicPackage): ActivationEvent => ({ type: 'ready', ready: ready(party, of) });
const shown = (of?: PublicPackage): ActivationEvent => ({ type: 'certificate', certificate: certificate(of) });

/** Party 1 takes the events in order; returns the last step. */
function after(...events: readonly ActivationEvent[]): ActivationStep {
  let step: ActivationStep = { state: initialActivation, effects: [] };
  for (const event of events) step = stepActivation(activationAt(1), step.state, event);
  return step;
}

function effectsOf({ effects }: ActivationStep): readonly string[] {
  return effects.map(({ type }) => type);
}

describe('an activation', () => {
  it('promises once the share is safe, persisting the promise first', () => {
    const step = after(prepared);
    expect(step.state.type).toBe('prepared');
    expect(step.effects).toEqual([
      { type: 'persistReady', ready: ready(1) },
      { type: 'sendReady', ready: ready(1), to: 'all' },
    ]);
  });

  it('begins with the READY of all, and not with less', () => {
    expect(after(prepared, heard(2)).state.type).toBe('prepared');
    expect(after(prepared, heard(2), heard(2)).state.type).toBe('prepared');
    const step = after(prepared, heard(2), heard(3));
    expect(step.state.type).toBe('active');
    expect(effectsOf(step)).toEqual(['persistCertificate', 'activate', 'announce']);
    expect(step.effects[0]).toEqual({ type: 'persistCertificate', certificate: certificate() });
  });

  it('keeps the READY of those who are faster', () => {
    const step = after(heard(3), heard(2), prepared);
    expect(effectsOf(step)).toEqual(['persistReady', 'sendReady', 'persistCertificate', 'activate', 'announce']);
  });

  it('promises the same again after a restart, and nothing else ever', () => {
    expect(after(prepared, prepared).effects).toEqual(after(prepared).effects);
    const second: ActivationEvent = { type: 'prepared', publicPackage: outcome(2) };
    expect(() => after(prepared, second)).toThrow(ActivationError);
    expect(() => after(prepared, heard(2), heard(3), second)).toThrow(ActivationError);
    expect(() => after(second, prepared)).toThrow(ActivationError);
  });

  it.each<Partial<PublicPackage>>([
    { epoch: 2 },
    { keyId: new Uint8Array(32) },
    { members: settled.members.slice(0, 2), verifyingShares: settled.verifyingShares.slice(0, 2) },
    { members: [...settled.members.slice(0, 2), { party: 3, node: nodeKey(2).publicKey }] },
    { members: [...settled.members.slice(0, 2), { party: 4, node: nodeKey(3).publicKey }] },
  ])('does not promise what it is not for: %o', (change) => {
    expect(() => after({ type: 'prepared', publicPackage: outcome(1, change) })).toThrow(ActivationError);
  });

  it.each<[string, Ready]>([
    ['of a stranger', { ...ready(2), party: 4 }],
    ['in our name', ready(1, outcome(2))],
    ['of another epoch', ready(3, outcome(1, { epoch: 2 }))],
    ['of another key', ready(3, outcome(1, { keyId: new Uint8Array(32) }))],
    ['that is not signed', { ...ready(3), signature: new Uint8Array(64) }],
    ['signed by another', { ...ready(2), party: 3 }],
    ['of another network', signReady(new Uint8Array(32), toy, settled, 3, nodeKey(3))],
  ])('does not count a READY %s', (_, wrong) => {
    const step = after(prepared, heard(2), { type: 'ready', ready: wrong });
    expect(step.state.type).toBe('prepared');
    expect(step.effects).toEqual([]);
  });

  it('accuses who promises two outcomes, with both promises', () => {
    for (const before of [[prepared], [prepared, heard(2)], [], [prepared, shown()]]) {
      const step = after(...before, heard(3), heard(3, outcome(2)));
      const accusation = step.effects.find(({ type }) => type === 'accuse');
      expect(accusation).toMatchObject({ blame: { party: 3, code: 'conflicting-ready' } });
      const { evidence } = (accusation as ActivationEffect & { readonly type: 'accuse' }).blame;
      expect(provesConflict(evidence, settled.members[2] as never, activationAt(1).signatures)).toBe(true);
      expect(effectsOf(stepActivation(activationAt(1), step.state, heard(3, outcome(3))))).not.toContain('accuse');
    }
    expect(effectsOf(after(prepared, heard(3), heard(3)))).toEqual([]);
    expect(effectsOf(after(prepared, heard(3, outcome(2))))).toEqual([]);
  });

  it('verifies no signature of a certificate that it has', () => {
    const active = after(prepared, shown()).state;
    const signatures = { ...activationAt(1).signatures, verify: () => expect.unreachable() };
    expect(stepActivation({ ...activationAt(1), signatures }, active, shown())).toEqual({ state: active, effects: [] });
  });

  it('does not take promises about two epochs for a conflict', () => {
    const next = outcome(2, { epoch: 2 });
    expect(effectsOf(after(prepared, heard(3, next), heard(3)))).toEqual([]);
    const elsewhere = outcome(2, { keyId: new Uint8Array(32) });
    expect(effectsOf(after(prepared, heard(3, elsewhere), heard(3)))).toEqual([]);
  });

  it('takes the promise that fits from one who made two', () => {
    expect(after(prepared, heard(2), heard(3, outcome(2)), heard(3)).state.type).toBe('active');
  });

  it('catches up from a certificate: no READY of others is needed', () => {
    const step = after(prepared, shown());
    expect(effectsOf(step)).toEqual(['persistCertificate', 'activate', 'announce']);
    expect(effectsOf(after(prepared, shown(), shown()))).toEqual([]);
  });

  it('asks whoever is active, and answers whoever is not', () => {
    expect(after(prepared, { type: 'activated', party: 3 }).effects).toEqual([
      { type: 'sendReady', ready: ready(1), to: 3 },
    ]);
    expect(after(prepared, shown(), heard(2)).effects).toEqual([
      { type: 'sendCertificate', certificate: certificate(), to: 2 },
    ]);
    expect(after(prepared, shown(), { type: 'activated', party: 3 }).effects).toEqual([]);
  });

  it('is not impressed by certificates that prove nothing, or of other epochs', () => {
    const forged = { ...certificate(), signatures: [1, 1, 1].map((party) => ready(party).signature) };
    expect(after(prepared, { type: 'certificate', certificate: forged }).state.type).toBe('prepared');
    for (const epoch of [0, 2]) expect(after(prepared, shown(outcome(1, { epoch }))).state.type).toBe('prepared');
    const elsewhere = outcome(1, { keyId: new Uint8Array(32) });
    expect(after(prepared, shown(elsewhere)).state.type).toBe('prepared');
    expect(after(shown(elsewhere)).state.type).toBe('none');
  });

  it('recovers when a certificate shows that its share is missing here', () => {
    for (const events of [[shown()], [{ type: 'prepared', publicPackage: outcome(2) } as const, shown()]]) {
      const step = after(...events);
      expect(step.state.type).toBe('recover');
      expect(effectsOf(step)).toEqual(['recover']);
      expect(effectsOf(stepActivation(activationAt(1), step.state, { type: 'resumed' }))).toEqual(['recover']);
    }
  });

  it('uses the epoch once its share is repaired, and no other', () => {
    expect(effectsOf(after(shown(), prepared))).toEqual(['persistCertificate', 'activate', 'announce']);
    expect(() => after(shown(), { type: 'prepared', publicPackage: outcome(2) })).toThrow(ActivationError);
  });

  it('keeps to the higher of two certificates of one epoch', () => {
    expect(after(prepared, shown(), shown(outcome(0))).effects).toEqual([]);
    expect(after(prepared, shown(), shown(outcome(2))).state.type).toBe('recover');
    expect(after(shown(outcome(2)), shown()).effects).toEqual([]);
  });

  it('says again what it owes', () => {
    expect(after({ type: 'resumed' }).effects).toEqual([]);
    expect(after(prepared, { type: 'resumed' }).effects).toEqual([{ type: 'sendReady', ready: ready(1), to: 'all' }]);
    expect(effectsOf(after(prepared, shown(), { type: 'resumed' }))).toEqual(['announce']);
  });

  it('goes on from a certificate on the disk', () => {
    const state: ActivationState = certifiedActivation(activationAt(1), certificate());
    expect(state.type).toBe('certified');
    const step = stepActivation(activationAt(1), state, { type: 'resumed' });
    expect(step.state.type).toBe('active');
    expect(effectsOf(step)).toEqual(['activate', 'announce']);
    expect(effectsOf(stepActivation(activationAt(1), state, heard(2)))).toEqual(['sendCertificate']);
    expect(() => certifiedActivation(activationAt(1), { ...certificate(), signatures: [] })).toThrow(CertificateError);
  });
});
