import {
  type Certificate,
  certificateCodec,
  equal,
  InputError,
  keyIdOf,
  kinds,
  type Member,
  type PublicPackage,
  publicPackageCodec,
  signReady,
  toHex,
  wire,
} from '@quorate/protocol';
import { assert, integer, property } from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Committee } from '../../test/committee.ts';
import { committeeWith, expectNobodyBlamed, keyOf, reshare, statesOf, three } from '../../test/resharing.ts';
import { limits } from '../limits.ts';
import { type ReshareProposal, reshareProposals } from '../policy/reshare-proposal.ts';
import { nativeTools } from '../tools.ts';
import type { NodeFrame } from './frames.ts';
import { ReshareTask } from './reshare.ts';
import { membersOf } from './reshare-plan.ts';

const ask = { accept: { default: 'ask', proposers: {} } } as const;

/** Everybody of the three and dave, and dave joins; what dave thinks of it is `settings`. */
async function joining(seed: string, settings: Parameters<typeof Object.assign>[1]): Promise<[Committee, string]> {
  const committee = await committeeWith(seed, 4, 3);
  Object.assign(committee.at('dave').config, settings);
  const { id } = await committee.at('alice').node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
  await committee.run(100);
  return [committee, id];
}

const isDone = (committee: Committee, id: string) => () => committee.ceremony('dave', id)?.state === 'done';

describe('who joins', () => {
  test('is asked, and says which key it is: nothing else goes on', async () => {
    const [committee, id] = await joining('asked', ask);
    const { node } = committee.at('dave');
    const { publicKey } = await committee.at('alice').node.key('treasury');
    expect(await node.ceremony(id, 0)).toMatchObject({
      needsAccept: true,
      proposal: {
        proposer: 'alice',
        threshold: 2,
        members: expect.arrayContaining(['alice', 'bob', 'dave']),
        reshare: { publicKey, mustConfirm: true, threshold: 2, joining: ['dave'], leaving: ['carol'] },
      },
    });
    await expect(node.accept(id)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/public-key/),
    });
    await expect(node.accept(id, '00'.repeat(32))).rejects.toMatchObject({ code: 'wrong-key' });
    await committee.run(1_000);
    expect(committee.ceremony('dave', id)?.state).toBe('proposed');
    expect(await committee.verifies('old', await committee.sign('alice', committee.order('old')))).toBe(true);
    await node.accept(id, publicKey);
    await committee.until(isDone(committee, id), 60_000);
    expect(await committee.audit('dave')).toEqual(expect.arrayContaining(['reshare-asked', 'accepted', 'key-active']));
    expectNobodyBlamed(committee);
  });

  test('with the key pinned needs no more than a yes; with another one it refuses', async () => {
    const publicKey = async (seed: string): Promise<string> =>
      (await (await committeeWith(seed, 4, 3)).at('alice').node.key('treasury')).publicKey;
    const [pinned, id] = await joining('pinned', { ...ask, pins: { treasury: await publicKey('pinned') } });
    await pinned.at('dave').node.accept(id);
    await pinned.until(isDone(pinned, id), 60_000);
    const [other, refused] = await joining('other', { pins: { treasury: await publicKey('pinned') } });
    await other.run(100);
    expect(other.ceremony('dave', refused)).toBeUndefined();
    expect(await other.audit('dave')).toContain('reshare-refused: wrong-key');
    expect(other.ceremony('alice', refused)?.failure).toMatchObject({
      code: 'denied',
      reason: expect.stringMatching(/pins/),
    });
    expect(keyOf(other, 'alice')?.current?.epoch).toBe(1);
  });

  test('holds no second key of a name that it promised to another', async () => {
    const committee = await committeeWith('names', 5, 3);
    const { node } = committee.at('dave');
    for (const name of ['dave', 'erin']) committee.at(name).tamper = (frame) => (frame.type === 'ready' ? [] : [frame]);
    await node.keygen({ name: 'treasury', scheme: 'ed25519', members: ['dave', 'erin'] });
    await committee.until(() => statesOf(committee, 'dave').length === 1, 60_000);
    const done = await reshare(committee, 'alice', { members: ['alice', 'bob', 'dave'] }, ['alice']);
    expect(done.failure).toMatchObject({ code: 'denied', reason: expect.stringMatching(/another key/) });
    expect(await committee.audit('dave')).toContain('reshare-refused: name-taken');
  });

  test('is not lured back into an epoch that is over', async () => {
    const committee = await committeeWith('lured', 6, 3);
    const move = async (at: string, members: readonly string[]): Promise<Certificate> => {
      await reshare(committee, at, { members, threshold: 2 }, members);
      await committee.run(limits.refreshPause + 2 * limits.readyInterval);
      return wire.decode(certificateCodec, keyOf(committee, members[0] as string)?.current?.certificate as Uint8Array);
    };
    const base = await move('alice', ['dave', 'erin', 'frank']);
    await move('dave', ['alice', 'dave']);
    await move('dave', ['dave', 'erin']);
    const unsigned = {
      key: 'treasury',
      base,
      epoch: 9,
      dealers: [1, 2],
      members: membersOf(['alice', 'frank'].map((name) => committee.at(name).key.publicKey)),
      threshold: 2,
      lowThreshold: 0,
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const body = wire.encode(reshareProposals.codec, reshareProposals.sign(unsigned, committee.at('frank').key));
    const before = (await committee.audit('alice')).length;
    committee.say('frank', 'alice', { type: 'request', value: { kind: kinds.renew, body } });
    await committee.run(20);
    expect((await committee.audit('alice')).slice(before)).toEqual(['reshare-refused: denied']);
  });

  test('holds only what it is for', async () => {
    const [committee, id] = await joining('purposes', { purposes: ['other'] });
    expect(committee.ceremony('alice', id)?.failure).toMatchObject({ code: 'denied' });
    expect(await committee.audit('dave')).toContain('reshare-refused: denied');
  });
});

