import {
  decodeEnvelope,
  fromBytesBE,
  frost,
  kinds,
  packageDigest,
  type Scheme,
  sealEnvelope,
  toHex,
  wire,
} from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import { type ExportProposal, exportProposals } from '../policy/export-proposal.ts';
import type { CeremonyView, ExportOrder } from '../service.ts';
import { nativeTools } from '../tools.ts';

const { groups } = nativeTools();

async function committeeOf(n: number, seed: string, key = {}): Promise<Committee> {
  const committee = await Committee.open(n, seed, { export: 'enabled' });
  await committee.key(key);
  await committee.run(limits.refreshPause);
  return committee;
}

const isOver = (committee: Committee, name: string, id: string): boolean =>
  ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? '');

/** Asks, has the others accept, and waits for the end. */
async function exported(committee: Committee, order: ExportOrder = {}, key = 'treasury'): Promise<CeremonyView> {
  const { id } = await committee.at('alice').node.exportKey(key, order);
  await committee.run(50);
  for (const [name, { node }] of committee.members)
    if (committee.ceremony(name, id)?.needsAccept === true) await node.accept(id);
  await committee.until(() => isOver(committee, 'alice', id), 90_000);
  await committee.run(50);
  return committee.ceremony('alice', id) as CeremonyView;
}

describe('an export', () => {
  test.for(['ed25519', 'taproot', 'ecdsa'] as const)(
    'of an %s key gives the private key to who asked, once, and marks the key for ever',
    async (scheme: Scheme) => {
      const committee = await committeeOf(3, `export ${scheme}`, { scheme });
      const { node } = committee.at('alice');
      const done = await exported(committee, { helpers: ['bob'] });
      expect(done).toMatchObject({ kind: 'export', state: 'done', participants: expect.arrayContaining(['bob']) });
      using secret = node.takeExported(done.id);
      const suite = frost.suiteOf(scheme, groups);
      const groupKey = suite.group.multiplyBase(secret.use(fromBytesBE));
      const tweak = { type: scheme === 'taproot' ? 'key-path-only' : 'none', value: new Uint8Array(0) } as const;
      expect(toHex(frost.outputKey(suite, { groupKey, tweak }))).toBe((await node.key('treasury')).publicKey);
      expect(() => node.takeExported(done.id)).toThrow(/once/);
      expect(() => committee.at('bob').node.takeExported(done.id)).toThrow(/once/);

      const marks = await Promise.all(
        ['alice', 'bob', 'carol'].map(async (name) => (await committee.at(name).node.key('treasury')).exported),
      );
      expect(marks).toEqual([true, true, false]);
      expect((await committee.at('bob').node.status()).warnings.join()).toMatch(/treasury was exported/);
      const bob = committee.at('bob');
      await committee.stop(bob);
      await committee.start(bob);
      expect((await bob.node.key('treasury')).exported).toBe(true);
      for (const name of ['alice', 'bob']) expect(await committee.audit(name)).toContain('key-exported');
      const key = secret.use(toHex);
      for (const { log, fatal } of committee.members.values()) {
        expect(fatal).toEqual([]);
        expect(log.join()).not.toContain(key);
      }
    },
  );

  test('is marked and recorded by a member before its share leaves', async () => {
    const committee = await committeeOf(3, 'marked first');
    const bob = committee.at('bob');
    const marks: (boolean | undefined)[] = [];
    bob.tamper = (frame) => {
      if (frame.type === 'envelope' && decodeEnvelope(frame.value).kind === kinds.export)
        marks.push(bob.home.keys.byName('treasury')?.exported);
      return [frame];
    };
    await exported(committee, { helpers: ['bob'] });
    expect(marks.length).toBeGreaterThan(0);
    expect(marks.every((mark) => mark === true)).toBe(true);
  });

  test('asks every operator, whatever the rules say, and happens only if all say yes', async () => {
    const committee = await committeeOf(3, 'asks');
    const { id } = await committee.at('alice').node.exportKey('treasury', { helpers: ['bob', 'carol'] });
    await committee.run(1_000);
    for (const name of ['bob', 'carol'])
      expect(committee.ceremony(name, id)).toMatchObject({
        needsAccept: true,
        proposal: {
          threshold: 2,
          parties: 3,
          meaning: expect.stringMatching(/^alice gets the whole private key of treasury/),
        },
      });
    expect((await committee.at('bob').node.status()).warnings.join()).toMatch(/waits for your yes.*whole private key/);
    await committee.at('bob').node.accept(id);
    await committee.run(1_000);
    expect(committee.ceremony('alice', id)?.state).toBe('accepted');
    expect(committee.at('bob').home.keys.byName('treasury')?.exported).toBe(false);
    await committee.at('carol').node.cancel(id);
    await committee.run(50);
    expect(committee.ceremony('alice', id)?.failure?.code).toBe('denied');
  });

  test('is refused where it is not switched on, here and elsewhere, and where the asker is not welcome', async () => {
    const committee = await committeeOf(3, 'switched off');
    const bob = committee.at('bob');
    Object.assign(bob.config, { export: 'disabled' });
    await expect(bob.node.exportKey('treasury')).rejects.toMatchObject({ code: 'denied' });
    const off = await exported(committee, { helpers: ['bob'] });
    expect(off.failure).toMatchObject({
      code: 'denied',
      reason: expect.stringMatching(/bob: this node gives away no/),
    });
    Object.assign(bob.config, { export: 'enabled', accept: { default: 'auto', proposers: { alice: 'deny' } } });
    const denied = await exported(committee, { helpers: ['bob'] });
    expect(denied.failure).toMatchObject({ code: 'denied', reason: expect.stringMatching(/gives alice no share/) });
  });

  test('of a bad share names who sent it, and gives no key', async () => {
    const committee = await committeeOf(3, 'liar');
    const bob = committee.at('bob');
    bob.tamper = badShare(bob);
    const failed = await exported(committee, { helpers: ['bob'] });
    expect(failed.failure).toMatchObject({ code: 'cheated', culprits: [{ name: 'bob', code: 'bad-share' }] });
    expect(() => committee.at('alice').node.takeExported(failed.id)).toThrow(/once/);
  });

  test('waits for who asked for a minute, and no longer', async () => {
    const committee = await committeeOf(3, 'late');
    const done = await exported(committee);
    await committee.run(limits.exportKept);
    expect(() => committee.at('alice').node.takeExported(done.id)).toThrow(/once/);
  });

  test('ends when the key moves on to another epoch', async () => {
    const committee = await committeeOf(3, 'moves on');
    const { id } = await committee.at('alice').node.exportKey('treasury', { helpers: ['bob'] });
    const refresh = await committee.at('carol').node.refresh('treasury');
    await committee.until(() => committee.ceremony('alice', refresh.id)?.state === 'done');
    await committee.run(50);
    expect(committee.ceremony('alice', id)?.failure?.code).toMatch(/conflict|denied/);
    expect(committee.ceremony('bob', id)?.failure?.code).toMatch(/conflict|denied/);
  });
});

