import {
  decodeEnvelope,
  fromBytesBE,
  frost,
  groupOf,
  kinds,
  type Scheme,
  Secret,
  sealEnvelope,
  seeded,
  toBytesBE,
  toHex,
  wire,
} from '@quorate/protocol';
import { beforeAll, describe, expect, test } from 'vitest';
import { Committee, type Member, type Tamper } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import { type ImportProposal, importProposals } from '../policy/import-proposal.ts';
import type { CeremonyView, ImportOrder } from '../service.ts';
import { nativeTools } from '../tools.ts';

const names = ['alice', 'bob', 'carol'];
const { groups } = nativeTools();
const scalar = fromBytesBE(seeded(new Uint8Array(1)).bytes(31));
const hashed = { type: 'hashed', value: { hash: 'sha256', message: new Uint8Array(3) } } as const;
const secretOf = (value = scalar): Secret => new Secret(toBytesBE(value, 32));

function orderOf(scheme: Scheme, change: Partial<ImportOrder> = {}): ImportOrder {
  const suite = frost.suiteOf(scheme, groups);
  const tweak = { type: scheme === 'taproot' ? 'key-path-only' : 'none', value: new Uint8Array(0) } as const;
  const publicKey = toHex(frost.outputKey(suite, { groupKey: suite.group.multiplyBase(scalar), tweak }));
  return { name: 'treasury', scheme, publicKey, ...change };
}

async function imported(committee: Committee, order: ImportOrder, at = 'alice'): Promise<CeremonyView> {
  const { id } = await committee.at(at).node.importKey(order, secretOf());
  await committee.until(
    () => names.every((name) => ['done', 'failed'].includes(committee.ceremony(name, id)?.state ?? '')),
    120_000,
  );
  return committee.ceremony(at, id) as CeremonyView;
}

const current = (committee: Committee, name: string) => committee.at(name).home.keys.byName('treasury')?.current;

describe('an import', () => {
  test.for(['ed25519', 'taproot', 'ecdsa'] as const)(
    'of an %s key: signs under the old public key, once it was dealt anew, and not before',
    async (scheme) => {
      const committee = await Committee.open(3, `import ${scheme}`);
      const order = orderOf(scheme);
      const done = await imported(committee, order);
      expect(done).toMatchObject({ kind: 'import', result: { type: 'key', publicKey: order.publicKey, epoch: 1 } });
      for (const name of names)
        expect(await committee.at(name).node.key('treasury')).toMatchObject({ imported: true, epoch: 1 });
      const intent = scheme === 'ecdsa' ? { intent: hashed } : {};
      const bob = committee.at('bob').node;
      expect((await bob.health()).keys).toMatchObject([
        { signable: false, problem: expect.stringMatching(/^imported/) },
      ]);
      const { notes } = await bob.previewReshare('treasury', { threshold: 3 });
      expect(notes.join()).toMatch(/it signs nothing until/);
      await expect(committee.at('bob').node.sign(committee.order('early', intent))).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(/was imported/),
      });

      await committee.until(() => names.every((name) => current(committee, name)?.epoch === 2), 60_000);
      const signed = await committee.sign('bob', committee.order('after', intent), 60_000);
      expect(signed).toMatchObject({ state: 'done', result: { publicKey: order.publicKey } });
      // It stays what it was for ever.
      expect(await committee.at('carol').node.key('treasury')).toMatchObject({ imported: true, epoch: 2 });
      for (const { fatal, log } of committee.members.values()) {
        expect(fatal).toEqual([]);
        expect(log.join()).not.toContain(toHex(toBytesBE(scalar, 32)));
      }
      await committee.run(2 * limits.readyInterval);
      expect(await committee.audit('bob')).toEqual(expect.arrayContaining(['import-approved', 'epoch-shredded']));
    },
  );

  test('is refreshed by the others if the importer is gone for a while, and signs nothing until then', async () => {
    const committee = await Committee.open(3, 'importer gone');
    await imported(committee, orderOf('ed25519'));
    await committee.stop(committee.at('alice'));
    await committee.run(limits.importedRefresh + limits.refreshTick);
    await expect(committee.at('bob').node.sign(committee.order('early'))).rejects.toMatchObject({ code: 'denied' });
    await committee.start(committee.at('alice'));
    await committee.until(() => names.every((name) => current(committee, name)?.epoch === 2), 1_000_000);
    expect((await committee.sign('bob', committee.order('after'))).state).toBe('done');
  });

  test('says what its threshold gives up, and so does the key', async () => {
    const committee = await Committee.open(3, 'trade');
    const { id, proposal } = await imported(committee, orderOf('ed25519', { threshold: 3 }));
    const trade =
      '3 of 3 sign: none may be away, fewer than the 2 that may be corrupt, and any 3 that are corrupt can forge';
    expect([proposal?.trade, committee.ceremony('bob', id)?.proposal?.trade]).toEqual([trade, trade]);
    expect(await committee.at('carol').node.key('treasury')).toMatchObject({ trade });
  });

  test('of another key than the operator means is refused, and of what is no key', async () => {
    const committee = await Committee.open(3, 'mismatch');
    const { node } = committee.at('alice');
    for (const secret of [secretOf(scalar + 1n), secretOf(0n), secretOf(2n ** 256n - 1n)])
      await expect(node.importKey(orderOf('ed25519'), secret)).rejects.toMatchObject({ code: 'invalid' });
    expect(node.ceremonies()).toEqual([]);
  });

  test('leaves nothing of the secret behind, whether it works or not', async () => {
    const committee = await Committee.open(3, 'wiped');
    const { node } = committee.at('alice');
    const given = secretOf();
    const { id } = await node.importKey(orderOf('ed25519'), given);
    expect(() => given.use((bytes) => bytes)).toThrow();
    await committee.until(() => names.every((name) => committee.ceremony(name, id)?.state === 'done'));
    const again = secretOf();
    await expect(node.importKey(orderOf('ed25519'), again)).rejects.toMatchObject({ code: 'name-taken' });
    expect(() => again.use((bytes) => bytes)).toThrow();
  });

  test('waits for operators who want to be asked, and not for those who want none of it', async () => {
    const committee = await Committee.open(3, 'import asks');
    Object.assign(committee.at('bob').config, { accept: { default: 'ask', proposers: {} } });
    const { id } = await committee.at('alice').node.importKey(orderOf('ed25519'), secretOf());
    await committee.run(1_000);
    expect(committee.ceremony('bob', id)).toMatchObject({ needsAccept: true, proposal: { proposer: 'alice' } });
    await committee.at('bob').node.cancel(id);
    await committee.run(50);
    expect(committee.ceremony('alice', id)?.failure?.code).toBe('denied');
  });

  test('whose dealer lies about the key names it, and leaves no key', async () => {
    const committee = await Committee.open(3, 'lying importer');
    const alice = committee.at('alice');
    alice.tamper = badShare(alice);
    const { id } = await alice.node.importKey(orderOf('ed25519'), secretOf());
    await committee.until(
      () => ['bob', 'carol'].every((name) => committee.ceremony(name, id)?.state === 'failed'),
      90_000,
    );
    for (const name of ['bob', 'carol']) {
      expect(committee.ceremony(name, id)?.failure).toMatchObject({
        code: 'cheated',
        culprits: [{ name: 'alice' }, { name: 'alice' }],
      });
      expect(committee.at(name).home.keys.list()).toEqual([]);
    }
  });
});