describe('an operator of the old committee', () => {
  test('that says no ends it, and the key stays', async () => {
    const committee = await committeeWith('no', 4, 3);
    Object.assign(committee.at('bob').config, ask);
    const { id } = await committee.at('alice').node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
    await committee.run(100);
    expect(committee.ceremony('bob', id)).toMatchObject({
      needsAccept: true,
      proposal: { reshare: { mustConfirm: false } },
    });
    // Who waits for an operator hinders no refresh of a member that stays.
    const { id: refresh } = await committee.at('bob').node.refresh('treasury');
    await committee.until(() => committee.ceremony('bob', refresh)?.state === 'done', 60_000);
    expect(committee.ceremony('bob', id)?.failure).toMatchObject({ code: 'conflict' });
    await committee.run(limits.refreshPause);
    const { id: again } = await committee.at('alice').node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
    await committee.run(100);
    expect(committee.ceremony('alice', again)?.state).toBe('accepted');
    await committee.at('bob').node.cancel(again);
    await committee.run(100);
    for (const name of ['alice', 'dave']) {
      expect(committee.ceremony(name, again)?.failure).toMatchObject({
        code: 'denied',
        reason: expect.stringMatching(/bob/),
      });
    }
    expect(keyOf(committee, 'alice')?.current?.epoch).toBe(2);
    expectNobodyBlamed(committee);
  });

  test('is asked about the last of what one member proposes, and an earlier one does not come back', async () => {
    const committee = await committeeWith('again', 4, 3);
    Object.assign(committee.at('bob').config, ask);
    const { node, sent } = committee.at('alice');
    const { id: first } = await node.reshare('treasury', { members: ['alice', 'bob', 'dave'] });
    await committee.run(100);
    const proposed = sent.flatMap(({ frame }) => (frame.type === 'request' ? [frame] : []));
    const { id: second } = await node.reshare('treasury', { members: ['alice', 'bob'] });
    await committee.run(100);
    committee.say('carol', 'bob', proposed.at(-1) as NodeFrame);
    await committee.run(100);
    expect(committee.ceremony('bob', first)?.failure).toMatchObject({ code: 'conflict' });
    await committee.at('bob').node.accept(second);
    await committee.until(() => committee.ceremony('bob', second)?.state === 'done', 60_000);
  });

  test('whose rules deny it takes no part', async () => {
    const committee = await committeeWith('deny', 4, 3);
    Object.assign(committee.at('bob').config, { accept: { default: 'auto', proposers: { alice: 'deny' } } });
    const done = await reshare(committee, 'alice', { members: ['alice', 'bob', 'dave'] }, ['alice']);
    expect(done.failure).toMatchObject({ code: 'denied' });
    expect(await committee.audit('bob')).toContain('reshare-refused: denied');
  });

  test('is asked about a threshold that a minority reaches, whatever the rules', async () => {
    const committee = await committeeWith('low', 5, 5, { threshold: 3 });
    const order = { threshold: 2, allowLowThreshold: true };
    const { id } = await committee.at('alice').node.reshare('treasury', order);
    await committee.run(1_000);
    for (const name of ['bob', 'carol', 'dave', 'erin']) {
      expect(committee.ceremony(name, id)?.needsAccept).toBe(true);
      await committee.at(name).node.accept(id);
    }
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 60_000);
    expect(await committee.at('alice').node.key('treasury')).toMatchObject({ threshold: 2, epoch: 2 });
  });

  test('that froze the key takes no part', async () => {
    const committee = await committeeWith('frozen', 4, 3);
    await committee.at('bob').node.freeze('treasury', true);
    const done = await reshare(committee, 'alice', { members: ['alice', 'bob', 'dave'] }, ['alice']);
    expect(done.failure).toMatchObject({ code: 'denied', reason: expect.stringMatching(/frozen/) });
  });
});

