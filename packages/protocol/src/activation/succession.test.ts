import { describe, expect, it } from 'vitest';
import { activationAt, network, nodeKey, outcome } from '../../../../test/support/committee.ts';
import { toHex, u64 } from '../bytes.ts';
import { toy } from '../groups/toy.ts';
import { type PublicPackage, partyBytes, publicPackageCodec } from '../keys.ts';
import { pureNodeKey } from '../primitives/signatures.ts';
import type { Party } from '../protocol.ts';
import { tags } from '../tags.ts';
import { hash } from '../transcript.ts';
import { decode, encode } from '../wire/codec.ts';
import { type Approval, approvalCodec, approve, verifyApproval } from './approval.ts';
import { type Certificate, CertificateError } from './certificate.ts';
import {
  type ActivationContext,
  ActivationError,
  type ActivationEvent,
  type ActivationState,
  type ActivationStep,
  certifiedActivation,
  initialActivation,
  stepActivation,
} from './machine.ts';
import { signReady } from './ready.ts';
import { differenceOf, verifySuccession } from './succession.ts';

const base = outcome(1);
const { signatures } = activationAt(1);
const context = { network, groupFor: () => toy, signatures };
const strangers = new Map([4, 5].map((i) => [i, pureNodeKey(new Uint8Array(32).fill(i))]));
const keyOf = (i: number) => strangers.get(i) ?? nodeKey(i);

/** A renewal of `base` for nodes 1 to 5, who play the parties 1, 2, … in this order. */
function renewal(nodes: readonly number[], change: Partial<PublicPackage> = {}): PublicPackage {
  return outcome(9, {
    epoch: 4,
    baseEpoch: 1,
    members: nodes.map((i, at) => ({ party: at + 1, node: keyOf(i).publicKey })),
    verifyingShares: nodes.map((i) => toy.multiplyBase(300n + BigInt(i))),
    ...change,
  });
}

function certificate(of: PublicPackage, nodes: readonly number[], approvals: readonly Approval[] = []): Certificate {
  const signed = nodes.map((i, at) => signReady(network, toy, of, at + 1, keyOf(i)).signature);
  return { network, publicPackage: encode(publicPackageCodec(toy), of), signatures: signed, approvals };
}

const approval = (of: PublicPackage, party: Party): Approval => approve(network, toy, of, party, nodeKey(party));

describe('an epoch that follows another', () => {
  it('is believed when as many of the old committee want it as could sign', () => {
    for (const nodes of [
      [1, 2, 3],
      [2, 1, 4],
      [3, 5, 2, 4],
    ]) {
      const next = renewal(nodes);
      const verified = verifySuccession(certificate(next, nodes), base, context);
      expect(encode(publicPackageCodec(toy), verified)).toEqual(encode(publicPackageCodec(toy), next));
    }
    const moved = renewal([4, 5]);
    const both = [approval(moved, 3), approval(moved, 1)];
    expect(() => verifySuccession(certificate(moved, [4, 5], both), base, context)).not.toThrow();
    const overlapping = renewal([4, 1, 5]);
    const one = [approval(overlapping, 2)];
    expect(() => verifySuccession(certificate(overlapping, [4, 1, 5], one), base, context)).not.toThrow();
  });

  const moved = renewal([4, 5]);
  const other = renewal([4, 5], { transcript: new Uint8Array(32).fill(10) });
  /** What party 2 signs of its own free will: it names another epoch or key beside the digest of the right outcome. */
  const signedAs = (change: Partial<Approval>): Approval => {
    const said = { ...approval(moved, 2), ...change };
    const { keyId, epoch, party, digest } = said;
    const message = hash(tags.approval, keyId, u64(epoch), partyBytes(party), digest);
    return { ...said, signature: nodeKey(2).sign(message) };
  };
  it.each<[string, readonly Approval[]]>([
    ['nobody', []],
    ['one, and one who names another key', [approval(moved, 1), signedAs({ keyId: new Uint8Array(32) })]],
    ['one', [approval(moved, 1)]],
    ['one, twice', [approval(moved, 1), approval(moved, 1)]],
    ['one, and one in the name of another', [approval(moved, 1), { ...approval(moved, 1), party: 2 }]],
    ['one, and a stranger', [approval(moved, 1), { ...approve(network, toy, moved, 4, keyOf(4)) }]],
    ['one, and one who wants another outcome', [approval(moved, 1), approval(other, 2)]],
    [
      'one, and one whose word for another outcome was changed',
      [approval(moved, 1), { ...approval(other, 2), digest: approval(moved, 2).digest }],
    ],
    ['one, and one who wanted it as another epoch', [approval(moved, 1), signedAs({ epoch: 5 })]],
  ])('is not believed when of the old committee %s wants it', (_, approvals) => {
    expect(() => verifySuccession(certificate(moved, [4, 5], approvals), base, context)).toThrow(
      'fewer than 2 members of epoch 1 want it',
    );
  });

  it('counts a member that stays once, though it approves as well', () => {
    const next = renewal([1, 4, 5]);
    const twice = certificate(next, [1, 4, 5], [approval(next, 1)]);
    expect(() => verifySuccession(twice, base, context)).toThrow(CertificateError);
  });

  it.each<[string, Partial<PublicPackage>]>([
    ['another key', { keyId: new Uint8Array(32) }],
    ['another name', { name: 'other' }],
    ['another scheme', { scheme: 'taproot' }],
    ['another purpose', { purpose: 'other' }],
    ['another base', { baseEpoch: 2 }],
    ['an epoch that does not rise', { epoch: 1 }],
    ['another group key', { groupKey: toy.multiplyBase(101n) }],
    ['another kind of tweak', { tweak: { type: 'key-path-only', value: new Uint8Array(0) } }],
    ['another tweak', { tweak: { type: 'none', value: new Uint8Array(1) } }],
    ['another chain code', { chainCode: new Uint8Array(32) }],
    ['another policy', { policyHash: new Uint8Array(32) }],
  ])('is not one with %s', (_, change) => {
    expect(differenceOf(base, renewal([1, 2, 3]), toy)).toBeUndefined();
    expect(differenceOf(base, renewal([1, 2, 3], change), toy)).toBeDefined();
    const changed = renewal([1, 2, 3], change);
    if (change.tweak?.value.length === 1) return;
    expect(() => verifySuccession(certificate(changed, [1, 2, 3]), base, context)).toThrow(CertificateError);
  });

  it('is approved by who signs, in one format', async () => {
    const good = approval(moved, 2);
    expect(verifyApproval(good, base, signatures)).toBe(true);
    expect(verifyApproval({ ...good, party: 1 }, base, signatures)).toBe(false);
    expect(verifyApproval({ ...good, party: 7 }, base, signatures)).toBe(false);
    expect(verifyApproval({ ...good, keyId: new Uint8Array(32) }, base, signatures)).toBe(false);
    expect(decode(approvalCodec, encode(approvalCodec, good))).toEqual(good);
    await expect(`${toHex(encode(approvalCodec, good))}\n`).toMatchFileSnapshot('golden/approval.hex');
  });
});