/** What the dealer seals in the first round, changed, and signed again. */
const badShare =
  (member: Member): Tamper =>
  (frame) => {
    if (frame.type !== 'envelope') return [frame];
    const envelope = decodeEnvelope(frame.value);
    if (envelope.kind !== kinds.import || envelope.round !== 0 || envelope.class !== 'direct') return [frame];
    const payload = envelope.payload.map((byte, i) => (i === envelope.payload.length - 3 ? byte ^ 1 : byte));
    return [{ type: 'envelope', value: sealEnvelope(envelope, envelope.echo, payload, member.key).frame }];
  };

describe('a proposal to import', () => {
  let committee: Committee;
  beforeAll(async () => {
    committee = await Committee.open(3, 'import proposals');
  });

  /** @param left who is no member of the key */
  const say = async (change: Partial<ImportProposal>, left?: string): Promise<readonly string[]> => {
    const { config, key } = committee.at('alice');
    const members = [...committee.members.values()]
      .filter(({ name }) => name !== left)
      .map((member) => member.key.publicKey)
      .toSorted(Buffer.compare)
      .map((node, i) => ({ party: i + 1, node }));
    const group = groupOf('ed25519', groups);
    const unsigned = {
      network: config.networkId,
      name: 'treasury',
      scheme: 'ed25519' as const,
      purpose: 'general',
      threshold: 2,
      lowThreshold: 0,
      members,
      epoch: 1,
      tweak: { type: 'none' as const, value: new Uint8Array(0) },
      expires: committee.clock.now() + 60_000,
      nonce: new Uint8Array(32),
      groupKey: group.encodePoint(group.multiplyBase(scalar)),
      chainCode: new Uint8Array(32),
    };
    const signed = importProposals.sign(
      { ...unsigned, ...change },
      change.proposer === undefined ? key : committee.at('carol').key,
    );
    const body = wire.encode(importProposals.codec, {
      ...signed,
      ...(change.signature && { signature: change.signature }),
    });
    const before = (await committee.audit('bob')).length;
    committee.say('alice', 'bob', { type: 'request', value: { kind: kinds.import, body } });
    await committee.run(20);
    return (await committee.audit('bob')).slice(before);
  };

  test.for<[string, Partial<ImportProposal>, string]>([
    ['for another network', { network: new Uint8Array(32) }, 'denied'],
    ['that nobody signed', { signature: new Uint8Array(64) }, 'denied'],
    ['that has expired', { expires: 1 }, 'expired'],
    ['of what is no point', { groupKey: new Uint8Array(32).fill(0xff) }, 'invalid'],
    ['of the identity', { groupKey: Uint8Array.of(1, ...new Uint8Array(31)) }, 'invalid'],
    ['with a threshold of one', { threshold: 1 }, 'invalid'],
    ['of no attempt', { epoch: 0 }, 'invalid'],
  ])('%s is refused', async ([, change, code]) => {
    expect(await say(change)).toEqual([`import-refused: ${code}`]);
  });

  test('by somebody who will not hold a share is refused', async () => {
    expect(await say({}, 'alice')).toEqual(['import-refused: invalid']);
  });
});