describe('a proposal to reshare', () => {
  let committee: Committee;
  let base: Certificate;
  beforeAll(async () => {
    committee = await committeeWith('proposals', 5, 3);
    base = wire.decode(certificateCodec, keyOf(committee, 'alice')?.current?.certificate as Uint8Array);
  });

  const nodes = (...names: readonly string[]): readonly Member[] =>
    membersOf(names.map((name) => committee.at(name).key.publicKey));

  const proposal = (change: Partial<ReshareProposal> = {}, by = 'alice'): Uint8Array => {
    const unsigned = {
      key: 'treasury',
      base,
      epoch: 2,
      dealers: [1, 2, 3],
      members: nodes('alice', 'bob', 'dave'),
      threshold: 2,
      lowThreshold: 0,
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const signed = reshareProposals.sign({ ...unsigned, ...change }, committee.at(by).key);
    return wire.encode(reshareProposals.codec, { ...signed, ...(change.signature && { signature: change.signature }) });
  };

  const attacks: readonly [string, () => Partial<ReshareProposal>, string, string?][] = [
    ['for another network', () => ({ base: { ...base, network: new Uint8Array(32) } }), 'denied'],
    ['that nobody signed', () => ({ signature: new Uint8Array(64) }), 'denied'],
    ['that has expired', () => ({ expires: 1 }), 'expired'],
    ['by somebody without a share', () => ({}), 'denied', 'erin'],
    ['for another key', () => ({ key: 'nothing' }), 'denied'],
    [
      'with a certificate that not all have signed',
      () => ({ base: { ...base, signatures: base.signatures.with(1, new Uint8Array(64)) } }),
      'denied',
    ],
    ['to an epoch that is there', () => ({ epoch: 1 }), 'denied'],
    ['to an epoch out of reach', () => ({ epoch: 2_000_000_000 }), 'invalid'],
    ['dealt by too few', () => ({ dealers: [1] }), 'invalid'],
    ['dealt by one twice', () => ({ dealers: [1, 1] }), 'invalid'],
    ['dealt by a stranger', () => ({ dealers: [1, 9] }), 'invalid'],
    ['dealt out of order', () => ({ dealers: [2, 1] }), 'invalid'],
    ['without a threshold', () => ({ threshold: 1 }), 'invalid'],
    ['with a threshold that nobody reaches', () => ({ threshold: 4 }), 'invalid'],
    [
      'to a stranger',
      () => ({ members: [{ party: 1, node: new Uint8Array(32) }, ...nodes('bob', 'dave')] }),
      'invalid',
    ],
    [
      'to one twice',
      () => ({ members: [...nodes('alice', 'bob'), { ...(nodes('bob')[0] as Member), party: 3 }] }),
      'invalid',
    ],
    ['in another order', () => ({ members: nodes('alice', 'bob', 'dave').toReversed() }), 'invalid'],
    [
      'numbered from elsewhere',
      () => ({ members: nodes('bob', 'dave').map((one) => ({ ...one, party: one.party + 1 })) }),
      'invalid',
    ],
    [
      'with a threshold that a minority reaches, and no word of it',
      () => ({ members: nodes('alice', 'bob', 'carol', 'dave', 'erin'), threshold: 2 }),
      'invalid',
    ],
  ];

  test.for(attacks)('%s is refused by who stays and by who joins', async ([, change, code, by]) => {
    for (const to of ['bob', 'dave']) {
      const before = (await committee.audit(to)).length;
      committee.say('alice', to, { type: 'request', value: { kind: kinds.renew, body: proposal(change(), by) } });
      await committee.run(20);
      expect((await committee.audit(to)).slice(before)).toEqual([`reshare-refused: ${code}`]);
    }
  });

  /** Carol's own key, as she signs it with however many names; `change` is what is wrong with it. */
  const madeUp = (change: Partial<PublicPackage>, by = 'carol'): Partial<ReshareProposal> => {
    const { ed25519: group } = committee.tools.groups;
    const { config, key } = committee.at(by);
    const publicPackage = {
      scheme: 'ed25519' as const,
      keyId: keyIdOf(config.networkId, 'mine'),
      name: 'mine',
      purpose: 'general',
      epoch: 1,
      baseEpoch: 0,
      threshold: 2,
      members: nodes('carol', 'erin'),
      groupKey: group.multiplyBase(5n),
      // 5 + 3x
      verifyingShares: [8n, 11n].map((share) => group.multiplyBase(share)),
      chainCode: new Uint8Array(32),
      tweak: { type: 'none', value: new Uint8Array(0) } as const,
      policyHash: new Uint8Array(32),
      transcript: new Uint8Array(32),
      ...change,
    };
    const encoded = wire.encode(publicPackageCodec(group), publicPackage);
    const signatures = publicPackage.members.map(({ party, node }) => {
      const signer = [...committee.members.values()].find((one) => equal(one.key.publicKey, node))?.key ?? key;
      return signReady(config.networkId, group, publicPackage, party, signer).signature;
    });
    const certificate = { network: config.networkId, publicPackage: encoded, signatures, approvals: [] };
    return { key: 'mine', base: certificate, dealers: [1, 2], members: nodes('carol', 'dave', 'erin') };
  };

  const wrong: readonly [string, () => Partial<PublicPackage>, string][] = [
    [
      'whose shares do not fit',
      () => ({ verifyingShares: [8n, 12n].map((share) => committee.tools.groups.ed25519.multiplyBase(share)) }),
      'invalid',
    ],
    [
      'of which one node is all members',
      () => ({ members: nodes('carol', 'carol').map(({ node }, i) => ({ party: i + 1, node })) }),
      'denied',
    ],
    [
      'that is tweaked, though its scheme knows no tweak',
      () => ({ tweak: { type: 'key-path-only', value: new Uint8Array(0) } }),
      'denied',
    ],
    ['that was dealt from itself', () => ({ epoch: 1, baseEpoch: 1 }), 'denied'],
    ['at the end of all numbers', () => ({ epoch: 2 ** 48 - 2, baseEpoch: 0 }), 'invalid'],
  ];

  test.for(wrong)('of a made-up key %s is refused, and stops nobody', async ([, change, code]) => {
    const dave = committee.at('dave');
    for (const accept of ['auto', 'ask'] as const) {
      Object.assign(dave.config, { accept: { default: accept, proposers: {} } });
      const before = (await committee.audit('dave')).length;
      const made = madeUp(change());
      const epoch = code === 'invalid' && change().epoch !== undefined ? 2 ** 48 - 1 : 2;
      const body = proposal({ ...made, epoch }, 'carol');
      committee.say('carol', 'dave', { type: 'request', value: { kind: kinds.renew, body } });
      await committee.run(20);
      expect((await committee.audit('dave')).slice(before)).toEqual([`reshare-refused: ${code}`]);
    }
    expect(dave.fatal).toEqual([]);
    Object.assign(dave.config, { accept: { default: 'auto', proposers: {} } });
  });

  test('of a key that fits is joined, whoever made it up: that is for operators and their pins to know', async () => {
    Object.assign(committee.at('dave').config, ask);
    const body = proposal(madeUp({}), 'carol');
    committee.say('carol', 'dave', { type: 'request', value: { kind: kinds.renew, body } });
    await committee.run(20);
    const view = committee.ceremony('dave', toHex(ReshareTask.idOf(body) as Uint8Array));
    expect(view).toMatchObject({ needsAccept: true, proposal: { reshare: { mustConfirm: true } } });
    await committee.at('dave').node.cancel(view?.id as string);
    Object.assign(committee.at('dave').config, { accept: { default: 'auto', proposers: {} } });
  });

  test.for([
    ['of the impossible ends its session, and stops nobody', new InputError('no such dealer'), 0],
    ['that meets a bug stops the node', new Error('a bug'), 1],
  ] as const)('%s', async ([, error, stopped]) => {
    const other = await committeeWith(`court ${stopped}`, 4, 3);
    const open = new Set<unknown>();
    for (const member of other.members.values()) {
      member.hosting = (host) => {
        open.add(host);
        return {
          ...host,
          close: () => {
            open.delete(host);
            host.close();
          },
        };
      };
    }
    // Of whoever begins first.
    const judged = vi.spyOn(ReshareTask.prototype, 'court').mockImplementationOnce(() => {
      throw error;
    });
    const heirs = ['alice', 'bob', 'dave'];
    const { id } = await other.at('alice').node.reshare('treasury', { members: heirs });
    await other.run(limits.keygenRound + 1_000);
    judged.mockRestore();
    expect([...other.members.values()].flatMap(({ fatal }) => fatal)).toEqual(stopped === 1 ? [error] : []);
    if (stopped === 1) return;
    expect(open.size).toBe(0);
    const failures = heirs.map((name) => other.ceremony(name, id)?.failure);
    expect(failures.filter((failure) => failure?.reason === error.message)).toMatchObject([{ code: 'timeout' }]);
    expect((await reshare(other, 'alice', { members: heirs }, heirs)).state).toBe('done');
    expectNobodyBlamed(other);
  });

  test('in which it has no part is refused', async () => {
    const before = (await committee.audit('erin')).length;
    committee.say('alice', 'erin', { type: 'request', value: { kind: kinds.renew, body: proposal() } });
    await committee.run(20);
    expect((await committee.audit('erin')).slice(before)).toEqual(['reshare-refused: invalid']);
  });

  test('from another epoch than the one in use is refused, by whoever knows it', async () => {
    const moved = await committeeWith('moved', 5, 3);
    const old = wire.decode(certificateCodec, keyOf(moved, 'alice')?.current?.certificate as Uint8Array);
    const now = ['alice', 'bob', 'dave'];
    await reshare(moved, 'alice', { members: now }, now);
    await moved.run(limits.refreshPause + 2 * limits.readyInterval);
    const unsigned = {
      key: 'treasury',
      base: old,
      epoch: 7,
      dealers: [1, 2, 3],
      members: membersOf(['bob', 'carol', 'dave'].map((name) => moved.at(name).key.publicKey)),
      threshold: 2,
      lowThreshold: 0,
      expires: moved.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const body = wire.encode(reshareProposals.codec, reshareProposals.sign(unsigned, moved.at('alice').key));
    // Who is in the new committee, joined or not, and who left it.
    for (const to of ['bob', 'dave', 'carol']) {
      const before = (await moved.audit(to)).length;
      moved.say('alice', to, { type: 'request', value: { kind: kinds.renew, body } });
      await moved.run(20);
      expect((await moved.audit(to)).slice(before)).toEqual([
        `reshare-refused: ${to === 'carol' ? 'not-member' : 'denied'}`,
      ]);
    }
    for (const name of now) expect(statesOf(moved, name).at(-1)).toEqual([2, 'active']);
  });

  test('a moment after the last one is refused', async () => {
    const fresh = await committeeWith('worn out', 4, 3);
    await reshare(fresh, 'alice', { members: ['alice', 'bob', 'dave'] }, ['alice', 'bob', 'dave']);
    await expect(fresh.at('alice').node.reshare('treasury', { members: three })).rejects.toMatchObject({
      code: 'denied',
    });
  });

  test('has one encoding; cut, drawn out or changed anywhere it is nobody’s', () => {
    const body = proposal();
    const decode = (bytes: Uint8Array) => wire.decode(reshareProposals.codec, bytes);
    expect(wire.encode(reshareProposals.codec, decode(body))).toEqual(body);
    for (const length of [0, 1, 2, 40, body.length - 1]) expect(() => decode(body.subarray(0, length))).toThrow();
    expect(() => decode(Uint8Array.of(...body, 0))).toThrow();
    const { signatures } = nativeTools();
    assert(
      property(integer({ min: 0, max: body.length - 1 }), integer({ min: 1, max: 255 }), (place, change) => {
        const other = body.map((byte, i) => (i === place ? byte ^ change : byte));
        try {
          expect(reshareProposals.verify(decode(other), signatures)).toBe(false);
        } catch (error) {
          expect(error).toMatchObject({ name: 'EncodingError' });
        }
      }),
      { numRuns: 300 },
    );
  });
});