describe('the activation of a renewal', () => {
  const nodes = [4, 1, 5];
  const next = renewal(nodes);
  const { members } = next;
  /** At the node 1, which plays party 2. */
  const here: ActivationContext = { ...activationAt(1), epoch: 4, members, me: 2, base };
  const prepared: ActivationEvent = { type: 'prepared', publicPackage: next };
  const ready = (at: number): ActivationEvent => ({
    type: 'ready',
    ready: signReady(network, toy, next, at, keyOf(nodes[at - 1] as number)),
  });
  const approved = (one: Approval): ActivationEvent => ({ type: 'approval', approval: one });

  function after(...events: readonly ActivationEvent[]): ActivationStep {
    let step: ActivationStep = { state: initialActivation, effects: [] };
    for (const event of events) step = stepActivation(here, step.state, event);
    return step;
  }

  it('waits for READY of all and for enough of the old committee, in any order', () => {
    expect(after(prepared, ready(1), ready(3)).state.type).toBe('prepared');
    expect(after(prepared, ready(1), approved(approval(next, 2))).state.type).toBe('prepared');
    for (const events of [
      [prepared, ready(1), ready(3), approved(approval(next, 3))],
      [approved(approval(next, 2)), prepared, ready(1), ready(3)],
    ]) {
      const { state } = after(...events);
      if (state.type !== 'active') throw new Error('it is not active');
      expect(verifySuccession(state.certificate, base, context).epoch).toBe(4);
      expect(state.certificate.approvals).toHaveLength(1);
    }
  });

  it.each<[string, Approval]>([
    ['of another outcome', approval(renewal([4, 5]), 2)],
    ['in the name of another', { ...approval(next, 2), party: 3 }],
    ['of a stranger', { ...approve(network, toy, next, 4, keyOf(4)) }],
    ['for another epoch', approval(renewal(nodes, { epoch: 5 }), 2)],
    ['for another key', approval(renewal(nodes, { keyId: new Uint8Array(32) }), 2)],
    ['of one who said READY already', approval(next, 1)],
  ])('is not moved by an approval %s', (_, one) => {
    expect(after(prepared, ready(1), ready(3), approved(one)).state.type).toBe('prepared');
  });

  it('lets nobody keep a member from approving by speaking in its name first', () => {
    const forged = approved({ ...approval(next, 2), party: 3 });
    expect(after(prepared, ready(1), ready(3), forged, approved(approval(next, 3))).state.type).toBe('active');
  });

  it('promises nothing that the old epoch does not lead to', () => {
    for (const change of [{ groupKey: toy.multiplyBase(5n) }, { baseEpoch: 0 }, { baseEpoch: 3 }]) {
      expect(() => after({ type: 'prepared', publicPackage: renewal(nodes, change) })).toThrow(ActivationError);
    }
    const fresh: ActivationContext = { ...here, base: undefined };
    expect(() => stepActivation(fresh, initialActivation, prepared)).toThrow(ActivationError);
  });

  it('takes no certificate that the old committee does not want, from a peer or from the disk', () => {
    const poor = certificate(next, nodes);
    expect(after(prepared, { type: 'certificate', certificate: poor }).state.type).toBe('prepared');
    expect(() => certifiedActivation(here, poor)).toThrow(CertificateError);
    const good = certificate(next, nodes, [approval(next, 2)]);
    expect(after(prepared, { type: 'certificate', certificate: good }).state.type).toBe('active');
    const found: ActivationState = certifiedActivation(here, good);
    expect(found.type).toBe('certified');
    expect(after({ type: 'certificate', certificate: good }).state.type).toBe('recover');
  });
});
