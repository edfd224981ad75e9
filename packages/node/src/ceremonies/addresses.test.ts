import { fromHex, p2tr, solanaAddress } from '@quorate/protocol';
import { expect, test } from 'vitest';
import { Committee } from '../../test/committee.ts';

const certifying = new Set(['ready', 'certificate', 'activated']);

test('addresses are told of keys that will last only', async () => {
  const committee = await Committee.open(2, 'addresses');
  const { node } = committee.at('alice');
  for (const member of committee.members.values()) {
    member.tamper = (frame) => (certifying.has(frame.type) ? [] : [frame]);
  }
  const { id } = await node.keygen({ name: 'treasury', scheme: 'ed25519' });
  await committee.until(() => committee.ceremony('alice', id)?.state === 'confirming');
  await expect(node.addresses('treasury', 'm', 'mainnet')).rejects.toMatchObject({ code: 'key-unknown' });
  for (const member of committee.members.values()) member.tamper = undefined;
  await committee.until(() => committee.ceremony('alice', id)?.state === 'done');
  const { publicKey } = await node.key('treasury');
  const addresses = [{ kind: 'solana', address: solanaAddress(fromHex(publicKey)) }];
  expect(await node.addresses('treasury', 'm', 'mainnet')).toEqual({ path: 'm', publicKey, addresses });
  await expect(node.addresses('nobody', 'm', 'mainnet')).rejects.toMatchObject({ code: 'key-unknown' });
});

test('what is paid to a Taproot key is spent by its signatures: the address is of the key after its tweak', async () => {
  const committee = await Committee.open(3, 'taproot address');
  await committee.key({ scheme: 'taproot' });
  const { node } = committee.at('bob');
  // Signatures verify under this key (committee.test.ts), which is not the one that is shared.
  const { publicKey, tweak } = await node.key('treasury');
  expect(tweak).toBe('key-path-only');
  const addresses = [{ kind: 'p2tr', address: p2tr(fromHex(publicKey), 'testnet') }];
  expect(await node.addresses('treasury', 'm', 'testnet')).toEqual({ path: 'm', publicKey, addresses });
  await expect(node.addresses('treasury', 'm/0', 'testnet')).rejects.toMatchObject({ code: 'invalid' });
});
