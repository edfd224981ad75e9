import { fromBytesBE, frost, type Secret, toHex } from '@quorate/protocol';
import { describe, expect, test } from 'vitest';
import { Committee, type Member } from '../../test/committee.ts';
import { limits } from '../limits.ts';
import { nativeTools } from '../tools.ts';

const { groups } = nativeTools();

async function committeeOf(seed: string, scheme: 'ed25519' | 'taproot' | 'ecdsa'): Promise<Committee> {
  const committee = await Committee.open(3, seed, { export: 'enabled' });
  await committee.key({ scheme });
  await committee.run(limits.refreshPause);
  return committee;
}

const isExported = (member: Member): boolean | undefined => member.home.keys.byName('treasury')?.exported;

/** The private key of what two members give away. */
async function combined(committee: Committee, scheme: 'ed25519' | 'taproot'): Promise<Secret> {
  const suite = frost.suiteOf(scheme, groups);
  const packages: frost.ZfKeyPackage[] = [];
  for (const name of ['carol', 'alice']) {
    const { keyPackage } = await committee.at(name).node.keyPackage('treasury');
    packages.push(keyPackage.use((bytes) => frost.decodeZfKeyPackage(suite, bytes)));
  }
  return frost.combineZfKeyPackages(suite, packages);
}

describe('key packages for other software', () => {
  test.for(['ed25519', 'taproot'] as const)(
    'of %s: those of a quorum make the key, and each is recorded and marked at its node',
    async (scheme) => {
      const committee = await committeeOf(`packages ${scheme}`, scheme);
      const suite = frost.suiteOf(scheme, groups);
      using secret = await combined(committee, scheme);
      const { publicKey } = await committee.at('bob').node.key('treasury');
      expect(toHex(suite.encodePublic(suite.group.multiplyBase(secret.use(fromBytesBE))))).toBe(publicKey);
      expect(['alice', 'bob', 'carol'].map((name) => isExported(committee.at(name)))).toEqual([true, false, true]);
      expect(await committee.audit('alice')).toContain('share-exported');
      expect(await committee.audit('bob')).not.toContain('share-exported');

      const { keyPackage, publicKeyPackage } = await committee.at('bob').node.keyPackage('treasury');
      const own = JSON.parse(keyPackage.use((bytes) => new TextDecoder().decode(bytes)));
      const common = JSON.parse(publicKeyPackage);
      expect(common).toMatchObject({ verifying_key: own.verifying_key, min_signers: 2 });
      expect(common.verifying_shares[own.identifier]).toBe(own.verifying_share);
      for (const { log, fatal } of committee.members.values()) {
        expect(fatal).toEqual([]);
        expect(log.join()).not.toContain(own.signing_share);
      }
    },
  );

  test('are imported as a key with the same public key', async () => {
    const committee = await committeeOf('packages there and back', 'ed25519');
    const { publicKey } = await committee.at('alice').node.key('treasury');
    const order = { name: 'again', scheme: 'ed25519', publicKey } as const;
    const { id } = await committee.at('alice').node.importKey(order, await combined(committee, 'ed25519'));
    await committee.until(() => committee.ceremony('alice', id)?.state === 'done', 60_000);
    expect(await committee.at('alice').node.key('again')).toMatchObject({ publicKey, imported: true });
  });

  test('leave no node before it has recorded and marked it', async () => {
    const committee = await committeeOf('packages in order', 'ed25519');
    const { home, node } = committee.at('alice');
    const marks: unknown[] = [];
    const { share } = home.keys;
    home.keys.share = async (...args) => {
      marks.push(isExported(committee.at('alice')), (await committee.audit('alice')).includes('share-exported'));
      return await share.apply(home.keys, args);
    };
    (await node.keyPackage('treasury')).keyPackage.wipe();
    expect(marks).toEqual([true, true]);
  });

  test('are refused where that is not switched on, of frozen keys, and of keys that nobody else could read', async () => {
    const committee = await committeeOf('packages refused', 'ecdsa');
    const alice = committee.at('alice');
    const refusal = async (): Promise<unknown> =>
      await alice.node.keyPackage('treasury').catch(({ code }: { code: string }) => code);
    expect(await refusal()).toBe('invalid');
    await alice.node.freeze('treasury', true);
    expect(await refusal()).toBe('denied');
    await alice.node.freeze('treasury', false);
    Object.assign(alice.config, { export: 'disabled' });
    expect(await refusal()).toBe('denied');
    expect(isExported(alice)).toBe(false);
    expect(await committee.audit('alice')).not.toContain('share-exported');
    await expect(alice.node.keyPackage('nothing')).rejects.toMatchObject({ code: 'denied' });
  });
});