/** The share that goes to who asks, changed, and signed again. */
const badShare =
  (member: Member): Tamper =>
  (frame) => {
    if (frame.type !== 'envelope') return [frame];
    const envelope = decodeEnvelope(frame.value);
    if (envelope.kind !== kinds.export || envelope.class !== 'direct') return [frame];
    const payload = envelope.payload.map((byte, i) => (i === envelope.payload.length - 3 ? byte ^ 1 : byte));
    return [{ type: 'envelope', value: sealEnvelope(envelope, envelope.echo, payload, member.key).frame }];
  };

describe('a proposal to export', () => {
  let committee: Committee;
  let encoded: Uint8Array;
  let digest: Uint8Array;
  beforeAll(async () => {
    committee = await committeeOf(4, 'export proposals', { threshold: 3 });
    const { config, home } = committee.at('alice');
    encoded = home.keys.byName('treasury')?.current?.publicPackage as Uint8Array;
    digest = packageDigest(config.networkId, encoded);
  });

  const elsewhere = (network: Uint8Array) => ({ network, digest: packageDigest(network, encoded) });

  const partiesOf = (...names: string[]): number[] => {
    const nodes = [...committee.members.values()].map(({ key }) => toHex(key.publicKey)).toSorted();
    return names.map((name) => nodes.indexOf(toHex(committee.at(name).key.publicKey)) + 1).toSorted((a, b) => a - b);
  };

  test.for<[string, () => Partial<ExportProposal>, string]>([
    ['for another network', () => elsewhere(new Uint8Array(32)), 'denied'],
    ['that nobody signed', () => ({ signature: new Uint8Array(64) }), 'denied'],
    ['that has expired', () => ({ expires: 1 }), 'expired'],
    ['for no key', () => ({ key: 'nothing' }), 'key-unknown'],
    ['of another epoch', () => ({ epoch: 7 }), 'denied'],
    ['of another package', () => ({ digest: new Uint8Array(32) }), 'denied'],
    ['by too few', () => ({ signers: partiesOf('alice', 'bob') }), 'invalid'],
    ['without who asks', () => ({ signers: partiesOf('bob', 'carol', 'dave') }), 'invalid'],
    ['without this node', () => ({ signers: partiesOf('alice', 'carol', 'dave') }), 'invalid'],
    ['by a stranger', () => ({ signers: [...partiesOf('alice', 'bob', 'carol'), 9] }), 'invalid'],
    ['out of order', () => ({ signers: partiesOf('alice', 'bob', 'carol').toReversed() }), 'invalid'],
  ])('%s is refused', async ([, change, code]) => {
    const unsigned = {
      network: committee.at('alice').config.networkId,
      key: 'treasury',
      epoch: 1,
      digest,
      signers: partiesOf('alice', 'bob', 'carol'),
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32),
    };
    const { signature, ...rest } = change();
    const signed = exportProposals.sign({ ...unsigned, ...rest }, committee.at('alice').key);
    const body = wire.encode(exportProposals.codec, { ...signed, ...(signature && { signature }) });
    const before = (await committee.audit('bob')).length;
    committee.say('alice', 'bob', { type: 'request', value: { kind: kinds.export, body } });
    await committee.run(20);
    expect((await committee.audit('bob')).slice(before)).toEqual([`export-refused: ${code}`]);
  });

  test('of a frozen key, or by a banned member, is refused', async () => {
    const bob = committee.at('bob');
    await bob.node.freeze('treasury', true);
    const frozen = await exported(committee, { helpers: ['bob', 'carol'] });
    expect(frozen.failure?.reason).toMatch(/bob: the key treasury is frozen/);
    await bob.node.freeze('treasury', false);
    await bob.home.bans.ban({ node: committee.at('alice').key.publicKey, session: new Uint8Array(32), time: 1 });
    expect((await exported(committee, { helpers: ['bob', 'carol'] })).failure?.reason).toMatch(/alice is banned/);
  });
});
